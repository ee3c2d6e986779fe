//! Changes of the tables: those that several methods make, inside the transaction of their caller, and those that are one
//! statement.
//!
//! Whoever changes several rows locks them in one order, so that nobody waits in a circle: lanes (by key), events,
//! effects, the count of what is done, what is known (by entity), links (by entity), the account.

use std::{collections::BTreeMap, time::Duration};

use deadpool_postgres::{GenericClient, Transaction};
use time::OffsetDateTime;

use super::{
    super::{
        AccountKey, Attempt, Claimed, EffectRow, EventState, Finish, Lease, NewEffect, NewEvent,
        Put, longest_wait,
    },
    learned::LinkColumns,
    rows::{
        count, effects, event_columns, execute, micros, query, query_opt, read_event, small, text,
        unsigned,
    },
};
use crate::error::StoreError;

/// Takes in an event that is to be worked on, with the links that it teaches: one statement, so one round trip and one
/// commit. Links never change what is there, so `learn` need not be asked, unless a person speaks.
pub(super) async fn insert_open(
    client: &impl GenericClient,
    account: AccountKey,
    event: &NewEvent,
) -> Result<Put, StoreError> {
    const SQL: &str = "
        WITH i AS (
            INSERT INTO inbox(account, event_id, key, kind, sandbox, occurred_at, received_at, payload, rank)
            VALUES($1, $2, $3, $4, $5, $6, $7, $8, $12) ON CONFLICT(account, event_id) DO NOTHING RETURNING account, key
        ), l AS (
            INSERT INTO lane(account, key, pending, prio, due_at) SELECT account, key, 1, $12, $7 FROM i
            ON CONFLICT(account, key) DO UPDATE SET pending = lane.pending + 1,
            prio = CASE WHEN lane.pending = 0 THEN excluded.prio ELSE least(lane.prio, excluded.prio) END,
            due_at = CASE WHEN lane.pending = 0 THEN excluded.due_at ELSE lane.due_at END RETURNING account
        ), k AS (
            INSERT INTO link(account, entity, lead, rung)
            SELECT l.account, u.entity, u.lead, u.rung
            FROM l CROSS JOIN unnest($9::text[], $10::bigint[], $11::text[]) u(entity, lead, rung)
            ORDER BY u.entity COLLATE \"C\", u.lead ON CONFLICT(account, entity, lead) DO NOTHING
        )
        SELECT NULL::bigint FROM l
        UNION ALL SELECT state FROM inbox WHERE account = $1 AND event_id = $2";
    let LinkColumns { entities, leads, rungs } = LinkColumns::of(&event.links)?;
    let row = query_opt(
        client,
        SQL,
        &[
            &account.get(),
            &event.event_id,
            &event.lane,
            &event.kind,
            &event.sandbox,
            &micros(event.occurred_at),
            &micros(event.received_at),
            &event.payload,
            &entities,
            &leads,
            &rungs,
            &(event.rank as i64),
        ],
    )
    .await?;
    match row.map(|row| row.try_get::<_, Option<i64>>(0)).transpose()? {
        Some(None) => Ok(Put::New),
        Some(Some(state)) => known(state),
        // Another delivery of it was committed while this one waited for it.
        None => stored(client, account, &event.event_id).await,
    }
}

/// Takes in an event that has ended already.
pub(super) async fn insert_parked(
    client: &impl GenericClient,
    account: AccountKey,
    event: &NewEvent,
    outcome: &str,
) -> Result<Put, StoreError> {
    let inserted = execute(
        client,
        "INSERT INTO inbox(account, event_id, key, kind, sandbox, occurred_at, received_at, payload, state, outcome,
                           reason, finished_at, rank)
         VALUES($1, $2, $3, $4, $5, $6, $7, $8, 3, $9, $4, $7, $10) ON CONFLICT(account, event_id) DO NOTHING",
        &[
            &account.get(),
            &event.event_id,
            &event.lane,
            &event.kind,
            &event.sandbox,
            &micros(event.occurred_at),
            &micros(event.received_at),
            &event.payload,
            &text(outcome),
            &(event.rank as i64),
        ],
    )
    .await?;
    match inserted {
        1 => Ok(Put::New),
        _ => stored(client, account, &event.event_id).await,
    }
}

async fn stored(
    client: &impl GenericClient,
    account: AccountKey,
    event_id: &str,
) -> Result<Put, StoreError> {
    let row = query_opt(
        client,
        "SELECT state FROM inbox WHERE account = $1 AND event_id = $2",
        &[&account.get(), &event_id],
    )
    .await?;
    known(row.ok_or(StoreError::Corrupt("event"))?.try_get(0)?)
}

fn known(state: i64) -> Result<Put, StoreError> {
    EventState::from_number(state).map(Put::Known).ok_or(StoreError::Corrupt("event"))
}

/// One more open event: a lane that had nothing open becomes due, one that waits or is worked on keeps its time.
pub(super) async fn open_lane(
    client: &impl GenericClient,
    account: AccountKey,
    lane: &str,
    rank: i64,
    due_at: OffsetDateTime,
) -> Result<(), StoreError> {
    execute(
        client,
        "INSERT INTO lane(account, key, pending, prio, due_at) VALUES($1, $2, 1, $3, $4)
         ON CONFLICT(account, key) DO UPDATE SET pending = lane.pending + 1,
         prio = CASE WHEN lane.pending = 0 THEN excluded.prio ELSE least(lane.prio, excluded.prio) END,
         due_at = CASE WHEN lane.pending = 0 THEN excluded.due_at ELSE lane.due_at END",
        &[&account.get(), &lane, &rank, &micros(due_at)],
    )
    .await?;
    Ok(())
}

/// A lane whose row is ours until the end of the transaction.
pub(super) struct Taken {
    pub(super) lane: String,
    pub(super) epoch: i64,
    pub(super) strikes: u32,
}

/// The first open event of each lane that was just taken, in the order of `taken`.
///
/// A statement of its own, because it needs a snapshot of its own: the one that took the lanes may have waited for
/// somebody who ended an event there.
pub(super) async fn heads(
    transaction: &Transaction<'_>,
    account: AccountKey,
    taken: &[Taken],
    until: OffsetDateTime,
) -> Result<Vec<Claimed>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE inbox i SET attempt = i.attempt + 1 FROM unnest($2::text[]) k(key) CROSS JOIN LATERAL (
             SELECT e.seq FROM inbox e WHERE e.account = $1 AND e.key = k.key AND e.state = 0
             ORDER BY e.occurred_at, e.seq LIMIT 1
         ) h WHERE i.seq = h.seq RETURNING ",
        event_columns!(),
        ", i.seq"
    );
    let lanes: Vec<&str> = taken.iter().map(|taken| taken.lane.as_str()).collect();
    let mut found = BTreeMap::new();
    for row in query(transaction, SQL, &[&account.get(), &lanes]).await? {
        let (event, seq): (_, i64) = (read_event(&row)?, row.try_get(13)?);
        found.insert(event.lane.clone(), (seq, event));
    }
    let numbers: Vec<i64> = found.values().map(|(seq, _)| *seq).collect();
    let mut journals = BTreeMap::<i64, Vec<EffectRow>>::new();
    for (seq, effect) in effects(transaction, &numbers).await? {
        journals.entry(seq).or_default().push(effect);
    }
    let mut claimed = Vec::new();
    for taken in taken {
        let (seq, event) = found.remove(&taken.lane).ok_or(StoreError::Corrupt("lane"))?;
        claimed.push(Claimed {
            lease: Lease {
                account,
                lane: taken.lane.clone(),
                event_id: event.event_id.clone(),
                epoch: taken.epoch,
                until,
            },
            event,
            strikes: taken.strikes,
            effects: journals.remove(&seq).unwrap_or_default(),
        });
    }
    Ok(claimed)
}

/// Takes one lane, if it is due.
pub(super) async fn claim(
    transaction: &Transaction<'_>,
    account: AccountKey,
    lane: &str,
    now: OffsetDateTime,
    lease: Duration,
) -> Result<Option<Claimed>, StoreError> {
    let until = until(now, lease);
    let row = query_opt(
        transaction,
        "UPDATE lane SET epoch = epoch + 1, strikes = strikes + 1, due_at = $4, owner = pg_backend_pid()::text
         WHERE account = $1 AND key = $2 AND pending > 0
         AND (due_at <= $3 OR due_at > $5) RETURNING epoch, strikes",
        &[&account.get(), &lane, &micros(now), &micros(until), &micros(longest_wait(now))],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (epoch, strikes) = (row.try_get(0)?, small(row.try_get(1)?));
    let taken = Taken { lane: lane.to_owned(), epoch, strikes };
    Ok(heads(transaction, account, &[taken], until).await?.pop())
}

pub(super) fn until(now: OffsetDateTime, lease: Duration) -> OffsetDateTime {
    now.saturating_add(lease.try_into().unwrap_or(time::Duration::MAX))
}

/// The number of the leased event, with its lane's row locked, if the lease still holds.
pub(super) async fn leased(
    transaction: &Transaction<'_>,
    lease: &Lease,
) -> Result<i64, StoreError> {
    let row = query_opt(
        transaction,
        "SELECT i.seq FROM lane l JOIN inbox i ON i.account = l.account AND i.event_id = $3
         WHERE l.account = $1 AND l.key = $2 AND l.epoch = $4 AND i.key = l.key AND i.state = 0
         FOR UPDATE OF l FOR UPDATE OF i",
        &[&lease.account.get(), &lease.lane, &lease.event_id, &lease.epoch],
    )
    .await?;
    Ok(row.ok_or(StoreError::LeaseLost)?.try_get(0)?)
}

/// Moves the end of a lease that [`leased`] has found to hold.
pub(super) async fn renew(
    transaction: &Transaction<'_>,
    lease: &Lease,
    until: OffsetDateTime,
) -> Result<(), StoreError> {
    let changed = execute(
        transaction,
        "UPDATE lane SET due_at = $3 WHERE account = $1 AND key = $2",
        &[&lease.account.get(), &lease.lane, &micros(until)],
    )
    .await?;
    one_row(changed, "lane")
}

/// The leased event as `held`, its lane's row locked: for a change that is one statement, as those are that come most often.
macro_rules! held {
    ($changes:literal) => {
        concat!(
            "WITH held AS (
                 SELECT i.seq FROM lane l JOIN inbox i ON i.account = l.account AND i.event_id = $3
                 WHERE l.account = $1 AND l.key = $2 AND l.epoch = $4 AND i.key = l.key AND i.state = 0
                 FOR UPDATE OF l FOR UPDATE OF i
             ), ",
            $changes
        )
    };
}

/// Puts effects in flight, all of them or none, and renews the lease.
pub(super) async fn begin(
    client: &impl GenericClient,
    lease: &Lease,
    effects: &[&str],
    attempt: &Attempt,
    until: OffsetDateTime,
) -> Result<(), StoreError> {
    let row = query_opt(
        client,
        held!(
            "open AS (
                 SELECT count(*) AS effects FROM effect e, held
                 WHERE e.seq = held.seq AND e.name = ANY($5) AND e.state <> 2
             ), begun AS (
                 UPDATE effect e SET state = 1, absent = 0, epoch = $4, call_id = $6, sent_at = $7, deadline_at = $8
                 FROM held, open WHERE e.seq = held.seq AND e.name = ANY($5) AND e.state <> 2
                 AND open.effects = cardinality($5::text[]) RETURNING 1
             ), renewed AS (
                 UPDATE lane SET due_at = $9 FROM held, open
                 WHERE account = $1 AND key = $2 AND open.effects = cardinality($5::text[])
             )
             SELECT seq, (SELECT count(*) FROM begun) FROM held"
        ),
        &[
            &lease.account.get(),
            &lease.lane,
            &lease.event_id,
            &lease.epoch,
            &effects,
            &attempt.call_id,
            &micros(attempt.sent_at),
            &micros(attempt.deadline_at),
            &micros(until),
        ],
    )
    .await?;
    let row = row.ok_or(StoreError::LeaseLost)?;
    let (seq, begun): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    open_effects(client, seq, effects, unsigned(begun)).await
}

/// Ends the leased event, frees its lane, and counts it.
///
/// It is counted in a row that sessions which run at the same time mostly do not share: one row would make each wait for
/// the flush of the other.
pub(super) async fn end(
    client: &impl GenericClient,
    lease: &Lease,
    finish: &Finish,
) -> Result<(), StoreError> {
    let row = query_opt(
        client,
        held!(
            "ended AS (
                 UPDATE inbox SET state = $5, outcome = $6, reason = $7, finished_at = $8
                 FROM held WHERE inbox.seq = held.seq
             ), freed AS (
                 UPDATE lane SET pending = pending - 1, strikes = 0, due_at = $8, owner = NULL
                 FROM held WHERE account = $1 AND key = $2
             ), counted AS (
                 INSERT INTO done(account, place, count) SELECT $1, pg_backend_pid() % 64, 1 FROM held WHERE $5 = $9
                 ON CONFLICT(account, place) DO UPDATE SET count = done.count + 1
             )
             SELECT 1 FROM held"
        ),
        &[
            &lease.account.get(),
            &lease.lane,
            &lease.event_id,
            &lease.epoch,
            &(finish.state as i64),
            &text(&finish.outcome),
            &text(&finish.reason),
            &micros(finish.at),
            &(EventState::Done as i64),
        ],
    )
    .await?;
    row.map(drop).ok_or(StoreError::LeaseLost)
}

/// Locks two lanes, of which the second may not exist yet, in the order in which everybody locks them.
pub(super) async fn lock_lanes(
    transaction: &Transaction<'_>,
    account: AccountKey,
    from: &str,
    to: &str,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    execute(
        transaction,
        "INSERT INTO lane(account, key, pending, due_at) VALUES($1, $2, 0, $3) ON CONFLICT(account, key) DO NOTHING",
        &[&account.get(), &to, &micros(now)],
    )
    .await?;
    execute(
        transaction,
        "SELECT 1 FROM lane WHERE account = $1 AND key IN ($2, $3) ORDER BY key FOR UPDATE",
        &[&account.get(), &from, &to],
    )
    .await?;
    Ok(())
}

/// Opens a parked event again; false when there is none. A parked event stays in its lane, so the lane can be locked
/// before it.
pub(super) async fn reopen(
    transaction: &Transaction<'_>,
    account: AccountKey,
    event_id: &str,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    let lane = query_opt(
        transaction,
        "SELECT key FROM inbox WHERE account = $1 AND event_id = $2 AND state = 3",
        &[&account.get(), &event_id],
    )
    .await?;
    let Some(lane) = lane else { return Ok(false) };
    let lane: String = lane.try_get(0)?;
    lock_lanes(transaction, account, &lane, &lane, now).await?;
    let opened = query_opt(
        transaction,
        "UPDATE inbox SET state = 0, outcome = NULL, reason = NULL, finished_at = NULL
         WHERE account = $1 AND event_id = $2 AND state = 3 RETURNING seq, rank",
        &[&account.get(), &event_id],
    )
    .await?;
    // Somebody else opened it while this one waited for the lane.
    let Some(opened) = opened else { return Ok(false) };
    let (seq, rank): (i64, i64) = (opened.try_get(0)?, opened.try_get(1)?);
    execute(transaction, "UPDATE effect SET state = 0 WHERE seq = $1 AND state = 4", &[&seq])
        .await?;
    open_lane(transaction, account, &lane, rank, now).await?;
    Ok(true)
}

/// Whether all of these effects were changed, none of which had happened; else why not.
pub(super) async fn open_effects(
    client: &impl GenericClient,
    seq: i64,
    effects: &[&str],
    changed: u64,
) -> Result<(), StoreError> {
    if usize::try_from(changed).ok() == Some(effects.len()) {
        return Ok(());
    }
    let done = query_opt(
        client,
        "SELECT 1 FROM effect WHERE seq = $1 AND name = ANY($2) AND state = 2 LIMIT 1",
        &[&seq, &effects],
    )
    .await?;
    Err(if done.is_some() { StoreError::Conflict } else { StoreError::Corrupt("effect") })
}

pub(super) async fn prune(
    client: &impl GenericClient,
    account: AccountKey,
    before: OffsetDateTime,
    limit: usize,
) -> Result<usize, StoreError> {
    let pruned = execute(
        client,
        "WITH old AS (
             SELECT seq FROM inbox
             WHERE account = $1 AND state IN (2, 4) AND payload IS NOT NULL AND finished_at < $2
             ORDER BY finished_at LIMIT $3 FOR UPDATE SKIP LOCKED
         ), emptied AS (
             UPDATE effect e SET body = '' FROM old WHERE e.seq = old.seq
         )
         UPDATE inbox i SET payload = NULL, decision = NULL FROM old WHERE i.seq = old.seq",
        &[&account.get(), &micros(before), &count(limit)],
    )
    .await?;
    Ok(usize::try_from(pruned).unwrap_or(usize::MAX))
}

/// By the server's clock alone. A slot that is too far away to be true was given before that clock was set back.
pub(super) async fn next_slot(
    client: &impl GenericClient,
    account: AccountKey,
    spacing: Duration,
    farthest: Duration,
) -> Result<Duration, StoreError> {
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    let row = query_opt(
        client,
        "INSERT INTO pace AS p(account, slot_at)
         VALUES($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $2)
         ON CONFLICT(account) DO UPDATE SET slot_at = $2 + (
             SELECT CASE WHEN p.slot_at > t.now + $3 THEN t.now ELSE greatest(p.slot_at, t.now) END
             FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now) t
         )
         RETURNING slot_at - $2 - (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        &[&account.get(), &micros(spacing), &micros(farthest)],
    )
    .await?;
    let wait: i64 = row.ok_or(StoreError::Corrupt("pace"))?.try_get(0)?;
    Ok(Duration::from_micros(u64::try_from(wait).unwrap_or(0)))
}

/// Frees a leased lane: due again at `due_at`, with `ended` events fewer.
pub(super) async fn free(
    transaction: &Transaction<'_>,
    lease: &Lease,
    due_at: OffsetDateTime,
    ended: i64,
) -> Result<(), StoreError> {
    let changed = execute(
        transaction,
        "UPDATE lane SET pending = pending - $5, strikes = 0, due_at = $4, owner = NULL
         WHERE account = $1 AND key = $2 AND epoch = $3",
        &[&lease.account.get(), &lease.lane, &lease.epoch, &micros(due_at), &ended],
    )
    .await?;
    one_row(changed, "lane")
}

/// Journals the plan of the leased event in place of an earlier one.
pub(super) async fn plan(
    transaction: &Transaction<'_>,
    lease: &Lease,
    decision: &str,
    effects: &[NewEffect],
) -> Result<(), StoreError> {
    let row = query_opt(
        transaction,
        held!(
            "decided AS (
                 UPDATE inbox SET decision = $5 FROM held WHERE inbox.seq = held.seq
             ), dropped AS (
                 DELETE FROM effect e USING held WHERE e.seq = held.seq
             )
             SELECT seq FROM held"
        ),
        &[&lease.account.get(), &lease.lane, &lease.event_id, &lease.epoch, &text(decision)],
    )
    .await?;
    let seq: i64 = row.ok_or(StoreError::LeaseLost)?.try_get(0)?;
    let names: Vec<&str> = effects.iter().map(|effect| effect.name.as_str()).collect();
    let markers: Vec<&str> = effects.iter().map(|effect| effect.marker.as_str()).collect();
    let bodies: Vec<_> = effects.iter().map(|effect| text(&effect.body)).collect();
    execute(
        transaction,
        "INSERT INTO effect(seq, account, position, name, marker, body)
         SELECT $1, $2, u.position, u.name, u.marker, u.body
         FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY u(name, marker, body, position)",
        &[&seq, &lease.account.get(), &names, &markers, &bodies],
    )
    .await?;
    Ok(())
}

pub(super) fn one_row(changed: u64, what: &'static str) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Corrupt(what)),
    }
}
