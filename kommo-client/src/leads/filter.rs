//! Which leads to list.

use time::OffsetDateTime;

use super::LeadWith;
use crate::{
    id::{LeadId, PipelineId, StatusId, UserId},
    page::PAGE,
    query::Query,
};

/// Which leads to list, and in which order.
///
/// An account without the API filter ignores filters
/// ([`Account::is_api_filter_enabled`](crate::Account::is_api_filter_enabled)): compare what comes.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LeadFilter {
    ids: Vec<LeadId>,
    names: Vec<String>,
    price: Option<u64>,
    status: Option<(PipelineId, StatusId)>,
    pipeline_id: Option<PipelineId>,
    responsible_user_id: Option<UserId>,
    created_by: Option<UserId>,
    updated_by: Option<UserId>,
    created: Range,
    updated: Range,
    closed: Range,
    closest_task: Range,
    query: Option<String>,
    only_deleted: bool,
    with: Vec<LeadWith>,
    order: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Range {
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
}

impl LeadFilter {
    /// All leads that are not in the trash.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lead with this id; several calls add up.
    pub fn id(mut self, id: LeadId) -> Self {
        self.ids.push(id);
        self
    }

    /// Leads of exactly this name; several calls add up.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Leads of exactly this price, in whole units.
    pub fn price(mut self, price: u64) -> Self {
        self.price = Some(price);
        self
    }

    /// Leads in this stage. Kommo takes one stage, and only together with its pipeline.
    pub fn status(mut self, pipeline: PipelineId, status: StatusId) -> Self {
        self.status = Some((pipeline, status));
        self
    }

    /// Leads in this pipeline.
    pub fn pipeline(mut self, id: PipelineId) -> Self {
        self.pipeline_id = Some(id);
        self
    }

    /// Leads of this user.
    pub fn responsible_user(mut self, id: UserId) -> Self {
        self.responsible_user_id = Some(id);
        self
    }

    /// Leads that this user made. 0 is Kommo itself, or the API.
    pub fn created_by(mut self, id: UserId) -> Self {
        self.created_by = Some(id);
        self
    }

    /// Leads that this user changed last. 0 is Kommo itself, or the API.
    pub fn updated_by(mut self, id: UserId) -> Self {
        self.updated_by = Some(id);
        self
    }

    /// Leads made at this time or later, to the second.
    pub fn created_from(mut self, time: OffsetDateTime) -> Self {
        self.created.from = Some(time);
        self
    }

    /// Leads made at this time or before, to the second.
    pub fn created_to(mut self, time: OffsetDateTime) -> Self {
        self.created.to = Some(time);
        self
    }

    /// Leads changed at this time or later, to the second.
    pub fn updated_from(mut self, time: OffsetDateTime) -> Self {
        self.updated.from = Some(time);
        self
    }

    /// Leads changed at this time or before, to the second.
    pub fn updated_to(mut self, time: OffsetDateTime) -> Self {
        self.updated.to = Some(time);
        self
    }

    /// Leads closed at this time or later, to the second.
    pub fn closed_from(mut self, time: OffsetDateTime) -> Self {
        self.closed.from = Some(time);
        self
    }

    /// Leads closed at this time or before, to the second.
    pub fn closed_to(mut self, time: OffsetDateTime) -> Self {
        self.closed.to = Some(time);
        self
    }

    /// Leads whose next task is due at this time or later, to the second.
    pub fn closest_task_from(mut self, time: OffsetDateTime) -> Self {
        self.closest_task.from = Some(time);
        self
    }

    /// Leads whose next task is due at this time or before, to the second.
    pub fn closest_task_to(mut self, time: OffsetDateTime) -> Self {
        self.closest_task.to = Some(time);
        self
    }

    /// Leads in whose filled fields this text occurs, by Kommo's own search.
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.query = Some(text.into());
        self
    }

    /// Leads in the trash, and only those; they come with few fields.
    pub fn only_deleted(mut self) -> Self {
        self.only_deleted = true;
        self
    }

    /// Has each lead tell this, too; several calls add up.
    pub fn with(mut self, with: LeadWith) -> Self {
        self.with.push(with);
        self
    }

    /// The oldest first, by id: the order in which a list stays complete while leads are added.
    pub fn by_id(mut self) -> Self {
        self.order = Some(("order[id]", "asc"));
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

    /// Those changed last first.
    pub fn last_updated_first(mut self) -> Self {
        self.order = Some(("order[updated_at]", "desc"));
        self
    }

    pub(super) fn to_query(&self, with: &str) -> Query {
        let mut query = Query::default();
        for id in &self.ids {
            query.push("filter[id][]", id);
        }
        for name in &self.names {
            query.push("filter[name][]", name);
        }
        if let Some(price) = self.price {
            query.push("filter[price]", price);
        }
        if let Some((pipeline, status)) = self.status {
            query.push("filter[statuses][0][pipeline_id]", pipeline);
            query.push("filter[statuses][0][status_id]", status);
        }
        if let Some(id) = self.pipeline_id {
            query.push("filter[pipeline_id][]", id);
        }
        for (key, user) in [
            ("filter[responsible_user_id][]", self.responsible_user_id),
            ("filter[created_by][]", self.created_by),
            ("filter[updated_by][]", self.updated_by),
        ] {
            if let Some(user) = user {
                query.push(key, user);
            }
        }
        for (range, from, to) in [
            (self.created, "filter[created_at][from]", "filter[created_at][to]"),
            (self.updated, "filter[updated_at][from]", "filter[updated_at][to]"),
            (self.closed, "filter[closed_at][from]", "filter[closed_at][to]"),
            (self.closest_task, "filter[closest_task_at][from]", "filter[closest_task_at][to]"),
        ] {
            for (key, time) in [(from, range.from), (to, range.to)] {
                if let Some(time) = time {
                    query.push_time(key, time);
                }
            }
        }
        if let Some(text) = &self.query {
            query.push("query", text);
        }
        if let Some((key, direction)) = self.order {
            query.push(key, direction);
        }
        let deleted = if self.only_deleted { ",only_deleted" } else { "" };
        let with = LeadWith::join(with, &self.with);
        query.with("with", format_args!("{with}{deleted}")).with("limit", PAGE)
    }
}
