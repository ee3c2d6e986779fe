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
    error::StoreError,
    known::{Account, Deal},
    link::{self, References, Rung, Rungs},
    outcome::Parked,
    plan::{Effect, Plan, StageMove},
    store::{Claimed, EffectRow, EffectState, Learned},
};

impl Sync {
    /// Goes on with a journalled plan as far as it is still right: time has passed since it was decided.
    pub(super) async fn go_on(
        &self,
        claimed: &Claimed,
        event: &Event,
        data: &EventData,
        plan: Plan,
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
        // What only adds to the deal needs no look at it, unless a person has said that another one is meant.
        if !effects.iter().any(writes_deal)
            && self.meant_by_a_person(event, data).await?.is_none_or(|meant| meant == planned)
        {
            return Ok(Next::CarryOut(Journalled { effects, plan }));
        }
        let applier = self.applier(priority(&claimed.event));
        let reading = applier.read_lead(planned);
        let lead = match kept(&*self.0.store, &*self.0.clock, &claimed.lease, reading).await {
            Ok(Some(lead)) if !lead.is_deleted => lead,
            Ok(_) => {
                return self.go_elsewhere(claimed, (event, data), planned, effects, plan).await;
            }
            Err(reaction) => return self.react(claimed, reaction).await.map(Next::from),
        };
        let update = effects.iter_mut().find_map(|(row, effect)| match effect {
            Effect::UpdateLead(update) if is_open(row) && update.lead == planned => {
                Some((row, update))
            }
            _ => None,
        });
        if let Some((row, update)) = update {
            if let Some(stage) = update.stage {
                let is_unheard = matches!(row.state, EffectState::InFlight | EffectState::Unknown);
                let has_happened = is_unheard && self.names(&lead, data);
                match (lead.pipeline_id, lead.status_id) {
                    (_, Some(status)) if status == stage.from => {}
                    // It happened, by our call without an answer or by a person; perhaps the deal went on from there.
                    (_, Some(status))
                        if status == stage.to || status == StatusId::WON || has_happened =>
                    {
                        update.stage = None;
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
        }
        Ok(Next::CarryOut(Journalled { effects, plan }))
    }

    /// The deal of a journalled plan is gone. If a person has said meanwhile which other deal is meant, the event goes on
    /// there; what was done already was done to the deal that is gone.
    async fn go_elsewhere(
        &self,
        claimed: &Claimed,
        (event, data): (&Event, &EventData),
        gone: LeadId,
        mut effects: Vec<(EffectRow, Effect)>,
        mut plan: Plan,
    ) -> Result<Next, StoreError> {
        let lease = &claimed.lease;
        let meant = self.meant_by_a_person(event, data).await?;
        let Some(meant) = meant.filter(|meant| *meant != gone) else {
            return self.park(lease, Parked::deal_gone(gone)).await.map(Next::from);
        };
        let lane = link::lane(meant);
        if lane != lease.lane {
            self.0.store.move_to(lease, &lane, &Learned::default(), self.now()).await?;
            return Ok(Step::Again.into());
        }
        let closes = |effect: &Effect| matches!(effect, Effect::UpdateLead(update) if update.stage.is_some());
        if effects.iter().any(|(_, effect)| closes(effect)) {
            return self.plan(claimed, event, data).await;
        }
        for (_, effect) in &mut effects {
            effect.move_to(meant);
        }
        for document in &mut plan.documents {
            document.file.lead = meant;
        }
        Ok(Next::CarryOut(Journalled { effects, plan }))
    }

    /// Whether the deal names the transaction of the event, which only we write there.
    fn names(&self, lead: &Lead, data: &EventData) -> bool {
        let deal = self.deal(lead);
        let named = deal.as_ref().and_then(Deal::named_transaction);
        named.is_some() && named == data.transaction().map(|transaction| transaction.id.as_str())
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
