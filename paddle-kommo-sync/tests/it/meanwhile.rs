//! What others do while an event waits: deals move, people answer, turns are taken.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use kommo_client::{
    AccessToken, Client, LeadId, PipelineId, StatusId,
    fake::{FakeLead, Fault},
};
use paddle_kommo_sync::{
    Config, LostDeals, MemoryStore, Outcome, ParkReason, Reason, TrialConversion,
};
use paddle_webhook::Event;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{
    LEAD, LOST, PIPELINE, WON, World,
    events::{event, renewal, subscription, transaction},
    faulty::{Fate, FaultyStore},
};

/// The card failed at the end of a trial, then it was paid, and Kommo does not answer.
async fn trial_whose_end_waits() -> (World, Event) {
    let win = |config: &mut Config| config.trial_conversion = TrialConversion::Win;
    let world = World::with(win).await;
    world.done(&event("subscription.trialing", 1, &subscription("trialing"))).await;
    let mut failed = renewal();
    failed["status"] = json!("past_due");
    world.done(&event("transaction.payment_failed", 50, &failed)).await;
    world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
    let paid = event("transaction.completed", 100, &renewal());
    world.waiting(&paid).await;
    (world, paid)
}

/// What was planned stands, although it counts as carried out already for whoever decides anew.
#[tokio::test]
async fn a_deal_that_moved_gets_all_that_was_planned() {
    let (world, paid) = trial_whose_end_waits().await;
    world.kommo.move_lead(LEAD, PIPELINE, 58_141_815);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.done(&paid).await, [Reason::TrialConverted, Reason::PaymentRecovered]);
    assert_eq!(world.stage(), WON);
    let completed = |task: &Value| task["is_completed"] == json!(true);
    assert!(world.kommo.tasks(LEAD).iter().all(completed), "{:?}", world.tasks());
}

/// A person has closed it by hand, where another stage counts as won.
#[tokio::test]
async fn a_deal_that_was_closed_elsewhere_meanwhile_gets_its_note_and_fields() {
    let world = World::new().await;
    let pipeline = world.kommo.add_pipeline("Partners", &["Signed"]);
    let stage = world.kommo.stage_ids(pipeline)[0];
    let store = MemoryStore::new();
    let change = move |config: &mut Config| {
        config.stages.set_won(PipelineId::new(pipeline), StatusId::new(stage));
    };
    let world = World::built(change, store, |builder| builder).await;
    assert_eq!(world.kommo.add_pipeline("Partners", &["Signed"]), pipeline);
    world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
    let payment = event("transaction.completed", 0, &transaction());
    world.waiting(&payment).await;
    world.kommo.move_lead(LEAD, pipeline, stage);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.done(&payment).await, [Reason::FirstPayment]);
    assert_eq!((world.stage(), world.price()), (stage, 599), "it stays where it was put");
    assert_eq!(world.field("PADDLE_TXN_ID"), json!("txn_first"));
    assert_eq!(world.notes().len(), 1);
}

#[tokio::test]
async fn a_win_without_an_answer_is_not_repeated_where_the_deal_went_on_to() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(502).applied().on("PATCH", "/api/v4/leads"));
    let payment = event("transaction.completed", 0, &transaction());
    world.waiting(&payment).await;
    // Kommo's own automation, or a person.
    world.kommo.move_lead(LEAD, PIPELINE, 58_141_815);
    world.advance(Duration::from_secs(60));
    world.done(&payment).await;
    assert_eq!(world.stage(), 58_141_815, "it stays where it was put");
    assert_eq!((world.price(), world.notes().len()), (599, 1));
}

/// The account has no field that names the transaction: the invoice tells as well.
#[tokio::test]
async fn a_win_without_an_answer_is_known_by_its_invoice() {
    let world = World::with(|config| config.fields.transaction_id = "".into()).await;
    world.kommo.fail_next(Fault::status(502).applied().on("PATCH", "/api/v4/leads"));
    let payment = event("transaction.completed", 0, &transaction());
    world.waiting(&payment).await;
    world.kommo.move_lead(LEAD, PIPELINE, 58_141_815);
    world.advance(Duration::from_secs(60));
    world.done(&payment).await;
    assert_eq!(world.stage(), 58_141_815, "it stays where it was put");
}

/// Every pipeline has the same stage for them.
#[tokio::test]
async fn a_lost_deal_is_won_in_the_pipeline_where_it_is_by_then() {
    let world = World::with(|config| config.lost_deals = LostDeals::Win).await;
    let pipeline = world.kommo.add_pipeline("Partners", &["Signed"]);
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
    let payment = event("transaction.completed", 0, &transaction());
    world.waiting(&payment).await;
    world.kommo.move_lead(LEAD, pipeline, LOST);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.done(&payment).await, [Reason::LostDealWon]);
    assert_eq!((world.lead()["pipeline_id"].as_u64(), world.stage()), (Some(pipeline), WON));
}

/// A deal that is lost is not won by the end of a trial. That the customer pays again is told all the same.
#[tokio::test]
async fn a_trial_that_ends_on_a_deal_lost_meanwhile_is_told() {
    let (world, paid) = trial_whose_end_waits().await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    world.advance(Duration::from_secs(60));
    world.done(&paid).await;
    assert_eq!((world.stage(), world.price()), (LOST, 0));
    let notes = world.notes();
    assert!(notes.iter().any(|note| note.starts_with("Payment recovered")), "{notes:?}");
    let completed = |task: &Value| task["is_completed"] == json!(true);
    assert!(world.kommo.tasks(LEAD).iter().all(completed), "{:?}", world.tasks());
}

#[tokio::test]
async fn a_pause_that_could_not_be_put_on_disk_is_said_again() {
    let store = FaultyStore::new(MemoryStore::new());
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    world.kommo.set_token_valid(false);
    store.choose(|method| if method == "pause" { Fate::Fails } else { Fate::Good });
    let payment = event("transaction.completed", 0, &transaction());
    assert!(world.sync.handle(&payment).await.is_err());
    store.choose(|_| Fate::Good);
    let mut data = transaction();
    (data["id"], data["customer_id"]) = (json!("txn_other"), json!("ctm_other"));
    (data["subscription_id"], data["custom_data"]) = (Value::Null, Value::Null);
    data["custom_data"] = json!({"kommo_lead_id": world.kommo.add_lead(FakeLead::new("Other"))});
    world.waiting(&event("transaction.completed", 1, &data)).await;
    assert!(world.sync.stats().await.unwrap().paused.is_some());
}

#[tokio::test]
async fn a_person_may_tell_the_deal_while_the_event_is_being_parked() {
    let store = FaultyStore::new(MemoryStore::new());
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    let mut data = transaction();
    data["custom_data"]["kommo_lead_id"] = json!("the one we talked about");
    let payment = event("transaction.completed", 0, &data);
    let [asked, may_end] = std::array::from_fn(|_| Arc::new(Semaphore::new(0)));
    let (asks, ends) = (Arc::clone(&asked), Arc::clone(&may_end));
    store.choose(move |method| {
        if method != "finish" {
            return Fate::Good;
        }
        asks.add_permits(1);
        Fate::Waits(Arc::clone(&ends))
    });
    let tell = async {
        asked.acquire().await.unwrap().forget();
        assert!(world.sync.link("txn_first", LeadId::new(LEAD)).await.unwrap().is_empty());
        may_end.add_permits(9);
    };
    let (parked, ()) = tokio::join!(world.parked(&payment), tell);
    assert_eq!(parked.reason, ParkReason::LeadIdUnreadable);
    world.done(&payment).await;
    assert_eq!(world.stage(), WON);
}

/// One request a minute, and somebody else has the turn.
#[tokio::test(start_paused = true)]
async fn a_lane_is_kept_while_its_call_waits_for_a_turn() {
    let store = MemoryStore::new();
    let world = World::new().await;
    let token = AccessToken::new(world.kommo.token()).unwrap();
    let client = Client::builder(&world.kommo.uri(), token)
        .answered_by(&world.kommo)
        .requests_per_second(NonZeroU32::MIN)
        .build()
        .unwrap();
    let world = world.with_client(client.clone(), store.clone()).await;
    let other = world.restarted(store).await;
    // The first read is over; then the turn is somebody else's.
    world.kommo.fail_next(Fault::status(503).at("PATCH", "/api/v4/leads"));
    let payment = event("transaction.completed", 0, &transaction());
    world.waiting(&payment).await;
    world.advance(Duration::from_secs(60));
    let turn = client.turn().await.unwrap();
    let meanwhile = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            world.advance(Duration::from_secs(20));
        }
        let theirs = other.attempt(payment.id().as_str()).await.unwrap();
        assert!(matches!(theirs, Some(Outcome::Waiting { .. })), "{theirs:?}");
        drop(turn);
    };
    let (done, ()) = tokio::join!(world.done(&payment), meanwhile);
    assert_eq!(done, [Reason::FirstPayment]);
}
