//! What Paddle's entities say now, as the events that it does not tell any more.

use std::error::Error as StdError;

use paddle_webhook::{Adjustment, Event, Subscription, Transaction};

use super::{
    client::Client,
    error::Error,
    page::{Pages, entity},
    query::Query,
    transactions::TransactionFilter,
};
use crate::history;

/// The most Paddle gives in one page of adjustments, and of subscriptions.
const ADJUSTMENTS: &str = "50";
const SUBSCRIPTIONS: &str = "200";

type Made = Result<Event, Box<dyn StdError + Send + Sync>>;

/// Transactions, adjustments and subscriptions as events.
#[derive(Clone, Debug)]
pub(crate) struct History(Client);

impl History {
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    /// Transactions that the filter lets through, which must all be completed, as `transaction.completed`.
    ///
    /// # Errors
    ///
    /// When a time of the filter cannot be written.
    pub(crate) fn transactions(&self, filter: &TransactionFilter) -> Result<Pages<Event>, Error> {
        Ok(Pages::new(self.0.clone(), "/transactions", filter.to_query()?, |client, raw| {
            let transaction: Transaction = entity(client, raw)?;
            made(client, history::completed(&transaction, raw))
        }))
    }

    /// Adjustments that are approved, or were, the newest first: as `adjustment.updated`. Paddle's list has no filter by
    /// time, so whoever reads it stops where it goes back far enough.
    pub(crate) fn adjustments(&self) -> Pages<Event> {
        let query = Query::default()
            .with("status", "approved,reversed")
            .with("order_by", "id[DESC]")
            .with("per_page", ADJUSTMENTS);
        Pages::new(self.0.clone(), "/adjustments", query, |client, raw| {
            let adjustment: Adjustment = entity(client, raw)?;
            made(client, history::approved(&adjustment, raw))
        })
    }

    /// All subscriptions, the oldest first, as `subscription.updated`.
    pub(crate) fn subscriptions(&self, after: Option<&str>) -> Pages<Event> {
        let mut query = Query::default();
        if let Some(after) = after {
            query.push("after", after);
        }
        let query = query.with("order_by", "id[ASC]").with("per_page", SUBSCRIPTIONS);
        Pages::new(self.0.clone(), "/subscriptions", query, |client, raw| {
            let subscription: Subscription = entity(client, raw)?;
            made(client, history::state(&subscription, raw))
        })
    }
}

fn made(client: &Client, body: Option<String>) -> Made {
    let body = body.ok_or("it does not say when it happened")?;
    Ok(Event::from_trusted(body.as_bytes(), client.environment())?)
}
