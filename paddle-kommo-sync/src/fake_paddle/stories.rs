//! What happens in an account: people buy, subscriptions renew, cards fail, money is given back. Each emits the events
//! that Paddle emits, in its order (developer.paddle.com, "Simulation types").

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::bodies::{Item, details};
use super::state::{MONTHLY, State, set, str_of};
use super::time::text;

/// Somebody who buys at a checkout.
///
/// ```
/// use paddle_kommo_sync::fake_paddle::Purchase;
///
/// let ten_seats = Purchase::new("jo@example.com").quantity(10).custom_data("kommo_lead_id", "20024930");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Purchase {
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) price: String,
    pub(super) quantity: i64,
    pub(super) custom_data: BTreeMap<String, String>,
}

impl Purchase {
    /// One "Pro" for 599.00 USD a month, by the person with this address.
    pub fn new(email: &str) -> Self {
        Self {
            email: email.to_owned(),
            name: None,
            price: MONTHLY.to_owned(),
            quantity: 1,
            custom_data: BTreeMap::new(),
        }
    }

    /// The buyer's name.
    pub fn name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// What is bought, by the id of its price.
    pub fn price(self, price: &str) -> Self {
        Self { price: price.to_owned(), ..self }
    }

    /// How many, from 1 to 100.
    pub fn quantity(self, quantity: i64) -> Self {
        Self { quantity, ..self }
    }

    /// A line of the transaction's `custom_data`.
    pub fn custom_data(mut self, name: &str, value: &str) -> Self {
        self.custom_data.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl State {
    /// A checkout from its opening to the completed payment. The id of the transaction.
    pub(super) fn buy(&mut self, purchase: &Purchase) -> Option<String> {
        let items = json!([{"price_id": purchase.price, "quantity": purchase.quantity}]);
        let items = self.items(&items).ok()?;
        let mut body = Map::new();
        if !purchase.custom_data.is_empty() {
            set(&mut body, [("custom_data", json!(purchase.custom_data))]);
        }
        let page = self.payment_link.clone().unwrap_or_default();
        let id = self.open(&items, "web", &body, &page);
        self.pay(&id, &purchase.email, purchase.name.as_deref()).then_some(id)
    }

    /// Somebody pays an open transaction. Whether it was one.
    pub(super) fn pay(&mut self, id: &str, email: &str, name: Option<&str>) -> bool {
        let Some(transaction) = self.transactions.get(id) else { return false };
        let status = str_of(transaction, "status").to_owned();
        if !matches!(status.as_str(), "draft" | "ready") {
            return false;
        }
        let customer = match transaction.get("customer_id").and_then(Value::as_str) {
            Some(customer) => customer.to_owned(),
            None => self.customer(email, name),
        };
        let address = self.address(&customer);
        let transaction = self.change(
            |state| &mut state.transactions,
            id,
            |transaction| {
                let (customer, address) = (json!(customer), json!(address));
                set(transaction, [("customer_id", customer), ("address_id", address)]);
                set(transaction, [("status", json!("ready"))]);
            },
        );
        self.emit("transaction.updated", &transaction);
        if status == "draft" {
            self.emit("transaction.ready", &transaction);
        }
        self.paid(id);
        let recurring = self.items_of(id).iter().any(Item::is_recurring);
        let subscription = recurring.then(|| self.subscribe(id));
        self.complete(id, subscription.as_deref());
        true
    }

    /// A renewal that is paid. Whether the subscription is there.
    pub(super) fn renew(&mut self, subscription: &str) -> Option<String> {
        let id = self.charge(subscription)?;
        self.paid(&id);
        self.complete(&id, Some(subscription));
        Some(id)
    }

    /// A renewal that the card does not pay.
    pub(super) fn fail_card(&mut self, subscription: &str) -> Option<String> {
        let id = self.charge(subscription)?;
        let attempt = self.attempt(&id, "error", Some("declined"));
        let transaction = self.change(
            |state| &mut state.transactions,
            &id,
            |transaction| {
                set(transaction, [("payments", json!([attempt]))]);
            },
        );
        self.emit("transaction.payment_failed", &transaction);
        let transaction = self.change(
            |state| &mut state.transactions,
            &id,
            |transaction| {
                set(transaction, [("status", json!("past_due"))]);
            },
        );
        self.emit("transaction.updated", &transaction);
        self.emit("transaction.past_due", &transaction);
        let state = self.change_subscription(subscription, [("status", json!("past_due"))]);
        self.emit("subscription.past_due", &state);
        self.emit("subscription.updated", &state);
        Some(id)
    }

    /// What is past due is paid after all. Whether anything was.
    pub(super) fn recover(&mut self, subscription: &str) -> bool {
        let due = self.transactions.values().find(|transaction| {
            str_of(transaction, "subscription_id") == subscription
                && str_of(transaction, "status") == "past_due"
        });
        let Some(id) = due.map(|transaction| str_of(transaction, "id").to_owned()) else {
            return false;
        };
        self.paid(&id);
        self.complete(&id, Some(subscription));
        let state = self.change_subscription(subscription, [("status", json!("active"))]);
        self.emit("subscription.activated", &state);
        self.emit("subscription.updated", &state);
        true
    }

    /// Ends a subscription now.
    pub(super) fn cancel(&mut self, subscription: &str) -> bool {
        let known = self.subscriptions.get(subscription);
        if known.is_none_or(|known| str_of(known, "status") == "canceled") {
            return false;
        }
        let at = self.stamp();
        let changes = [
            ("status", json!("canceled")),
            ("canceled_at", json!(at)),
            ("next_billed_at", Value::Null),
        ];
        let state = self.change_subscription(subscription, changes);
        self.emit("subscription.updated", &state);
        self.emit("subscription.canceled", &state);
        true
    }

    /// A refund is asked for: of all, or of so many minor units.
    pub(super) fn refund(&mut self, transaction: &str, amount: Option<i64>) -> Option<String> {
        let of = self.transactions.get(transaction)?.clone();
        let total: i64 = of.pointer("/details/totals/total")?.as_str()?.parse().ok()?;
        let tax: i64 = of.pointer("/details/totals/tax")?.as_str()?.parse().ok()?;
        let amount = amount.unwrap_or(total);
        if str_of(&of, "status") != "completed" || !(1..=total).contains(&amount) {
            return None;
        }
        let tax = tax.checked_mul(amount)?.checked_div(total)?;
        let net = amount.saturating_sub(tax);
        let full = amount == total;
        let item = of.pointer("/details/line_items/0/id").cloned().unwrap_or_default();
        let (id, item_id, at) = (self.id("adj"), self.id("adjitm"), self.stamp());
        let kind = if full { "full" } else { "partial" };
        let sums = json!({
            "subtotal": net.to_string(), "tax": tax.to_string(), "total": amount.to_string(),
            "fee": "0", "earnings": net.to_string(), "currency_code": of.get("currency_code"),
        });
        let adjustment = json!({
            "id": id, "action": "refund", "type": kind, "transaction_id": transaction,
            "subscription_id": of.get("subscription_id"), "customer_id": of.get("customer_id"),
            "reason": "asked for by the customer", "credit_applied_to_balance": null,
            "currency_code": of.get("currency_code"), "status": "pending_approval",
            "items": [{
                "id": item_id, "item_id": item, "type": kind, "amount": amount.to_string(),
                "proration": null,
                "totals": {
                    "subtotal": net.to_string(), "tax": tax.to_string(), "total": amount.to_string(),
                },
            }],
            "totals": sums, "payout_totals": null, "tax_rates_used": [],
            "created_at": at, "updated_at": at,
        });
        self.adjustments.insert(id.clone(), adjustment.clone());
        self.emit("adjustment.created", &adjustment);
        Some(id)
    }

    /// Paddle decides about all refunds that wait. How many those were.
    pub(super) fn settle_refunds(&mut self, approve: bool) -> usize {
        let waiting: Vec<String> = self
            .adjustments
            .values()
            .filter(|adjustment| str_of(adjustment, "status") == "pending_approval")
            .map(|adjustment| str_of(adjustment, "id").to_owned())
            .collect();
        for id in &waiting {
            let adjustment = self.change(
                |state| &mut state.adjustments,
                id,
                |adjustment| {
                    let status = if approve { "approved" } else { "rejected" };
                    let payout = adjustment.get("totals").cloned().unwrap_or_default();
                    set(adjustment, [("status", json!(status)), ("payout_totals", payout)]);
                },
            );
            self.emit("adjustment.updated", &adjustment);
        }
        waiting.len()
    }

    /// The customer with this address, who is new the first time.
    pub(super) fn customer(&mut self, email: &str, name: Option<&str>) -> String {
        let known = self.customers.values().find(|customer| str_of(customer, "email") == email);
        if let Some(known) = known {
            return str_of(known, "id").to_owned();
        }
        let (id, at) = (self.id("ctm"), self.stamp());
        let customer = json!({
            "id": id, "name": name, "email": email, "marketing_consent": false, "status": "active",
            "custom_data": null, "locale": "en", "created_at": at, "updated_at": at,
            "import_meta": null,
        });
        self.customers.insert(id.clone(), customer.clone());
        self.emit("customer.created", &customer);
        id
    }

    fn address(&mut self, customer: &str) -> String {
        let of = |address: &&Value| str_of(address, "customer_id") == customer;
        if let Some(known) = self.addresses.values().find(of) {
            return str_of(known, "id").to_owned();
        }
        let (id, at) = (self.id("add"), self.stamp());
        let address = json!({
            "id": id, "customer_id": customer, "description": null, "first_line": null,
            "second_line": null, "city": null, "postal_code": "10021", "region": null,
            "country_code": "US", "custom_data": null, "status": "active", "created_at": at,
            "updated_at": at, "import_meta": null,
        });
        self.addresses.insert(id.clone(), address.clone());
        self.emit("address.created", &address);
        id
    }

    fn items_of(&self, transaction: &str) -> Vec<Item> {
        let transaction = self.transactions.get(transaction).cloned().unwrap_or_default();
        let items = transaction.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| {
                let price = item.get("price").cloned().unwrap_or_default();
                let product = self.products.get(str_of(&price, "product_id")).cloned();
                let quantity = item.get("quantity").and_then(Value::as_i64).unwrap_or(1);
                Item::new(price, product.unwrap_or_default(), quantity)
            })
            .collect()
    }

    fn attempt(&mut self, transaction: &str, status: &str, error: Option<&str>) -> Value {
        let transaction = self.transactions.get(transaction).cloned().unwrap_or_default();
        let at = self.stamp();
        json!({
            "payment_attempt_id": format!("00000000-0000-4000-8000-{:012}", self.number()),
            "payment_method_id": null, "stored_payment_method_id": null,
            "amount": transaction.pointer("/details/totals/grand_total"), "status": status,
            "error_code": error, "created_at": at,
            "captured_at": if status == "captured" { json!(at) } else { Value::Null },
            "method_details": {
                "type": "card",
                "card": {
                    "type": "visa", "last4": "4242", "expiry_month": 1, "expiry_year": 2030,
                    "cardholder_name": null,
                },
            },
        })
    }

    fn paid(&mut self, id: &str) {
        let attempt = self.attempt(id, "captured", None);
        let transaction = self.change(
            |state| &mut state.transactions,
            id,
            |transaction| {
                if let Some(payments) =
                    transaction.get_mut("payments").and_then(Value::as_array_mut)
                {
                    payments.insert(0, attempt);
                }
                set(transaction, [("status", json!("paid"))]);
            },
        );
        self.emit("transaction.paid", &transaction);
    }

    fn complete(&mut self, id: &str, subscription: Option<&str>) {
        let (items, tax, at) = (self.items_of(id), self.tax_percent, self.stamp());
        let invoice = self.number();
        let transaction = self.change(
            |state| &mut state.transactions,
            id,
            |transaction| {
                set(
                    transaction,
                    [
                        ("status", json!("completed")),
                        ("subscription_id", json!(subscription)),
                        ("invoice_number", json!(format!("325-{invoice}"))),
                        ("billed_at", json!(at)),
                        ("details", details(&items, tax, true)),
                    ],
                );
            },
        );
        self.emit("transaction.updated", &transaction);
        self.emit("transaction.completed", &transaction);
    }

    /// The subscription that a first payment begins.
    fn subscribe(&mut self, transaction: &str) -> String {
        let of = self.transactions.get(transaction).cloned().unwrap_or_default();
        let recurring: Vec<Item> =
            self.items_of(transaction).into_iter().filter(Item::is_recurring).collect();
        let (id, at, now) = (self.id("sub"), self.stamp(), self.now());
        let cycle = recurring.first().and_then(|item| item.price.get("billing_cycle")).cloned();
        let next = text(month_after(now));
        let items: Vec<Value> =
            recurring.iter().map(|item| item.to_subscription_json(&at)).collect();
        let subscription = json!({
            "id": id, "status": "active", "customer_id": of.get("customer_id"),
            "address_id": of.get("address_id"), "business_id": null,
            "currency_code": of.get("currency_code"), "created_at": at, "updated_at": at,
            "started_at": at, "first_billed_at": at, "next_billed_at": next, "paused_at": null,
            "canceled_at": null, "discount": null, "collection_mode": "automatic",
            "billing_details": null, "current_billing_period": {"starts_at": at, "ends_at": next},
            "billing_cycle": cycle, "scheduled_change": null, "items": items,
            "custom_data": of.get("custom_data"), "import_meta": null,
        });
        self.subscriptions.insert(id.clone(), subscription.clone());
        let mut created = subscription.clone();
        if let Value::Object(created) = &mut created {
            // Only this event has it.
            set(created, [("transaction_id", json!(transaction))]);
        }
        self.emit("subscription.created", &created);
        self.emit("subscription.activated", &subscription);
        id
    }

    fn change_subscription<const N: usize>(
        &mut self,
        id: &str,
        changes: [(&str, Value); N],
    ) -> Value {
        self.change(
            |state| &mut state.subscriptions,
            id,
            |subscription| {
                set(subscription, changes);
            },
        )
    }

    /// The next period of a subscription is billed.
    fn charge(&mut self, subscription: &str) -> Option<String> {
        let of = self.subscriptions.get(subscription)?.clone();
        if str_of(&of, "status") == "canceled" {
            return None;
        }
        let items: Vec<Item> = of
            .get("items")?
            .as_array()?
            .iter()
            .map(|item| {
                let part = |key: &str| item.get(key).cloned().unwrap_or_default();
                let quantity = item.get("quantity").and_then(Value::as_i64).unwrap_or(1);
                Item::new(part("price"), part("product"), quantity)
            })
            .collect();
        let (from, until) = (self.now(), month_after(self.now()));
        let period = json!({"starts_at": text(from), "ends_at": text(until)});
        let changes =
            [("next_billed_at", json!(text(until))), ("current_billing_period", period.clone())];
        let updated = self.change_subscription(subscription, changes);
        self.emit("subscription.updated", &updated);
        let mut body = Map::new();
        for key in ["custom_data", "customer_id", "address_id"] {
            body.insert(key.to_owned(), of.get(key).cloned().unwrap_or_default());
        }
        let page = self.payment_link.clone().unwrap_or_default();
        let id = self.open(&items, "subscription_recurring", &body, &page);
        let at = self.stamp();
        let transaction = self.change(
            |state| &mut state.transactions,
            &id,
            |transaction| {
                set(
                    transaction,
                    [
                        ("status", json!("billed")),
                        ("subscription_id", json!(subscription)),
                        ("billing_period", period),
                        ("billed_at", json!(at)),
                    ],
                );
            },
        );
        self.emit("transaction.billed", &transaction);
        Some(id)
    }
}

/// Thirty days are a month here.
fn month_after(time: OffsetDateTime) -> OffsetDateTime {
    time.saturating_add(Duration::days(30))
}
