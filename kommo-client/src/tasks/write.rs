//! Tasks to add and to change.

use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    entity::EntityType,
    id::{LeadId, TaskId, TaskTypeId, UserId},
    wire::write_timestamp,
};

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
