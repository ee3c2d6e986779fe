//! Events in any order end in the same deal.

use kommo_client::fake::Fault;
use paddle_kommo_sync::{Outcome, ParkReason, Reason, RefundedDeal};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::support::{
    LEAD, WON, World,
    events::{customer, event, refund, renewal, subscription, transaction},
    story::{Chance, story},
};

/// All orders of these events.
pub(crate) fn orders(events: &[Event]) -> Vec<Vec<Event>> {
    match events {
        [] => vec![Vec::new()],
        events => (0..events.len())
            .flat_map(|first| {
                let mut rest = events.to_vec();
                let first = rest.remove(first);
                orders(&rest).into_iter().map(move |mut order| {
                    order.insert(0, first.clone());
                    order
                })
            })
            .collect(),
    }
}

/// What a person sees of the deal, without what depends on the clock or the order of writing.
fn seen(world: &World) -> (u64, i64, Vec<Value>, Vec<String>, Vec<String>) {
    let codes = [
        "PADDLE_TXN_ID",
        "INVOICE_NUMBER",
        "PAYMENT_STATUS",
        "SUBSCRIPTION_STATUS",
        "NEXT_BILLING_DATE",
    ];
    let mut notes: Vec<String> = world
        .notes()
        .iter()
        .map(|note| note.split(" of ").next().unwrap_or_default().to_owned())
        .collect();
    notes.sort();
    (
        world.stage(),
        world.price(),
        codes.map(|code| world.field(code)).to_vec(),
        notes,
        world.tasks(),
    )
}

#[tokio::test]
async fn p04_a_story_ends_alike_in_every_order() {
    let mut ended = subscription("canceled");
    ended["next_billed_at"] = Value::Null;
    ended["updated_at"] = json!(crate::support::events::time(40));
    let story = [
        event("subscription.created", 1, &subscription("active")),
        event("transaction.completed", 2, &transaction()),
        event("adjustment.updated", 30, &refund("approved")),
        event("subscription.canceled", 40, &ended),
    ];
    let mut want = None;
    for order in orders(&story) {
        let world = World::new().await;
        // Events that carry no link come first in some orders: the customer's is known from before.
        world.ignored(&event("transaction.created", 0, &transaction())).await;
        for event in &order {
            world.done(event).await;
        }
        let names: Vec<&str> = order.iter().map(|event| event.event_type().as_str()).collect();
        let seen = seen(&world);
        assert_eq!(seen.0, WON, "{names:?}");
        assert_eq!(seen.2[2], json!("partially_refunded"), "{names:?}");
        assert_eq!(seen.2[3], json!("canceled"), "{names:?}");
        assert_eq!(&seen, want.get_or_insert_with(|| seen.clone()), "{names:?}");
    }
}

#[tokio::test]
async fn an_older_state_does_not_overwrite_a_newer_one() {
    let world = World::new().await;
    let mut ended = subscription("canceled");
    ended["next_billed_at"] = Value::Null;
    world.done(&event("subscription.canceled", 40, &ended)).await;
    let stale = world.done(&event("subscription.activated", 10, &subscription("active"))).await;
    assert_eq!(stale, [Reason::SubscriptionStarted, Reason::Stale]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
    assert_eq!(world.field("NEXT_BILLING_DATE"), Value::Null);
}

#[tokio::test]
async fn p05_two_states_of_one_microsecond_end_alike_in_both_orders() {
    // Paddle's own sample stream has `created` and `activated` in one microsecond.
    let created = event("subscription.created", 5, &subscription("trialing"));
    let activated = event("subscription.activated", 5, &subscription("active"));
    for order in [[&created, &activated], [&activated, &created]] {
        let world = World::new().await;
        for event in order {
            world.done(event).await;
        }
        assert_eq!(
            world.field("SUBSCRIPTION_STATUS"),
            json!("active"),
            "the one that is further along"
        );
    }
}

#[tokio::test]
async fn an_update_that_overtakes_the_start_hides_nothing() {
    let world = World::new().await;
    world.handle(&event("subscription.updated", 3, &subscription("active"))).await;
    world.done(&event("subscription.created", 1, &subscription("active"))).await;
    world.done(&event("subscription.activated", 2, &subscription("active"))).await;
    assert_eq!(world.field("PADDLE_SUB_ID"), json!("sub_seats"));
}

#[tokio::test]
async fn the_end_of_a_subscription_shows_whichever_event_brings_it() {
    let world = World::new().await;
    world.done(&event("subscription.activated", 2, &subscription("active"))).await;
    world.handle(&event("subscription.updated", 41, &subscription("canceled"))).await;
    world.done(&event("subscription.canceled", 40, &subscription("canceled"))).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
}

#[tokio::test]
async fn an_older_renewal_does_not_overwrite_a_newer_invoice() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let mut second = renewal();
    second["id"] = json!("txn_renewal_2");
    second["invoice_number"] = json!("325-30002");
    world.done(&event("transaction.completed", 200, &second)).await;
    world.done(&event("transaction.completed", 100, &renewal())).await;
    assert_eq!(world.field("INVOICE_NUMBER"), json!("325-30002"));
}

#[tokio::test]
async fn a_plan_that_is_resumed_late_does_not_overwrite_what_is_newer() {
    let world = World::new().await;
    refuse(&world, "PATCH");
    let activated = event("subscription.activated", 10, &subscription("active"));
    assert_eq!(world.parked(&activated).await.reason, ParkReason::Refused);
    let mut ended = subscription("canceled");
    ended["next_billed_at"] = Value::Null;
    world.done(&event("subscription.canceled", 40, &ended)).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
    assert!(world.sync.resume(activated.id().as_str()).await.unwrap());
    world.done(&activated).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
}

/// The next such call about a deal fails for good, until a person resumes its event.
pub(crate) fn refuse(world: &World, method: &str) {
    world.kommo.fail_next(
        Fault::answer(403, r#"{"title":"Forbidden","status":403,"detail":"no rights"}"#)
            .on(method, "/api/v4/leads"),
    );
}

#[tokio::test]
async fn an_older_event_that_tells_what_is_so_now_still_writes_it_when_resumed() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 2, &transaction())).await;
    world.done(&event("transaction.past_due", 40, &renewal())).await;
    world.done(&event("transaction.completed", 60, &renewal())).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), "active");
    let mut ending = subscription("active");
    ending["scheduled_change"] =
        json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    let late = event("subscription.updated", 20, &ending);
    refuse(&world, "PATCH");
    world.parked(&late).await;
    assert!(world.sync.resume(late.id().as_str()).await.unwrap());
    world.done(&late).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), "canceling");
}

#[tokio::test]
async fn an_older_refund_still_lowers_the_price_when_resumed() {
    let world = World::with(|config| config.refunds.deal = RefundedDeal::LowerPrice).await;
    world.done(&event("transaction.completed", 1, &transaction())).await;
    world.done(&event("adjustment.updated", 30, &refund("approved"))).await;
    assert_eq!(world.price(), 507);
    let mut other = refund("approved");
    other["id"] = json!("adj_other");
    let late = event("adjustment.updated", 20, &other);
    refuse(&world, "PATCH");
    world.parked(&late).await;
    assert!(world.sync.resume(late.id().as_str()).await.unwrap());
    world.done(&late).await;
    assert_eq!(world.price(), 415, "599.00 less twice 91.85");
}

#[tokio::test]
async fn a_refund_that_waited_for_its_payment_counts() {
    let world = World::new().await;
    assert_eq!(
        world.parked(&event("adjustment.updated", 30, &refund("approved"))).await.reason,
        ParkReason::NoDeal
    );
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let refund = world.sync.explain(&LEAD.to_string()).await.unwrap();
    assert_eq!(refund.len(), 1, "the payment; the refund is open again: {refund:?}");
    assert_eq!(world.field("PAYMENT_STATUS"), json!("partially_refunded"));
}

#[tokio::test]
async fn an_address_that_comes_late_finds_the_deal_all_the_same() {
    let world = World::new().await;
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    let mut data = transaction();
    data["custom_data"] = Value::Null;
    let payment = event("transaction.completed", 1, &data);
    world.parked(&payment).await;
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    let outcome = world.handle(&payment).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
}

#[tokio::test]
async fn a_refund_lowers_the_price_in_either_order() {
    let world = World::with(|config| config.refunds.deal = RefundedDeal::LowerPrice).await;
    world.ignored(&event("transaction.created", 0, &transaction())).await;
    world.done(&event("adjustment.updated", 20, &refund("approved"))).await;
    world.done(&event("transaction.completed", 1, &transaction())).await;
    assert_eq!(world.price(), 507);
}

fn shuffle<T>(chance: &mut Chance, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, chance.below(last + 1));
    }
}

/// What is still to be done. A task says more if the end of a subscription was announced before it came, and less where
/// what failed was heard of first from the subscription.
fn open_tasks(world: &World) -> Vec<&'static str> {
    let kinds = [
        ("Subscription will end", "win back"),
        ("Subscription canceled", "win back"),
        ("Payment past due", "dunning"),
        ("Chargeback warning", "warning"),
        ("Chargeback", "chargeback"),
    ];
    let tasks = world.kommo.tasks(LEAD);
    let texts = world.tasks().into_iter().zip(&tasks);
    let open = texts.filter(|(_, task)| task["is_completed"] == json!(false));
    let kind = |(text, _): (String, &Value)| {
        kinds
            .iter()
            .find(|(start, _)| text.starts_with(start))
            .unwrap_or_else(|| panic!("{text}"))
            .1
    };
    let mut open: Vec<_> = open.map(kind).collect();
    open.sort_unstable();
    open
}

/// The notes about money, each of which is told once whatever came before it.
fn told_of_money(world: &World) -> Vec<String> {
    let kinds = ["Paid ", "Renewal paid ", "Refunded ", "Credit ", "Chargeback"];
    let of_money = |note: &String| kinds.iter().any(|start| note.starts_with(start));
    // What remained and what had been paid is as was known by then.
    let start = |note: String| note.split(" USD").next().unwrap_or_default().to_owned();
    let mut notes: Vec<String> = world.notes().into_iter().filter(of_money).map(start).collect();
    notes.sort();
    notes
}

/// What the deal shows in the end, whatever was told on the way.
fn shown(world: &World) -> (u64, i64, Vec<Value>) {
    let codes = [
        "PADDLE_TXN_ID",
        "INVOICE_NUMBER",
        "PLAN_NAME",
        "PAYMENT_CURRENCY",
        "PAYMENT_STATUS",
        "PADDLE_SUB_ID",
        "NEXT_BILLING_DATE",
        "SUBSCRIPTION_STATUS",
    ];
    (world.stage(), world.price(), codes.map(|code| world.field(code)).to_vec())
}

#[tokio::test]
async fn generated_stories_end_alike_in_any_order_and_with_any_repetition() {
    for number in 1..=200 {
        let mut chance = Chance::new(number);
        let in_order = story(&mut chance);
        let straight = World::new().await;
        for event in &in_order {
            straight.handle(event).await;
        }
        let mut shuffled = in_order.clone();
        shuffled.extend(in_order.iter().filter(|_| chance.below(3) == 0).cloned());
        shuffle(&mut chance, &mut shuffled);
        let mixed = World::new().await;
        for event in &shuffled {
            mixed.handle(event).await;
        }
        // A refund that comes before its sale is parked and opened again by the sale; the
        // engine then takes it up, and so does this test.
        for event in &in_order {
            mixed.handle(event).await;
        }
        let told = |events: &[Event]| {
            let line = |event: &Event| {
                let data: Value = serde_json::from_str(event.raw_data()).unwrap();
                let what = [&data["action"], &data["status"], &data["scheduled_change"]["action"]];
                let what = what.map(|text| text.as_str().unwrap_or_default()).join(" ");
                format!("{} {} {what}", event.occurred_at().time(), event.event_type())
            };
            events.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(
            shown(&straight),
            shown(&mixed),
            "story {number}: {:#?}\nas {:#?}",
            told(&in_order),
            told(&shuffled)
        );
        let (open, in_any_order) = (open_tasks(&straight), open_tasks(&mixed));
        assert_eq!(
            open,
            in_any_order,
            "story {number}: {:#?}\nas {:#?}",
            told(&in_order),
            told(&shuffled)
        );
        for world in [&straight, &mixed] {
            let notes = told_of_money(world);
            let paid = notes.iter().filter(|note| note.starts_with("Paid ")).count();
            assert_eq!(paid, 1, "story {number}: the sale is told once: {notes:?}");
            let moves = ["adjustment.created", "adjustment.updated", "transaction.completed"];
            let money = |event: &&Event| moves.contains(&event.event_type().as_str());
            let moved = in_order.iter().filter(money).count();
            assert_eq!(notes.len(), moved, "story {number}: everything is told once: {notes:?}");
            assert_eq!(notes, told_of_money(&straight), "story {number}");
        }
    }
}

#[tokio::test]
async fn a_charge_that_recovers_does_not_hide_that_the_subscription_ends() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 1, &transaction())).await;
    let mut ending = subscription("active");
    ending["scheduled_change"] =
        json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    world.done(&event("subscription.updated", 10, &ending)).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), "canceling");
    world.done(&event("transaction.past_due", 20, &renewal())).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), "past_due");
    world.done(&event("transaction.completed", 30, &renewal())).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), "canceling");
}

#[tokio::test]
async fn a_refund_before_everything_is_told_once_the_subscription_names_the_deal() {
    let world = World::new().await;
    let refund = event("adjustment.updated", 40, &refund("approved"));
    world.parked(&refund).await;
    world.done(&event("subscription.paused", 60, &subscription("paused"))).await;
    world.done(&refund).await;
}

#[tokio::test]
async fn a_case_with_the_bank_ends_alike_in_every_order() {
    let case = |id: &str, action: &str, status: &str, seconds: i64| {
        let mut data = refund(status);
        data["id"] = json!(id);
        data["action"] = json!(action);
        data["updated_at"] = json!(crate::support::events::time(seconds));
        let kind = if status == "approved" { "adjustment.created" } else { "adjustment.updated" };
        event(kind, seconds, &data)
    };
    let warned = case("adj_warning", "chargeback_warning", "approved", 10);
    let calm = case("adj_calm", "chargeback_warning_reverse", "approved", 20);
    let taken = case("adj_taken", "chargeback", "approved", 30);
    let turned = case("adj_taken", "chargeback", "reversed", 39);
    let back = case("adj_back", "chargeback_reverse", "approved", 40);
    let again = case("adj_again", "chargeback", "approved", 50);
    for (events, status, open) in [
        (vec![&warned, &calm, &taken, &back], "paid", vec![]),
        (vec![&warned, &taken, &turned, &back], "paid", vec![]),
        (vec![&taken, &turned], "paid", vec![]),
        (vec![&warned, &calm, &taken], "charged_back", vec!["chargeback"]),
        (vec![&taken, &turned, &back, &again], "charged_back", vec!["chargeback"]),
    ] {
        let events: Vec<Event> = events.into_iter().cloned().collect();
        let mut notes = None;
        for order in orders(&events) {
            let world = World::new().await;
            world.done(&event("transaction.completed", 0, &transaction())).await;
            for event in &order {
                world.handle(event).await;
            }
            let names: Vec<_> = order.iter().map(|event| event.raw_data()).collect();
            assert_eq!(world.field("PAYMENT_STATUS"), json!(status), "{names:?}");
            assert_eq!(open_tasks(&world), open, "{names:?}");
            let told = told_of_money(&world);
            assert_eq!(&told, notes.get_or_insert_with(|| told.clone()), "{names:?}");
        }
    }
}
