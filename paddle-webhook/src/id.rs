//! Ids are opaque: no prefix is checked, because the simulator and the examples of Paddle's OpenAPI file use
//! other prefixes than deliveries do.

use crate::small_text::SmallText;

macro_rules! ids {
    ($( $(#[$meta:meta])* $name:ident, )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(SmallText);

        impl $name {
            /// The text as Paddle writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(SmallText::from(text))
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.as_str() == text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                self.as_str() == *text
            }
        }

        impl serde_core::Serialize for $name {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde_core::Deserialize<'de> for $name {
            fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                SmallText::deserialize(deserializer).map(Self)
            }
        }

        impl $crate::wire::Plain for $name {}
    )+ };
}

ids! {
    /// Id of an address (`add_`).
    AddressId,
    /// Id of an adjustment (`adj_`).
    AdjustmentId,
    /// Id of an item of an adjustment (`adjitm_`).
    AdjustmentItemId,
    /// Id of an API key (`apikey_`); not the key.
    ApiKeyId,
    /// Id of a report that an API key was found in public (`apkexp_`).
    ApiKeyExposureId,
    /// Id of a business (`biz_`).
    BusinessId,
    /// Id of a client-side token (`ctkn_`); not the token.
    ClientTokenId,
    /// A country, by its ISO 3166-1 alpha-2 code; any text, as Paddle sends it.
    CountryCode,
    /// Id of a customer (`ctm_`).
    CustomerId,
    /// Id of a discount (`dsc_`).
    DiscountId,
    /// Id of a discount group (`dsg_`).
    DiscountGroupId,
    /// Id of an event (`evt_`; `ntfsimevt_` from the simulator). The one id to deduplicate on: retries and
    /// replays keep it.
    EventId,
    /// Id of an invoice (`inv_`). Legacy: people know the invoice by its number.
    InvoiceId,
    /// Id of a notification (`ntf_`; `ntfsimntf_` from the simulator): one event on its way to one destination.
    /// A replay makes a new one for the same event, so it is not what to deduplicate on.
    NotificationId,
    /// Id of a payment attempt (a UUID).
    PaymentAttemptId,
    /// Id of a saved payment method (`paymtd_`).
    PaymentMethodId,
    /// Id of a payout (`pay_` or `payout_`).
    PayoutId,
    /// Id of a price (`pri_`).
    PriceId,
    /// Id of a product (`pro_`).
    ProductId,
    /// Id of a report (`rep_`).
    ReportId,
    /// Id of a stored payment method in Paddle's older numbering (a UUID, deprecated).
    StoredPaymentMethodId,
    /// Id of a subscription (`sub_`).
    SubscriptionId,
    /// Id of a transaction (`txn_`).
    TransactionId,
    /// Id of an item of a transaction (`txnitm_`), which a refund names.
    TransactionItemId,
}

#[cfg(test)]
mod tests {
    use super::TransactionId;

    #[test]
    fn an_id_reads_writes_and_prints_as_its_text() {
        let id = TransactionId::from("txn_01");
        assert_eq!(id.as_str(), "txn_01");
        assert_eq!(id.to_string(), "txn_01");
        assert_eq!(format!("{id:?}"), "TransactionId(\"txn_01\")");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"txn_01\"");
        assert_eq!(serde_json::from_str::<TransactionId>("\"txn\\u005f01\"").unwrap(), id);
        assert!(serde_json::from_str::<TransactionId>("7").is_err());
    }
}
