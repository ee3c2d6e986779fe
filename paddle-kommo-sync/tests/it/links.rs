//! Which deal is meant.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use kommo_client::{LeadId, PipelineId, StatusId, fake::FakeLead};
use paddle_kommo_sync::{
    CustomerLookup, DealRefKey, LookupError, MemoryStore, OnWon, OnWonAction, OnWonDeal, Outcome,
    ParkReason, Reason, SyncBuilder,
    fake_paddle::{Fault, Purchase},
};
use paddle_webhook::{CustomerId, Environment, Event, TransactionId};
use serde_json::{Value, json};

use crate::{
    documents::{Shop, connect},
    support::{
        LEAD, LOST, NEGOTIATION, PIPELINE, WON, World,
        events::{customer, event, refund, renewal, subscription, time, transaction},
        lead_ids,
    },
};

pub(crate) fn paid_by(custom_data: &Value) -> Event {
    let mut data = transaction();
    data["custom_data"] = custom_data.clone();
    event("transaction.completed", 10, &data)
}

#[tokio::test]
async fn the_id_may_be_a_text_or_a_number() {
    for id in [json!("20024930"), json!(20_024_930)] {
        let world = World::new().await;
        world.done(&paid_by(&json!({"kommo_lead_id": id}))).await;
        assert_eq!(world.stage(), WON, "{id}");
    }
}

#[tokio::test]
async fn an_unreadable_id_is_parked_even_if_the_customer_is_known() {
    for id in [
        json!("twenty"),
        json!("-1"),
        json!(-1),
        json!(0),
        json!("0"),
        json!(1.5),
        json!("9223372036854775808"),
        json!("99999999999999999999999"),
        json!(true),
        json!([20_024_930]),
        json!({"id": 20_024_930}),
        json!("20024930; DROP TABLE leads"),
    ] {
        let world = World::new().await;
        world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
        world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
        let parked = world.parked(&paid_by(&json!({"kommo_lead_id": id}))).await;
        assert_eq!(parked.reason, ParkReason::LeadIdUnreadable, "{id}");
        assert_eq!(world.writes(), 0, "{id}");
    }
}

#[tokio::test]
async fn hostile_custom_data_never_does_harm() {
    for custom_data in [
        Value::Null,
        json!([]),
        json!("20024930"),
        json!(20_024_930),
        json!({"kommo_lead_id": null}),
        json!({"kommo_lead_id": ""}),
        json!({"KOMMO_LEAD_ID": "20024930"}),
        json!({"nested": {"kommo_lead_id": "20024930"}}),
    ] {
        let world = World::new().await;
        assert_eq!(
            world.parked(&paid_by(&custom_data)).await.reason,
            ParkReason::NoDeal,
            "{custom_data}"
        );
        assert_eq!(world.writes(), 0, "{custom_data}");
    }
}

#[tokio::test]
async fn what_an_earlier_event_taught_links_the_later_ones() {
    let world = World::new().await;
    // The first event names the deal; the others carry no custom data, as adjustments never do.
    world.ignored(&event("transaction.created", 0, &transaction())).await;
    let mut bare = transaction();
    bare["custom_data"] = Value::Null;
    world.done(&event("transaction.completed", 10, &bare)).await;
    assert_eq!(world.stage(), WON, "by the transaction");

    world.done(&event("adjustment.updated", 20, &refund("approved"))).await;
    assert_eq!(world.notes().len(), 2, "by the transaction that is adjusted");

    let mut later = renewal();
    later["custom_data"] = Value::Null;
    world.done(&event("transaction.completed", 30, &later)).await;
    assert_eq!(world.notes().len(), 3, "by the subscription");

    let mut other = subscription("active");
    other["id"] = json!("sub_other");
    other["custom_data"] = Value::Null;
    world.done(&event("subscription.activated", 40, &other)).await;
    assert_eq!(world.field("PADDLE_SUB_ID"), json!("sub_other"), "by the customer");
}

#[tokio::test]
async fn a_customer_with_two_deals_is_ambiguous() {
    let world = World::new().await;
    world.kommo.add_lead(FakeLead::new("Second").id(7).stage(PIPELINE, NEGOTIATION));
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let mut second = transaction();
    second["id"] = json!("txn_second");
    second["subscription_id"] = json!("sub_second");
    second["custom_data"]["kommo_lead_id"] = json!("7");
    world.done(&event("transaction.completed", 10, &second)).await;

    let mut third = transaction();
    third["id"] = json!("txn_third");
    third["subscription_id"] = Value::Null;
    third["custom_data"] = Value::Null;
    let parked = world.parked(&event("transaction.completed", 20, &third)).await;
    assert_eq!(
        (parked.reason, parked.candidates),
        (ParkReason::AmbiguousDeal, lead_ids(&[7, LEAD]))
    );
}

#[tokio::test]
async fn the_address_finds_the_contacts_only_open_deal() {
    let world = World::new().await;
    world.kommo.add_lead(FakeLead::new("Old sale").id(7).stage(PIPELINE, WON));
    world.kommo.add_lead(FakeLead::new("Lost").id(8).stage(PIPELINE, LOST));
    world.kommo.add_contact("Jo", &["JO@example.com "], &[7, 8, LEAD]);
    world.kommo.add_contact("Not Jo", &["notjo@example.com"], &[7]);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    world.done(&paid_by(&Value::Null)).await;
    assert_eq!(world.stage(), WON);
    assert_eq!(world.kommo.note_texts(7).len(), 0);

    let searches =
        world.kommo.requests().iter().filter(|request| request.path.contains("/contacts")).count();
    world.done(&event("adjustment.updated", 20, &refund("approved"))).await;
    let after =
        world.kommo.requests().iter().filter(|request| request.path.contains("/contacts")).count();
    assert_eq!((searches, after), (1, 1), "what was found is remembered");
}

#[tokio::test]
async fn an_address_with_several_open_deals_is_ambiguous_and_with_none_is_no_deal() {
    let world = World::new().await;
    world.kommo.add_lead(FakeLead::new("Second").id(7).stage(PIPELINE, NEGOTIATION));
    let jo = world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    let again = world.kommo.add_contact("Jo again", &["jo@example.com"], &[7, LEAD]);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    let parked = world.parked(&paid_by(&Value::Null)).await;
    let why = format!(
        "(deal 7 is open, of contact {again}; deal {LEAD} is open, of contact {jo} and {again})"
    );
    assert!(parked.detail.contains(&why), "{}", parked.detail);
    assert_eq!(
        (parked.reason, parked.candidates),
        (ParkReason::AmbiguousDeal, lead_ids(&[7, LEAD]))
    );

    let world = World::new().await;
    world.kommo.add_lead(FakeLead::new("Old sale").id(7).stage(PIPELINE, WON));
    let jo = world.kommo.add_contact("Jo", &["jo@example.com"], &[7]);
    world.kommo.add_contact("Similar", &["superjo@example.com"], &[LEAD]);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    let parked = world.parked(&paid_by(&Value::Null)).await;
    let why = format!("(deal 7 is won, of contact {jo})");
    assert!(parked.detail.contains(&why), "{}", parked.detail);
    assert_eq!((parked.reason, parked.candidates), (ParkReason::NoDeal, lead_ids(&[7])));
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn a_persons_word_on_a_transaction_holds_for_its_subscription_and_its_customer() {
    let world = World::new().await;
    world.kommo.add_lead(FakeLead::new("The right one").id(7).stage(PIPELINE, NEGOTIATION));
    world.done(&event("transaction.completed", 0, &transaction())).await;
    world.sync.link("txn_first", LeadId::new(7)).await.unwrap();
    let mut another = transaction();
    (another["id"], another["subscription_id"]) = (json!("txn_another"), json!("sub_another"));
    another["custom_data"] = Value::Null;
    for (number, event) in [
        event("transaction.completed", 100, &renewal()),
        event("transaction.completed", 200, &another),
    ]
    .iter()
    .enumerate()
    {
        world.done(event).await;
        assert_eq!(world.kommo.note_texts(7).len(), number + 1);
    }
    assert_eq!(world.notes().len(), 1, "what was told before the word");
}

#[tokio::test]
async fn of_each_deal_of_the_customer_it_is_said_why_it_is_not_meant() {
    let probe = World::new().await;
    let other = probe.kommo.add_pipeline("Other", &["New", "Paid"]);
    let stages = probe.kommo.stage_ids(other);
    let onboarding = probe.kommo.add_pipeline("Onboarding", &["New"]);
    let world = World::with(|config| {
        config.stages.set_won(PipelineId::new(other), StatusId::new(stages[1]));
        let deal = OnWonDeal::new(PipelineId::new(onboarding));
        config.on_won = vec![OnWon::new(OnWonAction::CreateDeal(deal))];
    })
    .await;
    assert_eq!(world.kommo.add_pipeline("Other", &["New", "Paid"]), other);
    assert_eq!(world.kommo.add_pipeline("Onboarding", &["New"]), onboarding);
    let lead = |id, pipeline, stage| FakeLead::new("A deal").id(id).stage(pipeline, stage);
    world.kommo.add_lead(lead(7, PIPELINE, LOST));
    world.kommo.add_lead(lead(8, other, stages[1]));
    world.kommo.add_lead(lead(9, onboarding, world.kommo.stage_ids(onboarding)[0]));
    let jo = world.kommo.add_contact("Jo", &["jo@example.com"], &[7, 8, 9]);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    let parked = world.parked(&paid_by(&Value::Null)).await;
    assert_eq!((parked.reason, parked.candidates), (ParkReason::NoDeal, lead_ids(&[7, 8, 9])));
    for (id, standing) in [(7, "lost"), (8, "won"), (9, "made for an earlier sale")] {
        let why = format!("deal {id} is {standing}, of contact {jo}");
        assert!(parked.detail.contains(&why), "{}", parked.detail);
    }

    // Another pipeline's stage of winning is an open one here.
    world.kommo.add_lead(lead(11, other, stages[0]));
    world.kommo.add_contact("Jo", &["jo@example.com"], &[11]);
    world.done(&paid_by(&Value::Null)).await;
    let lead = world.kommo.lead(11).unwrap();
    assert_eq!(lead["status_id"], stages[1]);
}

#[derive(Debug)]
struct Directory(Result<Option<&'static str>, &'static str>);

#[async_trait]
impl CustomerLookup for Directory {
    async fn email(&self, customer: &CustomerId) -> Result<Option<String>, LookupError> {
        assert_eq!(customer.as_str(), "ctm_jo");
        self.0.map(|email| email.map(str::to_owned)).map_err(LookupError::new)
    }
}

#[tokio::test]
async fn a_lookup_tells_the_address() {
    let lookup = |answer| async move {
        let world = World::built(
            |_| {},
            MemoryStore::new(),
            |builder| builder.customers(Directory(answer)),
        )
        .await;
        world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
        world
    };
    let world = lookup(Ok(Some("jo@example.com"))).await;
    assert_eq!(world.done(&paid_by(&Value::Null)).await, [Reason::FirstPayment]);
    let world = lookup(Ok(None)).await;
    assert_eq!(world.parked(&paid_by(&Value::Null)).await.reason, ParkReason::NoDeal);
    let world = lookup(Err("away")).await;
    assert_eq!(
        world.waiting(&paid_by(&Value::Null)).await.0,
        "the customer cannot be looked up: away"
    );
}

/// Counts how often it is asked.
#[derive(Clone, Debug, Default)]
struct Counted(Arc<AtomicU32>, Option<&'static str>);

#[async_trait]
impl CustomerLookup for Counted {
    async fn email(&self, _: &CustomerId) -> Result<Option<String>, LookupError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(self.1.map(str::to_owned))
    }
}

#[tokio::test]
async fn what_a_lookup_told_of_a_customer_is_kept() {
    let store = MemoryStore::new();
    let lookup = Counted(Arc::default(), Some("jo@example.com"));
    let asked = lookup.0.clone();
    let build = |lookup: Counted| move |builder: SyncBuilder| builder.customers(lookup);
    let world = World::built(|_| {}, store.clone(), build(lookup.clone())).await;
    // Nobody in Kommo has this address yet.
    assert_eq!(world.parked(&paid_by(&Value::Null)).await.reason, ParkReason::NoDeal);
    let restarted = world.restarted_with(store, build(lookup)).await;
    let mut later = renewal();
    later["custom_data"] = Value::Null;
    restarted.handle(&event("transaction.completed", 30, &later)).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1, "the second event asks nobody");

    world.kommo.add_contact("Jo", &["new@example.com"], &[LEAD]);
    world.ignored(&event("customer.updated", 40, &customer("new@example.com"))).await;
    let mut newest = renewal();
    newest["id"] = json!("txn_newest");
    newest["custom_data"] = Value::Null;
    world.done(&event("transaction.completed", 50, &newest)).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1, "a newer word of Paddle's counts");
}

#[tokio::test]
async fn an_address_that_found_the_deal_is_kept_too() {
    let lookup = Counted(Arc::default(), Some("jo@example.com"));
    let asked = lookup.0.clone();
    let key = DealRefKey::new("k".repeat(40)).unwrap();
    let build = |builder: SyncBuilder| builder.customers(lookup).deal_ref_keys([key]);
    let world = World::built(|_| {}, MemoryStore::new(), build).await;
    world.kommo.add_lead(FakeLead::new("Second").id(7).stage(PIPELINE, WON));
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD, 7]);
    world.done(&paid_by(&Value::Null)).await;
    // Its number is only a hint: whether the customer is one of its contacts is looked up again.
    let mut second = transaction();
    second["id"] = json!("txn_second");
    second["subscription_id"] = Value::Null;
    second["custom_data"]["kommo_lead_id"] = json!(7);
    assert_eq!(
        world.done(&event("transaction.completed", 20, &second)).await,
        [Reason::AnotherPayment]
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// A transaction that nobody has told of, and its approved refund.
async fn refunded_unseen(custom_data: &[(&str, &str)]) -> (Shop, TransactionId, Event) {
    let shop = Shop::open().await;
    let purchase =
        custom_data.iter().fold(Purchase::new("jo@example.com"), |purchase, (name, value)| {
            purchase.custom_data(name, value)
        });
    let sale = shop.paddle.buy(&purchase).transaction;
    shop.paddle.refund(&sale, Some(10_000)).unwrap();
    shop.paddle.settle_refunds(true);
    let refund = shop.event("adjustment.updated");
    (shop, sale, refund)
}

/// How often Paddle was asked of a transaction.
fn asked(shop: &Shop, id: &TransactionId) -> usize {
    let target = format!("/transactions/{id}");
    shop.paddle.requests().iter().filter(|request| request.target == target).count()
}

#[tokio::test]
async fn a_refund_of_a_transaction_that_was_never_seen_finds_its_deal() {
    let lead = LEAD.to_string();
    let (shop, sale, refund) = refunded_unseen(&[("kommo_lead_id", &lead)]).await;
    assert_eq!(shop.world.done(&refund).await, [Reason::Refunded, Reason::CreditNote]);
    assert_eq!((shop.world.notes().len(), shop.world.stage()), (1, NEGOTIATION));

    shop.paddle.refund(&sale, Some(5_000)).unwrap();
    shop.paddle.settle_refunds(true);
    shop.world.done(&shop.event("adjustment.updated")).await;
    assert_eq!(asked(&shop, &sale), 1, "what it said is remembered");
    let mut bare: Value = serde_json::from_str(shop.event("subscription.created").body()).unwrap();
    bare["data"]["custom_data"] = Value::Null;
    bare["data"]["transaction_id"] = Value::Null;
    let bare = Event::from_trusted(bare.to_string().as_bytes(), Environment::Live).unwrap();
    shop.world.done(&bare).await;
    let id = bare.data().unwrap().subscription().unwrap().id.to_string();
    assert_eq!(shop.world.field("PADDLE_SUB_ID"), json!(id), "for the subscription too");
}

#[tokio::test]
async fn a_transaction_tells_apart_the_deals_of_one_customer() {
    let (shop, sale, refund) = refunded_unseen(&[("kommo_lead_id", "7")]).await;
    shop.world.kommo.add_lead(FakeLead::new("Second").id(7).stage(PIPELINE, NEGOTIATION));
    shop.world.kommo.add_lead(FakeLead::new("Third").id(8).stage(PIPELINE, NEGOTIATION));
    for lead in ["8", &LEAD.to_string()] {
        let purchase = Purchase::new("jo@example.com").custom_data("kommo_lead_id", lead);
        shop.paddle.buy(&purchase);
        shop.world.done(&shop.event("transaction.completed")).await;
    }
    shop.world.done(&refund).await;
    assert_eq!(shop.world.kommo.note_texts(7).len(), 1);
    assert_eq!(asked(&shop, &sale), 1);
}

#[tokio::test]
async fn what_paddle_does_not_know_either_is_parked() {
    let (shop, _, refund) = refunded_unseen(&[]).await;
    assert_eq!(shop.world.parked(&refund).await.reason, ParkReason::NoDeal);
    let (shop, _, refund) = refunded_unseen(&[("kommo_lead_id", "twenty")]).await;
    assert_eq!(shop.world.parked(&refund).await.reason, ParkReason::LeadIdUnreadable);
    assert_eq!(shop.world.writes(), 0);
}

#[tokio::test]
async fn a_lookup_that_fails_waits_and_blames_nobody_else() {
    let lead = LEAD.to_string();
    let (shop, _, refund) = refunded_unseen(&[("kommo_lead_id", &lead)]).await;
    shop.paddle.fail_next(Fault::status(503).always());
    let (reason, _) = shop.world.waiting(&refund).await;
    assert_eq!(
        reason,
        "the transaction cannot be looked up: Paddle failed with status 503 (service_unavailable)"
    );
    assert_eq!(shop.world.sync.trouble(), None);
    shop.paddle.clear_faults();
    shop.wait(600);
    shop.world.done(&refund).await;
}

#[tokio::test]
async fn a_refund_of_a_test_transaction_that_was_never_seen_is_a_test_too() {
    let lead = LEAD.to_string();
    let (shop, sale, refund) = refunded_unseen(&[("kommo_lead_id", &lead), ("test", "true")]).await;
    assert_eq!(shop.world.ignored(&refund).await, Reason::MarkedTest);
    shop.paddle.refund(&sale, Some(5_000)).unwrap();
    shop.paddle.settle_refunds(true);
    assert_eq!(shop.world.ignored(&shop.event("adjustment.updated")).await, Reason::MarkedTest);
    assert_eq!((asked(&shop, &sale), shop.world.writes()), (1, 0), "that is remembered");
    let mut other = transaction();
    other["customer_id"] =
        refund.data().unwrap().adjustment().unwrap().customer_id.clone().unwrap().as_str().into();
    other["custom_data"] = Value::Null;
    let parked = shop.world.parked(&event("transaction.completed", 0, &other)).await;
    assert_eq!(parked.reason, ParkReason::NoDeal, "and teaches nothing else");
}

#[tokio::test]
async fn what_paddle_says_without_a_signature_is_a_hint_where_keys_are_set() {
    for (contact, found) in [("jo@example.com", true), ("other@example.com", false)] {
        let lead = LEAD.to_string();
        let (shop, _, refund) = refunded_unseen(&[("kommo_lead_id", &lead)]).await;
        shop.world.kommo.add_contact("Jo", &[contact], &[LEAD]);
        let key = DealRefKey::new("k".repeat(40)).unwrap();
        let build = |builder: SyncBuilder| connect(&shop.paddle)(builder).deal_ref_keys([key]);
        let sync = shop.world.restarted_with(MemoryStore::new(), build).await;
        match sync.handle(&refund).await.unwrap() {
            Outcome::Done(_) => assert!(found),
            Outcome::Parked(parked) => {
                assert_eq!((found, parked.reason), (false, ParkReason::LinkNotConfirmed));
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_deal_that_is_gone_is_parked_with_its_id() {
    let world = World::new().await;
    world.kommo.remove_lead(LEAD);
    let parked = world.parked(&paid_by(&json!({"kommo_lead_id": LEAD}))).await;
    assert_eq!((parked.reason, parked.candidates), (ParkReason::DealGone, lead_ids(&[LEAD])));
}

/// What a parked event changes is told when it is gone on with, not taken for what was so before.
#[tokio::test]
async fn a_change_that_was_parked_is_told_when_its_deal_is() {
    let world = World::new().await;
    let mut data = subscription("active");
    data["custom_data"] = Value::Null;
    let started = event("subscription.created", 0, &data);
    data["scheduled_change"] = json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    data["updated_at"] = json!(time(10));
    let ends = event("subscription.updated", 10, &data);
    for event in [&started, &ends] {
        assert_eq!(world.parked(event).await.reason, ParkReason::NoDeal);
    }
    world.sync.link("sub_seats", LeadId::new(LEAD)).await.unwrap();
    world.done(&started).await;
    assert!(world.done(&ends).await.contains(&Reason::CancelScheduled));
    assert_eq!(world.notes().len(), 1, "{:?}", world.notes());
}
