use std::{fmt, str::FromStr};

use serde_core::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};

use crate::InvalidCurrency;

/// A currency, by its ISO 4217 code.
///
/// Any code is a currency. How many decimals it has is only known for those that Paddle takes payments in; for
/// every other [`exponent`](Self::exponent) is `None`, and so is every formatted sum: a guess of two would be
/// wrong a hundredfold where it is wrong.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Currency {
    /// Unused bytes are zero, so that the derived order and equality are those of the text.
    bytes: [u8; LONGEST],
}

/// Longer than any code today. A code on the wire that is not three letters must not cost an event.
const LONGEST: usize = 12;

impl Currency {
    /// The currency with this code: three upper-case ASCII letters.
    ///
    /// ```
    /// use paddle_webhook::Currency;
    ///
    /// assert_eq!(Currency::new("USD")?.exponent(), Some(2));
    /// assert_eq!(Currency::new("JPY")?.exponent(), Some(0));
    /// assert_eq!(Currency::new("XTS")?.exponent(), None);
    /// assert!(Currency::new("usd").is_err());
    /// # Ok::<(), paddle_webhook::InvalidCurrency>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidCurrency`] for any other text.
    pub fn new(code: &str) -> Result<Self, InvalidCurrency> {
        match code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            true => Self::from_wire(code).ok_or(InvalidCurrency),
            false => Err(InvalidCurrency),
        }
    }

    /// Any short printable text: Paddle's enums grow, and the code is only carried along.
    fn from_wire(code: &str) -> Option<Self> {
        let mut bytes = [0; LONGEST];
        let room = bytes.get_mut(..code.len())?;
        if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        room.copy_from_slice(code.as_bytes());
        Some(Self { bytes })
    }

    /// The code, for example `"USD"`.
    #[must_use]
    pub fn code(&self) -> &str {
        // Only printable ASCII was copied in.
        str::from_utf8(&self.bytes).unwrap_or_default().trim_end_matches('\0')
    }

    /// How many decimals its minor unit stands for, where that is known.
    ///
    /// By Paddle's own table, which differs from ISO 4217 for some: `VND` and `HUF` have two here.
    #[must_use]
    pub fn exponent(&self) -> Option<u8> {
        match self.code() {
            "CLP" | "JPY" | "KRW" => Some(0),
            "ARS" | "AUD" | "BRL" | "CAD" | "CHF" | "CNY" | "COP" | "CZK" | "DKK" | "EUR"
            | "GBP" | "HKD" | "HUF" | "ILS" | "INR" | "MXN" | "NOK" | "NZD" | "PEN" | "PLN"
            | "RUB" | "SEK" | "SGD" | "THB" | "TRY" | "TWD" | "UAH" | "USD" | "VND" | "ZAR" => {
                Some(2)
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Currency").field(&self.code()).finish()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(code: &str) -> Result<Self, InvalidCurrency> {
        Self::new(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(CurrencyVisitor)
    }
}

struct CurrencyVisitor;

impl Visitor<'_> for CurrencyVisitor {
    type Value = Currency;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a currency code")
    }

    fn visit_str<E: Error>(self, code: &str) -> Result<Currency, E> {
        Currency::from_wire(code).ok_or_else(|| E::invalid_value(Unexpected::Other("text"), &self))
    }
}
