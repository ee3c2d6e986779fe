//! A store whose process stops at one of its calls, like one that is killed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use paddle_kommo_sync::{
    AccountKey, Attempt, Claim, Claimed, EffectState, EventRow, Finish, KnownRow, Learned, Lease,
    LinkRow, MemoryStore, NewEffect, NewEvent, Place, Put, Store, StoreError, StoreStats,
};
use time::OffsetDateTime;
use tokio::sync::Notify;

/// Where the process stops.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    /// At which call of the store, counted from 1.
    pub(crate) call: u32,
    /// Before what it asks for is done, or after.
    pub(crate) done: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct StoppingStore {
    store: MemoryStore,
    stop: Stop,
    calls: Arc<AtomicU32>,
    stopped: Arc<Notify>,
}

impl StoppingStore {
    pub(crate) fn new(store: MemoryStore, stop: Stop) -> Self {
        Self { store, stop, calls: Arc::default(), stopped: Arc::default() }
    }

    /// Whether it stopped before `work` ended.
    pub(crate) async fn stops(&self, work: impl Future) -> bool {
        tokio::select! {
            biased;
            () = self.stopped.notified() => true,
            _ = work => false,
        }
    }

    async fn around<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) + 1 != self.stop.call {
            return call.await;
        }
        if self.stop.done {
            drop(call.await);
        }
        self.stopped.notify_one();
        std::future::pending().await
    }
}

macro_rules! pass_on {
    ($(fn $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl Store for StoppingStore {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.around(self.store.$method($($argument),*)).await
            })*

            async fn woken(&self, account: AccountKey) {
                self.store.woken(account).await;
            }

            // Every request to Kommo takes one, and nothing is kept.
            async fn next_slot(&self, account: AccountKey, spacing: Duration) -> Result<Duration, StoreError> {
                self.store.next_slot(account, spacing).await
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
}
