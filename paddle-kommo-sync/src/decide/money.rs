//! Which sum a deal shows, in which currency.

use paddle_webhook::{Currency, Money, Transaction};

use super::{Draft, Facts};
use crate::{
    config::{Config, PriceBasis, PriceDecimals, RefundedDeal},
    known::{Deal, TransactionKnown},
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

/// What remains on the deal of a payment of which something went back, when it was paid in the account's currency. What
/// stands on the other deals of the same payment stays there, and nothing falls below zero.
pub(super) fn remaining(facts: &Facts<'_>, deal: &Deal, elsewhere: Option<Price>) -> Option<Price> {
    let (transaction, basis) = (&facts.known.transaction, facts.config.price_basis);
    let paid = transaction.paid.as_ref()?;
    let remaining = paid.sum(basis)?.checked_sub(transaction.went_back(basis))?;
    let remaining = paid.money(remaining)?;
    if Some(remaining.currency()) != facts.known.account.currency {
        return None;
    }
    let whole = Price::of(remaining, decimals(facts, deal))?.hundredths();
    let elsewhere = elsewhere.map_or(0, Price::hundredths);
    Some(Price::from_hundredths(whole.saturating_sub(elsewhere).max(0)))
}

/// Whether a price is to follow what went back: something did, by this event or before. A reversal brings it back.
pub(super) fn is_lowered(facts: &Facts<'_>) -> bool {
    let went_back = |known: &TransactionKnown| known.went_back(PriceBasis::Gross) != 0;
    facts.config.refunds.deal == RefundedDeal::LowerPrice
        && (went_back(&facts.known.transaction) || went_back(&facts.before.transaction))
}

/// The sums over all payments of the deal. Nothing is written where they are in several currencies.
pub(super) fn totals(facts: &Facts<'_>, draft: &mut Draft) {
    let Some([paid, refunded, net]) = facts.known.sale.sums() else { return };
    draft.amount(facts, Field::TotalPaid, Some(paid));
    draft.amount(facts, Field::TotalRefunded, Some(refunded));
    draft.amount(facts, Field::TotalNet, Some(net));
}
