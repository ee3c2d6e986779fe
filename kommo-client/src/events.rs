//! The log of what happened in an account: the best there is for catching up on lost webhooks.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    client::Client,
    error::Error,
    id::UserId,
    page::{self, Pages, Row, RowKey},
    path,
    query::Query,
    wire::{lenient, or_default, timestamp},
};

const PATH: &str = "/api/v4/events";

/// amoCRM gives 100 in a page where Kommo gives 250.
const PAGE: usize = 100;

/// The events of an account; from [`Client::events`].
#[derive(Clone, Debug)]
pub struct Events {
    client: Client,
}

impl Events {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The events that pass the filter, the newest first, page by page.
    pub fn list(&self, filter: &EventFilter) -> Pages<Event> {
        Pages::new(self.client.clone(), PATH.to_owned(), filter.to_query())
    }

    /// The event with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: &str) -> Result<Option<Event>, Error> {
        match self.client.find(path::of(&["events", id])?, Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// The types of events there are, in this language: `en`, `es`, `pt` or `ru`.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn types(&self, language: &str) -> Result<Vec<EventKind>, Error> {
        let query = Query::default().with("language_code", language);
        page::all(&self.client, format!("{PATH}/types"), query).await
    }
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct EventFilter {
    types: Vec<String>,
    created_by: Vec<UserId>,
    entity: Option<(String, Vec<u64>)>,
    created_from: Option<OffsetDateTime>,
    created_to: Option<OffsetDateTime>,
}

impl EventFilter {
    /// All events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Events of this type, such as `lead_status_changed`; several calls add up.
    pub fn event_type(mut self, event_type: impl Into<String>) -> Self {
        self.types.push(event_type.into());
        self
    }

    /// Events that this user caused; ten calls at most add up. 0 is Kommo itself.
    pub fn created_by(mut self, user: UserId) -> Self {
        self.created_by.push(user);
        self
    }

    /// Events of these entities, ten at most, of one kind in the singular, such as `lead`.
    pub fn entities(mut self, entity_type: impl Into<String>, ids: &[u64]) -> Self {
        self.entity = Some((entity_type.into(), ids.to_vec()));
        self
    }

    /// Events at this time or later, to the second.
    pub fn created_from(mut self, time: OffsetDateTime) -> Self {
        self.created_from = Some(time);
        self
    }

    /// Events at this time or before, to the second.
    pub fn created_to(mut self, time: OffsetDateTime) -> Self {
        self.created_to = Some(time);
        self
    }

    fn to_query(&self) -> Query {
        let mut query = Query::default();
        for event_type in &self.types {
            query.push("filter[type][]", event_type);
        }
        for user in &self.created_by {
            query.push("filter[created_by][]", user);
        }
        if let Some((entity_type, ids)) = &self.entity {
            query.push("filter[entity][]", entity_type);
            for id in ids {
                query.push("filter[entity_id][]", id);
            }
        }
        if let Some(time) = self.created_from {
            query.push_time("filter[created_at][from]", time);
        }
        if let Some(time) = self.created_to {
            query.push_time("filter[created_at][to]", time);
        }
        query.with("limit", PAGE)
    }
}

/// An event.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Its id: text, unlike all others of Kommo's.
    pub id: String,
    /// What happened.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub event_type: String,
    /// To what.
    #[serde(default, deserialize_with = "lenient")]
    pub entity_id: Option<u64>,
    /// The kind of that, in the singular.
    #[serde(default, deserialize_with = "or_default")]
    pub entity_type: String,
    /// Who did it.
    #[serde(default, deserialize_with = "lenient")]
    pub created_by: Option<UserId>,
    /// When.
    #[serde(default, deserialize_with = "timestamp")]
    pub created_at: Option<OffsetDateTime>,
    /// What was before, in the shape of the type.
    #[serde(default)]
    pub value_before: Value,
    /// What is since, in the shape of the type.
    #[serde(default)]
    pub value_after: Value,
}

/// A type of events.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct EventKind {
    /// What [`Event::event_type`] and [`EventFilter::event_type`] call it.
    pub key: String,
    /// What people call it.
    #[serde(default, rename = "lang", deserialize_with = "or_default")]
    pub name: String,
}

impl Row for EventKind {
    const KEY: &'static str = "events_types";

    fn row_key(&self) -> RowKey {
        RowKey::Text(self.key.clone())
    }
}

impl Row for Event {
    const KEY: &'static str = "events";

    fn row_key(&self) -> RowKey {
        RowKey::Text(self.id.clone())
    }
}
