//! What was planned by an older configuration, and was not begun: the one of today counts, which may have been mended because
//! Kommo refused what the older one said.

use kommo_client::PipelineId;

use super::products;
use crate::{
    config::{Config, OnWonAction},
    plan::Effect,
};

/// Gives an effect that is not begun the type, pipeline or bot that the configuration names today; `own` is the pipeline of
/// the deal that was paid for. The stage of that deal itself is looked at with the deal. False when the configuration does not
/// want it any more.
pub(crate) fn as_configured(
    (name, effect): (&str, &mut Effect),
    own: Option<PipelineId>,
    config: &Config,
) -> bool {
    let Some(place) = on_won(name) else {
        match effect {
            Effect::AddTask(task) => task.type_id = config.tasks.type_id,
            Effect::CreateLead(draft) => {
                draft.pipeline = products::pipeline(config, own.unwrap_or(draft.pipeline));
                draft.stage = Some(config.stages.won(draft.pipeline));
            }
            _ => {}
        }
        return true;
    };
    let action = place.parse().ok().and_then(|place: usize| config.on_won.get(place));
    match (effect, action.map(|on_won| &on_won.action)) {
        (Effect::AddTask(task), Some(OnWonAction::AddTask(wanted))) => {
            task.type_id = wanted.type_id.unwrap_or(config.tasks.type_id);
        }
        (Effect::StartBot(start), Some(OnWonAction::StartSalesbot(bot))) => start.bot = *bot,
        (Effect::CreateLead(draft), Some(OnWonAction::CreateDeal(wanted))) => {
            (draft.pipeline, draft.stage) = (wanted.pipeline, wanted.stage);
        }
        (Effect::AddTag(tag), Some(OnWonAction::AddTag(wanted))) => tag.tag.clone_from(wanted),
        _ => return false,
    }
    true
}

/// The place of the action that an effect belongs to, by which it is named.
fn on_won(name: &str) -> Option<&str> {
    name.strip_prefix("deal:").unwrap_or(name).strip_prefix("on_won:")
}
