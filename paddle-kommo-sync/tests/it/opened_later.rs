//! A deal that was opened after a sale is about something else.

use kommo_client::{LeadId, fake::FakeLead};
use paddle_kommo_sync::{ParkReason, Reason, Unlinked};
use serde_json::{Value, json};

use crate::{
    links::paid_by,
    support::{
        NEGOTIATION, PIPELINE, World,
        events::{customer, event, moment, renewal, subscription, time, transaction},
        lead_ids,
    },
};

/// A customer bought without a rep, and months later somebody opens a deal with them about something else.
#[tokio::test]
async fn a_deal_that_was_opened_after_the_sale_is_not_the_one_that_was_paid_for() {
    const DAY: i64 = 86_400;
    let unnamed = |mut data: Value| {
        data["custom_data"] = Value::Null;
        data
    };
    for unlinked in [Unlinked::Park, Unlinked::Ignore] {
        let world = World::with(|config| config.unlinked = unlinked).await;
        world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
        let payment = paid_by(&Value::Null);
        world.handle(&payment).await;
        world.kommo.set_time(Some(moment(90 * DAY).unix_timestamp()));
        world.kommo.add_lead(FakeLead::new("Large").id(7).stage(PIPELINE, NEGOTIATION));
        let jo = world.kommo.add_contact("Jo", &["jo@example.com"], &[7]);
        let mut renewed = renewal();
        renewed["created_at"] = json!(time(92 * DAY));
        let mut changed = subscription("active");
        changed["updated_at"] = json!(time(93 * DAY));
        for event in [
            event("customer.updated", 91 * DAY, &customer("jo@example.com")),
            event("transaction.completed", 92 * DAY, &unnamed(renewed)),
            event("subscription.updated", 93 * DAY, &unnamed(changed)),
        ] {
            world.handle(&event).await;
        }
        assert_eq!(world.writes(), 0, "{unlinked:?}");
        if unlinked == Unlinked::Park {
            let parked = world.parked(&payment).await;
            assert_eq!((parked.reason, parked.candidates), (ParkReason::NoDeal, lead_ids(&[7])));
            let why = format!("(deal 7 is opened after this sale, of contact {jo})");
            assert!(parked.detail.contains(&why), "{}", parked.detail);
        }
    }
}

/// A customer bought without a rep, and months later buys with one: that deal is made a checkout link, say.
#[tokio::test]
async fn an_earlier_purchase_of_the_customer_does_not_win_the_deal_of_a_later_one() {
    const DAY: i64 = 86_400;
    let world = World::new().await;
    let payment = paid_by(&Value::Null);
    assert_eq!(world.parked(&payment).await.reason, ParkReason::NoDeal);
    world.kommo.set_time(Some(moment(90 * DAY).unix_timestamp()));
    world.kommo.add_lead(FakeLead::new("Large").id(7).stage(PIPELINE, NEGOTIATION));
    let mut next = transaction();
    (next["id"], next["subscription_id"]) = (json!("txn_next"), Value::Null);
    next["custom_data"] = json!({"kommo_lead_id": 7});
    world.ignored(&event("transaction.created", 91 * DAY, &next)).await;
    let parked = world.parked(&payment).await;
    assert_eq!((parked.reason, parked.candidates), (ParkReason::AmbiguousDeal, lead_ids(&[7])));
    let mut renewed = renewal();
    (renewed["custom_data"], renewed["created_at"]) = (Value::Null, json!(time(92 * DAY)));
    let renewed = event("transaction.completed", 92 * DAY, &renewed);
    assert_eq!(world.parked(&renewed).await.reason, ParkReason::AmbiguousDeal);
    assert_eq!(world.writes(), 0);
    // But where a person says so.
    world.sync.link("ctm_jo", LeadId::new(7)).await.unwrap();
    assert_eq!(world.done(&payment).await, [Reason::FirstPayment]);

    let world = World::with(|config| config.unlinked = Unlinked::Ignore).await;
    world.kommo.set_time(Some(moment(90 * DAY).unix_timestamp()));
    world.kommo.add_lead(FakeLead::new("Large").id(7).stage(PIPELINE, NEGOTIATION));
    world.ignored(&event("transaction.created", 91 * DAY, &next)).await;
    assert_eq!(world.ignored(&payment).await, Reason::NotLinked);
}

#[tokio::test]
async fn a_deal_that_was_opened_for_the_sale_is_found() {
    let world = World::new().await;
    world.kommo.set_time(Some(moment(43_200).unix_timestamp()));
    world.kommo.add_lead(FakeLead::new("By a form").id(7).stage(PIPELINE, NEGOTIATION));
    world.kommo.add_contact("Jo", &["jo@example.com"], &[7]);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    assert_eq!(world.done(&paid_by(&Value::Null)).await, [Reason::FirstPayment]);
}
