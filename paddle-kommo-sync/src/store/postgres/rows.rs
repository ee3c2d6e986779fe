//! Rows of the tables as the engine knows them.

use std::borrow::Cow;

use deadpool_postgres::{GenericClient, HookError, PoolError};
use kommo_client::LeadId;
use time::OffsetDateTime;
use tokio_postgres::{Row, types::ToSql};

use super::super::{
    AccountKey, EffectRow, EffectState, EventRow, EventState, Rank, StoreStats, longest_wait,
};
use crate::error::StoreError;

pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// What the server said, by its code and message. Its details may quote a row, and with it a customer.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL says {message} ({code})")]
struct Refused {
    code: String,
    message: String,
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self::Database(Box::new(Refused {
                code: said.code().code().to_owned(),
                message: said.message().to_owned(),
            })),
            None => Self::Database(Box::new(error)),
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                error.into()
            }
            PoolError::PostCreateHook(HookError::Message(why)) => Self::Unusable(why.into_owned()),
            error => Self::Database(Box::new(error)),
        }
    }
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

pub(super) fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Text that people read. PostgreSQL takes every character but the one with the number 0.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

/// Runs a statement that the session keeps prepared.
pub(super) async fn query(
    client: &impl GenericClient,
    sql: &str,
    params: Params<'_>,
) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, params).await?)
}

/// The same, for a statement that gives back one row at the most.
pub(super) async fn query_opt(
    client: &impl GenericClient,
    sql: &str,
    params: Params<'_>,
) -> Result<Option<Row>, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, params).await?)
}

/// The same, for a statement of which only the number of changed rows matters.
pub(super) async fn execute(
    client: &impl GenericClient,
    sql: &str,
    params: Params<'_>,
) -> Result<u64, StoreError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, params).await?)
}

/// What [`read_event`] reads, of a table or result named `i`.
macro_rules! event_columns {
    () => {
        "i.event_id, i.kind, i.key, i.sandbox, i.occurred_at, i.received_at, coalesce(i.payload, ''), i.state,
         i.attempt, i.decision, i.outcome, i.last_error, i.rank"
    };
}
pub(super) use event_columns;

pub(super) fn read_event(row: &Row) -> Result<EventRow, StoreError> {
    Ok(EventRow {
        event_id: row.try_get(0)?,
        kind: row.try_get(1)?,
        lane: row.try_get(2)?,
        sandbox: row.try_get(3)?,
        occurred_at: moment(row.try_get(4)?)?,
        received_at: moment(row.try_get(5)?)?,
        rank: Rank::from_number(row.try_get(12)?).ok_or(StoreError::Corrupt("event"))?,
        payload: row.try_get(6)?,
        state: EventState::from_number(row.try_get(7)?).ok_or(StoreError::Corrupt("event"))?,
        attempt: small(row.try_get(8)?),
        decision: row.try_get(9)?,
        outcome: row.try_get(10)?,
        last_error: row.try_get(11)?,
    })
}

pub(super) async fn event(
    client: &impl GenericClient,
    account: AccountKey,
    event_id: &str,
) -> Result<Option<EventRow>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        event_columns!(),
        " FROM inbox i WHERE i.account = $1 AND i.event_id = $2"
    );
    let row = query_opt(client, SQL, &[&account.get(), &event_id]).await?;
    row.as_ref().map(read_event).transpose()
}

pub(super) async fn parked(
    client: &impl GenericClient,
    account: AccountKey,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        event_columns!(),
        " FROM inbox i WHERE i.account = $1 AND i.state = 3
          ORDER BY i.finished_at DESC, i.seq DESC LIMIT $2"
    );
    query(client, SQL, &[&account.get(), &count(limit)]).await?.iter().map(read_event).collect()
}

pub(super) async fn history(
    client: &impl GenericClient,
    account: AccountKey,
    lane: &str,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        event_columns!(),
        " FROM inbox i WHERE i.account = $1 AND i.key = $2
          ORDER BY i.occurred_at, i.seq LIMIT $3"
    );
    let rows = query(client, SQL, &[&account.get(), &lane, &count(limit)]).await?;
    rows.iter().map(read_event).collect()
}

/// The journals of these events, with the number of the event that each effect belongs to.
pub(super) async fn effects(
    client: &impl GenericClient,
    events: &[i64],
) -> Result<Vec<(i64, EffectRow)>, StoreError> {
    let rows = query(
        client,
        "SELECT seq, name, marker, body, state, sent_at, absent, remote_id FROM effect WHERE seq = ANY($1)
         ORDER BY seq, position",
        &[&events],
    )
    .await?;
    let effect = |row: &Row| {
        Ok((
            row.try_get(0)?,
            EffectRow {
                name: row.try_get(1)?,
                marker: row.try_get(2)?,
                body: row.try_get(3)?,
                state: EffectState::from_number(row.try_get(4)?)
                    .ok_or(StoreError::Corrupt("effect"))?,
                sent_at: row.try_get::<_, Option<i64>>(5)?.map(moment).transpose()?,
                absent: small(row.try_get(6)?),
                remote_id: row.try_get::<_, Option<i64>>(7)?.map(unsigned),
            },
        ))
    };
    rows.iter().map(effect).collect()
}

pub(super) async fn pause(
    client: &impl GenericClient,
    account: AccountKey,
    now: OffsetDateTime,
) -> Result<Option<(OffsetDateTime, String)>, StoreError> {
    let row = query_opt(
        client,
        "SELECT paused_until, coalesce(pause_reason, '') FROM account WHERE id = $1
         AND paused_until > $2 AND paused_until <= $3",
        &[&account.get(), &micros(now), &micros(longest_wait(now))],
    )
    .await?;
    row.map(|row| Ok((moment(row.try_get(0)?)?, row.try_get(1)?))).transpose()
}

pub(super) async fn stats(
    client: &impl GenericClient,
    account: AccountKey,
    now: OffsetDateTime,
) -> Result<StoreStats, StoreError> {
    let counts = query_opt(
        client,
        "SELECT (SELECT count(*) FROM inbox WHERE account = $1 AND state = 0),
                (SELECT min(received_at) FROM inbox WHERE account = $1 AND state = 0),
                (SELECT done FROM account WHERE id = $1)
                    + (SELECT coalesce(sum(count), 0)::bigint FROM done WHERE account = $1),
                (SELECT count(*) FROM effect WHERE account = $1 AND state = 1),
                (SELECT count(*) FROM effect WHERE account = $1 AND state = 3)",
        &[&account.get()],
    )
    .await?
    .ok_or(StoreError::Corrupt("count"))?;
    let parked = query(
        client,
        "SELECT coalesce(reason, '') COLLATE \"C\" AS why, count(*) FROM inbox WHERE account = $1 AND state = 3
         GROUP BY why ORDER BY why",
        &[&account.get()],
    )
    .await?;
    Ok(StoreStats {
        open: unsigned(counts.try_get(0)?),
        oldest_open: counts.try_get::<_, Option<i64>>(1)?.map(moment).transpose()?,
        done: unsigned(counts.try_get::<_, Option<i64>>(2)?.unwrap_or(0)),
        parked: parked
            .iter()
            .map(|row| Ok((row.try_get(0)?, unsigned(row.try_get(1)?))))
            .collect::<Result<_, StoreError>>()?,
        in_flight: unsigned(counts.try_get(3)?),
        unknown: unsigned(counts.try_get(4)?),
        paused: pause(client, account, now).await?,
    })
}
