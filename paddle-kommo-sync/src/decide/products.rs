//! A deal for each line of a payment.

use kommo_client::PipelineId;
use paddle_webhook::{LineItem, Money, Transaction};

use super::{Draft, Facts, say};
use crate::{
    config::{Config, PriceBasis, Products},
    plan::{Field, FieldValue, LeadDraft, LeadNaming, Price, Reason, Value},
    texts::{Placeholder, Text, Values, clean::clean},
};

/// The lines that become deals of their own, if the configuration wants it. The first stays with the deal that was paid
/// for.
pub(super) fn lines<'t>(facts: &Facts<'_>, transaction: &'t Transaction) -> &'t [LineItem] {
    match &transaction.details {
        Some(details) if facts.config.products == Products::DealPerProduct => &details.line_items,
        _ => &[],
    }
}

/// What people call a line: the name of its price, else of its product, else the description of its price, as
/// [`Transaction::product_names`] says it of all.
pub(super) fn name(transaction: &Transaction, line: &LineItem) -> String {
    let price = transaction
        .items
        .iter()
        .filter_map(|item| item.price.as_ref())
        .find(|price| Some(&price.id) == line.price_id.as_ref());
    let product = line.product.as_ref();
    let names = [
        price.and_then(|price| price.name.as_deref()),
        product.and_then(|product| product.name.as_deref()),
        price.and_then(|price| price.description.as_deref()),
    ];
    names.into_iter().flatten().map(clean).find(|name| !name.is_empty()).unwrap_or_default()
}

/// The price of each line: parts of what one deal would show, in what Kommo takes, so that nothing is lost or made up by
/// rounding (largest remainder). None where Paddle does not say what the lines cost.
pub(super) fn parts(
    whole: Money,
    decimals: bool,
    lines: &[LineItem],
    basis: PriceBasis,
) -> Option<Vec<Price>> {
    let weights: Vec<u64> =
        lines.iter().map(|line| weight(line, basis)).collect::<Option<Vec<_>>>()?;
    if decimals {
        return whole.split(&weights)?.into_iter().map(|part| Price::of(part, true)).collect();
    }
    // The units are split, not the cents: every part would be rounded on its own otherwise.
    let units = Money::new(whole.to_units()?, whole.currency());
    units.split(&weights)?.into_iter().map(|part| Price::whole(part.minor())).collect()
}

/// What a line weighs in the sum. Paddle tells no earnings of a line; its fee grows with the net.
fn weight(line: &LineItem, basis: PriceBasis) -> Option<u64> {
    let totals = line.totals.as_ref()?;
    let sum = match basis {
        PriceBasis::Gross => totals.total?.minor(),
        PriceBasis::Net | PriceBasis::Earnings => {
            totals.total?.minor().checked_sub(totals.tax?.minor())?
        }
    };
    Some(u64::try_from(sum).unwrap_or(0))
}

/// Where the deals of further lines go; `own` is the pipeline of the deal that was paid for.
pub(super) fn pipeline(config: &Config, own: PipelineId) -> PipelineId {
    match config.product_deals_pipeline {
        0 => own,
        id => PipelineId::new(id),
    }
}

/// A deal for every line but the first: won, for the same contacts, and identified like the deal that was paid for. What
/// was paid in all stays on that one, so that nothing counts twice; it is also where later events are told.
pub(super) fn deals(
    facts: &Facts<'_>,
    transaction: &Transaction,
    draft: &mut Draft,
    lines: &[LineItem],
    prices: Option<&[Price]>,
) {
    let pipeline = pipeline(facts.config, draft.deal.pipeline);
    let responsible = draft.responsible(facts, Some(&transaction.custom_data));
    for (index, line) in lines.iter().enumerate().skip(1) {
        let product = name(transaction, line);
        let values = say::transaction(facts, transaction)
            .set(Placeholder::Deal, draft.deal.name.as_str())
            .set(Placeholder::Plan, product.as_str());
        let deal = LeadDraft {
            lead: draft.deal.lead,
            name: deal_name(facts, &values, None),
            pipeline,
            stage: Some(facts.config.stages.won(pipeline)),
            price: prices.and_then(|prices| prices.get(index)).copied(),
            fields: fields(facts, transaction, &product),
            contacts: draft.deal.contacts.clone(),
            responsible: responsible.clone(),
        };
        // The place, not Paddle's id of the line: that is not in every event.
        draft.create_lead(&format!("product:{index}"), deal);
    }
    if lines.len() > 1 {
        draft.because(Reason::DealPerProduct);
    }
}

/// A name for a new deal, short enough for Kommo with its marker.
pub(super) fn deal_name(
    facts: &Facts<'_>,
    values: &Values,
    own: Option<&crate::texts::OwnText>,
) -> String {
    const LONGEST: usize = 200;
    let name = facts.texts.render_own(own, Text::NewDeal, values);
    name.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}

fn fields(facts: &Facts<'_>, transaction: &Transaction, product: &str) -> Vec<FieldValue> {
    let currency =
        transaction.total().map(|total| total.currency().code().to_owned()).unwrap_or_default();
    let subscription = transaction.subscription_id.as_ref().map(|id| id.as_str());
    [
        (Field::TransactionId, clean(transaction.id.as_str())),
        (Field::InvoiceNumber, clean(transaction.invoice_number.as_deref().unwrap_or_default())),
        (Field::PlanName, product.to_owned()),
        (Field::PaymentCurrency, currency),
        (Field::SubscriptionId, clean(subscription.unwrap_or_default())),
    ]
    .into_iter()
    .filter(|(field, text)| facts.config.fields.is_written(*field) && !text.is_empty())
    .map(|(field, text)| FieldValue { field, value: Value::Text(text) })
    .collect()
}

/// The effects of a new deal: made with the marker in its name, and named without it once it is known to be there.
impl Draft {
    pub(super) fn create_lead(&mut self, name: &str, deal: LeadDraft) {
        let effect = format!("deal:{name}");
        let naming =
            LeadNaming { lead: deal.lead, effect: effect.clone(), name: deal.name.clone() };
        self.further(&effect, deal);
        self.further(&format!("name:{name}"), naming);
    }
}
