//! Sales made up by chance, the same ones for the same number.

use paddle_webhook::Event;
use serde_json::{Value, json};

use super::events::{self, event, refund, renewal, subscription, transaction};

/// A small generator of our own, so that a failing story can be named by its number and told again.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        // The first numbers of neighbouring seeds are neighbours too.
        for _ in 0..8 {
            chance.next();
        }
        chance
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }
}

/// A sale with some of everything that can follow, each at its own moment.
pub(crate) fn story(chance: &mut Chance) -> Vec<Event> {
    let at = |data: &Value, seconds: i64| {
        let mut data = data.clone();
        data["updated_at"] = json!(events::time(seconds));
        data
    };
    let mut status = if chance.below(4) == 0 { "trialing" } else { "active" };
    let mut events = vec![
        event("transaction.created", 0, &at(&transaction(), 0)),
        event("subscription.created", 1, &at(&subscription(status), 1)),
        event("transaction.completed", 2, &at(&transaction(), 2)),
    ];
    let mut seconds = 10;
    for number in 0..3 + chance.below(5) {
        seconds += 10;
        let (kind, data) = if status == "canceled" || chance.below(2) == 0 {
            of_the_money(chance, number, status)
        } else {
            of_the_subscription(chance, number, &mut status)
        };
        events.push(event(kind, seconds, &at(&data, seconds)));
    }
    events
}

/// A charge, or what is done about one that was made.
fn of_the_money(chance: &mut Chance, number: usize, status: &str) -> (&'static str, Value) {
    let mut charge = renewal();
    charge["id"] = json!(format!("txn_renewal_{number}"));
    charge["invoice_number"] = json!(format!("325-3000{number}"));
    let adjustment = |action: &str| {
        let mut data = refund("approved");
        data["id"] = json!(format!("adj_{number}"));
        data["action"] = json!(action);
        data
    };
    match chance.below(10) {
        // Nobody is charged for a subscription that is paused or has ended.
        0 | 1 if status == "active" => ("transaction.completed", charge),
        2 | 3 if status == "active" => {
            charge["status"] = json!("past_due");
            ("transaction.past_due", charge)
        }
        0 | 1 => ("adjustment.updated", adjustment("refund")),
        2 => ("adjustment.created", adjustment("credit")),
        3 | 4 => ("adjustment.created", adjustment("chargeback_warning")),
        5 => ("adjustment.created", adjustment("chargeback_warning_reverse")),
        6 | 7 => ("adjustment.created", adjustment("chargeback")),
        8 => ("adjustment.created", adjustment("chargeback_reverse")),
        _ => ("adjustment.updated", adjustment("refund")),
    }
}

/// A turn in the life of the subscription.
fn of_the_subscription(
    chance: &mut Chance,
    number: usize,
    status: &mut &'static str,
) -> (&'static str, Value) {
    let mut changed = subscription(status);
    match chance.below(9) {
        0 | 1 if *status == "trialing" => {
            *status = "active";
            ("subscription.activated", subscription(status))
        }
        0 | 1 if *status == "paused" => {
            *status = "active";
            ("subscription.resumed", subscription(status))
        }
        0 => {
            *status = "paused";
            changed["status"] = json!(status);
            changed["next_billed_at"] = Value::Null;
            ("subscription.paused", changed)
        }
        1 | 2 => {
            changed["items"][0]["quantity"] = json!(20 + number);
            ("subscription.updated", changed)
        }
        3..=5 => {
            changed["scheduled_change"] =
                json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
            ("subscription.updated", changed)
        }
        6 => {
            *status = "canceled";
            changed["status"] = json!(status);
            changed["next_billed_at"] = Value::Null;
            ("subscription.canceled", changed)
        }
        // Of one that was to end: it is not to end after all.
        _ => ("subscription.updated", changed),
    }
}
