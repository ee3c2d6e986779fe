//! Events that Paddle does not tell any more, made from what its entities say now: it keeps events for 90 days, and
//! transactions for ever.
//!
//! Such an event has an id that follows from the entity, so it is made once however often history is read, and the rules
//! know by it what it is: it adds no tasks, and says nothing about a payment that Paddle's own event has told.

use paddle_webhook::{Adjustment, Subscription, Transaction};
use serde_json::value::RawValue;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// No event of Paddle's begins like this: those are `evt_…`, and `ntfsimevt_…` from its simulator.
const PREFIX: &str = "history_";

/// Whether an event of this id was made from history.
pub(crate) fn is_made(event_id: &str) -> bool {
    event_id.starts_with(PREFIX)
}

/// The id of the event that is made of a completed transaction.
pub(crate) fn completed_id(transaction: &str) -> String {
    format!("{PREFIX}{transaction}_completed")
}

/// The id of the event that is made of an adjustment that was approved.
pub(crate) fn approved_id(adjustment: &str) -> String {
    format!("{PREFIX}{adjustment}_approved")
}

/// The completion of a transaction: when its money was taken, as far as Paddle says.
pub(crate) fn completed(transaction: &Transaction, raw: &RawValue) -> Option<String> {
    let captured = transaction.payments.iter().filter_map(|payment| payment.captured_at).max();
    let at = captured.or(transaction.billed_at).or(transaction.created_at)?;
    body(&completed_id(transaction.id.as_str()), "transaction.completed", at, raw)
}

/// The approval of an adjustment.
pub(crate) fn approved(adjustment: &Adjustment, raw: &RawValue) -> Option<String> {
    let at = adjustment.updated_at.or(adjustment.created_at)?;
    body(&approved_id(adjustment.id.as_str()), "adjustment.updated", at, raw)
}

/// A subscription as it is now: a later state of it is another event.
pub(crate) fn state(subscription: &Subscription, raw: &RawValue) -> Option<String> {
    let at = subscription.updated_at.or(subscription.created_at)?;
    let id = format!("{PREFIX}{}_{}", subscription.id, at.unix_timestamp_nanos());
    body(&id, "subscription.updated", at, raw)
}

fn body(id: &str, kind: &str, at: OffsetDateTime, raw: &RawValue) -> Option<String> {
    let (id, kind) = (serde_json::to_string(id).ok()?, serde_json::to_string(kind).ok()?);
    let at = at.checked_to_offset(UtcOffset::UTC)?.format(&Rfc3339).ok()?;
    let data = raw.get();
    Some(format!(r#"{{"event_id":{id},"event_type":{kind},"occurred_at":"{at}","data":{data}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn an_event_is_the_same_however_often_it_is_made() {
        let raw = raw(r#"{"id":"txn_1","status":"completed","billed_at":"2026-01-02T00:00:00Z",
                "payments":[{"status":"error"},{"status":"captured","captured_at":"2026-01-01T01:30:00+01:00"}]}"#);
        let transaction: Transaction = serde_json::from_str(raw.get()).unwrap();
        let made = completed(&transaction, &raw).unwrap();
        assert_eq!(completed(&transaction, &raw).as_deref(), Some(made.as_str()));
        let event =
            paddle_webhook::Event::from_trusted(made.as_bytes(), paddle_webhook::Environment::Live)
                .unwrap();
        assert_eq!(event.id().as_str(), "history_txn_1_completed");
        assert_eq!(event.occurred_at(), time::macros::datetime!(2026-01-01 00:30 UTC));
        assert_eq!(event.raw_data(), raw.get(), "byte for byte");
        assert!(is_made(event.id().as_str()) && !is_made("evt_history_"));
    }

    #[test]
    fn what_has_no_time_makes_no_event() {
        let raw = raw(r#"{"id":"txn_1"}"#);
        let transaction: Transaction = serde_json::from_str(raw.get()).unwrap();
        assert_eq!(completed(&transaction, &raw), None);
    }
}
