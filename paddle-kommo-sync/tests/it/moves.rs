//! A person says that a sale belongs to another deal than the one it was told to.

use std::time::Duration;

use kommo_client::{
    EntityType, LeadId, NewNote,
    fake::{FakeLead, Fault},
};
use paddle_kommo_sync::{MemoryStore, ParkReason, Reason, RefundedDeal};
use serde_json::{Value, json};

use crate::{
    money::{with_sums, with_sums_on},
    order::refuse,
    support::{
        LEAD, NEGOTIATION, PIPELINE, WON, World, client,
        events::{event, refund, renewal, subscription, transaction},
        faulty::{Fate, FaultyStore},
    },
};

const OTHER: u64 = LEAD + 1;
const THIRD: u64 = OTHER + 1;

fn sums_of(world: &World, lead: u64) -> [Value; 3] {
    ["PAID", "REFUNDED", "NET"].map(|code| world.kommo.field_value(lead, code).unwrap_or_default())
}

fn add_other(world: &World, stage: u64) {
    world.kommo.add_lead(FakeLead::new("Acme").id(OTHER).price(599).stage(PIPELINE, stage));
}

/// A second sale for the same deal: its own transaction and subscription.
fn second() -> Value {
    let mut data = transaction();
    (data["id"], data["subscription_id"]) = (json!("txn_second"), json!("sub_second"));
    data["invoice_number"] = json!("325-30003");
    data
}

/// Nothing of it was done yet, for whatever reason.
#[tokio::test]
async fn a_plan_that_waits_goes_to_the_deal_that_a_person_names() {
    for refused in [true, false] {
        let world = with_sums(|_| {}).await;
        add_other(&world, NEGOTIATION);
        let payment = event("transaction.completed", 0, &transaction());
        if refused {
            refuse(&world, "PATCH");
            world.parked(&payment).await;
        } else {
            world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
            world.waiting(&payment).await;
        }
        let opened = world.sync.link(payment.id().as_str(), LeadId::new(OTHER)).await.unwrap();
        assert_eq!(opened.len(), usize::from(refused));
        world.advance(Duration::from_secs(60));
        assert_eq!(world.done(&payment).await, [Reason::FirstPayment]);
        assert_eq!((world.stage(), world.notes().len()), (NEGOTIATION, 0), "{refused}");
        assert_eq!(world.kommo.lead(OTHER).unwrap()["status_id"], json!(WON), "{refused}");
        assert_eq!(world.kommo.note_texts(OTHER).len(), 1, "{refused}");
        assert_eq!(sums_of(&world, OTHER)[0], json!("652.15"));
        world.done(&event("adjustment.updated", 30, &refund("approved"))).await;
        assert_eq!(sums_of(&world, OTHER), ["652.15", "100.00", "552.15"]);
    }
}

/// A plan that wins nothing keeps what was decided, on disk as well.
#[tokio::test]
async fn a_note_that_waits_goes_to_the_deal_that_a_person_names() {
    let world = World::new().await;
    add_other(&world, NEGOTIATION);
    let mut failed = transaction();
    failed["status"] = json!("ready");
    let failed = event("transaction.payment_failed", 0, &failed);
    refuse(&world, "POST");
    world.parked(&failed).await;
    refuse(&world, "POST");
    world.sync.link(failed.id().as_str(), LeadId::new(OTHER)).await.unwrap();
    world.parked(&failed).await;
    assert!(world.sync.resume(failed.id().as_str()).await.unwrap());
    world.done(&failed).await;
    assert_eq!((world.notes().len(), world.kommo.note_texts(OTHER).len()), (0, 1));
}

/// What was begun is ended where it was begun.
#[tokio::test]
async fn a_sale_that_was_told_in_part_is_not_told_on_two_deals() {
    let world = World::new().await;
    add_other(&world, NEGOTIATION);
    let payment = event("transaction.completed", 0, &transaction());
    world.kommo.fail_next(Fault::status(503).on("POST", "/api/v4/leads"));
    world.waiting(&payment).await;
    assert_eq!(world.stage(), WON);
    world.sync.link(payment.id().as_str(), LeadId::new(OTHER)).await.unwrap();
    // The note is looked for twice before it goes again.
    world.advance(Duration::from_secs(3600));
    world.waiting(&payment).await;
    world.advance(Duration::from_secs(3600));
    assert_eq!(world.done(&payment).await, [Reason::FirstPayment]);
    assert_eq!((world.notes().len(), world.kommo.note_texts(OTHER).len()), (1, 0));
    assert_eq!(world.kommo.lead(OTHER).unwrap()["status_id"], json!(NEGOTIATION));
}

/// A merged deal takes its notes along, also one whose answer was lost.
#[tokio::test]
async fn a_note_without_an_answer_is_looked_for_where_the_deal_went() {
    let world = World::new().await;
    add_other(&world, NEGOTIATION);
    let mut failed = transaction();
    failed["status"] = json!("ready");
    let failed = event("transaction.payment_failed", 0, &failed);
    world.kommo.fail_next(Fault::status(502).applied().on("POST", "/api/v4/leads"));
    world.waiting(&failed).await;
    let text = world.kommo.notes(LEAD)[0]["params"]["text"].as_str().unwrap().to_owned();
    let note = NewNote::common(OTHER, text);
    client(&world.kommo).notes(EntityType::Leads).create(&[note]).await.unwrap();
    world.kommo.remove_lead(LEAD);
    world.sync.link(failed.id().as_str(), LeadId::new(OTHER)).await.unwrap();
    world.advance(Duration::from_secs(3600));
    world.done(&failed).await;
    assert_eq!(world.kommo.notes(OTHER).len(), 1);
}

/// The deal was merged into one that a person, or another payment, has won.
#[tokio::test]
async fn a_payment_that_was_not_told_yet_is_told_to_the_deal_that_is_won() {
    for by_another in [false, true] {
        let world = with_sums(|_| {}).await;
        add_other(&world, if by_another { NEGOTIATION } else { WON });
        if by_another {
            let mut theirs = second();
            theirs["custom_data"]["kommo_lead_id"] = json!(OTHER);
            world.done(&event("transaction.completed", -10, &theirs)).await;
        }
        let payment = event("transaction.completed", 0, &transaction());
        world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
        world.waiting(&payment).await;
        world.kommo.remove_lead(LEAD);
        world.advance(Duration::from_secs(60));
        assert_eq!(world.parked(&payment).await.reason, ParkReason::DealGone);
        world.sync.link(payment.id().as_str(), LeadId::new(OTHER)).await.unwrap();
        assert_eq!(world.done(&payment).await, [Reason::AnotherPayment], "{by_another}");
        let notes = world.kommo.note_texts(OTHER).len();
        assert_eq!((notes, world.kommo.tasks(OTHER).len()), (1 + usize::from(by_another), 1));
    }
}

#[tokio::test]
async fn a_second_sale_counts_for_the_deal_that_it_belongs_to() {
    let world = with_sums(|_| {}).await;
    add_other(&world, WON);
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let other = event("transaction.completed", 10, &second());
    assert_eq!(world.done(&other).await, [Reason::AnotherPayment]);
    world.sync.link(other.id().as_str(), LeadId::new(OTHER)).await.unwrap();
    let mut next = renewal();
    next["subscription_id"] = json!("sub_second");
    world.done(&event("transaction.completed", 20, &next)).await;
    assert_eq!(sums_of(&world, OTHER), ["978.77", "0.00", "978.77"]);
    assert_eq!(sums_of(&world, LEAD), ["652.15", "0.00", "652.15"]);
}

/// The first one was not for this deal.
#[tokio::test]
async fn a_second_sale_counts_when_it_is_left_alone() {
    let world = with_sums(|_| {}).await;
    add_other(&world, WON);
    let first = event("transaction.completed", 0, &transaction());
    world.done(&first).await;
    world.done(&event("transaction.completed", 10, &second())).await;
    world.sync.link(first.id().as_str(), LeadId::new(OTHER)).await.unwrap();
    let mut next = renewal();
    next["subscription_id"] = json!("sub_second");
    world.done(&event("transaction.completed", 20, &next)).await;
    assert_eq!(sums_of(&world, LEAD), ["978.77", "0.00", "978.77"]);
}

/// Nobody can say which of them is the deal's.
#[tokio::test]
async fn two_sales_that_are_left_are_not_summed() {
    let world = with_sums(|_| {}).await;
    add_other(&world, WON);
    let first = event("transaction.completed", 0, &transaction());
    world.done(&first).await;
    world.done(&event("transaction.completed", 10, &second())).await;
    let mut third = second();
    (third["id"], third["subscription_id"]) = (json!("txn_third"), json!("sub_third"));
    world.done(&event("transaction.completed", 20, &third)).await;
    world.sync.link(first.id().as_str(), LeadId::new(OTHER)).await.unwrap();
    let mut next = renewal();
    next["subscription_id"] = json!("sub_second");
    world.done(&event("transaction.completed", 30, &next)).await;
    assert_eq!(sums_of(&world, LEAD), ["652.15", "0.00", "652.15"], "as before");
}

/// Its number was wrong in the first payment.
#[tokio::test]
async fn a_deal_whose_sale_was_moved_is_won_by_its_own() {
    let world = with_sums(|_| {}).await;
    add_other(&world, WON);
    let wrong = event("transaction.completed", 0, &transaction());
    world.done(&wrong).await;
    world.sync.link(wrong.id().as_str(), LeadId::new(OTHER)).await.unwrap();
    world.kommo.move_lead(LEAD, PIPELINE, NEGOTIATION);
    let right = event("transaction.completed", 10, &second());
    assert_eq!(world.done(&right).await, [Reason::FirstPayment]);
    assert_eq!((world.stage(), world.field("PADDLE_TXN_ID")), (WON, json!("txn_second")));
    assert_eq!(sums_of(&world, LEAD)[0], json!("652.15"));
}

/// A person may be wrong as well.
#[tokio::test]
async fn what_was_paid_moves_again_when_a_person_changes_the_word() {
    let world = with_sums(|_| {}).await;
    add_other(&world, WON);
    world.kommo.add_lead(FakeLead::new("Acme").id(THIRD).stage(PIPELINE, WON));
    let payment = event("transaction.completed", 0, &transaction());
    world.done(&payment).await;
    for lead in [OTHER, THIRD] {
        world.sync.link(payment.id().as_str(), LeadId::new(lead)).await.unwrap();
    }
    world.done(&event("transaction.completed", 10, &renewal())).await;
    assert_eq!(sums_of(&world, THIRD), ["978.77", "0.00", "978.77"]);
}

/// Then nothing has happened, and the word can be given again.
#[tokio::test]
async fn a_word_is_kept_with_all_that_it_moves_or_not_at_all() {
    for fails in ["known", "learn"] {
        let store = FaultyStore::new(MemoryStore::new());
        let world = with_sums_on(store.clone(), |_| {}).await;
        add_other(&world, WON);
        world.kommo.add_lead(FakeLead::new("Acme").id(THIRD).stage(PIPELINE, WON));
        let payment = event("transaction.completed", 0, &transaction());
        world.done(&payment).await;
        world.sync.link(payment.id().as_str(), LeadId::new(OTHER)).await.unwrap();
        store.choose(move |method| if method == fails { Fate::Fails } else { Fate::Good });
        let to_third = || world.sync.link(payment.id().as_str(), LeadId::new(THIRD));
        assert!(to_third().await.is_err(), "{fails}");
        store.choose(|_| Fate::Good);
        to_third().await.unwrap();
        world.done(&event("transaction.completed", 10, &renewal())).await;
        assert_eq!(sums_of(&world, THIRD), ["978.77", "0.00", "978.77"], "{fails}");
    }
}

/// Two deals were merged, or the sale was linked to the wrong one.
#[tokio::test]
async fn what_was_paid_moves_with_the_sale() {
    let world = with_sums(|config| config.refunds.deal = RefundedDeal::LowerPrice).await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    world.done(&event("subscription.created", 1, &subscription("active"))).await;
    world.done(&event("transaction.completed", 10, &renewal())).await;
    world.kommo.add_lead(FakeLead::new("Acme").id(OTHER).price(599).stage(PIPELINE, WON));
    world.sync.link("sub_seats", LeadId::new(OTHER)).await.unwrap();
    let mut next = renewal();
    next["id"] = json!("txn_next");
    world.done(&event("transaction.completed", 20, &next)).await;
    assert_eq!(sums_of(&world, OTHER), ["1305.39", "0.00", "1305.39"]);
    let back = refund("approved");
    world.done(&event("adjustment.updated", 30, &back)).await;
    assert_eq!(sums_of(&world, OTHER), ["1305.39", "100.00", "1205.39"]);
    assert_eq!(world.kommo.lead(OTHER).unwrap()["price"], json!(507), "599.00 less 91.85");
}
