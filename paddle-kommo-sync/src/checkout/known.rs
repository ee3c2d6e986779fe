//! What is kept of the checkout of a deal.

use kommo_client::LeadId;
use paddle_webhook::TransactionId;
use serde::{Deserialize, Serialize};

use super::CheckoutItem;
use crate::link;

/// The name under which it is kept.
pub(crate) fn entity(lead: LeadId) -> String {
    format!("{}:checkout", link::lane(lead))
}

/// The checkout that was made for a deal last, and what the deal was told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CheckoutKnown {
    /// The transaction.
    pub(crate) transaction: Option<TransactionId>,
    /// Where it can be paid.
    pub(crate) url: String,
    /// What it is for.
    pub(crate) items: Vec<CheckoutItem>,
    /// What of the deal that came from.
    pub(crate) fingerprint: String,
}
