//! The steps that stories are made of.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::fake_paddle::bodies::{Item, details};
use crate::fake_paddle::state::{State, set, str_of};
use crate::fake_paddle::time::text;

impl State {
    /// The customer with this address, who is new the first time.
    pub(in crate::fake_paddle) fn customer(&mut self, email: &str, name: Option<&str>) -> String {
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

    pub(super) fn address(&mut self, customer: &str) -> String {
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

    pub(super) fn items_of(&self, transaction: &str) -> Vec<Item> {
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

    pub(super) fn attempt(
        &mut self,
        transaction: &str,
        status: &str,
        error: Option<&str>,
    ) -> Value {
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

    pub(super) fn paid(&mut self, id: &str) {
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

    pub(super) fn complete(&mut self, id: &str, subscription: Option<&str>) {
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
    pub(super) fn subscribe(&mut self, transaction: &str) -> String {
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

    pub(super) fn change_subscription<const N: usize>(
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
    pub(super) fn charge(&mut self, subscription: &str) -> Option<String> {
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
