use std::fmt;

use paddle_webhook::Money;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// What a deal is worth, in units of the account's currency, exact to a hundredth: `599`, or `652.15` where the account
/// has prices with decimals. Written down as that text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    hundredths: i64,
}

impl Price {
    /// Whole units; none when there is no room for them.
    #[must_use]
    pub fn whole(units: i64) -> Option<Self> {
        units.checked_mul(100).map(|hundredths| Self { hundredths })
    }

    /// A sum: with its decimals, or in whole units, rounded half away from zero ([`Money::to_units`]). None where the
    /// currency's decimals are not known.
    #[must_use]
    pub fn of(money: Money, decimals: bool) -> Option<Self> {
        if decimals { Self::parse(&money.to_decimal()?) } else { Self::whole(money.to_units()?) }
    }

    /// A decimal as Kommo writes it, cut to hundredths.
    #[must_use]
    pub fn parse(decimal: &str) -> Option<Self> {
        let digits = decimal.strip_prefix('-').unwrap_or(decimal);
        let (units, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(units) || !are_digits(fraction) {
            return None;
        }
        let cents: i64 =
            fraction.chars().chain(['0', '0']).take(2).collect::<String>().parse().ok()?;
        let magnitude = units.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?;
        let hundredths =
            if digits.len() < decimal.len() { magnitude.checked_neg()? } else { magnitude };
        Some(Self { hundredths })
    }

    /// The whole units, when it is nothing but that.
    #[must_use]
    pub fn units(self) -> Option<i64> {
        (self.hundredths % 100 == 0).then_some(self.hundredths / 100)
    }

    /// In whole units, rounded half away from zero, for an account that takes no decimals after all.
    #[must_use]
    pub fn rounded(self) -> Self {
        let rest = self.hundredths % 100;
        let away = if rest.abs() >= 50 { 100_i64.saturating_mul(rest.signum()) } else { 0 };
        Self { hundredths: self.hundredths.saturating_sub(rest).saturating_add(away) }
    }

    /// In hundredths of a unit, to calculate with.
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.hundredths
    }

    /// So many hundredths of a unit.
    #[must_use]
    pub const fn from_hundredths(hundredths: i64) -> Self {
        Self { hundredths }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.hundredths < 0 { "-" } else { "" };
        let magnitude = self.hundredths.unsigned_abs();
        match (magnitude / 100, magnitude % 100) {
            (units, 0) => write!(f, "{sign}{units}"),
            (units, cents) => write!(f, "{sign}{units}.{cents:02}"),
        }
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a price"))
    }
}

#[cfg(test)]
mod tests {
    use paddle_webhook::Currency;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (hundredths, want) in [
            (59_900, "599"),
            (65_215, "652.15"),
            (65_205, "652.05"),
            (0, "0"),
            (-5, "-0.05"),
            (-65_215, "-652.15"),
            (i64::MAX, "92233720368547758.07"),
        ] {
            let price = Price::from_hundredths(hundredths);
            assert_eq!(price.to_string(), want);
            assert_eq!(Price::parse(want), Some(price), "{want}");
        }
        for (text, want) in [("10.0", Some(1000)), ("7.5", Some(750)), ("1.239", Some(123))] {
            assert_eq!(Price::parse(text).map(Price::hundredths), want, "{text}");
        }
        for text in
            ["", "-", ".", "1.", ".5", "+1", "1e3", "1,5", "--1", "1.2.3", "92233720368547758.08"]
        {
            assert_eq!(Price::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sums_are_exact_or_rounded_once() {
        let money = |minor, code| Money::new(minor, Currency::new(code).unwrap());
        for (sum, decimals, want) in [
            (money(65_215, "USD"), true, Some("652.15")),
            (money(65_215, "USD"), false, Some("652")),
            (money(65_250, "USD"), false, Some("653")),
            (money(-50, "USD"), false, Some("-1")),
            (money(1000, "JPY"), true, Some("1000")),
            (money(1000, "JPY"), false, Some("1000")),
            (money(1, "XXX"), true, None),
        ] {
            let price = Price::of(sum, decimals).map(|price| price.to_string());
            assert_eq!(price.as_deref(), want, "{sum} {decimals}");
        }
        for (hundredths, want) in
            [(65_249, 65_200), (65_250, 65_300), (-50, -100), (-49, 0), (100, 100)]
        {
            let price = Price::from_hundredths(hundredths);
            assert_eq!(price.rounded().hundredths(), want, "{hundredths}");
        }
        assert_eq!(Price::from_hundredths(65_215).units(), None);
        assert_eq!(Price::from_hundredths(-65_200).units(), Some(-652));
        assert_eq!(Price::whole(i64::MAX), None);
    }
}
