use crate::{
    Address, Adjustment, ApiKey, ApiKeyExposure, Business, ClientToken, Customer, DataError,
    Discount, DiscountGroup, Event, PaymentMethod, Payout, Price, Product, Report, Subscription,
    Transaction, UnknownEvent, open_enum::open_enum,
};

/// Everything that depends on the list of event types comes from this one table: the types, the typed data, and
/// which data belongs to which type.
macro_rules! events {
    (
        typed {
            $(
                $(#[$entity_meta:meta])*
                $accessor:ident: $entity:ident {
                    $( $(#[$meta:meta])* $variant:ident = $wire:literal, )+
                }
            )+
        }
        untyped {
            $( $(#[$untyped_meta:meta])* $untyped:ident = $untyped_wire:literal, )+
        }
    ) => {
        open_enum! {
            /// What happened: `entity.action`.
            pub enum EventType {
                $( $( $(#[$meta])* $variant = $wire, )+ )+
                $( $(#[$untyped_meta])* $untyped = $untyped_wire, )+
            }
        }

        impl EventType {
            /// Every type this version has a name for.
            pub const NAMED: &[Self] = &[
                $( $( Self::$variant, )+ )+
                $( Self::$untyped, )+
            ];
        }

        /// The `data` of an event, as its type says.
        #[non_exhaustive]
        #[derive(Clone, Debug)]
        pub enum EventData {
            $( $(
                #[doc = concat!("Data of [`EventType::", stringify!($variant), "`].")]
                $variant(Box<$entity>),
            )+ )+
            /// Data of a type that has no entity in this version: new ones, and those that Paddle documents
            /// without their payload.
            Unknown(UnknownEvent),
        }

        impl EventData {
            pub(crate) fn of(event: &Event) -> Result<Self, DataError> {
                Ok(match event.event_type() {
                    $( $( EventType::$variant => Self::$variant(event.typed()?), )+ )+
                    _ => Self::Unknown(event.unknown()),
                })
            }

            $(
                $(#[$entity_meta])*
                #[must_use]
                pub fn $accessor(&self) -> Option<&$entity> {
                    match self {
                        $( Self::$variant(entity) )|+ => Some(entity),
                        _ => None,
                    }
                }
            )+
        }
    };
}

events! {
    typed {
        /// The address, if the event is about one.
        address: Address {
            /// An address was made, often at checkout.
            AddressCreated = "address.created",
            /// An address came from another platform.
            AddressImported = "address.imported",
            /// An address changed.
            AddressUpdated = "address.updated",
        }
        /// The adjustment, if the event is about one.
        adjustment: Adjustment {
            /// A refund, credit or chargeback was recorded. A refund mostly still waits for approval.
            AdjustmentCreated = "adjustment.created",
            /// The status of an adjustment changed: a refund was approved or rejected.
            AdjustmentUpdated = "adjustment.updated",
        }
        /// The API key, if the event is about one.
        api_key: ApiKey {
            /// An API key was made.
            ApiKeyCreated = "api_key.created",
            /// An API key expired.
            ApiKeyExpired = "api_key.expired",
            /// An API key expires in seven days.
            ApiKeyExpiring = "api_key.expiring",
            /// An API key was revoked.
            ApiKeyRevoked = "api_key.revoked",
            /// An API key changed.
            ApiKeyUpdated = "api_key.updated",
        }
        /// The report of an exposed API key, if the event is one.
        api_key_exposure: ApiKeyExposure {
            /// An API key was found in a public place.
            ApiKeyExposureCreated = "api_key_exposure.created",
        }
        /// The business, if the event is about one.
        business: Business {
            /// A business was made.
            BusinessCreated = "business.created",
            /// A business came from another platform.
            BusinessImported = "business.imported",
            /// A business changed.
            BusinessUpdated = "business.updated",
        }
        /// The client-side token, if the event is about one.
        client_token: ClientToken {
            /// A client-side token was made.
            ClientTokenCreated = "client_token.created",
            /// A client-side token was revoked.
            ClientTokenRevoked = "client_token.revoked",
            /// A client-side token changed.
            ClientTokenUpdated = "client_token.updated",
        }
        /// The customer, if the event is about one.
        customer: Customer {
            /// A customer was made, often at checkout.
            CustomerCreated = "customer.created",
            /// A customer came from another platform.
            CustomerImported = "customer.imported",
            /// A customer changed.
            CustomerUpdated = "customer.updated",
        }
        /// The discount, if the event is about one.
        discount: Discount {
            /// A discount was made.
            DiscountCreated = "discount.created",
            /// A discount came from another platform.
            DiscountImported = "discount.imported",
            /// A discount changed.
            DiscountUpdated = "discount.updated",
        }
        /// The discount group, if the event is about one.
        discount_group: DiscountGroup {
            /// A discount group was made.
            DiscountGroupCreated = "discount_group.created",
            /// A discount group changed.
            DiscountGroupUpdated = "discount_group.updated",
        }
        /// The payment method, if the event is about one.
        payment_method: PaymentMethod {
            /// A customer's saved payment method was deleted.
            PaymentMethodDeleted = "payment_method.deleted",
            /// A customer saved a payment method.
            PaymentMethodSaved = "payment_method.saved",
        }
        /// The payout, if the event is about one.
        payout: Payout {
            /// A payout to the seller was started.
            PayoutCreated = "payout.created",
            /// A payout was sent, usually the working day before the money lands.
            PayoutPaid = "payout.paid",
        }
        /// The price, if the event is about one.
        price: Price {
            /// A price was made.
            PriceCreated = "price.created",
            /// A price came from another platform.
            PriceImported = "price.imported",
            /// A price changed.
            PriceUpdated = "price.updated",
        }
        /// The product, if the event is about one.
        product: Product {
            /// A product was made.
            ProductCreated = "product.created",
            /// A product came from another platform.
            ProductImported = "product.imported",
            /// A product changed.
            ProductUpdated = "product.updated",
        }
        /// The report, if the event is about one.
        report: Report {
            /// A report was asked for.
            ReportCreated = "report.created",
            /// A report is ready, failed or expired.
            ReportUpdated = "report.updated",
        }
        /// The subscription, if the event is about one.
        subscription: Subscription {
            /// The first billing succeeded, or a trial ended with a payment.
            SubscriptionActivated = "subscription.activated",
            /// It has ended. A customer's click on "cancel" is mostly only
            /// [`SubscriptionUpdated`](Self::SubscriptionUpdated) with a scheduled change.
            SubscriptionCanceled = "subscription.canceled",
            /// It was made; the data has the `transaction_id` that caused it.
            SubscriptionCreated = "subscription.created",
            /// It came from another platform.
            SubscriptionImported = "subscription.imported",
            /// A payment failed, or the terms of an invoice elapsed.
            SubscriptionPastDue = "subscription.past_due",
            /// A pause took effect.
            SubscriptionPaused = "subscription.paused",
            /// A pause ended, and it was billed at once.
            SubscriptionResumed = "subscription.resumed",
            /// A trial started.
            SubscriptionTrialing = "subscription.trialing",
            /// Anything changed: renewals, items, scheduled changes.
            SubscriptionUpdated = "subscription.updated",
        }
        /// The transaction, if the event is about one.
        transaction: Transaction {
            /// An invoice was issued. Its number follows in [`TransactionUpdated`](Self::TransactionUpdated).
            TransactionBilled = "transaction.billed",
            /// It was canceled.
            TransactionCanceled = "transaction.canceled",
            /// Paid, and processed to the end: fees, payout figures, subscription and invoice are known. The one
            /// event that means a sale.
            TransactionCompleted = "transaction.completed",
            /// It was made, also when somebody only opened a checkout.
            TransactionCreated = "transaction.created",
            /// The money is captured, but processing goes on: subscription and invoice may still be missing.
            TransactionPaid = "transaction.paid",
            /// A renewal's payment failed, or the terms of an invoice elapsed.
            TransactionPastDue = "transaction.past_due",
            /// An attempt to pay failed. The customer may try again in the same transaction.
            TransactionPaymentFailed = "transaction.payment_failed",
            /// It has items, customer and address.
            TransactionReady = "transaction.ready",
            /// Customer details of a billed or completed transaction were corrected.
            TransactionRevised = "transaction.revised",
            /// Anything changed, often just before or after an event of its own.
            TransactionUpdated = "transaction.updated",
        }
    }
    untyped {
        /// Documented without its payload.
        FlowSessionAbandoned = "flow_session.abandoned",
        /// Documented without its payload.
        FlowSessionCompleted = "flow_session.completed",
        /// Documented without its payload.
        FlowSessionCreated = "flow_session.created",
        /// Documented without its payload.
        FunnelSessionAbandoned = "funnel_session.abandoned",
        /// Documented without its payload.
        FunnelSessionCompleted = "funnel_session.completed",
        /// Documented without its payload.
        FunnelSessionCreated = "funnel_session.created",
        /// Documented without its payload; once an event of the old Invoice API.
        InvoiceCanceled = "invoice.canceled",
        /// An event of the old Invoice API.
        InvoiceCreated = "invoice.created",
        /// Documented without its payload; once an event of the old Invoice API.
        InvoiceIssued = "invoice.issued",
        /// Documented without its payload; once an event of the old Invoice API.
        InvoiceOverdue = "invoice.overdue",
        /// Documented without its payload; once an event of the old Invoice API.
        InvoicePaid = "invoice.paid",
        /// An event of the old Invoice API.
        InvoiceScheduled = "invoice.scheduled",
        /// Documented without its payload (early access).
        ProductCollectionCreated = "product_collection.created",
        /// Documented without its payload (early access).
        ProductCollectionUpdated = "product_collection.updated",
    }
}
