//! Nothing that is not about real money writes to Kommo.

use paddle_kommo_sync::{Reason, SandboxEvents};
use paddle_webhook::{Environment, Event};
use serde_json::{Value, json};

use crate::support::{
    WON, World,
    events::{body, event, named, refund, transaction},
};

fn sandbox() -> Event {
    let body = body("evt_sandbox", "transaction.completed", 0, &transaction());
    Event::from_trusted(body.to_string().as_bytes(), Environment::Sandbox).unwrap()
}

fn simulated() -> Event {
    named("ntfsimevt_01j000000000000000000000aa", "transaction.completed", 0, &transaction())
}

fn marked(place: &str) -> Event {
    let mut body = body("evt_marked", "transaction.completed", 0, &transaction());
    match place {
        "envelope" => body["test"] = json!(true),
        _ => body["data"]["custom_data"]["test"] = json!(true),
    }
    Event::from_trusted(body.to_string().as_bytes(), Environment::Live).unwrap()
}

#[tokio::test]
async fn test_events_are_recorded_and_nothing_more() {
    for (name, event, want) in [
        ("sandbox", sandbox(), Reason::Sandbox),
        ("simulator", simulated(), Reason::Simulated),
        ("\"test\": true beside data", marked("envelope"), Reason::MarkedTest),
        ("\"test\": true in custom_data", marked("custom_data"), Reason::MarkedTest),
    ] {
        let world = World::new().await;
        assert_eq!(world.ignored(&event).await, want, "{name}");
        assert!(world.kommo.requests().is_empty(), "{name}: Kommo is not even asked");
        assert_eq!(world.sync.stats().await.unwrap().done, 1, "{name}");
    }
}

#[tokio::test]
async fn test_events_teach_nothing() {
    let world = World::new().await;
    world.ignored(&sandbox()).await;
    let mut bare = transaction();
    bare["custom_data"] = Value::Null;
    world.parked(&event("transaction.completed", 10, &bare)).await;
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn a_test_account_may_be_written() {
    for event in [sandbox(), simulated(), marked("envelope")] {
        let world = World::with(|config| config.sandbox = SandboxEvents::Write).await;
        world.done(&event).await;
        assert_eq!(world.stage(), WON);
    }
}

#[tokio::test]
async fn a_mark_that_says_false_is_no_mark() {
    let mut data = transaction();
    data["custom_data"]["test"] = json!(false);
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &data)).await;
}

#[tokio::test]
async fn a_refund_of_a_test_payment_is_a_test_too() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let writes = world.writes();
    let mut test = transaction();
    test["id"] = json!("txn_test");
    test["subscription_id"] = Value::Null;
    test["custom_data"]["test"] = json!(true);
    world.ignored(&event("transaction.completed", 5, &test)).await;

    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_test");
    back["subscription_id"] = Value::Null;
    assert_eq!(world.ignored(&event("adjustment.updated", 6, &back)).await, Reason::MarkedTest);
    assert_eq!(world.writes(), writes, "{:?}", world.notes());
}
