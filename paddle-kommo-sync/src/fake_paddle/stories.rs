//! What happens in an account: people buy, subscriptions renew, cards fail, money is given back. Each emits the events
//! that Paddle emits, in its order (developer.paddle.com, "Simulation types").

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::bodies::Item;
use super::state::{MONTHLY, State, set, str_of};

mod steps;

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
}
