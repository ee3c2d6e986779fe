//! From a trial to a refund: every turn that a subscription can take, and what the rep is asked to do.

use e2e::{Kind, LEAD, Setup, Story, World, story::pays};
use paddle_kommo_sync::{Config, TrialConversion};
use serde_json::{Value, json};
use time::macros::datetime;

const NEGOTIATION: u64 = 58_141_811;
const WON: u64 = 142;
const NOTHING: [&str; 0] = [];

fn trialing(data: &mut Value) {
    data["status"] = json!("trialing");
    data["next_billed_at"] = json!("2026-03-15T12:00:00Z");
}

fn active(data: &mut Value) {
    data["next_billed_at"] = json!("2026-04-15T12:00:00Z");
}

fn team(data: &mut Value) {
    active(data);
    data["items"][0]["price"] = json!({"id": "pri_team", "name": "Team"});
}

fn past_due(data: &mut Value) {
    team(data);
    data["status"] = json!("past_due");
}

fn ends(data: &mut Value) {
    team(data);
    data["scheduled_change"] = json!({"action": "cancel", "effective_at": "2026-04-15T12:00:00Z"});
}

fn canceled(data: &mut Value) {
    team(data);
    data["status"] = json!("canceled");
    data["canceled_at"] = json!("2026-03-20T12:00:00Z");
    data["next_billed_at"] = Value::Null;
}

/// A trial's checkout: nothing is paid.
fn trial(story: &mut Story) -> Vec<Value> {
    vec![
        story.transaction("transaction.completed", "trial", |data| {
            pays(data, ["0", "0", "0"]);
            data["invoice_number"] = Value::Null;
        }),
        story.subscription("subscription.created", trialing),
        story.subscription("subscription.trialing", trialing),
    ]
}

/// The first charge, which Paddle makes as it makes a renewal.
fn conversion(story: &mut Story) -> Vec<Value> {
    vec![
        story.subscription("subscription.updated", active),
        story.charge("first", "subscription_recurring", "325-1"),
        story.subscription("subscription.activated", active),
    ]
}

async fn world(trial_conversion: TrialConversion) -> World {
    let mut rules = Config::default();
    rules.trial_conversion = trial_conversion;
    World::with(Kind::Axum, Setup { rules, ..Setup::default() }).await
}

#[tokio::test]
async fn from_a_trial_to_a_full_refund() {
    let world = world(TrialConversion::Win).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD).since(datetime!(2026-03-01 12:00 UTC));

    world.tell(&trial(&mut story)).await;
    assert_eq!(
        rep.news(),
        [
            "PADDLE_SUB_ID: sub_seats",
            "NEXT_BILLING_DATE: 2026-03-15",
            "SUBSCRIPTION_STATUS: trialing",
            "note: Trial started, first charge on 2026-03-15 · Pro · sub_seats",
        ]
    );
    assert_eq!((rep.stage(), rep.price()), (NEGOTIATION, 0), "nothing is sold yet");

    world.tell(&conversion(&mut story)).await;
    assert_eq!(
        rep.news(),
        [
            "stage 142",
            "price 300",
            "PADDLE_TXN_ID: txn_first",
            "INVOICE_NUMBER: 325-1",
            "PLAN_NAME: Pro",
            "PAYMENT_CURRENCY: USD",
            "NEXT_BILLING_DATE: 2026-04-15",
            "SUBSCRIPTION_STATUS: active",
            "PAYMENT_STATUS: paid",
            "note: Paid 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-1 · txn_first",
        ]
    );

    // From here on nothing touches the stage or the price.
    let upgrade = [
        story.subscription("subscription.updated", team),
        story.transaction("transaction.completed", "upgrade", |data| {
            pays(data, ["10000", "900", "10900"]);
            data["origin"] = json!("subscription_update");
            data["invoice_number"] = json!("325-2");
            data["items"][0]["price"] = json!({"id": "pri_team", "name": "Team"});
        }),
    ];
    world.tell(&upgrade).await;
    assert_eq!(
        rep.news(),
        [
            "PLAN_NAME: Team",
            "note: Subscription changed · now: 10 × Team · before: 10 × Pro · next charge on 2026-04-15 · sub_seats",
            "note: Plan change paid 109.00 USD (net 100.00 + tax 9.00) · Team · before: 10 × Pro · invoice 325-2 · txn_upgrade",
        ]
    );

    world.tell([story.subscription("subscription.past_due", past_due)]).await;
    let since = story.now().date();
    let dunning =
        format!("Payment past due since {since}: talk to the customer · Team · sub_seats");
    assert_eq!(rep.news(), ["SUBSCRIPTION_STATUS: past_due", &format!("task: {dunning}")]);
    world.tell([story.failed_charge("second")]).await;
    assert_eq!(rep.news().len(), 1, "that task goes on, and nothing else is written");
    assert_eq!(rep.open_tasks().len(), 1, "one task for the whole spell");

    world.tell([story.charge("second", "subscription_recurring", "325-3")]).await;
    assert_eq!(
        rep.news(),
        [
            "INVOICE_NUMBER: 325-3",
            "SUBSCRIPTION_STATUS: active",
            "note: Renewal paid 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-3 · txn_second",
            "note: Payment recovered: 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-3 · txn_second",
            "task done: The customer has paid 326.62 USD · txn_second",
        ]
    );
    assert_eq!(rep.open_tasks(), NOTHING);

    world.tell([story.subscription("subscription.updated", ends)]).await;
    assert_eq!(
        rep.news(),
        [
            "SUBSCRIPTION_STATUS: canceling",
            "note: Subscription will end on 2026-04-15 · Team · sub_seats",
            "task: Subscription will end on 2026-04-15: win the customer back · Team · sub_seats",
        ]
    );

    world.tell([story.subscription("subscription.updated", team)]).await;
    assert_eq!(
        rep.news(),
        [
            "SUBSCRIPTION_STATUS: active",
            "note: Cancellation withdrawn, the subscription goes on · Team · next charge on 2026-04-15 · sub_seats",
            "task done: The customer stays: cancellation withdrawn · next charge on 2026-04-15 · sub_seats",
        ]
    );
    assert_eq!(rep.open_tasks(), NOTHING);

    let end = [
        story.subscription("subscription.updated", canceled),
        story.subscription("subscription.canceled", canceled),
    ];
    world.tell(&end).await;
    let win_back = "Subscription canceled: win the customer back · Team · sub_seats";
    assert_eq!(
        rep.news(),
        [
            "NEXT_BILLING_DATE: nothing",
            "SUBSCRIPTION_STATUS: canceled",
            &format!("task: {win_back}"),
        ]
    );

    let whole = |status: &'static str| {
        move |data: &mut Value| {
            data["type"] = json!("full");
            data["status"] = json!(status);
            data["totals"] = json!({
                "subtotal": "30000", "tax": "2662", "total": "32662", "currency_code": "USD",
            });
        }
    };
    let asked = story.adjustment("adjustment.created", "first", whole("pending_approval"));
    world.tell([asked]).await;
    assert_eq!(rep.news(), NOTHING, "Paddle has not approved it yet");
    let given = story.adjustment("adjustment.updated", "first", whole("approved"));
    world.tell([given]).await;
    assert_eq!(
        rep.news(),
        [
            "PAYMENT_STATUS: refunded",
            "note: Refunded 326.62 USD of 326.62 USD, 0.00 USD remains · seats not used · adj_part · txn_first",
        ]
    );

    assert_eq!((rep.stage(), rep.price()), (WON, 300));
    assert_eq!(rep.open_tasks(), [win_back]);
    let stats = world.server.sync().stats().await.expect("the store answers");
    assert_eq!(stats.parked, []);
}

#[tokio::test]
async fn a_team_that_wins_at_the_start_of_the_trial_keeps_its_stage() {
    let world = world(TrialConversion::KeepStage).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD).since(datetime!(2026-03-01 12:00 UTC));
    world.tell(&trial(&mut story)).await;
    world.tell(&conversion(&mut story)).await;
    assert_eq!((rep.stage(), rep.price()), (NEGOTIATION, 0));
    let news = rep.news();
    let renewed =
        "note: Renewal paid 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-1 · txn_first";
    assert_eq!(news.iter().filter(|line| line.starts_with("note: ")).count(), 2, "{news:#?}");
    assert_eq!(news.last().map(String::as_str), Some(renewed));
}

#[tokio::test]
async fn a_customer_who_goes_as_announced_is_one_task() {
    let world = World::start(Kind::Axum).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD).since(datetime!(2026-03-01 12:00 UTC));
    let sold = [story.first_payment(), story.subscription("subscription.created", team)];
    world.tell(&sold).await;
    rep.news();
    world.tell([story.subscription("subscription.updated", ends)]).await;
    let task = "Subscription will end on 2026-04-15: win the customer back · Team · sub_seats";
    assert_eq!(rep.open_tasks(), [task]);
    rep.news();

    let gone = [
        story.subscription("subscription.canceled", canceled),
        story.subscription("subscription.updated", canceled),
    ];
    world.tell(&gone).await;
    assert_eq!(rep.news(), ["NEXT_BILLING_DATE: nothing", "SUBSCRIPTION_STATUS: canceled"]);
    assert_eq!(rep.open_tasks(), [task]);
}
