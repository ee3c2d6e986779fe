//! The Paddle customer of a deal's contact.

use paddle_webhook::{Customer, CustomerId};

use super::asked::Buyer;
use crate::paddle::{Client, Error, ErrorKind, NewCustomer};

/// Finds the customer with the buyer's address, or makes one. None where Paddle does not take the address: the checkout
/// asks for another then, and nobody is kept from paying.
pub(crate) async fn customer(paddle: &Client, buyer: &Buyer) -> Result<Option<CustomerId>, Error> {
    match find(paddle, &buyer.email).await {
        Ok(None) => {}
        Ok(found) => return Ok(found),
        Err(error) if is_refused(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut new = NewCustomer::new(&buyer.email);
    if let Some(name) = &buyer.name {
        new = new.name(name);
    }
    match paddle.customers().create(&new).await {
        Ok(customer) => Ok(Some(customer.id)),
        // Somebody else was faster.
        Err(error) if error.code() == Some("customer_already_exists") => {
            find(paddle, &buyer.email).await
        }
        Err(error) if is_refused(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The active customer with this address: no two share one.
async fn find(paddle: &Client, email: &str) -> Result<Option<CustomerId>, Error> {
    let found = paddle.customers().find_by_email(email).await?;
    let is_active = |customer: &Customer| customer.status.as_str() == "active";
    Ok(found.into_iter().flatten().find(is_active).map(|customer| customer.id))
}

fn is_refused(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::InvalidRequest => true,
        ErrorKind::Refused => error.code().is_none_or(|code| {
            code.starts_with("customer_email_") || matches!(code, "bad_request" | "invalid_field")
        }),
        _ => false,
    }
}
