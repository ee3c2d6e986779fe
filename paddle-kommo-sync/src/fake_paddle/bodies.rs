//! The sums of transactions.

use serde_json::{Value, json};

use super::state::str_of;

/// One line: so many of one price.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) price: Value,
    product: Value,
    quantity: i64,
    pub(super) currency: String,
    unit: i64,
}

impl Item {
    pub(super) fn new(price: Value, product: Value, quantity: i64) -> Self {
        let unit_price = price.get("unit_price").cloned().unwrap_or_default();
        let unit = str_of(&unit_price, "amount").parse().unwrap_or(0);
        let currency = str_of(&unit_price, "currency_code").to_owned();
        Self { price, product, quantity, currency, unit }
    }

    pub(super) fn price_id(&self) -> &str {
        str_of(&self.price, "id")
    }

    pub(super) fn is_recurring(&self) -> bool {
        self.cycle().is_some_and(Value::is_object)
    }

    pub(super) fn cycle(&self) -> Option<&Value> {
        self.price.get("billing_cycle")
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"price": self.price, "quantity": self.quantity, "proration": null})
    }

    /// As an item of a subscription.
    pub(super) fn to_subscription_json(&self, at: &str) -> Value {
        json!({
            "status": "active", "quantity": self.quantity, "recurring": true, "created_at": at,
            "updated_at": at, "previously_billed_at": at, "next_billed_at": null,
            "trial_dates": null, "price": self.price, "product": self.product,
        })
    }

    fn subtotal(&self) -> i64 {
        self.unit.saturating_mul(self.quantity)
    }
}

/// The tax on a sum, rounded half up.
fn tax_of(sum: i64, percent: i64) -> i64 {
    sum.saturating_mul(percent).saturating_add(50).checked_div(100).unwrap_or(0)
}

/// What the items cost. Paddle's fee and what it leaves are known once the transaction is completed.
pub(super) fn details(items: &[Item], tax_percent: i64, completed: bool) -> Value {
    let currency = items.first().map_or("USD", |item| item.currency.as_str());
    let lines: Vec<(i64, i64)> =
        items.iter().map(|item| (item.subtotal(), tax_of(item.subtotal(), tax_percent))).collect();
    let subtotal: i64 = lines.iter().map(|line| line.0).fold(0, i64::saturating_add);
    let tax: i64 = lines.iter().map(|line| line.1).fold(0, i64::saturating_add);
    let total = subtotal.saturating_add(tax);
    // 5 % and 50 cents, as its price list says; the rest is the seller's.
    let fee = tax_of(total, 5).saturating_add(50);
    let earnings = subtotal.saturating_sub(fee);
    let sum = |number: i64| Value::from(number.to_string());
    let known = |number: i64| if completed { sum(number) } else { Value::Null };
    let totals = json!({
        "subtotal": sum(subtotal), "tax": sum(tax), "discount": "0", "total": sum(total),
        "grand_total": sum(total), "fee": known(fee), "credit": "0", "credit_to_balance": "0",
        "balance": if completed { sum(0) } else { sum(total) }, "earnings": known(earnings),
        "currency_code": currency,
    });
    let payout = json!({
        "subtotal": sum(subtotal), "tax": sum(tax), "discount": "0", "total": sum(total),
        "credit": "0", "credit_to_balance": "0", "balance": "0", "grand_total": sum(total),
        "fee": sum(fee), "earnings": sum(earnings), "currency_code": currency, "exchange_rate": "1",
    });
    let rate = format!("{}.{:02}", tax_percent / 100, tax_percent % 100);
    let line_items: Vec<Value> = items
        .iter()
        .zip(&lines)
        .map(|(item, (subtotal, tax))| {
            json!({
                "id": item.price_id().replacen("pri_", "txnitm_", 1), "price_id": item.price_id(),
                "quantity": item.quantity, "tax_rate": rate, "product": item.product,
                "totals": {
                    "subtotal": sum(*subtotal), "tax": sum(*tax), "discount": "0",
                    "total": sum(subtotal.saturating_add(*tax)),
                },
            })
        })
        .collect();
    json!({
        "totals": totals, "adjusted_totals": totals,
        "payout_totals": if completed { payout.clone() } else { Value::Null },
        "adjusted_payout_totals": if completed { payout } else { Value::Null },
        "tax_rates_used": [{
            "tax_rate": rate,
            "totals": {
                "subtotal": sum(subtotal), "tax": sum(tax), "discount": "0", "total": sum(total),
            },
        }],
        "line_items": line_items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_add_up() {
        let price =
            json!({"id": "pri_1", "unit_price": {"amount": "3333", "currency_code": "EUR"}});
        let items = [Item::new(price, Value::Null, 3)];
        let details = details(&items, 19, true);
        let totals = &details["totals"];
        // 99.99; 19 % of it are 18.9981, rounded 19.00; the fee is 5 % of 118.99 = 5.9495 → 5.95, and 0.50.
        for (key, want) in [
            ("subtotal", "9999"),
            ("tax", "1900"),
            ("total", "11899"),
            ("fee", "645"),
            ("earnings", "9354"),
        ] {
            assert_eq!(totals[key], want, "{key}");
        }
        assert_eq!(details["tax_rates_used"][0]["tax_rate"], "0.19");
    }
}
