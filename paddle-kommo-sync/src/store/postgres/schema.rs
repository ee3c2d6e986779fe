//! The tables, and how an older database becomes a newer one.

use deadpool_postgres::Client;

use crate::error::StoreError;

/// Our tables stand apart from whatever else lives in the database.
pub(super) const SCHEMA: &str = "paddle_kommo";

/// One step per version, each applied in a transaction of its own. A step that was released is never changed.
const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3, VERSION_4];

/// Any number, as long as it is always the same: whoever migrates holds the lock of this name.
const LOCK: i64 = 0x7061_6464_6c65;

/// All times are microseconds since 1970. `lane.due_at` is the whole lease: while a lane is worked on it lies in the
/// future, and it comes due by itself when its worker is gone.
///
/// Rows name their account without a foreign key: it would make every insert of a busy account touch the one row of
/// that account. Lanes are updated all the time and stay few, so they get room on their page and an eager vacuum.
const VERSION_1: &str = "
CREATE TABLE account(
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  done BIGINT NOT NULL DEFAULT 0,
  checks BIGINT NOT NULL DEFAULT 0,
  paused_until BIGINT NOT NULL DEFAULT 0, pause_reason TEXT) WITH (fillfactor = 50);
CREATE TABLE pace(
  account BIGINT PRIMARY KEY,
  slot_at BIGINT NOT NULL) WITH (fillfactor = 10);
CREATE TABLE lane(
  account BIGINT NOT NULL, key TEXT NOT NULL,
  pending BIGINT NOT NULL CHECK (pending >= 0),
  prio BIGINT NOT NULL DEFAULT 0,
  due_at BIGINT NOT NULL,
  epoch BIGINT NOT NULL DEFAULT 0,
  strikes BIGINT NOT NULL DEFAULT 0,
  owner TEXT,
  PRIMARY KEY(account, key))
  WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lane_due ON lane(account, prio, due_at) WHERE pending > 0;
CREATE TABLE inbox(
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account BIGINT NOT NULL,
  event_id TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, sandbox BOOLEAN NOT NULL,
  occurred_at BIGINT NOT NULL, received_at BIGINT NOT NULL,
  payload BYTEA,
  state BIGINT NOT NULL DEFAULT 0,
  attempt BIGINT NOT NULL DEFAULT 0,
  finished_at BIGINT, decision TEXT, outcome TEXT, reason TEXT, last_error TEXT,
  UNIQUE(account, event_id)) WITH (fillfactor = 80);
CREATE INDEX inbox_lane ON inbox(account, key, occurred_at, seq);
CREATE INDEX inbox_head ON inbox(account, key, occurred_at, seq) WHERE state = 0;
CREATE INDEX inbox_parked ON inbox(account, finished_at, seq) WHERE state = 3;
CREATE INDEX inbox_prune ON inbox(account, finished_at) WHERE state IN (2, 4) AND payload IS NOT NULL;
CREATE TABLE effect(
  seq BIGINT NOT NULL REFERENCES inbox(seq) ON DELETE CASCADE,
  account BIGINT NOT NULL,
  position BIGINT NOT NULL, name TEXT NOT NULL,
  state BIGINT NOT NULL DEFAULT 0,
  marker TEXT NOT NULL, body TEXT NOT NULL,
  epoch BIGINT, call_id TEXT, sent_at BIGINT, deadline_at BIGINT,
  absent BIGINT NOT NULL DEFAULT 0,
  remote_id BIGINT,
  PRIMARY KEY(seq, name)) WITH (fillfactor = 80);
CREATE INDEX effect_open ON effect(account, state) WHERE state IN (1, 3);
CREATE TABLE link(
  account BIGINT NOT NULL,
  entity TEXT NOT NULL, lead BIGINT NOT NULL, rung TEXT NOT NULL,
  PRIMARY KEY(account, entity, lead));
CREATE TABLE known(
  account BIGINT NOT NULL,
  entity TEXT NOT NULL, state TEXT NOT NULL, version BIGINT NOT NULL,
  PRIMARY KEY(account, entity));
";

/// Of rows from before nothing is known to be urgent.
const VERSION_2: &str = "
ALTER TABLE inbox ADD COLUMN rank BIGINT NOT NULL DEFAULT 1;
UPDATE lane SET prio = 1;
";

/// Few lanes are under suspicion, so that the one that may go on is found at once. What ended before its payload was taken
/// away keeps no decision either, which repeats it.
const VERSION_3: &str = "
CREATE INDEX lane_suspect ON lane(account, prio, due_at) WHERE strikes >= 2;
UPDATE inbox SET decision = NULL WHERE state IN (2, 4) AND payload IS NULL;
";

/// How many events are done is counted in several places: one row would make all ends of an account wait for each other.
/// What `account.done` says is counted too: processes of an older version may go on beside this one.
const VERSION_4: &str = "
CREATE TABLE done(
  account BIGINT NOT NULL, place BIGINT NOT NULL, count BIGINT NOT NULL,
  PRIMARY KEY(account, place)) WITH (fillfactor = 10);
";

/// Brings the database to the version of this program. Of several processes that start at once, one does it.
pub(super) async fn migrate(client: &mut Client) -> Result<(), StoreError> {
    let newest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    while step(client, newest).await? {}
    Ok(())
}

/// Applies the next step; false when there is none.
async fn step(client: &mut Client, newest: i64) -> Result<bool, StoreError> {
    let transaction = client.transaction().await?;
    // Another process may take long over a large table.
    transaction
        .batch_execute("SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = 0")
        .await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let exists: bool = transaction
        .query_one("SELECT to_regnamespace($1) IS NOT NULL", &[&SCHEMA])
        .await?
        .try_get(0)?;
    if !exists {
        transaction.batch_execute(&format!("CREATE SCHEMA {SCHEMA}")).await?;
    }
    let exists: bool = transaction
        .query_one("SELECT to_regclass('version') IS NOT NULL", &[])
        .await?
        .try_get(0)?;
    if !exists {
        transaction.batch_execute("CREATE TABLE version(number BIGINT NOT NULL)").await?;
    }
    let stored: i64 = transaction
        .query_one("SELECT coalesce(max(number), 0) FROM version", &[])
        .await?
        .try_get(0)?;
    if stored > newest {
        return Err(StoreError::Unusable(format!(
            "it was written by a newer version (schema {stored}, this program knows {newest}): use that version"
        )));
    }
    let next = usize::try_from(stored).ok().and_then(|stored| MIGRATIONS.get(stored));
    let Some(next) = next else { return Ok(false) };
    transaction.batch_execute(next).await?;
    transaction
        .execute("INSERT INTO version(number) VALUES($1)", &[&stored.saturating_add(1)])
        .await?;
    transaction.commit().await?;
    Ok(true)
}
