//! What became of the deliveries.

use std::fmt;

use paddle_webhook::{Environment, Event, EventType, NotificationId, ParseError};
use serde::Deserialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::{
    client::Client,
    customers::PAGE,
    error::Error,
    page::{Pages, entity},
    query::{Query, path},
    settings::NotificationSettingId,
    transport::Method,
};

/// What became of the deliveries of the last 90 days: see [`Client::notifications`].
#[derive(Clone, Debug)]
pub struct Notifications(Client);

/// One event on its way to one destination.
#[non_exhaustive]
#[derive(Clone, Deserialize)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// The type of the event.
    #[serde(default, rename = "type")]
    pub event_type: Option<EventType>,
    /// `not_attempted`, `needs_retry`, `delivered`, `failed`, or what Paddle invents.
    #[serde(default)]
    pub status: Option<String>,
    /// `event`, or `replay` of one.
    #[serde(default)]
    pub origin: Option<String>,
    /// How often it was tried.
    #[serde(default)]
    pub times_attempted: Option<u32>,
    /// When it arrived.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub delivered_at: Option<OffsetDateTime>,
    /// When a replay of it was asked for.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub replayed_at: Option<OffsetDateTime>,
    /// When it was last tried.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_attempt_at: Option<OffsetDateTime>,
    /// When it is tried again.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub retry_at: Option<OffsetDateTime>,
    /// The destination.
    #[serde(default)]
    pub notification_setting_id: Option<NotificationSettingId>,
    #[serde(default)]
    payload: Option<Box<RawValue>>,
}

impl Notification {
    /// Whether Paddle gave up on it.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.status.as_deref() == Some("failed")
    }

    /// Whether Paddle takes a replay of it: a replay of a replay it does not, nor one that is under way.
    #[must_use]
    pub fn can_be_replayed(&self) -> bool {
        self.origin.as_deref() == Some("event")
            && matches!(self.status.as_deref(), Some("delivered" | "failed"))
    }

    /// The event that was to be delivered; none where Paddle sent no payload.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the payload is no event.
    #[must_use]
    pub fn event(&self, environment: Environment) -> Option<Result<Event, ParseError>> {
        let payload = self.payload.as_ref()?;
        Some(Event::from_trusted(payload.get().as_bytes(), environment))
    }
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("status", &self.status)
            .field("times_attempted", &self.times_attempted)
            .finish_non_exhaustive()
    }
}

/// Which notifications to list: all, unless narrowed.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct NotificationFilter {
    setting: Option<NotificationSettingId>,
    statuses: Vec<String>,
    times: Vec<(&'static str, OffsetDateTime)>,
    entity: Option<String>,
}

impl NotificationFilter {
    /// All of the last 90 days.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those that Paddle gave up on.
    pub fn failed() -> Self {
        Self::new().status("failed")
    }

    /// Those with this status, and with others that are named.
    pub fn status(mut self, status: &str) -> Self {
        self.statuses.push(status.to_owned());
        self
    }

    /// Those to this destination.
    pub fn setting(mut self, id: &NotificationSettingId) -> Self {
        self.setting = Some(id.clone());
        self
    }

    /// Those from then on.
    pub fn from(mut self, time: OffsetDateTime) -> Self {
        self.times.push(("from", time));
        self
    }

    /// Those until then.
    pub fn to(mut self, time: OffsetDateTime) -> Self {
        self.times.push(("to", time));
        self
    }

    /// Those about this transaction, customer or subscription.
    pub fn about(mut self, id: &str) -> Self {
        self.entity = Some(id.to_owned());
        self
    }
}

impl Notifications {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// Notifications that the filter lets through, the oldest first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](super::ErrorKind::InvalidRequest) when a time of the filter cannot be written.
    pub fn list(&self, filter: &NotificationFilter) -> Result<Pages<Notification>, Error> {
        let mut query = Query::default();
        if let Some(setting) = &filter.setting {
            query.push("notification_setting_id", setting.as_str());
        }
        query.push_list("status", &filter.statuses);
        for (key, time) in &filter.times {
            query.push_time(key, *time)?;
        }
        if let Some(entity) = &filter.entity {
            query.push("filter", entity);
        }
        let query = query.with("order_by", "id[ASC]").with("per_page", PAGE);
        Ok(Pages::new(self.0.clone(), "/notifications", query, entity))
    }

    /// Has Paddle deliver it once more, as a new notification of the same event, whose id is returned.
    ///
    /// # Errors
    ///
    /// `notification_cannot_replay` or `notification_replay_invalid_origin_type` as [`Error::code`]: see
    /// [`Notification::can_be_replayed`]. It needs the permission `notification.write`. After
    /// [`Fate::Unknown`](super::Fate::Unknown) it may come: to ask again does no harm, as events are told apart by their id.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future the replay may come.
    pub async fn replay(&self, id: &NotificationId) -> Result<NotificationId, Error> {
        #[derive(Deserialize)]
        struct Replayed {
            notification_id: NotificationId,
        }
        let path = path(&["notifications", id.as_str(), "replay"])?;
        let replayed: Replayed = self.0.write(Method::Post, path, None::<&()>).await?;
        Ok(replayed.notification_id)
    }
}
