//! Six stories: what Paddle delivers, how Kommo misbehaves, and what must be in Kommo at the end.

use kommo_client::fake::{FakeKommo, Fault};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

/// The deal.
pub(crate) const LEAD: u64 = 20_024_930;
/// When every story begins.
pub(crate) const BEGIN: OffsetDateTime = datetime!(2026-01-15 12:00 UTC);

const WON: u64 = 142;

/// One story.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    /// What is delivered before the work goes on, one list after the other.
    pub(crate) phases: Vec<Vec<String>>,
    /// What goes wrong in Kommo without any kill.
    pub(crate) trouble: fn(&FakeKommo),
    pub(crate) end: End,
}

/// What must be in Kommo, written down by hand.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) price: u64,
    pub(crate) fields: Vec<(&'static str, &'static str)>,
    /// How the notes begin.
    pub(crate) notes: Vec<&'static str>,
    /// How the tasks begin, and whether they are completed.
    pub(crate) tasks: Vec<(&'static str, bool)>,
}

pub(crate) const STAGE: u64 = WON;

pub(crate) fn all() -> Vec<Story> {
    vec![payment(), refund(), cancel(), two_products(), duplicate(), unknown()]
}

pub(crate) fn named(name: &str) -> Result<Story, String> {
    all().into_iter().find(|story| story.name == name).ok_or_else(|| format!("no story {name}"))
}

/// A list of deliveries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    pub(crate) is_last: bool,
}

impl Story {
    /// The lists of deliveries, which are numbered throughout.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (Phase, Vec<(usize, &str)>)> {
        let mut numbers = 0_usize..;
        self.phases.iter().enumerate().map(move |(place, bodies)| {
            let is_last = place.saturating_add(1) == self.phases.len();
            let bodies = bodies.iter().map(String::as_str);
            (
                Phase { is_last },
                bodies.zip(numbers.by_ref()).map(|(body, number)| (number, body)).collect(),
            )
        })
    }

    pub(crate) fn deliveries(&self) -> usize {
        self.phases.iter().map(Vec::len).sum()
    }
}

fn payment() -> Story {
    Story {
        name: "payment",
        phases: vec![vec![paid()]],
        trouble: |_| {},
        end: End {
            price: 599,
            fields: vec![
                ("PADDLE_TXN_ID", "txn_first"),
                ("INVOICE_NUMBER", "325-10566"),
                ("PLAN_NAME", "Pro"),
                ("PAYMENT_CURRENCY", "USD"),
                ("PAYMENT_STATUS", "paid"),
            ],
            notes: vec!["Paid "],
            tasks: vec![],
        },
    }
}

fn refund() -> Story {
    Story {
        name: "refund",
        phases: vec![vec![paid()], vec![refunded()]],
        trouble: |_| {},
        end: End {
            price: 599,
            fields: vec![("PADDLE_TXN_ID", "txn_first"), ("PAYMENT_STATUS", "partially_refunded")],
            notes: vec!["Paid ", "Refunded "],
            tasks: vec![],
        },
    }
}

/// The customer wants to leave, stays, and leaves all the same. The payment and the first notice come together.
fn cancel() -> Story {
    let scheduled = json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    Story {
        name: "cancel",
        phases: vec![
            vec![
                paid(),
                subscribed("evt_leaving", "subscription.updated", 60, "active", &scheduled),
            ],
            vec![subscribed("evt_staying", "subscription.updated", 120, "active", &Value::Null)],
            vec![subscribed("evt_gone", "subscription.canceled", 180, "canceled", &Value::Null)],
        ],
        trouble: |_| {},
        end: End {
            price: 599,
            fields: vec![
                ("PADDLE_SUB_ID", "sub_seats"),
                ("SUBSCRIPTION_STATUS", "canceled"),
                ("PAYMENT_STATUS", "paid"),
            ],
            notes: vec!["Paid ", "Subscription will end", "Cancellation withdrawn"],
            tasks: vec![("Subscription will end", true), ("Subscription canceled", false)],
        },
    }
}

fn two_products() -> Story {
    let mut data = transaction();
    data["items"] =
        json!([item("pri_seat", "pro_pro", "Pro"), item("pri_setup", "pro_setup", "Set-up")]);
    data["details"]["line_items"] =
        json!([line("pri_seat", "pro_pro", "Pro"), line("pri_setup", "pro_setup", "Set-up")]);
    Story {
        name: "two-products",
        phases: vec![vec![body("evt_paid", "transaction.completed", 0, &data)]],
        trouble: |_| {},
        end: End {
            price: 599,
            fields: vec![("PADDLE_TXN_ID", "txn_first"), ("PLAN_NAME", "Pro, Set-up")],
            notes: vec!["Paid "],
            tasks: vec![],
        },
    }
}

/// Twice before it is worked on, and once more afterwards.
fn duplicate() -> Story {
    Story { name: "duplicate", phases: vec![vec![paid(), paid()], vec![paid()]], ..payment() }
}

/// The first note is written and its answer lost; the second is lost itself; and Kommo's lists lag behind.
fn unknown() -> Story {
    Story {
        name: "unknown",
        trouble: |kommo| {
            let notes = |fault: Fault| fault.on("POST", "/api/v4/leads/notes");
            kommo.fail_next(notes(Fault::status(502).applied()));
            kommo.fail_next(notes(Fault::status(502).nth(2)));
            kommo.set_read_lag(1);
        },
        ..refund()
    }
}

fn paid() -> String {
    body("evt_paid", "transaction.completed", 0, &transaction())
}

/// The deal of the payment of this number, of many.
pub(crate) fn deal_of(number: u64) -> u64 {
    LEAD.saturating_add(number)
}

/// A payment by a customer of its own, for a deal of its own.
pub(crate) fn payment_of(number: u64) -> String {
    let mut data = transaction();
    for (key, kind) in [("id", "txn"), ("customer_id", "ctm"), ("subscription_id", "sub")] {
        data[key] = json!(format!("{kind}_{number}"));
    }
    data["custom_data"] = json!({"kommo_lead_id": deal_of(number).to_string()});
    body(&format!("evt_{number}"), "transaction.completed", 0, &data)
}

fn transaction() -> Value {
    let totals = json!({
        "subtotal": "59900", "discount": "0", "tax": "5315", "total": "65215", "grand_total": "65215",
        "currency_code": "USD",
    });
    json!({
        "id": "txn_first",
        "status": "completed",
        "origin": "web",
        "customer_id": "ctm_jo",
        "subscription_id": "sub_seats",
        "invoice_number": "325-10566",
        "currency_code": "USD",
        "billed_at": moment(0),
        "updated_at": moment(0),
        "custom_data": {"kommo_lead_id": LEAD.to_string()},
        "items": [item("pri_seat", "pro_pro", "Pro")],
        "details": {
            "totals": totals.clone(), "payout_totals": totals, "line_items": [line("pri_seat", "pro_pro", "Pro")],
        },
    })
}

fn item(price: &str, product: &str, name: &str) -> Value {
    json!({"price": {"id": price, "product_id": product, "name": name}, "quantity": 1})
}

fn line(price: &str, product: &str, name: &str) -> Value {
    json!({"id": format!("txnitm_{price}"), "price_id": price, "product": {"id": product, "name": name}})
}

fn refunded() -> String {
    let data = json!({
        "id": "adj_part",
        "action": "refund",
        "type": "partial",
        "status": "approved",
        "transaction_id": "txn_first",
        "subscription_id": "sub_seats",
        "customer_id": "ctm_jo",
        "reason": "seats not used",
        "currency_code": "USD",
        "updated_at": moment(60),
        "totals": {"subtotal": "9185", "tax": "815", "total": "10000", "currency_code": "USD"},
    });
    body("evt_refunded", "adjustment.updated", 60, &data)
}

fn subscribed(id: &str, kind: &str, seconds: i64, status: &str, change: &Value) -> String {
    let data = json!({
        "id": "sub_seats",
        "status": status,
        "customer_id": "ctm_jo",
        "currency_code": "USD",
        "updated_at": moment(seconds),
        "next_billed_at": if status == "active" { json!("2026-02-15T12:00:00Z") } else { Value::Null },
        "scheduled_change": change,
        "custom_data": {"kommo_lead_id": LEAD.to_string()},
        "items": [{"status": status, "quantity": 10, "price": {"id": "pri_seat", "name": "Pro"}}],
    });
    body(id, kind, seconds, &data)
}

fn body(id: &str, kind: &str, seconds: i64, data: &Value) -> String {
    json!({
        "event_id": id,
        "event_type": kind,
        "occurred_at": moment(seconds),
        "notification_id": format!("ntf_of_{id}"),
        "data": data,
    })
    .to_string()
}

fn moment(seconds: i64) -> String {
    let at = BEGIN.saturating_add(Duration::seconds(seconds));
    at.format(&Rfc3339).unwrap_or_default()
}
