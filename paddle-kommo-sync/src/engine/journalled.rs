//! An event whose plan is journalled already: goes on with it as far as it is still right.

use kommo_client::{Lead, StatusId};
use paddle_webhook::{Event, EventData};

use super::{
    Sync,
    decided::{Begun, Decided},
    process::{Journalled, Next, parsed, priority},
};
use crate::{
    apply::{kept, unsettled},
    config::LostDeals,
    decide::{as_configured, leave_to_persons},
    error::StoreError,
    failure::{Reaction, reaction},
    known::Account,
    link::{References, Rung, Rungs},
    outcome::Parked,
    plan::{Effect, Field, LeadUpdate, Reason, StageMove},
    store::{Claimed, EffectRow, EffectState, Learned, Lease, LinkRow},
};

/// Says of an effect, in place of how often it was looked for, that a person was asked whether it has happened.
const ASKED: u32 = 1;

/// Whether a planned change of a deal is right as the deal stands by now.
enum Fit {
    Good,
    /// The rules have to say what it means how the deal stands.
    Anew,
    /// What has to be known for that cannot be read.
    Failed(Reaction),
}

impl Sync {
    /// Goes on with a journalled plan as far as it is still right: time has passed since it was decided.
    pub(super) async fn go_on(
        &self,
        claimed: &Claimed,
        event: &Event,
        data: &EventData,
        mut decided: Decided,
    ) -> Result<Next, StoreError> {
        let lease = &claimed.lease;
        if decided.is_taken_back() {
            return self.plan(claimed, event, data, decided.begun).await;
        }
        let references = References::of_event(event, data);
        let links = self.0.store.links(self.0.account, &references.entities()).await?;
        // Whoever planned this may have stopped before it did so.
        self.reopen(&references, &links).await?;
        let mut rows = claimed.effects.clone();
        self.remember_begun(lease, &decided, &mut rows).await?;
        let in_doubt = decided.begun.is_some();
        let mut effects = parsed(rows)?;
        self.as_configured(&mut effects);
        let is_open = |row: &EffectRow| row.state != EffectState::Done;
        let Some(planned) =
            effects.iter().find(|(row, _)| is_open(row)).map(|(_, effect)| effect.lead())
        else {
            return Ok(Next::CarryOut(Journalled { effects, plan: decided.plan, in_doubt }));
        };
        let writes_deal = |(row, effect): &(EffectRow, Effect)| {
            is_open(row) && matches!(effect, Effect::UpdateLead(_))
        };
        let links = self.persons_links(&references, links);
        let meant = links.first().map(|link| link.lead).filter(|meant| *meant != planned);
        // What only adds to the deal needs no look at it, unless a person has said that another one is meant.
        if !effects.iter().any(writes_deal) && meant.is_none() {
            return Ok(Next::CarryOut(Journalled { effects, plan: decided.plan, in_doubt }));
        }
        let is_begun = effects.iter().any(is_begun);
        let event = (event, data);
        let applier = self.applier(priority(&claimed.event));
        let reading = applier.read_lead(planned);
        let lead = match kept(&*self.0.store, &*self.0.clock, lease, reading).await {
            Ok(Some(lead)) if !lead.is_deleted => lead,
            Ok(_) if meant.is_none() => {
                return self.park(lease, Parked::deal_gone(planned)).await.map(Next::from);
            }
            Ok(_) => {
                let begun = is_begun.then(|| Begun::of(&effects));
                return self.decide_anew(claimed, event, &decided, begun).await;
            }
            Err(reaction) => return self.react(claimed, reaction).await.map(Next::from),
        };
        if let Some(meant) = meant {
            // What was begun is ended where it was begun: one sale is not told on two deals.
            if is_begun || effects.iter().any(|(row, effect)| self.has_happened(&lead, row, effect))
            {
                let event_id = Some(lease.event_id.as_str());
                self.link_and_move(links, meant, event_id).await?;
            } else if let Some(until) = effects
                .iter()
                .filter_map(|(row, _)| unsettled(row, self.0.settle, self.now()))
                .max()
            {
                let why = "whether its deal was changed is not known yet".to_owned();
                return self.wait(lease, until, why).await.map(Next::from);
            } else {
                return self.decide_anew(claimed, event, &decided, None).await;
            }
        }
        let update = effects.iter_mut().find_map(|(row, effect)| match effect {
            Effect::UpdateLead(update) if is_open(row) && update.lead == planned => {
                Some((row, update))
            }
            _ => None,
        });
        if let Some((row, update)) = update {
            match self.fit(&lead, row, update, &mut decided.plan.reasons).await? {
                Fit::Good => {}
                Fit::Anew => {
                    let begun = is_begun.then(|| Begun::of(&effects));
                    return self.decide_anew(claimed, event, &decided, begun).await;
                }
                Fit::Failed(reaction) => {
                    return self.react(claimed, reaction).await.map(Next::from);
                }
            }
        }
        Ok(Next::CarryOut(Journalled { effects, plan: decided.plan, in_doubt }))
    }

    /// Kommo may have refused what an older configuration said: of what is not begun, the one of today counts.
    fn as_configured(&self, effects: &mut Vec<(EffectRow, Effect)>) {
        let won_in = |(_, effect): &(EffectRow, Effect)| match effect {
            Effect::UpdateLead(update) => update.stage.map(|stage| stage.pipeline),
            _ => None,
        };
        let own = effects.iter().find_map(won_in);
        effects.retain_mut(|(row, effect)| {
            row.state != EffectState::Planned
                || as_configured((&row.name, effect), own, &self.0.config)
        });
    }

    /// Makes a change of a deal fit how the deal stands by now.
    async fn fit(
        &self,
        lead: &Lead,
        row: &EffectRow,
        update: &mut LeadUpdate,
        reasons: &mut Vec<Reason>,
    ) -> Result<Fit, StoreError> {
        if let Some(stage) = update.stage {
            let has_happened = is_unheard(row) && self.shows(lead, update);
            let is_there = |pipeline| stage.pipeline == pipeline;
            match (lead.pipeline_id, lead.status_id) {
                // A lost deal has the same stage in every pipeline.
                (pipeline, Some(status))
                    if status == stage.from && pipeline.is_none_or(is_there) =>
                {
                    let to = self.0.config.stages.won(stage.pipeline);
                    update.stage = Some(StageMove { to, ..stage }).filter(|stage| stage.from != to);
                }
                // It happened, by our call without an answer or by a person; perhaps the deal went on from there.
                (_, Some(status))
                    if status == stage.to || status == StatusId::WON || has_happened =>
                {
                    update.stage = None;
                }
                // Somebody moved it along.
                (Some(pipeline), Some(from)) if !self.is_for_the_rules(from, reasons) => {
                    let to = self.0.config.stages.won(pipeline);
                    update.stage = Some(StageMove { pipeline, from, to }).filter(|_| from != to);
                }
                _ => return Ok(Fit::Anew),
            }
        }
        let sale = self.sale(update.lead).await?;
        update.fields.retain(|value| sale.is_current(value));
        update.price = update.price.filter(|price| sale.price.is_none_or(|set| set == *price));
        if let Some(deal) = self.deal(lead) {
            let zone = match self.account().await {
                Ok(account) => account.zone,
                Err(error) => return Ok(Fit::Failed(reaction(&error))),
            };
            let known = (&sale, &deal);
            let is_persons = leave_to_persons(update, &self.0.config, known, &zone);
            if is_persons && !reasons.contains(&Reason::PersonsValueStays) {
                reasons.push(Reason::PersonsValueStays);
            }
        }
        let fields: Vec<_> = update.fields.iter().map(|value| value.field).collect();
        self.set_unwritten(update.lead, &fields, false).await?;
        Ok(Fit::Good)
    }

    /// Takes the decision back, with all that was learned by it, and decides anew: for the deal that is meant by now, or by
    /// how the deal stands by now.
    async fn decide_anew(
        &self,
        claimed: &Claimed,
        (event, data): (&Event, &EventData),
        decided: &Decided,
        begun: Option<Begun>,
    ) -> Result<Next, StoreError> {
        let mut learned = Learned::default();
        for lesson in &decided.lessons {
            let row = self.0.store.known(self.0.account, &lesson.entity).await?;
            learned.known.push(lesson.unlearned(row)?);
        }
        let begun = begun.or_else(|| decided.begun.clone());
        let taken_back = Decided { begun: begun.clone(), ..Decided::default() };
        self.journal(&claimed.lease, &taken_back, &learned).await?;
        self.plan(claimed, event, data, begun).await
    }

    /// What an earlier plan has done beyond its deal is not done again. Where nobody heard whether it happened, a person says.
    pub(super) async fn remember_begun(
        &self,
        lease: &Lease,
        decided: &Decided,
        rows: &mut [EffectRow],
    ) -> Result<(), StoreError> {
        let Some(begun) = &decided.begun else { return Ok(()) };
        for row in rows {
            let Some((state, remote_id)) = begun.state(row) else { continue };
            match state {
                EffectState::Done => self.0.store.done(lease, &row.name, remote_id).await?,
                state => self.0.store.mark(lease, &row.name, state, ASKED).await?,
            }
            (row.state, row.remote_id) = (state, remote_id);
        }
        Ok(())
    }

    /// Whether the rules have to say what it means that the deal is in this stage by now.
    fn is_for_the_rules(&self, status: StatusId, reasons: &[Reason]) -> bool {
        let is_lost = status == StatusId::LOST;
        // A charge of a subscription never opens a lost deal again.
        is_lost
            && (self.0.config.lost_deals == LostDeals::Park
                || reasons.contains(&Reason::TrialConverted))
    }

    /// Whether the deal shows that its change, which was not answered, has happened.
    fn has_happened(&self, lead: &Lead, row: &EffectRow, effect: &Effect) -> bool {
        let Effect::UpdateLead(update) = effect else { return false };
        let is_there = update.stage.is_some_and(|stage| {
            stage.from != stage.to
                && (lead.status_id == Some(stage.to) || lead.status_id == Some(StatusId::WON))
        });
        is_unheard(row) && (is_there || self.shows(lead, update))
    }

    /// Whether the deal shows what only this change writes.
    fn shows(&self, lead: &Lead, update: &LeadUpdate) -> bool {
        let Some(deal) = self.deal(lead) else { return false };
        update.fields.iter().any(|value| {
            matches!(value.field, Field::TransactionId | Field::InvoiceNumber)
                && deal.field(value.field) == Some(value.value.to_text().as_str())
        })
    }

    /// The links by which a person has said which deal is meant; none where no one has.
    fn persons_links(&self, references: &References, mut links: Vec<LinkRow>) -> Vec<LinkRow> {
        match references.answer(&links, self.trust(&Account::default())) {
            Rungs::Found(lead, Rung::Person) => {
                links.retain(|link| link.lead == lead && link.rung == Rung::Person.as_str());
            }
            _ => links.clear(),
        }
        links
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
