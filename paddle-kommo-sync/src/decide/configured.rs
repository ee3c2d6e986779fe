//! What was planned by an older configuration, and was not begun: the one of today counts, which may have been mended because
//! Kommo refused what the older one said.

use kommo_client::PipelineId;

use crate::{
    config::{Config, OnWonAction},
    plan::{Effect, LeadDraft, TaskDraft},
};

/// Gives an effect that is not begun the type, pipeline or bot that the configuration names today; `own` is the pipeline of
/// the deal that was paid for. The stage of that deal itself is looked at with the deal.
pub(crate) fn as_configured(
    (name, effect): (&str, &mut Effect),
    own: Option<PipelineId>,
    config: &Config,
) {
    match (effect, on_won(name, config)) {
        (Effect::AddTask(task), on_won) => set_type(task, on_won, config),
        (Effect::StartBot(start), Some(OnWonAction::StartSalesbot(bot))) => start.bot = *bot,
        (Effect::CreateLead(draft), Some(OnWonAction::CreateDeal(deal))) => {
            (draft.pipeline, draft.stage) = (deal.pipeline, deal.stage);
        }
        (Effect::CreateLead(draft), None) if name.starts_with("deal:product:") => {
            of_product(draft, own, config);
        }
        _ => {}
    }
}

/// The action that an effect belongs to; effects are named by its place.
fn on_won<'c>(name: &str, config: &'c Config) -> Option<&'c OnWonAction> {
    let place = name.strip_prefix("deal:").unwrap_or(name).strip_prefix("on_won:")?;
    config.on_won.get(place.parse::<usize>().ok()?).map(|on_won| &on_won.action)
}

fn set_type(task: &mut TaskDraft, on_won: Option<&OnWonAction>, config: &Config) {
    let own = match on_won {
        Some(OnWonAction::AddTask(task)) => task.type_id,
        _ => None,
    };
    task.type_id = own.unwrap_or(config.tasks.type_id);
}

fn of_product(draft: &mut LeadDraft, own: Option<PipelineId>, config: &Config) {
    let pipeline = match config.product_deals_pipeline {
        0 => own.unwrap_or(draft.pipeline),
        id => PipelineId::new(id),
    };
    draft.pipeline = pipeline;
    draft.stage = Some(config.stages.won(pipeline));
}
