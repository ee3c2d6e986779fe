//! Whom to believe: signed references, unsigned numbers, and a person's word.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kommo_client::{AccountId, LeadId, fake::FakeLead};
use paddle_kommo_sync::{
    DealRef, DealRefKey, MemoryStore, Outcome, ParkReason, Reason, Store, UnsignedLinks,
};
use paddle_webhook::Event;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{
    LEAD, LOST, NEGOTIATION, NOW, PIPELINE, WON, World,
    events::{customer, event, refund, renewal, subscription, transaction},
    faulty::{Fate, FaultyStore},
};

/// The account of the fake Kommo.
const ACCOUNT: AccountId = AccountId::new(31_361_463);

fn key() -> DealRefKey {
    DealRefKey::new("a key of thirty-two characters or more").unwrap()
}

async fn world(unsigned: UnsignedLinks) -> World {
    world_on(MemoryStore::new(), unsigned).await
}

async fn world_on(store: impl Store, unsigned: UnsignedLinks) -> World {
    let change = |config: &mut paddle_kommo_sync::Config| config.unsigned_links = unsigned;
    World::built(change, store, |builder| builder.deal_ref_keys([key()])).await
}

fn paid(custom_data: &Value) -> Event {
    let mut data = transaction();
    data["custom_data"] = custom_data.clone();
    event("transaction.completed", 10, &data)
}

#[tokio::test]
async fn a_signed_reference_wins_the_deal_it_names() {
    let world = world(UnsignedLinks::Park).await;
    let text = DealRef::new(LeadId::new(LEAD), ACCOUNT).sign(&key());
    world.done(&paid(&json!({"kommo_ref": text, "kommo_lead_id": "7"}))).await;
    assert_eq!(world.stage(), WON);
}

#[tokio::test]
async fn a_buyer_who_changes_the_number_reaches_nobody_elses_deal() {
    for unsigned in [UnsignedLinks::ConfirmByEmail, UnsignedLinks::Park] {
        let world = world(unsigned).await;
        world.kommo.add_lead(FakeLead::new("Somebody else's").id(7).stage(PIPELINE, NEGOTIATION));
        world.kommo.add_contact("Somebody else", &["else@example.com"], &[7]);
        world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
        let parked = world.parked(&paid(&json!({"kommo_lead_id": "7"}))).await;
        assert_eq!(parked.reason, ParkReason::LinkNotConfirmed);
        assert_eq!(parked.candidates, [LeadId::new(7)]);
        let forged = DealRef::new(LeadId::new(LEAD), ACCOUNT).sign(&key()).replacen(
            &LEAD.to_string(),
            "7",
            1,
        );
        let parked = world.parked(&paid(&json!({"kommo_ref": forged}))).await;
        assert_eq!(parked.reason, ParkReason::DealRefInvalid);
        assert_eq!(world.writes(), 0);
    }
}

#[tokio::test]
async fn an_unsigned_number_is_believed_of_the_deals_own_contact() {
    let world = world(UnsignedLinks::ConfirmByEmail).await;
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    world.done(&paid(&json!({"kommo_lead_id": LEAD}))).await;
    assert_eq!(world.stage(), WON);
    // What was confirmed once is remembered.
    world.done(&event("adjustment.updated", 20, &refund("approved"))).await;
}

/// Paddle's events may come in any order.
#[tokio::test]
async fn a_number_is_confirmed_as_soon_as_the_address_is_known() {
    let world = world(UnsignedLinks::ConfirmByEmail).await;
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    let payment = paid(&json!({"kommo_lead_id": LEAD}));
    assert_eq!(world.parked(&payment).await.reason, ParkReason::LinkNotConfirmed);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    world.done(&payment).await;
    assert_eq!(world.stage(), WON);
}

/// The process that heard of it stops before it has looked for all that waits for it.
#[tokio::test]
async fn an_address_opens_what_waits_for_it_also_after_a_crash() {
    let numbered = paid(&json!({"kommo_lead_id": LEAD}));
    let unnamed = paid(&Value::Null);
    for (payment, stops_at) in [(&numbered, "resume"), (&unnamed, "resume"), (&unnamed, "history")]
    {
        let store = FaultyStore::new(MemoryStore::new());
        let world = world_on(store.clone(), UnsignedLinks::ConfirmByEmail).await;
        world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
        world.parked(payment).await;
        store.choose(move |method| if method == stops_at { Fate::Fails } else { Fate::Good });
        let told = event("customer.created", 0, &customer("jo@example.com"));
        assert!(world.sync.handle(&told).await.is_err(), "{stops_at}");
        store.choose(|_| Fate::Good);
        world.advance(Duration::from_secs(120));
        world.ignored(&told).await;
        world.done(payment).await;
        assert_eq!(world.stage(), WON);
    }
}

/// The first address was wrong, and the right one comes while the payment is compared with the wrong one.
#[tokio::test]
async fn an_address_is_not_missed_while_another_is_compared() {
    let store = FaultyStore::new(MemoryStore::new());
    let world = world_on(store.clone(), UnsignedLinks::ConfirmByEmail).await;
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    let payment = paid(&json!({"kommo_lead_id": LEAD}));
    world.parked(&payment).await;
    let of = |seconds: i64, email: &str| {
        let mut data = customer(email);
        data["updated_at"] = json!(crate::support::events::time(seconds));
        event("customer.updated", seconds, &data)
    };
    world.ignored(&of(1, "typo@example.com")).await;
    let (parking, about) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (held, told) = (Arc::clone(&parking), Arc::clone(&about));
    let first = AtomicBool::new(true);
    store.choose(move |method| {
        if method != "finish" || !first.swap(false, Ordering::SeqCst) {
            return Fate::Good;
        }
        told.add_permits(1);
        Fate::Waits(Arc::clone(&held))
    });
    let right = async {
        about.acquire().await.unwrap().forget();
        world.ignored(&of(2, "jo@example.com")).await;
        parking.add_permits(1);
    };
    tokio::join!(world.handle(&payment), right);
    world.done(&payment).await;
    assert_eq!(world.stage(), WON);
}

/// It may be parked for something else by then, which an address does not mend.
#[tokio::test]
async fn an_address_opens_nothing_else() {
    let world = world(UnsignedLinks::ConfirmByEmail).await;
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    let payment = paid(&json!({"kommo_lead_id": LEAD}));
    world.parked(&payment).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    assert_eq!(world.parked(&payment).await.reason, ParkReason::DealLost);
    world.kommo.move_lead(LEAD, PIPELINE, NEGOTIATION);
    world.ignored(&event("customer.updated", 5, &customer("jo@example.com"))).await;
    assert_eq!(world.parked(&payment).await.reason, ParkReason::DealLost);
}

#[tokio::test]
async fn a_deal_that_was_confirmed_is_kept_while_its_payment_waits_for_a_person() {
    let world = world(UnsignedLinks::ConfirmByEmail).await;
    world.kommo.add_lead(FakeLead::new("Lost").id(7).stage(PIPELINE, LOST));
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD, 7]);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    world.done(&paid(&json!({"kommo_lead_id": LEAD}))).await;
    let mut second = transaction();
    (second["id"], second["subscription_id"]) = (json!("txn_second"), Value::Null);
    second["custom_data"] = json!({"kommo_lead_id": 7});
    let second = event("transaction.completed", 20, &second);
    assert_eq!(world.parked(&second).await.reason, ParkReason::DealLost);
    let mut back = refund("approved");
    (back["transaction_id"], back["subscription_id"]) = (json!("txn_second"), Value::Null);
    world.done(&event("adjustment.updated", 30, &back)).await;
    assert_eq!((world.notes().len(), world.kommo.note_texts(7).len()), (1, 1));
    world.kommo.move_lead(7, PIPELINE, NEGOTIATION);
    world.sync.resume(second.id().as_str()).await.unwrap();
    world.done(&second).await;
    assert_eq!(world.kommo.lead(7).unwrap()["status_id"], WON);
}

#[tokio::test]
async fn of_two_addresses_the_newer_one_counts_in_either_order() {
    let of = |seconds: i64, email: &str| {
        let mut data = customer(email);
        data["updated_at"] = json!(crate::support::events::time(seconds));
        event("customer.updated", seconds, &data)
    };
    let (older, newer) = (of(1, "old@example.com"), of(2, "jo@example.com"));
    for order in [[&older, &newer], [&newer, &older]] {
        let world = world(UnsignedLinks::ConfirmByEmail).await;
        world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
        for event in order {
            world.ignored(event).await;
        }
        world.done(&paid(&json!({"kommo_lead_id": LEAD}))).await;
    }
}

/// There may be thousands, each with its body.
#[tokio::test]
async fn what_is_parked_is_not_looked_through_for_every_payment() {
    let store = FaultyStore::new(MemoryStore::new());
    let world = World::built(|_| {}, store.clone(), |builder| builder.deal_ref_keys([key()])).await;
    store.choose(|method| if method == "parked" { Fate::Fails } else { Fate::Good });
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    let text = DealRef::new(LeadId::new(LEAD), ACCOUNT).sign(&key());
    world.done(&paid(&json!({"kommo_ref": text}))).await;
}

#[tokio::test]
async fn an_unconfirmed_number_teaches_nothing() {
    let world = world(UnsignedLinks::ConfirmByEmail).await;
    world.ignored(&event("transaction.created", 0, &transaction())).await;
    let parked = world.parked(&event("adjustment.updated", 20, &refund("approved"))).await;
    assert_eq!(parked.reason, ParkReason::NoDeal);
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn the_end_of_a_reference_binds_the_first_payment_only() {
    let text = DealRef::new(LeadId::new(LEAD), ACCOUNT).expires(NOW).sign(&key());
    let late = world(UnsignedLinks::Accept).await;
    assert_eq!(
        late.parked(&paid(&json!({"kommo_ref": text}))).await.reason,
        ParkReason::DealRefInvalid
    );
    let mut data = renewal();
    data["custom_data"] = json!({"kommo_ref": text});
    assert_eq!(
        late.done(&event("transaction.completed", 20, &data)).await,
        [Reason::RenewalKeepsStage]
    );
}

/// Nobody signs yet, or nobody does any more.
#[tokio::test]
async fn a_reference_that_nobody_can_check_and_one_that_says_nothing_are_none() {
    let without_keys = World::new().await;
    let with_keys = world(UnsignedLinks::Accept).await;
    for (world, text) in [(without_keys, "v1.any.thing"), (with_keys, "")] {
        world.done(&paid(&json!({"kommo_ref": text, "kommo_lead_id": LEAD}))).await;
        assert_eq!(world.stage(), WON, "{text}");
    }
}

/// A key may be given up, or have to be: what was sold with it goes on.
#[tokio::test]
async fn a_subscription_that_was_sold_with_an_older_key_stays_linked() {
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder.deal_ref_keys([key()])).await;
    let text = DealRef::new(LeadId::new(LEAD), ACCOUNT).sign(&key());
    let old = json!({"kommo_ref": text, "kommo_lead_id": "7"});
    world.done(&paid(&old)).await;
    let newer = DealRefKey::new("another key of thirty-two characters").unwrap();
    let build = |builder: paddle_kommo_sync::SyncBuilder| builder.deal_ref_keys([newer]);
    let sync = world.restarted_with(store, build).await;
    let world = World { sync, ..world };
    let mut data = renewal();
    data["custom_data"] = old.clone();
    let renewed = event("transaction.completed", 20, &data);
    assert_eq!(world.done(&renewed).await, [Reason::RenewalKeepsStage]);
    // A sale of its own is none that we know.
    data = transaction();
    (data["id"], data["custom_data"]) = (json!("txn_again"), old.clone());
    let again = world.parked(&event("transaction.completed", 30, &data)).await;
    assert_eq!(again.reason, ParkReason::DealRefInvalid);
    (data["id"], data["subscription_id"]) = (json!("txn_other"), json!("sub_other"));
    data["origin"] = json!("subscription_recurring");
    let other = world.parked(&event("transaction.completed", 40, &data)).await;
    assert_eq!(other.reason, ParkReason::DealRefInvalid, "whatever the customer bought before");
}

#[tokio::test]
async fn a_reference_to_another_account_is_none() {
    let world = world(UnsignedLinks::Accept).await;
    let text = DealRef::new(LeadId::new(LEAD), AccountId::new(1)).sign(&key());
    let parked = world.parked(&paid(&json!({"kommo_ref": text}))).await;
    assert_eq!(parked.reason, ParkReason::DealRefInvalid);
}

#[tokio::test]
async fn a_persons_word_opens_what_was_parked_and_is_remembered() {
    let world = World::new().await;
    let payment = paid(&Value::Null);
    let mut bare = subscription("active");
    bare["custom_data"] = Value::Null;
    let started = event("subscription.activated", 5, &bare);
    let mut other = transaction();
    other["id"] = json!("txn_other");
    other["subscription_id"] = Value::Null;
    other["customer_id"] = json!("ctm_other");
    other["custom_data"] = Value::Null;
    let unrelated = event("transaction.completed", 6, &other);
    for event in [&payment, &started, &unrelated] {
        assert_eq!(world.parked(event).await.reason, ParkReason::NoDeal);
    }

    let mut opened = world.sync.link(payment.id().as_str(), LeadId::new(LEAD)).await.unwrap();
    opened.sort();
    let mut want = vec![payment.id().as_str().to_owned(), started.id().as_str().to_owned()];
    want.sort();
    assert_eq!(opened, want, "all of the same sale, and nothing else");
    assert_eq!(world.done(&payment).await, [Reason::FirstPayment]);
    assert_eq!(world.done(&started).await, [Reason::SubscriptionStarted]);
    assert_eq!(world.stage(), WON);

    // It overrules what later events say.
    world.kommo.add_lead(FakeLead::new("Another").id(7).stage(PIPELINE, NEGOTIATION));
    let mut later = renewal();
    later["custom_data"] = json!({"kommo_lead_id": "7"});
    world.done(&event("transaction.completed", 30, &later)).await;
    assert!(world.kommo.notes(7).is_empty());
}

#[tokio::test]
async fn a_transaction_can_be_linked_before_it_is_paid() {
    let world = World::new().await;
    assert!(world.sync.link("txn_first", LeadId::new(LEAD)).await.unwrap().is_empty());
    let outcome = world.handle(&paid(&Value::Null)).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
}

#[tokio::test]
async fn what_a_person_said_of_one_sale_says_nothing_of_the_customers_next_one() {
    let world = World::new().await;
    world.kommo.add_lead(FakeLead::new("Second").id(7).stage(PIPELINE, NEGOTIATION));
    let payment = paid(&Value::Null);
    assert_eq!(world.parked(&payment).await.reason, ParkReason::NoDeal);
    world.sync.link(payment.id().as_str(), LeadId::new(LEAD)).await.unwrap();
    world.done(&payment).await;

    let mut second = transaction();
    second["id"] = json!("txn_second");
    second["subscription_id"] = json!("sub_second");
    second["custom_data"] = json!({"kommo_lead_id": "7"});
    assert_eq!(
        world.done(&event("transaction.completed", 20, &second)).await,
        [Reason::FirstPayment],
        "it names its own deal"
    );
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_second");
    back["subscription_id"] = json!("sub_second");
    world.done(&event("adjustment.updated", 30, &back)).await;
    assert_eq!((world.kommo.note_texts(7).len(), world.notes().len()), (2, 1));

    let mut third = transaction();
    third["id"] = json!("txn_third");
    third["subscription_id"] = Value::Null;
    third["custom_data"] = Value::Null;
    assert_eq!(
        world.done(&event("transaction.completed", 40, &third)).await,
        [Reason::AnotherPayment],
        "of one that names none, the person's word tells which"
    );
    assert_eq!(world.notes().len(), 2);
}
