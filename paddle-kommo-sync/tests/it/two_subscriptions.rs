//! Two subscriptions on one deal: which of them it shows, in whatever order they are heard of.

use paddle_kommo_sync::Reason;
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::{
    order::orders,
    support::{
        NOW, World,
        events::{event, renewal, subscription, time, transaction},
    },
};

/// Another subscription of the same customer and deal.
fn other(status: &str, seconds: i64) -> Value {
    let mut data = subscription(status);
    data["id"] = json!("sub_other");
    data["created_at"] = json!(time(10));
    data["updated_at"] = json!(time(seconds));
    data["next_billed_at"] = json!("2026-09-09T12:00:00Z");
    data["items"][0]["price"] = json!({"id": "pri_other", "name": "Basic",
        "unit_price": {"amount": "700", "currency_code": "USD"},
        "billing_cycle": {"interval": "month", "frequency": 1}});
    data
}

/// What the deal shows of its subscription.
fn of_subscription(world: &World) -> [Value; 6] {
    ["PADDLE_SUB_ID", "SUBSCRIPTION_STATUS", "NEXT_BILLING_DATE", "PLAN_NAME", "MRR", "ENDS"]
        .map(|code| world.field(code))
}

async fn with_subscription_fields() -> World {
    let world = World::with(|config| {
        config.fields.monthly_recurring_revenue = "MRR".into();
        config.fields.subscription_ends = "ENDS".into();
    })
    .await;
    world.kommo.add_field(Some("MRR"), "MRR", "numeric");
    world.kommo.add_field(Some("ENDS"), "Ends", "date_time");
    world
}

#[tokio::test]
async fn a_second_subscription_takes_over_no_field_in_any_order() {
    let mut first = subscription("active");
    first["items"][0]["price"]["unit_price"] = json!({"amount": "12000", "currency_code": "USD"});
    first["items"][0]["price"]["billing_cycle"] = json!({"interval": "year", "frequency": 1});
    let mut changed = other("active", 15);
    changed["items"][0]["price"]["name"] = json!("Basic plus");
    changed["scheduled_change"] =
        json!({"action": "cancel", "effective_at": "2026-09-09T12:00:00Z"});
    let mut ended = other("canceled", 30);
    ended["canceled_at"] = json!("2026-01-16T12:00:00Z");
    let story = [
        event("subscription.created", 1, &first),
        event("subscription.created", 10, &other("active", 10)),
        event("subscription.updated", 15, &changed),
        event("subscription.past_due", 20, &other("past_due", 20)),
        event("subscription.canceled", 30, &ended),
    ];
    for order in orders(&story) {
        let world = with_subscription_fields().await;
        let names: Vec<String> = order
            .iter()
            .map(|event| format!("{} {}", event.occurred_at().time(), event.event_type()))
            .collect();
        for event in &order {
            world.handle(event).await;
        }
        let [id, status, next, plan, monthly, ends] = of_subscription(&world);
        assert_eq!((id, status), (json!("sub_seats"), json!("active")), "{names:?}");
        assert_eq!((next, ends), (json!(1_771_156_800), Value::Null), "{names:?}");
        assert_eq!(monthly, json!("100.00"), "{names:?}");
        // Where the second one's was heard of first, the first one's takes its place.
        assert!([Value::Null, json!("Pro, yearly")].contains(&plan), "{names:?}: {plan}");
    }
}

#[tokio::test]
async fn the_subscription_that_goes_on_is_shown_in_any_order() {
    let ended = |mut data: Value, seconds| {
        data["updated_at"] = json!(time(seconds));
        data["canceled_at"] = json!("2026-01-16T12:00:00Z");
        event("subscription.canceled", seconds, &data)
    };
    let mut changed = other("active", 15);
    changed["items"][0]["price"]["name"] = json!("Basic plus");
    let mut first_changed = subscription("active");
    first_changed["updated_at"] = json!(time(30));
    first_changed["next_billed_at"] = json!("2026-05-05T12:00:00Z");
    let first_changed = event("subscription.updated", 30, &first_changed);
    let first = event("subscription.created", 1, &subscription("active"));
    let first_ended = ended(subscription("canceled"), 40);
    let second = event("subscription.created", 10, &other("active", 10));
    let second_changed = event("subscription.updated", 15, &changed);
    let later = event("subscription.created", 50, &other("active", 50));
    let second_ended = ended(other("canceled", 60), 60);
    for (story, want) in [
        (
            vec![&first, &second, &second_changed, &first_ended],
            ["sub_other", "active", "Basic plus"],
        ),
        (vec![&first, &first_ended, &later], ["sub_other", "active", "Basic"]),
        (vec![&first, &second, &first_changed, &first_ended], ["sub_other", "active", "Basic"]),
        (vec![&first, &second, &first_ended, &second_ended], ["sub_other", "canceled", "Basic"]),
    ] {
        let story: Vec<Event> = story.into_iter().cloned().collect();
        for order in orders(&story) {
            let world = with_subscription_fields().await;
            world.done(&event("transaction.completed", 0, &transaction())).await;
            for event in &order {
                world.handle(event).await;
            }
            let [id, status, next, plan, monthly, _] = of_subscription(&world);
            let names: Vec<i64> =
                order.iter().map(|event| (event.occurred_at() - NOW).whole_seconds()).collect();
            assert_eq!([id, status, plan], want.map(|text| json!(text)), "{names:?}");
            if want[1] == "active" {
                assert_eq!(
                    (next, monthly),
                    (json!(1_788_955_200), json!("70.00")),
                    "{names:?}: ten seats"
                );
            }
        }
    }
}

/// Its payment was told, it was not yet.
#[tokio::test]
async fn a_subscription_that_nobody_has_told_of_yet_keeps_its_plan() {
    let world = with_subscription_fields().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let plan = world.field("PLAN_NAME");
    world.done(&event("subscription.created", 10, &other("active", 10))).await;
    assert_eq!(world.field("PLAN_NAME"), plan);
}

/// It is told late, when the subscription that paid later has ended.
#[tokio::test]
async fn an_invoice_of_the_subscription_that_goes_on_is_not_newer_for_that() {
    let world = with_subscription_fields().await;
    let renewed = |of: &str, number: &str, seconds| {
        let mut data = renewal();
        (data["id"], data["subscription_id"]) = (json!(format!("txn_{number}")), json!(of));
        data["invoice_number"] = json!(number);
        event("transaction.completed", seconds, &data)
    };
    let mut ended = subscription("canceled");
    ended["updated_at"] = json!(time(40));
    for event in [
        event("transaction.completed", 0, &transaction()),
        event("subscription.created", 1, &subscription("active")),
        event("subscription.created", 10, &other("active", 10)),
        renewed("sub_seats", "325-35", 35),
        event("subscription.canceled", 40, &ended),
        renewed("sub_other", "325-20", 20),
    ] {
        world.done(&event).await;
    }
    assert_eq!(world.field("INVOICE_NUMBER"), json!("325-35"));
}

#[tokio::test]
async fn what_a_subscription_was_for_at_first_is_not_what_it_was_for_at_its_end() {
    let world = with_subscription_fields().await;
    let told = |kind: &str, seconds, status: &str, name: &str| {
        let mut data = subscription(status);
        data["updated_at"] = json!(time(seconds));
        data["items"][0]["price"]["name"] = json!(name);
        event(kind, seconds, &data)
    };
    for event in [
        told("subscription.created", 1, "active", "Pro"),
        told("subscription.updated", 20, "active", "Max"),
        told("subscription.canceled", 40, "canceled", "Max"),
        event("transaction.completed", 0, &transaction()),
    ] {
        world.done(&event).await;
    }
    assert_eq!(world.field("PLAN_NAME"), json!("Max"));
}

#[tokio::test]
async fn a_second_subscription_is_told_and_shows_once_the_first_has_ended() {
    let world = with_subscription_fields().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    world.done(&event("subscription.created", 1, &subscription("active"))).await;
    world.done(&event("transaction.completed", 2, &renewal())).await;
    world.done(&event("subscription.created", 10, &other("active", 10))).await;
    let before = world.lead()["custom_fields_values"].clone();
    let of_other = |origin: &str| {
        let mut data = renewal();
        data["id"] = json!(format!("txn_{origin}"));
        data["subscription_id"] = json!("sub_other");
        data["origin"] = json!(origin);
        data["invoice_number"] = json!("325-777");
        data["items"] = json!([{"price": {"id": "pri_other", "name": "Basic"}, "quantity": 1}]);
        data
    };
    for (kind, seconds, data, want) in [
        (
            "transaction.completed",
            20,
            of_other("subscription_update"),
            vec![Reason::PlanChanged, Reason::SecondSubscription],
        ),
        (
            "transaction.past_due",
            30,
            of_other("subscription_recurring"),
            vec![Reason::PastDue, Reason::SecondSubscription],
        ),
        (
            "transaction.completed",
            40,
            of_other("subscription_recurring"),
            vec![Reason::RenewalKeepsStage, Reason::SecondSubscription, Reason::PaymentRecovered],
        ),
        (
            "subscription.paused",
            50,
            other("paused", 50),
            vec![Reason::Paused, Reason::SecondSubscription],
        ),
    ] {
        let notes = world.notes().len();
        assert_eq!(world.done(&event(kind, seconds, &data)).await, want, "{kind} {seconds}");
        assert_eq!(world.lead()["custom_fields_values"], before, "{kind} {seconds}");
        assert!(world.notes().len() > notes || kind == "transaction.past_due", "it is told");
    }
    let mut ended = subscription("canceled");
    ended["updated_at"] = json!(time(60));
    world.done(&event("subscription.canceled", 60, &ended)).await;
    let [id, status, _, plan, ..] = of_subscription(&world);
    assert_eq!((id, status, plan), (json!("sub_other"), json!("paused"), json!("Basic")));
    let resumed = event("subscription.resumed", 70, &other("active", 70));
    assert_eq!(world.done(&resumed).await, [Reason::Resumed]);
    let [id, status, _, plan, ..] = of_subscription(&world);
    assert_eq!(
        (id, status, plan),
        (json!("sub_other"), json!("active"), json!("Basic")),
        "the one that is running"
    );
}
