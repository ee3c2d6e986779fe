//! Which deal is meant.

use async_trait::async_trait;
use kommo_client::{PipelineId, StatusId, fake::FakeLead};
use paddle_kommo_sync::{
    CustomerLookup, LookupError, MemoryStore, OnWon, OnWonAction, OnWonDeal, ParkReason, Reason,
};
use paddle_webhook::{CustomerId, Event};
use serde_json::{Value, json};

use crate::support::{
    LEAD, LOST, NEGOTIATION, PIPELINE, WON, World,
    events::{customer, event, refund, renewal, subscription, transaction},
    lead_ids,
};

fn paid_by(custom_data: &Value) -> Event {
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

#[tokio::test]
async fn a_deal_that_is_gone_is_parked_with_its_id() {
    let world = World::new().await;
    world.kommo.remove_lead(LEAD);
    let parked = world.parked(&paid_by(&json!({"kommo_lead_id": LEAD}))).await;
    assert_eq!((parked.reason, parked.candidates), (ParkReason::DealGone, lead_ids(&[LEAD])));
}
