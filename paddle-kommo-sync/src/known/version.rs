use paddle_webhook::Event;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Which snapshot of an entity is the newer one. By time first; Paddle's own streams have ties to the microsecond,
/// so the content decides them, and the id of the event what is left: any order of arrival ends in the same state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Version {
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    updated_at: Option<OffsetDateTime>,
    rank: u8,
    event_id: String,
}

impl Version {
    /// When the snapshot was so.
    pub(super) fn at(&self) -> OffsetDateTime {
        self.occurred_at
    }

    pub(super) fn new(event: &Event, updated_at: Option<OffsetDateTime>, status: &str) -> Self {
        let occurred_at = event.occurred_at();
        Self {
            occurred_at,
            updated_at,
            rank: rank(status),
            event_id: event.id().as_str().to_owned(),
        }
    }
}

/// How far along a status is, where two snapshots of one moment differ in nothing else.
fn rank(status: &str) -> u8 {
    const STATUSES: [&str; 14] = [
        "draft",
        "ready",
        "billed",
        "trialing",
        "pending_approval",
        "active",
        "approved",
        "past_due",
        "paused",
        "paid",
        "completed",
        "rejected",
        "reversed",
        "canceled",
    ];
    STATUSES.iter().zip(1..).find(|(name, _)| **name == status).map_or(0, |(_, rank)| rank)
}
