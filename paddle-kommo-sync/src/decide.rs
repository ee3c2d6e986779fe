//! What an event means for its deal: the table of billing. Pure: no I/O, no clock, no randomness.

mod adjustment;
mod agreed;
mod configured;
mod documents;
mod draft;
mod dunning;
mod history;
mod money;
mod on_won;
mod overwrite;
mod payment;
mod products;
mod say;
mod subscription;

use paddle_webhook::{CustomData, Environment, Event, EventData};
use time::OffsetDateTime;

use self::draft::Draft;
pub(crate) use self::{configured::as_configured, overwrite::leave_to_persons};
use crate::{
    config::{Config, Invoices, SandboxEvents},
    known::{Deal, Known},
    link::References,
    outcome::Parked,
    plan::{Plan, Reason},
    texts::Texts,
};

/// What is to be done about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing in Kommo. What the event taught is kept.
    Ignore(Reason),
    /// That depends on the deal: find it, read it, and ask again.
    NeedsDeal,
    /// This. `known` is what is known from now on.
    Act { plan: Plan, known: Box<Known> },
    /// A person has to look.
    Park(Parked),
}

/// What the operator wants: how to decide, and how to say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) config: &'a Config,
    pub(crate) texts: &'a Texts,
    /// Whether there is somewhere to get the PDFs of invoices and credit notes from.
    pub(crate) has_documents: bool,
}

/// Everything a rule may look at.
struct Facts<'a> {
    event: &'a Event,
    /// What is known, this event included.
    known: Known,
    /// What was known before this event.
    before: &'a Known,
    /// What it belongs to; its transaction is the one that `known.transaction` speaks of.
    references: References,
    config: &'a Config,
    texts: &'a Texts,
    /// Whether invoices and credit notes are to be attached.
    wants_documents: bool,
    now: OffsetDateTime,
}

/// Why this event must not write to this Kommo account, if so: it is not about real money.
pub(crate) fn not_real(event: &Event, data: &EventData, config: &Config) -> Option<Reason> {
    if config.sandbox == SandboxEvents::Write {
        return None;
    }
    let marked = |data: &CustomData| data.bool("test") == Some(true);
    if event.environment() == Environment::Sandbox {
        Some(Reason::Sandbox)
    } else if event.is_simulated() {
        Some(Reason::Simulated)
    } else if event.is_marked_test() || custom_data(data).is_some_and(marked) {
        Some(Reason::MarkedTest)
    } else {
        None
    }
}

/// The table: which rule answers for which event.
#[must_use]
pub(crate) fn decide(
    event: &Event,
    data: &EventData,
    known: &Known,
    rules: Rules<'_>,
    now: OffsetDateTime,
) -> Decision {
    let decision = by_the_table(event, data, known, rules, now);
    let event_id = event.id().as_str();
    if crate::history::is_made(event_id) { history::quiet(decision, event_id) } else { decision }
}

fn by_the_table(
    event: &Event,
    data: &EventData,
    known: &Known,
    rules: Rules<'_>,
    now: OffsetDateTime,
) -> Decision {
    let facts = Facts {
        event,
        known: known.clone().fold(event, data),
        before: known,
        references: References::of(data),
        config: rules.config,
        texts: rules.texts,
        wants_documents: rules.has_documents && rules.config.invoices == Invoices::Attach,
        now,
    };
    if known.transaction.test && rules.config.sandbox == SandboxEvents::Log {
        return Decision::Ignore(Reason::MarkedTest);
    }
    match data {
        EventData::TransactionCompleted(transaction) => payment::completed(facts, transaction),
        EventData::TransactionPaymentFailed(transaction)
        | EventData::TransactionPastDue(transaction) => dunning::payment_failed(facts, transaction),
        EventData::TransactionCanceled(transaction) => {
            dunning::invoice_canceled(facts, transaction)
        }
        EventData::TransactionUpdated(transaction) if transaction.status.as_str() == "refunded" => {
            adjustment::refunded_by_status(facts, transaction)
        }
        EventData::SubscriptionCreated(subscription)
        | EventData::SubscriptionTrialing(subscription)
        | EventData::SubscriptionActivated(subscription) => {
            subscription::started(facts, subscription)
        }
        EventData::SubscriptionUpdated(subscription) => subscription::updated(facts, subscription),
        EventData::SubscriptionPastDue(subscription) => dunning::past_due(facts, subscription),
        EventData::SubscriptionPaused(subscription) => subscription::paused(facts, subscription),
        EventData::SubscriptionResumed(subscription) => subscription::resumed(facts, subscription),
        EventData::SubscriptionCanceled(subscription) => {
            subscription::canceled(facts, subscription)
        }
        EventData::AdjustmentCreated(adjustment) | EventData::AdjustmentUpdated(adjustment) => {
            adjustment::adjusted(facts, adjustment)
        }
        _ => Decision::Ignore(Reason::NothingToDo),
    }
}

/// The custom data of an event that has some.
pub(crate) fn custom_data(data: &EventData) -> Option<&CustomData> {
    data.transaction()
        .map(|transaction| &transaction.custom_data)
        .or_else(|| data.subscription().map(|subscription| &subscription.custom_data))
}

impl Facts<'_> {
    /// The deal, or the decision to look for it.
    fn deal(&self) -> Result<Deal, Decision> {
        self.known.deal.clone().ok_or(Decision::NeedsDeal)
    }

    /// Whether the deal shows another subscription: of this one only notes and tasks tell.
    fn shows_another_subscription(&self) -> bool {
        let subscription = self.references.subscription.as_deref();
        subscription.is_some_and(|subscription| self.known.sale.shows_another(subscription))
    }

    /// Whether another subscription of the deal began earlier and is running: what this one pays is no part of the sale.
    fn is_of_second_subscription(&self) -> bool {
        let subscription = self.references.subscription.as_deref();
        subscription.is_some_and(|subscription| self.known.sale.is_second(subscription))
    }

    /// Whether this event is the one by which a past-due spell ends, or finds the task of one that is over.
    fn has_recovered(&self) -> bool {
        let subscription = &self.known.subscription;
        let was_past_due = self.before.subscription.is_past_due();
        !subscription.is_past_due()
            && (was_past_due || subscription.tasks.contains_key(dunning::TASK))
    }
}

#[cfg(test)]
mod tests;
