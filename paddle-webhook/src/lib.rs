//! Paddle Billing webhooks: the signature verified over the raw bytes, and typed events.
//!
//! ```
//! use paddle_webhook::{EventData, SecretKey, Verifier, sign};
//! # use time::macros::datetime;
//! #
//! # let body = br#"{"data":{"id":"txn_1","origin":"web","custom_data":{"order":"4711"},"details":{"totals":{"total":"65215","tax":"5315","currency_code":"USD"}}},"event_id":"evt_1","event_type":"transaction.completed","occurred_at":"2026-03-01T12:00:00Z","notification_id":"ntf_1"}"#;
//! # let received_at = datetime!(2026-03-01 12:00:01 UTC);
//! # let signature = sign(&SecretKey::new("pdl_ntfset_01example_Wq3+x/7")?, body, received_at).to_string();
//! # let signature = signature.as_bytes();
//!
//! // Once, when the service starts.
//! let verifier = Verifier::new(SecretKey::new("pdl_ntfset_01example_Wq3+x/7")?);
//!
//! // For each delivery: the value of the header `Paddle-Signature`, and the body exactly as it arrived.
//! let event = verifier.verify_at(signature, body, received_at)?.parse()?;
//!
//! match event.data()? {
//!     EventData::TransactionCompleted(transaction) if transaction.is_first_payment() => {
//!         let net = transaction.net().map(|net| net.to_string());
//!         assert_eq!(net.as_deref(), Some("599.00 USD"));
//!         assert_eq!(transaction.custom_data.u64("order")?, Some(4711));
//!     }
//!     // Everything else, also what Paddle invents tomorrow.
//!     _ => {}
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is organised
//!
//! The data goes one way, and each step is a type that cannot be wrong:
//!
//! | step | type | error |
//! |---|---|---|
//! | configuration | [`SecretKey`], [`Verifier`] | [`InvalidSecret`]: the service should not start |
//! | is it from Paddle? | [`Verifier::verify`] → [`Verified`] | [`VerifyError`]: answer 401 |
//! | is it an event? | [`Verified::parse`] → [`Event`] | [`ParseError`]: keep the bytes, answer 200 |
//! | what does it say? | [`Event::data`] → [`EventData`] | [`DataError`]: keep the event, answer 200 |
//!
//! What comes back from a store of one's own goes through [`Event::from_trusted`].
//!
//! Entities ([`Transaction`], [`Subscription`], [`Adjustment`], [`Customer`] and others) have public fields with
//! Paddle's own names. Only their `id` must be there; what Paddle left out is `None`, an empty list, or an enum value
//! without text. Enums are open: what has no name here keeps its text. The questions of every day have methods, and
//! each of them says which trap it avoids.
//!
//! # More
//!
//! The [guide] has rotation of secrets, clocks, proxies that alter bodies, testing an endpoint, order and repetition.
//!
//! # Crate features
//!
//! None.
//!
//! # What it does not do
//!
//! It has no HTTP server or client, does not call Paddle's API, does not deduplicate and does not store. It knows
//! nothing of Paddle Classic.

#[doc = include_str!("../GUIDE.md")]
pub mod guide {}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod currency;
mod custom_data;
mod data;
mod decimal_text;
mod envelope;
mod error;
mod event;
mod event_data;
mod event_types;
mod header;
mod id;
mod json_object;
mod json_path;
mod json_scan;
mod money;
#[cfg(doctest)]
mod must_not_compile;
mod open_enum;
mod secret;
mod small_text;
mod verify;
mod wire;

pub use currency::Currency;
pub use custom_data::{CustomData, CustomValue};
pub use data::*;
pub use decimal_text::DecimalText;
pub use error::{
    DataError, InvalidCurrency, InvalidSecret, JsonError, NotAnInteger, ParseError, VerifyError,
};
pub use event::{Event, UnknownEvent};
pub use event_types::{EventData, EventType};
pub use header::{SignatureHeader, sign};
pub use id::*;
pub use money::{Amount, Money};
pub use open_enum::UnknownValue;
pub use secret::{Environment, SecretKey};
pub use verify::{Verified, Verifier};
