use paddle_kommo_sync::{Clock as _, SystemClock};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// What happens to one subscription, one thing after the other.
///
/// 10 seats for 652.15 USD at first, of which 53.15 USD are tax; then 326.62 USD, of which 26.62 USD are tax.
#[derive(Debug)]
pub struct Story {
    buyer: String,
    custom_data: Value,
    now: OffsetDateTime,
    events: u32,
}

impl Story {
    /// A story of this deal, all of it within the last hour. The buyer is Jo.
    #[must_use]
    pub fn of(lead: u64) -> Self {
        let now = SystemClock::default().now().saturating_sub(Duration::HOUR);
        let custom_data = json!({"kommo_lead_id": lead.to_string()});
        Self { buyer: "jo".to_owned(), custom_data, now, events: 0 }
    }

    /// The same of another buyer, who has events, transactions and a subscription of their own.
    #[must_use]
    pub fn bought_by(self, buyer: &str) -> Self {
        Self { buyer: buyer.to_owned(), ..self }
    }

    /// The same, with this in `custom_data`.
    #[must_use]
    pub fn with_custom_data(self, custom_data: Value) -> Self {
        Self { custom_data, ..self }
    }

    /// The same, beginning then.
    #[must_use]
    pub fn since(self, now: OffsetDateTime) -> Self {
        Self { now, ..self }
    }

    /// Nothing happens for so long.
    pub fn wait(&mut self, duration: Duration) {
        self.now = self.now.saturating_add(duration);
    }

    /// When the last thing happened.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// Paddle's id of the subscription, `sub_seats` for Jo's.
    #[must_use]
    pub fn subscription_id(&self) -> String {
        if self.buyer == "jo" { "sub_seats".to_owned() } else { format!("sub_{}", self.buyer) }
    }

    /// The payment at the checkout.
    pub fn first_payment(&mut self) -> Value {
        self.transaction("transaction.completed", "first", |_| {})
    }

    /// A charge of the subscription: its name, what it is for, and its invoice.
    pub fn charge(&mut self, name: &str, origin: &str, invoice: &str) -> Value {
        self.transaction("transaction.completed", name, |data| {
            pays(data, LATER);
            data["origin"] = json!(origin);
            data["invoice_number"] = json!(invoice);
        })
    }

    /// A charge that could not be collected.
    pub fn failed_charge(&mut self, name: &str) -> Value {
        self.transaction("transaction.past_due", name, |data| {
            pays(data, LATER);
            data["origin"] = json!("subscription_recurring");
            data["status"] = json!("past_due");
            data["invoice_number"] = Value::Null;
        })
    }

    /// A state of the subscription, with what the closure makes of an active one with 10 seats.
    pub fn subscription(&mut self, event_type: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut data = json!({
            "id": self.subscription_id(),
            "status": "active",
            "customer_id": self.customer_id(),
            "currency_code": "USD",
            "next_billed_at": "2030-02-15T12:00:00Z",
            "custom_data": self.custom_data,
            "items": [{"status": "active", "quantity": 10, "price": {"id": "pri_seat", "name": "Pro"}}],
        });
        change(&mut data);
        self.tell(event_type, data)
    }

    /// A part of the first payment, approved to be given back: 100.00 USD, of which 8.15 USD are tax.
    pub fn refund(&mut self) -> Value {
        self.adjustment("adjustment.updated", "first", |_| {})
    }

    /// What becomes of the money of a transaction: what the closure makes of an approved refund of a part.
    pub fn adjustment(
        &mut self,
        event_type: &str,
        of: &str,
        change: impl FnOnce(&mut Value),
    ) -> Value {
        let mut data = json!({
            "id": "adj_part",
            "action": "refund",
            "type": "partial",
            "status": "approved",
            "transaction_id": self.transaction_id(of),
            "subscription_id": self.subscription_id(),
            "customer_id": self.customer_id(),
            "reason": "seats not used",
            "currency_code": "USD",
            "totals": {
                "subtotal": "9185", "tax": "815", "total": "10000", "fee": "500", "earnings": "8685",
                "currency_code": "USD",
            },
        });
        change(&mut data);
        self.tell(event_type, data)
    }

    /// A state of a transaction: what the closure makes of the completed payment at the checkout.
    pub fn transaction(
        &mut self,
        event_type: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Value {
        let mut data = json!({
            "id": self.transaction_id(name),
            "status": "completed",
            "origin": "web",
            "customer_id": self.customer_id(),
            "subscription_id": self.subscription_id(),
            "invoice_number": "325-1",
            "currency_code": "USD",
            "custom_data": self.custom_data,
            "items": [{"price": {"id": "pri_seat", "name": "Pro"}, "quantity": 10}],
        });
        pays(&mut data, FIRST);
        change(&mut data);
        self.tell(event_type, data)
    }

    /// The buyer, with an address.
    pub fn customer(&mut self, event_type: &str, email: &str) -> Value {
        let data = json!({"id": self.customer_id(), "status": "active", "email": email});
        self.tell(event_type, data)
    }

    fn customer_id(&self) -> String {
        format!("ctm_{}", self.buyer)
    }

    fn transaction_id(&self, name: &str) -> String {
        if self.buyer == "jo" {
            format!("txn_{name}")
        } else {
            format!("txn_{}_{name}", self.buyer)
        }
    }

    /// The next event, a minute after the one before.
    fn tell(&mut self, event_type: &str, mut data: Value) -> Value {
        self.now = self.now.saturating_add(Duration::MINUTE);
        self.events = self.events.saturating_add(1);
        let now = rfc3339(self.now);
        data["updated_at"] = json!(now);
        json!({
            "data": data,
            "event_id": format!("evt_{}_{}", self.buyer, self.events),
            "event_type": event_type,
            "occurred_at": now,
            "notification_id": format!("ntf_{}", self.events),
        })
    }
}

const FIRST: [&str; 3] = ["59900", "5315", "65215"];
const LATER: [&str; 3] = ["30000", "2662", "32662"];

/// Sets the sums of a transaction, in cents: without tax, the tax, and both.
pub fn pays(transaction: &mut Value, [subtotal, tax, total]: [&str; 3]) {
    let totals = json!({
        "subtotal": subtotal, "discount": "0", "tax": tax, "total": total, "grand_total": total,
        "currency_code": "USD",
    });
    transaction["details"] =
        json!({"totals": totals.clone(), "payout_totals": totals, "line_items": []});
}

/// A moment as Paddle writes it.
#[must_use]
pub fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
