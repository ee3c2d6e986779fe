//! Rows of the tables as the engine knows them.

use kommo_client::LeadId;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, ffi, params};
use time::OffsetDateTime;

use super::super::{
    AccountKey, EffectRow, EffectState, EventRow, EventState, LinkRow, Rank, StoreStats,
    longest_wait,
};
use crate::error::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match is_fatal(&error) {
            true => Self::Broken(error.to_string()),
            false => Self::Database(Box::new(error)),
        }
    }
}

/// After a failed read, write or fsync nobody knows what is on disk, and asking again can say that all is well when it
/// is not. Two codes of that family only say that there was no room; like a full disk they pass.
fn is_fatal(error: &rusqlite::Error) -> bool {
    let passes = [ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_NOMEM];
    match error.sqlite_error() {
        Some(error) => match error.code {
            ErrorCode::SystemIoFailure => !passes.contains(&error.extended_code),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => true,
            _ => false,
        },
        None => false,
    }
}

/// The lanes that are due, the most urgent first, and one at a time of those under suspicion.
pub(super) fn due(
    connection: &Connection,
    account: AccountKey,
    now: OffsetDateTime,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let (account, now, latest) = (account.get(), micros(now), micros(longest_wait(now)));
    let mut due = connection
        .prepare_cached(
            "SELECT key FROM lane WHERE account = ?1 AND pending > 0 AND strikes < 2 AND (due_at <= ?2 OR due_at > ?3)
             ORDER BY prio, due_at LIMIT ?4",
        )?
        .query_map(params![account, now, latest, count(limit)], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    let suspect = connection
        .prepare_cached(
            "SELECT key FROM lane WHERE account = ?1 AND pending > 0 AND strikes >= 2 AND (due_at <= ?2 OR due_at > ?3)
             AND NOT EXISTS (SELECT 1 FROM lane WHERE account = ?1 AND strikes > 2 AND owner IS NOT NULL
                             AND due_at > ?2 AND due_at <= ?3)
             ORDER BY prio, due_at LIMIT 1",
        )?
        .query_row(params![account, now, latest], |row| row.get(0))
        .optional()?;
    due.extend(suspect);
    Ok(due)
}

pub(super) fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

pub(super) fn moment(micros: i64) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros).saturating_mul(1000))
        .map_err(|_| StoreError::Corrupt("time"))
}

pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn lead_number(lead: LeadId) -> Result<i64, StoreError> {
    i64::try_from(lead.get()).map_err(|_| StoreError::Corrupt("lead id"))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

const EVENT: &str =
    "SELECT event_id, kind, key, sandbox, occurred_at, received_at, coalesce(payload, x''), state,
                            attempt, decision, outcome, last_error, rank FROM inbox";

fn read_event(row: &Row<'_>) -> rusqlite::Result<Result<EventRow, StoreError>> {
    let (occurred_at, received_at, state) = (row.get(4)?, row.get(5)?, row.get(7)?);
    let (event_id, kind, lane, sandbox) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let (payload, attempt) = (row.get(6)?, row.get(8)?);
    let (decision, outcome, last_error) = (row.get(9)?, row.get(10)?, row.get(11)?);
    let rank = row.get(12)?;
    let event = move || {
        Ok(EventRow {
            event_id,
            kind,
            lane,
            sandbox,
            occurred_at: moment(occurred_at)?,
            received_at: moment(received_at)?,
            rank: Rank::from_number(rank).ok_or(StoreError::Corrupt("event"))?,
            payload,
            state: EventState::from_number(state).ok_or(StoreError::Corrupt("event"))?,
            attempt,
            decision,
            outcome,
            last_error,
        })
    };
    Ok(event())
}

pub(super) fn event(
    connection: &Connection,
    account: AccountKey,
    event_id: &str,
) -> Result<Option<EventRow>, StoreError> {
    connection
        .prepare_cached(&format!("{EVENT} WHERE account = ?1 AND event_id = ?2"))?
        .query_row(params![account.get(), event_id], read_event)
        .optional()?
        .transpose()
}

pub(super) fn event_by_number(connection: &Connection, seq: i64) -> Result<EventRow, StoreError> {
    connection.prepare_cached(&format!("{EVENT} WHERE seq = ?1"))?.query_row([seq], read_event)?
}

pub(super) fn links(
    connection: &Connection,
    account: AccountKey,
    entities: &[String],
) -> Result<Vec<LinkRow>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT entity, lead, rung FROM link WHERE account = ?1 AND entity = ?2 ORDER BY lead",
    )?;
    let mut links = Vec::new();
    for entity in entities {
        let found = select.query_map(params![account.get(), entity], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
        })?;
        for link in found {
            let (entity, lead, rung) = link?;
            let lead = u64::try_from(lead).map_err(|_| StoreError::Corrupt("link"))?;
            links.push(LinkRow { entity, lead: LeadId::new(lead), rung });
        }
    }
    Ok(links)
}

pub(super) fn parked(
    connection: &Connection,
    account: AccountKey,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    connection
        .prepare_cached(&format!(
            "{EVENT} WHERE account = ?1 AND state = 3 ORDER BY finished_at DESC, seq DESC LIMIT ?2"
        ))?
        .query_map(params![account.get(), count(limit)], read_event)?
        .map(|row| row?)
        .collect()
}

pub(super) fn history(
    connection: &Connection,
    account: AccountKey,
    lane: &str,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    connection
        .prepare_cached(&format!(
            "{EVENT} WHERE account = ?1 AND key = ?2 ORDER BY occurred_at, seq LIMIT ?3"
        ))?
        .query_map(params![account.get(), lane, count(limit)], read_event)?
        .map(|row| row?)
        .collect()
}

pub(super) fn effects(connection: &Connection, seq: i64) -> Result<Vec<EffectRow>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT name, marker, body, state, sent_at, absent, remote_id FROM effect WHERE seq = ?1 ORDER BY position",
    )?;
    let mut rows = select.query([seq])?;
    let mut effects = Vec::new();
    while let Some(row) = rows.next()? {
        effects.push(EffectRow {
            name: row.get(0)?,
            marker: row.get(1)?,
            body: row.get(2)?,
            state: EffectState::from_number(row.get(3)?).ok_or(StoreError::Corrupt("effect"))?,
            sent_at: row.get::<_, Option<i64>>(4)?.map(moment).transpose()?,
            absent: row.get(5)?,
            remote_id: row.get::<_, Option<i64>>(6)?.map(unsigned),
        });
    }
    Ok(effects)
}

pub(super) fn pause(
    connection: &Connection,
    account: AccountKey,
    now: OffsetDateTime,
) -> Result<Option<(OffsetDateTime, String)>, StoreError> {
    let paused: Option<(i64, Option<String>)> = connection
        .prepare_cached(
            "SELECT paused_until, pause_reason FROM account WHERE id = ?1 AND paused_until > ?2 AND paused_until <= ?3",
        )?
        .query_row(params![account.get(), micros(now), micros(longest_wait(now))], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    paused.map(|(until, reason)| Ok((moment(until)?, reason.unwrap_or_default()))).transpose()
}

pub(super) fn stats(
    connection: &Connection,
    account: AccountKey,
    now: OffsetDateTime,
) -> Result<StoreStats, StoreError> {
    let number = |sql: &str| -> Result<u64, StoreError> {
        Ok(unsigned(connection.prepare_cached(sql)?.query_row([account.get()], |row| row.get(0))?))
    };
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT min(received_at) FROM inbox WHERE account = ?1 AND state = 0")?
        .query_row([account.get()], |row| row.get(0))?;
    let mut select = connection.prepare_cached(
        "SELECT coalesce(reason, ''), count(*) FROM inbox WHERE account = ?1 AND state = 3 GROUP BY 1 ORDER BY 1",
    )?;
    let parked = select
        .query_map([account.get()], |row| Ok((row.get::<_, String>(0)?, unsigned(row.get(1)?))))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(StoreStats {
        open: number("SELECT count(*) FROM inbox WHERE account = ?1 AND state = 0")?,
        oldest_open: oldest.map(moment).transpose()?,
        done: number("SELECT done FROM account WHERE id = ?1")?,
        parked,
        in_flight: number(
            "SELECT count(*) FROM effect e CROSS JOIN inbox i ON i.seq = e.seq
             WHERE e.state = 1 AND i.account = ?1",
        )?,
        unknown: number(
            "SELECT count(*) FROM effect e CROSS JOIN inbox i ON i.seq = e.seq
             WHERE e.state = 3 AND i.account = ?1",
        )?,
        paused: pause(connection, account, now)?,
    })
}
