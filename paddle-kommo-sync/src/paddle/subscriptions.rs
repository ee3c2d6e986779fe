//! Subscriptions.

use paddle_webhook::{CustomerId, Subscription, SubscriptionId, SubscriptionStatus};

use super::{
    client::Client,
    customers::PAGE,
    error::Error,
    page::{Pages, entity},
    query::{Query, path},
};

/// Subscriptions: see [`Client::subscriptions`].
#[derive(Clone, Debug)]
pub struct Subscriptions(Client);

/// Which subscriptions to list: all, unless narrowed.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SubscriptionFilter {
    customers: Vec<CustomerId>,
    statuses: Vec<SubscriptionStatus>,
}

impl SubscriptionFilter {
    /// All.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of this customer, and of others that are named.
    pub fn customer(mut self, id: &CustomerId) -> Self {
        self.customers.push(id.clone());
        self
    }

    /// Those in this state, and in others that are named.
    pub fn status(mut self, status: SubscriptionStatus) -> Self {
        self.statuses.push(status);
        self
    }
}

impl Subscriptions {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// One subscription; `None` where Paddle knows none of this id.
    ///
    /// # Errors
    ///
    /// As every call. It needs the permission `subscription.read`.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn get(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Error> {
        self.0.find(path(&["subscriptions", id.as_str()])?, Query::default()).await
    }

    /// Subscriptions that the filter lets through, the oldest first.
    pub fn list(&self, filter: &SubscriptionFilter) -> Pages<Subscription> {
        let mut query = Query::default();
        query.push_list("customer_id", &filter.customers);
        let statuses: Vec<_> = filter.statuses.iter().map(SubscriptionStatus::as_str).collect();
        query.push_list("status", &statuses);
        let query = query.with("order_by", "id[ASC]").with("per_page", PAGE);
        Pages::new(self.0.clone(), "/subscriptions", query, entity)
    }
}
