//! A store that tells each step: the harness kills or stops its process there.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use paddle_kommo_sync::{
    AccountKey, Attempt, Claim, Claimed, EffectState, EventRow, Finish, KnownRow, Learned, Lease,
    LinkRow, NewEffect, NewEvent, Place, Put, Store, StoreError, StoreStats,
};
use time::OffsetDateTime;

use crate::steps::Steps;

#[derive(Clone, Debug)]
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    steps: Arc<Steps>,
}

impl Watched {
    pub(crate) fn new(store: Arc<dyn Store>, steps: Arc<Steps>) -> Self {
        Self { store, steps }
    }

    /// A durable step: there is a moment before it, and one after it.
    async fn step<T>(&self, name: &str, step: impl Future<Output = T> + Send) -> T {
        self.steps.reach("before", name).await;
        let result = step.await;
        self.steps.reach("after", name).await;
        result
    }

    /// A step under a lease; `ends` when the work ends with it.
    async fn leased<T>(
        &self,
        name: &str,
        lease: &Lease,
        ends: bool,
        step: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let result = self.step(name, step).await;
        if ends || result.is_err() {
            self.steps.ended(lease.epoch, &lease.lane);
        }
        result
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Watched {
    async fn account(&self, name: &str) -> Result<AccountKey, StoreError> {
        self.step("account", self.store.account(name)).await
    }

    async fn put(&self, account: AccountKey, event: &NewEvent) -> Result<Put, StoreError> {
        self.step("put", self.store.put(account, event)).await
    }

    async fn put_placed(
        &self,
        account: AccountKey,
        entities: &[&str],
        place: Place,
    ) -> Result<Put, StoreError> {
        self.step("put", self.store.put_placed(account, entities, place)).await
    }

    async fn put_parked(
        &self,
        account: AccountKey,
        event: &NewEvent,
        outcome: &str,
    ) -> Result<Put, StoreError> {
        self.step("put_parked", self.store.put_parked(account, event, outcome)).await
    }

    async fn claim_due(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.steps.may_go_on().await;
        let claimed = self.store.claim_due(account, now, lease, limit).await?;
        for claimed in &claimed {
            self.steps.began(claimed.lease.epoch, &claimed.lease.lane);
            // A claim that finds nothing changes nothing; how often there is one depends on the time of day.
            self.steps.reach("after", "claim").await;
        }
        if claimed.is_empty() {
            self.steps.found_nothing();
        }
        Ok(claimed)
    }

    async fn claim_event(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        self.step("claim_event", self.store.claim_event(account, event_id, now, lease)).await
    }

    async fn plan(
        &self,
        lease: &Lease,
        decision: &str,
        effects: &[NewEffect],
        learned: &Learned,
    ) -> Result<(), StoreError> {
        let step = self.store.plan(lease, decision, effects, learned);
        self.leased("plan", lease, false, step).await
    }

    async fn begin(
        &self,
        lease: &Lease,
        effects: &[&str],
        attempt: &Attempt,
        until: OffsetDateTime,
    ) -> Result<Lease, StoreError> {
        let step = self.store.begin(lease, effects, attempt, until);
        self.leased("begin", lease, false, step).await
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<(), StoreError> {
        self.leased("renew", lease, false, self.store.renew(lease, until)).await
    }

    async fn done(
        &self,
        lease: &Lease,
        effect: &str,
        remote_id: Option<u64>,
    ) -> Result<(), StoreError> {
        self.leased("done", lease, false, self.store.done(lease, effect, remote_id)).await
    }

    async fn mark(
        &self,
        lease: &Lease,
        effect: &str,
        state: EffectState,
        absent: u32,
    ) -> Result<(), StoreError> {
        self.leased("mark", lease, false, self.store.mark(lease, effect, state, absent)).await
    }

    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<(), StoreError> {
        self.leased("finish", lease, true, self.store.finish(lease, finish)).await
    }

    async fn retry_at(
        &self,
        lease: &Lease,
        due_at: OffsetDateTime,
        error: &str,
    ) -> Result<(), StoreError> {
        self.leased("retry", lease, true, self.store.retry_at(lease, due_at, error)).await
    }

    async fn move_to(
        &self,
        lease: &Lease,
        lane: &str,
        learned: &Learned,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.leased("move", lease, true, self.store.move_to(lease, lane, learned, now)).await
    }

    async fn pause(
        &self,
        account: AccountKey,
        until: OffsetDateTime,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.step("pause", self.store.pause(account, until, reason)).await
    }

    async fn paused(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<Option<(OffsetDateTime, String)>, StoreError> {
        self.store.paused(account, now).await
    }

    async fn learn(&self, account: AccountKey, learned: &Learned) -> Result<(), StoreError> {
        self.step("learn", self.store.learn(account, learned)).await
    }

    async fn remote_id(
        &self,
        account: AccountKey,
        event_id: &str,
        effect: &str,
    ) -> Result<Option<u64>, StoreError> {
        self.store.remote_id(account, event_id, effect).await
    }

    async fn history(
        &self,
        account: AccountKey,
        lane: &str,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.store.history(account, lane, limit).await
    }

    async fn links(
        &self,
        account: AccountKey,
        entities: &[&str],
    ) -> Result<Vec<LinkRow>, StoreError> {
        self.store.links(account, entities).await
    }

    async fn known(&self, account: AccountKey, entity: &str) -> Result<KnownRow, StoreError> {
        self.store.known(account, entity).await
    }

    async fn event(
        &self,
        account: AccountKey,
        event_id: &str,
    ) -> Result<Option<EventRow>, StoreError> {
        self.store.event(account, event_id).await
    }

    async fn parked(&self, account: AccountKey, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        self.store.parked(account, limit).await
    }

    async fn resume(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.step("resume", self.store.resume(account, event_id, now)).await
    }

    async fn check(&self, account: AccountKey) -> Result<(), StoreError> {
        self.store.check(account).await
    }

    async fn stats(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<StoreStats, StoreError> {
        self.store.stats(account, now).await
    }

    async fn prune(
        &self,
        account: AccountKey,
        before: OffsetDateTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.store.prune(account, before, limit).await
    }

    async fn next_slot(
        &self,
        account: AccountKey,
        spacing: Duration,
    ) -> Result<Duration, StoreError> {
        self.store.next_slot(account, spacing).await
    }

    async fn woken(&self, account: AccountKey) {
        self.store.woken(account).await;
    }
}
