//! A payment failed, and how that ends.

use paddle_webhook::{CustomData, EventType, Subscription, Transaction};

use super::{Decision, Draft, Facts, say, subscription};
use crate::{
    known::Snapshot,
    plan::Reason,
    texts::{Placeholder, Text, Values},
};

pub(super) const TASK: &str = "dunning";
const INVOICE: &str = "invoice_past_due";

/// `transaction.payment_failed`, `transaction.past_due`.
pub(super) fn payment_failed(facts: Facts<'_>, transaction: &Transaction) -> Decision {
    // Only an attempt says what failed; what follows from it must not take that out of the task.
    let is_attempt = *facts.event.event_type() == EventType::TransactionPaymentFailed;
    match (transaction.is_first_payment(), is_attempt) {
        (true, true) => return failed(facts, transaction, &CHECKOUT),
        (true, false) => return invoice_past_due(facts, transaction),
        (false, _) => {}
    }
    if transaction.is_card_change() && is_attempt {
        return Decision::Ignore(Reason::CardChange);
    }
    if transaction.subscription_id.is_none() {
        return Decision::Ignore(Reason::NothingToDo);
    }
    if is_attempt && !transaction.is_renewal() && !facts.known.subscription.is_past_due() {
        return failed(facts, transaction, &CHARGE);
    }
    let values = say::failed_transaction(&facts, transaction);
    let wanted = &transaction.custom_data;
    spell(facts, values, is_attempt, wanted, |_, _| {})
}

/// `subscription.past_due`.
pub(super) fn past_due(facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let values = say::subscription(&facts, subscription);
    spell(facts, values, false, &subscription.custom_data, |facts, draft| {
        subscription::state(facts, subscription, draft);
        subscription::scheduled_cancel(facts, subscription, draft);
    })
}

/// How it is told that an attempt failed which nobody has to run after.
struct Failure {
    reason: Reason,
    name: &'static str,
    text: Text,
}

/// The customer could not pay at the checkout, and may try again.
const CHECKOUT: Failure =
    Failure { reason: Reason::CheckoutFailed, name: "checkout_failed", text: Text::CheckoutFailed };

/// A charge beside the renewals: what it was for is not made.
const CHARGE: Failure =
    Failure { reason: Reason::ChargeFailed, name: "charge_failed", text: Text::ChargeFailed };

/// Told once per transaction, nothing more.
fn failed(facts: Facts<'_>, transaction: &Transaction, failure: &Failure) -> Decision {
    let known = &facts.known.transaction;
    if known.told.contains(failure.name) || known.paid.is_some() {
        return Decision::Ignore(failure.reason);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, failure.reason);
    let values = say::failed_transaction(&facts, transaction);
    draft.note(&facts, failure.name, failure.text, &values);
    let mut known = facts.known.clone();
    known.transaction.told.insert(failure.name.to_owned());
    draft.act(&facts, known)
}

/// Nobody has tried to pay an invoice in time. Where a subscription came with it, that tells so itself.
fn invoice_past_due(facts: Facts<'_>, transaction: &Transaction) -> Decision {
    let known = &facts.known.transaction;
    if transaction.subscription_id.is_some() {
        return Decision::Ignore(Reason::NothingToDo);
    }
    if known.told.contains(INVOICE) || known.paid.is_some() || known.is_canceled {
        return Decision::Ignore(Reason::InvoicePastDue);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, Reason::InvoicePastDue);
    let (values, wanted) = (say::transaction(&facts, transaction), &transaction.custom_data);
    let task = draft.task(&facts, INVOICE, Text::InvoicePastDueTask, &values, Some(wanted));
    let mut known = facts.known.clone();
    known.transaction.told.insert(INVOICE.to_owned());
    known.transaction.tasks.insert(INVOICE.to_owned(), task);
    draft.act(&facts, known)
}

/// `transaction.canceled`: nobody has to run after an invoice that was given up.
pub(super) fn invoice_canceled(mut facts: Facts<'_>, transaction: &Transaction) -> Decision {
    let Some(task) = facts.known.transaction.tasks.remove(INVOICE) else {
        return Decision::Ignore(Reason::NothingToDo);
    };
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, Reason::InvoiceCanceled);
    let values = say::transaction(&facts, transaction);
    draft.complete_task(&facts, &task, Text::InvoiceCanceledResult, &values);
    draft.act(&facts, facts.known.clone())
}

/// One task for the whole time in which the subscription is past due, refreshed when another payment fails.
fn spell(
    mut facts: Facts<'_>,
    values: Values,
    is_attempt: bool,
    wanted: &CustomData,
    state: impl FnOnce(&mut Facts<'_>, &mut Draft),
) -> Decision {
    let is_over = |snapshot: &Snapshot| snapshot.status == "canceled";
    if !facts.known.subscription.is_past_due()
        || facts.known.subscription.snapshot.as_ref().is_some_and(is_over)
    {
        // It was paid meanwhile, or it has ended.
        return Decision::Ignore(Reason::Stale);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let since = facts.known.subscription.past_due_since();
    let values = values.set(Placeholder::Date, say::optional_day(&facts, since));
    let open = facts.known.subscription.tasks.get(TASK).cloned();
    let mut draft =
        Draft::new(deal, if open.is_some() { Reason::StillPastDue } else { Reason::PastDue });
    state(&mut facts, &mut draft);
    subscription::status(&facts, &mut draft);
    match open {
        Some(task) => {
            let text = is_attempt.then(|| facts.texts.render(Text::DunningTask, &values));
            draft.refresh_task(&facts, &task, text);
        }
        None => {
            let task = draft.task(&facts, TASK, Text::DunningTask, &values, Some(wanted));
            facts.known.subscription.tasks.insert(TASK.to_owned(), task);
        }
    }
    draft.act(&facts, facts.known.clone())
}

/// The subscription has ended: there is nothing left to run after.
pub(super) fn give_up(facts: &mut Facts<'_>, draft: &mut Draft, values: &Values) {
    if let Some(task) = facts.known.subscription.tasks.remove(TASK) {
        draft.complete_task(facts, &task, Text::DunningEndedResult, values);
    }
}

/// If the spell ends with this event: it is told, and its task is completed; that of an invoice, too.
pub(super) fn end(facts: &mut Facts<'_>, draft: &mut Draft, values: &Values) {
    if let Some(task) = facts.known.transaction.tasks.remove(INVOICE) {
        draft.complete_task(facts, &task, Text::RecoveredResult, values);
    }
    if !facts.has_recovered() {
        return;
    }
    draft.because(Reason::PaymentRecovered);
    subscription::status(facts, draft);
    draft.note(facts, "recovered", Text::Recovered, values);
    if let Some(task) = facts.known.subscription.tasks.remove(TASK) {
        draft.complete_task(facts, &task, Text::RecoveredResult, values);
    }
}
