//! What is sent to make and to revise transactions.

use std::{collections::BTreeMap, fmt};

use paddle_webhook::{AddressId, BusinessId, Currency, CustomerId, DiscountId, PriceId};
use serde::Serialize;

/// The name in `custom_data` under which a request is recognised again: see [`NewTransaction::key`].
pub const REQUEST_KEY: &str = "request_key";

/// A transaction to make: automatic collection, items of the catalog.
///
/// ```
/// use paddle_kommo_sync::paddle::{NewTransaction, TransactionItemRequest};
///
/// let seats = TransactionItemRequest::new("pri_01example".into(), 10);
/// let new = NewTransaction::new([seats])
///     .custom_data("kommo_lead_id", "20024930")
///     .key("lead-20024930-1");
/// ```
#[derive(Clone, Serialize)]
#[must_use]
pub struct NewTransaction {
    items: Vec<TransactionItemRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<CustomerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_id: Option<AddressId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_id: Option<BusinessId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_id: Option<DiscountId>,
    collection_mode: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_data: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkout: Option<CheckoutPage>,
}

#[derive(Clone, Serialize)]
struct CheckoutPage {
    url: String,
}

impl NewTransaction {
    /// A transaction of these items.
    pub fn new(items: impl IntoIterator<Item = TransactionItemRequest>) -> Self {
        Self {
            items: items.into_iter().collect(),
            customer_id: None,
            address_id: None,
            business_id: None,
            currency_code: None,
            discount_id: None,
            collection_mode: "automatic",
            custom_data: BTreeMap::new(),
            checkout: None,
        }
    }

    /// Who buys. Without one, the checkout asks.
    pub fn customer(mut self, id: CustomerId) -> Self {
        self.customer_id = Some(id);
        self
    }

    /// Where they live; it needs a customer.
    pub fn address(mut self, id: AddressId) -> Self {
        self.address_id = Some(id);
        self
    }

    /// The business they buy for; it needs a customer.
    pub fn business(mut self, id: BusinessId) -> Self {
        self.business_id = Some(id);
        self
    }

    /// The currency. Without one, Paddle chooses by the customer's country.
    pub fn currency(mut self, currency: Currency) -> Self {
        self.currency_code = Some(currency.code().to_owned());
        self
    }

    /// A discount.
    pub fn discount(mut self, id: DiscountId) -> Self {
        self.discount_id = Some(id);
        self
    }

    /// A line of `custom_data`. Its value is text, also where it is a number: Paddle refuses large ones. Renewals inherit
    /// it (developer.paddle.com, "Custom data").
    pub fn custom_data(mut self, name: &str, value: &str) -> Self {
        self.custom_data.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A text of ours, unique to this wish, by which [`create_once`](super::Transactions::create_once) recognises it. It
    /// is written to `custom_data` as [`REQUEST_KEY`].
    pub fn key(self, key: &str) -> Self {
        self.custom_data(REQUEST_KEY, key)
    }

    /// The page to pay at, instead of the account's default payment link. Paddle has to have approved its domain.
    pub fn checkout_url(mut self, url: &str) -> Self {
        self.checkout = Some(CheckoutPage { url: url.to_owned() });
        self
    }

    pub(super) fn request_key(&self) -> Option<&str> {
        self.custom_data.get(REQUEST_KEY).map(String::as_str).filter(|key| !key.is_empty())
    }

    pub(super) fn customer_id(&self) -> Option<&CustomerId> {
        self.customer_id.as_ref()
    }
}

impl fmt::Debug for NewTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTransaction")
            .field("items", &self.items)
            .field("customer_id", &self.customer_id)
            .finish_non_exhaustive()
    }
}

/// An item of the catalog to buy.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[must_use]
pub struct TransactionItemRequest {
    price_id: PriceId,
    quantity: u32,
}

impl TransactionItemRequest {
    /// So many of this price.
    pub fn new(price: PriceId, quantity: u32) -> Self {
        Self { price_id: price, quantity }
    }
}

/// Changes to a transaction that is not paid. What is not named stays.
#[derive(Clone, Default, Serialize)]
#[must_use]
pub struct TransactionPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<TransactionItemRequest>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<CustomerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_id: Option<AddressId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discount_id: Option<Option<DiscountId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_data: Option<BTreeMap<String, String>>,
}

impl TransactionPatch {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// These items instead of those it has.
    pub fn items(mut self, items: impl IntoIterator<Item = TransactionItemRequest>) -> Self {
        self.items = Some(items.into_iter().collect());
        self
    }

    /// Who buys.
    pub fn customer(mut self, id: CustomerId) -> Self {
        self.customer_id = Some(id);
        self
    }

    /// Where they live.
    pub fn address(mut self, id: AddressId) -> Self {
        self.address_id = Some(id);
        self
    }

    /// A discount, or none instead of that it has.
    pub fn discount(mut self, id: Option<DiscountId>) -> Self {
        self.discount_id = Some(id);
        self
    }

    /// A line of the new `custom_data`, which takes the place of all that was there, the key included.
    pub fn custom_data(mut self, name: &str, value: &str) -> Self {
        let lines = self.custom_data.get_or_insert_default();
        lines.insert(name.to_owned(), value.to_owned());
        self
    }
}

impl fmt::Debug for TransactionPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionPatch").field("items", &self.items).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_named_is_not_sent() {
        let item = || TransactionItemRequest::new("pri_1".into(), 2);
        let items = json!([{"price_id": "pri_1", "quantity": 2}]);
        let new = serde_json::to_value(NewTransaction::new([item()])).unwrap();
        assert_eq!(new, json!({"items": items, "collection_mode": "automatic"}));
        let new = NewTransaction::new([item()])
            .customer("ctm_1".into())
            .currency(Currency::new("EUR").unwrap())
            .custom_data("kommo_lead_id", "7")
            .key("k")
            .checkout_url("https://pay.example");
        assert_eq!(
            serde_json::to_value(&new).unwrap(),
            json!({
                "items": items,
                "customer_id": "ctm_1",
                "currency_code": "EUR",
                "collection_mode": "automatic",
                "custom_data": {"kommo_lead_id": "7", "request_key": "k"},
                "checkout": {"url": "https://pay.example"},
            })
        );
        let patch = |patch: TransactionPatch| serde_json::to_value(patch).unwrap();
        assert_eq!(patch(TransactionPatch::new()), json!({}));
        assert_eq!(
            patch(TransactionPatch::new().items([item()]).discount(None)),
            json!({"items": items, "discount_id": null})
        );
    }
}
