//! What a person wrote into a field stays where the configuration says so.

use std::time::Duration;

use kommo_client::{FieldInput, FieldRef, FieldWrite, LeadId, LeadPatch, fake::Fault};
use paddle_kommo_sync::{Overwrite, Reason, plan::Field};
use serde_json::{Value, json};

use crate::{
    order::refuse,
    support::{
        LEAD, WON, World, client,
        events::{event, subscription, time, transaction},
    },
};

async fn write_by_hand(world: &World, code: &str, text: &str) {
    let text = FieldInput::Text(text.to_owned());
    let write = FieldWrite::new(FieldRef::Code(code.to_owned()), text);
    let patch = LeadPatch::new(LeadId::new(LEAD)).field(write);
    client(&world.kommo).leads().update(&[patch]).await.unwrap();
}

/// A world where the status of the subscription stays as a person has set it.
async fn with_own_status() -> World {
    World::with(|config| config.overwrite.set(Field::SubscriptionStatus, Overwrite::IfOurs)).await
}

fn canceled(status: &str, seconds: i64) -> Value {
    let mut data = subscription(status);
    data["updated_at"] = json!(time(seconds));
    data
}

#[tokio::test]
async fn what_a_person_wrote_stays_where_configured() {
    for (rule, by_hand, want) in [
        (Overwrite::Always, Some("by hand"), "Basic, monthly"),
        (Overwrite::IfEmpty, Some("by hand"), "by hand"),
        (Overwrite::IfEmpty, None, "Pro, yearly, Set-up"),
        (Overwrite::IfOurs, Some("by hand"), "by hand"),
        (Overwrite::IfOurs, None, "Basic, monthly"),
    ] {
        let world = World::with(|config| config.overwrite.set(Field::PlanName, rule)).await;
        world.done(&event("transaction.completed", 0, &transaction())).await;
        if let Some(text) = by_hand {
            write_by_hand(&world, "PLAN_NAME", text).await;
        }
        let mut change = subscription("active");
        world.done(&event("subscription.created", 5, &change)).await;
        change["updated_at"] = json!(time(10));
        change["items"] =
            json!([{"price": {"id": "pri_basic", "name": "Basic, monthly"}, "quantity": 1}]);
        let reasons = world.done(&event("subscription.updated", 10, &change)).await;
        assert_eq!(world.field("PLAN_NAME"), json!(want), "{rule:?} {by_hand:?}");
        let stays = want != "Basic, monthly";
        assert_eq!(reasons.contains(&Reason::PersonsValueStays), stays, "{rule:?} {by_hand:?}");
    }
}

#[tokio::test]
async fn our_own_day_in_a_field_of_text_is_no_persons_value() {
    let world = World::with(|config| {
        config.fields.next_billing_date = "NEXT".into();
        config.overwrite.set(Field::NextBillingDate, Overwrite::IfOurs);
    })
    .await;
    world.kommo.add_field(Some("NEXT"), "Next", "text");
    world.done(&event("subscription.created", 0, &subscription("active"))).await;
    assert_eq!(world.field("NEXT"), json!("2026-02-15"));
    let mut later = subscription("active");
    later["next_billed_at"] = json!("2026-03-15T12:00:00Z");
    let reasons = world.done(&event("subscription.updated", 10, &later)).await;
    assert_eq!(reasons, [Reason::SubscriptionChanged]);
    assert_eq!(world.field("NEXT"), json!("2026-03-15"));
}

/// The event waits, and meanwhile somebody fills in what is missing.
#[tokio::test]
async fn what_a_person_wrote_stays_while_the_event_waited() {
    for (rule, by_hand, want) in [
        (Overwrite::Always, "by hand", "Pro, yearly, Set-up"),
        (Overwrite::IfEmpty, "by hand", "by hand"),
        (Overwrite::IfOurs, "by hand", "by hand"),
        (Overwrite::IfOurs, "", "Pro, yearly, Set-up"),
    ] {
        let world = World::with(|config| config.overwrite.set(Field::PlanName, rule)).await;
        let payment = event("transaction.completed", 0, &transaction());
        world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
        world.waiting(&payment).await;
        if !by_hand.is_empty() {
            write_by_hand(&world, "PLAN_NAME", by_hand).await;
        }
        world.advance(Duration::from_secs(60));
        let reasons = world.done(&payment).await;
        assert_eq!(world.field("PLAN_NAME"), json!(want), "{rule:?} {by_hand}");
        assert_eq!(reasons.contains(&Reason::PersonsValueStays), want == "by hand", "{rule:?}");
        assert_eq!((world.stage(), world.field("PADDLE_TXN_ID")), (WON, json!("txn_first")));
    }
}

/// The answer never came, the change did.
#[tokio::test]
async fn our_own_value_without_an_answer_is_no_persons() {
    for rule in [Overwrite::IfEmpty, Overwrite::IfOurs] {
        let world = World::with(|config| {
            config.fields.amount_paid = "AMOUNT".into();
            config.overwrite.set(Field::PlanName, rule);
            config.overwrite.set(Field::AmountPaid, rule);
        })
        .await;
        world.kommo.add_field(Some("AMOUNT"), "Amount", "numeric");
        let mut data = transaction();
        data["details"]["totals"]["grand_total"] = json!("65210");
        let payment = event("transaction.completed", 0, &data);
        world.kommo.fail_next(Fault::status(502).applied().on("PATCH", "/api/v4/leads"));
        world.waiting(&payment).await;
        // Kommo gives numbers back without trailing zeros.
        write_by_hand(&world, "AMOUNT", "652.1").await;
        world.advance(Duration::from_secs(60));
        assert_eq!(world.done(&payment).await, [Reason::FirstPayment], "{rule:?}");
    }
}

/// The field is a list that has no such option. It is so as well where the note has to wait.
#[tokio::test]
async fn what_kommo_did_not_take_was_not_written() {
    for note_waits in [false, true] {
        did_not_take(note_waits).await;
    }
}

async fn did_not_take(note_waits: bool) {
    let world = with_own_status().await;
    let field = world.kommo.add_select_field(
        Some("STATUS"),
        "Status",
        &["active", "canceling", "canceled"],
    );
    let world = World::with(|config| {
        config.fields.subscription_status = "STATUS".into();
        config.overwrite.set(Field::SubscriptionStatus, Overwrite::IfOurs);
    })
    .await;
    assert_eq!(
        world.kommo.add_select_field(Some("STATUS"), "Status", &["active", "canceled"]),
        field
    );
    world.done(&event("subscription.activated", 0, &canceled("active", 0))).await;
    let paused = event("subscription.paused", 10, &canceled("paused", 10));
    if note_waits {
        world.kommo.fail_next(Fault::status(503).on("POST", "/api/v4/leads"));
        world.waiting(&paused).await;
        for _ in 0..2 {
            world.advance(Duration::from_secs(3600));
            world.handle(&paused).await;
        }
        world.done(&paused).await;
    } else {
        assert_eq!(world.done_with_report(&paused).await.left_out.len(), 1);
    }
    assert_eq!(world.field("STATUS"), json!("active"));
    let ended = event("subscription.canceled", 20, &canceled("canceled", 20));
    assert!(!world.done(&ended).await.contains(&Reason::PersonsValueStays));
    assert_eq!(world.field("STATUS"), json!("canceled"));
}

#[tokio::test]
async fn what_kommo_refused_was_not_written() {
    let world = with_own_status().await;
    world.done(&event("subscription.activated", 0, &canceled("active", 0))).await;
    let paused = event("subscription.paused", 10, &canceled("paused", 10));
    refuse(&world, "PATCH");
    world.parked(&paused).await;
    let ended = event("subscription.canceled", 20, &canceled("canceled", 20));
    assert!(!world.done(&ended).await.contains(&Reason::PersonsValueStays));
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
    assert!(world.sync.resume(paused.id().as_str()).await.unwrap());
    world.done(&paused).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"), "it is older");
}

/// It was refused at first, and written when somebody resumed it.
#[tokio::test]
async fn what_was_refused_and_then_written_is_ours() {
    let world = with_own_status().await;
    world.done(&event("subscription.activated", 0, &canceled("active", 0))).await;
    let paused = event("subscription.paused", 10, &canceled("paused", 10));
    refuse(&world, "PATCH");
    world.parked(&paused).await;
    assert!(world.sync.resume(paused.id().as_str()).await.unwrap());
    world.done(&paused).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("paused"));
    // What we wrote before it is nobody's now but a person's.
    write_by_hand(&world, "SUBSCRIPTION_STATUS", "active").await;
    let ended = event("subscription.canceled", 20, &canceled("canceled", 20));
    assert!(world.done(&ended).await.contains(&Reason::PersonsValueStays));
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
}
