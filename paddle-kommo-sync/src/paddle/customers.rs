//! Customers.

use paddle_webhook::{Customer, CustomerId};

use super::{
    client::Client,
    error::Error,
    page::{Pages, Unread, entity},
    query::{Query, path},
};

/// The most Paddle gives in one page of most lists.
pub(super) const PAGE: &str = "200";

/// Customers: see [`Client::customers`].
#[derive(Clone, Debug)]
pub struct Customers(Client);

impl Customers {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// One customer; `None` where Paddle knows none of this id.
    ///
    /// # Errors
    ///
    /// As every call. It needs the permission `customer.read`.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn get(&self, id: &CustomerId) -> Result<Option<Customer>, Error> {
        self.0.find(path(&["customers", id.as_str()])?, Query::default()).await
    }

    /// The customers with exactly this e-mail address, archived ones included; no two active ones share one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](super::ErrorKind::InvalidRequest) for an address with a comma, which Paddle would take
    /// for several. Otherwise as every call.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn find_by_email(&self, email: &str) -> Result<Vec<Result<Customer, Unread>>, Error> {
        if email.is_empty() || email.contains(',') {
            return Err(Error::invalid_request("that is not one e-mail address"));
        }
        let query = Query::default()
            .with("email", email)
            .with("status", "active,archived")
            .with("per_page", PAGE);
        Pages::new(self.0.clone(), "/customers", query, entity).all().await
    }

    /// Active customers whose id, name or e-mail address matches the text.
    pub fn search(&self, text: &str) -> Pages<Customer> {
        let query = Query::default().with("search", text).with("per_page", PAGE);
        Pages::new(self.0.clone(), "/customers", query, entity)
    }
}
