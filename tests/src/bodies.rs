//! Deliveries in our own words, made from the facts of Paddle's documentation; and Paddle's own, where they are.

use std::{path::Path, sync::OnceLock};

use paddle_kommo_sync::{Clock as _, SystemClock};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

/// Where Paddle's own examples are, if they are.
pub const OFFICIAL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/paddle/events");

/// A first checkout of 652.15 USD, of which 53.15 USD are tax, for this deal.
#[must_use]
pub fn payment(event_id: &str, lead: u64) -> Value {
    let now = now();
    let totals = json!({
        "subtotal": "59900", "discount": "0", "tax": "5315", "total": "65215", "grand_total": "65215",
        "fee": "3311", "earnings": "56589", "currency_code": "USD",
    });
    json!({
        "data": {
            "id": format!("txn_of_{event_id}"),
            "status": "completed",
            "origin": "web",
            "customer_id": "ctm_jo",
            "invoice_number": "325-10566",
            "currency_code": "USD",
            "billed_at": now,
            "custom_data": {"kommo_lead_id": lead.to_string()},
            "items": [{"price": {"id": "pri_seat", "name": "Pro, yearly"}, "quantity": 10}],
            "details": {"totals": totals.clone(), "payout_totals": totals, "line_items": []},
        },
        "event_id": event_id,
        "event_type": "transaction.completed",
        "occurred_at": now,
        "notification_id": "ntf_1",
    })
}

/// Paddle's own example of an event, tied to this deal; none on a lone clone.
///
/// # Panics
///
/// When the examples are there and this one is not, or cannot be read.
#[must_use]
pub fn official(event_type: &str, lead: u64) -> Option<Value> {
    if !Path::new(OFFICIAL).is_dir() {
        eprintln!("skipped: the fixtures are not beside the checkout");
        return None;
    }
    let text = std::fs::read_to_string(Path::new(OFFICIAL).join(format!("{event_type}.json")))
        .unwrap_or_else(|error| panic!("{event_type}: {error}"));
    let mut body: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{event_type}: {error}"));
    if body["data"].get("custom_data").is_some() {
        body["data"]["custom_data"] = json!({"kommo_lead_id": lead.to_string()});
    }
    Some(body)
}

/// The moment of the first call: the same event is the same whenever it is delivered.
fn now() -> &'static str {
    static NOW: OnceLock<String> = OnceLock::new();
    NOW.get_or_init(|| SystemClock::default().now().format(&Rfc3339).unwrap_or_default())
}
