//! Tasks.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    entity::EntityType,
    error::Error,
    id::{TaskId, TaskTypeId, UserId},
    page::{self, Pages, Row, RowKey},
    query::Query,
    wire::{lenient, or_default, timestamp},
};

mod filter;
mod write;

pub use filter::TaskFilter;
pub use write::{NewTask, TaskPatch};

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
    /// As [`Leads::update`](crate::Leads::update): when a later request fails, the patches of earlier ones (250 each) may
    /// have been written, whatever the error's fate.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[TaskPatch]) -> Result<Vec<Updated<TaskId>>, Error> {
        batch::update(&self.client, PATH, Task::KEY, patches, TaskPatch::id).await
    }

    /// Adds tasks, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order.
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

    /// Changes tasks, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in the
    /// order of the patches.
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

    /// The tasks that pass the filter, page by page, for lists too long to be held. On accounts that ignore filters there
    /// are others among them: compare what comes.
    pub fn list_pages(&self, filter: &TaskFilter) -> Pages<Task> {
        Pages::new(self.client.clone(), PATH.to_owned(), filter.to_query())
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
