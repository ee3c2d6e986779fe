//! What else the configuration wants done when a deal is won.

use paddle_webhook::Transaction;
use time::Duration;

use super::{Draft, Facts, products, say};
use crate::{
    config::{OnWonAction, OnWonCondition, OnWonDeal, OnWonTask},
    plan::{BotStart, LeadDraft, Reason, TagDraft, TaskDraft},
    texts::{Placeholder, Text, Values},
};

/// All of it, in the order of the configuration.
pub(super) fn actions(facts: &Facts<'_>, transaction: &Transaction, draft: &mut Draft) {
    let values =
        say::transaction(facts, transaction).set(Placeholder::Deal, draft.deal.name.as_str());
    for (place, on_won) in facts.config.on_won.iter().enumerate() {
        if !holds(&on_won.when, transaction) {
            continue;
        }
        let name = format!("on_won:{place}");
        match &on_won.action {
            OnWonAction::AddTask(task) => add_task(facts, transaction, draft, &name, task, &values),
            OnWonAction::AddTag(tag) => {
                draft.because(Reason::OnWonTag);
                draft.further(&name, TagDraft { lead: draft.deal.lead, tag: tag.clone() });
            }
            OnWonAction::CreateDeal(deal) => {
                create_deal(facts, transaction, draft, &name, deal, &values);
            }
            OnWonAction::StartSalesbot(bot) => {
                draft.because(Reason::OnWonSalesbot);
                draft.further(&name, BotStart { lead: draft.deal.lead, bot: *bot });
            }
        }
    }
}

/// Whether a sale is one that is meant.
fn holds(when: &OnWonCondition, transaction: &Transaction) -> bool {
    let product = when.product.as_deref().is_none_or(|wanted| {
        transaction.items.iter().any(|item| {
            let price = item.price.as_ref();
            let product = price.and_then(|price| price.product_id.as_ref());
            let price = price.map(|price| &price.id).or(item.price_id.as_ref());
            price.is_some_and(|id| id.as_str() == wanted)
                || product.is_some_and(|id| id.as_str() == wanted)
        })
    });
    let Some(total) = transaction.total() else { return false };
    product
        && when.currency.is_none_or(|currency| currency == total.currency())
        && when.minimum.is_none_or(|minimum| total.minor() >= minimum)
}

fn add_task(
    facts: &Facts<'_>,
    transaction: &Transaction,
    draft: &mut Draft,
    name: &str,
    task: &OnWonTask,
    values: &Values,
) {
    let rules = &facts.config.tasks;
    let hours = task.due_in_hours.unwrap_or(rules.due_in_hours);
    draft.because(Reason::OnWonTask);
    let task = TaskDraft {
        lead: draft.deal.lead,
        text: facts.texts.render_own(task.text.as_ref(), Text::OnWonTask, values),
        type_id: task.type_id.unwrap_or(rules.type_id),
        due_at: facts.now.saturating_add(Duration::hours(i64::from(hours))),
        responsible: draft.responsible(facts, Some(&transaction.custom_data)),
    };
    draft.further(name, task);
}

/// It has no price and no transaction: the sale is told on the deal that was won, and counted there.
fn create_deal(
    facts: &Facts<'_>,
    transaction: &Transaction,
    draft: &mut Draft,
    name: &str,
    deal: &OnWonDeal,
    values: &Values,
) {
    draft.because(Reason::OnWonDeal);
    let new = LeadDraft {
        lead: draft.deal.lead,
        name: products::deal_name(facts, values, deal.name.as_ref()),
        pipeline: deal.pipeline,
        stage: deal.stage,
        price: None,
        fields: Vec::new(),
        contacts: draft.deal.contacts.clone(),
        responsible: draft.responsible(facts, Some(&transaction.custom_data)),
    };
    draft.create_lead(name, new);
}
