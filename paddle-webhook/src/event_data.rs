//! What events of different types have in common.

use time::OffsetDateTime;

use crate::{CustomData, CustomerId, EventData, SubscriptionId, TransactionId};

impl EventData {
    /// What the seller attached to the entity. `None` for entities that have no such field, and for none attached.
    ///
    /// Trap: adjustments have none; theirs is that of their transaction.
    #[must_use]
    pub fn custom_data(&self) -> Option<&CustomData> {
        None.or_else(|| self.transaction().map(|transaction| &transaction.custom_data))
            .or_else(|| self.subscription().map(|subscription| &subscription.custom_data))
            .or_else(|| self.customer().map(|customer| &customer.custom_data))
            .or_else(|| self.address().map(|address| &address.custom_data))
            .or_else(|| self.business().map(|business| &business.custom_data))
            .or_else(|| self.discount().map(|discount| &discount.custom_data))
            .or_else(|| self.price().map(|price| &price.custom_data))
            .or_else(|| self.product().map(|product| &product.custom_data))
            .filter(|custom_data| !custom_data.is_null())
    }

    /// The customer it is about.
    #[must_use]
    pub fn customer_id(&self) -> Option<&CustomerId> {
        None.or_else(|| self.customer().map(|customer| &customer.id))
            .or_else(|| self.transaction()?.customer_id.as_ref())
            .or_else(|| self.subscription()?.customer_id.as_ref())
            .or_else(|| self.adjustment()?.customer_id.as_ref())
            .or_else(|| self.address()?.customer_id.as_ref())
            .or_else(|| self.business()?.customer_id.as_ref())
            .or_else(|| self.payment_method()?.customer_id.as_ref())
    }

    /// The subscription it is about.
    ///
    /// Trap: of a first payment it may be missing until the transaction is completed.
    #[must_use]
    pub fn subscription_id(&self) -> Option<&SubscriptionId> {
        None.or_else(|| self.subscription().map(|subscription| &subscription.id))
            .or_else(|| self.transaction()?.subscription_id.as_ref())
            .or_else(|| self.adjustment()?.subscription_id.as_ref())
    }

    /// The transaction it is about: itself, the one that an adjustment adjusts, or the one that made a subscription.
    ///
    /// Trap: of subscription events only `subscription.created` has it.
    #[must_use]
    pub fn transaction_id(&self) -> Option<&TransactionId> {
        None.or_else(|| self.transaction().map(|transaction| &transaction.id))
            .or_else(|| self.adjustment()?.transaction_id.as_ref())
            .or_else(|| self.subscription()?.transaction_id.as_ref())
    }

    /// When the entity last changed: what decides between two events of one instant.
    #[must_use]
    pub fn updated_at(&self) -> Option<OffsetDateTime> {
        None.or_else(|| self.transaction()?.updated_at)
            .or_else(|| self.subscription()?.updated_at)
            .or_else(|| self.adjustment()?.updated_at)
            .or_else(|| self.customer()?.updated_at)
            .or_else(|| self.address()?.updated_at)
            .or_else(|| self.business()?.updated_at)
            .or_else(|| self.discount()?.updated_at)
            .or_else(|| self.discount_group()?.updated_at)
            .or_else(|| self.price()?.updated_at)
            .or_else(|| self.product()?.updated_at)
            .or_else(|| self.payment_method()?.updated_at)
            .or_else(|| self.report()?.updated_at)
            .or_else(|| self.api_key()?.updated_at)
            .or_else(|| self.client_token()?.updated_at)
    }
}
