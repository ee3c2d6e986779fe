use std::{fmt, ops::Range, sync::Arc};

use serde_core::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::{
    DataError, Environment, EventData, EventId, EventType, NotificationId, ParseError,
    envelope::Envelope,
};

/// An event: the envelope that every delivery has, and the body it came in.
///
/// It owns its body, which is the one allocation it makes; clones share it. Paddle delivers at least once and in
/// any order: deduplicate on [`id`](Self::id), and let [`occurred_at`](Self::occurred_at) decide which of two
/// events about one entity is newer.
#[derive(Clone)]
pub struct Event {
    body: Arc<str>,
    data: Range<usize>,
    id: EventId,
    event_type: EventType,
    occurred_at: OffsetDateTime,
    notification_id: Option<NotificationId>,
    environment: Environment,
    marked_test: bool,
}

impl Event {
    /// Reads a body that was verified before: one that comes back from a store of one's own.
    ///
    /// What comes over the network goes through a [`Verifier`](crate::Verifier) instead.
    ///
    /// # Errors
    /// [`ParseError`] where the body is not an event. Nothing will make it one: keep it aside for a person.
    pub fn from_trusted(body: &[u8], environment: Environment) -> Result<Self, ParseError> {
        let body =
            str::from_utf8(body).map_err(|_| ParseError::other("the body is not UTF-8 text"))?;
        let envelope = Envelope::read(body)?;
        Ok(Self {
            body: body.into(),
            data: envelope.data,
            id: envelope.event_id,
            event_type: envelope.event_type,
            occurred_at: envelope.occurred_at,
            notification_id: envelope.notification_id,
            environment,
            marked_test: envelope.marked_test,
        })
    }

    /// The id of the event, the same for every attempt, destination and replay. Deduplicate on it.
    #[must_use]
    pub fn id(&self) -> &EventId {
        &self.id
    }

    /// What happened.
    #[must_use]
    pub fn event_type(&self) -> &EventType {
        &self.event_type
    }

    /// When it happened, in UTC and at the precision Paddle sent.
    ///
    /// Two events of one entity may share an instant: compare with `>=`, and decide ties by content.
    #[must_use]
    pub fn occurred_at(&self) -> OffsetDateTime {
        self.occurred_at
    }

    /// The id of this event's way to this destination. `GET /events` has none.
    #[must_use]
    pub fn notification_id(&self) -> Option<&NotificationId> {
        self.notification_id.as_ref()
    }

    /// The environment of the secret that verified the delivery. Nothing in the body says it.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Whether Paddle's webhook simulator made it: its data is made up, and the same in every run.
    ///
    /// A simulated delivery is signed with the real secret; the prefix of its event id is all that tells it apart.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.id.as_str().starts_with("ntfsimevt_")
    }

    /// Whether the envelope has `"test": true`.
    ///
    /// Paddle documents no such key, and no delivery with it is known; but code that relies on it is around, so
    /// whoever marks an event so means it.
    #[must_use]
    pub fn is_marked_test(&self) -> bool {
        self.marked_test
    }

    /// The whole body, byte for byte as it came.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The JSON text of `data`, byte for byte as it came. It is a snapshot from the time of the event.
    #[must_use]
    pub fn raw_data(&self) -> &str {
        // The range was taken from this very text.
        self.body.get(self.data.clone()).unwrap_or_default()
    }

    /// Reads `data` as the type of the event says.
    ///
    /// An event type without a name here is no error: it is [`EventData::Unknown`] with its JSON.
    ///
    /// # Errors
    /// [`DataError`] where a known type has data of an unexpected shape. The event is authentic and stays whole:
    /// keep it for a person, or read [`raw_data`](Self::raw_data).
    pub fn data(&self) -> Result<EventData, DataError> {
        EventData::of(self)
    }

    pub(crate) fn typed<T: DeserializeOwned>(&self) -> Result<Box<T>, DataError> {
        let raw = self.raw_data();
        // serde would take an array for the fields in their order.
        if !raw.starts_with('{') {
            return Err(DataError::not_an_object(self.id.clone(), self.event_type.clone()));
        }
        serde_json::from_str(raw)
            .map(Box::new)
            .map_err(|error| DataError::json(self.id.clone(), self.event_type.clone(), raw, &error))
    }

    pub(crate) fn unknown(&self) -> UnknownEvent {
        UnknownEvent {
            event_type: self.event_type.clone(),
            body: self.body.clone(),
            data: self.data.clone(),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("occurred_at", &self.occurred_at)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// The data of an event whose type has no entity in this version of the crate: its JSON, untouched.
#[derive(Clone)]
pub struct UnknownEvent {
    event_type: EventType,
    body: Arc<str>,
    data: Range<usize>,
}

impl UnknownEvent {
    /// The type of the event.
    #[must_use]
    pub fn event_type(&self) -> &EventType {
        &self.event_type
    }

    /// The JSON text of `data`, byte for byte as it came.
    #[must_use]
    pub fn raw_data(&self) -> &str {
        self.body.get(self.data.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownEvent").field("event_type", &self.event_type).finish_non_exhaustive()
    }
}
