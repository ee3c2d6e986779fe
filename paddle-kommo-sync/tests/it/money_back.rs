//! Money that went back, by whatever way and in whatever order it was heard of: sums, price and payment status.

use kommo_client::{LeadId, LeadPatch};
use paddle_kommo_sync::{FieldTarget, Outcome, Products, Reason, RefundedDeal};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::{
    money::{sums, with_sums},
    order::orders,
    products::{lines, made},
    support::{
        LEAD, WON, World, client,
        events::{event, refund, time, transaction},
    },
};

fn paid() -> Event {
    event("transaction.completed", 1, &transaction())
}

/// An adjustment of 100.00 USD, of which 8.15 USD are tax.
fn adjustment(action: &str, status: &str, seconds: i64) -> Event {
    let mut data = refund(status);
    data["id"] = json!(format!("adj_{action}"));
    data["action"] = json!(action);
    data["updated_at"] = json!(time(seconds));
    event("adjustment.updated", seconds, &data)
}

fn refunded_by_status() -> Event {
    let mut data = transaction();
    data["status"] = json!("refunded");
    event("transaction.updated", 20, &data)
}

/// A world that has heard which deal is meant, and lowers its price by what goes back.
async fn world() -> World {
    let world = with_sums(|config| config.refunds.deal = RefundedDeal::LowerPrice).await;
    world.ignored(&event("transaction.created", 0, &transaction())).await;
    world
}

#[tokio::test]
async fn it_is_summed_and_lowers_the_price_in_any_order() {
    let refund = adjustment("refund", "approved", 20);
    let warning = adjustment("chargeback_warning", "approved", 21);
    let calm = adjustment("chargeback_warning_reverse", "approved", 22);
    let taken = adjustment("chargeback", "approved", 30);
    let turned = adjustment("chargeback", "reversed", 39);
    let back = adjustment("chargeback_reverse", "approved", 40);
    let by_status = refunded_by_status();
    for (name, events, refunded, net, price, status) in [
        ("nothing", vec![], "0.00", "652.15", 599, "paid"),
        ("a refund", vec![&refund], "100.00", "552.15", 507, "partially_refunded"),
        ("a warning", vec![&warning, &calm], "0.00", "652.15", 599, "paid"),
        ("a chargeback", vec![&taken], "100.00", "552.15", 507, "charged_back"),
        ("reversed", vec![&taken, &back], "0.00", "652.15", 599, "paid"),
        ("turned", vec![&taken, &turned], "0.00", "652.15", 599, "paid"),
        ("both", vec![&taken, &turned, &back], "0.00", "652.15", 599, "paid"),
        ("twice", vec![&refund, &taken], "200.00", "452.15", 415, "charged_back"),
        ("one of two", vec![&refund, &taken, &back], "100.00", "552.15", 507, "partially_refunded"),
        ("by the status", vec![&by_status], "652.15", "0.00", 0, "refunded"),
        (
            "by the status and by a refund",
            vec![&by_status, &refund],
            "100.00",
            "552.15",
            507,
            "partially_refunded",
        ),
    ] {
        let events: Vec<Event> = [&paid()].into_iter().chain(events).cloned().collect();
        for order in orders(&events) {
            let world = world().await;
            let told: Vec<String> = order
                .iter()
                .map(|event| format!("{} {}", event.occurred_at().time(), event.event_type()))
                .collect();
            for event in &order {
                world.handle(event).await;
            }
            assert_eq!(sums(&world), ["652.15", refunded, net], "{name}: {told:?}");
            assert_eq!((world.stage(), world.price()), (WON, price), "{name}: {told:?}");
            assert_eq!(world.field("PAYMENT_STATUS"), json!(status), "{name}: {told:?}");
        }
    }
}

#[tokio::test]
async fn the_price_is_written_only_where_money_moved() {
    let world = world().await;
    world.done(&paid()).await;
    let agreed = |price| async move { LeadPatch::new(LeadId::new(LEAD)).price(price) };
    client(&world.kommo).leads().update(&[agreed(700).await]).await.unwrap();
    world.done(&adjustment("chargeback_warning", "approved", 20)).await;
    world.done(&adjustment("chargeback_warning_reverse", "approved", 30)).await;
    assert_eq!(world.price(), 700, "as a person set it");
    world.done(&adjustment("refund", "approved", 40)).await;
    assert_eq!(world.price(), 507);
    client(&world.kommo).leads().update(&[agreed(700).await]).await.unwrap();
    let mut other = refund("approved");
    other["id"] = json!("adj_other");
    other["action"] = json!("chargeback_warning");
    world.done(&event("adjustment.created", 50, &other)).await;
    assert_eq!(world.price(), 700, "a warning never moves money");
}

#[tokio::test]
async fn a_converted_price_stays_in_either_order() {
    let mut data = transaction();
    for (key, value) in
        [("currency_code", "EUR"), ("total", "60000"), ("tax", "4890"), ("earnings", "52000")]
    {
        data["details"]["payout_totals"][key] = json!(value);
    }
    for order in
        orders(&[event("transaction.completed", 1, &data), adjustment("refund", "approved", 20)])
    {
        let world = World::with(|config| config.refunds.deal = RefundedDeal::LowerPrice).await;
        world.kommo.set_currency("EUR");
        world.ignored(&event("transaction.created", 0, &data)).await;
        let mut reasons = Vec::new();
        for event in &order {
            let Outcome::Done(done) = world.handle(event).await else { panic!("not done") };
            reasons.extend(done.reasons);
        }
        assert_eq!(world.price(), 551, "Paddle's own conversion: 600.00 - 48.90 EUR");
        assert!(reasons.contains(&Reason::CurrencyDiffers), "{reasons:?}");
    }
}

#[tokio::test]
async fn a_deal_per_product_shows_the_same_prices_in_either_order() {
    for (total, tax, want) in [("10000", "815", 408), ("65000", "0", 0)] {
        let mut back = refund("approved");
        (back["totals"]["total"], back["totals"]["tax"]) = (json!(total), json!(tax));
        for order in orders(&[
            event("transaction.completed", 1, &lines()),
            event("adjustment.updated", 20, &back),
        ]) {
            let world = World::with(|config| {
                config.products = Products::DealPerProduct;
                config.refunds.deal = RefundedDeal::LowerPrice;
            })
            .await;
            world.ignored(&event("transaction.created", 0, &lines())).await;
            for event in &order {
                world.done(event).await;
            }
            let parts: Vec<Value> = made(&world)
                .iter()
                .map(|id| world.kommo.lead(*id).unwrap()["price"].clone())
                .collect();
            assert_eq!(world.price(), want, "{total}");
            assert_eq!(parts, [json!(90), json!(9)], "what stands elsewhere stays there");
        }
    }
}

#[tokio::test]
async fn more_than_was_paid_leaves_nothing_in_either_order() {
    let mut back = refund("approved");
    (back["totals"]["total"], back["totals"]["tax"]) = (json!("70000"), json!("0"));
    for order in orders(&[paid(), event("adjustment.updated", 20, &back)]) {
        let world = world().await;
        for event in &order {
            world.done(event).await;
        }
        assert_eq!(world.price(), 0);
    }
}

/// Where the price is all that is written.
#[tokio::test]
async fn the_price_follows_without_any_field() {
    let world = World::with(|config| {
        config.refunds.deal = RefundedDeal::LowerPrice;
        config.fields.payment_status = FieldTarget::Off;
    })
    .await;
    world.done(&paid()).await;
    world.done(&adjustment("refund", "approved", 20)).await;
    assert_eq!(world.price(), 507);
}
