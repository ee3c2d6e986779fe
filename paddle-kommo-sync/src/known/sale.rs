use std::collections::{BTreeMap, BTreeSet};

use paddle_webhook::{Currency, Event, Money, Subscription, Transaction};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Moment, Snapshot, SubscriptionKnown, TransactionKnown, Written};
use crate::plan::{Field, FieldValue, Price};

/// What is known of a deal: everything that was paid for it, and what we wrote into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SaleKnown {
    /// Its payments, by transaction.
    pub(crate) payments: BTreeMap<String, SalePayment>,
    /// What is no part of its sums: a second payment, and the subscription that came with it.
    left_out: BTreeSet<String>,
    /// The newest state of each of its subscriptions.
    #[serde(deserialize_with = "states")]
    subscriptions: BTreeMap<String, Snapshot>,
    /// Since when each of them is there. Of one that is not in it, it was before this was kept.
    began: BTreeMap<String, Moment>,
    /// What we wrote into its fields last.
    pub(crate) written: BTreeMap<Field, Written>,
    /// The price that we set last.
    pub(crate) price: Option<Price>,
    /// What of it stands on the other deals of the same payment.
    pub(crate) elsewhere: Option<Price>,
    /// The event by which the deal was won, and with it everything that is done once per won deal.
    pub(crate) celebrated_by: Option<String>,
    /// The transaction that won it.
    pub(crate) won_by: Option<String>,
}

/// A payment of a deal, in minor units of its currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SalePayment {
    pub(crate) currency: String,
    pub(crate) total: i64,
    pub(crate) refunded: i64,
    /// The subscription that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<String>,
    /// Whether a person bought: it is no charge of a subscription that is there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_first: bool,
}

impl SaleKnown {
    pub(super) fn fold_transaction(&mut self, transaction: &Transaction) {
        if transaction.status.as_str() != "completed" {
            return;
        }
        if let Some(total) = transaction.total().filter(|total| total.is_positive()) {
            let payment = self.payments.entry(transaction.id.as_str().to_owned()).or_default();
            total.currency().code().clone_into(&mut payment.currency);
            // What the customer's credit paid is no money that came in.
            payment.total = transaction.charged().unwrap_or(total).minor();
            payment.subscription = transaction.subscription_id.as_ref().map(ToString::to_string);
            payment.is_first = transaction.is_first_payment();
        }
    }

    /// What went back of a payment that nobody has told of is no part of the sums either: its currency is not known.
    pub(super) fn fold_refunds(&mut self, transaction: &str, known: &TransactionKnown) {
        if let Some(payment) = self.payments.get_mut(transaction) {
            payment.refunded = known.paid_back();
        }
    }

    pub(super) fn fold_subscription(
        &mut self,
        event: &Event,
        subscription: &Subscription,
        known: &SubscriptionKnown,
    ) {
        if let Some(snapshot) = &known.snapshot {
            self.subscriptions.insert(subscription.id.as_str().to_owned(), snapshot.clone());
        }
        let at = Moment(subscription.created_at.unwrap_or(event.occurred_at()));
        let began = self.began.entry(subscription.id.as_str().to_owned()).or_insert(at);
        *began = at.min(*began);
    }

    /// Whether this is still what the field is to hold: no other plan has been made for it since. Times would not tell,
    /// as an older event may say what is so now.
    pub(crate) fn is_current(&self, value: &FieldValue) -> bool {
        self.written.get(&value.field).is_none_or(|written| written.text == value.value.to_text())
    }

    /// Whether what was decided for these fields could not be written. True when that was not known before.
    pub(crate) fn set_unwritten(&mut self, fields: &[Field], is_unwritten: bool) -> bool {
        let mut is_news = false;
        for field in fields {
            let Some(written) = self.written.get_mut(field) else { continue };
            is_news |= written.is_unwritten != is_unwritten;
            written.is_unwritten = is_unwritten;
        }
        is_news
    }

    /// Whether another sale than that of this first payment is what the sums of the deal tell of: what a person bought before,
    /// or what a subscription pays that began with a trial, or before anything was heard of it.
    pub(crate) fn has_another_sale(&self, transaction: &str, subscription: Option<&str>) -> bool {
        let is_others = |payment: &SalePayment| {
            let own = payment.subscription.as_deref();
            payment.is_first || (own.is_some() && own != subscription)
        };
        self.counted().any(|(id, payment)| id != transaction && is_others(payment))
    }

    /// A second payment, or what a second subscription pays, is not this deal's: nothing of it is summed, nor what comes
    /// of it.
    pub(crate) fn leave_out(&mut self, transaction: &str, subscription: Option<&str>) {
        self.left_out.insert(transaction.to_owned());
        let is_of_the_sale = |subscription: &str| {
            let own = Some(subscription);
            self.counted()
                .any(|(_, payment)| payment.is_first && payment.subscription.as_deref() == own)
        };
        let other = subscription.filter(|subscription| !is_of_the_sale(subscription));
        self.left_out.extend(other.map(str::to_owned));
    }

    /// Gives what it knows of this transaction or subscription to another deal. Its win is the caller's to give on. What was
    /// written into its fields stays with it.
    pub(crate) fn give(&mut self, entity: &str, to: &mut Self) {
        let is_of = |id: &str, payment: &SalePayment| {
            id == entity || payment.subscription.as_deref() == Some(entity)
        };
        let moves = |(id, payment): &(&String, &SalePayment)| is_of(id, payment);
        let ids: Vec<String> =
            self.payments.iter().filter(moves).map(|(id, _)| id.clone()).collect();
        for id in ids {
            // It was left out of the sums beside another sale. Where a person says that it belongs, it counts.
            self.left_out.remove(&id);
            to.payments.extend(self.payments.remove_entry(&id));
        }
        self.left_out.remove(entity);
        to.subscriptions.extend(self.subscriptions.remove_entry(entity));
        to.began.extend(self.began.remove_entry(entity));
        self.count_what_is_alone();
    }

    /// The win of another deal counts as this one's, unless it was won already.
    pub(crate) fn take_win(&mut self, from: &mut Self) {
        let (by, celebrated_by) = (from.won_by.take(), from.celebrated_by.take());
        let elsewhere = from.elsewhere.take();
        self.won_by = self.won_by.take().or(by);
        if self.celebrated_by.is_none() {
            (self.celebrated_by, self.elsewhere) = (celebrated_by, elsewhere);
        }
    }

    /// What was left out beside another sale counts when it is the only one.
    fn count_what_is_alone(&mut self) {
        let sale = |(id, payment): (&String, &SalePayment)| {
            payment.subscription.clone().unwrap_or_else(|| id.clone())
        };
        let sales: BTreeSet<String> = self.payments.iter().map(sale).collect();
        if self.counted().next().is_none() && sales.len() == 1 {
            self.left_out.clear();
        }
    }

    fn counted(&self) -> impl Iterator<Item = (&str, &SalePayment)> + Clone {
        let counts = |id: &str, payment: &SalePayment| {
            let subscription = payment.subscription.as_ref();
            !self.left_out.contains(id) && subscription.is_none_or(|id| !self.left_out.contains(id))
        };
        let payments = self.payments.iter().map(|(id, payment)| (id.as_str(), payment));
        payments.filter(move |(id, payment)| counts(id, payment))
    }

    /// What was paid, what of it went back, and what remains, if all is in one currency.
    pub(crate) fn sums(&self) -> Option<[Money; 3]> {
        let paid = self.sum(|payment| payment.total)?;
        let refunded = self.sum(|payment| payment.refunded)?;
        Some([paid, refunded, paid.checked_sub(refunded)?])
    }

    /// The sum of one kind over all payments that count, if all are in one currency.
    fn sum(&self, part: impl Fn(&SalePayment) -> i64) -> Option<Money> {
        let mut payments = self.counted().map(|(_, payment)| payment);
        let first = payments.clone().next()?;
        let currency = Currency::new(&first.currency).ok()?;
        if payments.clone().any(|payment| payment.currency != first.currency) {
            return None;
        }
        let minor = payments.try_fold(0_i64, |sum, payment| sum.checked_add(part(payment)))?;
        Some(Money::new(minor, currency))
    }

    /// Whether another subscription of this deal is running.
    pub(crate) fn has_another_live(&self, subscription: &str) -> bool {
        self.live().any(|id| id != subscription)
    }

    /// Whether another subscription of this deal is running that began earlier: then the deal shows that one.
    pub(crate) fn is_second(&self, subscription: &str) -> bool {
        // What nobody has told of yet may well be the earlier one.
        self.subscriptions.contains_key(subscription)
            && self.live().any(|id| self.began_before(id, subscription))
    }

    /// Whether the deal shows another subscription than this one.
    pub(crate) fn shows_another(&self, subscription: &str) -> bool {
        // What nobody has told of yet may well be the one.
        self.subscriptions.contains_key(subscription) && self.shown() != Some(subscription)
    }

    /// The subscription that the deal shows, with its newest state.
    pub(crate) fn shown_state(&self) -> Option<(&str, &Snapshot)> {
        let (shown, state) = self.subscriptions.get_key_value(self.shown()?)?;
        // Of one that was told of before its state was kept, nothing else is known.
        Some((shown.as_str(), state)).filter(|(_, state)| state.at.is_some())
    }

    /// Of those that are running the one that began first; where none is, the one that ended last.
    fn shown(&self) -> Option<&str> {
        let first = |one, other| if self.began_before(other, one) { other } else { one };
        let told = |(id, state): &(&String, &Snapshot)| (state.at, (*id).clone());
        let newest = || self.subscriptions.iter().max_by_key(told).map(|(id, _)| id.as_str());
        self.live().reduce(first).or_else(newest)
    }

    /// Whether the deal shows this subscription and not that one, whichever of the two was heard of first.
    pub(crate) fn shows_before(&self, this: &str, that: &str) -> bool {
        self.live().any(|id| id == this) && self.began_before(this, that)
    }

    /// Whether this subscription is known to have ended.
    pub(crate) fn has_ended(&self, subscription: &str) -> bool {
        self.subscriptions.get(subscription).is_some_and(|state| !is_live(state))
    }

    fn live(&self) -> impl Iterator<Item = &str> {
        let live = self.subscriptions.iter().filter(|(_, state)| is_live(state));
        live.map(|(id, _)| id.as_str())
    }

    fn began_before(&self, this: &str, that: &str) -> bool {
        (self.began.get(this), this) < (self.began.get(that), that)
    }
}

fn is_live(state: &Snapshot) -> bool {
    matches!(state.status.as_str(), "active" | "trialing" | "past_due" | "paused")
}

/// Only the status was kept at first.
fn states<'de, D: Deserializer<'de>>(row: D) -> Result<BTreeMap<String, Snapshot>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Row {
        Status(String),
        State(Snapshot),
    }
    let state = |row| match row {
        Row::Status(status) => Snapshot::of_status(status),
        Row::State(state) => state,
    };
    let rows = BTreeMap::<String, Row>::deserialize(row)?;
    Ok(rows.into_iter().map(|(id, row)| (id, state(row))).collect())
}
