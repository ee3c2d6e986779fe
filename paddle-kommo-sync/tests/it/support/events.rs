//! Deliveries as Paddle's documentation describes them, as small as the rules need them.

use std::cell::Cell;

use paddle_webhook::{Environment, Event};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{LEAD, NOW};

thread_local! {
    // Of the thread: a story that is told on a new one has the same ids again.
    static NEXT: Cell<u32> = const { Cell::new(1) };
}

/// An event with a fresh id that happened some seconds after the start of the world.
pub(crate) fn event(kind: &str, seconds: i64, data: &Value) -> Event {
    let number = NEXT.get();
    NEXT.set(number + 1);
    named(&format!("evt_{number:026}"), kind, seconds, data)
}

/// An event with this id.
pub(crate) fn named(id: &str, kind: &str, seconds: i64, data: &Value) -> Event {
    Event::from_trusted(body(id, kind, seconds, data).to_string().as_bytes(), Environment::Live)
        .unwrap()
}

pub(crate) fn body(id: &str, kind: &str, seconds: i64, data: &Value) -> Value {
    json!({
        "event_id": id,
        "event_type": kind,
        "occurred_at": time(seconds),
        "notification_id": "ntf_1",
        "data": data,
    })
}

pub(crate) fn time(seconds: i64) -> String {
    moment(seconds).format(&Rfc3339).unwrap()
}

pub(crate) fn moment(seconds: i64) -> OffsetDateTime {
    NOW + Duration::seconds(seconds)
}

/// A first checkout: 599.00 USD and 53.15 USD tax for ten seats and a set-up.
pub(crate) fn transaction() -> Value {
    let totals = json!({
        "subtotal": "59900", "discount": "0", "tax": "5315", "total": "65215", "grand_total": "65215",
        "fee": "3311", "earnings": "56589", "currency_code": "USD",
    });
    json!({
        "id": "txn_first",
        "status": "completed",
        "origin": "web",
        "customer_id": "ctm_jo",
        "subscription_id": "sub_seats",
        "invoice_number": "325-10566",
        "currency_code": "USD",
        "billed_at": time(0),
        "updated_at": time(0),
        "custom_data": {"kommo_lead_id": LEAD.to_string()},
        "items": [
            {"price": {"id": "pri_seat", "product_id": "pro_pro", "name": "Pro, yearly"}, "quantity": 10},
            {"price": {"id": "pri_setup", "product_id": "pro_setup", "description": "set-up fee"}, "quantity": 1},
        ],
        "details": {
            "totals": totals.clone(),
            "payout_totals": totals,
            "line_items": [
                {"id": "txnitm_1", "price_id": "pri_seat", "product": {"id": "pro_pro", "name": "Pro"}},
                {"id": "txnitm_2", "price_id": "pri_setup", "product": {"id": "pro_setup", "name": "Set-up"}},
            ],
        },
    })
}

/// The same subscription's next charge: 326.62 USD, of which 26.62 USD are tax.
pub(crate) fn renewal() -> Value {
    let mut data = transaction();
    data["id"] = json!("txn_renewal");
    data["origin"] = json!("subscription_recurring");
    data["invoice_number"] = json!("325-20001");
    data["billing_period"] =
        json!({"starts_at": "2026-02-15T12:00:00Z", "ends_at": "2026-03-15T12:00:00Z"});
    for totals in ["totals", "payout_totals"] {
        data["details"][totals]["tax"] = json!("2662");
        data["details"][totals]["total"] = json!("32662");
        data["details"][totals]["grand_total"] = json!("32662");
        data["details"][totals]["earnings"] = json!("28000");
    }
    data
}

pub(crate) fn subscription(status: &str) -> Value {
    json!({
        "id": "sub_seats",
        "status": status,
        "customer_id": "ctm_jo",
        "currency_code": "USD",
        "updated_at": time(0),
        "next_billed_at": "2026-02-15T12:00:00Z",
        "custom_data": {"kommo_lead_id": LEAD.to_string()},
        "items": [{"status": status, "quantity": 10, "price": {"id": "pri_seat", "name": "Pro, yearly"}}],
    })
}

/// A refund of 100.00 USD, of which 8.15 USD are tax.
pub(crate) fn refund(status: &str) -> Value {
    json!({
        "id": "adj_part",
        "action": "refund",
        "type": "partial",
        "status": status,
        "transaction_id": "txn_first",
        "subscription_id": "sub_seats",
        "customer_id": "ctm_jo",
        "reason": "seats not used",
        "currency_code": "USD",
        "updated_at": time(0),
        "totals": {
            "subtotal": "9185", "tax": "815", "total": "10000", "fee": "500", "earnings": "8685",
            "currency_code": "USD",
        },
    })
}

pub(crate) fn customer(email: &str) -> Value {
    json!({"id": "ctm_jo", "email": email, "status": "active", "updated_at": time(0)})
}
