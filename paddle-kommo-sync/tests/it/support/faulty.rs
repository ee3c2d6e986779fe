//! A store that does to chosen calls what disks and mistakes do.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use paddle_kommo_sync::{
    AccountKey, Attempt, Claim, Claimed, EffectState, EventRow, Finish, KnownRow, Learned, Lease,
    LinkRow, NewEffect, NewEvent, Place, Put, Store, StoreError, StoreStats,
};
use time::OffsetDateTime;
use tokio::sync::Semaphore;

/// What a call meets.
#[derive(Clone, Debug, Default)]
pub(crate) enum Fate {
    #[default]
    Good,
    /// Nothing happens, and an error says so: a full disk.
    Fails,
    Panics,
    /// It waits until there is a permit.
    Waits(Arc<Semaphore>),
}

type Choose = dyn Fn(&'static str) -> Fate + Send + Sync;

/// `choose` is asked before each call, with the name of the method.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    store: Arc<dyn Store>,
    choose: Arc<Mutex<Arc<Choose>>>,
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("store", &self.store).finish_non_exhaustive()
    }
}

impl FaultyStore {
    pub(crate) fn new(store: impl Store) -> Self {
        let good: Arc<Choose> = Arc::new(|_| Fate::Good);
        Self { store: Arc::new(store), choose: Arc::new(Mutex::new(good)) }
    }

    /// From now on.
    pub(crate) fn choose(&self, choose: impl Fn(&'static str) -> Fate + Send + Sync + 'static) {
        *self.choose.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(choose);
    }

    async fn meet(&self, method: &'static str) -> Result<(), StoreError> {
        let choose = Arc::clone(&self.choose.lock().unwrap_or_else(PoisonError::into_inner));
        match choose(method) {
            Fate::Good => Ok(()),
            Fate::Fails => Err(StoreError::Database("the disk is full".into())),
            Fate::Panics => panic!("a mistake in {method}"),
            Fate::Waits(until) => {
                until.acquire().await.expect("it is never closed").forget();
                Ok(())
            }
        }
    }
}

macro_rules! pass_on {
    ($(fn $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl Store for FaultyStore {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.meet(stringify!($method)).await?;
                self.store.$method($($argument),*).await
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
