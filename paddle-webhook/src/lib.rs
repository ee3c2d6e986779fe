//! Paddle Billing webhooks: the signature verified over the raw bytes, and typed events.

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
mod json_path;
mod json_scan;
mod money;
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
