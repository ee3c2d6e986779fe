//! [`Sync`]: takes events in, works through them, and answers for each. It wires the parts and holds no rule.

mod builder;
mod checkout;
mod cursor;
mod health;
mod history;
mod jobs;
mod memory;
mod operator;
mod pacer;
mod process;
mod reading;
mod reconcile;
mod sweep;

use std::{fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _,
    stream::{FuturesUnordered, StreamExt as _},
};
use kommo_client::{Client, Priority};
use paddle_webhook::{Environment, Event, EventType, Verified};
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::{Notify, Semaphore};

pub use self::{
    builder::{BuildError, SyncBuilder},
    checkout::{CheckoutCounts, StageError},
    health::Trouble,
    history::Backfilled,
    operator::{Chapter, ParkedEvent, Preview},
};
use self::{checkout::Checkouts, health::Health, process::Step};
use crate::{
    apply::{Applier, Bundler, LEASE},
    cache::Cache,
    clock::Clock,
    config::Config,
    deal_ref::DealRefKey,
    decide::{self, Rules},
    documents::DocumentSource,
    error::StoreError,
    failure::chain,
    link::{CustomerLookup, References, Rung, Rungs, Trust},
    outcome::{Accepted, LeftOut, Outcome, ParkReason, Parked},
    paddle::TransactionLookup,
    store::{
        AccountKey, Claim, Claimed, EventRow, Lease, LinkRow, NewEvent, Put, Rank, Store,
        StoreStats,
    },
    texts::Texts,
};

/// So many lanes are worked on at once at the least, and for each item that fits a request: enough that full requests of
/// every kind wait for their turn while others are under way. Kommo takes 7 requests a second, and a large one takes most of
/// a second.
const LANES: usize = 1_000;
const LANES_PER_ITEM: usize = 10;

/// How often the store is asked for what has come due by itself.
const POLL: Duration = Duration::from_secs(1);

/// How often the bodies of ended events are looked through, and how many are forgotten at a time.
const PRUNE: Duration = Duration::from_secs(3_600);
const PRUNED: usize = 500;

/// How long work in progress may go on after the shutdown was asked for.
const SHUTDOWN: Duration = Duration::from_secs(8);

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
    health: Health,
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

    /// Makes a delivery durable, and returns at once: the 200 to Paddle may leave. [`run`](Self::run) does the rest.
    ///
    /// A body that is authentic, but not an event, is kept as well: Paddle would send it again for three days, and it
    /// would still not be one. So is one that says something else under the id of an event that was taken in before: the
    /// first one counts, and a person should know.
    ///
    /// # Errors
    ///
    /// When it could not be stored. Answer 503: Paddle delivers again.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the delivery may or may not have been stored; another delivery is harmless.
    pub async fn accept(&self, delivery: &Verified<'_>) -> Result<Accepted, StoreError> {
        match delivery.parse() {
            Ok(event) => match self.put(&event).await? {
                Accepted::Duplicate if self.is_another(&event).await? => {
                    let why = format!(
                        "{} was delivered before with other contents, which count",
                        event.id()
                    );
                    self.put_unreadable(delivery, &why).await
                }
                accepted => Ok(accepted),
            },
            Err(error) => self.put_unreadable(delivery, &chain(&error)).await,
        }
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
    /// where this one was, after the lease of two minutes.
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

    /// Works through everything that is due, until `shutdown` is ready; then ends what it is at, within 10 seconds,
    /// and returns. It returns before the shutdown only when the store cannot be relied on any more
    /// ([`StoreError::Broken`]): end the process then, the next start looks at the database.
    ///
    /// Run it once per process, beside the server. It spawns nothing; several processes may run it on one store that
    /// is made for that.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, work in progress is taken up again by the next `run`, after the lease of two minutes.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut working = FuturesUnordered::new();
        let upkeep = async { tokio::join!(self.prune(), self.beat()) };
        let mut upkeep = std::pin::pin!(upkeep);
        // At most one claim; work goes on meanwhile.
        let mut claiming = FuturesUnordered::new();
        loop {
            let free = self.0.lanes.saturating_sub(working.len());
            if free > 0 && claiming.is_empty() {
                claiming.push(self.claim(free));
            }
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                () = self.0.broken.notified() => break,
                _ = &mut upkeep => {}
                Some((claimed, is_all)) = claiming.next() => {
                    working.extend(claimed.into_iter().map(|claimed| self.work_and_log(claimed)));
                    if is_all {
                        // Nothing else is due. What ends, what comes in and what time brings is looked for below.
                        tokio::select! {
                            biased;
                            () = &mut shutdown => break,
                            () = self.0.broken.notified() => break,
                            _ = &mut upkeep => {}
                            () = self.0.wake.notified() => {}
                            () = self.0.store.woken(self.0.account) => {}
                            () = ended(&mut working), if !working.is_empty() => {}
                            () = tokio::time::sleep(POLL) => {}
                        }
                    }
                }
                () = ended(&mut working), if !working.is_empty() => {}
            }
        }
        // What was claimed and not begun is given back.
        while let Some((claimed, _)) = claiming.next().await {
            for claimed in claimed {
                self.give_back(&claimed.lease).await;
            }
        }
        let all = async { while working.next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN, all).await.is_err() {
            tracing::warn!(
                events = working.len(),
                "stopped with work in progress; the next start takes it up again"
            );
        }
    }

    /// Forgets the bodies of what ended long ago, every hour.
    async fn prune(&self) {
        loop {
            let before =
                self.now().saturating_sub(self.0.keep.try_into().unwrap_or(time::Duration::MAX));
            match self.0.store.prune(self.0.account, before, PRUNED).await {
                // More of it: the others get their turn in between.
                Ok(PRUNED) => tokio::time::sleep(POLL).await,
                Ok(_) => tokio::time::sleep(PRUNE).await,
                Err(error) => {
                    self.failed(&error);
                    tokio::time::sleep(PRUNE).await;
                }
            }
        }
    }

    /// The store failed. One that cannot be relied on any more ends the work.
    fn failed(&self, error: &StoreError) {
        tracing::error!(error = chain(error), "the store does not answer");
        if matches!(error, StoreError::Broken(_)) {
            self.0.broken.notify_one();
        }
    }

    /// Claims what is due, and says whether that was all.
    async fn claim(&self, limit: usize) -> (Vec<Claimed>, bool) {
        match self.0.store.claim_due(self.0.account, self.now(), LEASE, limit).await {
            Ok(claimed) => {
                let is_all = claimed.len() < limit;
                (claimed, is_all)
            }
            Err(error) => {
                self.failed(&error);
                (Vec::new(), true)
            }
        }
    }

    async fn give_back(&self, lease: &Lease) {
        let given = self.0.store.retry_at(lease, self.now(), "stopped before it was begun").await;
        if let Err(error) = given {
            tracing::warn!(
                event_id = lease.event_id,
                error = chain(&error),
                "the lane could not be given back: it is taken up when its lease ends"
            );
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

    async fn put(&self, event: &Event) -> Result<Accepted, StoreError> {
        let mut new = NewEvent {
            event_id: event.id().as_str().to_owned(),
            kind: event.event_type().as_str().to_owned(),
            lane: event.id().as_str().to_owned(),
            sandbox: event.environment() == Environment::Sandbox,
            occurred_at: event.occurred_at(),
            received_at: self.now(),
            rank: rank(event),
            payload: event.body().as_bytes().to_vec(),
            links: Vec::new(),
        };
        let (store, account) = (&self.0.store, self.0.account);
        let put = match event.data() {
            Ok(data) => {
                let references = References::of_event(event, &data);
                let is_real = decide::not_real(event, &data, &self.0.config).is_none();
                let asked = references.clone();
                // Not this `Sync`: a store must not be the one that holds itself last.
                let (keys, unsigned) =
                    (Arc::clone(&self.0.deal_ref_keys), self.0.config.unsigned_links);
                let place = move |stored: &[LinkRow]| {
                    let trust = Trust { keys: &keys, account: None, unsigned };
                    // What names its deal teaches that at once: a refund may be worked on before its payment.
                    if let (true, Rungs::Found(lead, rung @ Rung::LeadId)) =
                        (is_real, references.answer(stored, trust))
                    {
                        new.links = references.links(lead, rung);
                    }
                    new.lane = references.lane(stored, trust, &new.event_id);
                    new
                };
                store.put_placed(account, &asked.entities(), Box::new(place)).await?
            }
            // A shape that we do not understand is found again when it is worked on, and told then.
            Err(_) => store.put(account, &new).await?,
        };
        self.0.wake.notify_one();
        Ok(match put {
            Put::New => Accepted::New,
            Put::Known(_) => Accepted::Duplicate,
        })
    }

    /// Whether what is stored under the id of this event happened otherwise. A replay has another `notification_id`, and no
    /// more.
    async fn is_another(&self, event: &Event) -> Result<bool, StoreError> {
        let row = self.0.store.event(self.0.account, event.id().as_str()).await?;
        let Some(first) = row.map(|row| row.payload).filter(|first| !first.is_empty()) else {
            return Ok(false);
        };
        if first == event.body().as_bytes() {
            return Ok(false);
        }
        let Ok(first) = Event::from_trusted(&first, event.environment()) else { return Ok(false) };
        let data = |event: &Event| serde_json::from_str::<serde_json::Value>(event.raw_data()).ok();
        Ok((first.event_type(), first.occurred_at()) != (event.event_type(), event.occurred_at())
            || data(&first) != data(event))
    }

    async fn put_unreadable(
        &self,
        delivery: &Verified<'_>,
        why: &str,
    ) -> Result<Accepted, StoreError> {
        // The same bytes are the same delivery; there is no other name for them.
        let digest = Sha256::digest(delivery.body());
        let name = digest
            .iter()
            .take(16)
            .fold("body_".to_owned(), |name, byte| format!("{name}{byte:02x}"));
        let now = self.now();
        let event = NewEvent {
            lane: name.clone(),
            event_id: name,
            kind: ParkReason::Unreadable.code().to_owned(),
            sandbox: delivery.environment() == Environment::Sandbox,
            occurred_at: delivery.signed_at(),
            received_at: now,
            rank: Rank::Usual,
            payload: delivery.body().to_vec(),
            links: Vec::new(),
        };
        let parked = Outcome::Parked(Parked::new(ParkReason::Unreadable, why));
        self.0.store.put_parked(self.0.account, &event, &text(&parked)?).await?;
        tracing::warn!(
            event_id = event.event_id,
            reason = "unreadable",
            detail = why,
            "parked: needs a person"
        );
        Ok(Accepted::Unreadable)
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

    async fn work_and_log(&self, claimed: Claimed) {
        let event_id = claimed.event.event_id.clone();
        // Nothing of it is left half done that a killed process would not leave as well.
        match AssertUnwindSafe(self.work_on(claimed)).catch_unwind().await {
            // Another event of this lane, or this one in another lane, may be due now.
            Ok(Ok(_)) => self.0.wake.notify_one(),
            Ok(Err(StoreError::LeaseLost)) => {
                tracing::warn!(event_id, "the lane was taken over meanwhile")
            }
            Ok(Err(error)) => self.failed(&error),
            Err(_) => tracing::error!(
                event_id,
                "the work on an event panicked, which is a mistake in this program: it is tried again when its lease ends, \
                 and parked after the third time"
            ),
        }
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
            kommo: &self.0.kommo,
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

/// At least one of them has ended; those that end at the same time are not told one by one.
async fn ended(working: &mut FuturesUnordered<impl Future<Output = ()>>) {
    working.next().await;
    while let Some(Some(())) = working.next().now_or_never() {}
}

/// What became of an event that has ended.
fn outcome(row: &EventRow) -> Result<Outcome, StoreError> {
    let stored = row.outcome.as_deref().ok_or(StoreError::Corrupt("outcome"))?;
    parse(stored)
}

/// A payment is what somebody waits for; for history nobody does.
fn rank(event: &Event) -> Rank {
    match event.event_type() {
        _ if crate::history::is_made(event.id().as_str()) => Rank::History,
        EventType::TransactionCompleted => Rank::Payment,
        _ => Rank::Usual,
    }
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
