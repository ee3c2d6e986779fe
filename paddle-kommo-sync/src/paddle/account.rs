//! What Paddle says about itself: currencies, addresses.

use paddle_webhook::Currency;
use serde::Deserialize;
use serde_json::Value;

/// A currency that Paddle takes payments in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PaddleCurrency {
    /// Its code.
    pub code: Currency,
    /// How many decimals its amounts have. Paddle is the authority: it counts two for some currencies where ISO 4217
    /// has none.
    pub decimal_places: u8,
}

#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Currencies(Vec<Value>);

impl Currencies {
    pub(super) fn into_readable(self) -> Vec<PaddleCurrency> {
        self.0.iter().filter_map(read).collect()
    }
}

fn read(value: &Value) -> Option<PaddleCurrency> {
    let code = Currency::new(value.get("code")?.as_str()?).ok()?;
    let decimal_places = value.get("decimal_places")?;
    let decimal_places = match decimal_places.as_str() {
        Some(text) => text.parse().ok()?,
        None => u8::try_from(decimal_places.as_u64()?).ok()?,
    };
    Some(PaddleCurrency { code, decimal_places })
}

#[derive(Deserialize)]
pub(super) struct IpRanges {
    pub(super) ipv4_cidrs: Vec<String>,
}
