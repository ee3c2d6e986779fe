//! What the operator sees and sets: previews, stories, shadow mode and the guard of the price.

use kommo_client::fake::FakeLead;
use paddle_kommo_sync::{
    AgreedPrice, Config, MemoryStore, Mode, Outcome, ParkReason, Preview, Reason, Unlinked,
};
use serde_json::{Value, json};

use crate::support::{
    LEAD, NEGOTIATION, PIPELINE, WON, World,
    events::{event, renewal, subscription, transaction},
};

#[tokio::test]
async fn a_preview_says_everything_and_writes_nothing() {
    let world = World::new().await;
    let payment = event("transaction.completed", 0, &transaction());
    let Preview::Plan { lead, plan, changes } = world.sync.preview(&payment).await.unwrap() else {
        panic!("no plan");
    };
    assert_eq!((lead.get(), plan.reasons.as_slice()), (LEAD, &[Reason::FirstPayment][..]));
    for line in
        ["stage Negotiation → Closed - won", "price 0 → 599", "transaction_id empty → txn_first"]
    {
        assert!(changes.iter().any(|change| change == line), "no `{line}` in {changes:?}");
    }
    assert_eq!(world.writes(), 0);
    assert_eq!(world.sync.stats().await.unwrap().open, 0, "it is not even stored");

    world.done(&payment).await;
    let again = world.sync.preview(&payment).await.unwrap();
    assert_eq!(again, Preview::Ignored(Reason::AlreadyWonByThis));
    world.kommo.remove_lead(LEAD);
    let gone = world.sync.preview(&event("transaction.completed", 1, &renewal())).await.unwrap();
    assert!(matches!(gone, Preview::Parked(parked) if parked.reason == ParkReason::DealGone));
}

#[tokio::test]
async fn the_story_of_a_deal_is_told_in_order() {
    let world = World::new().await;
    world.done(&event("subscription.activated", 5, &subscription("active"))).await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    for id in [LEAD.to_string(), "txn_first".to_owned(), "sub_seats".to_owned()] {
        let story = world.sync.explain(&id).await.unwrap();
        let told: Vec<_> = story.iter().map(|chapter| chapter.event_type.as_str()).collect();
        assert_eq!(told, ["transaction.completed", "subscription.activated"], "{id}");
        assert!(
            matches!(&story[0].outcome, Some(Outcome::Done(done)) if done.reasons == [Reason::FirstPayment])
        );
    }
    assert!(world.sync.explain("nobody").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_payment_without_a_deal_has_a_story_too() {
    for unlinked in [Unlinked::Park, Unlinked::Ignore] {
        let world = World::with(|config| config.unlinked = unlinked).await;
        let mut data = transaction();
        data["custom_data"] = Value::Null;
        world.handle(&event("transaction.completed", 0, &data)).await;
        for id in ["txn_first", "ctm_jo"] {
            let story = world.sync.explain(id).await.unwrap();
            let [chapter] = story.as_slice() else { panic!("{unlinked:?} {id}: {story:?}") };
            assert_eq!(chapter.event_type, "transaction.completed");
            assert!(chapter.outcome.is_some());
        }
    }
}

#[tokio::test]
async fn shadow_mode_decides_everything_and_writes_nothing() {
    let world = World::with(|config| config.mode = Mode::Shadow).await;
    let payment = event("transaction.completed", 0, &transaction());
    let Outcome::Shadowed { lead, would, .. } = world.handle(&payment).await else {
        panic!("not shadowed")
    };
    assert_eq!(lead.get(), LEAD);
    assert!(would.iter().any(|change| change == "price 0 → 599"), "{would:?}");
    assert_eq!(world.writes(), 0);

    let world = World::with(|config| {
        config.mode = Mode::Shadow;
        config.live_pipelines = vec![PIPELINE];
    })
    .await;
    world.done(&payment).await;
    assert_eq!(world.stage(), WON, "this pipeline is live already");
}

#[tokio::test]
async fn a_pipeline_that_leaves_the_shadow_owes_nothing_that_was_only_thought() {
    let store = MemoryStore::new();
    let shadow = |config: &mut Config| config.mode = Mode::Shadow;
    let world = World::built(shadow, store.clone(), |builder| builder).await;
    let scheduled = {
        let mut data = subscription("active");
        data["scheduled_change"] =
            json!({"action": "cancel", "effective_at": "2026-03-01T00:00:00Z", "resume_at": null});
        event("subscription.updated", 10, &data)
    };
    for (event, what) in [
        (event("subscription.activated", 0, &subscription("active")), "it begins"),
        (scheduled, "it is to end"),
        (event("transaction.past_due", 20, &renewal_that("past_due")), "a card fails"),
    ] {
        let outcome = world.handle(&event).await;
        assert!(matches!(outcome, Outcome::Shadowed { .. }), "{what}: {outcome}");
    }
    let live = world.restarted(store).await;
    let failed = event("transaction.payment_failed", 30, &renewal_that("past_due"));
    live.handle(&failed).await.unwrap();
    assert_eq!(world.tasks().len(), 1, "the spell has its task: {:?}", world.tasks());
    let canceled = event("subscription.canceled", 40, &subscription("canceled"));
    live.handle(&canceled).await.unwrap();
    assert_eq!(world.tasks().len(), 2, "somebody is to win the customer back: {:?}", world.tasks());
}

#[tokio::test]
async fn a_date_that_stays_is_no_change() {
    let world = World::new().await;
    world.kommo.set_timezone("America/Bogota", "-05:00");
    world.done(&event("subscription.activated", 0, &subscription("active"))).await;
    let mut data = subscription("active");
    data["items"][0]["quantity"] = json!(12);
    let event = event("subscription.updated", 5, &data);
    let Preview::Plan { changes, .. } = world.sync.preview(&event).await.unwrap() else {
        panic!("no plan");
    };
    assert!(!changes.iter().any(|change| change.contains("next_billing_date")), "{changes:?}");
}

#[tokio::test]
async fn a_cheaper_basket_never_closes_a_dear_deal_silently() {
    for (guard, tolerance, price, want) in [
        (AgreedPrice::Off, 0, 5000, None),
        (AgreedPrice::Warn, 0, 599, None),
        (AgreedPrice::Warn, 0, 0, None),
        (AgreedPrice::Warn, 10, 660, None),
        (AgreedPrice::Warn, 10, 670, Some(Reason::PriceDiffers)),
        (AgreedPrice::Warn, 0, 600, Some(Reason::PriceDiffers)),
    ] {
        let world = World::with(|config| {
            config.agreed_price = guard;
            config.agreed_price_tolerance_percent = tolerance;
        })
        .await;
        world
            .kommo
            .add_lead(FakeLead::new("Agreed").id(7).price(price).stage(PIPELINE, NEGOTIATION));
        let mut data = transaction();
        data["custom_data"]["kommo_lead_id"] = json!("7");
        let reasons = world.done(&event("transaction.completed", 0, &data)).await;
        assert_eq!(
            reasons.contains(&Reason::PriceDiffers),
            want.is_some(),
            "{guard:?} {tolerance} % {price}"
        );
        assert_eq!(world.kommo.tasks(7).len(), usize::from(want.is_some()));
        assert_eq!(world.kommo.lead(7).unwrap()["status_id"], json!(WON));
    }
    let world = World::with(|config| config.agreed_price = AgreedPrice::Park).await;
    world.kommo.add_lead(FakeLead::new("Agreed").id(7).price(5000).stage(PIPELINE, NEGOTIATION));
    let mut data = transaction();
    data["custom_data"]["kommo_lead_id"] = json!("7");
    let parked = world.parked(&event("transaction.completed", 0, &data)).await;
    assert_eq!((parked.reason, world.writes()), (ParkReason::PriceDiffers, 0));
}

#[tokio::test]
async fn the_sums_of_a_deal_are_kept() {
    let world = World::with(|config| {
        config.fields.amount_paid = "AMOUNT".into();
        config.fields.total_paid = "TOTAL".into();
        config.fields.total_refunded = "REFUNDED".into();
        config.fields.total_net = "NET".into();
    })
    .await;
    for (code, kind) in
        [("AMOUNT", "monetary"), ("TOTAL", "numeric"), ("REFUNDED", "text"), ("NET", "numeric")]
    {
        world.kommo.add_field(Some(code), code, kind);
    }
    world.done(&event("transaction.completed", 0, &transaction())).await;
    world.done(&event("transaction.completed", 10, &renewal())).await;
    world.done(&event("adjustment.updated", 20, &crate::support::events::refund("approved"))).await;
    let number = |code: &str| match world.field(code) {
        Value::String(text) => text,
        other => panic!("{code} is {other}"),
    };
    assert_eq!(number("AMOUNT"), "326.62");
    assert_eq!(number("TOTAL"), "978.77");
    assert_eq!(number("REFUNDED"), "100.00");
    assert_eq!(number("NET"), "878.77");
}

fn renewal_that(status: &str) -> Value {
    let mut data = renewal();
    data["status"] = json!(status);
    data
}
