//! What else is done when a deal is won.

use kommo_client::{PipelineId, StatusId};
use paddle_webhook::Currency;
use serde::{Deserialize, Serialize};

use crate::texts::{InvalidTemplate, OwnText, Text, clean::clean};

/// One thing that is done when a deal is won, once per deal and never on renewals: an `[[on_won]]` table of the
/// configuration.
///
/// ```
/// use paddle_kommo_sync::{OnWon, OnWonAction};
///
/// let onboarding = OnWon::new(OnWonAction::AddTag("customer".to_owned()));
/// assert_eq!(onboarding.when, Default::default(), "always");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Row", into = "Row")]
#[non_exhaustive]
pub struct OnWon {
    /// What is done.
    pub action: OnWonAction,
    /// Of which sales.
    pub when: OnWonCondition,
}

impl OnWon {
    /// This, on every sale.
    #[must_use]
    pub fn new(action: OnWonAction) -> Self {
        Self { action, when: OnWonCondition::default() }
    }

    /// This, on sales for which the condition holds.
    #[must_use]
    pub fn when(self, when: OnWonCondition) -> Self {
        Self { when, ..self }
    }
}

/// What is done when a deal is won.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnWonAction {
    /// The rep gets a task.
    AddTask(OnWonTask),
    /// The deal gets a tag of this name.
    AddTag(String),
    /// Another deal is made, for the same contacts.
    CreateDeal(OnWonDeal),
    /// The Salesbot with this id is started on the deal.
    StartSalesbot(u64),
}

/// A task for the rep whose deal was won.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OnWonTask {
    /// What it says; by default the text `on_won_task`.
    #[serde(skip_serializing_if = "Option::is_none", with = "task_text")]
    pub text: Option<OwnText>,
    /// Kommo's task type; by default that of `[tasks]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_id: Option<u64>,
    /// Hours until it is due; by default those of `[tasks]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_in_hours: Option<u32>,
}

/// Another deal, without a price: for the people who look after new customers, say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "DealRow", into = "DealRow")]
#[non_exhaustive]
pub struct OnWonDeal {
    /// Its pipeline.
    pub pipeline: PipelineId,
    /// Its stage; none: the first of the pipeline.
    pub stage: Option<StatusId>,
    /// Its name; by default the text `new_deal`.
    pub name: Option<OwnText>,
}

impl OnWonDeal {
    /// A deal in the first stage of this pipeline.
    #[must_use]
    pub fn new(pipeline: PipelineId) -> Self {
        Self { pipeline, stage: None, name: None }
    }
}

/// Of which sales something is done. What is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "ConditionRow", into = "ConditionRow")]
#[non_exhaustive]
pub struct OnWonCondition {
    /// The id of a Paddle product (`pro_…`) or price (`pri_…`) that was bought, perhaps among others.
    pub product: Option<String>,
    /// The currency that the customer paid in.
    pub currency: Option<Currency>,
    /// At least so much was paid, tax included, in minor units of that currency.
    pub minimum: Option<i64>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    add_task: Option<OnWonTask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_deal: Option<OnWonDeal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_salesbot: Option<u64>,
    #[serde(default)]
    when: OnWonCondition,
}

impl TryFrom<Row> for OnWon {
    type Error = String;

    fn try_from(row: Row) -> Result<Self, String> {
        let actions = [
            row.add_task.map(task).transpose()?,
            row.add_tag.as_deref().map(tag).transpose()?,
            row.create_deal.map(OnWonAction::CreateDeal),
            row.start_salesbot.map(salesbot).transpose()?,
        ];
        let mut actions = actions.into_iter().flatten();
        match (actions.next(), actions.next()) {
            (Some(action), None) => Ok(Self { action, when: row.when }),
            _ => Err("`[[on_won]]` needs one of add_task, add_tag, create_deal and start_salesbot, and only one: \
                write a table for each"
                .to_owned()),
        }
    }
}

fn task(task: OnWonTask) -> Result<OnWonAction, String> {
    match task.type_id {
        Some(id) if !is_id(id) => {
            Err(format!("add_task: type_id {id} is not the id of a task type"))
        }
        _ => Ok(OnWonAction::AddTask(task)),
    }
}

fn tag(tag: &str) -> Result<OnWonAction, String> {
    match clean(tag) {
        tag if tag.is_empty() => Err("add_tag: a tag cannot be empty".to_owned()),
        tag => Ok(OnWonAction::AddTag(tag)),
    }
}

fn salesbot(id: u64) -> Result<OnWonAction, String> {
    if is_id(id) {
        Ok(OnWonAction::StartSalesbot(id))
    } else {
        Err(format!("start_salesbot: {id} is not the id of a Salesbot"))
    }
}

/// Kommo's ids are signed numbers above zero.
fn is_id(id: u64) -> bool {
    id > 0 && i64::try_from(id).is_ok()
}

impl From<OnWon> for Row {
    fn from(on_won: OnWon) -> Self {
        let mut row = Self {
            add_task: None,
            add_tag: None,
            create_deal: None,
            start_salesbot: None,
            when: on_won.when,
        };
        match on_won.action {
            OnWonAction::AddTask(task) => row.add_task = Some(task),
            OnWonAction::AddTag(tag) => row.add_tag = Some(tag),
            OnWonAction::CreateDeal(deal) => row.create_deal = Some(deal),
            OnWonAction::StartSalesbot(bot) => row.start_salesbot = Some(bot),
        }
        row
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct DealRow {
    pipeline: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl TryFrom<DealRow> for OnWonDeal {
    type Error = String;

    fn try_from(row: DealRow) -> Result<Self, String> {
        if !is_id(row.pipeline) {
            return Err(format!(
                "create_deal: pipeline {} is not the id of a pipeline",
                row.pipeline
            ));
        }
        // Lost from the start would be no deal.
        if let Some(stage) = row.stage.filter(|id| !is_id(*id) || *id == StatusId::LOST.get()) {
            return Err(format!("create_deal: a new deal cannot be in stage {stage}"));
        }
        let name = row.name.as_deref().map(|name| OwnText::new(Text::NewDeal, name)).transpose();
        Ok(Self {
            pipeline: PipelineId::new(row.pipeline),
            stage: row.stage.map(StatusId::new),
            name: name.map_err(|error| format!("create_deal: {error}"))?,
        })
    }
}

impl From<OnWonDeal> for DealRow {
    fn from(deal: OnWonDeal) -> Self {
        Self {
            pipeline: deal.pipeline.get(),
            stage: deal.stage.map(StatusId::get),
            name: deal.name.map(|name| name.as_str().to_owned()),
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct ConditionRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<i64>,
}

impl TryFrom<ConditionRow> for OnWonCondition {
    type Error = String;

    fn try_from(row: ConditionRow) -> Result<Self, String> {
        if let Some(product) = &row.product
            && !["pro_", "pri_"].iter().any(|kind| product.starts_with(kind))
        {
            return Err(format!(
                "when: product {product:?} is neither a product (pro_…) nor a price (pri_…)"
            ));
        }
        let currency = row.currency.as_deref().map(Currency::new).transpose();
        let currency =
            currency.map_err(|_| "when: currency must be a code such as USD".to_owned())?;
        match (row.minimum, currency) {
            (Some(minimum), _) if minimum <= 0 => {
                Err("when: minimum must be above zero".to_owned())
            }
            // 1000 is 10 dollars, or 1000 yen.
            (Some(_), None) => {
                Err("when: minimum is in minor units, and needs a currency beside it".to_owned())
            }
            (minimum, currency) => Ok(Self { product: row.product, currency, minimum }),
        }
    }
}

impl From<OnWonCondition> for ConditionRow {
    fn from(when: OnWonCondition) -> Self {
        Self {
            product: when.product,
            currency: when.currency.map(|currency| currency.code().to_owned()),
            minimum: when.minimum,
        }
    }
}

/// The text of a task, which may use what every text of a won deal may.
mod task_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{InvalidTemplate, OwnText, Text};

    pub(super) fn serialize<S: Serializer>(
        text: &Option<OwnText>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_ref().map(OwnText::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<OwnText>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let parsed: Option<Result<_, InvalidTemplate>> =
            text.map(|text| OwnText::new(Text::OnWonTask, &text));
        parsed.transpose().map_err(|error| D::Error::custom(format!("add_task: {error}")))
    }
}
