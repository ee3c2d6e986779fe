//! The way of one claimed event: link, read, decide, journal, apply, record.

use std::time::Duration;

use kommo_client::{PipelineId, Priority};
use paddle_webhook::{Environment, Event, EventData};

use super::{
    Sync,
    decided::{Begun, Decided},
    jobs::Job,
    reading::Found,
    rfc3339, text,
};
use crate::{
    apply::{Applied, Applier, Ran, after, held, kept},
    config::{Mode, Unlinked},
    decide::{self, Decision},
    error::StoreError,
    failure::chain,
    link::{self, Rungs},
    outcome::{Done, Outcome, ParkReason, Parked},
    plan::{Effect, Marker, Plan, Reason},
    store::{Claimed, EffectRow, EffectState, EventRow, Learned, Lease, NewEffect, Rank},
};

/// An event that ended its worker so often without any outcome will do so again.
const STRIKES: u32 = 3;

/// A plan that is on disk, and is to be carried out.
pub(super) struct Journalled {
    pub(super) effects: Vec<(EffectRow, Effect)>,
    pub(super) plan: Plan,
    /// Its effects may have been written without this journal knowing.
    pub(super) in_doubt: bool,
}

/// What the look at an event led to.
pub(super) enum Next {
    CarryOut(Journalled),
    Step(Step),
}

impl From<Step> for Next {
    fn from(step: Step) -> Self {
        Self::Step(step)
    }
}

/// What one round of work on an event led to.
pub(super) enum Step {
    /// The event has ended.
    Ended(Outcome),
    /// It waits.
    Waiting(Outcome),
    /// It must be claimed anew, at once: it belongs to another lane, or something changed under it.
    Again,
}

impl Sync {
    /// Works on a claimed event until it ends or has to wait.
    #[tracing::instrument(
        name = "event", skip_all,
        fields(event_id = claimed.event.event_id, event_type = claimed.event.kind, attempt = claimed.event.attempt)
    )]
    pub(super) async fn work_on(&self, mut claimed: Claimed) -> Result<Step, StoreError> {
        let lease = claimed.lease.clone();
        let working = match self.0.at_work.begin(&lease) {
            Ok(working) => working,
            Err(busy) => {
                // What is under way there ends first, and is seen when the lane is claimed anew.
                let ended = tokio::time::timeout(self.0.settle, busy.ended());
                let ended = held(&*self.0.store, &*self.0.clock, &lease, ended).await?;
                let wait = if ended.is_ok() { Duration::ZERO } else { self.0.settle };
                let due = after(self.now(), wait);
                self.0.store.retry_at(&lease, due, "its deal is worked on").await?;
                return Ok(Step::Again);
            }
        };
        let step = match self.process(&claimed).await {
            Ok(Next::CarryOut(planned)) => {
                // Many deals wait for their writes at the same time: what was read for their plans is let go.
                claimed.event.payload = Vec::new();
                claimed.event.decision = None;
                claimed.effects = Vec::new();
                self.carry_out(&claimed, planned).await
            }
            Ok(Next::Step(step)) => Ok(step),
            Err(error) => Err(error),
        };
        let step = match step {
            // What an event taught meanwhile changes what this one means: read and decide anew.
            Err(StoreError::Conflict) => {
                self.0
                    .store
                    .retry_at(&lease, self.now(), "what is known changed meanwhile")
                    .await?;
                Ok(Step::Again)
            }
            // A row that cannot be read will not be readable later; everything else of the store passes.
            Err(StoreError::Corrupt(what)) => {
                let parked = Parked::new(
                    ParkReason::UnexpectedShape,
                    format!("a stored {what} cannot be read"),
                );
                self.end(&lease, Outcome::Parked(parked), Learned::default()).await
            }
            step => step,
        };
        // A lane that is somebody else's by now is theirs to count.
        if matches!(step, Ok(_) | Err(StoreError::LeaseLost)) {
            working.end();
        }
        let step = step?;
        match &step {
            Step::Ended(Outcome::Parked(parked)) => tracing::warn!(
                reason = parked.reason.code(),
                detail = parked.detail,
                candidates = ?parked.candidates.iter().map(|lead| lead.get()).collect::<Vec<_>>(),
                "parked: needs a person"
            ),
            Step::Ended(Outcome::Done(done)) => {
                tracing::info!(
                    lead = done.lead.map(|lead| lead.get()),
                    reasons = codes(&done.reasons),
                    "done"
                );
            }
            Step::Ended(outcome) => tracing::info!(%outcome, "ended"),
            Step::Waiting(Outcome::Waiting { reason, until }) => {
                tracing::info!(reason, until = rfc3339(*until), "waiting");
            }
            Step::Waiting(_) | Step::Again => {}
        }
        Ok(step)
    }

    async fn process(&self, claimed: &Claimed) -> Result<Next, StoreError> {
        let lease = &claimed.lease;
        let given_up = self.0.at_work.given_up(&lease.lane);
        if claimed.strikes.saturating_sub(given_up) > STRIKES {
            let detail =
                format!("it ended its worker {STRIKES} times: look at the logs, then resume it");
            return self.park(lease, Parked::new(ParkReason::Poison, detail)).await.map(Next::from);
        }
        if Job::is_in(&claimed.event) {
            return self.process_job(claimed).await.map(Next::from);
        }
        let environment =
            if claimed.event.sandbox { Environment::Sandbox } else { Environment::Live };
        let event = match Event::from_trusted(&claimed.event.payload, environment) {
            Ok(event) => event,
            Err(error) => {
                let parked = Parked::new(ParkReason::Unreadable, chain(&error));
                return self.park(lease, parked).await.map(Next::from);
            }
        };
        let data = match event.data() {
            Ok(data) => data,
            Err(error) => {
                let parked = Parked::new(ParkReason::UnexpectedShape, chain(&error));
                return self.park(lease, parked).await.map(Next::from);
            }
        };
        if let Some(reason) = decide::not_real(&event, &data, &self.0.config) {
            let learned = self.remember_test(reason, &event, &data).await?;
            let outcome = Outcome::Ignored { reason };
            return self.end(lease, outcome, learned).await.map(Next::from);
        }
        match &claimed.event.decision {
            Some(decision) => self.go_on(claimed, &event, &data, super::parse(decision)?).await,
            None => self.plan(claimed, &event, &data, None).await,
        }
    }

    /// An adjustment carries no mark of its own, so the transaction's is kept.
    async fn remember_test(
        &self,
        reason: Reason,
        event: &Event,
        data: &EventData,
    ) -> Result<Learned, StoreError> {
        if reason != Reason::MarkedTest || data.transaction().is_none() {
            return Ok(Learned::default());
        }
        let stored = self.read_stored(event, data).await?;
        let mut known = stored.known.clone();
        known.transaction.test = true;
        stored.learned(&known, Vec::new())
    }

    /// Decides, and journals the plan before anything of it is sent; `begun` is what an earlier plan had begun.
    pub(super) async fn plan(
        &self,
        claimed: &Claimed,
        event: &Event,
        data: &EventData,
        begun: Option<Begun>,
    ) -> Result<Next, StoreError> {
        let lease = &claimed.lease;
        let mut stored = self.read_stored(event, data).await?;
        let mut decision =
            decide::decide(event, data, &stored.known, self.rules(event.environment()), self.now());
        if decision == Decision::NeedsDeal {
            let finding = self.find_deal(&mut stored, priority(&claimed.event));
            match held(&*self.0.store, &*self.0.clock, lease, finding).await?? {
                Found::Deal(deal, rung) => {
                    let lane = link::lane(deal.lead);
                    if lane != lease.lane {
                        // It belongs behind what this deal already has open. What is learned now puts it there.
                        let links = stored.references.links(deal.lead, rung);
                        let learned = stored.learned(&stored.known, links)?;
                        self.0.store.move_to(lease, &lane, &learned, self.now()).await?;
                        return Ok(Step::Again.into());
                    }
                    stored.known.deal = Some(*deal);
                }
                Found::Test => {
                    let mut known = stored.known.clone();
                    known.transaction.test = true;
                    let learned = stored.learned(&known, Vec::new())?;
                    let outcome = Outcome::Ignored { reason: Reason::MarkedTest };
                    return self.end(lease, outcome, learned).await.map(Next::from);
                }
                Found::Parked(parked) if self.is_not_ours(&parked) => {
                    let learned =
                        stored.learned(&stored.known.clone().fold(event, data), Vec::new())?;
                    let outcome = Outcome::Ignored { reason: Reason::NotLinked };
                    return self.end(lease, outcome, learned).await.map(Next::from);
                }
                Found::Parked(parked) => {
                    let mut known = stored.known.clone().fold_parked(event, data);
                    let reason = parked.reason;
                    let is_unconfirmed = reason == ParkReason::LinkNotConfirmed;
                    if is_unconfirmed {
                        known.customer.unconfirmed.insert(lease.event_id.clone());
                    }
                    let mut learned = stored.learned(&known, Vec::new())?;
                    if is_unconfirmed {
                        stored.insist_on_customer(&mut learned);
                    }
                    let step = self.end(lease, Outcome::Parked(parked), learned).await?;
                    if reason != ParkReason::DealGone {
                        self.reopen_if_told(&stored, (&lease.event_id, reason)).await?;
                    }
                    return Ok(step.into());
                }
                Found::Failed(reaction) => {
                    return self.react(claimed, reaction).await.map(Next::from);
                }
            }
            decision = decide::decide(
                event,
                data,
                &stored.known,
                self.rules(event.environment()),
                self.now(),
            );
        }
        match decision {
            Decision::Ignore(reason) => {
                let links = match stored
                    .references
                    .answer(&stored.links, self.trust(&stored.known.account))
                {
                    Rungs::Found(lead, rung) => stored.references.links(lead, rung),
                    Rungs::Confirm(_) | Rungs::Parked(_) | Rungs::Silent => Vec::new(),
                };
                let known = stored.known.clone().fold(event, data);
                let learned = stored.learned(&known, links.clone())?;
                let outcome = Outcome::Ignored { reason };
                if let Some(customer) = data.customer().filter(|customer| customer.email.is_some())
                {
                    // Kept before this event ends: whoever stops in between does all of it again.
                    self.0.store.learn(self.0.account, &learned).await?;
                    self.reopen_by_address(&customer.id, &known.customer).await?;
                    return self.end(lease, outcome, Learned::default()).await.map(Next::from);
                }
                let step = self.end(lease, outcome, learned).await?;
                self.reopen(&stored.references, &links).await?;
                Ok(step.into())
            }
            Decision::Park(parked) => {
                // Which deal is meant is clear: what follows must not look for another one.
                let links = stored.links_found();
                let learned =
                    stored.learned(&stored.known.clone().fold_parked(event, data), links)?;
                self.end(lease, Outcome::Parked(parked), learned).await.map(Next::from)
            }
            // A rule asked for a deal that it was given: a mistake of ours, and nothing to write.
            Decision::NeedsDeal => Err(StoreError::Corrupt("decision")),
            Decision::Act { plan, mut known } => {
                let (Some(deal), Some(rung)) = (&stored.known.deal, stored.rung) else {
                    return Err(StoreError::Corrupt("decision"));
                };
                let links = stored.references.links(deal.lead, rung);
                if self.is_shadow(deal.pipeline) {
                    // What was not written must not count as written, nor what was not told as told: the pipeline may go
                    // live tomorrow.
                    let known = stored.known.clone().fold(event, data);
                    let learned = stored.learned(&known, links.clone())?;
                    let would = self.changes(&plan, deal, &stored.known.account.zone).await;
                    let outcome =
                        Outcome::Shadowed { lead: deal.lead, reasons: plan.reasons, would };
                    let step = self.end(lease, outcome, learned).await?;
                    self.reopen(&stored.references, &links).await?;
                    return Ok(step.into());
                }
                known.customer.unconfirmed.remove(&lease.event_id);
                let learned = stored.learned(&known, links.clone())?;
                let lessons = stored.lessons(&learned)?;
                let decided = Decided { plan, lessons, begun };
                let mut rows = self.journal(lease, &decided, &learned).await?;
                let (reasons, effects) = (codes(&decided.plan.reasons), rows.len());
                tracing::debug!(lead = deal.lead.get(), reasons, effects, "decided");
                self.remember_begun(lease, &decided, &mut rows).await?;
                let effects = parsed(rows)?;
                self.reopen(&stored.references, &links).await?;
                let in_doubt = decided.begun.is_some();
                Ok(Next::CarryOut(Journalled { effects, plan: decided.plan, in_doubt }))
            }
        }
    }

    /// A sale without a deal, where most sales have none.
    fn is_not_ours(&self, parked: &Parked) -> bool {
        self.0.config.unlinked == Unlinked::Ignore && parked.reason == ParkReason::NoDeal
    }

    /// Whether nothing is written to the deals of this pipeline.
    pub(super) fn is_shadow(&self, pipeline: PipelineId) -> bool {
        let config = &self.0.config;
        config.mode == Mode::Shadow && !config.live_pipelines.contains(&pipeline.get())
    }

    pub(super) async fn journal(
        &self,
        lease: &Lease,
        decided: &Decided,
        learned: &Learned,
    ) -> Result<Vec<EffectRow>, StoreError> {
        let mut effects = Vec::new();
        let mut rows = Vec::new();
        for planned in &decided.plan.effects {
            let marker =
                Marker::new(&self.0.account_name, &lease.event_id, &planned.name).to_string();
            let body = text(&planned.effect)?;
            effects.push(NewEffect {
                name: planned.name.clone(),
                marker: marker.clone(),
                body: body.clone(),
            });
            rows.push(EffectRow {
                name: planned.name.clone(),
                marker,
                body,
                state: EffectState::Planned,
                sent_at: None,
                absent: 0,
                remote_id: None,
            });
        }
        self.0.store.plan(lease, &text(decided)?, &effects, learned).await?;
        Ok(rows)
    }

    /// Does what is not done yet, and ends the event. What is to follow is put into the inbox before: if we stop in between,
    /// it is put again, and known.
    pub(super) async fn carry_out(
        &self,
        claimed: &Claimed,
        Journalled { effects, plan, in_doubt }: Journalled,
    ) -> Result<Step, StoreError> {
        let lease = &claimed.lease;
        let lead = effects.first().map(|(_, effect)| effect.lead());
        let applier = Applier {
            occurred_at: claimed.event.occurred_at,
            in_doubt: in_doubt || self.is_in_doubt(&claimed.event),
            ..self.applier(priority(&claimed.event))
        };
        // On the heap: it is large, and stands within several others.
        let applying = Box::pin(applier.apply(lease.clone(), &effects));
        let Ran { applied, left_out, unwritten } =
            kept(&*self.0.store, &*self.0.clock, lease, applying).await?;
        self.warn_once(&left_out);
        // Also where something else has to wait: the deal is not looked at again.
        if let Some(lead) = lead {
            self.set_unwritten(lead, &unwritten, true).await?;
        }
        match applied {
            Applied::Done => {
                self.0.health.recovered();
                for document in plan.documents {
                    let job = Job::Document(document);
                    self.put_job(&job, claimed.event.occurred_at, claimed.event.sandbox).await?;
                }
                let done = Done { lead, reasons: plan.reasons, left_out };
                self.end(lease, Outcome::Done(done), Learned::default()).await
            }
            Applied::Wait { until, why } => self.wait(lease, until, why).await,
            Applied::Failed(reaction) => self.react(claimed, reaction).await,
        }
    }
}

/// A call waits for its turn as its event does.
pub(super) const fn priority(event: &EventRow) -> Priority {
    match event.rank {
        Rank::Payment => Priority::High,
        Rank::Usual => Priority::Normal,
        Rank::History => Priority::Low,
    }
}

pub(super) fn parsed(rows: Vec<EffectRow>) -> Result<Vec<(EffectRow, Effect)>, StoreError> {
    rows.into_iter().map(|row| super::parse(&row.body).map(|effect| (row, effect))).collect()
}

fn codes(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>().join(" ")
}
