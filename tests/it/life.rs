//! The life of a subscription, from the sale to its end.

use e2e::{Kind, LEAD, Story, World};
use serde_json::{Value, json};

fn cancel_at(data: &mut Value) {
    data["scheduled_change"] = json!({"action": "cancel", "effective_at": "2030-02-15T12:00:00Z"});
}

fn canceled(data: &mut Value) {
    data["status"] = json!("canceled");
    data["next_billed_at"] = Value::Null;
}

fn more_seats(data: &mut Value) {
    data["items"][0]["quantity"] = json!(20);
}

/// Everything that happens, in order.
fn events() -> Vec<Value> {
    let mut story = Story::of(LEAD);
    vec![
        story.first_payment(),
        story.subscription("subscription.created", |_| {}),
        story.charge("second", "subscription_recurring", "325-2"),
        story.subscription("subscription.updated", more_seats),
        story.charge("upgrade", "subscription_update", "325-3"),
        story.failed_charge("third"),
        story.failed_charge("third"),
        story.charge("third", "subscription_recurring", "325-4"),
        story.subscription("subscription.updated", |data| {
            more_seats(data);
            cancel_at(data);
        }),
        story.subscription("subscription.updated", more_seats),
        story.subscription("subscription.canceled", |data| {
            more_seats(data);
            canceled(data);
        }),
        story.refund(),
    ]
}

#[tokio::test]
async fn every_turn_of_a_subscription_reaches_the_rep_once() {
    for kind in [Kind::Axum, Kind::Actix] {
        let world = World::start(kind).await;
        for event in events() {
            for _ in 0..2 {
                assert_eq!(world.deliver(&event).await, 200, "{kind:?}: {event}");
            }
            world.settled().await;
        }

        let lead = world.kommo.lead(LEAD).expect("the deal is there");
        assert_eq!((&lead["status_id"], &lead["price"]), (&json!(142), &json!(599)), "{kind:?}");
        for (code, want) in [
            ("PADDLE_TXN_ID", "txn_first"),
            ("INVOICE_NUMBER", "325-4"),
            ("PAYMENT_STATUS", "partially_refunded"),
            ("SUBSCRIPTION_STATUS", "canceled"),
        ] {
            assert_eq!(world.kommo.field_value(LEAD, code), Some(json!(want)), "{kind:?}: {code}");
        }

        let notes = world.kommo.note_texts(LEAD);
        for (start, times) in [
            ("Paid 652.15 USD (net 599.00 + tax 53.15)", 1),
            ("Renewal paid 326.62 USD (net 300.00 + tax 26.62)", 2),
            ("Subscription changed · now: 20 × Pro · before: 10 × Pro", 1),
            ("Plan change paid 326.62 USD", 1),
            ("Payment recovered: 326.62 USD", 1),
            ("Subscription will end on 2030-02-15", 1),
            ("Cancellation withdrawn", 1),
            ("Refunded 100.00 USD of 652.15 USD, 552.15 USD remains · seats not used", 1),
        ] {
            let count = notes.iter().filter(|note| note.starts_with(start)).count();
            assert_eq!(count, times, "{kind:?}: {start}: {notes:#?}");
        }
        assert_eq!(notes.len(), 9, "{kind:?}: {notes:#?}");

        let tasks = world.kommo.tasks(LEAD);
        let told: Vec<(bool, &str)> = tasks
            .iter()
            .filter_map(|task| Some((task["is_completed"] == true, task["text"].as_str()?)))
            .collect();
        let starts = [
            (true, "Payment past due"),
            (true, "Subscription will end on 2030-02-15: win the customer back"),
            (false, "Subscription canceled: win the customer back"),
        ];
        assert_eq!(told.len(), starts.len(), "{kind:?}: {told:#?}");
        for ((is_completed, text), (want, start)) in told.into_iter().zip(starts) {
            assert!(is_completed == want && text.starts_with(start), "{kind:?}: {text}");
        }
    }
}
