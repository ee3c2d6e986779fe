//! The way of one claimed event: link, read, decide, journal, apply, record.

use std::sync::atomic::Ordering;

use kommo_client::LeadId;
use paddle_webhook::{CustomerId, Environment, Event, EventData};
use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use super::{Sync, text};
use crate::{
    apply::{Applied, after},
    config::{FieldTarget, Unlinked},
    decide::{self, Decision},
    error::StoreError,
    failure::{Pause, Reaction, backoff, chain, reaction},
    known::{Deal, Known},
    link::{self, References, Rung, Rungs},
    outcome::{Done, LeftOut, Outcome, ParkReason, Parked},
    plan::{Effect, Marker, Plan, Reason},
    store::{Claimed, EffectRow, EventState, Finish, KnownRow, Learned, Lease, LinkRow, NewEffect},
};

/// An event that ended its worker so often without any outcome will do so again.
const STRIKES: u32 = 3;

/// What one round of work on an event led to.
pub(super) enum Step {
    /// The event has ended.
    Ended(Outcome),
    /// It waits.
    Waiting(Outcome),
    /// It must be claimed anew, at once: it belongs to another lane, or something changed under it.
    Again,
}

/// What is stored about the entities of an event, as it was read.
struct Stored {
    references: References,
    links: Vec<LinkRow>,
    transaction: Option<KnownRow>,
    subscription: Option<KnownRow>,
    customer: Option<KnownRow>,
    known: Known,
}

/// Where the search for the deal led.
enum Found {
    Deal(Box<Deal>, Rung),
    Parked(Parked),
    Failed(Reaction),
}

impl Sync {
    /// Works on a claimed event until it ends or has to wait.
    #[tracing::instrument(
        name = "event", skip_all,
        fields(event_id = claimed.event.event_id, event_type = claimed.event.kind, attempt = claimed.event.attempt)
    )]
    pub(super) async fn work_on(&self, claimed: Claimed) -> Result<Step, StoreError> {
        let lease = claimed.lease.clone();
        let attempt = claimed.event.attempt;
        let step = match self.process(claimed).await {
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
        }?;
        match &step {
            Step::Ended(Outcome::Parked(parked)) => {
                tracing::warn!(
                    reason = parked.reason.code(),
                    detail = parked.detail,
                    "parked: needs a person"
                );
            }
            Step::Ended(outcome) => tracing::info!(%outcome, "ended"),
            Step::Waiting(Outcome::Waiting { reason, until }) => {
                tracing::info!(reason, %until, attempt, "waiting")
            }
            Step::Waiting(_) | Step::Again => {}
        }
        Ok(step)
    }

    async fn process(&self, claimed: Claimed) -> Result<Step, StoreError> {
        let lease = &claimed.lease;
        if claimed.strikes > STRIKES {
            let detail =
                format!("it ended its worker {STRIKES} times: look at the logs, then resume it");
            return self.park(lease, Parked::new(ParkReason::Poison, detail)).await;
        }
        let environment =
            if claimed.event.sandbox { Environment::Sandbox } else { Environment::Live };
        let event = match Event::from_trusted(&claimed.event.payload, environment) {
            Ok(event) => event,
            Err(error) => {
                return self.park(lease, Parked::new(ParkReason::Unreadable, chain(&error))).await;
            }
        };
        let data = match event.data() {
            Ok(data) => data,
            Err(error) => {
                return self
                    .park(lease, Parked::new(ParkReason::UnexpectedShape, chain(&error)))
                    .await;
            }
        };
        if let Some(reason) = decide::not_real(&event, &data, &self.0.config) {
            return self.end(lease, Outcome::Ignored { reason }, Learned::default()).await;
        }
        // A plan that was journalled is carried out as it stands, whatever has changed since.
        if let Some(decision) = &claimed.event.decision {
            let plan: Plan = parse(decision)?;
            return self.carry_out(&claimed, claimed.effects.clone(), plan.reasons, false).await;
        }
        self.plan(&claimed, &event, &data).await
    }

    /// Decides, and journals the plan before anything of it is sent.
    async fn plan(
        &self,
        claimed: &Claimed,
        event: &Event,
        data: &EventData,
    ) -> Result<Step, StoreError> {
        let lease = &claimed.lease;
        let config = &self.0.config;
        let mut stored = self.read_stored(data).await?;
        let mut rung = Rung::LeadId;
        let mut decision = decide::decide(event, data, &stored.known, config, self.now());
        if decision == Decision::NeedsDeal {
            match self.find_deal(&stored).await? {
                Found::Deal(deal, by) => {
                    let lane = link::lane(deal.lead);
                    if lane != lease.lane {
                        // It belongs behind what this deal already has open. What is learned now puts it there.
                        let learned = Learned {
                            links: stored.references.links(deal.lead, by),
                            known: Vec::new(),
                        };
                        self.0.store.move_to(lease, &lane, &learned, self.now()).await?;
                        return Ok(Step::Again);
                    }
                    rung = by;
                    stored.known.deal = Some(*deal);
                }
                Found::Parked(parked)
                    if config.unlinked == Unlinked::Ignore
                        && parked.reason == ParkReason::NoDeal =>
                {
                    let learned =
                        stored.learned(&stored.known.clone().fold(event, data), Vec::new())?;
                    return self
                        .end(lease, Outcome::Ignored { reason: Reason::NotLinked }, learned)
                        .await;
                }
                Found::Parked(parked) => return self.park(lease, parked).await,
                Found::Failed(reaction) => return self.react(claimed, reaction).await,
            }
            match self.0.cache.currency(&self.0.kommo, self.now()).await {
                Ok(currency) => stored.known.account_currency = currency,
                Err(error) => return self.react(claimed, reaction(&error)).await,
            }
            decision = decide::decide(event, data, &stored.known, config, self.now());
        }
        match decision {
            Decision::Ignore(reason) => {
                let links = match stored.references.answer(&stored.links) {
                    Rungs::Found(lead, by) => stored.references.links(lead, by),
                    Rungs::Parked(_) | Rungs::Silent => Vec::new(),
                };
                let learned = stored.learned(&stored.known.clone().fold(event, data), links)?;
                self.end(lease, Outcome::Ignored { reason }, learned).await
            }
            Decision::Park(parked) => self.park(lease, parked).await,
            // A rule asked for a deal that it was given: a mistake of ours, and nothing to write.
            Decision::NeedsDeal => Err(StoreError::Corrupt("decision")),
            Decision::Act { plan, known } => {
                let links =
                    known.deal.as_ref().map(|deal| stored.references.links(deal.lead, rung));
                let learned = stored.learned(&known, links.unwrap_or_default())?;
                let effects = self.journal(lease, &plan, &learned).await?;
                self.carry_out(claimed, effects, plan.reasons, true).await
            }
        }
    }

    async fn journal(
        &self,
        lease: &Lease,
        plan: &Plan,
        learned: &Learned,
    ) -> Result<Vec<EffectRow>, StoreError> {
        let mut effects = Vec::new();
        let mut rows = Vec::new();
        for planned in &plan.effects {
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
                state: crate::store::EffectState::Planned,
                sent_at: None,
                absent: 0,
                remote_id: None,
            });
        }
        self.0.store.plan(lease, &text(plan)?, &effects, learned).await?;
        Ok(rows)
    }

    async fn carry_out(
        &self,
        claimed: &Claimed,
        rows: Vec<EffectRow>,
        reasons: Vec<Reason>,
        fresh: bool,
    ) -> Result<Step, StoreError> {
        let lease = &claimed.lease;
        let mut effects = Vec::new();
        for row in rows {
            let effect: Effect = parse(&row.body)?;
            effects.push((row, effect));
        }
        let lead = effects.first().map(|(_, effect)| effect.lead());
        match self.applier().apply(lease.clone(), &effects, fresh).await? {
            Applied::Done(left_out) => {
                self.0.pauses.store(0, Ordering::Relaxed);
                self.warn_once(&left_out);
                let done = Done { lead, reasons, left_out };
                self.end(lease, Outcome::Done(done), Learned::default()).await
            }
            Applied::Wait { until, why } => self.wait(lease, until, why).await,
            Applied::Failed(reaction) => self.react(claimed, reaction).await,
        }
    }

    /// Finds the deal by the ladder, and reads it.
    async fn find_deal(&self, stored: &Stored) -> Result<Found, StoreError> {
        let (lead, rung) = match stored.references.answer(&stored.links) {
            Rungs::Found(lead, rung) => (lead, rung),
            Rungs::Parked(parked) => return Ok(Found::Parked(parked)),
            Rungs::Silent => match self.find_by_email(stored).await {
                Ok(Ok(lead)) => (lead, Rung::Email),
                Ok(Err(parked)) => return Ok(Found::Parked(parked)),
                Err(reaction) => return Ok(Found::Failed(reaction)),
            },
        };
        Ok(match self.0.kommo.leads().get(lead).await {
            Ok(Some(read)) if !read.is_deleted => match self.deal(&read) {
                Some(deal) => Found::Deal(Box::new(deal), rung),
                None => Found::Failed(Reaction::Retry("Kommo's answer names no stage".to_owned())),
            },
            Ok(_) => {
                let detail = format!(
                    "deal {lead} does not exist (any more): link the event to another deal"
                );
                Found::Parked(Parked::new(ParkReason::DealGone, detail).candidates(vec![lead]))
            }
            Err(error) => Found::Failed(reaction(&error)),
        })
    }

    async fn find_by_email(&self, stored: &Stored) -> Result<Result<LeadId, Parked>, Reaction> {
        let nobody = "no deal is named, and the customer's e-mail address is not known: link the event to a deal by hand";
        let no_deal = Parked::new(ParkReason::NoDeal, nobody);
        let known = stored.known.customer.email.clone();
        let email = match (known, &self.0.customers, &stored.references.customer) {
            (Some(email), _, _) => Some(email),
            (None, Some(lookup), Some(customer)) => {
                let customer = CustomerId::from(customer.as_str());
                lookup.email(&customer).await.map_err(|error| Reaction::Retry(chain(&error)))?
            }
            (None, _, _) => None,
        };
        let Some(email) = email else { return Ok(Err(no_deal)) };
        link::by_email(&self.0.kommo, &email, &self.0.config.stages)
            .await
            .map_err(|error| reaction(&error))
    }

    fn deal(&self, lead: &kommo_client::Lead) -> Option<Deal> {
        let transaction = match &self.0.config.fields.transaction_id {
            FieldTarget::Off => None,
            FieldTarget::Code(code) => lead.field_by_code(code),
            FieldTarget::Id(id) => lead.field(*id),
        };
        Some(Deal {
            lead: lead.id,
            pipeline: lead.pipeline_id?,
            status: lead.status_id?,
            responsible: lead.responsible_user_id,
            transaction_id: transaction.and_then(|field| field.text()).map(str::to_owned),
        })
    }

    async fn read_stored(&self, data: &EventData) -> Result<Stored, StoreError> {
        let store = &self.0.store;
        let references = References::of(data);
        let links = store.links(self.0.account, &references.entities()).await?;
        let mut stored = Stored {
            links,
            transaction: None,
            subscription: None,
            customer: None,
            known: Known::default(),
            references,
        };
        if let Some(id) = &stored.references.transaction {
            let row = store.known(self.0.account, id).await?;
            stored.known.transaction = known(&row)?;
            stored.transaction = Some(row);
        }
        if let Some(id) = &stored.references.subscription {
            let row = store.known(self.0.account, id).await?;
            stored.known.subscription = known(&row)?;
            stored.subscription = Some(row);
        }
        if let Some(id) = &stored.references.customer {
            let row = store.known(self.0.account, id).await?;
            stored.known.customer = known(&row)?;
            stored.customer = Some(row);
        }
        Ok(stored)
    }

    async fn park(&self, lease: &Lease, parked: Parked) -> Result<Step, StoreError> {
        self.end(lease, Outcome::Parked(parked), Learned::default()).await
    }

    async fn end(
        &self,
        lease: &Lease,
        outcome: Outcome,
        learned: Learned,
    ) -> Result<Step, StoreError> {
        let (state, reason) = match &outcome {
            Outcome::Parked(parked) => (EventState::Parked, parked.reason.code()),
            Outcome::Ignored { reason } => (EventState::Done, reason.code()),
            Outcome::Done(done) => {
                (EventState::Done, done.reasons.first().map_or("done", |reason| reason.code()))
            }
            Outcome::Waiting { .. } => return Err(StoreError::Corrupt("outcome")),
        };
        let finish = Finish {
            state,
            outcome: text(&outcome)?,
            reason: reason.to_owned(),
            learned,
            at: self.now(),
        };
        self.0.store.finish(lease, &finish).await?;
        Ok(Step::Ended(outcome))
    }

    async fn react(&self, claimed: &Claimed, reaction: Reaction) -> Result<Step, StoreError> {
        let lease = &claimed.lease;
        match reaction {
            Reaction::Park(parked) => self.park(lease, parked).await,
            Reaction::Retry(why) => {
                let until = after(self.now(), backoff(&lease.event_id, claimed.event.attempt));
                self.wait(lease, until, why).await
            }
            Reaction::Pause(pause) => {
                let until = after(self.now(), pause.length(self.pauses()));
                if !pause.is_told() {
                    self.0.pauses.fetch_add(1, Ordering::Relaxed);
                }
                self.0.store.pause(self.0.account, until, pause.code()).await?;
                match pause {
                    Pause::RateLimited(_) => {
                        tracing::warn!(%until, "Kommo asks to slow down: its account pauses")
                    }
                    _ => {
                        tracing::error!(reason = pause.code(), %until, "Kommo refuses every call: its account pauses")
                    }
                }
                self.wait(lease, self.now(), pause.code().to_owned()).await.map(|step| match step {
                    Step::Waiting(_) => {
                        Step::Waiting(Outcome::Waiting { reason: pause.code().to_owned(), until })
                    }
                    step => step,
                })
            }
        }
    }

    async fn wait(
        &self,
        lease: &Lease,
        until: OffsetDateTime,
        reason: String,
    ) -> Result<Step, StoreError> {
        self.0.store.retry_at(lease, until, &reason).await?;
        Ok(Step::Waiting(Outcome::Waiting { reason, until }))
    }

    /// A field that this account does not have is worth one line, not one per payment.
    fn warn_once(&self, left_out: &[LeftOut]) {
        for left_out in left_out {
            if self.0.cache.is_news(&left_out.why) {
                tracing::warn!(part = ?left_out.what, why = left_out.why, "left out of what is written to Kommo");
            }
        }
    }
}

impl Stored {
    /// What to keep: the links, and whatever of the knowledge has changed.
    fn learned(&self, after: &Known, links: Vec<LinkRow>) -> Result<Learned, StoreError> {
        let mut learned = Learned { links, known: Vec::new() };
        let mut keep = |row: &Option<KnownRow>, state: String| {
            if let Some(row) = row.as_ref().filter(|row| row.state != state) {
                learned.known.push(KnownRow { state, ..row.clone() });
            }
        };
        keep(&self.transaction, changed(&after.transaction)?);
        keep(&self.subscription, changed(&after.subscription)?);
        keep(&self.customer, changed(&after.customer)?);
        Ok(learned)
    }
}

/// What is stored for a state; nothing for a state that says nothing.
fn changed<T: Default + PartialEq + Serialize>(state: &T) -> Result<String, StoreError> {
    if *state == T::default() { Ok(String::new()) } else { text(state) }
}

fn known<T: Default + DeserializeOwned>(row: &KnownRow) -> Result<T, StoreError> {
    if row.state.is_empty() { Ok(T::default()) } else { parse(&row.state) }
}

fn parse<T: DeserializeOwned>(stored: &str) -> Result<T, StoreError> {
    serde_json::from_str(stored).map_err(|_| StoreError::Corrupt("state"))
}
