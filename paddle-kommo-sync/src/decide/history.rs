//! Events that were made from history: a deal shows what was paid, and nobody is asked to do anything about it.

use paddle_webhook::Transaction;

use super::{Decision, Facts};
use crate::{
    history::is_made,
    known::Known,
    plan::{Effect, PlannedEffect, Reason},
};

/// What was done and asked when the deal was won: [`on_won`](super::on_won) names its effects so.
const ON_WON: &str = "on_won:";

impl Facts<'_> {
    /// Whether this event was made from history.
    pub(super) fn is_history(&self) -> bool {
        is_made(self.event.id().as_str())
    }

    /// Whether another event has told of this payment, and one of the two was made from history: Paddle itself tells a
    /// payment by one event.
    pub(super) fn is_told_by_another(&self) -> bool {
        let (id, transaction) = (self.event.id().as_str(), &self.known.transaction);
        match transaction.told_by.as_deref() {
            Some(by) => by != id && (is_made(by) || is_made(id)),
            None => is_made(id) && transaction.won.is_some(),
        }
    }
}

/// The decision about a completed payment, which remembers what has told of it.
pub(super) fn told(decision: Decision, event_id: &str) -> Decision {
    match decision {
        Decision::Act { plan, mut known } => {
            known.transaction.told_by = Some(event_id.to_owned());
            Decision::Act { plan, known }
        }
        other => other,
    }
}

/// The same decision without what somebody would have to do, or what `[[on_won]]` starts.
pub(super) fn quiet(decision: Decision, event_id: &str) -> Decision {
    let Decision::Act { mut plan, mut known } = decision else { return decision };
    for planned in &plan.effects {
        if let Some(name) = task_name(planned) {
            // Not asked: what comes later may ask.
            known.subscription.told.remove(name);
        }
    }
    plan.effects.retain(|planned| task_name(planned).is_none() && !planned.name.contains(ON_WON));
    for planned in &mut plan.effects {
        if let Effect::AddNote(note) = &mut planned.effect {
            note.quiet = true;
        }
    }
    plan.documents.iter_mut().for_each(|document| document.quiet = true);
    plan.reasons.retain(|reason| {
        let asks = [Reason::OnWonTask, Reason::OnWonTag, Reason::OnWonDeal, Reason::OnWonSalesbot];
        !asks.contains(reason)
    });
    forget_tasks(&mut known, event_id);
    Decision::Act { plan, known }
}

/// The name of a task that would be made.
fn task_name(planned: &PlannedEffect) -> Option<&str> {
    match planned.effect {
        Effect::AddTask(_) => Some(planned.name.strip_prefix("task:").unwrap_or(&planned.name)),
        _ => None,
    }
}

/// A task that was not made cannot be completed.
fn forget_tasks(known: &mut Known, event_id: &str) {
    known.subscription.tasks.retain(|_, task| task.event_id != event_id);
    known.transaction.tasks.retain(|_, task| task.event_id != event_id);
}

/// Whether a first payment is that of a deal which a person closed before anything was written by us.
pub(super) fn is_of_a_persons_win(
    facts: &Facts<'_>,
    transaction: &Transaction,
    winner: Option<&str>,
) -> bool {
    facts.is_history() && winner.is_none_or(|winner| winner == transaction.id.as_str())
}
