//! What can be said of an event: the values that texts are filled with.

use paddle_webhook::{Adjustment, Money, Subscription, Transaction};
use time::OffsetDateTime;

use super::Facts;
use crate::{
    config::PriceBasis,
    known::Snapshot,
    texts::{Placeholder, Values},
};

/// What a payment says: its sum, what was bought, for when, and its numbers.
pub(super) fn transaction(facts: &Facts<'_>, transaction: &Transaction) -> Values {
    let period = transaction.billing_period.as_ref();
    let period = period.and_then(|period| Some((period.starts_at?, period.ends_at?)));
    let period = period.map(|(from, to)| (day(facts, from), day(facts, to)));
    let mut values = Values::new()
        .set(Placeholder::Sum, sum(transaction.total()))
        .set(Placeholder::Net, decimal(transaction.net()))
        .set(Placeholder::Tax, decimal(transaction.tax()))
        .set(Placeholder::Plan, transaction.product_names().join(", "))
        .set(Placeholder::Invoice, transaction.invoice_number.clone().unwrap_or_default())
        .set(Placeholder::Transaction, transaction.id.as_str());
    if let Some((from, to)) = period {
        values = values.set(Placeholder::From, from).set(Placeholder::To, to);
    }
    if let Some(total) = transaction.total() {
        values = values.set(Placeholder::Currency, total.currency().code());
    }
    values
}

/// What a failed payment says: also why, with which card, and how often, as Paddle's attempts tell, the newest first.
pub(super) fn failed_transaction(facts: &Facts<'_>, failed: &Transaction) -> Values {
    let attempts = failed.payments.iter().filter(|attempt| !attempt.error_code.as_str().is_empty());
    let newest = attempts.clone().next();
    let reason = newest.map(|attempt| attempt.error_code.as_str().replace('_', " "));
    let card =
        newest.and_then(|attempt| attempt.method_details.as_ref()?.card.as_ref()?.last4.clone());
    let count = attempts.count();
    transaction(facts, failed)
        .set(Placeholder::Reason, reason.unwrap_or_default())
        .set(Placeholder::Card, card.map(|last4| format!("…{last4}")).unwrap_or_default())
        .set(Placeholder::Attempts, if count > 1 { count.to_string() } else { String::new() })
}

/// What a subscription says: what it is for, when it is charged next, its id.
pub(super) fn subscription(facts: &Facts<'_>, subscription: &Subscription) -> Values {
    Values::new()
        .set(Placeholder::Plan, subscription.product_names().join(", "))
        .set(Placeholder::Date, optional_day(facts, subscription.next_billed_at))
        .set(Placeholder::Subscription, subscription.id.as_str())
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

/// What an adjustment says: its sum, of what, what remains, why, and its numbers.
pub(super) fn adjustment(facts: &Facts<'_>, adjustment: &Adjustment) -> Values {
    let transaction = &facts.known.transaction;
    let mut values = Values::new()
        .set(Placeholder::Sum, sum(adjustment.total()))
        .set(Placeholder::Reason, adjustment.reason.clone().unwrap_or_default())
        .set(Placeholder::Adjustment, adjustment.id.as_str());
    if let Some(id) = &adjustment.transaction_id {
        values = values.set(Placeholder::Transaction, id.as_str());
    }
    if let Some(paid) = &transaction.paid {
        // What remains after a chargeback is decided between the banks.
        let refund = adjustment.action.as_str() == "refund";
        let went_back = transaction.went_back(PriceBasis::Gross);
        let remains = paid.total.checked_sub(went_back).filter(|_| refund);
        values = values
            .set(Placeholder::Total, sum(paid.money(paid.total)))
            .set(Placeholder::Remains, sum(remains.and_then(|minor| paid.money(minor))));
    }
    values
}

/// A day as people of the account read it.
pub(super) fn day(facts: &Facts<'_>, at: OffsetDateTime) -> String {
    facts.known.account.zone.day(at).to_string()
}

pub(super) fn optional_day(facts: &Facts<'_>, at: Option<OffsetDateTime>) -> String {
    at.map(|at| day(facts, at)).unwrap_or_default()
}

fn sum(money: Option<Money>) -> String {
    money.map(|money| money.to_string()).unwrap_or_default()
}

fn decimal(money: Option<Money>) -> String {
    money.and_then(|money| money.to_decimal()).unwrap_or_default()
}
