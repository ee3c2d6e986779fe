use paddle_kommo_sync::{Clock as _, SystemClock};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// What happens to one subscription, one thing after the other, all of it within the last hour.
///
/// 10 seats for 652.15 USD at first, of which 53.15 USD are tax; then 326.62 USD, of which 26.62 USD are tax.
#[derive(Debug)]
pub struct Story {
    lead: u64,
    now: OffsetDateTime,
    events: u32,
}

impl Story {
    /// A story of this deal.
    #[must_use]
    pub fn of(lead: u64) -> Self {
        let now = SystemClock::default().now().saturating_sub(Duration::HOUR);
        Self { lead, now, events: 0 }
    }

    /// The payment at the checkout.
    pub fn first_payment(&mut self) -> Value {
        let data = self.transaction("first", "web", ["59900", "5315", "65215"], "325-1");
        self.tell("transaction.completed", data)
    }

    /// A charge of the subscription: its name, what it is for, and its invoice.
    pub fn charge(&mut self, name: &str, origin: &str, invoice: &str) -> Value {
        let data = self.transaction(name, origin, ["30000", "2662", "32662"], invoice);
        self.tell("transaction.completed", data)
    }

    /// A charge that could not be collected.
    pub fn failed_charge(&mut self, name: &str) -> Value {
        let mut data =
            self.transaction(name, "subscription_recurring", ["30000", "2662", "32662"], "");
        data["status"] = json!("past_due");
        data["invoice_number"] = Value::Null;
        self.tell("transaction.past_due", data)
    }

    /// A state of the subscription, with what the closure makes of an active one with 10 seats.
    pub fn subscription(&mut self, event_type: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut data = json!({
            "id": "sub_seats",
            "status": "active",
            "customer_id": "ctm_jo",
            "currency_code": "USD",
            "next_billed_at": "2030-02-15T12:00:00Z",
            "custom_data": {"kommo_lead_id": self.lead.to_string()},
            "items": [{"status": "active", "quantity": 10, "price": {"id": "pri_seat", "name": "Pro"}}],
        });
        change(&mut data);
        self.tell(event_type, data)
    }

    /// A part of the first payment, approved to be given back: 100.00 USD, of which 8.15 USD are tax.
    pub fn refund(&mut self) -> Value {
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
            "totals": {
                "subtotal": "9185", "tax": "815", "total": "10000", "fee": "500", "earnings": "8685",
                "currency_code": "USD",
            },
        });
        self.tell("adjustment.updated", data)
    }

    fn transaction(
        &self,
        name: &str,
        origin: &str,
        [subtotal, tax, total]: [&str; 3],
        invoice: &str,
    ) -> Value {
        let totals = json!({
            "subtotal": subtotal, "discount": "0", "tax": tax, "total": total, "grand_total": total,
            "currency_code": "USD",
        });
        json!({
            "id": format!("txn_{name}"),
            "status": "completed",
            "origin": origin,
            "customer_id": "ctm_jo",
            "subscription_id": "sub_seats",
            "invoice_number": invoice,
            "currency_code": "USD",
            "custom_data": {"kommo_lead_id": self.lead.to_string()},
            "items": [{"price": {"id": "pri_seat", "name": "Pro"}, "quantity": 10}],
            "details": {"totals": totals.clone(), "payout_totals": totals, "line_items": []},
        })
    }

    /// The next event, a minute after the one before.
    fn tell(&mut self, event_type: &str, mut data: Value) -> Value {
        self.now = self.now.saturating_add(Duration::MINUTE);
        self.events = self.events.saturating_add(1);
        let now = self.now.format(&Rfc3339).unwrap_or_default();
        data["updated_at"] = json!(now);
        json!({
            "data": data,
            "event_id": format!("evt_{}", self.events),
            "event_type": event_type,
            "occurred_at": now,
            "notification_id": format!("ntf_{}", self.events),
        })
    }
}
