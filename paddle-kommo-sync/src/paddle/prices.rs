//! Prices.

use paddle_webhook::{Price, PriceId, ProductId};

use super::{
    client::Client,
    customers::PAGE,
    error::Error,
    page::{Pages, entity},
    query::{Query, path},
};

/// Prices: see [`Client::prices`].
#[derive(Clone, Debug)]
pub struct Prices(Client);

impl Prices {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// One price; `None` where Paddle knows none of this id.
    ///
    /// # Errors
    ///
    /// As every call. It needs the permission `price.read`.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn get(&self, id: &PriceId) -> Result<Option<Price>, Error> {
        self.0.find(path(&["prices", id.as_str()])?, Query::default()).await
    }

    /// The active prices of the catalog, of one product or of all.
    pub fn list(&self, product: Option<&ProductId>) -> Pages<Price> {
        let mut query = Query::default();
        if let Some(product) = product {
            query.push("product_id", product.as_str());
        }
        let query = query.with("order_by", "id[ASC]").with("per_page", PAGE);
        Pages::new(self.0.clone(), "/prices", query, entity)
    }
}
