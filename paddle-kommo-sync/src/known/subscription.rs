use std::collections::{BTreeMap, BTreeSet};

use paddle_webhook::{Currency, Event, EventData, Money, Subscription, Transaction};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Moment, Version};

/// What the deal shows while a cancellation is scheduled; Paddle's own status is still `active` then.
const CANCELING: &str = "canceling";
const ACTIVE: &str = "active";
const PAST_DUE: &str = "past_due";

/// What is known of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SubscriptionKnown {
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer: Option<String>,
    /// When it began, by the earliest that was heard of it.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<OffsetDateTime>,
    version: Option<Version>,
    /// Its newest state.
    pub(crate) snapshot: Option<Snapshot>,
    /// Everything that it was for so far. More than one: the deal's plan is no longer what was first paid for.
    plans: BTreeSet<String>,
    /// Whether it began with a trial, or cost nothing at first.
    pub(crate) had_trial: bool,
    /// The newest sign that a payment failed, and that all is well.
    #[serde(with = "time::serde::rfc3339::option")]
    failed_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    paid_at: Option<OffsetDateTime>,
    /// The signs that a payment failed since the newest that all is well.
    failures: BTreeSet<Moment>,
    /// What the rep was already told about it.
    pub(crate) told: BTreeSet<String>,
    /// The tasks that are open because of it, by what they are about.
    pub(crate) tasks: BTreeMap<String, TaskRef>,
}

/// A subscription as one event showed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Snapshot {
    pub(crate) status: String,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) next_billed_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) canceled_at: Option<OffsetDateTime>,
    /// When it is to be canceled, if that is scheduled.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) cancel_at: Option<OffsetDateTime>,
    /// What it is for: names and quantities, in the order of the items.
    pub(crate) plan: String,
    /// The names alone.
    pub(crate) names: String,
    /// What it comes to in a month, in minor units of its currency.
    monthly: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    /// When this was so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) at: Option<OffsetDateTime>,
}

/// A task of ours, by the event and the effect that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskRef {
    pub(crate) event_id: String,
    pub(crate) effect: String,
}

impl Snapshot {
    pub(crate) fn of(subscription: &Subscription) -> Self {
        Self {
            status: subscription.status.as_str().to_owned(),
            next_billed_at: subscription.next_billed_at,
            canceled_at: subscription.canceled_at,
            cancel_at: subscription.scheduled_cancel(),
            plan: plan(subscription),
            names: subscription.product_names().join(", "),
            monthly: super::monthly(subscription).map(|money| money.minor()),
            currency: subscription.currency_code,
            at: None,
        }
    }

    /// One of which nothing else is known.
    pub(super) fn of_status(status: String) -> Self {
        Self { status, ..Self::default() }
    }

    /// The status as the deal shows it.
    pub(crate) fn shown(&self) -> &str {
        if self.cancel_at.is_some() && self.status != "canceled" { CANCELING } else { &self.status }
    }

    /// What it comes to in a month.
    pub(crate) fn monthly(&self) -> Option<Money> {
        Some(Money::new(self.monthly?, self.currency?))
    }

    /// Whether it shows the same, whenever that was.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        Self { at: None, ..self.clone() } == Self { at: None, ..other.clone() }
    }
}

/// "10 × Pro, yearly, Analytics": what is sold, so that a change of it can be told.
fn plan(subscription: &Subscription) -> String {
    let names = subscription.product_names();
    let items = subscription.items.iter().zip(&names).map(|(item, name)| match item.quantity {
        Some(quantity) if quantity != 1 => format!("{quantity} × {name}"),
        _ => name.clone(),
    });
    if names.len() == subscription.items.len() {
        items.collect::<Vec<_>>().join(", ")
    } else {
        names.join(", ")
    }
}

impl SubscriptionKnown {
    pub(super) fn fold(&mut self, event: &Event, subscription: &Subscription) {
        super::no_later(&mut self.began, subscription.created_at.unwrap_or(event.occurred_at()));
        if let Some(customer) = &subscription.customer_id {
            self.customer = Some(customer.as_str().to_owned()).max(self.customer.take());
        }
        match subscription.status.as_str() {
            PAST_DUE => self.failed(event.occurred_at()),
            ACTIVE => self.paid(event.occurred_at()),
            "trialing" => self.had_trial = true,
            _ => {}
        }
        let mut snapshot = Snapshot::of(subscription);
        if !snapshot.plan.is_empty() {
            self.plans.insert(snapshot.plan.clone());
        }
        if !self.is_newer_than(event, subscription) {
            self.version = Some(version(event, subscription));
            snapshot.at = Some(event.occurred_at());
            self.snapshot = Some(snapshot);
        }
    }

    pub(super) fn fold_transaction(
        &mut self,
        event: &Event,
        data: &EventData,
        transaction: &Transaction,
    ) {
        super::no_later(&mut self.began, transaction.created_at.unwrap_or(event.occurred_at()));
        match data {
            EventData::TransactionCompleted(_) => {
                self.paid(event.occurred_at());
                let is_free = transaction.total().is_some_and(|total| !total.is_positive());
                self.had_trial |= is_free && transaction.is_first_payment();
            }
            // A first checkout that fails is no subscription that is past due.
            _ if transaction.is_first_payment() => {}
            // A change or an extra charge that fails is not made, and the subscription goes on: Paddle's default.
            EventData::TransactionPaymentFailed(_) if !transaction.is_renewal() => {}
            EventData::TransactionPaymentFailed(_) | EventData::TransactionPastDue(_) => {
                self.failed(event.occurred_at());
            }
            _ => {}
        }
    }

    fn failed(&mut self, at: OffsetDateTime) {
        let known = self.failed_at.filter(|_| self.failures.is_empty());
        let since_paid = |at: &OffsetDateTime| Some(*at) > self.paid_at;
        self.failures.extend(known.into_iter().chain([at]).filter(since_paid).map(Moment));
        self.failed_at = self.failed_at.max(Some(at));
    }

    fn paid(&mut self, at: OffsetDateTime) {
        self.paid_at = self.paid_at.max(Some(at));
        self.failures.retain(|failure| failure.0 > at);
    }

    /// Since when it is past due.
    pub(crate) fn past_due_since(&self) -> Option<OffsetDateTime> {
        let first = self.failures.first().map(|failure| failure.0);
        first.or(self.failed_at).filter(|_| self.is_past_due())
    }

    /// Whether the newest sign is that a payment failed.
    pub(crate) fn is_past_due(&self) -> bool {
        self.failed_at > self.paid_at
    }

    /// The status that the deal shows, and since when: of the newest state that was told, and of what was charged
    /// since. It does not matter in which order that came.
    pub(crate) fn shown_status(&self) -> Option<(&str, OffsetDateTime)> {
        let told =
            self.snapshot.as_ref().and_then(|snapshot| Some((snapshot.shown(), snapshot.at?)));
        let charged = if self.is_past_due() {
            self.failed_at.map(|at| (PAST_DUE, at))
        } else {
            self.paid_at.map(|at| (ACTIVE, at))
        };
        let (Some((status, told_at)), Some((charge, charged_at))) = (told, charged) else {
            return told.or(charged);
        };
        match status {
            _ if charged_at <= told_at => told,
            // It was paid, and ends all the same.
            CANCELING if charge == ACTIVE => Some((CANCELING, charged_at)),
            ACTIVE | PAST_DUE | CANCELING => charged,
            // No charge starts, resumes or revives a subscription: Paddle says so when that happens.
            _ => told,
        }
    }

    /// What it was for before a change at this time, by which it is for this now, if that is known.
    pub(crate) fn plan_before(
        &self,
        now: &str,
        changed_at: Option<OffsetDateTime>,
    ) -> Option<&str> {
        let newest = self.snapshot.as_ref()?;
        let is_told = changed_at.is_some() && newest.at >= changed_at;
        if newest.plan != now && !is_told {
            return Some(newest.plan.as_str()).filter(|plan| !plan.is_empty());
        }
        // The subscription has told of the change first.
        let mut others = self.plans.iter().filter(|plan| **plan != newest.plan);
        others.next().filter(|_| others.next().is_none()).map(String::as_str)
    }

    /// Whether it was ever for something else than now.
    pub(crate) fn has_changed_plan(&self) -> bool {
        self.plans.len() > 1
    }

    /// Whether a newer event of this subscription was applied before this one.
    pub(crate) fn is_newer_than(&self, event: &Event, subscription: &Subscription) -> bool {
        self.version.as_ref().is_some_and(|seen| *seen > version(event, subscription))
    }
}

fn version(event: &Event, subscription: &Subscription) -> Version {
    Version::new(event, subscription.updated_at, subscription.status.as_str())
}
