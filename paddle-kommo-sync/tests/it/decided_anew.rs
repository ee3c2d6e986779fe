//! A plan that comes to nothing leaves nothing behind: its event is decided anew, for another deal or for how the deal
//! stands by then, as if it had not been decided before.

use std::{num::NonZeroU32, time::Duration};

use kommo_client::{
    AccessToken, Client, EntityType, LeadId, NewNote, PipelineId,
    fake::{FakeLead, Fault, LedgerKind},
};
use paddle_kommo_sync::{
    AgreedPrice, Config, MemoryStore, OnWon, OnWonAction, OnWonDeal, Outcome, ParkReason, Reason,
    RefundedDeal, TrialConversion,
};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::{
    money::with_sums,
    support::{
        LEAD, LOST, NEGOTIATION, NOW, PIPELINE, WON, World, client,
        events::{event, refund, renewal, subscription, time, transaction},
        faulty::{Fate, FaultyStore},
    },
};

const OTHER: u64 = LEAD + 1;
/// An open stage after "Negotiation".
const LATER: u64 = 58_141_815;

fn paid() -> Event {
    event("transaction.completed", 0, &transaction())
}

/// Another sale: its own transaction, subscription and customer.
fn sale_of(lead: u64, seconds: i64, total: &str) -> Event {
    let mut data = transaction();
    (data["id"], data["subscription_id"]) = (json!("txn_own"), json!("sub_own"));
    (data["customer_id"], data["invoice_number"]) = (json!("ctm_own"), json!("325-30003"));
    data["details"]["totals"]["total"] = json!(total);
    data["custom_data"]["kommo_lead_id"] = json!(lead);
    event("transaction.completed", seconds, &data)
}

async fn world(change: impl FnOnce(&mut Config)) -> World {
    let world = with_sums(change).await;
    world.kommo.add_lead(FakeLead::new("Acme").id(OTHER).stage(PIPELINE, NEGOTIATION));
    world
}

/// Kommo does not take the change of the deal: the plan waits.
async fn planned_only(world: &World, event: &Event) {
    world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
    world.waiting(event).await;
}

async fn link(world: &World, entity: &str, lead: u64) {
    world.sync.link(entity, LeadId::new(lead)).await.unwrap();
    world.advance(Duration::from_secs(60));
}

fn of(world: &World, lead: u64, code: &str) -> Value {
    world.kommo.field_value(lead, code).unwrap_or(Value::Null)
}

fn open_tasks(world: &World, lead: u64) -> usize {
    world.kommo.tasks(lead).iter().filter(|task| task["is_completed"] != json!(true)).count()
}

/// The price is that of the sale which won the deal, and so is the status.
#[tokio::test]
async fn a_refund_that_waits_changes_nothing_of_another_sale() {
    let world = world(|config| config.refunds.deal = RefundedDeal::LowerPrice).await;
    world.done(&paid()).await;
    world.done(&sale_of(OTHER, 1, "505315")).await;
    let back = event("adjustment.updated", 20, &refund("approved"));
    planned_only(&world, &back).await;
    link(&world, "txn_first", OTHER).await;
    world.done(&back).await;
    assert_eq!(world.kommo.lead(OTHER).unwrap()["price"], json!(5000));
    assert_eq!(of(&world, OTHER, "PAYMENT_STATUS"), "paid");
    assert_eq!(of(&world, OTHER, "PADDLE_TXN_ID"), "txn_own");
    assert_eq!((world.price(), world.notes().len()), (599, 1));
}

/// What is older does not overwrite what the deal has heard since.
#[tokio::test]
async fn a_status_that_waits_is_not_newer_where_it_goes() {
    let world = world(|_| {}).await;
    let active = event("subscription.updated", 10, &subscription("active"));
    planned_only(&world, &active).await;
    link(&world, "sub_seats", OTHER).await;
    let mut ended = subscription("canceled");
    ended["updated_at"] = json!(time(20));
    world.done(&event("subscription.canceled", 20, &ended)).await;
    world.handle(&active).await;
    assert_eq!(of(&world, OTHER, "SUBSCRIPTION_STATUS"), "canceled");
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), Value::Null);
}

#[tokio::test]
async fn a_person_who_says_it_and_takes_it_back_changes_nothing() {
    let paid = paid();
    let world = world(|_| {}).await;
    planned_only(&world, &paid).await;
    link(&world, "txn_first", OTHER).await;
    link(&world, "txn_first", LEAD).await;
    assert_eq!(world.done(&paid).await, [Reason::FirstPayment]);
    world.kommo.move_lead(LEAD, PIPELINE, LATER);
    let second = sale_of(LEAD, 10, "100000");
    assert_eq!(world.done(&second).await, [Reason::AnotherPayment]);
    assert_eq!((world.stage(), world.price()), (LATER, 599));
    assert_eq!(world.field("PADDLE_TXN_ID"), "txn_first");
}

/// As if the person had said so a moment later.
#[tokio::test]
async fn a_win_that_ends_where_it_was_begun_is_the_other_deals_all_the_same() {
    let paid = paid();
    for when_it_has_ended in [false, true] {
        let world = world(|_| {}).await;
        let note = Fault::status(503).on("POST", "/api/v4/leads");
        world.kommo.fail_next(note);
        world.waiting(&paid).await;
        if !when_it_has_ended {
            link(&world, "txn_first", OTHER).await;
        }
        for _ in 0..2 {
            world.advance(Duration::from_secs(3600));
            world.handle(&paid).await;
        }
        world.done(&paid).await;
        if when_it_has_ended {
            link(&world, "txn_first", OTHER).await;
        }
        assert_eq!((world.stage(), world.notes().len()), (WON, 1));
        let own = sale_of(OTHER, 10, "100000");
        assert_eq!(world.done(&own).await, [Reason::AnotherPayment], "{when_it_has_ended}");
    }
}

#[tokio::test]
async fn a_task_is_completed_wherever_the_payment_goes() {
    let world = world(|_| {}).await;
    let mut due = transaction();
    (due["status"], due["collection_mode"]) = (json!("past_due"), json!("manual"));
    due["subscription_id"] = Value::Null;
    world.done(&event("transaction.past_due", -10, &due)).await;
    assert_eq!(open_tasks(&world, LEAD), 1);
    let mut data = transaction();
    (data["collection_mode"], data["subscription_id"]) = (json!("manual"), Value::Null);
    let paid = event("transaction.completed", 0, &data);
    planned_only(&world, &paid).await;
    link(&world, "txn_first", OTHER).await;
    world.done(&paid).await;
    assert_eq!((open_tasks(&world, LEAD), open_tasks(&world, OTHER)), (0, 0));
}

/// Nothing of it was written there.
#[tokio::test]
async fn a_deal_that_a_sale_was_not_for_is_as_if_it_had_never_been_meant() {
    let paid = paid();
    let world = world(|config| config.agreed_price = AgreedPrice::Park).await;
    world.kommo.add_lead(FakeLead::new("Acme").id(LEAD).price(599).stage(PIPELINE, NEGOTIATION));
    planned_only(&world, &paid).await;
    link(&world, "txn_first", OTHER).await;
    world.done(&paid).await;
    let cheap = sale_of(LEAD, -300, "6215");
    assert_eq!(world.parked(&cheap).await.reason, ParkReason::PriceDiffers);

    let world = self::world(|_| {}).await;
    planned_only(&world, &paid).await;
    link(&world, "txn_first", OTHER).await;
    world.done(&paid).await;
    // It is older than what was meant for another deal.
    assert_eq!(world.done(&sale_of(LEAD, -300, "65215")).await, [Reason::FirstPayment]);
    assert_eq!(world.field("PADDLE_TXN_ID"), "txn_own");
    assert_eq!(of(&world, OTHER, "PADDLE_TXN_ID"), "txn_first");
}

/// The change of the first deal was not answered. That somebody has moved it along does not mean that it happened.
#[tokio::test]
async fn a_deal_that_a_person_moved_is_not_won_when_another_is_meant() {
    let paid = paid();
    for applied in [false, true] {
        let world = world(|_| {}).await;
        let fault = Fault::status(502).on("PATCH", "/api/v4/leads");
        world.kommo.fail_next(if applied { fault.applied() } else { fault });
        world.waiting(&paid).await;
        world.kommo.move_lead(LEAD, PIPELINE, LATER);
        link(&world, "txn_first", OTHER).await;
        world.done(&paid).await;
        let stage = world.kommo.lead(OTHER).unwrap()["status_id"].clone();
        assert_eq!(world.stage(), LATER, "{applied}");
        assert_eq!(stage, json!(if applied { NEGOTIATION } else { WON }), "{applied}");
        assert_eq!(world.notes().len(), usize::from(applied));
    }
}

/// A call was under way at an orderly stop, and the next process has the lane at once.
#[tokio::test(start_paused = true)]
async fn whether_the_deal_was_changed_is_known_before_another_is() {
    let paid = paid();
    let (world, store) = (world(|_| {}).await, FaultyStore::new(MemoryStore::new()));
    let token = AccessToken::new(world.kommo.token()).unwrap();
    let patient = Client::builder(&world.kommo.uri(), token).answered_by(&world.kommo);
    let patient = patient.requests_per_second(NonZeroU32::MAX).build().unwrap();
    let world = world.with_client(patient, store.clone()).await;
    store.choose(|method| if method == "claim_event" { Fate::Fails } else { Fate::Good });
    assert!(world.sync.handle(&paid).await.is_err());
    store.choose(|_| Fate::Good);
    world.kommo.fail_next(Fault::hang(Duration::from_secs(60)).on("PATCH", "/api/v4/leads"));
    let asked = async {
        while !world.kommo.requests().iter().any(|request| request.method == "PATCH") {
            tokio::task::yield_now().await;
        }
    };
    world.sync.run(asked).await;
    world.sync.link("txn_first", LeadId::new(OTHER)).await.unwrap();
    let (reason, until) = world.waiting(&paid).await;
    assert_eq!(until, NOW + Duration::from_secs(60), "{reason}");
    assert_eq!(world.kommo.lead(OTHER).unwrap()["status_id"], json!(NEGOTIATION));
    world.advance(Duration::from_secs(60));
    world.done(&paid).await;
    assert_eq!(world.kommo.lead(OTHER).unwrap()["status_id"], json!(WON));
}

/// The note was written without an answer, and went along when the deal was merged.
#[tokio::test]
async fn a_sale_that_was_told_in_part_is_told_once_where_its_deal_went() {
    let paid = paid();
    let world = world(|_| {}).await;
    world.kommo.fail_next(Fault::status(502).applied().on("POST", "/api/v4/leads"));
    world.waiting(&paid).await;
    let text = world.kommo.notes(LEAD)[0]["params"]["text"].as_str().unwrap().to_owned();
    let note = NewNote::common(OTHER, text);
    client(&world.kommo).notes(EntityType::Leads).create(&[note]).await.unwrap();
    world.kommo.remove_lead(LEAD);
    link(&world, "txn_first", OTHER).await;
    assert_eq!(world.done(&paid).await, [Reason::FirstPayment]);
    assert_eq!(world.kommo.lead(OTHER).unwrap()["status_id"], json!(WON));
    assert_eq!(world.kommo.notes(OTHER).len(), 1);
}

/// What stands beyond the deal stands there already. Where nobody heard whether it does, a person says.
#[tokio::test]
async fn what_was_made_for_a_deal_that_is_gone_is_not_made_again() {
    let paid = paid();
    for heard in [true, false] {
        let deal = OnWonDeal::new(PipelineId::new(PIPELINE));
        let on_won = OnWon::new(OnWonAction::CreateDeal(deal));
        let world = world(|config| config.on_won = vec![on_won]).await;
        world.kommo.fail_next(match heard {
            // It has no name yet.
            true => Fault::status(503).at("PATCH", "/api/v4/leads").nth(2),
            false => Fault::status(502).applied().at("POST", "/api/v4/leads"),
        });
        world.waiting(&paid).await;
        world.kommo.remove_lead(LEAD);
        link(&world, "txn_first", OTHER).await;
        if heard {
            world.done(&paid).await;
        } else {
            assert_eq!(world.parked(&paid).await.reason, ParkReason::Unconfirmed);
        }
        assert_eq!(world.kommo.lead(OTHER).unwrap()["status_id"], json!(WON));
        let made = || {
            let ledger = world.kommo.ledger();
            ledger.iter().filter(|entry| entry.kind == LedgerKind::LeadAdded).count()
        };
        assert_eq!(made(), 1);
        if !heard {
            // The person says so, having deleted what was there.
            assert!(world.sync.resume(paid.id().as_str()).await.unwrap());
            world.done(&paid).await;
            assert_eq!(made(), 2);
        }
    }
}

/// A lost deal keeps its stage whatever is charged later, and nothing that is done once per won deal begins.
#[tokio::test]
async fn the_end_of_a_trial_on_a_deal_lost_meanwhile_wins_nothing() {
    let world = World::with(|config| {
        config.trial_conversion = TrialConversion::Win;
        config.refunds.deal = RefundedDeal::LowerPrice;
        config.on_won = vec![OnWon::new(OnWonAction::AddTag("customer".to_owned()))];
    })
    .await;
    world.done(&event("subscription.trialing", 1, &subscription("trialing"))).await;
    let paid = event("transaction.completed", 100, &renewal());
    planned_only(&world, &paid).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.done(&paid).await, [Reason::RenewalKeepsStage]);
    assert_eq!(world.lead()["_embedded"]["tags"], json!([]));
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_renewal");
    world.done(&event("adjustment.updated", 200, &back)).await;
    assert_eq!((world.stage(), world.price()), (LOST, 0), "it is no price of ours");
}

/// The refund came first, and is of a charge that belongs to the subscription.
#[tokio::test]
async fn a_refund_that_was_heard_of_first_moves_with_its_subscription() {
    let world = world(|_| {}).await;
    world.done(&paid()).await;
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_renewal");
    world.done(&event("adjustment.updated", 20, &back)).await;
    world.done(&sale_of(LEAD, 25, "100000")).await;
    link(&world, "sub_seats", OTHER).await;
    world.done(&event("transaction.completed", 10, &renewal())).await;
    let mut own = renewal();
    (own["id"], own["subscription_id"]) = (json!("txn_own_renewal"), json!("sub_own"));
    own["customer_id"] = json!("ctm_own");
    world.done(&event("transaction.completed", 40, &own)).await;
    let sums = |lead| ["PAID", "REFUNDED", "NET"].map(|code| of(&world, lead, code));
    assert_eq!(sums(OTHER), ["978.77", "100.00", "878.77"]);
    assert_eq!(sums(LEAD), ["978.77", "0.00", "978.77"], "nothing of it is left behind");
}

/// A day in a field of text is told from a person's by the account's own zone.
#[tokio::test]
async fn without_the_account_nothing_is_judged() {
    let paid = paid();
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    planned_only(&world, &paid).await;
    world.advance(Duration::from_secs(60));
    let sync = world.restarted(store).await;
    world.kommo.fail_next(Fault::status(503).at("GET", "/api/v4/account").times(9));
    let outcome = sync.handle(&paid).await.unwrap();
    assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome}");
    assert_eq!(world.stage(), NEGOTIATION);
}
