//! [`Sync`]: takes events in, works through them, and answers for each. It wires the parts and holds no rule.

mod at_work;
mod builder;
mod changes;
mod checkout;
mod cursor;
mod decided;
mod ending;
mod failures;
mod health;
mod history;
mod inbox;
mod jobs;
mod journalled;
mod memory;
mod moved;
mod operator;
mod pacer;
mod process;
mod reading;
mod reconcile;
mod reopen;
mod sweep;
mod unwritten;
mod worker;

use std::{fmt, sync::Arc, time::Duration};

use kommo_client::{Client, Priority};
use paddle_webhook::{Environment, Event};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::{Notify, Semaphore};

use self::{
    at_work::AtWork, checkout::Checkouts, failures::Failures, health::Health, process::Step,
};
pub use self::{
    builder::{BuildError, SyncBuilder},
    checkout::{CheckoutCounts, StageError},
    health::Trouble,
    history::Backfilled,
    operator::{Chapter, ParkedEvent, Preview},
};
use crate::{
    apply::{Applier, Bundler, LEASE},
    cache::Cache,
    clock::Clock,
    config::Config,
    deal_ref::DealRefKey,
    decide::Rules,
    documents::DocumentSource,
    error::StoreError,
    link::CustomerLookup,
    outcome::{LeftOut, Outcome},
    paddle::TransactionLookup,
    store::{AccountKey, Claim, EventRow, Store, StoreStats},
    texts::Texts,
};

/// So many lanes are worked on at once at the least, and for each item that fits a request: enough that full requests of
/// every kind wait for their turn while others are under way. Kommo takes 7 requests a second, and a large one takes most of
/// a second.
const LANES: usize = 1_000;
const LANES_PER_ITEM: usize = 10;

/// Carries Paddle events over into Kommo, each effect exactly once.
///
/// Cheap to clone; clones share everything. It has no type parameters, so it is `State<Sync>` in axum and
/// `web::Data<Sync>` in actix-web as it stands. Write it as `paddle_kommo_sync::Sync` in files that need the marker
/// trait of the same name.
///
/// * A server calls [`accept`](Self::accept) for each delivery and answers 200, and runs [`run`](Self::run) beside it.
/// * A script or a test calls [`handle`](Self::handle), which does everything for one event and says what became of it.
#[derive(Clone)]
pub struct Sync(Arc<Inner>);

struct Inner {
    kommo: Client,
    /// The same for writes, which must not wait long for their turn.
    writing: Client,
    bundler: Bundler,
    /// How many lanes are worked on at once.
    lanes: usize,
    store: Arc<dyn Store>,
    account: AccountKey,
    account_name: String,
    config: Config,
    texts: Texts,
    deal_ref_keys: Arc<[DealRefKey]>,
    clock: Arc<dyn Clock>,
    customers: Option<Arc<dyn CustomerLookup>>,
    transactions: Option<Arc<dyn TransactionLookup>>,
    documents: Option<Arc<dyn DocumentSource>>,
    /// How many documents may be on their way at once: they take time and memory, and must leave room to everything else.
    documents_at_once: Semaphore,
    /// How many events may wait for what Paddle says of a customer or a transaction: it takes 240 requests a minute.
    lookups_at_once: Semaphore,
    checkouts: Checkouts,
    cache: Cache,
    settle: Duration,
    /// What occurred before may have been written without this database knowing.
    knows_from: Option<OffsetDateTime>,
    /// How long the bodies of ended events are kept.
    keep: Duration,
    /// The store cannot be relied on any more.
    broken: Notify,
    wake: Notify,
    health: Arc<Health>,
    at_work: AtWork,
    failures: Failures,
}

impl fmt::Debug for Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sync")
            .field("account", &self.0.account_name)
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}

impl Sync {
    /// Begins a `Sync` that writes to the account of this client and keeps its state in this store.
    pub fn builder(kommo: Client, store: impl Store) -> SyncBuilder {
        SyncBuilder::new(kommo, Arc::new(store))
    }

    /// Does everything for one event: stores it, finds its deal, decides, writes, and says what became of it.
    ///
    /// Earlier events of the same deal go first. An event that was handled before is not handled again: the answer
    /// is what became of it then. The event must be authentic: get it from
    /// [`Verified::parse`](paddle_webhook::Verified::parse).
    ///
    /// # Errors
    ///
    /// Only when the store fails. Whatever Kommo answers is an [`Outcome`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the event is stored or not; if it is, [`run`](Self::run) or another call goes on
    /// where this one was, after the lease of two minutes. Poll it to its end or drop it: what several events want of Kommo
    /// shares requests, and a future that is kept but not polled can hold up all others.
    pub async fn handle(&self, event: &Event) -> Result<Outcome, StoreError> {
        self.put(event).await?;
        self.finish(event.id().as_str()).await
    }

    /// Works on one stored event or job until it ends or has to wait, and says what became of it; none when there is none of
    /// this id. [`run`](Self::run) does that by itself; this is for scripts that only [`handle`](Self::handle) and for who
    /// does not want to wait. A payment's invoice is the job `job.invoice:txn_…`, a credit note `job.credit_note:adj_…`.
    ///
    /// # Errors
    ///
    /// Only when the store fails.
    ///
    /// # Cancel safety
    ///
    /// As for [`handle`](Self::handle).
    pub async fn attempt(&self, id: &str) -> Result<Option<Outcome>, StoreError> {
        match self.0.store.event(self.0.account, id).await? {
            Some(_) => self.finish(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Works on a stored event or job, and on what is before it in its lane, until it ends or has to wait.
    async fn finish(&self, event_id: &str) -> Result<Outcome, StoreError> {
        loop {
            let store = &self.0.store;
            let claim = store.claim_event(self.0.account, event_id, self.now(), LEASE).await?;
            let claimed = match claim {
                Claim::Taken(claimed) => claimed,
                Claim::Ended(row) => return outcome(&row),
                Claim::Missing => return Err(StoreError::Corrupt("event")),
                Claim::NotDue(until) => return self.not_due(event_id, until).await,
            };
            let is_ours = claimed.event.event_id == event_id;
            match self.work_on(claimed).await? {
                Step::Ended(outcome) if is_ours => return Ok(outcome),
                Step::Waiting(outcome) => return Ok(outcome),
                Step::Ended(_) | Step::Again => {}
            }
        }
    }

    /// Opens a parked event again, after its cause was mended. What was done of it stays done. False when no event
    /// of this id is parked.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn resume(&self, event_id: &str) -> Result<bool, StoreError> {
        let opened = self.0.store.resume(self.0.account, event_id, self.now()).await?;
        self.0.wake.notify_one();
        Ok(opened)
    }

    /// What is wrong with Kommo just now; none while calls succeed.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.0.health.trouble()
    }

    /// The client of Kommo, at the pace of all processes that share the store: for calls of your own beside the engine's.
    #[must_use]
    pub fn kommo(&self) -> &Client {
        &self.0.kommo
    }

    /// Which of the configured fields this Kommo account cannot take, and why. For the start of a service: later they are
    /// left out of what is written.
    ///
    /// # Errors
    ///
    /// When Kommo does not tell its fields.
    pub async fn missing_fields(&self) -> Result<Vec<LeftOut>, kommo_client::Error> {
        let definitions = self.0.cache.fields(&self.0.kommo, self.now()).await?;
        Ok(crate::apply::missing(&self.0.config, &definitions))
    }

    /// Whether deliveries can be stored: it writes.
    ///
    /// # Errors
    ///
    /// When they cannot.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.0.store.check(self.0.account).await
    }

    /// Counts and ages, for health pages and metrics.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn stats(&self) -> Result<StoreStats, StoreError> {
        self.0.store.stats(self.0.account, self.now()).await
    }

    fn now(&self) -> OffsetDateTime {
        self.0.clock.now()
    }

    async fn not_due(&self, event_id: &str, until: OffsetDateTime) -> Result<Outcome, StoreError> {
        if let Some((until, reason)) = self.0.store.paused(self.0.account, self.now()).await? {
            return Ok(Outcome::Waiting { reason, until });
        }
        let row = self.0.store.event(self.0.account, event_id).await?;
        let reason = row
            .and_then(|row| row.last_error)
            .unwrap_or_else(|| "its deal is worked on".to_owned());
        Ok(Outcome::Waiting { reason, until })
    }

    fn rules(&self, environment: Environment) -> Rules<'_> {
        let documents = self.0.documents.as_ref();
        Rules {
            config: &self.0.config,
            texts: &self.0.texts,
            has_documents: documents.is_some_and(|documents| documents.is_for(environment)),
        }
    }

    fn applier(&self, priority: Priority) -> Applier<'_> {
        Applier {
            kommo: self.0.kommo.with_priority(priority),
            writing: &self.0.writing,
            bundler: &self.0.bundler,
            priority,
            store: &*self.0.store,
            cache: &self.0.cache,
            config: &self.0.config,
            clock: &*self.0.clock,
            documents: self.0.documents.as_deref(),
            account: &self.0.account_name,
            settle: self.0.settle,
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            in_doubt: false,
        }
    }
}

/// What became of an event that has ended.
fn outcome(row: &EventRow) -> Result<Outcome, StoreError> {
    let stored = row.outcome.as_deref().ok_or(StoreError::Corrupt("outcome"))?;
    parse(stored)
}

/// A moment as logs show it.
fn rfc3339(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

fn parse<T: serde::de::DeserializeOwned>(stored: &str) -> Result<T, StoreError> {
    serde_json::from_str(stored).map_err(|_| StoreError::Corrupt("state"))
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)))
}
