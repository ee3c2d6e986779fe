//! How checkout links are made for deals.

use std::collections::BTreeMap;

use kommo_client::{CatalogId, PipelineId, StatusId};
use paddle_webhook::{Currency, DiscountId, PriceId};
use serde::{Deserialize, Serialize};

use super::FieldTarget;

/// How checkout links are made for deals: the table `[checkout]` of the configuration.
///
/// Where the link is written to is one of the [`Fields`](super::Fields): `checkout_url`.
///
/// ```
/// use paddle_kommo_sync::{CheckoutItems, Config};
///
/// let mut config = Config::default();
/// config.fields.checkout_url = "PADDLE_CHECKOUT_URL".into();
/// config.checkout.items = CheckoutItems::Products;
/// ```
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(try_from = "Row", into = "Row")]
#[non_exhaustive]
pub struct CheckoutRules {
    /// The stage in which a deal gets its link by itself; none: links are made only when asked for.
    pub stage: Option<PaymentStage>,
    /// What of a deal says what is sold, where whoever asks does not say it.
    pub items: CheckoutItems,
    /// The field that holds a Paddle price: of the deal, or of the products in their list.
    pub price_id_field: FieldTarget,
    /// The field of the deal that holds how many; without one, or where it is empty, 1. Products have quantities of their
    /// own.
    pub quantity_field: FieldTarget,
    /// The only list whose elements are sold; none: every list that the deal is linked with.
    pub catalog: Option<CatalogId>,
    /// Names that people choose in place of price ids, such as the options of a select field.
    pub prices: BTreeMap<String, PriceId>,
    /// A discount that every checkout gets.
    pub discount: Option<DiscountId>,
    /// The currency; none: Paddle chooses by the buyer's country.
    pub currency: Option<Currency>,
    /// The page to pay at, in place of the default payment link of the Paddle account; on an approved domain.
    pub page: Option<String>,
    /// How often the deals in the stage are looked through, for accounts without webhooks; 0 is never.
    pub poll_seconds: u32,
}

/// A stage of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentStage {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The stage.
    pub stage: StatusId,
}

impl PaymentStage {
    /// This stage of this pipeline.
    #[must_use]
    pub const fn new(pipeline: PipelineId, stage: StatusId) -> Self {
        Self { pipeline, stage }
    }
}

/// What of a deal says what is sold.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckoutItems {
    /// A field of the deal, which holds the id of a Paddle price, or one of the names in `prices`.
    #[default]
    PriceField,
    /// The products that are linked with the deal, each with the id of a Paddle price in a field of its list.
    Products,
}

impl Default for CheckoutRules {
    fn default() -> Self {
        Self {
            stage: None,
            items: CheckoutItems::default(),
            price_id_field: "PADDLE_PRICE_ID".into(),
            quantity_field: FieldTarget::Off,
            catalog: None,
            prices: BTreeMap::new(),
            discount: None,
            currency: None,
            page: None,
            poll_seconds: 0,
        }
    }
}

/// A Paddle price, as far as its text shows: the rest is for Paddle to say.
pub(crate) fn price_id(text: &str) -> Option<PriceId> {
    const LONGEST: usize = 64;
    let rest = text.strip_prefix("pri_")?;
    let is_id = !rest.is_empty()
        && text.len() <= LONGEST
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_id.then(|| PriceId::from(text))
}

/// As it is written.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Row {
    pipeline: u64,
    stage: u64,
    items: CheckoutItems,
    price_id_field: FieldTarget,
    quantity_field: FieldTarget,
    catalog: u64,
    discount: String,
    currency: String,
    page: String,
    poll_seconds: u32,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    prices: BTreeMap<String, String>,
}

impl Default for Row {
    fn default() -> Self {
        CheckoutRules::default().into()
    }
}

impl TryFrom<Row> for CheckoutRules {
    type Error = String;

    fn try_from(row: Row) -> Result<Self, String> {
        let stage = match (row.pipeline, row.stage) {
            (0, 0) => None,
            (pipeline, stage) if !is_id(pipeline) || !is_id(stage) => {
                return Err(
                    "checkout: pipeline and stage are set together, to the ids of a stage and its pipeline".to_owned()
                );
            }
            (_, stage) if stage == StatusId::WON.get() || stage == StatusId::LOST.get() => {
                return Err(format!(
                    "checkout: deals in stage {stage} are closed and are not to be paid"
                ));
            }
            (pipeline, stage) => {
                Some(PaymentStage::new(PipelineId::new(pipeline), StatusId::new(stage)))
            }
        };
        if stage.is_none() && row.poll_seconds > 0 {
            return Err("checkout: poll_seconds needs a pipeline and a stage to look at".to_owned());
        }
        let discount = filled(row.discount);
        if discount.as_ref().is_some_and(|id| !id.starts_with("dsc_")) {
            return Err("checkout: discount must be the id of a Paddle discount, dsc_…".to_owned());
        }
        let page = filled(row.page);
        if page.as_ref().is_some_and(|page| !page.starts_with("https://")) {
            return Err("checkout: page must be an address that begins with https://".to_owned());
        }
        let currency = filled(row.currency).map(|code| Currency::new(&code)).transpose();
        let price = |(name, id): (String, String)| match price_id(&id) {
            Some(id) => Ok((name, id)),
            None => {
                Err(format!("checkout: prices: {name:?} must be the id of a Paddle price, pri_…"))
            }
        };
        Ok(Self {
            stage,
            items: row.items,
            price_id_field: row.price_id_field,
            quantity_field: row.quantity_field,
            catalog: match row.catalog {
                0 => None,
                id if is_id(id) => Some(CatalogId::new(id)),
                id => return Err(format!("checkout: catalog {id} is not the id of a list")),
            },
            prices: row.prices.into_iter().map(price).collect::<Result<_, _>>()?,
            discount: discount.map(|id| DiscountId::from(id.as_str())),
            currency: currency
                .map_err(|_| "checkout: currency must be a code such as USD".to_owned())?,
            page,
            poll_seconds: row.poll_seconds,
        })
    }
}

impl From<CheckoutRules> for Row {
    fn from(rules: CheckoutRules) -> Self {
        let id = |id: PriceId| id.as_str().to_owned();
        Self {
            pipeline: rules.stage.map_or(0, |stage| stage.pipeline.get()),
            stage: rules.stage.map_or(0, |stage| stage.stage.get()),
            items: rules.items,
            price_id_field: rules.price_id_field,
            quantity_field: rules.quantity_field,
            catalog: rules.catalog.map_or(0, CatalogId::get),
            discount: rules.discount.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            currency: rules.currency.map(|currency| currency.code().to_owned()).unwrap_or_default(),
            page: rules.page.unwrap_or_default(),
            poll_seconds: rules.poll_seconds,
            prices: rules.prices.into_iter().map(|(name, price)| (name, id(price))).collect(),
        }
    }
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Kommo's ids are signed numbers above zero.
fn is_id(id: u64) -> bool {
    id > 0 && i64::try_from(id).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(row: Value) -> Result<CheckoutRules, String> {
        serde_json::from_value(row).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_the_default_and_what_is_written_is_read_again() {
        assert_eq!(read(json!({})), Ok(CheckoutRules::default()));
        let full = json!({
            "pipeline": 6950551, "stage": 58141815, "items": "products", "price_id_field": 17,
            "quantity_field": "SEATS", "catalog": 5, "discount": "dsc_1", "currency": "EUR",
            "page": "https://pay.example/pay", "poll_seconds": 60, "prices": {"Pro": "pri_1"},
        });
        let rules = read(full.clone()).unwrap();
        assert_eq!(
            rules.stage,
            Some(PaymentStage::new(PipelineId::new(6_950_551), StatusId::new(58_141_815)))
        );
        assert_eq!(serde_json::to_value(&rules).unwrap(), full);
    }

    #[test]
    fn a_mistake_is_named() {
        for (row, want) in [
            (json!({"stage": 5}), "set together"),
            (json!({"pipeline": 5}), "set together"),
            (json!({"pipeline": 5, "stage": 142}), "stage 142 are closed"),
            (json!({"poll_seconds": 60}), "poll_seconds needs"),
            (json!({"discount": "10%"}), "discount must be"),
            (json!({"currency": "dollars"}), "currency must be"),
            (json!({"page": "http://pay.example"}), "page must be"),
            (json!({"prices": {"Pro": "pro"}}), "prices: \"Pro\""),
            (json!({"catalog": u64::MAX}), "is not the id of a list"),
            (json!({"items": "price"}), "price"),
            (json!({"url": "x"}), "url"),
        ] {
            let error = read(row.clone()).unwrap_err();
            assert!(error.contains(want), "{row}: {error}");
        }
    }

    #[test]
    fn a_price_is_told_by_its_text() {
        for (text, is_price) in [
            ("pri_01hv8wptq8987qeep44cyrewp9", true),
            ("pri_", false),
            ("pro_01hv8wptq8987qeep44cyrewp9", false),
            ("pri_a b", false),
            (&format!("pri_{}", "a".repeat(61)), false),
        ] {
            assert_eq!(price_id(text).is_some(), is_price, "{text}");
        }
    }
}
