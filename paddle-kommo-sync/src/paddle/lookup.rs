//! What the link ladder asks Paddle.

use std::fmt::Debug;

use async_trait::async_trait;
use paddle_webhook::{CustomData, CustomerId, SubscriptionId, TransactionId};

use super::{
    client::Client,
    error::{Error, ErrorKind},
};
use crate::{error::LookupError, link::CustomerLookup};

/// Tells what a transaction says about its deal. Adjustments carry nothing but the transaction's id.
///
/// It is asked when an adjustment belongs to a transaction that was never seen. [`Client`] asks Paddle.
///
/// # Cancel safety
///
/// The future may be dropped at any point.
#[async_trait]
pub trait TransactionLookup: Debug + Send + Sync + 'static {
    /// What the transaction says, or none when Paddle does not know it.
    ///
    /// # Errors
    ///
    /// When it cannot be told now; the event waits and asks again.
    async fn transaction(
        &self,
        id: &TransactionId,
    ) -> Result<Option<TransactionReferences>, LookupError>;
}

/// What a transaction says about whose it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct TransactionReferences {
    /// What the seller attached.
    pub custom_data: CustomData,
    /// Its subscription.
    pub subscription_id: Option<SubscriptionId>,
    /// Its customer.
    pub customer_id: Option<CustomerId>,
}

#[async_trait]
impl CustomerLookup for Client {
    async fn email(&self, customer: &CustomerId) -> Result<Option<String>, LookupError> {
        let found = known(self.customers().get(customer).await)?;
        Ok(found.and_then(|customer| customer.email).filter(|email| !email.is_empty()))
    }
}

#[async_trait]
impl TransactionLookup for Client {
    async fn transaction(
        &self,
        id: &TransactionId,
    ) -> Result<Option<TransactionReferences>, LookupError> {
        let found = known(self.transactions().get(id).await)?;
        Ok(found.map(|transaction| TransactionReferences {
            custom_data: transaction.custom_data,
            subscription_id: transaction.subscription_id,
            customer_id: transaction.customer_id,
        }))
    }
}

/// An id that Paddle refuses, or that cannot be one, is known to nobody: asking again would not mend it.
fn known<T>(outcome: Result<Option<T>, Error>) -> Result<Option<T>, LookupError> {
    match outcome {
        Ok(found) => Ok(found),
        Err(error) if matches!(error.kind(), ErrorKind::InvalidRequest | ErrorKind::Refused) => {
            Ok(None)
        }
        Err(error) => Err(LookupError::new(error)),
    }
}
