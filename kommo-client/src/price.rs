//! What a lead is worth.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// An exact decimal in units of the account's currency, as Kommo wrote it.
///
/// Kommo's `price` is whole units; since 2026 some accounts also have decimals, in `price_with_minor_units`.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Price(String);

impl Price {
    /// The decimal as text, such as `1234.56`; empty when Kommo gave none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole units, without what comes after the point; `None` when Kommo gave no price.
    #[must_use]
    pub fn units(&self) -> Option<i64> {
        self.0.split('.').next()?.parse().ok()
    }

    /// Whether nothing is lost in [`units`](Self::units).
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0
            .split_once('.')
            .is_none_or(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'))
    }

    /// A decimal without exponent: `-?digits[.digits]`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_decimal(text).then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for Price {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Price({})", self.0)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A number, or text that holds one. What is neither is no price, not an error.
impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::parse(raw.get().trim_matches('"')).unwrap_or_default())
    }
}

/// A price to write, kept as the text of a JSON number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PriceInput(String);

impl PriceInput {
    pub(crate) fn whole(units: i64) -> Self {
        Self(units.to_string())
    }

    pub(crate) fn decimal(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Serialize for PriceInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !is_decimal(&self.0) {
            return Err(serde::ser::Error::custom("a price is not a decimal number"));
        }
        RawValue::from_string(self.0.clone())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// Digits, perhaps with a sign before and a point between them; no exponent.
pub(crate) fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_exactly() {
        for (wire, text, units, whole) in [
            ("20000", "20000", Some(20_000), true),
            ("0", "0", Some(0), true),
            ("-5", "-5", Some(-5), true),
            ("1234.56", "1234.56", Some(1_234), false),
            ("0.1", "0.1", Some(0), false),
            ("10.00", "10.00", Some(10), true),
            ("12345678901234567.89", "12345678901234567.89", Some(12_345_678_901_234_567), false),
            ("\"1.5\"", "1.5", Some(1), false),
            ("9223372036854775808", "9223372036854775808", None, true),
            ("1e3", "", None, true),
            ("\"\"", "", None, true),
            ("\"twelve\"", "", None, true),
            ("null", "", None, true),
            ("true", "", None, true),
            ("[1]", "", None, true),
            ("{}", "", None, true),
        ] {
            let price: Price = serde_json::from_str(wire).unwrap();
            assert_eq!(price.as_str(), text, "{wire}");
            assert_eq!(price.units(), units, "{wire}");
            assert_eq!(price.is_whole(), whole, "{wire}");
        }
    }

    #[test]
    fn prices_are_written_as_numbers() {
        assert_eq!(serde_json::to_string(&PriceInput::whole(-7)).unwrap(), "-7");
        assert_eq!(serde_json::to_string(&PriceInput::decimal("0.10")).unwrap(), "0.10");
        for text in ["", "1,5", "1.", ".5", "+1", "1e3", "NaN", "1.2.3", "--1", "{}", "٣"] {
            assert!(serde_json::to_string(&PriceInput::decimal(text)).is_err(), "{text}");
        }
    }
}
