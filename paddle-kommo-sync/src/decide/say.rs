//! What can be said of an event: the values that texts are filled with.

use paddle_webhook::{Adjustment, Money, Subscription, TimePeriod, Transaction};
use time::OffsetDateTime;

use super::Facts;
use crate::{
    known::{self, Snapshot},
    texts::{Placeholder, Values},
};

/// What a payment says: its sum, what was bought, for when, on which day it was paid, and its numbers.
pub(super) fn transaction(facts: &Facts<'_>, transaction: &Transaction) -> Values {
    let subscription = transaction.subscription_id.as_ref().map(|id| id.as_str());
    let values = Values::new()
        .set(Placeholder::Sum, sum(transaction.total()))
        .set(Placeholder::Net, decimal(transaction.net()))
        .set(Placeholder::Tax, decimal(transaction.tax()))
        .set(Placeholder::Currency, currency(transaction.total()))
        .set(Placeholder::Plan, transaction.product_names().join(", "))
        .set(Placeholder::Date, day(facts, paid_at(facts, transaction)))
        .set(Placeholder::Credit, sum(credit(transaction)))
        .set(Placeholder::Invoice, transaction.invoice_number.clone().unwrap_or_default())
        .set(Placeholder::Transaction, transaction.id.as_str())
        .set(Placeholder::Subscription, subscription.unwrap_or_default());
    period(facts, values, transaction.billing_period.as_ref())
}

/// When the money came; where Paddle does not say, when it told so. An invoice may have been billed long before.
pub(super) fn paid_at(facts: &Facts<'_>, transaction: &Transaction) -> OffsetDateTime {
    let captured = transaction.payments.iter().filter_map(|attempt| attempt.captured_at).max();
    captured.unwrap_or(facts.event.occurred_at())
}

/// What the customer's credit has paid of it.
fn credit(transaction: &Transaction) -> Option<Money> {
    let credit = transaction.total()?.checked_sub(transaction.charged()?)?;
    Some(credit).filter(|credit| credit.is_positive())
}

/// What a paid change of the plan says: also what was subscribed to before.
pub(super) fn plan_change(facts: &Facts<'_>, of: &Transaction) -> Values {
    let given_up = counted(of, |quantity| *quantity < 0).join(", ");
    let known = &facts.known.subscription;
    let before = match given_up.as_str() {
        "" => known.plan_before(&bought(of).join(", "), of.created_at).unwrap_or_default(),
        given_up => given_up,
    };
    transaction(facts, of).set(Placeholder::Before, before)
}

/// What was bought, item by item: "10 × Pro", or "Pro" where there is one of it.
pub(super) fn bought(transaction: &Transaction) -> Vec<String> {
    counted(transaction, |quantity| *quantity > 0)
}

fn counted(transaction: &Transaction, is_asked: impl Fn(&i64) -> bool) -> Vec<String> {
    let items = transaction.named_items().into_iter().filter(|(quantity, _)| is_asked(quantity));
    let each = items.map(|(quantity, name)| match quantity.unsigned_abs() {
        1 => name,
        quantity => format!("{quantity} × {name}"),
    });
    each.collect()
}

/// What a failed payment says: also why, with which card, and how often, as Paddle's attempts tell, the newest first.
pub(super) fn failed_transaction(facts: &Facts<'_>, failed: &Transaction) -> Values {
    let attempts = failed.payments.iter().filter(|attempt| !attempt.error_code.as_str().is_empty());
    let newest = attempts.clone().next();
    let reason = newest.map(|attempt| attempt.error_code.as_str().replace('_', " "));
    let card =
        newest.and_then(|attempt| attempt.method_details.as_ref()?.card.as_ref()?.last4.clone());
    let at = newest.and_then(|attempt| attempt.created_at);
    let count = attempts.count();
    transaction(facts, failed)
        .set(Placeholder::Date, day(facts, at.unwrap_or(facts.event.occurred_at())))
        .set(Placeholder::Reason, reason.unwrap_or_default())
        .set(Placeholder::Card, card.map(|last4| format!("…{last4}")).unwrap_or_default())
        .set(Placeholder::Attempts, if count > 1 { count.to_string() } else { String::new() })
}

/// What a subscription says: what it is for, for when it was charged, when it is charged next, its id.
pub(super) fn subscription(facts: &Facts<'_>, subscription: &Subscription) -> Values {
    let values = Values::new()
        .set(Placeholder::Plan, subscription.product_names().join(", "))
        .set(Placeholder::Date, optional_day(facts, subscription.next_billed_at))
        .set(Placeholder::Subscription, subscription.id.as_str());
    period(facts, values, subscription.current_billing_period.as_ref())
}

/// What a subscription says that is in order again: the day is that on which it said so.
pub(super) fn recovered(facts: &Facts<'_>, of: &Subscription) -> Values {
    subscription(facts, of).set(Placeholder::Date, day(facts, facts.event.occurred_at()))
}

/// What a change of the items says: what was, and what is.
pub(super) fn change(
    facts: &Facts<'_>,
    of: &Subscription,
    before: &Snapshot,
    now: &Snapshot,
) -> Values {
    subscription(facts, of)
        .set(Placeholder::Before, before.plan.as_str())
        .set(Placeholder::Plan, now.plan.as_str())
}

/// What an adjustment says: its sum, of what, what remains, why, on which day, and its numbers.
pub(super) fn adjustment(facts: &Facts<'_>, adjustment: &Adjustment) -> Values {
    let id = |id: Option<&str>| id.unwrap_or_default().to_owned();
    let values = Values::new()
        .set(Placeholder::Sum, sum(adjustment.total().map(known::without_sign)))
        .set(Placeholder::Currency, currency(adjustment.total()))
        .set(Placeholder::Date, day(facts, facts.event.occurred_at()))
        .set(Placeholder::Reason, adjustment.reason.clone().unwrap_or_default())
        .set(Placeholder::Adjustment, adjustment.id.as_str())
        .set(Placeholder::Transaction, id(adjustment.transaction_id.as_ref().map(AsRef::as_ref)))
        .set(Placeholder::Subscription, id(adjustment.subscription_id.as_ref().map(AsRef::as_ref)));
    // What remains after a chargeback is decided between the banks.
    of_what_was_paid(facts, values, adjustment.action.as_str() == "refund")
}

/// What the undocumented status says: all of it went back, on the day on which Paddle said so.
pub(super) fn refunded_transaction(facts: &Facts<'_>, refunded: &Transaction) -> Values {
    let values =
        transaction(facts, refunded).set(Placeholder::Date, day(facts, facts.event.occurred_at()));
    of_what_was_paid(facts, values, true)
}

/// What had been paid at first, and what is left of it.
fn of_what_was_paid(facts: &Facts<'_>, values: Values, remains: bool) -> Values {
    let transaction = &facts.known.transaction;
    let Some(paid) = &transaction.paid else { return values };
    let left = paid.charged().checked_sub(transaction.paid_back());
    let left = left.filter(|_| remains).and_then(|minor| paid.money(minor));
    values
        .set(Placeholder::Total, sum(paid.money(paid.charged())))
        .set(Placeholder::Remains, sum(left))
}

/// The time that was paid for: its first and its last day, and both as one value.
fn period(facts: &Facts<'_>, values: Values, period: Option<&TimePeriod>) -> Values {
    let ends = |period: &TimePeriod| Some((period.starts_at?, period.ends_at?));
    let Some((from, to)) = period.and_then(ends) else { return values };
    let (from, to) = (day(facts, from), day(facts, to));
    values
        .set(Placeholder::Period, format!("{from} – {to}"))
        .set(Placeholder::From, from)
        .set(Placeholder::To, to)
}

/// A day as people of the account read it.
pub(super) fn day(facts: &Facts<'_>, at: OffsetDateTime) -> String {
    facts.known.account.zone.day(at).to_string()
}

pub(super) fn optional_day(facts: &Facts<'_>, at: Option<OffsetDateTime>) -> String {
    at.map(|at| day(facts, at)).unwrap_or_default()
}

fn currency(money: Option<Money>) -> String {
    money.map(|money| money.currency().code().to_owned()).unwrap_or_default()
}

fn sum(money: Option<Money>) -> String {
    money.map(|money| money.to_string()).unwrap_or_default()
}

fn decimal(money: Option<Money>) -> String {
    money.and_then(|money| money.to_decimal()).unwrap_or_default()
}
