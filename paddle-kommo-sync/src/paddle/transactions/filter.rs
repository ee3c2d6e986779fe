//! Which transactions a list has.

use paddle_webhook::{
    CustomerId, SubscriptionId, TransactionId, TransactionOrigin, TransactionStatus,
};
use time::OffsetDateTime;

use crate::paddle::{error::Error, query::Query};

/// The most Paddle gives in one page of transactions.
const PAGE: &str = "30";

/// Which transactions to list: all, unless narrowed.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TransactionFilter {
    after: Option<TransactionId>,
    ids: Vec<TransactionId>,
    customers: Vec<CustomerId>,
    subscriptions: Vec<SubscriptionId>,
    statuses: Vec<TransactionStatus>,
    origins: Vec<TransactionOrigin>,
    invoice_number: Option<String>,
    times: Vec<(&'static str, OffsetDateTime)>,
    order: TransactionOrder,
}

/// In which order transactions are listed; always the oldest first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum TransactionOrder {
    /// By id, which is nearly the order in which they were made.
    #[default]
    Id,
    /// By when they were made.
    CreatedAt,
    /// By when they last changed.
    UpdatedAt,
    /// By when they were billed.
    BilledAt,
}

impl TransactionFilter {
    /// All.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those behind this one in the order of the list: to go on where a reading ended.
    pub fn after(mut self, id: &TransactionId) -> Self {
        self.after = Some(id.clone());
        self
    }

    /// Also this one; without any, all.
    pub fn id(mut self, id: &TransactionId) -> Self {
        self.ids.push(id.clone());
        self
    }

    /// Those of this customer, and of others that are named.
    pub fn customer(mut self, id: &CustomerId) -> Self {
        self.customers.push(id.clone());
        self
    }

    /// Those of this subscription, and of others that are named.
    pub fn subscription(mut self, id: &SubscriptionId) -> Self {
        self.subscriptions.push(id.clone());
        self
    }

    /// Those with this status, and with others that are named.
    pub fn status(mut self, status: TransactionStatus) -> Self {
        self.statuses.push(status);
        self
    }

    /// Those of this origin, and of others that are named.
    pub fn origin(mut self, origin: TransactionOrigin) -> Self {
        self.origins.push(origin);
        self
    }

    /// The one with this invoice number.
    pub fn invoice_number(mut self, number: &str) -> Self {
        self.invoice_number = Some(number.to_owned());
        self
    }

    /// Made then or later.
    pub fn created_from(mut self, time: OffsetDateTime) -> Self {
        self.times.push(("created_at[GTE]", time));
        self
    }

    /// Made earlier.
    pub fn created_before(mut self, time: OffsetDateTime) -> Self {
        self.times.push(("created_at[LT]", time));
        self
    }

    /// Last changed then or later.
    pub fn updated_from(mut self, time: OffsetDateTime) -> Self {
        self.times.push(("updated_at[GTE]", time));
        self
    }

    /// Last changed earlier.
    pub fn updated_before(mut self, time: OffsetDateTime) -> Self {
        self.times.push(("updated_at[LT]", time));
        self
    }

    /// Billed then or later.
    pub fn billed_from(mut self, time: OffsetDateTime) -> Self {
        self.times.push(("billed_at[GTE]", time));
        self
    }

    /// Billed earlier.
    pub fn billed_before(mut self, time: OffsetDateTime) -> Self {
        self.times.push(("billed_at[LT]", time));
        self
    }

    /// The order of the list.
    pub fn order(mut self, order: TransactionOrder) -> Self {
        self.order = order;
        self
    }

    pub(in crate::paddle) fn to_query(&self) -> Result<Query, Error> {
        let mut query = Query::default();
        if let Some(after) = &self.after {
            query.push("after", after.as_str());
        }
        query.push_list("id", &self.ids);
        query.push_list("customer_id", &self.customers);
        query.push_list("subscription_id", &self.subscriptions);
        let statuses: Vec<_> = self.statuses.iter().map(TransactionStatus::as_str).collect();
        query.push_list("status", &statuses);
        let origins: Vec<_> = self.origins.iter().map(TransactionOrigin::as_str).collect();
        query.push_list("origin", &origins);
        if let Some(number) = &self.invoice_number {
            query.push("invoice_number", number);
        }
        for (key, time) in &self.times {
            query.push_time(key, *time)?;
        }
        let order = match self.order {
            TransactionOrder::Id => "id[ASC]",
            TransactionOrder::CreatedAt => "created_at[ASC]",
            TransactionOrder::UpdatedAt => "updated_at[ASC]",
            TransactionOrder::BilledAt => "billed_at[ASC]",
        };
        Ok(query.with("order_by", order).with("per_page", PAGE))
    }
}
