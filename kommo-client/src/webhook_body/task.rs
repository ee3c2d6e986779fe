//! Tasks in webhooks.

use time::OffsetDateTime;

use super::values::{flag, number, positive, text, time};
use crate::{
    form::FormNode,
    id::{TaskId, TaskTypeId, UserId},
};

/// A task in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookTask {
    /// Its id.
    pub id: TaskId,
    /// What is to be done.
    pub text: Option<String>,
    /// What was to be done before.
    pub old_text: Option<String>,
    /// Its kind.
    pub task_type_id: Option<TaskTypeId>,
    /// What it is a task of.
    pub element_id: Option<u64>,
    /// The kind of that: 1 is a contact, 2 a lead, 3 a company.
    pub element_type: Option<u64>,
    /// Whether it is done.
    pub is_completed: Option<bool>,
    /// Whether it was this change that completed it.
    pub was_completed_now: Option<bool>,
    /// What came of it.
    pub result: Option<String>,
    /// Who has to do it.
    pub responsible_user_id: Option<UserId>,
    /// When it is due.
    pub complete_before: Option<OffsetDateTime>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
}

pub(super) fn task(item: &FormNode) -> Option<WebhookTask> {
    Some(WebhookTask {
        id: TaskId::new(positive(item, "id")?),
        text: text(item, "text"),
        old_text: text(item, "old_text"),
        task_type_id: positive(item, "task_type").map(TaskTypeId::new),
        element_id: positive(item, "element_id"),
        element_type: positive(item, "element_type"),
        is_completed: number(item, "status").map(|status| status == 1),
        was_completed_now: flag(item, "action_close"),
        result: item.get("result").and_then(|result| text(result, "text")),
        responsible_user_id: number(item, "responsible_user_id").map(UserId::new),
        complete_before: time(item, "complete_before"),
        updated_at: time(item, "updated_at"),
    })
}
