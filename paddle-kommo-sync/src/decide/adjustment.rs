//! Money goes back.

use paddle_webhook::{Adjustment, Transaction};

use super::{Decision, Draft, Facts, money, text};
use crate::{
    config::RefundedDeal,
    known::Known,
    plan::{Field, Reason},
};

/// What stands in `told` for the undocumented status, which names no adjustment.
const BY_STATUS: &str = "refund";

/// `adjustment.created`, `adjustment.updated`.
pub(super) fn adjusted(facts: Facts<'_>, adjustment: &Adjustment) -> Decision {
    match (adjustment.action.as_str(), adjustment.status.as_str()) {
        ("refund", "approved") => refunded(facts, adjustment),
        ("refund", "pending_approval") => Decision::Ignore(Reason::RefundPending),
        ("refund", "rejected") => Decision::Ignore(Reason::RefundRejected),
        _ => Decision::Ignore(Reason::NothingToDo),
    }
}

fn refunded(facts: Facts<'_>, adjustment: &Adjustment) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let told = format!("refund:{}", adjustment.id);
    let transaction = &facts.known.transaction;
    // The undocumented status speaks of the whole sum, so whatever adjustment comes later is part of it.
    let already = transaction.told.contains(&told) || transaction.told.contains(BY_STATUS);
    let mut draft =
        Draft::new(deal, if already { Reason::RefundAlreadyTold } else { Reason::Refunded });
    state(&facts, &mut draft);
    if !already {
        draft.note("refund", text::refund(adjustment, &facts.known.transaction));
    }
    draft.act(remember(facts.known, told))
}

/// `transaction.updated` with the status `refunded`, which Paddle does not document but a guide describes. It counts
/// only while no adjustment of the transaction is known.
pub(super) fn refunded_by_status(facts: Facts<'_>, transaction: &Transaction) -> Decision {
    let known = &facts.known.transaction;
    if known.told.contains(BY_STATUS)
        || known.adjustments.values().any(|known| known.action == "refund")
    {
        return Decision::Ignore(Reason::RefundAlreadyTold);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, Reason::Refunded);
    state(&facts, &mut draft);
    draft.note("refund", text::refund_by_status(transaction));
    draft.act(remember(facts.known, BY_STATUS.to_owned()))
}

/// The payment status, and the price where the configuration lets a refund lower it.
fn state(facts: &Facts<'_>, draft: &mut Draft) {
    let (config, transaction) = (facts.config, &facts.known.transaction);
    // The field speaks of the transaction that the deal names; a refunded renewal is told in a note.
    if draft
        .deal
        .transaction_id
        .as_deref()
        .is_none_or(|named| Some(named) == facts.transaction_id.as_deref())
    {
        draft.field(config, Field::PaymentStatus, transaction.status().as_str());
    }
    // Only the payment that made the price can lower it.
    if config.refunds.deal == RefundedDeal::LowerPrice && transaction.won == Some(draft.deal.lead) {
        let remaining =
            money::remaining(transaction, facts.known.account_currency, config.price_basis);
        draft.update.price = remaining;
        if remaining.is_none() {
            draft.because(Reason::CurrencyDiffers);
        }
    }
}

fn remember(mut known: Known, told: String) -> Known {
    known.transaction.told.insert(told);
    known
}
