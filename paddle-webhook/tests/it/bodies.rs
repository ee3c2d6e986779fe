//! Bodies of a wanted size, made from our own fixtures: for allocation counts and for `benches`.

use serde_json::{Value, json};

/// Where `data` stands in the envelope. Paddle puts it first; some recorded bodies have it last.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DataStands {
    First,
    Last,
}

/// A completed transaction with so many items, written without blanks as Paddle writes it.
pub(crate) fn transaction(items: usize, data_stands: DataStands) -> String {
    let body: Value =
        serde_json::from_str(include_str!("fixtures/transaction.completed.json")).unwrap();
    let complete: Value = serde_json::from_str(include_str!("fixtures/complete.json")).unwrap();
    let full = &complete["transaction.completed"];
    let mut data = body["data"].clone();
    data["items"] = vec![full["items"][0].clone(); items].into();
    data["details"] = full["details"].clone();
    data["details"]["line_items"] = vec![full["details"]["line_items"][0].clone(); items].into();
    data["payments"] = full["payments"].clone();
    envelope(&data, "transaction.completed", data_stands)
}

/// A customer: the smallest event that is common.
pub(crate) fn customer(data_stands: DataStands) -> String {
    let complete: Value = serde_json::from_str(include_str!("fixtures/complete.json")).unwrap();
    let mut data = complete["customer.updated"].clone();
    data["custom_data"] = json!({ "note": "x".repeat(500) });
    envelope(&data, "customer.updated", data_stands)
}

fn envelope(data: &Value, event_type: &str, data_stands: DataStands) -> String {
    let rest = format!(
        r#""event_id":"evt_01jqpaid00000000000000000a","event_type":"{event_type}","occurred_at":"2026-03-01T12:00:01.234567Z","notification_id":"ntf_01jqpaid00000000000000000b""#
    );
    match data_stands {
        DataStands::First => format!("{{\"data\":{data},{rest}}}"),
        DataStands::Last => format!("{{{rest},\"data\":{data}}}"),
    }
}
