//! What callers ask every day.

use paddle_webhook::{
    Adjustment, Currency, Environment, Event, EventData, Money, PaymentErrorCode, Subscription,
    Transaction,
};
use time::macros::datetime;

fn transaction(json: &str) -> Transaction {
    serde_json::from_str(json).unwrap()
}

fn fixture() -> EventData {
    let body = include_str!("fixtures/transaction.completed.json");
    Event::from_trusted(body.as_bytes(), Environment::Live).unwrap().data().unwrap()
}

fn eur(minor: i64) -> Option<Money> {
    Some(Money::new(minor, Currency::new("EUR").unwrap()))
}

fn usd(minor: i64) -> Option<Money> {
    Some(Money::new(minor, Currency::new("USD").unwrap()))
}

#[test]
fn sums_of_a_transaction() {
    let data = fixture();
    let transaction = data.transaction().unwrap();
    assert_eq!(transaction.total(), eur(6545));
    assert_eq!(transaction.tax(), eur(1045));
    assert_eq!(transaction.net(), eur(5500));
    assert_eq!(transaction.earnings(), eur(5123));
    assert_eq!(transaction.payout_total(), usd(7080));
    assert_eq!(transaction.payout_net(), usd(5950));
    assert_eq!(transaction.payout_earnings(), usd(5542));
    assert!(
        data.subscription().is_none() && data.adjustment().is_none() && data.customer().is_none()
    );
}

#[test]
fn sums_are_none_rather_than_wrong() {
    let none = transaction(r#"{"id":"txn_1"}"#);
    assert_eq!([none.total(), none.tax(), none.net(), none.earnings()], [None; 4]);
    assert_eq!([none.payout_total(), none.payout_net(), none.payout_earnings()], [None; 3]);

    let no_currency = transaction(r#"{"id":"txn_1","details":{"totals":{"total":"5","tax":"1"}}}"#);
    assert_eq!(no_currency.total(), None);

    let outer_currency = transaction(
        r#"{"id":"txn_1","currency_code":"EUR","details":{"totals":{"total":"5","tax":"1"},"payout_totals":{"total":"5"}}}"#,
    );
    assert_eq!(outer_currency.net(), eur(4));
    assert_eq!(
        outer_currency.payout_total(),
        None,
        "the payout's currency is not the transaction's"
    );

    let inner_currency = transaction(
        r#"{"id":"txn_1","currency_code":"USD","details":{"totals":{"total":"5","currency_code":"EUR"}}}"#,
    );
    assert_eq!(inner_currency.total(), eur(5));
    assert_eq!(inner_currency.net(), None, "no tax is not a tax of zero");

    let extreme = transaction(
        r#"{"id":"txn_1","currency_code":"EUR","details":{"totals":{"total":"-9223372036854775808","tax":"1"}}}"#,
    );
    assert_eq!(extreme.net(), None);
}

#[test]
fn names_of_what_was_bought() {
    let data = fixture();
    assert_eq!(data.transaction().unwrap().product_names(), ["Team, monthly", "Setup", "Extra"]);

    let subscription: Subscription = serde_json::from_str(
        r#"{"id":"sub_1","items":[
            {"price":{"id":"pri_1","name":"Plan","description":"d"},"product":{"id":"pro_1","name":"Product"}},
            {"price":{"id":"pri_2","description":"d"},"product":{"id":"pro_1","name":"Product"}},
            {"price":{"id":"pri_3","description":"d"}},
            {"price":{"id":"pri_4"}},
            {}
        ]}"#,
    )
    .unwrap();
    assert_eq!(subscription.product_names(), ["Plan", "Product", "d"]);
}

#[test]
fn what_a_transaction_was_made_by() {
    for (origin, want) in [
        ("web", [true, false, false, false, false]),
        ("api", [true, false, false, false, false]),
        ("subscription_recurring", [false, true, false, false, false]),
        ("subscription_update", [false, false, true, false, false]),
        ("subscription_charge", [false, false, false, true, false]),
        ("subscription_payment_method_change", [false, false, false, false, true]),
        ("brand_new", [false; 5]),
        ("", [false; 5]),
    ] {
        let transaction = transaction(&format!(r#"{{"id":"txn_1","origin":"{origin}"}}"#));
        let got = [
            transaction.is_first_payment(),
            transaction.is_renewal(),
            transaction.is_plan_change(),
            transaction.is_one_time_charge(),
            transaction.is_card_change(),
        ];
        assert_eq!(got, want, "{origin}");
    }
}

#[test]
fn what_a_subscription_is_scheduled_to_do() {
    let effective = Some(datetime!(2026-04-01 0:00 UTC));
    let resume = Some(datetime!(2026-05-01 0:00 UTC));
    for (change, cancel, pause, goes_on) in [
        ("null", None, None, None),
        (
            r#"{"action":"cancel","effective_at":"2026-04-01T00:00:00Z","resume_at":null}"#,
            effective,
            None,
            None,
        ),
        (
            r#"{"action":"pause","effective_at":"2026-04-01T00:00:00Z","resume_at":null}"#,
            None,
            effective,
            None,
        ),
        (
            r#"{"action":"pause","effective_at":"2026-04-01T00:00:00Z","resume_at":"2026-05-01T00:00:00Z"}"#,
            None,
            effective,
            resume,
        ),
        (r#"{"action":"resume","effective_at":"2026-04-01T00:00:00Z"}"#, None, None, effective),
        (r#"{"action":"explode","effective_at":"2026-04-01T00:00:00Z"}"#, None, None, None),
        (r#"{"action":"cancel"}"#, None, None, None),
    ] {
        let json = format!(r#"{{"id":"sub_1","scheduled_change":{change}}}"#);
        let subscription: Subscription = serde_json::from_str(&json).unwrap();
        assert_eq!(subscription.scheduled_cancel(), cancel, "{change}");
        assert_eq!(subscription.scheduled_pause(), pause, "{change}");
        assert_eq!(subscription.scheduled_resume(), goes_on, "{change}");
    }
}

#[test]
fn what_an_adjustment_means() {
    for (action, money_back) in [
        ("refund", true),
        ("chargeback", true),
        ("chargeback_warning", false),
        ("chargeback_warning_reverse", false),
        ("chargeback_reverse", false),
        ("credit", false),
        ("credit_reverse", false),
        ("brand_new", false),
    ] {
        let adjustment: Adjustment =
            serde_json::from_str(&format!(r#"{{"id":"adj_1","action":"{action}"}}"#)).unwrap();
        assert_eq!(adjustment.is_money_back(), money_back, "{action}");
    }
    for (status, approved) in [
        ("approved", true),
        ("pending_approval", false),
        ("rejected", false),
        ("reversed", false),
        ("", false),
    ] {
        let adjustment: Adjustment =
            serde_json::from_str(&format!(r#"{{"id":"adj_1","status":"{status}"}}"#)).unwrap();
        assert_eq!(adjustment.is_approved(), approved, "{status}");
    }
    for (fields, partial) in [
        (r#""type":"partial""#, Some(true)),
        (r#""type":"full""#, Some(false)),
        (r#""type":null"#, None),
        (r#""type":null,"items":[{"type":"full"}]"#, None),
        (r#""type":null,"items":[{"type":"full"},{"type":"partial"}]"#, Some(true)),
        (r#""items":[{"type":"tax"}]"#, None),
        (r#""type":"brand_new""#, None),
    ] {
        let adjustment: Adjustment =
            serde_json::from_str(&format!(r#"{{"id":"adj_1",{fields}}}"#)).unwrap();
        assert_eq!(adjustment.is_partial(), partial, "{fields}");
    }
    let adjustment: Adjustment = serde_json::from_str(
        r#"{"id":"adj_1","currency_code":"EUR","totals":{"total":"119","tax":"19","earnings":"90"}}"#,
    )
    .unwrap();
    assert_eq!(adjustment.total(), eur(119));
    assert_eq!(adjustment.net(), eur(100));
    assert_eq!(adjustment.earnings(), eur(90));
}

#[test]
fn what_is_left_and_what_failed() {
    let data = fixture();
    let paid = data.transaction().unwrap();
    assert_eq!(paid.fee(), eur(377));
    assert_eq!(paid.adjusted_total(), None);
    assert_eq!(paid.payment_error(), None);

    let refunded = transaction(
        r#"{"id":"txn_1","currency_code":"EUR","details":{"totals":{"total":"500"},"adjusted_totals":{"total":"200"}},
            "payments":[{"status":"error","error_code":"declined"},{"status":"error","error_code":"fraud"}]}"#,
    );
    assert_eq!(refunded.adjusted_total(), eur(200));
    assert_eq!(
        refunded.payment_error(),
        Some(&PaymentErrorCode::Declined),
        "the newest comes first"
    );

    let in_the_end_paid =
        transaction(r#"{"id":"txn_1","payments":[{"error_code":null},{"error_code":"declined"}]}"#);
    assert_eq!(in_the_end_paid.payment_error(), None);
}

#[test]
fn when_a_trial_ends() {
    let items = r#"[{"trial_dates":{"ends_at":"2026-04-01T00:00:00Z"}},{},{"trial_dates":{"ends_at":"2026-05-01T00:00:00Z"}}]"#;
    for (status, want) in
        [("trialing", Some(datetime!(2026-05-01 0:00 UTC))), ("active", None), ("", None)]
    {
        let json = format!(r#"{{"id":"sub_1","status":"{status}","items":{items}}}"#);
        let subscription: Subscription = serde_json::from_str(&json).unwrap();
        assert_eq!(subscription.trial_ends(), want, "{status}");
    }
}

#[test]
fn what_an_event_is_about() {
    let about = |event_type: &str, data: &str| {
        let body = format!(
            r#"{{"data":{data},"event_id":"e","event_type":"{event_type}","occurred_at":"2026-03-01T12:00:00Z"}}"#
        );
        let data = Event::from_trusted(body.as_bytes(), Environment::Live).unwrap().data().unwrap();
        let ids = [
            data.customer_id().map(|id| id.to_string()),
            data.subscription_id().map(|id| id.to_string()),
            data.transaction_id().map(|id| id.to_string()),
        ];
        (
            ids.map(Option::unwrap_or_default).join(" "),
            data.custom_data().is_some(),
            data.updated_at().is_some(),
        )
    };
    let rest = r#""customer_id":"C","subscription_id":"S","transaction_id":"T","custom_data":{},"updated_at":"2026-03-01T12:00:00Z""#;
    for (event_type, ids, custom_data, updated_at) in [
        ("transaction.paid", "C S x", true, true),
        ("subscription.created", "C x T", true, true),
        ("adjustment.created", "C S T", false, true),
        ("customer.created", "x  ", true, true),
        ("address.created", "C  ", true, true),
        ("business.created", "C  ", true, true),
        ("payment_method.saved", "C  ", false, true),
        ("product.created", "  ", true, true),
        ("price.created", "  ", true, true),
        ("discount.created", "  ", true, true),
        ("discount_group.created", "  ", false, true),
        ("report.created", "  ", false, true),
        ("api_key.created", "  ", false, true),
        ("client_token.created", "  ", false, true),
        ("payout.created", "  ", false, false),
        ("brand.new", "  ", false, false),
    ] {
        let got = about(event_type, &format!(r#"{{"id":"x",{rest}}}"#));
        assert_eq!(got, (ids.to_owned(), custom_data, updated_at), "{event_type}");
        let bare = about(event_type, r#"{"id":"x","custom_data":null}"#);
        assert!(!bare.1 && !bare.2, "{event_type}");
    }
}
