//! Jobs: work of our own that goes the way of an event. A row of the inbox with an id of ours, claimed, journalled, retried,
//! parked, resumed, explained and pruned like any other; only what is to be done is told by a [`Job`], not by Paddle.

use std::time::Duration;

use kommo_client::LeadId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use super::{
    Sync,
    checkout::{self, CheckoutJob},
    decided::Decided,
    parse,
    process::{Journalled, Step, parsed, priority},
    text,
};
use crate::{
    apply::{after, kept},
    config::Invoices,
    error::StoreError,
    failure::Reaction,
    link::{self, Rung},
    outcome::{Outcome, ParkReason, Parked},
    plan::{Document, DocumentDraft, Plan, Reason},
    store::{Claimed, EventRow, Learned, NewEvent, Put, Rank},
};

/// How the kinds and the ids of jobs begin. Paddle's ids begin with `evt_` or such.
pub(super) const KIND: &str = "job.";

/// A document that finds too many others on their way comes again so much later.
const LATER: Duration = Duration::from_secs(60);

/// What is to be done, as it is kept in the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Job {
    /// A PDF of Paddle's belongs into a deal.
    Document(DocumentDraft),
    /// A checkout link is wanted for a deal.
    Checkout(CheckoutJob),
}

/// What a job comes to.
pub(super) enum Planned {
    /// These writes, and what is known from now on.
    Act(Plan, Learned),
    /// Nothing is left to do, or a person has to look.
    End(Outcome),
    /// Kommo could not be asked.
    Failed(Reaction),
}

impl Job {
    /// Whether this row of the inbox is one. An event of Paddle's with a type like ours still has an id like Paddle's.
    pub(super) fn is_in(row: &EventRow) -> bool {
        row.kind.starts_with(KIND) && row.event_id.starts_with(KIND)
    }

    /// The job of a row, if it is one that can be read.
    pub(super) fn of(row: &EventRow) -> Option<Self> {
        Self::is_in(row).then(|| serde_json::from_slice(&row.payload).ok())?
    }

    /// What stands where an event has its type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Document(draft) => match draft.file.document {
                Document::Invoice(_) => "job.invoice",
                Document::CreditNote(_) => "job.credit_note",
            },
            Self::Checkout(_) => "job.checkout",
        }
    }

    /// The id: the same job is done once, whoever asks for it how often.
    pub(super) fn id(&self) -> String {
        match self {
            Self::Document(draft) => format!("{}:{}", self.kind(), draft.file.document.id()),
            Self::Checkout(job) => format!("{}:{}", self.kind(), job.id()),
        }
    }

    /// The lane. Not that of the deal: what goes wrong with a job must not hold up the deal.
    fn lane(&self) -> String {
        match self {
            Self::Document(draft) => documents_lane(draft.file.lead),
            Self::Checkout(job) => checkout::lane(job.lead()),
        }
    }

    /// How urgent it is.
    const fn rank(&self) -> Rank {
        match self {
            // Whoever looks for a document looks later.
            Self::Document(_) => Rank::History,
            // A buyer may be on the phone.
            Self::Checkout(_) => Rank::Payment,
        }
    }

    /// What it has to get a place of before it begins, if anything.
    fn slots<'s>(&self, sync: &'s Sync) -> Option<&'s Semaphore> {
        matches!(self, Self::Document(_)).then_some(&sync.0.documents_at_once)
    }

    /// The Paddle entities by which a person can say in which deal it is meant to be.
    pub(super) fn entities(&self) -> &[String] {
        match self {
            Self::Document(draft) => &draft.entities,
            // It was asked for by the id of its deal.
            Self::Checkout(_) => &[],
        }
    }
}

/// The lanes of the jobs of a deal.
pub(super) fn lanes(lead: LeadId) -> [String; 2] {
    [documents_lane(lead), checkout::lane(lead)]
}

fn documents_lane(lead: LeadId) -> String {
    format!("{}:documents", link::lane(lead))
}

impl Sync {
    /// Makes a job durable, unless one of its id was taken in before.
    ///
    /// # Errors
    ///
    /// When it could not be stored.
    pub(super) async fn put_job(
        &self,
        job: &Job,
        occurred_at: OffsetDateTime,
        sandbox: bool,
    ) -> Result<Put, StoreError> {
        let new = NewEvent {
            event_id: job.id(),
            kind: job.kind().to_owned(),
            lane: job.lane(),
            sandbox,
            occurred_at,
            received_at: self.now(),
            rank: job.rank(),
            payload: text(job)?.into_bytes(),
            links: Vec::new(),
        };
        let put = self.0.store.put(self.0.account, &new).await?;
        self.0.wake.notify_one();
        Ok(put)
    }

    /// Plans a claimed job, or goes on with what was planned for it before.
    pub(super) async fn process_job(&self, claimed: &Claimed) -> Result<Step, StoreError> {
        let lease = &claimed.lease;
        let Some(job) = Job::of(&claimed.event) else {
            let detail = "it was written by another version: resume it with that one";
            return self.park(lease, Parked::new(ParkReason::UnexpectedShape, detail)).await;
        };
        let _permit = match job.slots(self).map(Semaphore::try_acquire) {
            Some(Err(_)) => {
                let why = "other documents go first".to_owned();
                return self.wait(lease, after(self.now(), LATER), why).await;
            }
            permit => permit,
        };
        if let Some(decision) = &claimed.event.decision {
            let mut effects = parsed(claimed.effects.clone())?;
            if let Some(meant) = self.job_is_meant_for(&job).await? {
                effects.iter_mut().for_each(|(_, effect)| effect.move_to(meant));
            }
            let Decided { plan, .. } = parse(decision)?;
            return self.carry_out(claimed, Journalled { effects, plan, in_doubt: false }).await;
        }
        let planned = match job {
            Job::Document(ref draft) => self.plan_document(claimed, &job, draft.clone()).await?,
            Job::Checkout(ref job) => self.plan_checkout(claimed, job).await?,
        };
        match planned {
            Planned::Act(plan, learned) => {
                let decided = Decided { plan, ..Decided::default() };
                let effects = parsed(self.journal(lease, &decided, &learned).await?)?;
                let plan = decided.plan;
                self.carry_out(claimed, Journalled { effects, plan, in_doubt: false }).await
            }
            Planned::End(outcome) => self.end(lease, outcome, Learned::default()).await,
            Planned::Failed(reaction) => self.react(claimed, reaction).await,
        }
    }

    /// A PDF is attached to the deal, and a note says which it is.
    async fn plan_document(
        &self,
        claimed: &Claimed,
        job: &Job,
        mut draft: DocumentDraft,
    ) -> Result<Planned, StoreError> {
        if self.0.config.invoices == Invoices::Off {
            return Ok(Planned::End(Outcome::Ignored { reason: Reason::NothingToDo }));
        }
        let lead = self.job_is_meant_for(job).await?.unwrap_or(draft.file.lead);
        draft.file.lead = lead;
        let applier = self.applier(priority(&claimed.event));
        let reading = applier.read_lead(lead);
        let deal = match kept(&*self.0.store, &*self.0.clock, &claimed.lease, reading).await {
            Ok(Some(deal)) if !deal.is_deleted => deal,
            Ok(_) => return Ok(Planned::End(Outcome::Parked(Parked::deal_gone(lead)))),
            Err(reaction) => return Ok(Planned::Failed(reaction)),
        };
        let reason = match draft.file.document {
            Document::Invoice(_) => Reason::Invoice,
            Document::CreditNote(_) => Reason::CreditNote,
        };
        let reasons = vec![reason];
        if deal.pipeline_id.is_none_or(|pipeline| self.is_shadow(pipeline)) {
            let would = vec![format!("+ file: {}", draft.file.name)];
            return Ok(Planned::End(Outcome::Shadowed { lead, reasons, would }));
        }
        let plan = Plan { reasons, effects: draft.effects(), documents: Vec::new() };
        Ok(Planned::Act(plan, Learned::default()))
    }

    /// The deal that a person has named for what the job belongs to, if one has.
    async fn job_is_meant_for(&self, job: &Job) -> Result<Option<LeadId>, StoreError> {
        let entities: Vec<&str> = job.entities().iter().map(String::as_str).collect();
        let links = self.0.store.links(self.0.account, &entities).await?;
        let person = |entity: &&str| {
            links.iter().find(|row| row.entity == **entity && row.rung == Rung::Person.as_str())
        };
        Ok(entities.iter().find_map(person).map(|row| row.lead))
    }
}
