//! Refunds, credits and chargebacks.

use paddle_webhook::{Adjustment, AdjustmentId, TransactionId};

use super::{
    client::Client,
    document::DocumentLink,
    error::Error,
    page::{Pages, entity},
    query::{Query, path},
};

/// The most Paddle gives in one page of adjustments.
const PAGE: &str = "50";

/// Refunds, credits and chargebacks: see [`Client::adjustments`].
#[derive(Clone, Debug)]
pub struct Adjustments(Client);

impl Adjustments {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// One adjustment; `None` where Paddle knows none of this id. (Paddle has no path for one: it is a list of one.)
    ///
    /// # Errors
    ///
    /// As every call. It needs the permission `adjustment.read`.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn get(&self, id: &AdjustmentId) -> Result<Option<Adjustment>, Error> {
        let query = Query::default().with("id", id.as_str());
        match self.pages(query).all().await?.into_iter().next() {
            Some(Ok(adjustment)) if adjustment.id == *id => Ok(Some(adjustment)),
            Some(Ok(_)) => Err(Error::decode("another adjustment came than was asked for")),
            Some(Err(unread)) => Err(Error::decode(unread)),
            None => Ok(None),
        }
    }

    /// The adjustments of one transaction, the oldest first.
    pub fn of_transaction(&self, id: &TransactionId) -> Pages<Adjustment> {
        self.pages(Query::default().with("transaction_id", id.as_str()))
    }

    /// All adjustments, the oldest first.
    pub fn list(&self) -> Pages<Adjustment> {
        self.pages(Query::default())
    }

    fn pages(&self, query: Query) -> Pages<Adjustment> {
        let query = query.with("order_by", "id[ASC]").with("per_page", PAGE);
        Pages::new(self.0.clone(), "/adjustments", query, entity)
    }

    /// Where the PDF of its credit note can be fetched within the next hour; do not keep it.
    ///
    /// # Errors
    ///
    /// [`Error::code`] says why there is none. Otherwise as every call.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn credit_note_pdf(&self, id: &AdjustmentId) -> Result<DocumentLink, Error> {
        let path = path(&["adjustments", id.as_str(), "credit-note"])?;
        self.0.get(path, Query::default()).await
    }
}
