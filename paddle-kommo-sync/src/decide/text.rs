//! What the rep reads. Texts of Paddle are cleaned: nothing that somebody typed breaks a line or looks like ours.

use paddle_webhook::{Adjustment, Money, Subscription, Transaction};
use time::{Date, OffsetDateTime};

use crate::{known::TransactionKnown, plan::MARKER_OPENING};

/// The longest text that is taken over from Paddle, in characters.
const LONGEST: usize = 256;

/// A text of Paddle as part of a line of ours: one line, no control or direction characters, nothing that could be
/// taken for a marker, and not endless.
pub(crate) fn clean(text: &str) -> String {
    let printable = text.chars().map(|letter| if is_harmful(letter) { ' ' } else { letter });
    let line = printable.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace(MARKER_OPENING, "(pk-").chars().take(LONGEST).collect()
}

fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Several product names as one text.
pub(super) fn products(names: &[String]) -> String {
    names
        .iter()
        .map(|name| clean(name))
        .filter(|name| !name.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// "Paid 652.15 USD (net 599.00 + tax 53.15) · Pro, yearly · 2026-01-01 to 2027-01-01 · invoice 325-10566 · txn_…"
pub(super) fn payment(heading: &str, transaction: &Transaction) -> String {
    let sum = transaction.total().map(|total| total.to_string()).unwrap_or_default();
    let parts = match (decimal(transaction.net()), decimal(transaction.tax())) {
        (Some(net), Some(tax)) => format!(" (net {net} + tax {tax})"),
        _ => String::new(),
    };
    let period = transaction
        .billing_period
        .as_ref()
        .and_then(|period| Some((period.starts_at?, period.ends_at?)));
    join([
        format!("{heading} {sum}{parts}"),
        products(&transaction.product_names()),
        period.map(|(from, to)| format!("{} to {}", day(from), day(to))).unwrap_or_default(),
        transaction
            .invoice_number
            .as_deref()
            .map(|number| format!("invoice {}", clean(number)))
            .unwrap_or_default(),
        clean(transaction.id.as_str()),
    ])
}

/// "Second payment on a won deal: check whether it belongs here · 652.15 USD · txn_…"
pub(super) fn second_payment(transaction: &Transaction) -> String {
    join([
        "Second payment on a won deal: check whether it belongs here".to_owned(),
        transaction.total().map(|total| total.to_string()).unwrap_or_default(),
        clean(transaction.id.as_str()),
    ])
}

/// "Trial started, first charge on 2026-01-15 · Pro, yearly · sub_…"
pub(super) fn trial(subscription: &Subscription) -> String {
    let charge = subscription
        .next_billed_at
        .map(|at| format!(", first charge on {}", day(at)))
        .unwrap_or_default();
    join([
        format!("Trial started{charge}"),
        products(&subscription.product_names()),
        clean(subscription.id.as_str()),
    ])
}

/// "Subscription canceled: win the customer back · Pro, yearly · sub_…"
pub(super) fn win_back(subscription: &Subscription) -> String {
    join([
        "Subscription canceled: win the customer back".to_owned(),
        products(&subscription.product_names()),
        clean(subscription.id.as_str()),
    ])
}

/// "Refunded 100.00 USD of 652.15 USD, 552.15 USD remains · requested by customer · adj_… · txn_…"
pub(super) fn refund(adjustment: &Adjustment, transaction: &TransactionKnown) -> String {
    let sum = adjustment.total().map(|total| total.to_string()).unwrap_or_default();
    let paid = transaction.paid.as_ref();
    let remains = paid.and_then(|paid| {
        let remains = paid.total.checked_sub(transaction.refunded(|known| known.total))?;
        Some(format!(" of {}, {} remains", paid.money(paid.total)?, paid.money(remains)?))
    });
    join([
        format!("Refunded {sum}{}", remains.unwrap_or_default()),
        adjustment.reason.as_deref().map(clean).unwrap_or_default(),
        clean(adjustment.id.as_str()),
        adjustment.transaction_id.as_ref().map(|id| clean(id.as_str())).unwrap_or_default(),
    ])
}

/// "Refunded 652.15 USD · txn_…"
pub(super) fn refund_by_status(transaction: &Transaction) -> String {
    let sum = transaction.total().map(|total| total.to_string()).unwrap_or_default();
    join([format!("Refunded {sum}"), clean(transaction.id.as_str())])
}

fn join<const N: usize>(parts: [String; N]) -> String {
    let known: Vec<String> = parts
        .into_iter()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    known.join(" · ")
}

fn decimal(money: Option<Money>) -> Option<String> {
    money?.to_decimal()
}

fn day(at: OffsetDateTime) -> Date {
    at.to_offset(time::UtcOffset::UTC).date()
}
