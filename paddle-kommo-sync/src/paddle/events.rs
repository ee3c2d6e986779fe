//! What happened in the last 90 days.

use std::error::Error as StdError;

use paddle_webhook::{Event, EventId, EventType};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{client::Client, customers::PAGE, error::Error, page::Pages, query::Query};

/// What happened in the last 90 days: see [`Client::events`].
#[derive(Clone, Debug)]
pub struct Events(Client);

/// Which events to list: all, unless narrowed.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct EventFilter {
    after: Option<EventId>,
    types: Vec<EventType>,
    newest_first: bool,
}

impl EventFilter {
    /// All of the last 90 days.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those with a later id than this.
    ///
    /// Ids are not strictly in the order of `occurred_at`: go back some hours from the last one that was seen.
    pub fn after(mut self, id: &EventId) -> Self {
        self.after = Some(id.clone());
        self
    }

    /// The newest first: for a look at the end of a long list. [`after`](Self::after) then means earlier ones.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Those of this type, and of others that are named.
    pub fn event_type(mut self, event_type: EventType) -> Self {
        self.types.push(event_type);
        self
    }
}

impl Events {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// Events in the order of their ids, the oldest first unless told otherwise. Each is as it was delivered, but for `notification_id`, which it does not have.
    ///
    /// It needs the permission `notification.read`.
    pub fn list(&self, filter: &EventFilter) -> Pages<Event> {
        let mut query = Query::default();
        if let Some(after) = &filter.after {
            query.push("after", after.as_str());
        }
        let types: Vec<_> = filter.types.iter().map(EventType::as_str).collect();
        query.push_list("event_type", &types);
        let order = if filter.newest_first { "id[DESC]" } else { "id[ASC]" };
        let query = query.with("order_by", order).with("per_page", PAGE);
        Pages::new(self.0.clone(), "/events", query, event)
    }

    /// The types that Paddle sends. No permission is needed.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn types(&self) -> Result<Vec<EventType>, Error> {
        let types: Vec<EventTypeInfo> = self.0.get_list("/event-types").await?;
        Ok(types.into_iter().filter_map(EventTypeInfo::into_type).collect())
    }
}

/// It is read as if it had been delivered: the API's word is as good as a signature.
fn event(client: &Client, raw: &RawValue) -> Result<Event, Box<dyn StdError + Send + Sync>> {
    Ok(Event::from_trusted(raw.get().as_bytes(), client.environment())?)
}

/// A type as Paddle describes it; its bare name is read too.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum EventTypeInfo {
    Described { name: String },
    Name(String),
    Other(serde::de::IgnoredAny),
}

impl EventTypeInfo {
    pub(super) fn into_type(self) -> Option<EventType> {
        match self {
            Self::Described { name } | Self::Name(name) => Some(EventType::from(name.as_str())),
            Self::Other(_) => None,
        }
    }
}
