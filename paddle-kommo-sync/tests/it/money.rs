//! Money on the deal: decimals, what was agreed, and the fields of sums.

use kommo_client::fake::{FakeLead, Fault};
use paddle_kommo_sync::{
    AgreedPrice, Config, LeftOutPart, MemoryStore, ParkReason, PriceBasis, PriceDecimals, Reason,
    RefundedDeal, Store, SyncBuilder, plan::Field,
};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::{
    rules::{changed, paid as completed},
    support::{
        LEAD, LOST, NEGOTIATION, PIPELINE, WON, World, client,
        events::{event, refund, renewal, subscription, time, transaction},
    },
};

fn paid() -> Event {
    event("transaction.completed", 0, &transaction())
}

fn exact(world: &World) -> String {
    world.lead()["price_with_minor_units"].to_string()
}

#[tokio::test]
async fn a_price_has_decimals_where_the_account_has_them() {
    for (decimals, basis, want) in [
        (PriceDecimals::Auto, PriceBasis::Gross, "652.15"),
        (PriceDecimals::Auto, PriceBasis::Net, "599"),
        (PriceDecimals::Auto, PriceBasis::Earnings, "565.89"),
        (PriceDecimals::Never, PriceBasis::Gross, "652"),
        (PriceDecimals::Never, PriceBasis::Earnings, "566"),
    ] {
        let world = World::with(|config| {
            (config.price_decimals, config.price_basis) = (decimals, basis);
        })
        .await;
        world.kommo.set_minor_units(true);
        world.done(&paid()).await;
        assert_eq!(exact(&world), want, "{decimals:?} {basis:?}");
    }
}

#[tokio::test]
async fn an_account_that_refuses_decimals_gets_whole_units() {
    let world = World::with(|config| config.price_basis = PriceBasis::Gross).await;
    world.kommo.set_minor_units(true);
    let refusal = json!({
        "title": "Bad Request", "status": 400, "type": "https://httpstatus.es/400", "detail": "Request validation failed",
        "validation-errors": [{"request_id": "0", "errors":
            [{"code": "InvalidType", "path": "price", "detail": "This value should be of type int."}]}],
    });
    world.kommo.fail_next(Fault::answer(400, refusal.to_string()).on("PATCH", "/api/v4/leads"));
    let done = world.done_with_report(&paid()).await;
    assert_eq!(
        done.left_out.iter().map(|left_out| left_out.what).collect::<Vec<_>>(),
        [LeftOutPart::Decimals]
    );
    assert_eq!((exact(&world), world.stage()), ("652".to_owned(), WON));
}

#[tokio::test]
async fn a_refund_lowers_a_price_with_decimals_exactly() {
    let world = World::with(|config| {
        config.price_basis = PriceBasis::Gross;
        config.refunds.deal = RefundedDeal::LowerPrice;
    })
    .await;
    world.kommo.set_minor_units(true);
    world.done(&paid()).await;
    world.done(&event("adjustment.updated", 10, &refund("approved"))).await;
    assert_eq!(exact(&world), "552.15");
}

/// A deal about which the rep wrote something, and whether that is what was paid: 599.00 USD net for ten seats and a set-up.
#[tokio::test]
async fn what_the_deal_says_is_compared_with_what_was_paid() {
    let plan = |text: &str| ("PLAN_NAME", text.to_owned());
    let currency = |text: &str| ("PAYMENT_CURRENCY", text.to_owned());
    for (field, differs) in [
        (plan("Pro, yearly, Set-up"), false),
        (plan("pro,  YEARLY, set-up"), false),
        (plan("10 × Pro, yearly, Set-up"), false),
        (plan("10 x Pro, yearly, Set-up"), false),
        (plan("10 × Pro, yearly, 1 × Set-up"), false),
        (plan("12 × Pro, yearly, Set-up"), true),
        (plan("Team, yearly"), true),
        (plan("Pro, yearly"), true),
        (currency("USD"), false),
        (currency(" usd "), false),
        (currency("EUR"), true),
    ] {
        let world = World::with(|config| config.agreed_price = AgreedPrice::Warn).await;
        write(&world, field.0, &field.1).await;
        let want = if differs {
            vec![Reason::FirstPayment, Reason::PriceDiffers]
        } else {
            vec![Reason::FirstPayment]
        };
        assert_eq!(world.done(&paid()).await, want, "{field:?}");
        assert_eq!(world.tasks().len(), usize::from(differs), "{field:?}");
        if differs && field.0 == "PLAN_NAME" {
            let note = &world.notes()[1];
            assert!(note.contains(&format!("deal says {}", field.1)), "{note}");
        }

        let world = World::with(|config| config.agreed_price = AgreedPrice::Park).await;
        write(&world, field.0, &field.1).await;
        if differs {
            assert_eq!(world.parked(&paid()).await.reason, ParkReason::PriceDiffers, "{field:?}");
            assert_eq!(world.stage(), NEGOTIATION);
        } else {
            world.done(&paid()).await;
        }

        let world = World::new().await;
        write(&world, field.0, &field.1).await;
        assert_eq!(world.done(&paid()).await, [Reason::FirstPayment], "off: {field:?}");
    }
}

#[tokio::test]
async fn what_we_wrote_ourselves_is_no_agreement() {
    let world = World::with(|config| config.agreed_price = AgreedPrice::Park).await;
    let mut changed = subscription("active");
    world.done(&event("subscription.created", 0, &changed)).await;
    changed["items"][0]["price"]["name"] = json!("Basic, monthly");
    changed["updated_at"] = json!(time(5));
    world.done(&event("subscription.updated", 5, &changed)).await;
    assert_eq!(world.field("PLAN_NAME"), json!("Basic, monthly"));
    world.done(&event("transaction.completed", 10, &transaction())).await;
}

#[tokio::test]
async fn a_sum_that_cannot_be_compared_counts_as_different() {
    let world = World::with(|config| config.agreed_price = AgreedPrice::Park).await;
    world.kommo.add_lead(FakeLead::new("Agreed").id(7).stage(PIPELINE, NEGOTIATION).price(500));
    world.kommo.set_currency("EUR");
    let mut data = transaction();
    data["custom_data"] = json!({"kommo_lead_id": 7});
    let parked = world.parked(&event("transaction.completed", 0, &data)).await;
    assert_eq!(parked.reason, ParkReason::PriceDiffers, "599 USD may be less than 500 EUR");

    let world = World::with(|config| config.agreed_price = AgreedPrice::Park).await;
    world.kommo.add_lead(FakeLead::new("Not agreed").id(7).stage(PIPELINE, NEGOTIATION).price(0));
    world.kommo.set_currency("EUR");
    let reasons = world.done(&event("transaction.completed", 0, &data)).await;
    assert!(!reasons.contains(&Reason::PriceDiffers), "a deal without a price agrees on nothing");
}

async fn write(world: &World, code: &str, text: &str) {
    let body = json!([{"id": LEAD, "custom_fields_values": [{"field_code": code, "values": [{"value": text}]}]}]);
    client(&world.kommo)
        .raw(kommo_client::RawMethod::Patch, "leads")
        .json(&body)
        .send()
        .await
        .unwrap();
}

fn with_cycle(status: &str, amount: &str, seconds: i64) -> Value {
    let mut data = subscription(status);
    data["updated_at"] = json!(time(seconds));
    data["items"][0]["price"]["unit_price"] = json!({"amount": amount, "currency_code": "USD"});
    data["items"][0]["price"]["billing_cycle"] = json!({"interval": "year", "frequency": 1});
    data["items"][0]["recurring"] = json!(true);
    data
}

#[tokio::test]
async fn monthly_recurring_revenue_follows_the_subscription() {
    let world = World::with(|config| config.fields.monthly_recurring_revenue = "MRR".into()).await;
    world.kommo.add_field(Some("MRR"), "MRR", "numeric");
    let mut at = 0;
    for (kind, status, amount, want) in [
        ("trialing", "trialing", "12000", "0.00"),
        ("activated", "active", "12000", "100.00"),
        ("updated", "active", "12001", "100.01"),
        ("past_due", "past_due", "12001", "100.01"),
        ("paused", "paused", "12001", "0.00"),
        ("resumed", "active", "24000", "200.00"),
        ("canceled", "canceled", "24000", "0.00"),
    ] {
        at += 10;
        let kind = format!("subscription.{kind}");
        world.done(&event(&kind, at, &with_cycle(status, amount, at))).await;
        assert_eq!(world.field("MRR"), json!(want), "{kind} {status}: 10 seats a year");
    }
    // An older state does not bring it back.
    world.handle(&event("subscription.updated", 35, &with_cycle("active", "12000", 35))).await;
    assert_eq!(world.field("MRR"), json!("0.00"));
}

#[tokio::test]
async fn monthly_recurring_revenue_that_cannot_be_told_is_left_alone() {
    let world = World::with(|config| config.fields.monthly_recurring_revenue = "MRR".into()).await;
    world.kommo.add_field(Some("MRR"), "MRR", "numeric");
    world.done(&event("subscription.created", 0, &subscription("active"))).await;
    assert_eq!(world.field("MRR"), Value::Null);
}

#[tokio::test]
async fn every_field_of_money_is_written() {
    let fields = [
        (Field::AmountPaid, "AMOUNT"),
        (Field::TaxPaid, "TAX"),
        (Field::TotalPaid, "PAID"),
        (Field::TotalRefunded, "REFUNDED"),
        (Field::TotalNet, "NET"),
    ];
    let world = World::with(|config| {
        config.fields.amount_paid = "AMOUNT".into();
        config.fields.tax_paid = "TAX".into();
        config.fields.total_paid = "PAID".into();
        config.fields.total_refunded = "REFUNDED".into();
        config.fields.total_net = "NET".into();
        config.fields.last_payment_date = "LAST".into();
    })
    .await;
    for (_, code) in fields {
        world.kommo.add_field(Some(code), code, "numeric");
    }
    world.kommo.add_field(Some("LAST"), "Last payment", "text");
    let values =
        || fields.map(|(_, code)| world.field(code).as_str().unwrap_or_default().to_owned());
    world.done(&paid()).await;
    assert_eq!(values(), ["652.15", "53.15", "652.15", "0.00", "652.15"]);
    let mut later = renewal();
    later["billed_at"] = json!("2026-02-15T12:00:00Z");
    later["payments"] = json!([{"status": "captured", "captured_at": "2026-02-19T12:00:00Z"}]);
    world.done(&event("transaction.completed", 10, &later)).await;
    assert_eq!(values(), ["326.62", "26.62", "978.77", "0.00", "978.77"]);
    world.done(&event("adjustment.updated", 20, &refund("approved"))).await;
    assert_eq!(values(), ["326.62", "26.62", "978.77", "100.00", "878.77"]);
    assert_eq!(world.field("LAST"), json!("2026-02-19"), "when the money came, not the invoice");
    for (code, want) in [("PAYMENT_CURRENCY", "USD"), ("PAYMENT_STATUS", "partially_refunded")] {
        assert_eq!(world.field(code), json!(want));
    }
}

/// A world whose deal shows the sums.
pub(crate) async fn with_sums(change: impl FnOnce(&mut Config)) -> World {
    with_sums_on(MemoryStore::new(), change).await
}

fn show_sums(config: &mut Config) {
    config.fields.total_paid = "PAID".into();
    config.fields.total_refunded = "REFUNDED".into();
    config.fields.total_net = "NET".into();
}

pub(crate) async fn with_sums_on(store: impl Store, change: impl FnOnce(&mut Config)) -> World {
    let change = |config: &mut Config| {
        show_sums(config);
        change(config);
    };
    let world = World::built(change, store, |builder| builder).await;
    for code in ["PAID", "REFUNDED", "NET"] {
        world.kommo.add_field(Some(code), code, "numeric");
    }
    world
}

pub(crate) fn sums(world: &World) -> [String; 3] {
    ["PAID", "REFUNDED", "NET"]
        .map(|code| world.field(code).as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn nothing_of_a_second_payment_is_summed() {
    let second = |mut data: Value, id: &str| {
        data["id"] = json!(id);
        data["subscription_id"] = json!("sub_second");
        data
    };
    let back = |of: &str, id: &str| {
        let mut data = refund("approved");
        data["id"] = json!(id);
        data["transaction_id"] = json!(of);
        data["subscription_id"] = json!("sub_second");
        data
    };
    let second_paid = event("transaction.completed", 10, &second(transaction(), "txn_second"));
    let renewed = event("transaction.completed", 20, &second(renewal(), "txn_second_renewal"));
    let refunded = event("adjustment.updated", 30, &back("txn_second", "adj_1"));
    let renewal_back = event("adjustment.updated", 40, &back("txn_second_renewal", "adj_2"));
    let in_order = [&second_paid, &renewed, &refunded, &renewal_back];
    let mixed = [&renewed, &refunded, &second_paid, &renewal_back];
    for (is_in_order, order) in [(true, in_order), (false, mixed)] {
        let world = with_sums(|_| {}).await;
        world.done(&paid()).await;
        for event in order {
            let fields = world.lead()["custom_fields_values"].clone();
            let reasons = world.done(event).await;
            if reasons != [Reason::AnotherPayment] {
                continue;
            }
            assert_eq!(sums(&world), ["652.15", "0.00", "652.15"], "at once");
            if is_in_order {
                assert_eq!(world.lead()["custom_fields_values"], fields);
            }
        }
        assert_eq!(sums(&world), ["652.15", "0.00", "652.15"]);
        world.done(&event("transaction.completed", 50, &renewal())).await;
        world.done(&event("adjustment.updated", 60, &refund("approved"))).await;
        assert_eq!(sums(&world), ["978.77", "100.00", "878.77"], "the deal's own go on");
    }
}

/// The rep has closed the deal when the trial began.
#[tokio::test]
async fn nothing_of_a_second_payment_is_summed_where_the_first_sale_was_a_trial() {
    let world = with_sums(|_| {}).await;
    let mut checkout = transaction();
    checkout["details"]["totals"]["total"] = json!("0");
    world.ignored(&event("transaction.completed", 0, &checkout)).await;
    world.done(&event("subscription.trialing", 1, &subscription("trialing"))).await;
    world.kommo.move_lead(LEAD, PIPELINE, WON);
    world.done(&event("transaction.completed", 10, &renewal())).await;
    let mut second = transaction();
    (second["id"], second["subscription_id"]) = (json!("txn_second"), json!("sub_second"));
    let second = event("transaction.completed", 20, &second);
    assert_eq!(world.done(&second).await, [Reason::AnotherPayment]);
    let mut next = renewal();
    next["id"] = json!("txn_next");
    world.done(&event("transaction.completed", 30, &next)).await;
    assert_eq!(sums(&world), ["653.24", "0.00", "653.24"], "twice 326.62");
}

#[tokio::test]
async fn nothing_is_summed_beside_a_sale_that_only_kommo_names() {
    let world = with_sums(|_| {}).await;
    world.done(&paid()).await;
    let mut config = Config::default();
    show_sums(&mut config);
    let config = |builder: SyncBuilder| builder.config(config);
    let fresh = world.restarted_with(MemoryStore::new(), config).await;
    let mut second = transaction();
    (second["id"], second["subscription_id"]) = (json!("txn_second"), json!("sub_second"));
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_second");
    back["subscription_id"] = json!("sub_second");
    for event in
        [event("transaction.completed", 10, &second), event("adjustment.updated", 20, &back)]
    {
        fresh.handle(&event).await.unwrap();
        assert_eq!(sums(&world), ["652.15", "0.00", "652.15"]);
    }
    assert_eq!(world.notes().len(), 3, "but it is told");
}

#[tokio::test]
async fn what_a_second_subscription_pays_is_not_summed() {
    let world = with_sums(|_| {}).await;
    world.done(&paid()).await;
    world.done(&event("subscription.created", 1, &subscription("active"))).await;
    let mut other = subscription("active");
    other["id"] = json!("sub_second");
    world.done(&event("subscription.created", 10, &other)).await;
    let mut charged = renewal();
    charged["id"] = json!("txn_second_renewal");
    charged["subscription_id"] = json!("sub_second");
    world.done(&event("transaction.completed", 20, &charged)).await;
    assert_eq!(sums(&world), ["652.15", "0.00", "652.15"]);
    world.done(&event("transaction.completed", 30, &renewal())).await;
    assert_eq!(sums(&world), ["978.77", "0.00", "978.77"]);
}

#[tokio::test]
async fn the_first_payment_of_a_deal_that_a_person_won_is_summed() {
    let world = with_sums(|_| {}).await;
    world.kommo.move_lead(LEAD, PIPELINE, WON);
    assert_eq!(world.done(&paid()).await, [Reason::AnotherPayment]);
    let mut second = transaction();
    second["id"] = json!("txn_second");
    second["subscription_id"] = Value::Null;
    assert_eq!(
        world.done(&event("transaction.completed", 5, &second)).await,
        [Reason::AnotherPayment]
    );
    world.done(&event("transaction.completed", 10, &renewal())).await;
    assert_eq!(sums(&world), ["978.77", "0.00", "978.77"]);
}

#[tokio::test]
async fn a_payment_that_is_parked_is_not_summed() {
    let world = with_sums(|_| {}).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    assert_eq!(world.parked(&paid()).await.reason, ParkReason::DealLost);
    world.done(&event("transaction.completed", 10, &renewal())).await;
    assert_eq!(sums(&world), ["326.62", "0.00", "326.62"]);
}

#[tokio::test]
async fn the_price_is_what_the_configuration_says() {
    for (basis, want) in
        [(PriceBasis::Net, 599), (PriceBasis::Gross, 652), (PriceBasis::Earnings, 566)]
    {
        let world = World::with(|config| config.price_basis = basis).await;
        world.done(&paid()).await;
        assert_eq!(world.price(), want, "{basis:?}");
    }
}

#[tokio::test]
async fn the_price_is_rounded_half_away_from_zero() {
    for (total, want) in [("5349", 0), ("5364", 0), ("5365", 1), ("5465", 2)] {
        let world = World::new().await;
        let data = changed(&["details", "totals", "total"], json!(total));
        world.done(&completed(&data)).await;
        assert_eq!(world.price(), want, "total {total}, tax 5315");
    }
}

#[tokio::test]
async fn a_currency_without_minor_units_is_not_divided() {
    let world = World::new().await;
    world.kommo.set_currency("JPY");
    let mut data = changed(&["details", "totals", "currency_code"], json!("JPY"));
    data["currency_code"] = json!("JPY");
    world.done(&completed(&data)).await;
    assert_eq!(world.price(), 59_900);
    assert!(
        world.notes()[0].starts_with("Paid 65215 JPY (net 59900 + tax 5315)"),
        "{:?}",
        world.notes()
    );
}

#[tokio::test]
async fn a_sum_in_another_currency_is_converted_by_paddle_or_not_written() {
    let world = World::new().await;
    world.kommo.set_currency("EUR");
    let mut data = transaction();
    for (key, value) in
        [("currency_code", "EUR"), ("total", "60000"), ("tax", "4890"), ("earnings", "52000")]
    {
        data["details"]["payout_totals"][key] = json!(value);
    }
    assert_eq!(
        world.done(&completed(&data)).await,
        [Reason::FirstPayment, Reason::PriceFromPayout]
    );
    assert_eq!(world.price(), 551, "Paddle's own conversion: 600.00 - 48.90 EUR");
    assert_eq!(world.field("PAYMENT_CURRENCY"), json!("USD"), "the exact original");
    assert!(world.notes()[0].contains("652.15 USD"));

    let world = World::new().await;
    world.kommo.set_currency("EUR");
    assert_eq!(world.done(&paid()).await, [Reason::FirstPayment, Reason::CurrencyDiffers]);
    assert_eq!((world.stage(), world.price()), (WON, 0), "won, but 599 USD are not 599 EUR");
}
