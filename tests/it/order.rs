//! The same things happen, but Paddle's deliveries arrive in another order.

use std::collections::BTreeMap;

use e2e::{Kind, LEAD, Story, World};
use kommo_client::fake::FakeLead;
use serde_json::{Value, json};

/// The order in which it happened, the reverse, and some between.
const ORDERS: u64 = 16;

fn more_seats(data: &mut Value) {
    data["items"][0]["quantity"] = json!(20);
}

fn ends(data: &mut Value) {
    more_seats(data);
    data["scheduled_change"] = json!({"action": "cancel", "effective_at": "2030-02-15T12:00:00Z"});
}

fn canceled(data: &mut Value) {
    more_seats(data);
    data["status"] = json!("canceled");
    data["next_billed_at"] = Value::Null;
}

/// A sale, a renewal, a change, a failed card, its recovery, the end, and a part of the money back.
fn events(story: &mut Story) -> Vec<Value> {
    vec![
        story.first_payment(),
        story.subscription("subscription.created", |_| {}),
        story.charge("second", "subscription_recurring", "325-2"),
        story.subscription("subscription.updated", more_seats),
        story.failed_charge("third"),
        story.charge("third", "subscription_recurring", "325-3"),
        story.subscription("subscription.updated", ends),
        story.subscription("subscription.canceled", canceled),
        story.refund(),
    ]
}

/// What a deal shows in the end.
#[derive(Debug, PartialEq)]
struct End {
    stage: u64,
    price: i64,
    fields: BTreeMap<&'static str, String>,
    /// Each sum that was told. What else a note says is what was known by then.
    money: Vec<String>,
    /// What is still to be done.
    open: Vec<&'static str>,
}

impl End {
    fn of(world: &World, lead: u64, buyer: &str) -> Self {
        let rep = world.rep(lead);
        let of_money = ["Paid ", "Renewal paid ", "Refunded "];
        let mut money = rep.notes();
        money.retain(|note| of_money.iter().any(|start| note.starts_with(start)));
        for note in &mut money {
            note.truncate(note.find(" USD").unwrap_or(note.len()));
        }
        money.sort();
        let mut fields = rep.fields();
        for text in fields.values_mut() {
            *text = text.replace(&format!("_{buyer}"), "_");
        }
        // The task says more if the end was announced before it came.
        let what = |task: &String| {
            let starts = ["Subscription will end", "Subscription canceled"];
            if starts.iter().any(|start| task.starts_with(start)) { "win back" } else { "dunning" }
        };
        let open = rep.open_tasks().iter().map(what).collect();
        Self { stage: rep.stage(), price: rep.price(), fields, money, open }
    }
}

/// One of the orders, always the same for the same number.
fn shuffled(mut events: Vec<Value>, seed: u64) -> Vec<Value> {
    let mut state = seed;
    for last in (1..events.len()).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or_default() % (last + 1);
        events.swap(last, other);
    }
    events
}

#[tokio::test]
async fn p04_in_any_order_the_story_ends_in_the_same_way() {
    let world = World::start(Kind::Axum).await;
    // The same story of many deals, each told in another order.
    let mut stories = Vec::new();
    for seed in 0..ORDERS {
        let (lead, buyer) = (LEAD + seed, format!("buyer{seed}"));
        world.kommo.add_lead(FakeLead::new("Acme Inc.").id(lead));
        let events = events(&mut Story::of(lead).bought_by(&buyer));
        let events = match seed {
            0 => events,
            1 => events.into_iter().rev().collect(),
            seed => shuffled(events, seed),
        };
        stories.push((lead, buyer, events));
    }
    for place in 0..9 {
        let step: Vec<Value> = stories.iter().map(|(.., events)| events[place].clone()).collect();
        world.tell(&step).await;
    }

    let stats = world.server.sync().stats().await.expect("the store answers");
    assert_eq!(stats.parked, [], "what was parked for want of a deal was taken up again");
    for (lead, buyer, events) in &stories {
        let order: Vec<_> = events.iter().map(|event| &event["event_id"]).collect();
        assert_eq!(End::of(&world, *lead, buyer), told_in_order(), "{order:?}");
    }
}

/// What the story comes to.
fn told_in_order() -> End {
    let fields = [
        ("PADDLE_TXN_ID", "txn__first"),
        ("INVOICE_NUMBER", "325-3"),
        ("PLAN_NAME", "Pro"),
        ("PAYMENT_CURRENCY", "USD"),
        ("PADDLE_SUB_ID", "sub_"),
        ("SUBSCRIPTION_STATUS", "canceled"),
        ("PAYMENT_STATUS", "partially_refunded"),
    ];
    let money = ["Paid 652.15", "Refunded 100.00", "Renewal paid 326.62", "Renewal paid 326.62"];
    End {
        stage: 142,
        price: 599,
        fields: fields.map(|(code, text)| (code, text.to_owned())).into(),
        money: money.map(str::to_owned).into(),
        open: vec!["win back"],
    }
}
