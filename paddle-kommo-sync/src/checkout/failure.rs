//! What a failed call to Paddle means for a checkout.

use crate::{
    failure::{Reaction, chain},
    outcome::{ParkReason, Parked},
    paddle::{Error, ErrorKind},
};

/// What to do after a failed call: what a person has to mend ends the attempt, everything else is tried again.
pub(crate) fn paddle_reaction(error: &Error) -> Reaction {
    match error.kind() {
        ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::Refused
        | ErrorKind::Redirect
        | ErrorKind::InvalidRequest => Reaction::Park(not_possible(refusal(error))),
        _ => Reaction::Wait(chain(error)),
    }
}

/// Something stands in the way of a checkout.
pub(crate) fn not_possible(detail: impl Into<String>) -> Parked {
    Parked::new(ParkReason::CheckoutNotPossible, detail)
}

/// What Paddle said by its code, and how to mend it. Its sentences may repeat what was sent, and this ends up in logs.
fn refusal(error: &Error) -> String {
    let mut text = chain(error);
    if let Some(hint) = hint(error) {
        text = format!("{text}: {hint}");
    }
    if let Some(id) = error.request_id() {
        text = format!("{text} (request {id})");
    }
    text
}

fn hint(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Unauthorized => return Some("give another key (PADDLE_API_KEY)"),
        ErrorKind::Forbidden => {
            return Some(
                "the key needs the permissions transaction.read, transaction.write, customer.read and customer.write",
            );
        }
        _ => {}
    }
    Some(match error.code()? {
        "transaction_default_checkout_url_not_set" => {
            "set the default payment link in Paddle's dashboard, under Checkout, Checkout settings"
        }
        "transaction_checkout_url_domain_is_not_approved" => {
            "have the domain of the payment page approved in Paddle's dashboard, under Checkout, Website approval"
        }
        "transaction_checkout_not_enabled" => {
            "Paddle has not enabled checkouts for this account yet"
        }
        "transaction_price_not_found" | "transaction_product_not_found" => {
            "there is no such price in this Paddle account: sandbox and live have prices of their own"
        }
        "transaction_price_different_billing_cycle"
        | "transaction_price_different_trial_period" => {
            "what is sold together must be billed in the same rhythm: sell it on two deals"
        }
        "transaction_item_quantity_out_of_range" => "the price does not allow this quantity",
        "transaction_discount_not_found" | "transaction_discount_not_eligible" => {
            "the discount does not fit what is sold"
        }
        "entity_archived" => "something that is sold was archived in Paddle",
        _ => return None,
    })
}
