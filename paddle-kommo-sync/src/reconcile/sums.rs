//! Sums of a report: exact, in minor units, each currency by itself.

use std::collections::BTreeMap;

use paddle_webhook::{Currency, Money};
use serde::{Deserialize, Serialize};

use super::{Entry, Standing};

/// What Paddle has of one kind in one currency, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sum {
    /// The code of the currency.
    pub currency: String,
    /// As in [`Entry::kind`].
    pub kind: String,
    /// All of it, as Paddle has it.
    pub paddle: Tally,
    /// The parts, by what became of them. They add up to `paddle`.
    pub by_standing: BTreeMap<Standing, Tally>,
}

/// How many, and what they come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// What they come to in minor units, tax included.
    pub minor: i128,
}

impl Tally {
    fn add(&mut self, money: Money) {
        self.count = self.count.saturating_add(1);
        // No number of 64-bit sums that fit a memory exceeds it.
        self.minor = self.minor.saturating_add(i128::from(money.minor()));
    }

    /// The sum as people read it, such as `652.15`.
    #[must_use]
    pub fn in_currency(&self, currency: &str) -> String {
        let money = || {
            let currency = Currency::new(currency).ok()?;
            Money::new(i64::try_from(self.minor).ok()?, currency).to_decimal()
        };
        money().unwrap_or_else(|| format!("{} minor units", self.minor))
    }
}

/// The sums of these entries. What has no sum is in none of them.
pub(crate) fn of(entries: &[Entry]) -> Vec<Sum> {
    let mut sums: BTreeMap<(String, &str), Sum> = BTreeMap::new();
    for entry in entries {
        let Some(money) = entry.money else { continue };
        let currency = money.currency().code().to_owned();
        let sum = sums.entry((currency.clone(), &entry.kind)).or_insert_with(|| Sum {
            currency,
            kind: entry.kind.clone(),
            paddle: Tally::default(),
            by_standing: BTreeMap::new(),
        });
        sum.paddle.add(money);
        sum.by_standing.entry(entry.standing).or_default().add(money);
    }
    sums.into_values().collect()
}

/// A sum as `{"minor": 65215, "currency": "USD"}`.
pub(super) mod money {
    use paddle_webhook::{Currency, Money};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    #[derive(Serialize, Deserialize)]
    struct Written {
        minor: i64,
        currency: String,
    }

    pub(in crate::reconcile) fn serialize<S: Serializer>(
        money: &Option<Money>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let written = money.map(|money| Written {
            minor: money.minor(),
            currency: money.currency().code().to_owned(),
        });
        written.serialize(serializer)
    }

    pub(in crate::reconcile) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Money>, D::Error> {
        let Some(written) = Option::<Written>::deserialize(deserializer)? else { return Ok(None) };
        let currency = Currency::new(&written.currency).map_err(D::Error::custom)?;
        Ok(Some(Money::new(written.minor, currency)))
    }
}
