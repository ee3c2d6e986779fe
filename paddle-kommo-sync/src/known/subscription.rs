use std::collections::{BTreeMap, BTreeSet};

use paddle_webhook::{Event, EventData, Subscription, Transaction};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Version;

/// What is known of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SubscriptionKnown {
    version: Option<Version>,
    /// Its newest state.
    pub(crate) snapshot: Option<Snapshot>,
    /// The newest sign that a payment failed, and that all is well.
    #[serde(with = "time::serde::rfc3339::option")]
    failed_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    paid_at: Option<OffsetDateTime>,
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
        }
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
        match subscription.status.as_str() {
            "past_due" => self.failed(event.occurred_at()),
            "active" => self.paid(event.occurred_at()),
            _ => {}
        }
        if !self.is_newer_than(event, subscription) {
            self.version = Some(version(event, subscription));
            self.snapshot = Some(Snapshot::of(subscription));
        }
    }

    pub(super) fn fold_transaction(
        &mut self,
        event: &Event,
        data: &EventData,
        transaction: &Transaction,
    ) {
        match data {
            EventData::TransactionCompleted(_) => self.paid(event.occurred_at()),
            // A first checkout that fails is no subscription that is past due.
            _ if transaction.is_first_payment() => {}
            EventData::TransactionPaymentFailed(_) | EventData::TransactionPastDue(_) => {
                self.failed(event.occurred_at());
            }
            _ => {}
        }
    }

    fn failed(&mut self, at: OffsetDateTime) {
        self.failed_at = self.failed_at.max(Some(at));
    }

    fn paid(&mut self, at: OffsetDateTime) {
        self.paid_at = self.paid_at.max(Some(at));
    }

    /// Whether the newest sign is that a payment failed.
    pub(crate) fn is_past_due(&self) -> bool {
        self.failed_at > self.paid_at
    }

    /// Whether a newer event of this subscription was applied before this one.
    pub(crate) fn is_newer_than(&self, event: &Event, subscription: &Subscription) -> bool {
        self.version.as_ref().is_some_and(|seen| *seen > version(event, subscription))
    }
}

fn version(event: &Event, subscription: &Subscription) -> Version {
    Version::new(event, subscription.updated_at, subscription.status.as_str())
}
