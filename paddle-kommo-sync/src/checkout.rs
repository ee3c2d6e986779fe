//! Checkout links: what is asked for, and what comes of it. The engine carries it out as a job; see `engine/checkout.rs`.

pub(crate) mod asked;
pub(crate) mod customer;
pub(crate) mod failure;
pub(crate) mod known;
pub(crate) mod next;
pub(crate) mod wish;

use kommo_client::LeadId;
use paddle_webhook::{PriceId, TransactionId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::outcome::{LeftOut, Parked};

/// Asks for a checkout link of a deal: see [`Sync::checkout`](crate::Sync::checkout).
///
/// ```
/// use kommo_client::LeadId;
/// use paddle_kommo_sync::Checkout;
///
/// // What is sold stands in the deal, as the configuration says.
/// let by_deal = Checkout::for_lead(LeadId::new(20024930));
/// // Or whoever asks says it.
/// let ten_seats = Checkout::for_lead(LeadId::new(20024930)).item("pri_01example".into(), 10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Checkout {
    pub(crate) lead: LeadId,
    #[serde(default)]
    pub(crate) items: Vec<CheckoutItem>,
    #[serde(default)]
    pub(crate) anew: bool,
}

impl Checkout {
    /// A link for this deal, for what the deal itself says: see [`CheckoutItems`](crate::CheckoutItems).
    pub fn for_lead(lead: LeadId) -> Self {
        Self { lead, items: Vec::new(), anew: false }
    }

    /// So many of this Paddle price, whatever the deal says; several calls add up.
    pub fn item(mut self, price: PriceId, quantity: u32) -> Self {
        self.items.push(CheckoutItem { price, quantity });
        self
    }

    /// Another link, if the last one was paid or canceled: for a customer who buys once more on the same deal. While one is
    /// open, it stays the only one.
    pub fn anew(self) -> Self {
        Self { anew: true, ..self }
    }

    /// The deal.
    #[must_use]
    pub fn lead(&self) -> LeadId {
        self.lead
    }
}

/// So many of one Paddle price.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct CheckoutItem {
    pub(crate) price: PriceId,
    pub(crate) quantity: u32,
}

/// How the checkout of a deal stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckoutState {
    /// It can be paid here, and the deal says so.
    Open(CheckoutLink),
    /// It was paid. No other link is made, unless [asked anew](Checkout::anew).
    Paid {
        /// The Paddle transaction.
        transaction: TransactionId,
    },
    /// It was canceled in Paddle. No other link is made, unless [asked anew](Checkout::anew).
    Canceled {
        /// The Paddle transaction.
        transaction: TransactionId,
    },
    /// Nothing was made, as the configuration says (`mode = "shadow"`).
    Shadowed {
        /// What would have been done, for people.
        would: Vec<String>,
    },
    /// Paddle or Kommo cannot be asked now. What was asked for is kept, and is done as soon as they can.
    Waiting {
        /// Why.
        reason: String,
        /// Not before.
        until: OffsetDateTime,
    },
    /// Something stands in the way: the detail says what, and how to mend it.
    Refused(Parked),
}

/// A link that can be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckoutLink {
    /// The Paddle transaction.
    pub transaction: TransactionId,
    /// Paddle's `checkout.url`: your own payment page, with the transaction's id.
    pub url: String,
    /// What could not be written to the deal, and why.
    pub left_out: Vec<LeftOut>,
}
