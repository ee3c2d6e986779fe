//! Which sum a deal shows, in which currency.

use paddle_webhook::{Currency, Money, Transaction};

use super::{Draft, Facts};
use crate::{
    config::{Config, PriceBasis, PriceDecimals},
    known::{AdjustmentKnown, Deal, TransactionKnown},
    plan::{Field, Price, Reason},
};

/// The sum that a deal shows when this transaction wins it, in the account's currency, and what to say of it.
///
/// A sum in another currency is never written as if it were the account's: Paddle's own conversion to the payout
/// currency is taken when that is the account's, else the price stays as it is.
pub(super) fn price(
    transaction: &Transaction,
    account: Option<Currency>,
    basis: PriceBasis,
) -> (Option<Money>, Option<Reason>) {
    let (paid, payout) = match basis {
        PriceBasis::Net => (transaction.net(), transaction.payout_net()),
        PriceBasis::Gross => (transaction.total(), transaction.payout_total()),
        PriceBasis::Earnings => (transaction.earnings(), transaction.payout_earnings()),
    };
    let Some(paid) = paid else { return (None, Some(Reason::NoPrice)) };
    let in_account = |money: &Money| Some(money.currency()) == account;
    if in_account(&paid) {
        return known(paid, None);
    }
    match payout.filter(in_account) {
        Some(payout) => known(payout, Some(Reason::PriceFromPayout)),
        None => (None, Some(Reason::CurrencyDiffers)),
    }
}

/// A sum whose decimals are not known cannot be told in units.
fn known(money: Money, reason: Option<Reason>) -> (Option<Money>, Option<Reason>) {
    match money.to_units() {
        Some(_) => (Some(money), reason),
        None => (None, Some(Reason::NoPrice)),
    }
}

/// Whether prices are written with decimals.
pub(super) fn decimals(facts: &Facts<'_>, deal: &Deal) -> bool {
    deal.has_decimals && facts.config.price_decimals == PriceDecimals::Auto
}

/// Whether less was paid than the deal says, beyond the tolerance; also when nobody can compare them.
pub(super) fn is_below_agreed(config: &Config, agreed: Option<Price>, paid: Option<Price>) -> bool {
    let Some(agreed) = agreed.map(Price::hundredths).filter(|agreed| *agreed > 0) else {
        return false;
    };
    let Some(paid) = paid.map(Price::hundredths) else { return true };
    let tolerated = 100_u32.saturating_sub(config.agreed_price_tolerance_percent);
    i128::from(paid).saturating_mul(100) < i128::from(agreed).saturating_mul(tolerated.into())
}

/// What remains of a payment after its refunds, when it was paid in the account's currency.
pub(super) fn remaining(
    transaction: &TransactionKnown,
    account: Option<Currency>,
    basis: PriceBasis,
) -> Option<Money> {
    let paid = transaction.paid.as_ref()?;
    let (sum, part): (_, fn(&AdjustmentKnown) -> i64) = match basis {
        PriceBasis::Net => (paid.net?, |known| known.net),
        PriceBasis::Gross => (paid.total, |known| known.total),
        PriceBasis::Earnings => (paid.earnings?, |known| known.earnings),
    };
    let remaining = paid.money(sum.checked_sub(transaction.refunded(part))?)?;
    (Some(remaining.currency()) == account).then_some(remaining)
}

/// The sums over all payments of the deal. Nothing is written where they are in several currencies.
pub(super) fn totals(facts: &Facts<'_>, draft: &mut Draft) {
    let Some([paid, refunded, net]) = facts.known.sale.sums() else { return };
    draft.amount(facts, Field::TotalPaid, Some(paid));
    draft.amount(facts, Field::TotalRefunded, Some(refunded));
    draft.amount(facts, Field::TotalNet, Some(net));
}
