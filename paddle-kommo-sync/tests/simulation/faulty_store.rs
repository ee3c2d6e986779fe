//! A store that fails, stalls, and takes its process down, by chance.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use paddle_kommo_sync::{
    AccountKey, Attempt, Claim, Claimed, EffectState, EventRow, Finish, KnownRow, Learned, Lease,
    LinkRow, MemoryStore, NewEffect, NewEvent, Place, Put, Store, StoreError, StoreStats,
};
use time::OffsetDateTime;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::story::Chance;

/// What one process suffers. Its calls to the store go through here.
#[derive(Clone, Debug)]
pub(crate) struct Trouble(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    chance: Mutex<Chance>,
    /// No trouble after this.
    ends: Instant,
    crash: Notify,
    crashes: Mutex<u64>,
}

impl Trouble {
    pub(crate) fn new(seed: u64, ends: Instant) -> Self {
        let chance = Mutex::new(Chance::new(seed));
        Self(Arc::new(Inner { chance, ends, crash: Notify::new(), crashes: Mutex::new(0) }))
    }

    pub(crate) fn below(&self, end: usize) -> usize {
        lock(&self.0.chance).below(end)
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.0.ends
    }

    /// Ready when the process is to be killed.
    pub(crate) async fn crashed(&self) {
        self.0.crash.notified().await;
    }

    pub(crate) fn count_crash(&self) {
        *lock(&self.0.crashes) += 1;
    }

    pub(crate) fn crashes(&self) -> u64 {
        *lock(&self.0.crashes)
    }

    async fn crash<T>(&self) -> T {
        self.0.crash.notify_one();
        std::future::pending().await
    }

    async fn around<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if self.is_over() {
            return call.await;
        }
        let failed = || StoreError::Database("made up".into());
        match self.below(400) {
            0 => self.crash().await,
            1 => {
                // It happened, and nobody lives to hear of it.
                drop(call.await);
                self.crash().await
            }
            2 => Err(failed()),
            3 => {
                drop(call.await);
                Err(failed())
            }
            4..=8 => {
                sleep(Duration::from_millis(self.below(3_000) as u64)).await;
                call.await
            }
            // Longer than a lease.
            9 => {
                sleep(Duration::from_secs(100 + self.below(60) as u64)).await;
                call.await
            }
            10 => {
                let answer = call.await;
                sleep(Duration::from_secs(self.below(150) as u64)).await;
                answer
            }
            _ => call.await,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store as one process sees it.
#[derive(Clone, Debug)]
pub(crate) struct FaultyStore {
    pub(crate) store: MemoryStore,
    pub(crate) trouble: Trouble,
}

macro_rules! pass_on {
    ($(fn $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl Store for FaultyStore {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.trouble.around(self.store.$method($($argument),*)).await
            })*

            async fn woken(&self, account: AccountKey) {
                self.store.woken(account).await;
            }
        }
    };
}

pass_on! {
    fn account(name: &str) -> AccountKey;
    fn put(account: AccountKey, event: &NewEvent) -> Put;
    fn put_placed(account: AccountKey, entities: &[&str], place: Place) -> Put;
    fn put_parked(account: AccountKey, event: &NewEvent, outcome: &str) -> Put;
    fn claim_due(account: AccountKey, now: OffsetDateTime, lease: Duration, limit: usize) -> Vec<Claimed>;
    fn claim_event(account: AccountKey, event_id: &str, now: OffsetDateTime, lease: Duration) -> Claim;
    fn plan(lease: &Lease, decision: &str, effects: &[NewEffect], learned: &Learned) -> ();
    fn begin(lease: &Lease, effects: &[&str], attempt: &Attempt, until: OffsetDateTime) -> Lease;
    fn renew(lease: &Lease, until: OffsetDateTime) -> ();
    fn done(lease: &Lease, effect: &str, remote_id: Option<u64>) -> ();
    fn mark(lease: &Lease, effect: &str, state: EffectState, absent: u32) -> ();
    fn finish(lease: &Lease, finish: &Finish) -> ();
    fn retry_at(lease: &Lease, due_at: OffsetDateTime, error: &str) -> ();
    fn move_to(lease: &Lease, lane: &str, learned: &Learned, now: OffsetDateTime) -> ();
    fn pause(account: AccountKey, until: OffsetDateTime, reason: &str) -> ();
    fn paused(account: AccountKey, now: OffsetDateTime) -> Option<(OffsetDateTime, String)>;
    fn learn(account: AccountKey, learned: &Learned) -> ();
    fn remote_id(account: AccountKey, event_id: &str, effect: &str) -> Option<u64>;
    fn history(account: AccountKey, lane: &str, limit: usize) -> Vec<EventRow>;
    fn links(account: AccountKey, entities: &[&str]) -> Vec<LinkRow>;
    fn known(account: AccountKey, entity: &str) -> KnownRow;
    fn event(account: AccountKey, event_id: &str) -> Option<EventRow>;
    fn parked(account: AccountKey, limit: usize) -> Vec<EventRow>;
    fn resume(account: AccountKey, event_id: &str, now: OffsetDateTime) -> bool;
    fn check(account: AccountKey) -> ();
    fn stats(account: AccountKey, now: OffsetDateTime) -> StoreStats;
    fn prune(account: AccountKey, before: OffsetDateTime, limit: usize) -> usize;
    fn next_slot(account: AccountKey, spacing: Duration) -> Duration;
}
