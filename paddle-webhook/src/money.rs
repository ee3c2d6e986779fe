use std::fmt;

use serde_core::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};

use crate::Currency;

/// An amount in minor units, whose currency stands elsewhere in the same object.
///
/// On the wire it is text with a whole number: `"65215"` is 652.15 in a currency with two decimals, and 65215 in
/// one without. Proration credits are negative.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Amount(i64);

impl Amount {
    /// An amount of so many minor units.
    #[must_use]
    pub fn new(minor: i64) -> Self {
        Self(minor)
    }

    /// The number of minor units.
    #[must_use]
    pub fn minor(&self) -> i64 {
        self.0
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of minor units")
    }

    fn visit_i64<E: Error>(self, minor: i64) -> Result<Amount, E> {
        Ok(Amount(minor))
    }

    fn visit_u64<E: Error>(self, minor: u64) -> Result<Amount, E> {
        i64::try_from(minor)
            .map(Amount)
            .map_err(|_| E::invalid_value(Unexpected::Other("number"), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        // `parse` would also take a plus sign.
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(minor) if plain => Ok(Amount(minor)),
            _ => Err(E::invalid_value(Unexpected::Other("text"), &self)),
        }
    }
}

/// A sum of money: a whole number of minor units, and their currency.
///
/// There is no rounding and no conversion in here but the one that [`to_units`](Self::to_units) names, and
/// nothing adds two currencies.
///
/// ```
/// use paddle_webhook::{Currency, Money};
///
/// let total = Money::new(65215, Currency::new("USD")?);
/// assert_eq!(total.to_string(), "652.15 USD");
/// assert_eq!(total.to_units(), Some(652));
/// assert_eq!(total.checked_add(Money::new(1000, Currency::new("JPY")?)), None);
/// # Ok::<(), paddle_webhook::InvalidCurrency>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// So many minor units (cents, where there are cents) of this currency.
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The number of minor units.
    #[must_use]
    pub fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The sum; `None` where the currencies differ or the sum has no room.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.combine(other, i64::checked_add)
    }

    /// The difference; `None` where the currencies differ or the difference has no room.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        operation(self.minor, other.minor).map(|minor| Self::new(minor, self.currency))
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.minor > 0
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.minor == 0
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.minor < 0
    }

    /// Whole currency units, rounded half away from zero: 652.50 is 653, -0.50 is -1.
    ///
    /// `None` where the currency's exponent is unknown.
    #[must_use]
    pub fn to_units(&self) -> Option<i64> {
        let scale = self.scale()?;
        let (whole, rest) = (self.minor.checked_div(scale)?, self.minor.checked_rem(scale)?);
        // `rest` is smaller than `scale`, which is at most 100.
        let away = rest.checked_mul(2)?.checked_div(scale)?;
        whole.checked_add(away)
    }

    /// The sum as people write it, without the currency: `"652.15"`, `"-0.05"`, and `"1000"` for yen.
    ///
    /// `None` where the currency's exponent is unknown.
    #[must_use]
    pub fn to_decimal(&self) -> Option<String> {
        let exponent = usize::from(self.currency.exponent()?);
        let scale = self.scale()?.unsigned_abs();
        let sign = if self.is_negative() { "-" } else { "" };
        let magnitude = self.minor.unsigned_abs();
        let (whole, rest) = (magnitude.checked_div(scale)?, magnitude.checked_rem(scale)?);
        Some(match exponent {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{rest:0exponent$}"),
        })
    }

    /// Splits it by weights so that the parts sum exactly to the whole (largest remainder; of equal remainders the
    /// earlier part gets the unit).
    ///
    /// `None` where there is no weight, or none above zero.
    ///
    /// ```
    /// use paddle_webhook::{Currency, Money};
    ///
    /// let eur = Currency::new("EUR")?;
    /// let parts = Money::new(100, eur).split(&[1, 1, 1]).unwrap_or_default();
    /// assert_eq!(parts, [Money::new(34, eur), Money::new(33, eur), Money::new(33, eur)]);
    /// # Ok::<(), paddle_webhook::InvalidCurrency>(())
    /// ```
    #[must_use]
    pub fn split(self, weights: &[u64]) -> Option<Vec<Self>> {
        let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
        if total == 0 {
            return None;
        }
        let magnitude = u128::from(self.minor.unsigned_abs());

        let mut parts = Vec::with_capacity(weights.len());
        let mut left = magnitude;
        for &weight in weights {
            // Less than 2^64 times 2^64: it has room.
            let product = magnitude.checked_mul(u128::from(weight))?;
            let (part, remainder) = (product.checked_div(total)?, product.checked_rem(total)?);
            left = left.checked_sub(part)?;
            parts.push((part, remainder));
        }

        let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
        by_remainder.sort_by_key(|&position| {
            std::cmp::Reverse(parts.get(position).map(|&(_, remainder)| remainder))
        });
        for position in by_remainder.into_iter().take(usize::try_from(left).ok()?) {
            if let Some((part, _)) = parts.get_mut(position) {
                *part = part.checked_add(1)?;
            }
        }

        parts
            .into_iter()
            .map(|(part, _)| {
                let part = i128::try_from(part).ok()?;
                let part = if self.is_negative() { part.checked_neg()? } else { part };
                Some(Self::new(i64::try_from(part).ok()?, self.currency))
            })
            .collect()
    }

    fn scale(&self) -> Option<i64> {
        10_i64.checked_pow(u32::from(self.currency.exponent()?))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_decimal() {
            Some(decimal) => write!(f, "{decimal} {}", self.currency),
            None => write!(f, "{} minor units of {}", self.minor, self.currency),
        }
    }
}
