//! Which tasks to list.

use time::OffsetDateTime;

use super::Task;
use crate::{
    entity::EntityType,
    id::{LeadId, TaskId, TaskTypeId, UserId},
    page::PAGE,
    query::Query,
};

/// Which tasks to list.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TaskFilter {
    ids: Vec<TaskId>,
    entity: Option<(EntityType, u64)>,
    is_completed: Option<bool>,
    task_type_id: Option<TaskTypeId>,
    responsible_user_id: Option<UserId>,
    updated_from: Option<OffsetDateTime>,
    updated_to: Option<OffsetDateTime>,
    order: Option<(&'static str, &'static str)>,
}

impl TaskFilter {
    /// All tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The task with this id; several calls add up.
    pub fn id(mut self, id: TaskId) -> Self {
        self.ids.push(id);
        self
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

    /// Tasks changed at this time or before, to the second.
    pub fn updated_to(mut self, time: OffsetDateTime) -> Self {
        self.updated_to = Some(time);
        self
    }

    /// The newest first, by id.
    pub fn newest_first(mut self) -> Self {
        self.order = Some(("order[id]", "desc"));
        self
    }

    /// Those made last first, by when they are said to have been made, which a writer may choose.
    pub fn last_created_first(mut self) -> Self {
        self.order = Some(("order[created_at]", "desc"));
        self
    }

    /// Those due first, first.
    pub fn first_due_first(mut self) -> Self {
        self.order = Some(("order[complete_till]", "asc"));
        self
    }

    pub(super) fn to_query(&self) -> Query {
        let mut query = Query::default();
        for id in &self.ids {
            query.push("filter[id][]", id);
        }
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
        if let Some(time) = self.updated_to {
            query.push_time("filter[updated_at][to]", time);
        }
        let (key, direction) = self.order.unwrap_or(("order[id]", "asc"));
        query.with(key, direction).with("limit", PAGE)
    }

    /// Accounts may ignore filters; a task of another deal must not pass for one of this.
    pub(super) fn admits(&self, task: &Task) -> bool {
        let entity = self.entity.as_ref().is_none_or(|(entity_type, id)| {
            task.entity_id == Some(*id) && task.entity_type.as_ref() == Some(entity_type)
        });
        let named = self.ids.is_empty() || self.ids.contains(&task.id);
        named
            && entity
            && self.is_completed.is_none_or(|is_completed| task.is_completed == is_completed)
    }
}
