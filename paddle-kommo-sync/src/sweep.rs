//! What never arrived: the types that are needed, what a look at Paddle's events found, and what is wrong with the
//! deliveries.

use std::fmt;

use paddle_webhook::EventType;

use crate::{
    error::StoreError,
    paddle::{self, NotificationSettingId},
};

/// The types that the rules need, in the order of the documentation: see [`Sync::needed_events`](crate::Sync::needed_events).
const NEEDED: [&str; 13] = [
    "transaction.completed",
    "transaction.payment_failed",
    "transaction.past_due",
    "subscription.created",
    "subscription.trialing",
    "subscription.activated",
    "subscription.updated",
    "subscription.past_due",
    "subscription.paused",
    "subscription.resumed",
    "subscription.canceled",
    "adjustment.created",
    "adjustment.updated",
];

pub(crate) fn needed() -> Vec<EventType> {
    NEEDED.into_iter().map(EventType::from).collect()
}

/// What a sweep found: see [`Sync::sweep`](crate::Sync::sweep).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Events of the needed types that were looked at.
    pub read: usize,
    /// Those that had never arrived, and are in the inbox now.
    pub taken: usize,
    /// Those that cannot be read at all. Each is in the log.
    pub unreadable: usize,
}

/// Something is wrong with the way by which Paddle's webhooks come: see [`Sync::alarms`](crate::Sync::alarms).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alarm {
    /// Paddle has no destination that could be ours: nothing is delivered.
    NoDestination,
    /// The destination is switched off: nothing is delivered.
    Inactive(NotificationSettingId),
    /// The destination does not get events that the rules need.
    NotSubscribed {
        /// The destination.
        destination: NotificationSettingId,
        /// What it does not get.
        types: Vec<EventType>,
    },
    /// Attempts to deliver have failed within the last hour.
    Failing {
        /// The destination.
        destination: NotificationSettingId,
        /// So many events are under way or given up.
        events: usize,
    },
}

impl Alarm {
    /// The stable code, for example `not_subscribed`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoDestination => "no_destination",
            Self::Inactive(_) => "inactive",
            Self::NotSubscribed { .. } => "not_subscribed",
            Self::Failing { .. } => "failing",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDestination => {
                f.write_str("Paddle has no notification destination: make one for /paddle/webhook")
            }
            Self::Inactive(id) => {
                write!(f, "destination {id} is switched off: switch it on in Paddle's dashboard")
            }
            Self::NotSubscribed { destination, types } => {
                write!(f, "destination {destination} does not get")?;
                types.iter().try_for_each(|name| write!(f, " {}", name.as_str()))?;
                f.write_str(": subscribe it to them in Paddle's dashboard")
            }
            Self::Failing { destination, events } => write!(
                f,
                "{events} deliveries to destination {destination} failed within the last hour: \
                 look at the address, the proxy and the secret"
            ),
        }
    }
}

/// Paddle's events could not be looked through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// Paddle does not tell. What was read so far is kept; the next call goes on there.
    #[error("Paddle does not tell its events")]
    Paddle(#[source] paddle::Error),
    /// The store fails.
    #[error("the store fails")]
    Store(#[source] StoreError),
}

impl From<paddle::Error> for SweepError {
    fn from(error: paddle::Error) -> Self {
        Self::Paddle(error)
    }
}

impl From<StoreError> for SweepError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
