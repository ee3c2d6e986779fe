//! A plan for people: the differences from what the deal shows now.

use kommo_client::{Pipeline, PipelineId, StatusId};
use time::OffsetDateTime;

use super::Sync;
use crate::{
    known::Deal,
    plan::{Effect, Plan, Value},
    zone::Zone,
};

impl Sync {
    /// One line for each. Stages have their names where Kommo tells them, else their ids.
    pub(super) async fn changes(&self, plan: &Plan, deal: &Deal, zone: &Zone) -> Vec<String> {
        let moves = |effect: &Effect| matches!(effect, Effect::UpdateLead(update) if update.stage.is_some());
        let stages = if plan.effects.iter().any(|planned| moves(&planned.effect)) {
            self.0.cache.pipelines(&self.0.kommo, self.now()).await.ok()
        } else {
            None
        };
        let stages = stages.as_deref().map_or(&[][..], Vec::as_slice);
        differences(plan, deal, stages, zone)
    }
}

/// The plan as differences from what the deal shows now.
fn differences(plan: &Plan, deal: &Deal, stages: &[Pipeline], zone: &Zone) -> Vec<String> {
    let mut changes = Vec::new();
    for planned in &plan.effects {
        match &planned.effect {
            Effect::UpdateLead(update) => {
                if let Some(stage) = update.stage {
                    let name = |id| name(stages, deal.pipeline, id);
                    changes.push(format!("stage {} → {}", name(stage.from), name(stage.to)));
                }
                if let Some(price) = update.price {
                    let before =
                        deal.price.map_or_else(|| "none".to_owned(), |price| price.to_string());
                    changes.push(format!("price {before} → {price}"));
                }
                for value in &update.fields {
                    let day = |at| zone.day(at).to_string();
                    let before = deal.field(value.field).unwrap_or("empty");
                    let (before, after) = match &value.value {
                        Value::Text(text) | Value::Amount(text) => {
                            (before.to_owned(), text.clone())
                        }
                        // Kommo tells a date as a moment.
                        Value::Date(at) => {
                            (moment(before).map_or_else(|| before.to_owned(), day), day(*at))
                        }
                        Value::Empty => (before.to_owned(), "empty".to_owned()),
                    };
                    if before != after {
                        changes.push(format!("{} {before} → {after}", value.field.as_str()));
                    }
                }
            }
            Effect::AddNote(note) => changes.push(format!("+ note: {}", note.text)),
            Effect::AddTask(task) => changes.push(format!("+ task: {}", task.text)),
            Effect::RefreshTask(task) => {
                let text = task.text.as_deref().map(|text| format!(": {text}"));
                changes.push(format!("task goes on{}", text.unwrap_or_default()));
            }
            Effect::CompleteTask(task) => changes.push(format!("task completed: {}", task.result)),
            Effect::CreateLead(deal) => changes.push(match deal.price {
                Some(price) => format!("+ deal: {} (price {price})", deal.name),
                None => format!("+ deal: {}", deal.name),
            }),
            // A part of making the deal.
            Effect::NameLead(_) => {}
            Effect::AddTag(tag) => changes.push(format!("+ tag: {}", tag.tag)),
            Effect::StartBot(bot) => changes.push(format!("starts Salesbot {}", bot.bot)),
            Effect::AttachFile(file) => changes.push(format!("+ file: {}", file.name)),
        }
    }
    changes.extend(plan.documents.iter().map(|document| format!("+ file: {}", document.file.name)));
    changes
}

fn name(pipelines: &[Pipeline], pipeline: PipelineId, stage: StatusId) -> String {
    let mut stages = pipelines.iter().filter(|of| of.id == pipeline).flat_map(|of| &of.statuses);
    let named = stages.find(|of| of.id == stage).and_then(|of| of.name.clone());
    named.unwrap_or_else(|| stage.to_string())
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(text.parse().ok()?).ok()
}
