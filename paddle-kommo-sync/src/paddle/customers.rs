//! Customers.

use std::fmt;

use paddle_webhook::{Customer, CustomerId};
use serde::Serialize;

use super::{
    client::Client,
    error::Error,
    page::{Pages, Unread, entity},
    query::{Query, path},
    transport::Method,
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

    /// Makes a customer. A page that Paddle opens for them is filled in with what is known.
    ///
    /// # Errors
    ///
    /// `customer_already_exists` as [`Error::code`] when an active one has this address: look with
    /// [`find_by_email`](Self::find_by_email), also after [`Fate::Unknown`](super::Fate::Unknown).
    /// `customer_email_invalid` and `customer_email_domain_not_allowed` for an address that Paddle does not take. It needs
    /// the permission `customer.write`.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future the customer may exist.
    pub async fn create(&self, new: &NewCustomer) -> Result<Customer, Error> {
        self.0.write(Method::Post, "/customers".to_owned(), Some(new)).await
    }

    /// Active customers whose id, name or e-mail address matches the text.
    pub fn search(&self, text: &str) -> Pages<Customer> {
        let query = Query::default().with("search", text).with("per_page", PAGE);
        Pages::new(self.0.clone(), "/customers", query, entity)
    }
}

/// A customer to make.
#[derive(Clone, Serialize)]
#[must_use]
pub struct NewCustomer {
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl NewCustomer {
    /// A customer with this e-mail address.
    pub fn new(email: &str) -> Self {
        Self { email: email.to_owned(), name: None }
    }

    /// Their name.
    pub fn name(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

impl fmt::Debug for NewCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewCustomer([redacted])")
    }
}
