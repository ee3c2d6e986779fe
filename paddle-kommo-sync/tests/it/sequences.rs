//! The sequences of events that Paddle documents, each played to its end, and then once more.

use paddle_webhook::Event;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::support::{
    LEAD, NEGOTIATION, WON, World,
    events::{customer, event, refund, renewal, subscription, time, transaction},
};

/// Plays a sequence in Paddle's order, a second apart, and again from its beginning: nothing happens twice.
async fn play(world: &World, from: i64, events: &[(&str, Value)]) {
    let events: Vec<Event> = (from..)
        .zip(events)
        .map(|(seconds, (kind, data))| {
            let mut data = data.clone();
            data["updated_at"] = json!(time(seconds));
            event(kind, seconds, &data)
        })
        .collect();
    for event in &events {
        let outcome = world.handle(event).await;
        assert!(
            matches!(
                outcome,
                paddle_kommo_sync::Outcome::Done(_) | paddle_kommo_sync::Outcome::Ignored { .. }
            ),
            "{}: {outcome}",
            event.event_type()
        );
    }
    let writes = world.writes();
    for event in &events {
        world.handle(event).await;
    }
    assert_eq!(world.writes(), writes, "played again");
}

fn with(mut data: Value, status: &str) -> Value {
    data["status"] = json!(status);
    data
}

/// As it is before anybody paid: no invoice, no subscription.
fn draft(status: &str) -> Value {
    let mut data = with(transaction(), status);
    (data["invoice_number"], data["subscription_id"]) = (Value::Null, Value::Null);
    data
}

fn first_purchase() -> Vec<(&'static str, Value)> {
    let sub = |status: &str| {
        let mut data = subscription(status);
        data["transaction_id"] = json!("txn_first");
        data
    };
    vec![
        ("transaction.created", draft("draft")),
        ("customer.created", customer("jo@example.com")),
        ("address.created", json!({"id": "add_1", "customer_id": "ctm_jo"})),
        ("transaction.updated", draft("draft")),
        ("transaction.ready", draft("ready")),
        ("transaction.updated", draft("ready")),
        ("transaction.paid", with(transaction(), "paid")),
        ("subscription.created", sub("active")),
        ("subscription.activated", subscription("active")),
        ("transaction.updated", with(transaction(), "paid")),
        ("transaction.updated", with(transaction(), "completed")),
        ("transaction.completed", transaction()),
    ]
}

async fn sold() -> World {
    let world = World::new().await;
    play(&world, 0, &first_purchase()).await;
    world
}

fn renewal_chain() -> Vec<(&'static str, Value)> {
    let mut next = subscription("active");
    next["next_billed_at"] = json!("2026-03-15T12:00:00Z");
    vec![
        ("subscription.updated", next),
        ("transaction.created", with(renewal(), "ready")),
        ("transaction.billed", with(renewal(), "billed")),
        ("transaction.updated", with(renewal(), "billed")),
        ("transaction.paid", with(renewal(), "paid")),
        ("transaction.updated", with(renewal(), "completed")),
        ("transaction.completed", renewal()),
    ]
}

#[tokio::test]
async fn a_first_purchase_with_a_subscription() {
    let world = sold().await;
    assert_eq!((world.stage(), world.price()), (WON, 599));
    assert_eq!((world.notes().len(), world.tasks().len()), (1, 0), "{:?}", world.notes());
    for (code, want) in [
        ("PADDLE_TXN_ID", "txn_first"),
        ("PADDLE_SUB_ID", "sub_seats"),
        ("SUBSCRIPTION_STATUS", "active"),
        ("PAYMENT_STATUS", "paid"),
        ("INVOICE_NUMBER", "325-10566"),
    ] {
        assert_eq!(world.field(code), json!(want), "{code}");
    }
}

#[tokio::test]
async fn a_one_off_purchase() {
    let world = World::new().await;
    let mut events = first_purchase();
    events.retain(|(kind, _)| !kind.starts_with("subscription."));
    for (_, data) in &mut events {
        data["subscription_id"] = Value::Null;
    }
    play(&world, 0, &events).await;
    assert_eq!((world.stage(), world.price(), world.notes().len()), (WON, 599, 1));
    assert_eq!(world.field("PADDLE_SUB_ID"), Value::Null);
}

#[tokio::test]
async fn a_checkout_that_is_abandoned() {
    let world = World::new().await;
    play(&world, 0, &first_purchase()[..6]).await;
    assert_eq!((world.stage(), world.writes()), (NEGOTIATION, 0));
}

#[tokio::test]
async fn a_renewal() {
    let world = sold().await;
    play(&world, 100, &renewal_chain()).await;
    assert_eq!((world.stage(), world.price()), (WON, 599));
    assert_eq!(world.field("INVOICE_NUMBER"), json!("325-20001"));
    assert_eq!(
        world.field("NEXT_BILLING_DATE"),
        json!(datetime!(2026-03-15 12:00 UTC).unix_timestamp())
    );
    assert_eq!(world.notes().len(), 2, "{:?}", world.notes());
}

#[tokio::test]
async fn a_renewal_that_fails_and_is_paid_after_all() {
    let documented = vec![
        ("transaction.payment_failed", with(renewal(), "billed")),
        ("transaction.past_due", with(renewal(), "past_due")),
        ("subscription.past_due", subscription("past_due")),
    ];
    let captured = vec![
        ("transaction.created", with(renewal(), "ready")),
        ("transaction.billed", with(renewal(), "billed")),
        ("transaction.payment_failed", with(renewal(), "billed")),
        ("transaction.updated", with(renewal(), "past_due")),
        ("transaction.past_due", with(renewal(), "past_due")),
        ("subscription.updated", subscription("past_due")),
    ];
    for events in [documented, captured] {
        let world = sold().await;
        play(&world, 100, &events).await;
        assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("past_due"));
        assert_eq!((world.tasks().len(), world.stage()), (1, WON), "one task for the spell");
        play(&world, 200, &renewal_chain()).await;
        assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
        let tasks = world.kommo.tasks(LEAD);
        assert_eq!((tasks.len(), &tasks[0]["is_completed"]), (1, &json!(true)));
    }
}

#[tokio::test]
async fn a_first_checkout_that_fails_and_is_paid_after_all() {
    let world = World::new().await;
    let failed = ("transaction.payment_failed", draft("ready"));
    let mut events = first_purchase();
    events.splice(6..6, [failed.clone(), failed]);
    play(&world, 0, &events).await;
    assert_eq!((world.stage(), world.tasks().len()), (WON, 0));
    assert_eq!(world.notes().len(), 2, "the failure once, and the payment: {:?}", world.notes());
}

#[tokio::test]
async fn a_pause_and_its_end() {
    let world = sold().await;
    let mut scheduled = subscription("active");
    scheduled["scheduled_change"] =
        json!({"action": "pause", "effective_at": "2026-02-15T12:00:00Z"});
    let mut paused = subscription("paused");
    paused["next_billed_at"] = Value::Null;
    play(&world, 100, &[("subscription.updated", scheduled), ("subscription.paused", paused)])
        .await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("paused"));
    assert_eq!(world.field("NEXT_BILLING_DATE"), Value::Null);
    let mut resumed = vec![
        ("subscription.updated", subscription("active")),
        ("subscription.resumed", subscription("active")),
    ];
    resumed.extend(renewal_chain());
    play(&world, 200, &resumed).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
    assert_eq!((world.stage(), world.price(), world.tasks().len()), (WON, 599, 0));
}

#[tokio::test]
async fn a_cancellation() {
    let world = sold().await;
    let mut scheduled = subscription("active");
    scheduled["scheduled_change"] =
        json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    let mut canceled = subscription("canceled");
    canceled["next_billed_at"] = Value::Null;
    canceled["canceled_at"] = json!("2026-02-15T12:00:00Z");
    play(&world, 100, &[("subscription.updated", scheduled), ("subscription.canceled", canceled)])
        .await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
    assert_eq!(world.field("NEXT_BILLING_DATE"), Value::Null);
    assert_eq!((world.tasks().len(), world.stage()), (1, WON), "asked once, when it was scheduled");
}

#[tokio::test]
async fn a_refund_that_is_asked_for_and_approved() {
    let world = sold().await;
    play(
        &world,
        100,
        &[
            ("adjustment.created", refund("pending_approval")),
            ("adjustment.updated", refund("approved")),
        ],
    )
    .await;
    assert_eq!(world.field("PAYMENT_STATUS"), json!("partially_refunded"));
    assert_eq!((world.stage(), world.price(), world.notes().len()), (WON, 599, 2));
}

/// An invoice, collected manually: the subscription exists before the money.
fn invoice() -> Vec<(&'static str, Value)> {
    let api = |status: &str| {
        let mut data = with(transaction(), status);
        data["origin"] = json!("api");
        data["collection_mode"] = json!("manual");
        data
    };
    let bare = |status: &str| {
        let mut data = api(status);
        (data["invoice_number"], data["subscription_id"]) = (Value::Null, Value::Null);
        data
    };
    vec![
        ("transaction.created", bare("draft")),
        ("transaction.ready", bare("ready")),
        ("transaction.billed", bare("billed")),
        ("transaction.updated", api("billed")),
        ("subscription.created", subscription("active")),
        ("transaction.paid", api("paid")),
        ("transaction.completed", api("completed")),
    ]
}

#[tokio::test]
async fn an_invoice_that_is_paid() {
    let world = World::new().await;
    play(&world, 0, &invoice()).await;
    assert_eq!((world.stage(), world.price(), world.notes().len()), (WON, 599, 1));
}

#[tokio::test]
async fn an_invoice_that_is_paid_late() {
    let world = World::new().await;
    let mut events = invoice();
    let mut late = events[3].1.clone();
    late["status"] = json!("past_due");
    let due = [("transaction.past_due", late), ("subscription.past_due", subscription("past_due"))];
    events.splice(5..5, due);
    play(&world, 0, &events[..7]).await;
    assert_eq!((world.stage(), world.tasks().len()), (NEGOTIATION, 1));
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("past_due"));
    play(&world, 100, &events[7..]).await;
    assert_eq!((world.stage(), world.price()), (WON, 599));
    assert_eq!(world.kommo.tasks(LEAD)[0]["is_completed"], true);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
}

#[tokio::test]
async fn an_invoice_that_is_canceled_by_hand_or_corrected() {
    let world = World::new().await;
    let mut events = invoice()[..4].to_vec();
    let mut canceled = events[3].1.clone();
    canceled["status"] = json!("canceled");
    events.push(("transaction.canceled", canceled));
    play(&world, 0, &events).await;
    assert_eq!((world.stage(), world.writes()), (NEGOTIATION, 0));

    let world = sold().await;
    let writes = world.writes();
    play(&world, 100, &[("transaction.revised", transaction())]).await;
    assert_eq!(world.writes(), writes);
}
