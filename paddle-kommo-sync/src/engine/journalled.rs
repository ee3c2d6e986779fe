//! An event whose plan is journalled already: goes on with it as far as it is still right.

use kommo_client::{Lead, LeadId, StatusId};
use paddle_webhook::{Event, EventData};

use super::{
    Sync,
    process::{Journalled, Next, Step, parsed, priority},
};
use crate::{
    apply::kept,
    config::LostDeals,
    decide::leave_to_persons,
    error::StoreError,
    known::Account,
    link::{self, References, Rung, Rungs},
    outcome::Parked,
    plan::{Effect, Field, LeadUpdate, Plan, Reason, StageMove},
    store::{Claimed, EffectRow, EffectState, Learned},
    zone::Zone,
};

impl Sync {
    /// Goes on with a journalled plan as far as it is still right: time has passed since it was decided.
    pub(super) async fn go_on(
        &self,
        claimed: &Claimed,
        event: &Event,
        data: &EventData,
        mut plan: Plan,
    ) -> Result<Next, StoreError> {
        let mut effects = parsed(claimed.effects.clone())?;
        let is_open = |row: &EffectRow| row.state != EffectState::Done;
        let Some(planned) =
            effects.iter().find(|(row, _)| is_open(row)).map(|(_, effect)| effect.lead())
        else {
            return Ok(Next::CarryOut(Journalled { effects, plan }));
        };
        let writes_deal = |(row, effect): &(EffectRow, Effect)| {
            is_open(row) && matches!(effect, Effect::UpdateLead(_))
        };
        let meant = self.meant_by_a_person(event, data).await?.filter(|meant| *meant != planned);
        // What was begun is ended where it was begun: one sale is not told on two deals.
        let elsewhere = meant.filter(|_| !effects.iter().any(is_begun));
        // What only adds to the deal needs no look at it, unless a person has said that another one is meant.
        if !effects.iter().any(writes_deal) && meant.is_none() {
            return Ok(Next::CarryOut(Journalled { effects, plan }));
        }
        let applier = self.applier(priority(&claimed.event));
        let reading = applier.read_lead(planned);
        let lead = match kept(&*self.0.store, &*self.0.clock, &claimed.lease, reading).await {
            Ok(Some(lead)) if !lead.is_deleted => lead,
            Ok(_) => {
                let Some(meant) = meant else {
                    let parked = Parked::deal_gone(planned);
                    return self.park(&claimed.lease, parked).await.map(Next::from);
                };
                return self.go_elsewhere(claimed, (event, data), meant, effects, plan).await;
            }
            Err(reaction) => return self.react(claimed, reaction).await.map(Next::from),
        };
        if let Some(elsewhere) = elsewhere
            && !effects.iter().any(|(row, effect)| self.has_happened(&lead, row, effect))
        {
            return self.go_elsewhere(claimed, (event, data), elsewhere, effects, plan).await;
        }
        let update = effects.iter_mut().find_map(|(row, effect)| match effect {
            Effect::UpdateLead(update) if is_open(row) && update.lead == planned => {
                Some((row, update))
            }
            _ => None,
        });
        if let Some((row, update)) = update {
            if let Some(stage) = update.stage {
                let has_happened = is_unheard(row) && self.shows(&lead, update);
                let is_there = |pipeline| stage.pipeline == pipeline;
                match (lead.pipeline_id, lead.status_id) {
                    // A lost deal has the same stage in every pipeline.
                    (pipeline, Some(status))
                        if status == stage.from && pipeline.is_none_or(is_there) => {}
                    // It happened, by our call without an answer or by a person; perhaps the deal went on from there.
                    (_, Some(status))
                        if status == stage.to || status == StatusId::WON || has_happened =>
                    {
                        update.stage = None;
                    }
                    // A lost deal keeps its stage whatever is charged later. All else stands: by what is known, the end of
                    // the trial was told already.
                    (_, Some(StatusId::LOST)) if plan.reasons.contains(&Reason::TrialConverted) => {
                        (update.stage, update.price) = (None, None);
                    }
                    // What a lost deal means is for the rules to say.
                    (Some(_), Some(StatusId::LOST))
                        if self.0.config.lost_deals == LostDeals::Park =>
                    {
                        return self.plan(claimed, event, data).await;
                    }
                    // Somebody moved it along. It is not decided anew: by what is known, the plan is carried out already.
                    (Some(pipeline), Some(from)) => {
                        let to = self.0.config.stages.won(pipeline);
                        update.stage =
                            Some(StageMove { pipeline, from, to }).filter(|_| from != to);
                    }
                    _ => return self.plan(claimed, event, data).await,
                }
            }
            let sale = self.sale(update.lead).await?;
            update.fields.retain(|value| sale.is_current(value));
            update.price = update.price.filter(|price| sale.price.is_none_or(|set| set == *price));
            if let Some(deal) = self.deal(&lead) {
                let zone = self.account().await.map_or(Zone::UTC, |account| account.zone);
                let known = (&sale, &deal);
                let is_persons = leave_to_persons(update, &self.0.config, known, &zone);
                if is_persons && !plan.reasons.contains(&Reason::PersonsValueStays) {
                    plan.reasons.push(Reason::PersonsValueStays);
                }
            }
            let fields: Vec<_> = update.fields.iter().map(|value| value.field).collect();
            self.set_unwritten(update.lead, &fields, false).await?;
        }
        Ok(Next::CarryOut(Journalled { effects, plan }))
    }

    /// A person has said that another deal is meant than the one of the journalled plan, and that one is gone or nothing was
    /// done to it: the event goes on there. What was done already was done to the deal that is gone.
    async fn go_elsewhere(
        &self,
        claimed: &Claimed,
        (event, data): (&Event, &EventData),
        meant: LeadId,
        mut effects: Vec<(EffectRow, Effect)>,
        mut plan: Plan,
    ) -> Result<Next, StoreError> {
        let lease = &claimed.lease;
        let lane = link::lane(meant);
        if lane != lease.lane {
            self.0.store.move_to(lease, &lane, &Learned::default(), self.now()).await?;
            return Ok(Step::Again.into());
        }
        let closes = |effect: &Effect| matches!(effect, Effect::UpdateLead(update) if update.stage.is_some());
        if effects.iter().any(|(_, effect)| closes(effect)) {
            return self.plan(claimed, event, data).await;
        }
        for document in &mut plan.documents {
            document.file.lead = meant;
        }
        for planned in &mut plan.effects {
            planned.effect.move_to(meant);
        }
        if effects.iter().any(is_begun) {
            // A merged deal took its notes along: what was not answered is looked for there.
            effects.iter_mut().for_each(|(_, effect)| effect.move_to(meant));
        } else {
            // On disk too: the deal of the plan may be there still, and must not get the rest of it.
            effects = parsed(self.journal(lease, &plan, &Learned::default()).await?)?;
        }
        Ok(Next::CarryOut(Journalled { effects, plan }))
    }

    /// Whether the deal shows that its change, which was not answered, has happened.
    fn has_happened(&self, lead: &Lead, row: &EffectRow, effect: &Effect) -> bool {
        let Effect::UpdateLead(update) = effect else { return false };
        let is_moved = update.stage.is_some_and(|stage| lead.status_id != Some(stage.from));
        is_unheard(row) && (is_moved || self.shows(lead, update))
    }

    /// Whether the deal shows what only this change writes.
    fn shows(&self, lead: &Lead, update: &LeadUpdate) -> bool {
        let Some(deal) = self.deal(lead) else { return false };
        update.fields.iter().any(|value| {
            matches!(value.field, Field::TransactionId | Field::InvoiceNumber)
                && deal.field(value.field) == Some(value.value.to_text().as_str())
        })
    }

    async fn meant_by_a_person(
        &self,
        event: &Event,
        data: &EventData,
    ) -> Result<Option<LeadId>, StoreError> {
        let references = References::of_event(event, data);
        let links = self.0.store.links(self.0.account, &references.entities()).await?;
        Ok(match references.answer(&links, self.trust(&Account::default())) {
            Rungs::Found(lead, Rung::Person) => Some(lead),
            _ => None,
        })
    }
}

/// Whether an effect may be in Kommo.
fn is_begun((row, effect): &(EffectRow, Effect)) -> bool {
    match effect {
        // Whether this one happened without an answer, the deal itself says.
        Effect::UpdateLead(_) => row.state == EffectState::Done,
        _ => row.state != EffectState::Planned,
    }
}

const fn is_unheard(row: &EffectRow) -> bool {
    matches!(row.state, EffectState::InFlight | EffectState::Unknown)
}
