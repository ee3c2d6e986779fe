//! What earlier events taught: one small state per Paddle transaction, subscription and customer, and one per deal.
//!
//! Each is a fold of the events of that entity, in whatever order they arrive: the newest snapshot wins, whenever it
//! comes; moments are compared, not counted; and sums are made from parts that are kept one by one.

mod moment;
mod recurring;
mod sale;
mod subscription;
mod transaction;
mod version;
mod written;

use std::collections::BTreeSet;

use kommo_client::{AccountId, ContactId, LeadId, PipelineId, StatusId, UserId};
use paddle_webhook::{Currency, Event, EventData, Money};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use self::{moment::Moment, version::Version};
pub(crate) use self::{
    recurring::monthly,
    sale::SaleKnown,
    subscription::{Snapshot, SubscriptionKnown, TaskRef},
    transaction::TransactionKnown,
    written::Written,
};
use crate::{
    plan::{Field, Price},
    zone::Zone,
};

/// Everything that `decide` may know besides the event itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The transaction of the event; of an adjustment, the one that is adjusted.
    pub(crate) transaction: TransactionKnown,
    /// The subscription of the event, if it has one.
    pub(crate) subscription: SubscriptionKnown,
    /// The customer of the event.
    pub(crate) customer: CustomerKnown,
    /// All that belongs to the deal, once it was found.
    pub(crate) sale: SaleKnown,
    /// The deal, once it was found and read.
    pub(crate) deal: Option<Deal>,
    /// The Kommo account.
    pub(crate) account: Account,
}

/// A deal as it was just read from Kommo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deal {
    pub(crate) lead: LeadId,
    pub(crate) pipeline: PipelineId,
    pub(crate) status: StatusId,
    pub(crate) responsible: Option<UserId>,
    /// Its name; empty when it has none.
    pub(crate) name: String,
    /// Its contacts, the main one first.
    pub(crate) contacts: Vec<ContactId>,
    /// Its price; none when it does not say one.
    pub(crate) price: Option<Price>,
    /// Whether the account has prices with decimals.
    pub(crate) has_decimals: bool,
    /// What its fields hold now, as text.
    pub(crate) fields: Vec<(Field, String)>,
}

impl Deal {
    /// What a field holds now, as text.
    pub(crate) fn field(&self, field: Field) -> Option<&str> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str())
    }

    /// The transaction that the deal itself names.
    pub(crate) fn named_transaction(&self) -> Option<&str> {
        self.field(Field::TransactionId).filter(|named| !named.is_empty())
    }
}

/// What matters of the Kommo account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) id: Option<AccountId>,
    pub(crate) currency: Option<Currency>,
    /// Its time zone, for dates that people read.
    pub(crate) zone: Zone,
}

impl Default for Account {
    fn default() -> Self {
        Self { id: None, currency: None, zone: Zone::UTC }
    }
}

/// A sum without its sign. Which way the money goes is said by the action: Paddle's documentation has sums above zero, and
/// its example of a reversal has them below.
pub(crate) fn without_sign(money: Money) -> Money {
    Money::new(money.minor().saturating_abs(), money.currency())
}

/// Keeps the earlier of two moments.
fn no_later(known: &mut Option<OffsetDateTime>, at: OffsetDateTime) {
    *known = Some(known.map_or(at, |known| known.min(at)));
}

/// What is known of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CustomerKnown {
    version: Option<Version>,
    pub(crate) email: Option<String>,
    /// The events that name a deal without a signature, and wait until the customer turns out to be its contact.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) unconfirmed: BTreeSet<String>,
}

impl Known {
    /// The knowledge after an event that is parked. What it adds up to counts already: a refund may come before its sale
    /// is linked. What it changes does not: that is told when the event is gone on with, by what was so before.
    #[must_use]
    pub(crate) fn fold_parked(self, event: &Event, data: &EventData) -> Self {
        let (mut subscription, sale) = (self.subscription.clone(), self.sale.clone());
        let after = self.fold(event, data);
        subscription.began = after.subscription.began;
        Self { subscription, sale, ..after }
    }

    /// The knowledge after this event. The same events in any order, any of them repeated, end in the same state.
    #[must_use]
    pub(crate) fn fold(mut self, event: &Event, data: &EventData) -> Self {
        if let Some(transaction) = data.transaction() {
            self.transaction.fold(event, transaction);
            if transaction.subscription_id.is_some() {
                self.subscription.fold_transaction(event, data, transaction);
            }
            self.sale.fold_transaction(transaction);
            self.sale.fold_refunds(transaction.id.as_str(), &self.transaction);
        } else if let Some(subscription) = data.subscription() {
            self.subscription.fold(event, subscription);
            self.sale.fold_subscription(event, subscription, &self.subscription);
        } else if let Some(adjustment) = data.adjustment() {
            self.transaction.fold_adjustment(event, adjustment);
            if let Some(transaction) = &adjustment.transaction_id {
                self.sale.fold_refunds(transaction.as_str(), &self.transaction);
            }
        } else if let Some(customer) = data.customer() {
            let version = Version::new(event, customer.updated_at, "");
            if self.customer.version.as_ref().is_none_or(|seen| *seen <= version) {
                self.customer.version = Some(version);
                self.customer.email.clone_from(&customer.email);
            }
        }
        self
    }

    /// When the sale of this event began, by the earliest that was heard of it.
    pub(crate) fn sale_began(&self, event: &Event, data: &EventData) -> OffsetDateTime {
        let Self { transaction, subscription, .. } = self.clone().fold(event, data);
        [transaction.began, subscription.began]
            .into_iter()
            .flatten()
            .fold(event.occurred_at(), Ord::min)
    }
}

#[cfg(test)]
mod tests {
    use paddle_webhook::Environment;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    /// Rows as they were written before their structs grew.
    #[test]
    fn older_rows_are_read() {
        let version = |second: u8| {
            json!({"occurred_at": format!("2026-01-15T12:00:{second:02}Z"), "updated_at": null,
                "rank": 7, "event_id": "evt_1"})
        };
        let subscription = json!({"version": version(0), "snapshot": null, "plans": [], "had_trial": false,
            "failed_at": "2026-01-15T12:00:00Z", "paid_at": null, "told": [], "tasks": {}});
        let subscription: SubscriptionKnown = serde_json::from_value(subscription).unwrap();
        let since = datetime!(2026-01-15 12:00 UTC);
        assert_eq!(subscription.past_due_since(), Some(since));

        let adjustment = |action: &str, second| {
            json!({"version": version(second), "action": action, "status": "approved", "full": false,
                "total": 10_000, "net": 9_185, "earnings": 8_685})
        };
        let transaction = json!({"adjustments":
            {"adj_1": adjustment("chargeback", 10), "adj_2": adjustment("chargeback_reverse", 20),
             "adj_3": adjustment("chargeback", 30)}});
        let transaction: TransactionKnown = serde_json::from_value(transaction).unwrap();
        assert!(transaction.is_settled("adj_1") && !transaction.is_settled("adj_3"));

        let sale = json!({
            "payments": {"txn_1": {"currency": "USD", "total": 65_215, "refunded": 0}},
            "subscriptions": {"sub_1": "active"},
            "written": {"plan_name": {"text": "Pro", "at": "2026-01-15T12:00:00Z"}},
            "price": "599", "elsewhere": null, "celebrated_by": "evt_1", "won_by": "txn_1",
        });
        let sale: SaleKnown = serde_json::from_value(sale).unwrap();
        assert_eq!(sale.sums().unwrap().map(|sum| sum.minor()), [65_215, 0, 65_215]);
        // A subscription that was there before its beginning was kept is the earlier one.
        let data = json!({"id": "sub_2", "status": "active", "created_at": "2026-01-01T12:00:00Z"});
        let body = json!({"event_id": "evt_2", "event_type": "subscription.created",
            "occurred_at": "2026-01-16T12:00:00Z", "notification_id": "ntf_1", "data": data});
        let event = Event::from_trusted(body.to_string().as_bytes(), Environment::Live).unwrap();
        let known = Known { sale, ..Known::default() }.fold(&event, &event.data().unwrap());
        assert!(known.sale.is_second("sub_2") && !known.sale.is_second("sub_1"));
    }
}
