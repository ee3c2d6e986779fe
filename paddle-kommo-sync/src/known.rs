//! What earlier events taught: one small state per Paddle transaction, subscription and customer.
//!
//! Each is a fold of the events of that entity, in whatever order they arrive: the newest snapshot wins, whenever
//! it comes, and sums are made from parts that are kept one by one.

use std::collections::{BTreeMap, BTreeSet};

use kommo_client::{LeadId, PipelineId, StatusId, UserId};
use paddle_webhook::{Adjustment, Currency, Event, EventData, Money, Subscription, Transaction};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Everything that `decide` may know besides the event itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The transaction of the event; of an adjustment, the one that is adjusted.
    pub(crate) transaction: TransactionKnown,
    /// The subscription of the event, if it has one.
    pub(crate) subscription: SubscriptionKnown,
    /// The customer of the event.
    pub(crate) customer: CustomerKnown,
    /// The deal, once it was found and read.
    pub(crate) deal: Option<Deal>,
    /// The currency of the Kommo account.
    pub(crate) account_currency: Option<Currency>,
}

/// A deal as it was just read from Kommo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deal {
    pub(crate) lead: LeadId,
    pub(crate) pipeline: PipelineId,
    pub(crate) status: StatusId,
    pub(crate) responsible: Option<UserId>,
    /// The transaction that the deal says it was won by.
    pub(crate) transaction_id: Option<String>,
}

/// Which snapshot of an entity is the newer one. By time first; Paddle's own streams have ties to the microsecond,
/// so the content decides them, and the id of the event what is left: any order of arrival ends in the same state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Version {
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    updated_at: Option<OffsetDateTime>,
    rank: u8,
    event_id: String,
}

impl Version {
    fn new(event: &Event, updated_at: Option<OffsetDateTime>, status: &str) -> Self {
        let occurred_at = event.occurred_at();
        Self {
            occurred_at,
            updated_at,
            rank: rank(status),
            event_id: event.id().as_str().to_owned(),
        }
    }
}

/// How far along a status is, where two snapshots of one moment differ in nothing else.
fn rank(status: &str) -> u8 {
    const STATUSES: [&str; 14] = [
        "draft",
        "ready",
        "billed",
        "trialing",
        "pending_approval",
        "active",
        "approved",
        "past_due",
        "paused",
        "paid",
        "completed",
        "rejected",
        "reversed",
        "canceled",
    ];
    STATUSES.iter().zip(1..).find(|(name, _)| **name == status).map_or(0, |(_, rank)| rank)
}

/// What is known of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TransactionKnown {
    /// What was paid, once the transaction was completed.
    pub(crate) paid: Option<Paid>,
    /// The deal it won.
    pub(crate) won: Option<LeadId>,
    /// Refunds, credits and chargebacks, each in its newest state.
    pub(crate) adjustments: BTreeMap<String, AdjustmentKnown>,
    /// The transaction itself was seen with the (undocumented) status `refunded`.
    pub(crate) refunded_by_status: bool,
    /// What the rep was already told about it.
    pub(crate) told: BTreeSet<String>,
}

/// What was paid, in minor units of the transaction's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paid {
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) net: Option<i64>,
    pub(crate) earnings: Option<i64>,
}

/// An adjustment in its newest state, sums in minor units of the transaction's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdjustmentKnown {
    version: Version,
    pub(crate) action: String,
    pub(crate) status: String,
    pub(crate) full: bool,
    pub(crate) total: i64,
    pub(crate) net: i64,
    pub(crate) earnings: i64,
}

/// What is known of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SubscriptionKnown {
    version: Option<Version>,
    pub(crate) status: String,
    /// What the rep was already told about it.
    pub(crate) told: BTreeSet<String>,
}

/// What is known of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CustomerKnown {
    version: Option<Version>,
    pub(crate) email: Option<String>,
}

/// How a transaction stands, told from everything that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentStatus {
    Paid,
    PartiallyRefunded,
    Refunded,
}

impl PaymentStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

impl Known {
    /// The knowledge after this event. The same events in any order, any of them repeated, end in the same state.
    #[must_use]
    pub(crate) fn fold(mut self, event: &Event, data: &EventData) -> Self {
        if let Some(transaction) = data.transaction() {
            self.transaction.fold(transaction);
        } else if let Some(subscription) = data.subscription() {
            self.subscription.fold(event, subscription);
        } else if let Some(adjustment) = data.adjustment() {
            self.transaction.fold_adjustment(event, adjustment);
        } else if let Some(customer) = data.customer() {
            let version = Version::new(event, customer.updated_at, "");
            if self.customer.version.as_ref().is_none_or(|seen| *seen <= version) {
                self.customer.version = Some(version);
                self.customer.email.clone_from(&customer.email);
            }
        }
        self
    }
}

impl TransactionKnown {
    fn fold(&mut self, transaction: &Transaction) {
        match transaction.status.as_str() {
            "completed" => {
                if let Some(total) = transaction.total() {
                    self.paid = Some(Paid {
                        currency: total.currency().code().to_owned(),
                        total: total.minor(),
                        net: transaction.net().map(|net| net.minor()),
                        // The earnings are known at `transaction.completed` only, and never forgotten again.
                        earnings: transaction
                            .earnings()
                            .map(|earnings| earnings.minor())
                            .or_else(|| self.paid.as_ref().and_then(|paid| paid.earnings)),
                    });
                }
            }
            "refunded" => self.refunded_by_status = true,
            _ => {}
        }
    }

    fn fold_adjustment(&mut self, event: &Event, adjustment: &Adjustment) {
        let version = Version::new(event, adjustment.updated_at, adjustment.status.as_str());
        let id = adjustment.id.as_str();
        if self.adjustments.get(id).is_some_and(|known| known.version > version) {
            return;
        }
        let minor = |amount: Option<Money>| amount.map_or(0, |amount| amount.minor());
        let known = AdjustmentKnown {
            version,
            action: adjustment.action.as_str().to_owned(),
            status: adjustment.status.as_str().to_owned(),
            full: adjustment.is_partial() == Some(false),
            total: minor(adjustment.total()),
            net: minor(adjustment.net()),
            earnings: minor(adjustment.earnings()),
        };
        self.adjustments.insert(id.to_owned(), known);
    }

    fn refunds(&self) -> impl Iterator<Item = &AdjustmentKnown> {
        self.adjustments
            .values()
            .filter(|known| known.action == "refund" && known.status == "approved")
    }

    /// How much of one kind of sum went back, in minor units.
    pub(crate) fn refunded(&self, sum: impl Fn(&AdjustmentKnown) -> i64) -> i64 {
        self.refunds().fold(0, |refunded, known| refunded.saturating_add(sum(known)))
    }

    /// Paid minus approved refunds, whichever came first.
    pub(crate) fn status(&self) -> PaymentStatus {
        let refunded = self.refunded(|known| known.total);
        let covers = self.paid.as_ref().is_some_and(|paid| refunded > 0 && refunded >= paid.total);
        if covers
            || self.refunds().any(|known| known.full)
            || (self.refunded_by_status && self.refunds().count() == 0)
        {
            PaymentStatus::Refunded
        } else if self.refunds().count() > 0 {
            PaymentStatus::PartiallyRefunded
        } else {
            PaymentStatus::Paid
        }
    }
}

impl Paid {
    pub(crate) fn money(&self, minor: i64) -> Option<Money> {
        Currency::new(&self.currency).ok().map(|currency| Money::new(minor, currency))
    }
}

impl SubscriptionKnown {
    fn fold(&mut self, event: &Event, subscription: &Subscription) {
        let version = Version::new(event, subscription.updated_at, subscription.status.as_str());
        if self.version.as_ref().is_none_or(|seen| *seen <= version) {
            self.version = Some(version);
            subscription.status.as_str().clone_into(&mut self.status);
        }
    }

    /// Whether a newer event of this subscription was applied before this one.
    pub(crate) fn is_newer_than(&self, event: &Event, subscription: &Subscription) -> bool {
        let version = Version::new(event, subscription.updated_at, subscription.status.as_str());
        self.version.as_ref().is_some_and(|seen| *seen > version)
    }
}
