//! Where events, links and effects survive a crash.

mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod records;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use kommo_client::LeadId;
use time::OffsetDateTime;

#[cfg(feature = "postgres")]
pub use self::postgres::{DatabaseClock, PostgresStore};
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
pub use self::{
    memory::MemoryStore,
    records::{
        AccountKey, Attempt, Claim, Claimed, EffectRow, EffectState, EventRow, EventState, Finish,
        KnownRow, Learned, Lease, LinkRow, NewEffect, NewEvent, Put, Rank, StoreStats,
    },
};
use crate::error::StoreError;

/// The durable side of [`Sync`](crate::Sync): the inbox of events, the journal of effects, the links between Paddle
/// and Kommo, and what earlier events taught us. It knows events as ids and bytes, and nothing of billing.
///
/// [`MemoryStore`] is for tests, `SqliteStore` (feature `sqlite`) for one machine, `PostgresStore` (feature `postgres`)
/// for several. An implementation of your own must pass `conformance::store` (feature `conformance`).
///
/// # Contract
///
/// * An event belongs to one **lane** (one deal, as far as known). A lane is worked on by one claim at a time, its
///   events in the order of `occurred_at`, then of arrival.
/// * [`put`](Self::put) returns only when the event would survive a crash of the machine.
/// * A claim is atomic: of any number of concurrent claims of one lane exactly one is given it. It holds until its
///   [`Lease`] ends and raises the lane's epoch; every method that takes a lease changes nothing and returns
///   [`StoreError::LeaseLost`] when the lane has a newer epoch.
/// * An event id is accepted once per account, for ever; [`prune`](Self::prune) takes payloads, never ids.
/// * Accounts do not see each other, and one with much to do does not hold up another.
/// * A wait that ends more than two hours after `now` was written while a clock was wrong: such a lane is due, such a pause
///   is over, and another one takes its place.
/// * All times but those of [`next_slot`](Self::next_slot) are given by the caller; microseconds are kept. Processes that
///   share a store need clocks that agree.
/// * After [`StoreError::Broken`] every method returns it, until the store is opened anew.
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// The key of the account with this name, made at the first call.
    async fn account(&self, name: &str) -> Result<AccountKey, StoreError>;

    /// Takes in an event.
    async fn put(&self, account: AccountKey, event: &NewEvent) -> Result<Put, StoreError>;

    /// Takes in an event whose lane depends on the links of these entities: `place` is told them, and makes the event.
    ///
    /// The same as [`links`](Self::links) and [`put`](Self::put), which is what it does unless a store can do both at once.
    async fn put_placed(
        &self,
        account: AccountKey,
        entities: &[&str],
        place: Place,
    ) -> Result<Put, StoreError> {
        let links = self.links(account, entities).await?;
        self.put(account, &place(&links)).await
    }

    /// Takes in bytes that are authentic, but cannot be processed: they are kept as a parked event.
    async fn put_parked(
        &self,
        account: AccountKey,
        event: &NewEvent,
        outcome: &str,
    ) -> Result<Put, StoreError>;

    /// Claims up to `limit` lanes that are due, the most urgent first (see [`Rank`]), of equally urgent ones the longest
    /// waiting. None while the account is paused.
    ///
    /// Of the lanes that were claimed [`SUSPECT`] times in a row without an outcome, only one is at work at any time: it may
    /// be what ends its workers, and must not take along those that were only beside it. It comes on top of `limit`.
    async fn claim_due(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Claims the lane of this event if it is due. The claim is for the *first* open event of that lane, which may
    /// be an earlier one.
    async fn claim_event(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Claim, StoreError>;

    /// Journals the effects of the claimed event and what it taught, before any of them is sent. `decision` is kept
    /// with the event.
    ///
    /// A [`KnownRow`] whose version is no longer the stored one makes this fail with [`StoreError::Conflict`] and
    /// change nothing.
    async fn plan(
        &self,
        lease: &Lease,
        decision: &str,
        effects: &[NewEffect],
        learned: &Learned,
    ) -> Result<(), StoreError>;

    /// Marks effects as in flight, durably, before their first byte leaves; the lease is renewed to `until`.
    /// Returns the renewed lease.
    ///
    /// Fails with [`StoreError::Conflict`], and changes nothing, when one of them has happened: whoever held the lane
    /// before recorded it after the claim.
    async fn begin(
        &self,
        lease: &Lease,
        effects: &[&str],
        attempt: &Attempt,
        until: OffsetDateTime,
    ) -> Result<Lease, StoreError>;

    /// Renews the lease to `until`, when work before the first effect takes long.
    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<(), StoreError>;

    /// Records that an effect happened. A fact: it is recorded whoever holds the lane by now.
    async fn done(
        &self,
        lease: &Lease,
        effect: &str,
        remote_id: Option<u64>,
    ) -> Result<(), StoreError>;

    /// Records any other state of an effect; `absent` is how often it was looked for and not found. Fails with
    /// [`StoreError::Conflict`] when it has happened.
    async fn mark(
        &self,
        lease: &Lease,
        effect: &str,
        state: EffectState,
        absent: u32,
    ) -> Result<(), StoreError>;

    /// Ends the work on the claimed event and frees its lane.
    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<(), StoreError>;

    /// Frees the lane; its event is due again at `due_at`.
    async fn retry_at(
        &self,
        lease: &Lease,
        due_at: OffsetDateTime,
        error: &str,
    ) -> Result<(), StoreError>;

    /// Frees the lane and moves the claimed event to another one, due at once; keeps what it taught.
    async fn move_to(
        &self,
        lease: &Lease,
        lane: &str,
        learned: &Learned,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// No lane of this account is given out before `until`. An earlier end never replaces a later one.
    async fn pause(
        &self,
        account: AccountKey,
        until: OffsetDateTime,
        reason: &str,
    ) -> Result<(), StoreError>;

    /// The pause of this account that is in force at `now`: its end and its reason.
    async fn paused(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<Option<(OffsetDateTime, String)>, StoreError>;

    /// Adds links outside of any event: a person says where something belongs. The same rules as in a plan.
    async fn learn(&self, account: AccountKey, learned: &Learned) -> Result<(), StoreError>;

    /// The id that Kommo gave to what this effect wrote, if it is done.
    async fn remote_id(
        &self,
        account: AccountKey,
        event_id: &str,
        effect: &str,
    ) -> Result<Option<u64>, StoreError>;

    /// The events of a lane, the oldest first.
    async fn history(
        &self,
        account: AccountKey,
        lane: &str,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError>;

    /// All links of these Paddle entities.
    async fn links(
        &self,
        account: AccountKey,
        entities: &[&str],
    ) -> Result<Vec<LinkRow>, StoreError>;

    /// What is known of this Paddle entity, with its version; version 0 when there is nothing yet.
    async fn known(&self, account: AccountKey, entity: &str) -> Result<KnownRow, StoreError>;

    /// One event with its state, or none when it was never taken in.
    async fn event(
        &self,
        account: AccountKey,
        event_id: &str,
    ) -> Result<Option<EventRow>, StoreError>;

    /// Parked events, the newest first.
    async fn parked(&self, account: AccountKey, limit: usize) -> Result<Vec<EventRow>, StoreError>;

    /// Opens a parked event again: what was done stays done, its parked effects are planned again. False when there
    /// is no such parked event.
    async fn resume(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Writes something, durably, and changes nothing: whether [`put`](Self::put) would succeed.
    async fn check(&self, account: AccountKey) -> Result<(), StoreError>;

    /// Counts and ages, for health pages and metrics.
    async fn stats(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<StoreStats, StoreError>;

    /// Retention: takes away what customers can be known by from up to `limit` events that were done or discarded before
    /// `before`, and says from how many. The payload becomes empty, and so do the bodies of their effects and the decision,
    /// which repeats them; everything else stays, ids for ever.
    async fn prune(
        &self,
        account: AccountKey,
        before: OffsetDateTime,
        limit: usize,
    ) -> Result<usize, StoreError>;

    /// Reserves the next turn to call Kommo for this account, and says how long to wait for it from now. Turns are
    /// `spacing` apart by the store's own clock, whichever process asks; one that is not used is lost.
    ///
    /// Nothing to wait for where no other process can use the store: the limiter of the client is enough then.
    async fn next_slot(
        &self,
        account: AccountKey,
        spacing: Duration,
    ) -> Result<Duration, StoreError> {
        let _ = (account, spacing);
        Ok(Duration::ZERO)
    }

    /// Returns when *another* process may have made something due in this account; never where there can be none. It
    /// only saves time: whoever waits looks again every second or so all the same.
    ///
    /// # Cancel safety
    ///
    /// What happened while nobody waited is told to the next call.
    async fn woken(&self, account: AccountKey) {
        let _ = account;
        std::future::pending().await
    }
}

/// Makes an event of what is linked already; see [`Store::put_placed`].
pub type Place = Box<dyn FnOnce(&[LinkRow]) -> NewEvent + Send>;

/// A lane that was claimed so often in a row without an outcome may be what ends its workers.
pub const SUSPECT: u32 = 2;

// Indexes and queries name it as a number.
const _: () = assert!(SUSPECT == 2);

/// No wait is longer: a pause ends within the hour, a back-off within ten minutes, a lease within two. One that ends later was
/// written while a clock was wrong, and must not hold up a payment for as long as that was ahead.
const LONGEST_WAIT: time::Duration = time::Duration::hours(2);

/// A lane is due, and a pause over, not only until `now` but also after this.
pub(crate) fn longest_wait(now: OffsetDateTime) -> OffsetDateTime {
    now.saturating_add(LONGEST_WAIT)
}

/// Ties a Paddle entity to a lead, as [`Store::links`] and [`Learned`] speak of it.
pub(crate) fn link(entity: &str, lead: LeadId, rung: &str) -> LinkRow {
    LinkRow { entity: entity.to_owned(), lead, rung: rung.to_owned() }
}
