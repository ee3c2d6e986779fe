//! The other turns that a sale can take: a card that fails at the checkout, an invoice, a pause, and the bank.

use e2e::{Kind, LEAD, Story, World};
use serde_json::{Value, json};

const NEGOTIATION: u64 = 58_141_811;
const NOTHING: [&str; 0] = [];

/// An attempt to pay at the checkout; the buyer may try again.
fn attempt(story: &mut Story) -> Value {
    story.transaction("transaction.payment_failed", "first", |data| {
        data["status"] = json!("ready");
        data["invoice_number"] = Value::Null;
        data["payments"] = json!([{"status": "error", "error_code": "declined"}]);
    })
}

#[tokio::test]
async fn a_card_that_fails_at_the_checkout_is_told_once_and_wins_nothing() {
    let world = World::start(Kind::Axum).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    world.tell([attempt(&mut story)]).await;
    let told = "note: Payment attempt failed, nothing is paid yet · 652.15 USD · declined · Pro · txn_first";
    assert_eq!(rep.news(), [told]);
    assert_eq!((rep.stage(), rep.open_tasks()), (NEGOTIATION, Vec::new()));
    world.tell([attempt(&mut story), attempt(&mut story)]).await;
    assert_eq!(rep.news(), NOTHING);

    let (paid, late) = (story.first_payment(), attempt(&mut story));
    world.tell([paid]).await;
    assert_eq!((rep.stage(), rep.price()), (142, 599));
    rep.news();
    world.tell([late]).await;
    assert_eq!(rep.news(), NOTHING);
}

#[tokio::test]
async fn an_invoice_wins_its_deal_when_it_is_paid() {
    let world = World::start(Kind::Axum).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let mut told = |event_type: &str, status: &str| {
        story.transaction(event_type, "first", |data| {
            data["status"] = json!(status);
            data["origin"] = json!("api");
            data["collection_mode"] = json!("manual");
        })
    };
    let sent = [
        told("transaction.created", "draft"),
        told("transaction.ready", "ready"),
        told("transaction.billed", "billed"),
        told("transaction.updated", "billed"),
    ];
    world.tell(&sent).await;
    assert_eq!(rep.news(), NOTHING, "a promise is no payment");
    let paid = [told("transaction.paid", "paid"), told("transaction.completed", "completed")];
    world.tell(&paid).await;
    assert_eq!((rep.stage(), rep.price()), (142, 599));
    assert_eq!(rep.field("INVOICE_NUMBER"), "325-1");
    assert_eq!(rep.notes().len(), 1);
}

#[tokio::test]
async fn a_pause_is_told_and_so_is_its_end() {
    let world = World::start(Kind::Axum).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let sale = [story.first_payment(), story.subscription("subscription.created", |_| {})];
    world.tell(&sale).await;
    rep.news();

    let pause = [
        story.subscription("subscription.updated", |data| {
            data["scheduled_change"] =
                json!({"action": "pause", "effective_at": "2030-02-15T12:00:00Z"});
        }),
        story.subscription("subscription.paused", |data| {
            data["status"] = json!("paused");
            data["next_billed_at"] = Value::Null;
        }),
    ];
    world.tell(&pause).await;
    assert_eq!(
        rep.news(),
        [
            "NEXT_BILLING_DATE: nothing",
            "SUBSCRIPTION_STATUS: paused",
            "note: Subscription paused · Pro · sub_seats",
        ]
    );

    let goes_on = |data: &mut Value| data["next_billed_at"] = json!("2030-03-15T12:00:00Z");
    let resume = [
        story.subscription("subscription.updated", goes_on),
        story.subscription("subscription.resumed", goes_on),
        story.charge("second", "subscription_recurring", "325-2"),
    ];
    world.tell(&resume).await;
    assert_eq!(
        rep.news(),
        [
            "INVOICE_NUMBER: 325-2",
            "NEXT_BILLING_DATE: 2030-03-15",
            "SUBSCRIPTION_STATUS: active",
            "note: Subscription resumed · Pro · next charge on 2030-03-15 · sub_seats",
            "note: Renewal paid 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-2 · txn_second",
        ]
    );
    assert_eq!(rep.open_tasks(), NOTHING);
}

/// What the bank does with the whole first payment.
fn bank(story: &mut Story, id: &str, action: &str) -> Value {
    story.adjustment("adjustment.created", "first", |data| {
        data["id"] = json!(id);
        data["action"] = json!(action);
        data["type"] = json!("full");
        data["reason"] = json!("fraud");
        data["totals"] = json!({
            "subtotal": "59900", "tax": "5315", "total": "65215", "currency_code": "USD",
        });
    })
}

#[tokio::test]
async fn a_chargeback_calls_the_rep_until_it_is_turned_back() {
    let world = World::start(Kind::Axum).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let sale = [story.first_payment(), story.subscription("subscription.created", |_| {})];
    world.tell(&sale).await;
    rep.news();

    world.tell([bank(&mut story, "adj_warning", "chargeback_warning")]).await;
    assert_eq!(
        rep.news(),
        [
            "note: Chargeback warning for 652.15 USD: the bank may take the payment back · fraud · adj_warning · txn_first",
            "task: Chargeback warning for 652.15 USD: talk to the customer before the bank takes the payment back · fraud · txn_first",
        ]
    );
    world.tell([bank(&mut story, "adj_calm", "chargeback_warning_reverse")]).await;
    assert_eq!(
        rep.news(),
        [
            "note: Chargeback warning withdrawn, the payment stands: 652.15 USD · fraud · adj_calm · txn_first",
            "task done: Chargeback warning withdrawn, the payment stands: 652.15 USD · adj_calm",
        ]
    );
    assert_eq!(rep.open_tasks(), NOTHING);

    world.tell([bank(&mut story, "adj_taken", "chargeback")]).await;
    assert_eq!(
        rep.news(),
        [
            "PAYMENT_STATUS: charged_back",
            "note: Chargeback: 652.15 USD of 652.15 USD · fraud · adj_taken · txn_first",
            "task: Chargeback of 652.15 USD: talk to the customer · fraud · txn_first",
        ]
    );
    world.tell([bank(&mut story, "adj_back", "chargeback_reverse")]).await;
    assert_eq!(
        rep.news(),
        [
            "PAYMENT_STATUS: paid",
            "note: Chargeback reversed, the money is back: 652.15 USD · fraud · adj_back · txn_first",
            "task done: Chargeback reversed, the money is back: 652.15 USD · adj_back",
        ]
    );
    assert_eq!(rep.open_tasks(), NOTHING);
    assert_eq!((rep.stage(), rep.price()), (142, 599));
}
