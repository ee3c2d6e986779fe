//! The life of a subscription.

use paddle_webhook::Subscription;
use time::OffsetDateTime;

use super::{Decision, Draft, Facts, draft::gives_way, dunning, say};
use crate::{
    known::{self, Snapshot},
    plan::{Field, Reason, Value},
    texts::{Placeholder, Text, Values},
};

const TRIAL: &str = "trial";
const WIN_BACK: &str = "win_back";
const SECOND: &str = "second_subscription";

/// `subscription.created`, `.trialing`, `.activated`.
pub(super) fn started(mut facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let trial = subscription.status.as_str() == "trialing"
        && !facts.known.subscription.told.contains(TRIAL);
    let mut draft =
        Draft::new(deal, if trial { Reason::TrialStarted } else { Reason::SubscriptionStarted });
    state(&facts, subscription, &mut draft);
    let values = say::subscription(&facts, subscription);
    if trial {
        draft.note(&facts, TRIAL, Text::TrialStarted, &values);
        facts.known.subscription.told.insert(TRIAL.to_owned());
    }
    if facts.known.sale.has_another_live(subscription.id.as_str())
        && facts.known.subscription.told.insert(SECOND.to_owned())
    {
        draft.because(Reason::SecondSubscription);
        draft.task(
            &facts,
            SECOND,
            Text::SecondSubscriptionTask,
            &values,
            Some(&subscription.custom_data),
        );
    }
    scheduled_cancel(&mut facts, subscription, &mut draft);
    recovered(&mut facts, subscription, &mut draft);
    draft.act(&facts, facts.known.clone())
}

/// `subscription.updated`: the event for everything, so what changed is found by comparing.
pub(super) fn updated(mut facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let before = facts.before.subscription.snapshot.clone();
    let now = Snapshot::of(subscription);
    if facts.before.subscription.is_newer_than(facts.event, subscription) {
        return overtaken(facts, subscription);
    }
    if before.as_ref().is_some_and(|before| before.is_like(&now)) && !facts.has_recovered() {
        return Decision::Ignore(Reason::NothingToDo);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, Reason::SubscriptionChanged);
    state(&facts, subscription, &mut draft);
    scheduled_cancel(&mut facts, subscription, &mut draft);
    if let Some(before) = before.filter(|before| before.plan != now.plan && !before.plan.is_empty())
    {
        draft.because(Reason::ItemsChanged);
        draft.note(
            &facts,
            "items",
            Text::ItemsChanged,
            &say::change(&facts, subscription, &before, &now),
        );
    }
    recovered(&mut facts, subscription, &mut draft);
    draft.act(&facts, facts.known.clone())
}

/// An update that a newer one has overtaken changes nothing, but for what the two say together: that the plan changed, and
/// that a payment was made good.
fn overtaken(mut facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let known = &facts.known.subscription;
    let changes = known.has_changed_plan() && !facts.before.subscription.has_changed_plan();
    if !changes && !facts.has_recovered() {
        return Decision::Ignore(Reason::Stale);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, if changes { Reason::ItemsChanged } else { Reason::Stale });
    if changes {
        draft.because(Reason::Stale);
        if facts.shows_another_subscription() {
            draft.because(Reason::SecondSubscription);
        } else {
            plan(&facts, &mut draft);
        }
    }
    recovered(&mut facts, subscription, &mut draft);
    draft.act(&facts, facts.known.clone())
}

/// The plan field, once the subscription is for something else than what was first paid for. It follows from
/// everything that is known, so it does not matter which event tells it.
fn plan(facts: &Facts<'_>, draft: &mut Draft) {
    let known = &facts.known.subscription;
    let written = facts.known.sale.written.get(&Field::PlanName);
    let own = facts.references.subscription.as_deref();
    let is_anothers =
        written.is_some_and(|written| gives_way(facts, own, Field::PlanName, written));
    let is_told = known.has_changed_plan() || is_anothers;
    if let Some(snapshot) = known.snapshot.as_ref().filter(|_| is_told) {
        let at = snapshot.at.unwrap_or(facts.event.occurred_at());
        draft.text_at(facts, Field::PlanName, &snapshot.names, at);
    }
}

/// The customer has said that the subscription is to end, or has taken that back. Any of its events may be the one that
/// shows it.
pub(super) fn scheduled_cancel(
    facts: &mut Facts<'_>,
    subscription: &Subscription,
    draft: &mut Draft,
) {
    let before = &facts.before.subscription;
    if before.is_newer_than(facts.event, subscription) {
        return;
    }
    let was = before.snapshot.as_ref().and_then(|before| before.cancel_at);
    let values = say::subscription(facts, subscription);
    match (was, subscription.scheduled_cancel()) {
        (None, Some(at)) => {
            let values = values.set(Placeholder::Date, say::day(facts, at));
            draft.because(Reason::CancelScheduled);
            draft.note(facts, "cancel_scheduled", Text::CancelScheduled, &values);
            if facts.known.subscription.told.insert(WIN_BACK.to_owned()) {
                let wanted = Some(&subscription.custom_data);
                let task = draft.task(facts, WIN_BACK, Text::CancelScheduledTask, &values, wanted);
                facts.known.subscription.tasks.insert(WIN_BACK.to_owned(), task);
            }
        }
        (Some(_), None) if subscription.status.as_str() != "canceled" => {
            draft.because(Reason::CancelWithdrawn);
            draft.note(facts, "cancel_withdrawn", Text::CancelWithdrawn, &values);
            facts.known.subscription.told.remove(WIN_BACK);
            if let Some(task) = facts.known.subscription.tasks.remove(WIN_BACK) {
                draft.complete_task(facts, &task, Text::CancelWithdrawnResult, &values);
            }
        }
        _ => {}
    }
}

/// A past-due spell may end with whatever the subscription tells.
fn recovered(facts: &mut Facts<'_>, subscription: &Subscription, draft: &mut Draft) {
    let values = say::recovered(facts, subscription);
    dunning::end(facts, draft, &values);
}

/// `subscription.paused`.
pub(super) fn paused(facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let until = say::optional_day(&facts, subscription.scheduled_resume());
    let values = say::subscription(&facts, subscription).set(Placeholder::Date, until);
    told(facts, subscription, Reason::Paused, Text::Paused, &values)
}

/// `subscription.resumed`.
pub(super) fn resumed(facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let values = say::subscription(&facts, subscription);
    told(facts, subscription, Reason::Resumed, Text::Resumed, &values)
}

fn told(
    mut facts: Facts<'_>,
    subscription: &Subscription,
    reason: Reason,
    text: Text,
    values: &Values,
) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, reason);
    state(&facts, subscription, &mut draft);
    draft.note(&facts, text.key(), text, values);
    scheduled_cancel(&mut facts, subscription, &mut draft);
    recovered(&mut facts, subscription, &mut draft);
    draft.act(&facts, facts.known.clone())
}

/// `subscription.canceled`: it has ended, and somebody should talk to the customer.
pub(super) fn canceled(mut facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let asked = !facts.known.subscription.told.insert(WIN_BACK.to_owned());
    let mut draft =
        Draft::new(deal, if asked { Reason::AlreadyAsked } else { Reason::SubscriptionCanceled });
    state(&facts, subscription, &mut draft);
    let ended = subscription.canceled_at.unwrap_or(facts.event.occurred_at());
    let values =
        say::subscription(&facts, subscription).set(Placeholder::Date, say::day(&facts, ended));
    dunning::give_up(&mut facts, &mut draft, &values);
    if !asked {
        draft.task(&facts, WIN_BACK, Text::WinBackTask, &values, Some(&subscription.custom_data));
    }
    draft.act(&facts, facts.known.clone())
}

/// The fields that mirror the subscription, unless a newer event has written them, or the deal shows another one.
pub(super) fn state(facts: &Facts<'_>, subscription: &Subscription, draft: &mut Draft) {
    if facts.shows_another_subscription() {
        draft.because(Reason::SecondSubscription);
        show_the_other(facts, draft);
        return;
    }
    plan(facts, draft);
    if facts.before.subscription.is_newer_than(facts.event, subscription) {
        draft.because(Reason::Stale);
        return;
    }
    let cancel_at = subscription.scheduled_cancel();
    draft.text(facts, Field::SubscriptionId, subscription.id.as_str());
    status(facts, draft);
    draft.value(
        facts,
        Field::NextBillingDate,
        subscription.next_billed_at.map_or(Value::Empty, Value::Date),
    );
    draft.amount(facts, Field::MonthlyRecurringRevenue, known::monthly(subscription));
    let ends = subscription.canceled_at.or(cancel_at).map_or(Value::Empty, Value::Date);
    draft.value(facts, Field::SubscriptionEnds, ends);
}

/// The fields tell of a subscription that the deal does not show any more, as it has ended and another one goes on.
fn show_the_other(facts: &Facts<'_>, draft: &mut Draft) {
    let sale = &facts.known.sale;
    let Some((other, state)) = sale.shown_state() else { return };
    let tells_of_this = sale
        .written
        .iter()
        .any(|(field, written)| field.is_of_subscription() && written.of.as_deref() != Some(other));
    if !tells_of_this {
        return;
    }
    draft.tell_of(other);
    let at = state.at.unwrap_or(facts.event.occurred_at());
    let date = |at: Option<OffsetDateTime>| at.map_or(Value::Empty, Value::Date);
    draft.text_at(facts, Field::SubscriptionId, other, at);
    draft.text_at(facts, Field::SubscriptionStatus, state.shown(), at);
    draft.text_at(facts, Field::PlanName, &state.names, at);
    draft.value_at(facts, Field::NextBillingDate, date(state.next_billed_at), at);
    draft.value_at(facts, Field::SubscriptionEnds, date(state.canceled_at.or(state.cancel_at)), at);
    if let Some(monthly) = state.monthly().and_then(|monthly| monthly.to_decimal()) {
        draft.value_at(facts, Field::MonthlyRecurringRevenue, Value::Amount(monthly), at);
    }
}

/// The status field, which the subscription's own events and its charges tell together.
pub(super) fn status(facts: &Facts<'_>, draft: &mut Draft) {
    if facts.shows_another_subscription() {
        draft.because(Reason::SecondSubscription);
        return;
    }
    let is_written =
        draft.update.fields.iter().any(|value| value.field == Field::SubscriptionStatus);
    if let (false, Some((status, at))) = (is_written, facts.known.subscription.shown_status()) {
        draft.text_at(facts, Field::SubscriptionStatus, status, at);
    }
}
