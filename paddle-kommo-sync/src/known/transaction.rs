use std::collections::{BTreeMap, BTreeSet};

use kommo_client::LeadId;
use paddle_webhook::{Adjustment, Currency, CustomerId, Event, Money, SubscriptionId, Transaction};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{TaskRef, Version};
use crate::config::PriceBasis;

/// What is known of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TransactionKnown {
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer: Option<String>,
    /// The subscription that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    /// When it was made, by the earliest that was heard of it.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<OffsetDateTime>,
    /// What was paid, once the transaction was completed.
    pub(crate) paid: Option<Paid>,
    /// The deal it won.
    pub(crate) won: Option<LeadId>,
    /// The event that told the rep of its payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) told_by: Option<String>,
    /// It was marked as a test: what comes of it is one too, and an adjustment has no mark of its own.
    pub(crate) test: bool,
    /// Refunds, credits and chargebacks, each in its newest state.
    pub(crate) adjustments: BTreeMap<String, AdjustmentKnown>,
    /// The transaction itself was seen with the (undocumented) status `refunded`.
    pub(crate) refunded_by_status: bool,
    /// It was given up before it was paid.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_canceled: bool,
    /// What the rep was already told about it.
    pub(crate) told: BTreeSet<String>,
    /// The tasks that are open because of its chargebacks, by adjustment.
    pub(crate) tasks: BTreeMap<String, TaskRef>,
}

/// What was paid, in minor units of the transaction's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Paid {
    pub(crate) currency: String,
    pub(crate) total: i64,
    /// What of the total was charged, where the customer's credit has paid the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charged: Option<i64>,
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
    /// When it was approved, by the earliest event that says so.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    approved_at: Option<OffsetDateTime>,
}

/// How a transaction stands, told from everything that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentStatus {
    Paid,
    PartiallyRefunded,
    Refunded,
    ChargedBack,
}

impl PaymentStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::ChargedBack => "charged_back",
        }
    }
}

impl AdjustmentKnown {
    fn is_warning(&self) -> bool {
        self.action == "chargeback_warning"
    }

    fn sum(&self, basis: PriceBasis) -> i64 {
        match basis {
            PriceBasis::Net => self.net,
            PriceBasis::Gross => self.total,
            PriceBasis::Earnings => self.earnings,
        }
    }

    fn since(&self) -> OffsetDateTime {
        self.approved_at.unwrap_or(self.version.at())
    }
}

impl TransactionKnown {
    pub(super) fn fold(&mut self, event: &Event, transaction: &Transaction) {
        self.is_of(transaction.customer_id.as_ref(), transaction.subscription_id.as_ref());
        let at = transaction.created_at.unwrap_or(event.occurred_at());
        super::no_later(&mut self.began, at);
        match transaction.status.as_str() {
            "completed" => {
                if let Some(total) = transaction.total() {
                    let charged = transaction.charged().filter(|charged| *charged != total);
                    self.paid = Some(Paid {
                        currency: total.currency().code().to_owned(),
                        total: total.minor(),
                        charged: charged.map(|charged| charged.minor()),
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
            "canceled" => self.is_canceled = true,
            _ => {}
        }
    }

    fn is_of(&mut self, customer: Option<&CustomerId>, subscription: Option<&SubscriptionId>) {
        // Paddle can move a transaction to another customer before it is paid; the greatest id makes it the same in any order.
        self.customer = customer.map(|id| id.as_str().to_owned()).max(self.customer.take());
        let subscription = subscription.map(|id| id.as_str().to_owned());
        self.subscription = subscription.max(self.subscription.take());
    }

    pub(super) fn fold_adjustment(&mut self, event: &Event, adjustment: &Adjustment) {
        self.is_of(adjustment.customer_id.as_ref(), adjustment.subscription_id.as_ref());
        let version = Version::new(event, adjustment.updated_at, adjustment.status.as_str());
        let id = adjustment.id.as_str();
        let is_approved = adjustment.status.as_str() == "approved";
        let approved_at = [
            self.adjustments.get(id).and_then(|known| known.approved_at),
            is_approved.then(|| event.occurred_at()),
        ];
        let approved_at = approved_at.into_iter().flatten().min();
        if let Some(known) = self.adjustments.get_mut(id).filter(|known| known.version > version) {
            known.approved_at = approved_at;
            return;
        }
        let minor =
            |amount: Option<Money>| amount.map_or(0, |amount| super::without_sign(amount).minor());
        let known = AdjustmentKnown {
            version,
            action: adjustment.action.as_str().to_owned(),
            status: adjustment.status.as_str().to_owned(),
            full: adjustment.is_partial() == Some(false),
            total: minor(adjustment.total()),
            net: minor(adjustment.net()),
            earnings: minor(adjustment.earnings()),
            approved_at,
        };
        self.adjustments.insert(id.to_owned(), known);
    }

    fn approved(&self, action: &'static str) -> impl Iterator<Item = &AdjustmentKnown> {
        self.adjustments
            .values()
            .filter(move |known| known.action == action && known.status == "approved")
    }

    /// Whether a chargeback, or the warning of one, needs no more work: it was turned back itself, or a reversal came after
    /// it. That of a chargeback ends the warnings too.
    pub(crate) fn is_settled(&self, adjustment: &str) -> bool {
        let Some(known) = self.adjustments.get(adjustment) else { return false };
        let warnings = Some("chargeback_warning_reverse").filter(|_| known.is_warning());
        let mut endings = [Some("chargeback_reverse"), warnings].into_iter().flatten();
        let is_later = |ending: &AdjustmentKnown| ending.since() >= known.since();
        known.status == "reversed" || endings.any(|action| self.approved(action).any(is_later))
    }

    /// How much of what was charged went back, in minor units.
    pub(crate) fn paid_back(&self) -> i64 {
        match &self.paid {
            Some(paid) if self.is_refunded_by_status() => paid.charged(),
            _ => self.went_back(PriceBasis::Gross),
        }
    }

    /// How much went back by refunds and standing chargebacks, in minor units: of the total, the net sum or the earnings.
    pub(crate) fn went_back(&self, basis: PriceBasis) -> i64 {
        if self.is_refunded_by_status() {
            return self.paid.as_ref().and_then(|paid| paid.sum(basis)).unwrap_or(0);
        }
        let sum = |sum: i64, known: &AdjustmentKnown| sum.saturating_add(known.sum(basis));
        let turned =
            |known: &&AdjustmentKnown| known.action == "chargeback" && known.status == "reversed";
        let refunded = self.approved("refund").fold(0, sum);
        let turned = self.adjustments.values().filter(turned).fold(0, sum);
        let taken = self.approved("chargeback").fold(turned, sum);
        // What was turned back is said twice, by the chargeback itself and by an adjustment of its own: in either order,
        // and perhaps by one of them only.
        let returned = self.approved("chargeback_reverse").fold(0, sum).max(turned);
        refunded.saturating_add(taken.saturating_sub(returned).max(0))
    }

    /// Whether only the (undocumented) status says that the whole sum went back.
    fn is_refunded_by_status(&self) -> bool {
        self.refunded_by_status && self.approved("refund").next().is_none()
    }

    /// Paid minus approved refunds and standing chargebacks, whichever came first.
    pub(crate) fn status(&self) -> PaymentStatus {
        let refunded = self
            .approved("refund")
            .fold(0_i64, |refunded, known| refunded.saturating_add(known.total));
        let covers =
            self.paid.as_ref().is_some_and(|paid| refunded > 0 && refunded >= paid.charged());
        let any = self.approved("refund").count() > 0;
        // A reversal has an adjustment of its own, and turns the status of the original, in either order.
        let turned = self
            .adjustments
            .values()
            .filter(|known| known.action == "chargeback" && known.status == "reversed");
        let reversals = self.approved("chargeback_reverse").count().saturating_sub(turned.count());
        let standing = self.approved("chargeback").count() > reversals;
        if standing {
            PaymentStatus::ChargedBack
        } else if covers
            || self.approved("refund").any(|known| known.full)
            || self.is_refunded_by_status()
        {
            PaymentStatus::Refunded
        } else if any {
            PaymentStatus::PartiallyRefunded
        } else {
            PaymentStatus::Paid
        }
    }
}

impl Paid {
    /// What was charged: what came in.
    pub(crate) fn charged(&self) -> i64 {
        self.charged.unwrap_or(self.total)
    }

    /// The total, the net sum or the earnings, in minor units.
    pub(crate) const fn sum(&self, basis: PriceBasis) -> Option<i64> {
        match basis {
            PriceBasis::Net => self.net,
            PriceBasis::Gross => Some(self.total),
            PriceBasis::Earnings => self.earnings,
        }
    }

    pub(crate) fn money(&self, minor: i64) -> Option<Money> {
        Currency::new(&self.currency).ok().map(|currency| Money::new(minor, currency))
    }
}
