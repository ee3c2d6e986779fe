//! The life of a subscription.

use paddle_webhook::Subscription;

use super::{Decision, Draft, Facts, text};
use crate::plan::{Field, Reason, Value};

const TRIAL: &str = "trial";
const WIN_BACK: &str = "win_back";

/// `subscription.created`, `.trialing`, `.activated`.
pub(super) fn started(facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let trial = subscription.status.as_str() == "trialing"
        && !facts.known.subscription.told.contains(TRIAL);
    let mut draft =
        Draft::new(deal, if trial { Reason::TrialStarted } else { Reason::SubscriptionStarted });
    state(&facts, subscription, &mut draft);
    let mut known = facts.known;
    if trial {
        draft.note(TRIAL, text::trial(subscription));
        known.subscription.told.insert(TRIAL.to_owned());
    }
    draft.act(known)
}

/// `subscription.canceled`: it has ended, and somebody should talk to the customer.
pub(super) fn canceled(facts: Facts<'_>, subscription: &Subscription) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let asked = facts.known.subscription.told.contains(WIN_BACK);
    let mut draft =
        Draft::new(deal, if asked { Reason::AlreadyAsked } else { Reason::SubscriptionCanceled });
    state(&facts, subscription, &mut draft);
    if !asked {
        draft.task(&facts, WIN_BACK, text::win_back(subscription), Some(&subscription.custom_data));
    }
    let mut known = facts.known;
    known.subscription.told.insert(WIN_BACK.to_owned());
    draft.act(known)
}

/// The fields that mirror the subscription, unless a newer event has written them.
fn state(facts: &Facts<'_>, subscription: &Subscription, draft: &mut Draft) {
    if facts.before.subscription.is_newer_than(facts.event, subscription) {
        draft.because(Reason::Stale);
        return;
    }
    let config = facts.config;
    draft.field(config, Field::SubscriptionId, subscription.id.as_str());
    draft.field(config, Field::SubscriptionStatus, subscription.status.as_str());
    let next = subscription.next_billed_at.map_or(Value::Empty, Value::Date);
    draft.value(config, Field::NextBillingDate, next);
    if let Some(ends) = subscription.canceled_at {
        draft.value(config, Field::SubscriptionEnds, Value::Date(ends));
    }
}
