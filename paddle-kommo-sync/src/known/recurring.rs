//! What a subscription comes to in a month.

use paddle_webhook::{
    CalendarDuration, Currency, Interval, Money, Subscription, SubscriptionItem,
    SubscriptionItemStatus, SubscriptionStatus,
};

/// The monthly recurring revenue of a subscription in its own currency: unit price times quantity of every item that is
/// billed again and again, before discounts, with tax only where the price includes it. None where Paddle does not say
/// enough to tell it exactly.
///
/// A year has 12 months, 52 weeks and 365 days. The items are added up as fractions and rounded once, to minor units, half
/// away from zero. What is on trial, rests or has ended brings nothing.
pub(crate) fn monthly(subscription: &Subscription) -> Option<Money> {
    let currency = subscription.currency_code?;
    let runs =
        matches!(subscription.status, SubscriptionStatus::Active | SubscriptionStatus::PastDue);
    let mut sum = Fraction { above: 0, below: 1 };
    let items = subscription.items.iter().filter(|item| runs && is_billed(item));
    for item in items {
        sum =
            sum.checked_add(item_monthly(item, subscription.billing_cycle.as_ref(), currency)?)?;
    }
    Some(Money::new(sum.rounded()?, currency))
}

fn is_billed(item: &SubscriptionItem) -> bool {
    item.recurring != Some(false) && item.status != SubscriptionItemStatus::Inactive
}

fn item_monthly(
    item: &SubscriptionItem,
    cycle: Option<&CalendarDuration>,
    currency: Currency,
) -> Option<Fraction> {
    let price = item.price.as_ref()?;
    let unit = price.unit_price.as_ref()?;
    // An item whose currency is not said has that of its subscription.
    if unit.currency_code.is_some_and(|own| own != currency) {
        return None;
    }
    let cycle = price.billing_cycle.as_ref().or(cycle)?;
    let frequency = cycle.frequency.filter(|frequency| *frequency > 0)?;
    let (times, months) = match cycle.interval {
        Interval::Month => (1, 1),
        Interval::Year => (1, 12),
        Interval::Week => (52, 12),
        Interval::Day => (365, 12),
        _ => return None,
    };
    let amount = i128::from(unit.amount?.minor()).checked_mul(item.quantity.unwrap_or(1).into())?;
    Some(Fraction {
        above: amount.checked_mul(times)?,
        below: i128::from(frequency).checked_mul(months)?,
    })
}

/// An exact number of minor units; `below` is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fraction {
    above: i128,
    below: i128,
}

impl Fraction {
    fn checked_add(self, other: Self) -> Option<Self> {
        let above = self
            .above
            .checked_mul(other.below)?
            .checked_add(other.above.checked_mul(self.below)?)?;
        let below = self.below.checked_mul(other.below)?;
        // Kept small, so that many items have room.
        let divisor = common_divisor(above.unsigned_abs(), below.unsigned_abs());
        let divisor = i128::try_from(divisor).ok()?;
        Some(Self { above: above.checked_div(divisor)?, below: below.checked_div(divisor)? })
    }

    /// The nearest whole number, half away from zero.
    fn rounded(self) -> Option<i64> {
        let (whole, rest) =
            (self.above.checked_div(self.below)?, self.above.checked_rem(self.below)?);
        let away = rest.checked_mul(2)?.checked_div(self.below)?;
        i64::try_from(whole.checked_add(away)?).ok()
    }
}

fn common_divisor(mut a: u128, mut b: u128) -> u128 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(status: &str, items: &Value) -> Option<i64> {
        let json = json!({"id": "sub_1", "status": status, "currency_code": "USD", "items": items,
            "billing_cycle": {"interval": "month", "frequency": 1}});
        let subscription: Subscription = serde_json::from_value(json).unwrap();
        monthly(&subscription).map(|money| money.minor())
    }

    fn item(amount: &str, quantity: i64, interval: &str, frequency: i64) -> Value {
        json!({"status": "active", "recurring": true, "quantity": quantity, "price": {"id": "pri_1",
            "unit_price": {"amount": amount, "currency_code": "USD"},
            "billing_cycle": {"interval": interval, "frequency": frequency}}})
    }

    #[test]
    fn every_cycle_is_told_by_the_month() {
        for (amount, quantity, interval, frequency, want) in [
            ("1000", 1, "month", 1, Some(1000)),
            ("1000", 10, "month", 1, Some(10_000)),
            ("1000", 1, "month", 3, Some(333)),
            ("2000", 1, "month", 3, Some(667)),
            ("12000", 1, "year", 1, Some(1000)),
            ("12000", 1, "year", 2, Some(500)),
            ("1000", 1, "week", 1, Some(4333)),
            ("1000", 1, "week", 2, Some(2167)),
            ("100", 1, "day", 1, Some(3042)),
            ("6", 1, "year", 1, Some(1)),
            ("5", 1, "year", 1, Some(0)),
            ("-6", 1, "year", 1, Some(-1)),
            ("1000", 1, "month", 0, None),
            ("1000", 1, "fortnight", 1, None),
            ("9223372036854775807", 2, "month", 1, None),
            ("9223372036854775807", 9_223_372_036_854_775_807, "day", 1, None),
        ] {
            let items = json!([item(amount, quantity, interval, frequency)]);
            assert_eq!(
                of("active", &items),
                want,
                "{quantity} × {amount} per {frequency} {interval}"
            );
        }
    }

    #[test]
    fn items_are_added_up_before_rounding() {
        // Three times a third of a cent.
        let third = item("1", 1, "month", 3);
        assert_eq!(of("active", &json!([third, third, third])), Some(1));
        assert_eq!(of("active", &json!([item("6", 1, "year", 1), third])), Some(1), "5 of 6");
        assert_eq!(of("active", &json!([])), Some(0));
        let many: Vec<Value> = (1..100).map(|frequency| item("997", 7, "day", frequency)).collect();
        assert!(of("active", &json!(many)).is_none_or(|sum| sum > 0), "no panic");
    }

    #[test]
    fn what_does_not_bring_money_every_month_counts_for_nothing() {
        let items = json!([item("1000", 1, "month", 1)]);
        for (status, want) in [
            ("active", 1000),
            ("past_due", 1000),
            ("trialing", 0),
            ("paused", 0),
            ("canceled", 0),
            ("brand_new", 0),
        ] {
            assert_eq!(of(status, &items), Some(want), "{status}");
        }
        for (key, value, want) in [
            ("recurring", json!(false), Some(0)),
            ("status", json!("inactive"), Some(0)),
            ("status", json!("trialing"), Some(1000)),
            ("recurring", Value::Null, Some(1000)),
            ("price", Value::Null, None),
        ] {
            let mut changed = item("1000", 1, "month", 1);
            changed[key] = value;
            assert_eq!(of("active", &json!([changed])), want, "{key}");
        }
    }

    #[test]
    fn the_price_says_the_cycle_before_the_subscription_and_never_another_currency() {
        let mut bare = item("1000", 2, "year", 1);
        bare["price"]["billing_cycle"] = Value::Null;
        assert_eq!(of("active", &json!([bare])), Some(2000), "that of the subscription");
        let mut foreign = item("1000", 1, "month", 1);
        foreign["price"]["unit_price"]["currency_code"] = json!("EUR");
        assert_eq!(of("active", &json!([foreign])), None);
        foreign["price"]["unit_price"]["currency_code"] = Value::Null;
        assert_eq!(of("active", &json!([foreign])), Some(1000));
    }
}
