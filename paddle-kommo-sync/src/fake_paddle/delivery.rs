//! Destinations, notifications and attempts; what is due, and what comes of an attempt. The sending is in `post`.

use paddle_webhook::{Environment, SecretKey, sign};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::post::{self, Heard};
use super::schedule;
use super::state::{State, str_of};
use super::time::{machine, text};

/// The types that the fake says it has. It makes no events of trials and pauses.
pub(super) const EVENT_TYPES: [&str; 23] = [
    "address.created",
    "adjustment.created",
    "adjustment.updated",
    "customer.created",
    "subscription.activated",
    "subscription.canceled",
    "subscription.created",
    "subscription.past_due",
    "subscription.paused",
    "subscription.resumed",
    "subscription.trialing",
    "subscription.updated",
    "transaction.billed",
    "transaction.canceled",
    "transaction.completed",
    "transaction.created",
    "transaction.paid",
    "transaction.past_due",
    "transaction.payment_failed",
    "transaction.ready",
    "transaction.revised",
    "transaction.updated",
    "customer.updated",
];

/// A notification setting.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) secret: SecretKey,
    pub(super) active: bool,
    pub(super) types: Vec<String>,
}

impl Setting {
    pub(super) fn wants(&self, event_type: &str) -> bool {
        self.active && self.types.iter().any(|wanted| wanted == event_type)
    }

    pub(super) fn to_json(&self) -> Value {
        let types: Vec<Value> = self
            .types
            .iter()
            .map(|name| json!({"name": name, "description": "", "group": "", "available_versions": [1]}))
            .collect();
        json!({
            "id": self.id, "description": "FakePaddle", "type": "url", "destination": self.url,
            "active": self.active, "api_version": 1, "include_sensitive_fields": false,
            "traffic_source": "platform", "subscribed_events": types,
            "endpoint_secret_key": "pdl_ntfset_not_told_by_the_fake",
        })
    }
}

/// One event on its way to one destination.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) id: String,
    /// The position of its event.
    pub(super) event: usize,
    pub(super) setting: String,
    pub(super) origin: &'static str,
    status: &'static str,
    attempts: u32,
    due: Option<OffsetDateTime>,
    last_attempt_at: Option<OffsetDateTime>,
    delivered_at: Option<OffsetDateTime>,
    pub(super) replayed_at: Option<OffsetDateTime>,
}

impl Notice {
    pub(super) fn new(
        id: String,
        event: usize,
        setting: String,
        origin: &'static str,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            event,
            setting,
            origin,
            status: "not_attempted",
            attempts: 0,
            due: Some(now),
            last_attempt_at: None,
            delivered_at: None,
            replayed_at: None,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.status, "delivered" | "failed")
    }

    pub(super) fn to_json(&self, events: &[Value]) -> Value {
        let event = events.get(self.event).cloned().unwrap_or_default();
        let retry_at = self.due.filter(|_| self.status == "needs_retry");
        json!({
            "id": self.id, "type": event.get("event_type"), "status": self.status,
            "payload": self.payload(&event), "occurred_at": event.get("occurred_at"),
            "delivered_at": self.delivered_at.map(text), "replayed_at": self.replayed_at.map(text),
            "origin": self.origin, "last_attempt_at": self.last_attempt_at.map(text),
            "retry_at": retry_at.map(text), "times_attempted": self.attempts,
            "notification_setting_id": self.setting,
        })
    }

    fn payload(&self, event: &Value) -> Value {
        let mut payload = event.clone();
        if let Value::Object(payload) = &mut payload {
            payload.insert("notification_id".to_owned(), Value::from(self.id.clone()));
        }
        payload
    }

    fn attempted(&mut self, now: OffsetDateTime, arrived: bool, environment: Environment) {
        self.attempts = self.attempts.saturating_add(1);
        self.last_attempt_at = Some(now);
        if arrived {
            self.delivered_at = self.delivered_at.or(Some(now));
            (self.status, self.due) = ("delivered", None);
        } else if self.status == "delivered" {
            // A second copy that did not arrive changes nothing.
            self.due = None;
        } else if self.attempts > schedule::retries(environment) {
            (self.status, self.due) = ("failed", None);
        } else {
            let gap = Duration::try_from(schedule::gap(self.attempts)).unwrap_or(Duration::MAX);
            (self.status, self.due) = ("needs_retry", Some(now.saturating_add(gap)));
        }
    }
}

/// In which order deliveries that are due leave. Paddle promises none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Order {
    /// As the events happened.
    #[default]
    AsHappened,
    /// The latest first.
    Reversed,
    /// By chance, but the same for the same seed.
    Shuffled(u64),
}

/// One attempt to deliver a notification.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// When, by the fake's clock.
    pub at: OffsetDateTime,
    /// The notification.
    pub notification_id: String,
    /// Its event.
    pub event_id: String,
    /// The type of the event.
    pub event_type: String,
    /// The notification setting, which is where it went.
    pub setting_id: String,
    /// The status of the answer; `None` where none came within five seconds, or that was to be lost.
    pub status: Option<u16>,
}

impl Attempt {
    /// Whether it counts as delivered: any 2xx.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..=299).contains(&status))
    }
}

/// An attempt that is to be made.
pub(super) struct Outgoing {
    notice: String,
    pub(super) url: String,
    pub(super) body: Vec<u8>,
    pub(super) signature: String,
    attempt: Attempt,
}

impl State {
    /// When the next delivery is due; `None` when none is under way.
    pub(super) fn next_due(&self) -> Option<OffsetDateTime> {
        self.notices.iter().filter_map(|notice| notice.due).min()
    }

    /// The notifications that are due now, in the order in which they leave.
    pub(super) fn due(&self) -> Vec<String> {
        let now = self.now();
        let mut due: Vec<&Notice> =
            self.notices.iter().filter(|notice| notice.due.is_some_and(|due| due <= now)).collect();
        due.sort_by_key(|notice| (notice.due, notice.event));
        match self.order {
            Order::AsHappened => {}
            Order::Reversed => due.reverse(),
            Order::Shuffled(seed) => due.sort_by_key(|notice| scatter(seed, &notice.id)),
        }
        due.into_iter().map(|notice| notice.id.clone()).collect()
    }

    /// Every attempt is signed afresh. While the fake's clock follows the machine's, and is ahead of it, the signature has
    /// the machine's time: a real server must take it.
    pub(super) fn outgoing(&self, id: &str) -> Option<Outgoing> {
        let notice = self.notices.iter().find(|notice| notice.id == id)?;
        let setting = self.settings.iter().find(|setting| setting.id == notice.setting)?;
        let event = self.events.get(notice.event)?;
        let body = post::ascii_json(&notice.payload(event)).into_bytes();
        let signed_at = if self.time.is_stopped() { self.now() } else { machine() };
        let signature = sign(&setting.secret, &body, signed_at).to_string();
        let attempt = Attempt {
            at: self.now(),
            notification_id: notice.id.clone(),
            event_id: str_of(event, "event_id").to_owned(),
            event_type: str_of(event, "event_type").to_owned(),
            setting_id: setting.id.clone(),
            status: None,
        };
        Some(Outgoing {
            notice: notice.id.clone(),
            url: setting.url.clone(),
            body,
            signature,
            attempt,
        })
    }

    pub(super) fn heard(&mut self, outgoing: Outgoing, heard: Heard) -> Attempt {
        let mut attempt = outgoing.attempt;
        attempt.status = heard;
        if attempt.status.is_some() && self.answers_to_lose > 0 {
            self.answers_to_lose = self.answers_to_lose.saturating_sub(1);
            attempt.status = None;
        }
        let environment = self.environment;
        let found = self.notices.iter_mut().find(|notice| notice.id == outgoing.notice);
        if let Some(notice) = found {
            notice.attempted(attempt.at, attempt.is_delivered(), environment);
        }
        self.attempts.push(attempt.clone());
        attempt
    }

    /// Makes all notifications of an event due once more.
    pub(super) fn deliver_again(&mut self, event_id: &str) {
        let now = self.now();
        let event = self.events.iter().position(|event| str_of(event, "event_id") == event_id);
        for notice in &mut self.notices {
            if Some(notice.event) == event {
                notice.due = Some(now);
            }
        }
    }
}

/// FNV-1a: some order that has nothing to do with that of the ids.
fn scatter(seed: u64, id: &str) -> u64 {
    id.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(17)
    })
}
