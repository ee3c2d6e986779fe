//! How entities are read: leniently, and never quietly wrong.

use std::error::Error;

use paddle_webhook::{DataError, Environment, Event};

fn error_of(event_type: &str, data: &str) -> Option<String> {
    failure(event_type, data).map(|error| error.path().to_owned())
}

fn failure(event_type: &str, data: &str) -> Option<DataError> {
    let body = format!(
        r#"{{"data":{data},"event_id":"evt_1","event_type":"{event_type}","occurred_at":"2026-03-01T12:00:00Z"}}"#
    );
    let event = Event::from_trusted(body.as_bytes(), Environment::Live).unwrap();
    event.data().err()
}

#[test]
fn only_the_id_must_be_there() {
    for event_type in paddle_webhook::EventType::NAMED {
        let typed = error_of(event_type.as_str(), "{}").is_some();
        assert_eq!(error_of(event_type.as_str(), r#"{"id":"x"}"#), None, "{event_type}");
        let has_no_entity = ["flow", "funnel", "invoice", "product_collection"];
        assert_eq!(
            typed,
            !has_no_entity.iter().any(|name| event_type.as_str().starts_with(name)),
            "{event_type}"
        );
    }
}

#[test]
fn null_missing_and_empty_are_one() {
    use paddle_webhook::Transaction;
    let read = |json: &str| serde_json::from_str::<Transaction>(json).unwrap();
    let bare = read(r#"{"id":"txn_1"}"#);
    let nulls = read(
        r#"{"id":"txn_1","status":null,"customer_id":null,"items":null,"payments":[],"details":null,"custom_data":null,"created_at":null,"origin":""}"#,
    );
    assert_eq!(bare, nulls);
    assert!(bare.status.is_absent() && bare.items.is_empty() && bare.custom_data.is_null());
}

#[test]
fn the_error_names_the_path() {
    for (data, want) in [
        (r#"{"id":"txn_1","details":{"totals":{"total":"12.50"}}}"#, "data.details.totals.total"),
        (
            r#"{"id":"txn_1","details":{"totals":{"fee":"1","total":true,"tax":"1"}}}"#,
            "data.details.totals.total",
        ),
        (
            r#"{"id":"txn_1","items":[{},{"price":{"id":"pri_1","unit_price":{"amount":1.5}}}]}"#,
            "data.items[1].price.unit_price.amount",
        ),
        (r#"{"id":"txn_1","items":[{"price":{"name":"x"}}]}"#, "data.items[0].price"),
        (r#"{"id":"txn_1","items":[{},7]}"#, "data.items[1]"),
        (r#"{"id":"txn_1","items":{}}"#, "data.items"),
        (r#"{"id":"txn_1","created_at":"soon"}"#, "data.created_at"),
        (r#"{"id":"txn_1","currency_code":"not a currency"}"#, "data.currency_code"),
        (
            r#"{"id":"txn_1","billing_details":{"enable_checkout":"yes"}}"#,
            "data.billing_details.enable_checkout",
        ),
        (r#"{"id":7}"#, "data.id"),
        (r#"{"status":"completed"}"#, "data"),
        (r#"["txn_1"]"#, "data"),
        ("null", "data"),
        ("\n  {\"id\": \"txn_1\",\n  \"checkout\": {\n    \"url\": 7\n  }}", "data.checkout.url"),
    ] {
        assert_eq!(error_of("transaction.completed", data).as_deref(), Some(want), "{data}");
    }
}

#[test]
fn a_field_that_occurs_twice_is_an_error() {
    assert!(
        error_of("transaction.completed", r#"{"id":"txn_1","status":"paid","status":"draft"}"#)
            .is_some()
    );
    assert!(error_of("transaction.completed", r#"{"id":"txn_1","new":1,"new":2}"#).is_none());
}

#[test]
fn an_empty_list_is_an_object_without_members_and_no_other_list_is_one() {
    for data in [
        r#"{"id":"txn_1","details":[],"checkout":[],"billing_details":[]}"#,
        r#"{"id":"txn_1","items":[[]]}"#,
    ] {
        assert_eq!(error_of("transaction.completed", data), None, "{data}");
    }
    for (data, want) in [
        (r#"{"id":"txn_1","details":[{}]}"#, "data.details"),
        (r#"{"id":"txn_1","checkout":["https://example.com"]}"#, "data.checkout"),
        (r#"{"id":"txn_1","items":[{"price":["pri_1"]}]}"#, "data.items[0].price"),
        (r#"{"id":"txn_1","items":[{"price":[]}]}"#, "data.items[0].price"),
    ] {
        assert_eq!(error_of("transaction.completed", data).as_deref(), Some(want), "{data}");
    }
}

#[test]
fn a_text_is_a_list_of_one_where_a_list_has_texts() {
    for texts in [r#""a""#, r#"["a"]"#] {
        let json = format!(r#"{{"id":"rep_1","filters":[{{"name":"n","value":{texts}}}]}}"#);
        let report: paddle_webhook::Report = serde_json::from_str(&json).unwrap();
        assert_eq!(report.filters[0].value, ["a"], "{json}");
    }
}

#[test]
fn a_struct_is_written_with_every_key_in_order_and_read_from_any_deserializer() {
    let json = r#"{"url":null}"#;
    let checkout: paddle_webhook::Checkout = serde_json::from_str("{}").unwrap();
    assert_eq!(serde_json::to_string(&checkout).unwrap(), json);

    let json = r#"{"status":"","type":"alipay","customer_id":null,"id":"paymtd_1"}"#;
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    let from_value: paddle_webhook::PaymentMethod = serde_json::from_value(value).unwrap();
    assert_eq!(from_value, serde_json::from_str(json).unwrap());
    assert_eq!(
        serde_json::to_string(&from_value).unwrap(),
        r#"{"id":"paymtd_1","customer_id":null,"address_id":null,"type":"alipay","origin":"","saved_at":null,"updated_at":null,"deletion_reason":""}"#
    );
}

#[test]
fn what_is_new_is_no_error() {
    let data = r#"{"id":"txn_1","status":"frozen","origin":"teleport","currency_code":"XTS","collection_mode":"barter",
        "new_field":{"a":[1,2,{"b":null}]},"payments":[{"status":"floating","error_code":"gremlins","method_details":{"type":"seashells"}}]}"#;
    assert_eq!(error_of("transaction.completed", data), None);
}

#[test]
fn the_error_says_what_was_expected_and_of_what() {
    for (data, want) in [
        (
            r#"{"id":"txn_1","payments":[{"amount":"x"}]}"#,
            "expected a whole number of minor units at line 1 column",
        ),
        (
            r#"{"id":"txn_1","payments":[{"amount":true}]}"#,
            "expected a whole number of minor units at line 1 column",
        ),
        (r#"{"id":"txn_1","currency_code":""}"#, "expected a currency code at line 1 column"),
        (r#"{"id":"txn_1","created_at":"x"}"#, "expected an RFC 3339 timestamp at line 1 column"),
        (r#"{"id":"txn_1","created_at":7}"#, "expected an RFC 3339 timestamp at line 1 column"),
        (r#"{"id":"txn_1","status":7}"#, "expected text at line 1 column"),
        (r#"{"id":7}"#, "expected text at line 1 column"),
        (r#"{"status":"paid"}"#, "missing field `id` at line 1 column"),
        (r#"{"id":"txn_1","id":"txn_2"}"#, "duplicate field `id` at line 1 column"),
        ("[]", "expected an object"),
    ] {
        let error = failure("transaction.paid", data).unwrap();
        let path = error.path();
        assert_eq!(
            error.to_string(),
            format!("unexpected shape of transaction.paid in event evt_1, at {path}")
        );
        let why = error.source().unwrap().to_string();
        assert!(why.starts_with(want), "{why} instead of {want}");
    }
    let error = failure("report.created", r#"{"id":"rep_1","filters":[{"value":7}]}"#).unwrap();
    assert!(error.source().unwrap().to_string().starts_with("expected a text, or a list of texts"));
}
