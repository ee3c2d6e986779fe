//! Several products in one basket.

use e2e::{Kind, LEAD, Setup, Story, World};
use kommo_client::fake::LedgerKind;
use paddle_kommo_sync::{Config, Products};
use serde_json::{Value, json};

/// Ten seats and the reports.
fn both(data: &mut Value) {
    data["items"] = json!([
        {"status": "active", "quantity": 10, "price": {"id": "pri_seat", "name": "Pro"}},
        {"status": "active", "quantity": 1, "price": {"id": "pri_reports", "name": "Reports"}},
    ]);
}

/// The same, with what each of them cost: 500.00 and 99.00 without tax.
fn both_with_prices(data: &mut Value) {
    both(data);
    let line = |price: &str, product: &str, subtotal: &str, tax: &str, total: &str| {
        json!({"id": format!("txnitm_{price}"), "price_id": price, "product": {"id": "pro", "name": product},
            "totals": {"subtotal": subtotal, "discount": "0", "tax": tax, "total": total}})
    };
    data["details"]["line_items"] = json!([
        line("pri_seat", "Pro", "50000", "4437", "54437"),
        line("pri_reports", "Reports", "9900", "878", "10778"),
    ]);
}

async fn world(products: Products) -> World {
    let mut rules = Config::default();
    rules.products = products;
    World::with(Kind::Axum, Setup { rules, ..Setup::default() }).await
}

#[tokio::test]
async fn joined_they_are_one_deal_with_both_names() {
    let world = world(Products::Join).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let sale = [
        story.subscription("subscription.created", both),
        story.transaction("transaction.completed", "first", both),
    ];
    world.tell(&sale).await;
    assert_eq!(
        rep.news(),
        [
            "stage 142",
            "price 599",
            "PADDLE_TXN_ID: txn_first",
            "INVOICE_NUMBER: 325-1",
            "PLAN_NAME: Pro, Reports",
            "PAYMENT_CURRENCY: USD",
            "PADDLE_SUB_ID: sub_seats",
            "NEXT_BILLING_DATE: 2030-02-15",
            "SUBSCRIPTION_STATUS: active",
            "PAYMENT_STATUS: paid",
            "note: Paid 652.15 USD (net 599.00 + tax 53.15) · Pro, Reports · invoice 325-1 · txn_first",
        ]
    );
    let ledger = world.kommo.ledger();
    assert!(ledger.iter().all(|entry| entry.entity_id == LEAD), "no other deal: {ledger:#?}");

    // One of them is given up later.
    world.tell([story.subscription("subscription.updated", |_| {})]).await;
    assert_eq!(
        rep.news(),
        [
            "PLAN_NAME: Pro",
            "note: Subscription changed · now: 10 × Pro · before: 10 × Pro, Reports · next charge on 2030-02-15 · sub_seats",
        ]
    );
    assert_eq!((rep.stage(), rep.price()), (142, 599));
}

#[tokio::test]
async fn apart_each_is_a_deal_of_its_own_and_the_second_is_made_once() {
    let world = world(Products::DealPerProduct).await;
    let buyer = world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    let mut story = Story::of(LEAD);
    let sale = [
        story.subscription("subscription.created", both),
        story.transaction("transaction.completed", "first", both_with_prices),
        story.charge("second", "subscription_recurring", "325-2"),
    ];
    world.tell(&sale).await;
    // All of it again, from a person who presses "replay" in Paddle's dashboard.
    world.tell(&sale).await;

    let ledger = world.kommo.ledger();
    let made: Vec<_> = ledger.iter().filter(|entry| entry.kind == LedgerKind::LeadAdded).collect();
    let [reports] = made.as_slice() else { panic!("one more deal, not {made:?}") };
    let (first, second) = (world.rep(LEAD), world.rep(reports.id));
    assert_eq!(
        (first.stage(), first.price(), first.field("PLAN_NAME").as_str()),
        (142, 500, "Pro")
    );
    assert_eq!(
        (second.stage(), second.price(), second.field("PLAN_NAME").as_str()),
        (142, 99, "Reports")
    );
    assert_eq!(second.field("PADDLE_TXN_ID"), "txn_first");
    let deal = world.kommo.lead(reports.id).unwrap_or_default();
    assert_eq!(
        deal["name"], "New deal: Acme Inc. · Reports",
        "nothing of ours is left in its name"
    );
    assert_eq!(reports.body["_embedded"]["contacts"][0]["id"], buyer);
    let told = first.notes().iter().filter(|note| note.starts_with("Paid 652.15 USD")).count();
    assert_eq!(
        (told, second.notes().len()),
        (1, 0),
        "the payment is told on the deal that was paid for"
    );
}
