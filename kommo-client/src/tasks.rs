//! Tasks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    entity::EntityType,
    error::Error,
    id::{LeadId, TaskId, TaskTypeId, UserId},
    page::{self, PAGE, Row, RowKey},
    query::Query,
    wire::{lenient, or_default, timestamp, write_timestamp},
};

const PATH: &str = "/api/v4/tasks";

/// The tasks of an account; from [`Client::tasks`].
#[derive(Clone, Debug)]
pub struct Tasks {
    client: Client,
}

impl Tasks {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Adds tasks, up to 250, in one request. The answers come in the order of the tasks; no tasks, no request.
    ///
    /// # Errors
    ///
    /// Kommo has no idempotency key. After [`Fate::Unknown`](crate::Fate::Unknown) look with [`Tasks::list`] for what
    /// should be there before sending it again. More than 250 tasks are
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, tasks: &[NewTask]) -> Result<Vec<Created<TaskId>>, Error> {
        batch::create(&self.client, PATH, Task::KEY, tasks).await
    }

    /// Changes tasks, up to 250 in one request, and more in several. The answers come in the order of the patches.
    ///
    /// # Errors
    ///
    /// As [`Leads::update`](crate::Leads::update).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[TaskPatch]) -> Result<Vec<Updated<TaskId>>, Error> {
        batch::update(&self.client, PATH, Task::KEY, patches, TaskPatch::id).await
    }

    /// Adds tasks, 50 in one request, and says what became of each, in their order.
    ///
    /// Nothing is sent twice: when Kommo refuses some of a request, the others of it are [`ItemOutcome::Unknown`].
    /// A failure that is not about items ends the work, and what was still to be sent is [`ItemOutcome::NotDone`].
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, tasks: &[NewTask]) -> Vec<ItemOutcome<Created<TaskId>>> {
        batch::create_each(&self.client, PATH, Task::KEY, tasks).await
    }

    /// Changes tasks, 50 in one request, and says what became of each, in the order of the patches.
    ///
    /// Items that Kommo refuses are taken out and the others sent again, since writing the same state twice is harmless.
    /// Unlike [`update`](Self::update) it has no errors: a failure that is not about items ends the work, and what was
    /// still to be sent is [`ItemOutcome::NotDone`].
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_each(&self, patches: &[TaskPatch]) -> Vec<ItemOutcome<Updated<TaskId>>> {
        batch::update_each(&self.client, PATH, Task::KEY, patches, TaskPatch::id).await
    }

    /// The task with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: TaskId) -> Result<Option<Task>, Error> {
        self.client.find(format!("{PATH}/{id}"), Query::default()).await
    }

    /// All tasks that pass the filter.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self, filter: &TaskFilter) -> Result<Vec<Task>, Error> {
        let mut tasks: Vec<Task> =
            page::all(&self.client, PATH.to_owned(), filter.to_query()).await?;
        tasks.retain(|task| filter.admits(task));
        Ok(tasks)
    }
}

/// Which tasks to list.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TaskFilter {
    entity: Option<(EntityType, u64)>,
    is_completed: Option<bool>,
    task_type_id: Option<TaskTypeId>,
    responsible_user_id: Option<UserId>,
    updated_from: Option<OffsetDateTime>,
    newest_first: bool,
}

impl TaskFilter {
    /// All tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tasks of this lead.
    pub fn lead(self, id: LeadId) -> Self {
        self.entity(EntityType::Leads, id.get())
    }

    /// Tasks of this entity.
    pub fn entity(mut self, entity_type: EntityType, id: u64) -> Self {
        self.entity = Some((entity_type, id));
        self
    }

    /// Tasks that are done, or those that are not.
    pub fn completed(mut self, is_completed: bool) -> Self {
        self.is_completed = Some(is_completed);
        self
    }

    /// Tasks of this kind.
    pub fn task_type(mut self, id: TaskTypeId) -> Self {
        self.task_type_id = Some(id);
        self
    }

    /// Tasks of this user.
    pub fn responsible_user(mut self, id: UserId) -> Self {
        self.responsible_user_id = Some(id);
        self
    }

    /// Tasks changed at this time or later, to the second.
    pub fn updated_from(mut self, time: OffsetDateTime) -> Self {
        self.updated_from = Some(time);
        self
    }

    /// The newest first, by id.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    fn to_query(&self) -> Query {
        let mut query = Query::default();
        if let Some((entity_type, id)) = &self.entity {
            query.push("filter[entity_type]", entity_type);
            query.push("filter[entity_id][]", id);
        }
        if let Some(is_completed) = self.is_completed {
            query.push("filter[is_completed]", u8::from(is_completed));
        }
        if let Some(id) = self.task_type_id {
            // Not `task_type_id`, which is the name of the field (page "Tasks").
            query.push("filter[task_type][]", id);
        }
        if let Some(id) = self.responsible_user_id {
            query.push("filter[responsible_user_id][]", id);
        }
        if let Some(time) = self.updated_from {
            query.push_time("filter[updated_at][from]", time);
        }
        query.with("order[id]", if self.newest_first { "desc" } else { "asc" }).with("limit", PAGE)
    }

    /// Accounts may ignore filters; a task of another deal must not pass for one of this.
    fn admits(&self, task: &Task) -> bool {
        let entity = self.entity.as_ref().is_none_or(|(entity_type, id)| {
            task.entity_id == Some(*id) && task.entity_type.as_ref() == Some(entity_type)
        });
        entity && self.is_completed.is_none_or(|is_completed| task.is_completed == is_completed)
    }
}

/// A task to add.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewTask {
    text: String,
    #[serde(serialize_with = "write_timestamp")]
    complete_till: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type_id: Option<TaskTypeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_type: Option<EntityType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responsible_user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
}

impl NewTask {
    /// A task of no entity, due at `complete_till` (to the second).
    pub fn new(text: impl Into<String>, complete_till: OffsetDateTime) -> Self {
        Self {
            text: text.into(),
            complete_till: Some(complete_till),
            task_type_id: None,
            entity_id: None,
            entity_type: None,
            responsible_user_id: None,
            duration: None,
        }
    }

    /// Makes it a task of this lead.
    pub fn lead(self, id: LeadId) -> Self {
        self.entity(EntityType::Leads, id.get())
    }

    /// Makes it a task of this entity.
    pub fn entity(mut self, entity_type: EntityType, id: u64) -> Self {
        self.entity_type = Some(entity_type);
        self.entity_id = Some(id);
        self
    }

    /// Sets the kind; left out, Kommo makes it a follow-up.
    pub fn task_type(mut self, id: TaskTypeId) -> Self {
        self.task_type_id = Some(id);
        self
    }

    /// Sets who has to do it; left out, it is the token's user.
    pub fn responsible_user(mut self, id: UserId) -> Self {
        self.responsible_user_id = Some(id);
        self
    }

    /// Sets how long it takes, in seconds.
    pub fn duration_seconds(mut self, seconds: u64) -> Self {
        self.duration = Some(seconds);
        self
    }
}

/// A change of one task. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct TaskPatch {
    id: TaskId,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_timestamp")]
    complete_till: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type_id: Option<TaskTypeId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responsible_user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_completed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<TaskResult>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct TaskResult {
    text: String,
}

impl TaskPatch {
    /// A change of the task `id` that changes nothing yet.
    pub fn new(id: TaskId) -> Self {
        Self {
            id,
            text: None,
            complete_till: None,
            task_type_id: None,
            responsible_user_id: None,
            is_completed: None,
            result: None,
        }
    }

    /// Completes the task, with what came of it.
    pub fn complete(mut self, result: impl Into<String>) -> Self {
        self.is_completed = Some(true);
        self.result = Some(TaskResult { text: result.into() });
        self
    }

    /// Sets the text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Sets when it is due, to the second.
    pub fn complete_till(mut self, time: OffsetDateTime) -> Self {
        self.complete_till = Some(time);
        self
    }

    /// Sets the kind.
    pub fn task_type(mut self, id: TaskTypeId) -> Self {
        self.task_type_id = Some(id);
        self
    }

    /// Sets who has to do it.
    pub fn responsible_user(mut self, id: UserId) -> Self {
        self.responsible_user_id = Some(id);
        self
    }

    /// Leaves who has to do it as it is.
    pub fn clear_responsible_user(&mut self) {
        self.responsible_user_id = None;
    }

    /// The task that is changed.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }
}

/// A task.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What is to be done.
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
    /// When it is due.
    #[serde(default, deserialize_with = "timestamp")]
    pub complete_till: Option<OffsetDateTime>,
    /// Whether it is done.
    #[serde(default, deserialize_with = "or_default")]
    pub is_completed: bool,
    /// Its kind.
    #[serde(default, deserialize_with = "lenient")]
    pub task_type_id: Option<TaskTypeId>,
    /// What it is a task of, if of anything.
    #[serde(default, deserialize_with = "lenient")]
    pub entity_id: Option<u64>,
    /// The kind of that.
    #[serde(default, deserialize_with = "lenient")]
    pub entity_type: Option<EntityType>,
    /// Who has to do it.
    #[serde(default, deserialize_with = "lenient")]
    pub responsible_user_id: Option<UserId>,
    /// Who made it.
    #[serde(default, deserialize_with = "lenient")]
    pub created_by: Option<UserId>,
    /// When it was made.
    #[serde(default, deserialize_with = "timestamp")]
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed last.
    #[serde(default, deserialize_with = "timestamp")]
    pub updated_at: Option<OffsetDateTime>,
    /// What came of it: `{"text": …}`, or `[]` while there is nothing.
    #[serde(default)]
    pub result: Value,
}

impl Task {
    /// What came of it, as text.
    #[must_use]
    pub fn result_text(&self) -> Option<&str> {
        self.result.get("text")?.as_str()
    }
}

impl Row for Task {
    const KEY: &'static str = "tasks";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}
