//! Transactions, their invoices and checkout links.

use paddle_webhook::{CustomerId, Transaction, TransactionId};
use serde_json::json;
use time::OffsetDateTime;

use super::{
    client::Client,
    document::DocumentLink,
    error::{Error, Fate},
    page::{Pages, entity},
    query::{Query, path},
    transport::Method,
};

mod filter;
mod write;

pub use filter::{TransactionFilter, TransactionOrder};
pub use write::{NewTransaction, REQUEST_KEY, TransactionItemRequest, TransactionPatch};

/// Transactions: see [`Client::transactions`].
#[derive(Clone, Debug)]
pub struct Transactions(Client);

impl Transactions {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// One transaction; `None` where Paddle knows none of this id.
    ///
    /// # Errors
    ///
    /// As every call. It needs the permission `transaction.read`.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn get(&self, id: &TransactionId) -> Result<Option<Transaction>, Error> {
        self.0.find(path(&["transactions", id.as_str()])?, Query::default()).await
    }

    /// Transactions that the filter lets through, 30 a page, which is Paddle's most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](super::ErrorKind::InvalidRequest) when a time of the filter cannot be written.
    pub fn list(&self, filter: &TransactionFilter) -> Result<Pages<Transaction>, Error> {
        Ok(Pages::new(self.0.clone(), "/transactions", filter.to_query()?, entity))
    }

    /// Makes a transaction. It is `ready` when it has a customer and an address, else `draft`; either way its
    /// [`checkout`](Transaction::checkout) has the link to pay it at.
    ///
    /// # Errors
    ///
    /// [`Error::code`] says what Paddle does not take: `transaction_default_checkout_url_not_set` is mended in its
    /// dashboard. After [`Fate::Unknown`] the transaction may exist: Paddle has no idempotency keys, so look with
    /// [`find_by_key`](Self::find_by_key) before making another, or let [`create_once`](Self::create_once) do it.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future the transaction may exist.
    pub async fn create(&self, new: &NewTransaction) -> Result<Transaction, Error> {
        self.0.write(Method::Post, "/transactions".to_owned(), Some(new)).await
    }

    /// Makes a transaction unless there is one with its [`key`](NewTransaction::key), which is returned then. When the
    /// answer is lost, it looks again.
    ///
    /// `since` is when the key was first used, by our clock; five minutes earlier are looked at too. The caller makes
    /// the key durable before the call. Two calls with one key at the same time may make two.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](super::ErrorKind::InvalidRequest) when there is no key. Otherwise as
    /// [`create`](Self::create); after [`Fate::Unknown`] call again with the same key and `since`.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future the transaction may exist: call again with the same key and `since`.
    pub async fn create_once(
        &self,
        new: &NewTransaction,
        since: OffsetDateTime,
    ) -> Result<Transaction, Error> {
        let key = new
            .request_key()
            .ok_or_else(|| Error::invalid_request("the transaction has no key"))?;
        if let Some(found) = self.find_by_key(key, new.customer_id(), since).await? {
            return Ok(found);
        }
        let error = match self.create(new).await {
            Err(error) if error.fate() == Fate::Unknown => error,
            outcome => return outcome,
        };
        match self.find_by_key(key, new.customer_id(), since).await {
            Ok(Some(found)) => Ok(found),
            // What is not there yet may come: only the caller's next look can tell.
            Ok(None) | Err(_) => Err(error),
        }
    }

    /// The oldest transaction made since then that carries this key of ours in its `custom_data`.
    ///
    /// Paddle cannot filter by `custom_data`, so all that were made since are read: pass the customer where it is known,
    /// and the latest `since` that is safe. Five minutes are added for clocks that differ.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](super::ErrorKind::Decode) when one that may be it cannot be read. Otherwise as every call.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn find_by_key(
        &self,
        key: &str,
        customer: Option<&CustomerId>,
        since: OffsetDateTime,
    ) -> Result<Option<Transaction>, Error> {
        let since = since.saturating_sub(CLOCKS_DIFFER);
        let mut filter =
            TransactionFilter::new().created_from(since).order(TransactionOrder::CreatedAt);
        if let Some(customer) = customer {
            filter = filter.customer(customer);
        }
        let mut pages = self.list(&filter)?;
        while let Some(page) = pages.next().await? {
            for item in page {
                match item {
                    Ok(transaction)
                        if transaction.custom_data.text(REQUEST_KEY).as_deref() == Some(key) =>
                    {
                        return Ok(Some(transaction));
                    }
                    Err(unread) if unread.raw().contains(key) => return Err(Error::decode(unread)),
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    /// Revises a transaction that is `draft` or `ready`.
    ///
    /// # Errors
    ///
    /// `transaction_immutable` as [`Error::code`] when it is past that. Otherwise as every call.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future it may be revised; to send the same again does no harm.
    pub async fn update(
        &self,
        id: &TransactionId,
        patch: &TransactionPatch,
    ) -> Result<Transaction, Error> {
        self.0.write(Method::Patch, path(&["transactions", id.as_str()])?, Some(patch)).await
    }

    /// Cancels a transaction that is not paid: `draft`, `ready` or `billed`.
    ///
    /// # Errors
    ///
    /// `transaction_immutable` or `transaction_invalid_status_change` as [`Error::code`] when it is too late, or done
    /// already. Otherwise as every call.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future it may be canceled; [`get`](Self::get) tells.
    pub async fn cancel(&self, id: &TransactionId) -> Result<Transaction, Error> {
        let body = json!({"status": "canceled"});
        self.0.write(Method::Patch, path(&["transactions", id.as_str()])?, Some(&body)).await
    }

    /// Where the PDF of its invoice can be fetched within the next hour; do not keep it.
    ///
    /// There is one once the transaction is `completed` (`billed` where it is collected manually), and none ever for a
    /// total of zero.
    ///
    /// # Errors
    ///
    /// [`Error::code`] says why there is none. Otherwise as every call.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn invoice_pdf(&self, id: &TransactionId) -> Result<DocumentLink, Error> {
        let path = path(&["transactions", id.as_str(), "invoice"])?;
        self.0.get(path, Query::default()).await
    }
}

/// Paddle stamps `created_at` by its clock, and we `since` by ours.
const CLOCKS_DIFFER: time::Duration = time::Duration::minutes(5);
