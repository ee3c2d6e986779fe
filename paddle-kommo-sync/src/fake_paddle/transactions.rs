//! Making and revising transactions through the API, as strictly as Paddle does.

use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome};
use super::bodies::{Item, details};
use super::routes::find;
use super::server::Call;
use super::state::{State, set, str_of};

/// What a transaction may be made with, of what Paddle takes; the fake does no manual collection and no ad-hoc prices.
const NEW: [&str; 9] = [
    "items",
    "customer_id",
    "address_id",
    "business_id",
    "currency_code",
    "discount_id",
    "collection_mode",
    "custom_data",
    "checkout",
];
const PATCH: [&str; 6] =
    ["items", "customer_id", "address_id", "discount_id", "custom_data", "status"];

/// Beyond it, a number is not the same for everybody who reads JSON.
const LARGEST_NUMBER: i64 = 1 << 53;

impl State {
    pub(super) fn create_transaction(&mut self, call: &Call) -> Outcome {
        let body = object(call, &NEW)?;
        let items = self.items(body.get("items").unwrap_or(&Value::Null))?;
        self.check_people(&body)?;
        check_custom_data(&body)?;
        match body.get("collection_mode").and_then(Value::as_str) {
            None | Some("automatic") => {}
            Some("manual") => {
                let detail = "FakePaddle does no manual collection";
                return Err(Answer::error(501, "not_implemented", detail));
            }
            Some(_) => return Err(Answer::bad("collection_mode", "automatic or manual")),
        }
        let currency = items.first().map_or("USD", |item| item.currency.as_str()).to_owned();
        if body.get("currency_code").is_some_and(|code| code.as_str() != Some(&currency)) {
            return Err(Answer::bad("currency_code", "FakePaddle has no prices in it"));
        }
        let page = self.checkout_page(&body)?;
        let id = self.open(&items, "api", &body, &page);
        let transaction = self.transactions.get(&id).cloned().unwrap_or_default();
        Ok(Answer::data(201, &transaction))
    }

    /// Opens a transaction, checked before, and tells of it.
    pub(super) fn open(
        &mut self,
        items: &[Item],
        origin: &str,
        body: &Map<String, Value>,
        page: &str,
    ) -> String {
        let (id, at) = (self.id("txn"), self.stamp());
        let given = |key: &str| body.get(key).cloned().unwrap_or_default();
        let ready = given("customer_id").is_string() && given("address_id").is_string();
        let separator = if page.contains('?') { '&' } else { '?' };
        let transaction = json!({
            "id": id, "status": if ready { "ready" } else { "draft" },
            "customer_id": given("customer_id"), "address_id": given("address_id"),
            "business_id": null, "custom_data": given("custom_data"), "origin": origin,
            "collection_mode": "automatic", "subscription_id": null, "invoice_id": null,
            "invoice_number": null, "billing_details": null, "billing_period": null,
            "currency_code": items.first().map_or("USD", |item| &item.currency),
            "discount_id": null, "created_at": at, "updated_at": at, "billed_at": null,
            "revised_at": null, "items": items.iter().map(Item::to_json).collect::<Vec<_>>(),
            "details": details(items, self.tax_percent, false), "payments": [],
            "checkout": {"url": format!("{page}{separator}_ptxn={id}")},
        });
        self.transactions.insert(id.clone(), transaction.clone());
        self.emit("transaction.created", &transaction);
        if ready {
            self.emit("transaction.ready", &transaction);
        }
        id
    }

    pub(super) fn update_transaction(&mut self, call: &Call, id: &str) -> Outcome {
        let status = str_of(find(&self.transactions, "txn_", id)?, "status").to_owned();
        let body = object(call, &PATCH)?;
        let canceled = match body.get("status").map(Value::as_str) {
            None => false,
            Some(Some("canceled")) => true,
            Some(_) => {
                let detail = "FakePaddle only cancels";
                return Err(Answer::error(400, "transaction_invalid_status_change", detail));
            }
        };
        let open = matches!(status.as_str(), "draft" | "ready");
        if !(open || (canceled && status == "billed")) {
            let detail = format!("A {status} transaction cannot be changed");
            return Err(Answer::error(400, "transaction_immutable", &detail));
        }
        self.check_people(&body)?;
        check_custom_data(&body)?;
        let items = body.get("items").map(|items| self.items(items)).transpose()?;
        let tax = self.tax_percent;
        let transaction = self.change(
            |state| &mut state.transactions,
            id,
            |transaction| {
                for (key, value) in body.iter().filter(|(key, _)| *key != "items") {
                    transaction.insert(key.clone(), value.clone());
                }
                if let Some(items) = &items {
                    let lines = items.iter().map(Item::to_json).collect();
                    set(transaction, [("items", lines), ("details", details(items, tax, false))]);
                }
                let has = |key| transaction.get(key).is_some_and(Value::is_string);
                if status == "draft" && !canceled && has("customer_id") && has("address_id") {
                    set(transaction, [("status", json!("ready"))]);
                }
            },
        );
        self.emit("transaction.updated", &transaction);
        if status == "draft" && str_of(&transaction, "status") == "ready" {
            self.emit("transaction.ready", &transaction);
        }
        if canceled {
            self.emit("transaction.canceled", &transaction);
        }
        Ok(Answer::data(200, &transaction))
    }

    /// The items of a request, with their prices.
    pub(super) fn items(&self, items: &Value) -> Result<Vec<Item>, Answer> {
        let Some(items) = items.as_array().filter(|items| !items.is_empty()) else {
            return Err(Answer::bad("items", "at least one is needed"));
        };
        let mut found: Vec<Item> = Vec::new();
        for item in items {
            let known = item.as_object().is_some_and(|item| {
                item.keys().all(|key| matches!(key.as_str(), "price_id" | "quantity"))
            });
            if !known {
                return Err(Answer::bad("items[0]", "FakePaddle takes price_id and quantity only"));
            }
            let price_id = str_of(item, "price_id");
            let price = self.prices.get(price_id).ok_or_else(|| {
                Answer::error(400, "transaction_price_not_found", "Price not found")
            })?;
            let quantity = item.get("quantity").and_then(Value::as_i64);
            let quantity =
                quantity.filter(|quantity| (1..=100).contains(quantity)).ok_or_else(|| {
                    let code = "transaction_item_quantity_out_of_range";
                    Answer::error(400, code, "Quantity is out of the price's range")
                })?;
            if found.iter().any(|item| item.price_id() == price_id) {
                let code = "transaction_duplicate_price_ids";
                return Err(Answer::error(400, code, "A price occurs twice"));
            }
            let product = self.products.get(str_of(price, "product_id")).cloned();
            let item = Item::new(price.clone(), product.unwrap_or_default(), quantity);
            let other = |one: &Item| {
                one.is_recurring() && item.is_recurring() && one.cycle() != item.cycle()
            };
            if found.iter().any(other) {
                let code = "transaction_price_different_billing_cycle";
                return Err(Answer::error(400, code, "All must be billed at once"));
            }
            found.push(item);
        }
        Ok(found)
    }

    fn check_people(&self, body: &Map<String, Value>) -> Result<(), Answer> {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        if text("customer_id").is_some_and(|id| !self.customers.contains_key(id)) {
            return Err(Answer::bad("customer_id", "not found"));
        }
        if let Some(address) = text("address_id") {
            if text("customer_id").is_none() {
                let code = "transaction_customer_is_required_with_address";
                return Err(Answer::error(400, code, "An address needs a customer"));
            }
            if !self.addresses.contains_key(address) {
                return Err(Answer::bad("address_id", "not found"));
            }
        }
        if text("business_id").is_some() {
            return Err(Answer::bad("business_id", "not found"));
        }
        if text("discount_id").is_some() {
            let code = "transaction_discount_not_found";
            return Err(Answer::error(400, code, "Discount not found"));
        }
        Ok(())
    }

    fn checkout_page(&self, body: &Map<String, Value>) -> Result<String, Answer> {
        let Some(link) = &self.payment_link else {
            let code = "transaction_default_checkout_url_not_set";
            return Err(Answer::error(400, code, "Set a default payment link first"));
        };
        let page = body.get("checkout").and_then(|checkout| checkout.get("url"));
        let Some(page) = page.and_then(Value::as_str) else { return Ok(link.clone()) };
        let host = |text: &str| url::Url::parse(text).ok()?.host_str().map(str::to_owned);
        let is_approved = page.starts_with("https://")
            && (host(page) == host(link)
                || self.environment == paddle_webhook::Environment::Sandbox);
        if !is_approved {
            let code = "transaction_checkout_url_domain_is_not_approved";
            return Err(Answer::error(400, code, "The domain is not approved"));
        }
        Ok(page.to_owned())
    }
}

pub(super) fn object(call: &Call, known: &[&str]) -> Result<Map<String, Value>, Answer> {
    let Some(Ok(Value::Object(body))) = &call.body else {
        return Err(Answer::error(400, "invalid_json", "The body is no JSON object"));
    };
    match body.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Answer::bad(key, "unknown field")),
        None => Ok(body.clone()),
    }
}

pub(super) fn check_custom_data(body: &Map<String, Value>) -> Result<(), Answer> {
    let custom_data = match body.get("custom_data") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(custom_data)) => custom_data,
        Some(_) => return Err(Answer::bad("custom_data", "not an object")),
    };
    let too_large = |value: &Value| {
        value.is_number()
            && value.as_i64().is_none_or(|number| number.saturating_abs() > LARGEST_NUMBER)
    };
    if custom_data.values().any(too_large) {
        let code = "transaction_custom_data_numeric_value_too_large";
        return Err(Answer::error(400, code, "A number is too large"));
    }
    Ok(())
}
