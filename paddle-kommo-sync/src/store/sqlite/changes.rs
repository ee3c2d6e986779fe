//! Changes that several methods make, each inside the transaction of its caller.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use time::OffsetDateTime;

use super::{
    super::{AccountKey, Claimed, EventState, Learned, Lease, NewEvent, Put, longest_wait},
    check, rows,
    rows::{lead_number, micros},
};
use crate::error::StoreError;

pub(super) fn insert(
    connection: &Connection,
    account: AccountKey,
    event: &NewEvent,
    state: EventState,
    outcome: Option<&str>,
) -> Result<Put, StoreError> {
    let reason = outcome.map(|_| event.kind.as_str());
    let finished_at = outcome.map(|_| micros(event.received_at));
    let inserted = connection
        .prepare_cached(
            "INSERT INTO inbox(account, event_id, key, kind, sandbox, occurred_at, received_at, payload, state,
                               outcome, reason, finished_at, digest, rank)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT(account, event_id) DO NOTHING",
        )?
        .execute(params![
            account.get(),
            event.event_id,
            event.lane,
            event.kind,
            event.sandbox,
            micros(event.occurred_at),
            micros(event.received_at),
            event.payload,
            state as i64,
            outcome,
            reason,
            finished_at,
            check::digest(
                &event.event_id,
                &event.kind,
                event.sandbox,
                micros(event.received_at),
                event.rank,
                &event.payload
            ),
            event.rank as i64,
        ])?;
    if inserted == 1 {
        return Ok(Put::New);
    }
    let state: i64 = connection
        .prepare_cached("SELECT state FROM inbox WHERE account = ?1 AND event_id = ?2")?
        .query_row(params![account.get(), event.event_id], |row| row.get(0))?;
    EventState::from_number(state).map(Put::Known).ok_or(StoreError::Corrupt("event"))
}

/// Takes in an event that is to be worked on, with the links that it teaches.
pub(super) fn take_in(
    connection: &Connection,
    account: AccountKey,
    event: NewEvent,
) -> Result<Put, StoreError> {
    // Refused before anything is written: what fails later takes others with it.
    for link in &event.links {
        lead_number(link.lead)?;
    }
    let put = insert(connection, account, &event, EventState::Open, None)?;
    if put == Put::New {
        open_lane(connection, account, &event.lane, event.rank as i64, event.received_at)?;
        learn(connection, account, &Learned { links: event.links, known: Vec::new() })?;
    }
    Ok(put)
}

/// One more open event: a lane that had nothing open becomes due, one that waits or is worked on keeps its time.
pub(super) fn open_lane(
    connection: &Connection,
    account: AccountKey,
    lane: &str,
    rank: i64,
    due_at: OffsetDateTime,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO lane(account, key, pending, prio, due_at) VALUES(?1, ?2, 1, ?3, ?4)
             ON CONFLICT(account, key) DO UPDATE SET pending = pending + 1,
             prio = CASE WHEN pending = 0 THEN excluded.prio ELSE min(prio, excluded.prio) END,
             due_at = CASE WHEN pending = 0 THEN excluded.due_at ELSE due_at END",
        )?
        .execute(params![account.get(), lane, rank, micros(due_at)])?;
    Ok(())
}

pub(super) fn claim(
    connection: &Connection,
    account: AccountKey,
    lane: &str,
    now: OffsetDateTime,
    lease: Duration,
) -> Result<Option<Claimed>, StoreError> {
    let until = now.saturating_add(lease.try_into().unwrap_or(time::Duration::MAX));
    let taken = connection
        .prepare_cached(
            "UPDATE lane SET epoch = epoch + 1, strikes = strikes + 1, due_at = ?4, owner = 'process'
             WHERE account = ?1 AND key = ?2 AND pending > 0 AND (due_at <= ?3 OR due_at > ?5)
             RETURNING epoch, strikes",
        )?
        .query_row(params![account.get(), lane, micros(now), micros(until), micros(longest_wait(now))], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((epoch, strikes)) = taken else { return Ok(None) };
    let seq: i64 = connection
        .prepare_cached(
            "UPDATE inbox SET attempt = attempt + 1 WHERE seq = (
                 SELECT seq FROM inbox WHERE account = ?1 AND key = ?2 AND state = 0 ORDER BY occurred_at, seq LIMIT 1
             ) RETURNING seq",
        )?
        .query_row(params![account.get(), lane], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::Corrupt("lane"))?;
    let event = rows::event_by_number(connection, seq)?;
    let lease =
        Lease { account, lane: lane.to_owned(), event_id: event.event_id.clone(), epoch, until };
    Ok(Some(Claimed { lease, event, strikes, effects: rows::effects(connection, seq)? }))
}

/// Frees a leased lane: due again at `due_at`, with `ended` events fewer.
pub(super) fn free(
    connection: &Connection,
    lease: &Lease,
    due_at: OffsetDateTime,
    ended: i64,
) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE lane SET pending = pending - ?5, strikes = 0, due_at = ?4, owner = NULL
             WHERE account = ?1 AND key = ?2 AND epoch = ?3",
        )?
        .execute(params![lease.account.get(), lease.lane, lease.epoch, micros(due_at), ended])?;
    one_row(changed, "lane")
}

pub(super) fn learn(
    connection: &Connection,
    account: AccountKey,
    learned: &Learned,
) -> Result<(), StoreError> {
    for row in &learned.known {
        let changed = connection
            .prepare_cached(
                "INSERT INTO known(account, entity, state, version) SELECT ?1, ?2, ?3, ?4 + 1
                 WHERE ?4 = coalesce((SELECT version FROM known WHERE account = ?1 AND entity = ?2), 0)
                 ON CONFLICT(account, entity) DO UPDATE SET state = excluded.state, version = excluded.version",
            )?
            .execute(params![account.get(), row.entity, row.state, row.version])?;
        if changed != 1 {
            return Err(StoreError::Conflict);
        }
    }
    for link in &learned.links {
        if link.rung == "person" {
            connection
                .prepare_cached(
                    "DELETE FROM link WHERE account = ?1 AND entity = ?2 AND lead <> ?3 AND rung = 'person'",
                )?
                .execute(params![account.get(), link.entity, lead_number(link.lead)?])?;
        }
        connection
            .prepare_cached(
                "INSERT INTO link(account, entity, lead, rung) VALUES(?1, ?2, ?3, ?4)
                 ON CONFLICT(account, entity, lead) DO UPDATE SET rung = excluded.rung
                 WHERE excluded.rung = 'person'",
            )?
            .execute(params![account.get(), link.entity, lead_number(link.lead)?, link.rung])?;
    }
    Ok(())
}

pub(super) fn prune(
    connection: &Connection,
    account: AccountKey,
    before: OffsetDateTime,
    limit: usize,
) -> Result<usize, StoreError> {
    let old = connection
        .prepare_cached(
            "SELECT seq FROM inbox
             WHERE account = ?1 AND state IN (2, 4) AND payload IS NOT NULL AND finished_at < ?2
             ORDER BY finished_at LIMIT ?3",
        )?
        .query_map(params![account.get(), micros(before), rows::count(limit)], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    for seq in &old {
        connection
            .prepare_cached("UPDATE inbox SET payload = NULL, decision = NULL WHERE seq = ?1")?
            .execute([seq])?;
        connection.prepare_cached("UPDATE effect SET body = '' WHERE seq = ?1")?.execute([seq])?;
    }
    Ok(old.len())
}

/// Whether an effect was changed that had not happened; else why not.
pub(super) fn open_effect(
    connection: &Connection,
    seq: i64,
    name: &str,
    changed: usize,
) -> Result<(), StoreError> {
    if changed == 0
        && connection
            .prepare_cached("SELECT 1 FROM effect WHERE seq = ?1 AND name = ?2 AND state = 2")?
            .exists(params![seq, name])?
    {
        return Err(StoreError::Conflict);
    }
    one_row(changed, "effect")
}

pub(super) fn one_row(changed: usize, what: &'static str) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Corrupt(what)),
    }
}
