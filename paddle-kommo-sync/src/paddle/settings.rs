//! Where Paddle delivers to.

use std::fmt;

use paddle_webhook::EventType;
use serde::Deserialize;

use super::{
    client::Client,
    error::Error,
    events::EventTypeInfo,
    page::{Pages, Unread, entity},
    query::{Query, path},
};

/// Where Paddle delivers to: see [`Client::notification_settings`].
#[derive(Clone, Debug)]
pub struct NotificationSettings(Client);

/// Id of a notification setting (`ntfset_`), which Paddle's dashboard calls a destination.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(transparent)]
pub struct NotificationSettingId(String);

impl NotificationSettingId {
    /// The text as Paddle writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for NotificationSettingId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for NotificationSettingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A destination. Its secret, which Paddle sends along, is not kept.
#[non_exhaustive]
#[derive(Clone, Deserialize)]
pub struct NotificationSetting {
    /// Its id.
    pub id: NotificationSettingId,
    /// For the seller.
    #[serde(default)]
    pub description: Option<String>,
    /// `url` or `email`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The address. It may hold a secret of its own, so it is not part of `Debug`.
    #[serde(default)]
    pub destination: Option<String>,
    /// Whether anything is delivered.
    #[serde(default)]
    pub active: bool,
    /// `platform`, `simulation` or `all`.
    #[serde(default)]
    pub traffic_source: Option<String>,
    /// The types that are delivered.
    #[serde(default, deserialize_with = "event_types")]
    pub subscribed_events: Vec<EventType>,
}

impl NotificationSetting {
    /// Whether real events of this type are delivered there.
    #[must_use]
    pub fn delivers(&self, event_type: &EventType) -> bool {
        self.active
            && self.traffic_source.as_deref() != Some("simulation")
            && self.subscribed_events.contains(event_type)
    }

    /// Those of the needed types that are not delivered there: Paddle adds new types to no destination by itself.
    #[must_use]
    pub fn missing<'a>(&self, needed: &'a [EventType]) -> Vec<&'a EventType> {
        needed.iter().filter(|event_type| !self.delivers(event_type)).collect()
    }
}

impl fmt::Debug for NotificationSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotificationSetting")
            .field("id", &self.id)
            .field("active", &self.active)
            .field("traffic_source", &self.traffic_source)
            .finish_non_exhaustive()
    }
}

fn event_types<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<EventType>, D::Error> {
    let types: Option<Vec<EventTypeInfo>> = Option::deserialize(deserializer)?;
    Ok(types.unwrap_or_default().into_iter().filter_map(EventTypeInfo::into_type).collect())
}

impl NotificationSettings {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// All destinations, those that are switched off included.
    ///
    /// # Errors
    ///
    /// As every call. It needs the permission `notification_setting.read`.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn list(&self) -> Result<Vec<Result<NotificationSetting, Unread>>, Error> {
        let query = Query::default().with("per_page", "200");
        Pages::new(self.0.clone(), "/notification-settings", query, entity).all().await
    }

    /// One destination; `None` where Paddle knows none of this id.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn get(
        &self,
        id: &NotificationSettingId,
    ) -> Result<Option<NotificationSetting>, Error> {
        self.0.find(path(&["notification-settings", id.as_str()])?, Query::default()).await
    }
}
