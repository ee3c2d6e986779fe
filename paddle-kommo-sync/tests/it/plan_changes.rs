//! A paid change of the plan, of which Paddle says only what changed.

use paddle_kommo_sync::Reason;
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::support::{
    World,
    events::{event, renewal, subscription, time, transaction},
};

fn item(name: &str, quantity: i64) -> Value {
    json!({"price": {"id": format!("pri_{name}"), "name": name}, "quantity": quantity})
}

/// The charge for a change that was asked for at this time.
fn charged(asked: i64, at: i64, items: &Value) -> Event {
    let mut data = renewal();
    data["origin"] = json!("subscription_update");
    (data["items"], data["created_at"]) = (items.clone(), json!(time(asked)));
    event("transaction.completed", at, &data)
}

fn is_for(kind: &str, at: i64, items: &Value) -> Event {
    let mut data = subscription("active");
    (data["items"], data["updated_at"]) = (items.clone(), json!(time(at)));
    event(kind, at, &data)
}

/// A deal that was won with ten seats and an add-on.
async fn sold() -> World {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    world
        .done(&is_for("subscription.created", 1, &json!([item("Pro", 10), item("Reports", 1)])))
        .await;
    world
}

#[tokio::test]
async fn what_was_taken_away_is_what_was_before_and_no_part_of_the_plan() {
    let changed =
        is_for("subscription.updated", 101, &json!([item("Team", 10), item("Reports", 1)]));
    let items = json!([item("Team", 10), item("Pro", -10), item("Reports", 0)]);
    let charge = charged(100, 102, &items);
    for order in [[&changed, &charge], [&charge, &changed]] {
        let world = sold().await;
        for event in order {
            world.done(event).await;
        }
        assert_eq!(world.field("PLAN_NAME"), json!("Team, Reports"));
        let notes = world.notes();
        let note = notes.iter().find(|note| note.starts_with("Plan change paid")).unwrap();
        assert!(note.contains(" · Team · before: 10 × Pro · "), "{note}");
    }
}

#[tokio::test]
async fn more_seats_are_told_with_what_the_subscription_was_before() {
    let seats = is_for("subscription.updated", 101, &json!([item("Pro", 12), item("Reports", 1)]));
    let charge = charged(100, 102, &json!([item("Pro", 2)]));
    for order in [[&seats, &charge], [&charge, &seats]] {
        let world = sold().await;
        for event in order {
            world.done(event).await;
        }
        assert_eq!(world.field("PLAN_NAME"), json!("Pro, Reports"));
        let notes = world.notes();
        let note = notes.iter().find(|note| note.starts_with("Plan change paid")).unwrap();
        assert!(note.contains(" · Pro · before: 10 × Pro, Reports · "), "{note}");
    }
}

#[tokio::test]
async fn a_charge_alone_changes_no_plan() {
    let world = sold().await;
    let plan = world.field("PLAN_NAME");
    let charge = charged(100, 102, &json!([item("Team", 10), item("Pro", -10)]));
    assert_eq!(world.done(&charge).await, [Reason::PlanChanged]);
    assert_eq!(world.field("PLAN_NAME"), plan);
}

#[tokio::test]
async fn what_none_is_taken_of_is_not_what_was_bought() {
    let world = sold().await;
    let items = json!([item("Pro", 10), item("Reports", 1), item("Support", 0)]);
    assert_eq!(world.done(&charged(100, 102, &items)).await, [Reason::PlanChanged]);
    let notes = world.notes();
    let note = notes.iter().find(|note| note.starts_with("Plan change paid")).unwrap();
    assert!(!note.contains("before"), "it is for the same as before: {note}");
}
