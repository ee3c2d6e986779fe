//! Money goes back.

use paddle_webhook::{Adjustment, Transaction};

use super::{Decision, Draft, Facts, documents, money, say};
use crate::{
    known::Known,
    plan::{Field, Reason},
    texts::{Text, Values},
};

/// What stands in `told` for the undocumented status, which names no adjustment.
const BY_STATUS: &str = "refund";

/// `adjustment.created`, `adjustment.updated`: what it is, and how far.
pub(super) fn adjusted(facts: Facts<'_>, adjustment: &Adjustment) -> Decision {
    match (adjustment.action.as_str(), adjustment.status.as_str()) {
        ("refund", "approved") => refunded(facts, adjustment),
        ("refund", "pending_approval") => Decision::Ignore(Reason::RefundPending),
        ("refund", "rejected") => Decision::Ignore(Reason::RefundRejected),
        ("chargeback", "approved") => {
            charged_back(facts, adjustment, Reason::Chargeback, Text::Chargeback)
        }
        ("chargeback_warning", "approved") => {
            charged_back(facts, adjustment, Reason::ChargebackWarning, Text::ChargebackWarning)
        }
        ("chargeback", "reversed") => turned(facts, adjustment, &CHARGEBACK),
        ("chargeback_warning", "reversed") => turned(facts, adjustment, &WARNING),
        ("chargeback_reverse", "approved") => reversed(facts, adjustment, &CHARGEBACK),
        ("chargeback_warning_reverse", "approved") => reversed(facts, adjustment, &WARNING),
        ("credit", "approved") => credited(facts, adjustment, Reason::Credited, Text::Credit),
        ("credit_reverse", "approved") => {
            credited(facts, adjustment, Reason::CreditReversed, Text::CreditReversed)
        }
        _ => Decision::Ignore(Reason::NothingToDo),
    }
}

fn refunded(facts: Facts<'_>, adjustment: &Adjustment) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let told = told(adjustment);
    let transaction = &facts.known.transaction;
    // The undocumented status speaks of the whole sum, so whatever adjustment comes later is part of it.
    let already = transaction.told.contains(&told) || transaction.told.contains(BY_STATUS);
    let mut draft =
        Draft::new(deal, if already { Reason::RefundAlreadyTold } else { Reason::Refunded });
    state(&facts, &mut draft);
    if !already {
        draft.note(&facts, "refund", Text::Refund, &say::adjustment(&facts, adjustment));
    }
    documents::credit_note(&facts, adjustment, &mut draft);
    draft.act(&facts, remember(facts.known.clone(), told))
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
    let values = say::refunded_transaction(&facts, transaction);
    draft.note(&facts, "refund", Text::Refund, &values);
    draft.act(&facts, remember(facts.known.clone(), BY_STATUS.to_owned()))
}

/// A chargeback, or the warning before one: the rep has days to answer, so there is a task.
fn charged_back(facts: Facts<'_>, adjustment: &Adjustment, reason: Reason, text: Text) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let told = told(adjustment);
    if facts.known.transaction.told.contains(&told) {
        return Decision::Ignore(Reason::AlreadyTold);
    }
    let mut draft = Draft::new(deal, reason);
    if reason == Reason::Chargeback {
        state(&facts, &mut draft);
    } else {
        // A warning moves no money.
        status(&facts, &mut draft);
    }
    let values = say::adjustment(&facts, adjustment);
    draft.note(&facts, "chargeback", text, &values);
    let mut known = remember(facts.known.clone(), told);
    // How it ended was heard of before: it is told, and there is nothing left to do.
    if !known.transaction.is_settled(adjustment.id.as_str()) {
        let task = if reason == Reason::Chargeback {
            Text::ChargebackTask
        } else {
            Text::ChargebackWarningTask
        };
        let task = draft.task(&facts, "chargeback", task, &values, None);
        known.transaction.tasks.insert(adjustment.id.as_str().to_owned(), task);
    }
    draft.act(&facts, known)
}

/// How the end of a case with the bank is told.
struct Ending {
    reason: Reason,
    note: Text,
    result: Text,
}

/// Paddle won the case: the money is back.
const CHARGEBACK: Ending = Ending {
    reason: Reason::ChargebackReversed,
    note: Text::ChargebackReversed,
    result: Text::ChargebackReversedResult,
};

/// It came to nothing: no money has moved.
const WARNING: Ending = Ending {
    reason: Reason::ChargebackWarningEnded,
    note: Text::ChargebackWarningEnded,
    result: Text::ChargebackWarningEndedResult,
};

impl Ending {
    fn state(&self, facts: &Facts<'_>, draft: &mut Draft) {
        if self.reason == Reason::ChargebackReversed {
            state(facts, draft);
        } else {
            status(facts, draft);
        }
    }
}

fn reversed(facts: Facts<'_>, adjustment: &Adjustment, ending: &Ending) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let told = told(adjustment);
    if facts.known.transaction.told.contains(&told) {
        return Decision::Ignore(Reason::AlreadyTold);
    }
    let mut draft = Draft::new(deal, ending.reason);
    ending.state(&facts, &mut draft);
    let values = say::adjustment(&facts, adjustment);
    draft.note(&facts, "reversal", ending.note, &values);
    let known = settle(&facts, &mut draft, ending, &values);
    draft.act(&facts, remember(known, told))
}

/// The chargeback or warning itself says that it was turned back. The reversal, an adjustment of its own, tells of it; but
/// nobody has documented that it always comes.
fn turned(facts: Facts<'_>, adjustment: &Adjustment, ending: &Ending) -> Decision {
    let (before, now) = (&facts.before.transaction, &facts.known.transaction);
    let is_told = before.status() == now.status();
    if is_told && !now.tasks.keys().any(|id| now.is_settled(id)) {
        return Decision::Ignore(Reason::NothingToDo);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, ending.reason);
    ending.state(&facts, &mut draft);
    let known = settle(&facts, &mut draft, ending, &say::adjustment(&facts, adjustment));
    draft.act(&facts, known)
}

/// Completes the tasks that need no more work: a reversal does not say which case it ends, so all that came before it do.
fn settle(facts: &Facts<'_>, draft: &mut Draft, ending: &Ending, values: &Values) -> Known {
    let mut known = facts.known.clone();
    for (id, task) in &facts.known.transaction.tasks {
        if facts.known.transaction.is_settled(id) {
            draft.complete_task(facts, task, ending.result, values);
            known.transaction.tasks.remove(id);
        }
    }
    known
}

/// Credit was given, or taken back.
fn credited(facts: Facts<'_>, adjustment: &Adjustment, reason: Reason, text: Text) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let told = told(adjustment);
    if facts.known.transaction.told.contains(&told) {
        return Decision::Ignore(Reason::AlreadyTold);
    }
    let mut draft = Draft::new(deal, reason);
    draft.note(&facts, text.key(), text, &say::adjustment(&facts, adjustment));
    if reason == Reason::Credited {
        documents::credit_note(&facts, adjustment, &mut draft);
    }
    draft.act(&facts, remember(facts.known.clone(), told))
}

/// The payment status, the sums, and the price where the configuration lets it follow what went back.
fn state(facts: &Facts<'_>, draft: &mut Draft) {
    status(facts, draft);
    // Only the payment that made the price can lower it: of several that won the deal, the last.
    let won_by = facts.known.sale.won_by.as_deref();
    let is_winner = facts.known.transaction.won == Some(draft.deal.lead)
        && won_by.is_none_or(|by| Some(by) == facts.references.transaction.as_deref());
    if is_winner && money::is_lowered(facts) {
        draft.update.price = money::remaining(facts, &draft.deal, facts.known.sale.elsewhere);
        if draft.update.price.is_none() {
            draft.because(Reason::CurrencyDiffers);
        }
    }
}

fn status(facts: &Facts<'_>, draft: &mut Draft) {
    // The field speaks of the transaction that won the deal; a refunded renewal is told in a note.
    let winner = draft.deal.named_transaction().or(facts.known.sale.won_by.as_deref());
    if winner.is_some() && winner == facts.references.transaction.as_deref() {
        draft.text(facts, Field::PaymentStatus, facts.known.transaction.status().as_str());
    }
    money::totals(facts, draft);
}

fn told(adjustment: &Adjustment) -> String {
    format!("{}:{}", adjustment.action, adjustment.id)
}

fn remember(mut known: Known, told: String) -> Known {
    known.transaction.told.insert(told);
    known
}
