//! Several products in one basket.

use e2e::{Kind, LEAD, Setup, Story, World};
use paddle_kommo_sync::{Config, Products};
use serde_json::{Value, json};

/// Ten seats and the reports.
fn both(data: &mut Value) {
    data["items"] = json!([
        {"status": "active", "quantity": 10, "price": {"id": "pri_seat", "name": "Pro"}},
        {"status": "active", "quantity": 1, "price": {"id": "pri_reports", "name": "Reports"}},
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
