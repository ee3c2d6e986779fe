//! One file on one machine: WAL, an fsync at every commit, one thread that owns the only connection.

mod changes;
mod check;
mod place;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};
use time::OffsetDateTime;

use self::{
    changes::{claim, free, insert, learn, one_row, open_effect, open_lane, prune, take_in},
    rows::{count, micros, moment},
    writer::{Undo, Writer},
};
use super::{
    AccountKey, Attempt, Claim, Claimed, EffectState, EventRow, EventState, Finish, KnownRow,
    Learned, Lease, LinkRow, NewEffect, NewEvent, Place, Put, Store, StoreStats, longest_wait,
};
use crate::error::StoreError;

/// The durable store for one machine: a SQLite file, nothing to install.
///
/// A method returns after the change is on disk: the journal mode is WAL with `synchronous = FULL`, read back when
/// the file is opened. Changes that wait at the same time share one commit. A second process that opens the same
/// file is refused.
///
/// A full disk or a lock that somebody else holds fails one call, and passes. A failed read, write or fsync ends the use of
/// the file: every later call returns [`StoreError::Broken`], and the process should end and be started anew.
///
/// Put the file on a local disk (WAL does not work on network file systems), and back it up with `VACUUM INTO` or
/// SQLite's backup API, never by copying the file alone.
#[derive(Clone, Debug)]
pub struct SqliteStore(Writer);

impl SqliteStore {
    /// Opens the file, making it if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when another process has the file open, when it was written by a newer version, when it is
    /// damaged (the whole file is read and checked), when it has a second name, or when SQLite would not promise
    /// durability on this file system; [`StoreError::Database`] when it cannot be opened. Nothing is repaired: the text
    /// says what to do.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Writer::open(path.as_ref()).map(Self)
    }

    /// Runs `work` on the connection and returns when its changes are on disk.
    async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.0.run(Undo::Own, work).await
    }

    /// The same for work that reads, or that takes in: of these there may be very many at a time.
    async fn run_light<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.0.run(Undo::All, work).await
    }

    /// Runs `work` under a lease that must still hold; it gets the number of the leased event.
    async fn leased<T, F>(&self, lease: &Lease, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Lease, i64) -> Result<T, StoreError> + Send + 'static,
    {
        let lease = lease.clone();
        self.run(move |connection| {
            let seq = connection
                .prepare_cached(
                    "SELECT i.seq FROM lane l JOIN inbox i ON i.account = l.account AND i.event_id = ?3
                     WHERE l.account = ?1 AND l.key = ?2 AND l.epoch = ?4 AND i.key = l.key AND i.state = 0",
                )?
                .query_row(params![lease.account.get(), lease.lane, lease.event_id, lease.epoch], |row| row.get(0))
                .optional()?
                .ok_or(StoreError::LeaseLost)?;
            work(connection, &lease, seq)
        })
        .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for SqliteStore {
    async fn account(&self, name: &str) -> Result<AccountKey, StoreError> {
        let name = name.to_owned();
        self.run(move |connection| {
            connection.execute(
                "INSERT INTO account(name) VALUES(?1) ON CONFLICT(name) DO NOTHING",
                [&name],
            )?;
            let id =
                connection.query_row("SELECT id FROM account WHERE name = ?1", [&name], |row| {
                    row.get(0)
                })?;
            Ok(AccountKey::new(id))
        })
        .await
    }

    async fn put(&self, account: AccountKey, event: &NewEvent) -> Result<Put, StoreError> {
        let event = event.clone();
        self.run_light(move |connection| take_in(connection, account, event)).await
    }

    async fn put_placed(
        &self,
        account: AccountKey,
        entities: &[&str],
        place: Place,
    ) -> Result<Put, StoreError> {
        let entities: Vec<String> = entities.iter().map(|&entity| entity.to_owned()).collect();
        // One job, so one wait for the disk.
        self.run_light(move |connection| {
            let links = rows::links(connection, account, &entities)?;
            take_in(connection, account, place(&links))
        })
        .await
    }

    async fn put_parked(
        &self,
        account: AccountKey,
        event: &NewEvent,
        outcome: &str,
    ) -> Result<Put, StoreError> {
        let (event, outcome) = (event.clone(), outcome.to_owned());
        self.run_light(move |connection| {
            insert(connection, account, &event, EventState::Parked, Some(&outcome))
        })
        .await
    }

    async fn claim_due(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.run(move |connection| {
            if rows::pause(connection, account, now)?.is_some() {
                return Ok(Vec::new());
            }
            let due = rows::due(connection, account, now, limit)?;
            let mut claimed = Vec::new();
            for lane in due {
                claimed.extend(claim(connection, account, &lane, now, lease)?);
            }
            Ok(claimed)
        })
        .await
    }

    async fn claim_event(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let event_id = event_id.to_owned();
        self.run(move |connection| {
            let Some(event) = rows::event(connection, account, &event_id)? else {
                return Ok(Claim::Missing);
            };
            if event.state != EventState::Open {
                return Ok(Claim::Ended(event));
            }
            if let Some((until, _)) = rows::pause(connection, account, now)? {
                return Ok(Claim::NotDue(until));
            }
            if let Some(claimed) = claim(connection, account, &event.lane, now, lease)? {
                return Ok(Claim::Taken(claimed));
            }
            let due_at = connection
                .prepare_cached("SELECT due_at FROM lane WHERE account = ?1 AND key = ?2")?
                .query_row(params![account.get(), event.lane], |row| row.get(0))?;
            Ok(Claim::NotDue(moment(due_at)?))
        })
        .await
    }

    async fn plan(
        &self,
        lease: &Lease,
        decision: &str,
        effects: &[NewEffect],
        learned: &Learned,
    ) -> Result<(), StoreError> {
        let (decision, effects, learned) = (decision.to_owned(), effects.to_vec(), learned.clone());
        self.leased(lease, move |connection, lease, seq| {
            learn(connection, lease.account, &learned)?;
            connection
                .prepare_cached("UPDATE inbox SET decision = ?2 WHERE seq = ?1")?
                .execute(params![seq, decision])?;
            connection.prepare_cached("DELETE FROM effect WHERE seq = ?1")?.execute([seq])?;
            let mut insert = connection.prepare_cached(
                "INSERT INTO effect(seq, position, name, marker, body) VALUES(?1, ?2, ?3, ?4, ?5)",
            )?;
            for (position, effect) in effects.iter().enumerate() {
                insert.execute(params![
                    seq,
                    count(position),
                    effect.name,
                    effect.marker,
                    effect.body
                ])?;
            }
            Ok(())
        })
        .await
    }

    async fn begin(
        &self,
        lease: &Lease,
        effects: &[&str],
        attempt: &Attempt,
        until: OffsetDateTime,
    ) -> Result<Lease, StoreError> {
        let effects: Vec<String> = effects.iter().map(|&name| name.to_owned()).collect();
        let attempt = attempt.clone();
        self.leased(lease, move |connection, lease, seq| {
            for name in &effects {
                let changed = connection
                    .prepare_cached(
                        "UPDATE effect SET state = 1, absent = 0, epoch = ?3, call_id = ?4, sent_at = ?5, deadline_at = ?6
                         WHERE seq = ?1 AND name = ?2 AND state <> 2",
                    )?
                    .execute(params![
                        seq,
                        name,
                        lease.epoch,
                        attempt.call_id,
                        micros(attempt.sent_at),
                        micros(attempt.deadline_at)
                    ])?;
                open_effect(connection, seq, name, changed)?;
            }
            connection
                .prepare_cached("UPDATE lane SET due_at = ?3 WHERE account = ?1 AND key = ?2")?
                .execute(params![lease.account.get(), lease.lane, micros(until)])?;
            Ok(Lease { until, ..lease.clone() })
        })
        .await
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<(), StoreError> {
        self.leased(lease, move |connection, lease, _| {
            connection
                .prepare_cached("UPDATE lane SET due_at = ?3 WHERE account = ?1 AND key = ?2")?
                .execute(params![lease.account.get(), lease.lane, micros(until)])?;
            Ok(())
        })
        .await
    }

    async fn done(
        &self,
        lease: &Lease,
        effect: &str,
        remote_id: Option<u64>,
    ) -> Result<(), StoreError> {
        let (account, event_id, effect) =
            (lease.account, lease.event_id.clone(), effect.to_owned());
        let remote_id = remote_id.and_then(|id| i64::try_from(id).ok());
        self.run(move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE effect SET state = 2, remote_id = ?4 WHERE name = ?3
                     AND seq = (SELECT seq FROM inbox WHERE account = ?1 AND event_id = ?2)",
                )?
                .execute(params![account.get(), event_id, effect, remote_id])?;
            one_row(changed, "effect")
        })
        .await
    }

    async fn mark(
        &self,
        lease: &Lease,
        effect: &str,
        state: EffectState,
        absent: u32,
    ) -> Result<(), StoreError> {
        let effect = effect.to_owned();
        self.leased(lease, move |connection, _, seq| {
            let changed = connection
                .prepare_cached(
                    "UPDATE effect SET state = ?3, absent = ?4 WHERE seq = ?1 AND name = ?2 AND state <> 2",
                )?
                .execute(params![seq, effect, state as i64, absent])?;
            open_effect(connection, seq, &effect, changed)
        })
        .await
    }

    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<(), StoreError> {
        let finish = finish.clone();
        self.leased(lease, move |connection, lease, seq| {
            learn(connection, lease.account, &finish.learned)?;
            let changed = connection
                .prepare_cached(
                    "UPDATE inbox SET state = ?2, outcome = ?3, reason = ?4, finished_at = ?5 WHERE seq = ?1",
                )?
                .execute(params![seq, finish.state as i64, finish.outcome, finish.reason, micros(finish.at)])?;
            one_row(changed, "event")?;
            if finish.state == EventState::Done {
                connection
                    .prepare_cached("UPDATE account SET done = done + 1 WHERE id = ?1")?
                    .execute([lease.account.get()])?;
            }
            free(connection, lease, finish.at, 1)
        })
        .await
    }

    async fn retry_at(
        &self,
        lease: &Lease,
        due_at: OffsetDateTime,
        error: &str,
    ) -> Result<(), StoreError> {
        let error = error.to_owned();
        self.leased(lease, move |connection, lease, seq| {
            connection
                .prepare_cached("UPDATE inbox SET last_error = ?2 WHERE seq = ?1")?
                .execute(params![seq, error])?;
            free(connection, lease, due_at, 0)
        })
        .await
    }

    async fn move_to(
        &self,
        lease: &Lease,
        lane: &str,
        learned: &Learned,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let (lane, learned) = (lane.to_owned(), learned.clone());
        self.leased(lease, move |connection, lease, seq| {
            learn(connection, lease.account, &learned)?;
            free(connection, lease, now, 1)?;
            let rank = connection
                .prepare_cached("UPDATE inbox SET key = ?2 WHERE seq = ?1 RETURNING rank")?
                .query_row(params![seq, lane], |row| row.get(0))?;
            open_lane(connection, lease.account, &lane, rank, now)
        })
        .await
    }

    async fn pause(
        &self,
        account: AccountKey,
        until: OffsetDateTime,
        reason: &str,
    ) -> Result<(), StoreError> {
        let reason = reason.to_owned();
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE account SET paused_until = ?2, pause_reason = ?3 WHERE id = ?1 AND (paused_until < ?2 OR paused_until > ?4)",
                )?
                .execute(params![account.get(), micros(until), reason, micros(longest_wait(until))])?;
            Ok(())
        })
        .await
    }

    async fn paused(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<Option<(OffsetDateTime, String)>, StoreError> {
        self.run_light(move |connection| rows::pause(connection, account, now)).await
    }

    async fn learn(&self, account: AccountKey, learned: &Learned) -> Result<(), StoreError> {
        let learned = learned.clone();
        self.run(move |connection| learn(connection, account, &learned)).await
    }

    async fn remote_id(
        &self,
        account: AccountKey,
        event_id: &str,
        effect: &str,
    ) -> Result<Option<u64>, StoreError> {
        let (event_id, effect) = (event_id.to_owned(), effect.to_owned());
        self.run_light(move |connection| {
            let stored: Option<Option<i64>> = connection
                .prepare_cached(
                    "SELECT e.remote_id FROM effect e JOIN inbox i ON i.seq = e.seq
                     WHERE i.account = ?1 AND i.event_id = ?2 AND e.name = ?3",
                )?
                .query_row(params![account.get(), event_id, effect], |row| row.get(0))
                .optional()?;
            Ok(stored.flatten().and_then(|id| u64::try_from(id).ok()))
        })
        .await
    }

    async fn history(
        &self,
        account: AccountKey,
        lane: &str,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        let lane = lane.to_owned();
        self.run_light(move |connection| rows::history(connection, account, &lane, limit)).await
    }

    async fn links(
        &self,
        account: AccountKey,
        entities: &[&str],
    ) -> Result<Vec<LinkRow>, StoreError> {
        let entities: Vec<String> = entities.iter().map(|&entity| entity.to_owned()).collect();
        self.run_light(move |connection| rows::links(connection, account, &entities)).await
    }

    async fn known(&self, account: AccountKey, entity: &str) -> Result<KnownRow, StoreError> {
        let entity = entity.to_owned();
        self.run_light(move |connection| {
            let stored = connection
                .prepare_cached(
                    "SELECT state, version FROM known WHERE account = ?1 AND entity = ?2",
                )?
                .query_row(params![account.get(), entity], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (state, version) = stored.unwrap_or_default();
            Ok(KnownRow { entity, state, version })
        })
        .await
    }

    async fn event(
        &self,
        account: AccountKey,
        event_id: &str,
    ) -> Result<Option<EventRow>, StoreError> {
        let event_id = event_id.to_owned();
        self.run_light(move |connection| rows::event(connection, account, &event_id)).await
    }

    async fn parked(&self, account: AccountKey, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        self.run_light(move |connection| rows::parked(connection, account, limit)).await
    }

    async fn resume(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let event_id = event_id.to_owned();
        self.run(move |connection| {
            let opened = connection
                .prepare_cached(
                    "UPDATE inbox SET state = 0, outcome = NULL, reason = NULL, finished_at = NULL
                     WHERE account = ?1 AND event_id = ?2 AND state = 3 RETURNING seq, key, rank",
                )?
                .query_row(params![account.get(), event_id], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get(2)?))
                })
                .optional()?;
            let Some((seq, lane, rank)) = opened else { return Ok(false) };
            connection
                .prepare_cached("UPDATE effect SET state = 0 WHERE seq = ?1 AND state = 4")?
                .execute([seq])?;
            open_lane(connection, account, &lane, rank, now)?;
            Ok(true)
        })
        .await
    }

    async fn check(&self, account: AccountKey) -> Result<(), StoreError> {
        self.run(move |connection| {
            connection
                .prepare_cached("UPDATE account SET checks = checks + 1 WHERE id = ?1")?
                .execute([account.get()])?;
            Ok(())
        })
        .await
    }

    async fn stats(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<StoreStats, StoreError> {
        self.run_light(move |connection| rows::stats(connection, account, now)).await
    }

    async fn prune(
        &self,
        account: AccountKey,
        before: OffsetDateTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.run(move |connection| prune(connection, account, before, limit)).await
    }

    /// No other process can use the file.
    async fn next_slot(&self, _: AccountKey, _: Duration) -> Result<Duration, StoreError> {
        Ok(Duration::ZERO)
    }

    /// No other process can use the file.
    async fn woken(&self, _: AccountKey) {
        std::future::pending().await
    }
}
