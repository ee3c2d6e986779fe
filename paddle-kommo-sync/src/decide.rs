//! What an event means for its deal: the table of billing. Pure: no I/O, no clock, no randomness.

mod adjustment;
mod money;
mod payment;
mod subscription;
pub(crate) mod text;

use paddle_webhook::{CustomData, Environment, Event, EventData};
use time::OffsetDateTime;

use crate::{
    config::{Config, FieldTarget, SandboxEvents},
    known::{Deal, Known},
    link::References,
    outcome::Parked,
    plan::{
        Field, FieldValue, LeadUpdate, NoteDraft, Plan, PlannedEffect, Reason, TaskDraft, Value,
    },
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

/// Everything a rule may look at.
pub(crate) struct Facts<'a> {
    pub(crate) event: &'a Event,
    /// What is known, this event included.
    pub(crate) known: Known,
    /// What was known before this event.
    pub(crate) before: &'a Known,
    /// The transaction that `known.transaction` speaks of.
    pub(crate) transaction_id: Option<String>,
    pub(crate) config: &'a Config,
    pub(crate) now: OffsetDateTime,
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
    config: &Config,
    now: OffsetDateTime,
) -> Decision {
    let facts = Facts {
        event,
        known: known.clone().fold(event, data),
        before: known,
        transaction_id: References::of(data).transaction,
        config,
        now,
    };
    match data {
        EventData::TransactionCompleted(transaction) => payment::completed(facts, transaction),
        EventData::TransactionUpdated(transaction) if transaction.status.as_str() == "refunded" => {
            adjustment::refunded_by_status(facts, transaction)
        }
        EventData::SubscriptionCreated(subscription)
        | EventData::SubscriptionTrialing(subscription)
        | EventData::SubscriptionActivated(subscription) => {
            subscription::started(facts, subscription)
        }
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
}

/// A plan in the making.
struct Draft {
    deal: Deal,
    reasons: Vec<Reason>,
    update: LeadUpdate,
    notes: Vec<PlannedEffect>,
    tasks: Vec<PlannedEffect>,
}

impl Draft {
    fn new(deal: Deal, reason: Reason) -> Self {
        let update = LeadUpdate { lead: deal.lead, stage: None, price: None, fields: Vec::new() };
        Self { deal, reasons: vec![reason], update, notes: Vec::new(), tasks: Vec::new() }
    }

    fn because(&mut self, reason: Reason) {
        self.reasons.push(reason);
    }

    /// Writes a field, if the configuration wants it. A text that is not known leaves the field alone.
    fn field<'t>(&mut self, config: &Config, field: Field, text: impl Into<Option<&'t str>>) {
        if let Some(text) = text.into().map(text::clean).filter(|text| !text.is_empty()) {
            self.value(config, field, Value::Text(text));
        }
    }

    fn value(&mut self, config: &Config, field: Field, value: Value) {
        if *target(config, field) != FieldTarget::Off {
            self.update.fields.push(FieldValue { field, value });
        }
    }

    fn note(&mut self, name: &str, text: String) {
        let lead = self.deal.lead;
        self.notes.push(PlannedEffect::new(&format!("note:{name}"), NoteDraft { lead, text }));
    }

    /// A task for the rep: whoever the payment names, else whoever has the deal, else the configured user.
    fn task(&mut self, facts: &Facts<'_>, name: &str, text: String, wanted: Option<&CustomData>) {
        let rules = &facts.config.tasks;
        let user = |id: u64| Some(id).filter(|id| *id > 0).map(kommo_client::UserId::new);
        let wanted = wanted.and_then(|data| data.u64("kommo_responsible_id").ok().flatten());
        let mut responsible = Vec::new();
        for candidate in
            [wanted.and_then(user), self.deal.responsible, user(rules.fallback_user_id)]
        {
            responsible.extend(candidate.filter(|user| !responsible.contains(user)));
        }
        let due_at = facts.now.saturating_add(time::Duration::hours(i64::from(rules.due_in_hours)));
        let task =
            TaskDraft { lead: self.deal.lead, text, type_id: rules.type_id, due_at, responsible };
        self.tasks.push(PlannedEffect::new(&format!("task:{name}"), task));
    }

    /// The deal first, then what tells of it: a note about a deal that did not close would be a lie.
    fn act(self, known: Known) -> Decision {
        let update = &self.update;
        let changes = update.stage.is_some() || update.price.is_some() || !update.fields.is_empty();
        let mut effects = Vec::new();
        if changes {
            effects.push(PlannedEffect::new("lead", self.update));
        }
        effects.extend(self.notes);
        effects.extend(self.tasks);
        Decision::Act { plan: Plan { reasons: self.reasons, effects }, known: Box::new(known) }
    }
}

/// Where the configuration wants a field.
pub(crate) fn target(config: &Config, field: Field) -> &FieldTarget {
    let fields = &config.fields;
    match field {
        Field::TransactionId => &fields.transaction_id,
        Field::InvoiceNumber => &fields.invoice_number,
        Field::PlanName => &fields.plan_name,
        Field::PaymentCurrency => &fields.payment_currency,
        Field::SubscriptionId => &fields.subscription_id,
        Field::NextBillingDate => &fields.next_billing_date,
        Field::SubscriptionStatus => &fields.subscription_status,
        Field::PaymentStatus => &fields.payment_status,
        Field::LastPaymentDate => &fields.last_payment_date,
        Field::SubscriptionEnds => &fields.subscription_ends,
    }
}
