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
    let mut events = vec![
        event("transaction.created", 0, &at(&transaction(), 0)),
        event("subscription.created", 1, &at(&subscription("active"), 1)),
        event("transaction.completed", 2, &at(&transaction(), 2)),
    ];
    let mut seconds = 10;
    let mut paused = false;
    for number in 0..2 + chance.below(5) {
        seconds += 10;
        let mut renewed = renewal();
        renewed["id"] = json!(format!("txn_renewal_{number}"));
        renewed["invoice_number"] = json!(format!("325-3000{number}"));
        let mut changed = subscription(if paused { "paused" } else { "active" });
        let (kind, data) = match chance.below(7) {
            // Nobody is charged for a subscription that is paused.
            0 | 1 | 4 if paused => {
                paused = false;
                ("subscription.resumed", subscription("active"))
            }
            0 => ("transaction.completed", renewed),
            1 => {
                renewed["status"] = json!("past_due");
                ("transaction.past_due", renewed)
            }
            2 => {
                changed["items"][0]["quantity"] = json!(20 + number);
                ("subscription.updated", changed)
            }
            3 => {
                changed["scheduled_change"] =
                    json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
                ("subscription.updated", changed)
            }
            4 => {
                paused = true;
                changed["status"] = json!("paused");
                changed["next_billed_at"] = Value::Null;
                ("subscription.paused", changed)
            }
            5 => {
                let mut back = refund("approved");
                back["id"] = json!(format!("adj_{number}"));
                ("adjustment.updated", back)
            }
            _ => ("subscription.updated", changed),
        };
        events.push(event(kind, seconds, &at(&data, seconds)));
    }
    events
}
