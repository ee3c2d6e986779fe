//! Which contacts or companies to list.

use time::OffsetDateTime;

use crate::{id::UserId, page::PAGE, query::Query};

/// What both filters hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct PersonFilter {
    pub(crate) ids: Vec<u64>,
    pub(crate) name: Option<String>,
    pub(crate) responsible_user_id: Option<UserId>,
    pub(crate) created_by: Option<UserId>,
    pub(crate) updated_by: Option<UserId>,
    pub(crate) updated_from: Option<OffsetDateTime>,
    pub(crate) updated_to: Option<OffsetDateTime>,
    pub(crate) closest_task_from: Option<OffsetDateTime>,
    pub(crate) closest_task_to: Option<OffsetDateTime>,
    pub(crate) query: Option<String>,
    pub(crate) with: Vec<&'static str>,
    pub(crate) order: Option<(&'static str, &'static str)>,
}

impl PersonFilter {
    pub(crate) fn to_query(&self, with: &str) -> Query {
        let mut query = Query::default();
        for id in &self.ids {
            query.push("filter[id][]", id);
        }
        if let Some(name) = &self.name {
            query.push("filter[name][]", name);
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
        for (key, time) in [
            ("filter[updated_at][from]", self.updated_from),
            ("filter[updated_at][to]", self.updated_to),
            ("filter[closest_task_at][from]", self.closest_task_from),
            ("filter[closest_task_at][to]", self.closest_task_to),
        ] {
            if let Some(time) = time {
                query.push_time(key, time);
            }
        }
        if let Some(text) = &self.query {
            query.push("query", text);
        }
        let (key, direction) = self.order.unwrap_or(("order[id]", "asc"));
        query
            .with("with", joined(with, self.with.iter().copied()))
            .with(key, direction)
            .with("limit", PAGE)
    }
}

/// `base`, and these after it.
pub(crate) fn joined(base: &str, with: impl Iterator<Item = &'static str>) -> String {
    with.fold(base.to_owned(), |all, with| format!("{all},{with}"))
}

/// A public filter of its own name for each of the two.
macro_rules! person_filter {
    ($(#[$meta:meta])* $name:ident of $id:ty, with $with:ty) => {
        $(#[$meta])*
        ///
        /// The oldest come first, by id: the order in which a list stays complete while some are added. An account without
        /// the API filter ignores filters
        /// ([`Account::is_api_filter_enabled`](crate::Account::is_api_filter_enabled)): compare what comes.
        #[derive(Clone, Debug, Default)]
        #[must_use]
        pub struct $name($crate::person_filter::PersonFilter);

        impl $name {
            /// All of them.
            pub fn new() -> Self {
                Self::default()
            }

            /// The one with this id; several calls add up.
            pub fn id(mut self, id: $id) -> Self {
                self.0.ids.push(id.get());
                self
            }

            /// Those of exactly this name.
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.0.name = Some(name.into());
                self
            }

            /// Those of this user.
            pub fn responsible_user(mut self, id: $crate::id::UserId) -> Self {
                self.0.responsible_user_id = Some(id);
                self
            }

            /// Those that this user made. 0 is Kommo itself, or the API.
            pub fn created_by(mut self, id: $crate::id::UserId) -> Self {
                self.0.created_by = Some(id);
                self
            }

            /// Those that this user changed last. 0 is Kommo itself, or the API.
            pub fn updated_by(mut self, id: $crate::id::UserId) -> Self {
                self.0.updated_by = Some(id);
                self
            }

            /// Those changed at this time or later, to the second.
            pub fn updated_from(mut self, time: time::OffsetDateTime) -> Self {
                self.0.updated_from = Some(time);
                self
            }

            /// Those changed at this time or before, to the second.
            pub fn updated_to(mut self, time: time::OffsetDateTime) -> Self {
                self.0.updated_to = Some(time);
                self
            }

            /// Those whose next task is due at this time or later, to the second.
            pub fn closest_task_from(mut self, time: time::OffsetDateTime) -> Self {
                self.0.closest_task_from = Some(time);
                self
            }

            /// Those whose next task is due at this time or before, to the second.
            pub fn closest_task_to(mut self, time: time::OffsetDateTime) -> Self {
                self.0.closest_task_to = Some(time);
                self
            }

            /// Those in whose filled fields this text occurs, by Kommo's own search.
            pub fn search(mut self, text: impl Into<String>) -> Self {
                self.0.query = Some(text.into());
                self
            }

            /// Has each tell this, too; several calls add up.
            pub fn with(mut self, with: $with) -> Self {
                self.0.with.push(with.as_str());
                self
            }

            /// The newest first, by id.
            pub fn newest_first(mut self) -> Self {
                self.0.order = Some(("order[id]", "desc"));
                self
            }

            /// Those changed last first.
            pub fn last_updated_first(mut self) -> Self {
                self.0.order = Some(("order[updated_at]", "desc"));
                self
            }
        }
    };
}

pub(crate) use person_filter;
