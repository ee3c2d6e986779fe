//! Events in any order end in the same deal.

use paddle_kommo_sync::Reason;
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::support::{
    WON, World,
    events::{event, refund, subscription, transaction},
};

/// All orders of these events.
fn orders(events: &[Event]) -> Vec<Vec<Event>> {
    match events {
        [] => vec![Vec::new()],
        events => (0..events.len())
            .flat_map(|first| {
                let mut rest = events.to_vec();
                let first = rest.remove(first);
                orders(&rest).into_iter().map(move |mut order| {
                    order.insert(0, first.clone());
                    order
                })
            })
            .collect(),
    }
}

/// What a person sees of the deal, without what depends on the clock or the order of writing.
fn seen(world: &World) -> (u64, i64, Vec<Value>, Vec<String>, Vec<String>) {
    let codes = [
        "PADDLE_TXN_ID",
        "INVOICE_NUMBER",
        "PAYMENT_STATUS",
        "SUBSCRIPTION_STATUS",
        "NEXT_BILLING_DATE",
    ];
    let mut notes: Vec<String> = world
        .notes()
        .iter()
        .map(|note| note.split(" of ").next().unwrap_or_default().to_owned())
        .collect();
    notes.sort();
    (
        world.stage(),
        world.price(),
        codes.map(|code| world.field(code)).to_vec(),
        notes,
        world.tasks(),
    )
}

#[tokio::test]
async fn a_story_ends_alike_in_every_order() {
    let mut ended = subscription("canceled");
    ended["next_billed_at"] = Value::Null;
    ended["updated_at"] = json!(crate::support::events::time(40));
    let story = [
        event("subscription.created", 1, &subscription("active")),
        event("transaction.completed", 2, &transaction()),
        event("adjustment.updated", 30, &refund("approved")),
        event("subscription.canceled", 40, &ended),
    ];
    let mut want = None;
    for order in orders(&story) {
        let world = World::new().await;
        // Events that carry no link come first in some orders: the customer's is known from before.
        world.ignored(&event("transaction.created", 0, &transaction())).await;
        for event in &order {
            world.done(event).await;
        }
        let names: Vec<&str> = order.iter().map(|event| event.event_type().as_str()).collect();
        let seen = seen(&world);
        assert_eq!(seen.0, WON, "{names:?}");
        assert_eq!(seen.2[2], json!("partially_refunded"), "{names:?}");
        assert_eq!(seen.2[3], json!("canceled"), "{names:?}");
        assert_eq!(&seen, want.get_or_insert_with(|| seen.clone()), "{names:?}");
    }
}

#[tokio::test]
async fn an_older_state_does_not_overwrite_a_newer_one() {
    let world = World::new().await;
    let mut ended = subscription("canceled");
    ended["next_billed_at"] = Value::Null;
    world.done(&event("subscription.canceled", 40, &ended)).await;
    let stale = world.done(&event("subscription.activated", 10, &subscription("active"))).await;
    assert_eq!(stale, [Reason::SubscriptionStarted, Reason::Stale]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
    assert_eq!(world.field("NEXT_BILLING_DATE"), Value::Null);
}

#[tokio::test]
async fn two_states_of_one_microsecond_end_alike_in_both_orders() {
    // Paddle's own sample stream has `created` and `activated` in one microsecond.
    let created = event("subscription.created", 5, &subscription("trialing"));
    let activated = event("subscription.activated", 5, &subscription("active"));
    for order in [[&created, &activated], [&activated, &created]] {
        let world = World::new().await;
        for event in order {
            world.done(event).await;
        }
        assert_eq!(
            world.field("SUBSCRIPTION_STATUS"),
            json!("active"),
            "the one that is further along"
        );
    }
}
