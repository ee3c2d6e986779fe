//! The tables, and how an older file becomes a newer one.

use rusqlite::{Connection, params};

use crate::error::StoreError;

/// One step per version, each applied in a transaction of its own. A step that was released is never changed.
const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3, VERSION_4];

/// All times are microseconds since 1970. `lane.due_at` is the whole lease: while a lane is worked on it lies in the
/// future, and it comes due by itself when its worker is gone.
pub(super) const VERSION_1: &str = "
CREATE TABLE account(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  slot_at INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0,
  checks INTEGER NOT NULL DEFAULT 0,
  paused_until INTEGER NOT NULL DEFAULT 0, pause_reason TEXT) STRICT;
CREATE TABLE lane(
  account INTEGER NOT NULL REFERENCES account(id), key TEXT NOT NULL,
  pending INTEGER NOT NULL CHECK (pending >= 0),
  prio INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  epoch INTEGER NOT NULL DEFAULT 0,
  strikes INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  PRIMARY KEY(account, key)) STRICT, WITHOUT ROWID;
CREATE INDEX lane_due ON lane(account, prio, due_at) WHERE pending > 0;
CREATE TABLE inbox(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES account(id),
  event_id TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, sandbox INTEGER NOT NULL,
  occurred_at INTEGER NOT NULL, received_at INTEGER NOT NULL,
  payload BLOB,
  state INTEGER NOT NULL DEFAULT 0,
  attempt INTEGER NOT NULL DEFAULT 0,
  finished_at INTEGER, decision TEXT, outcome TEXT, reason TEXT, last_error TEXT,
  UNIQUE(account, event_id)) STRICT;
CREATE INDEX inbox_lane ON inbox(account, key, occurred_at, seq);
CREATE INDEX inbox_head ON inbox(account, key, occurred_at, seq) WHERE state = 0;
CREATE INDEX inbox_parked ON inbox(account, finished_at) WHERE state = 3;
CREATE INDEX inbox_prune ON inbox(finished_at) WHERE state IN (2, 4) AND payload IS NOT NULL;
CREATE TABLE effect(
  seq INTEGER NOT NULL REFERENCES inbox(seq) ON DELETE CASCADE,
  position INTEGER NOT NULL, name TEXT NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  marker TEXT NOT NULL, body TEXT NOT NULL,
  epoch INTEGER, call_id TEXT, sent_at INTEGER, deadline_at INTEGER,
  absent INTEGER NOT NULL DEFAULT 0,
  remote_id INTEGER,
  PRIMARY KEY(seq, name)) STRICT, WITHOUT ROWID;
CREATE INDEX effect_open ON effect(state, sent_at) WHERE state IN (1, 3);
CREATE TABLE link(
  account INTEGER NOT NULL REFERENCES account(id),
  entity TEXT NOT NULL, lead INTEGER NOT NULL, rung TEXT NOT NULL,
  PRIMARY KEY(account, entity, lead)) STRICT, WITHOUT ROWID;
CREATE TABLE known(
  account INTEGER NOT NULL REFERENCES account(id),
  entity TEXT NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY(account, entity)) STRICT, WITHOUT ROWID;
";

/// Rows from before have no digest and are believed.
const VERSION_2: &str = "
ALTER TABLE inbox ADD COLUMN digest BLOB;
DROP INDEX inbox_prune;
CREATE INDEX inbox_prune ON inbox(account, finished_at) WHERE state IN (2, 4) AND payload IS NOT NULL;
";

/// Of rows from before nothing is known to be urgent.
const VERSION_3: &str = "
ALTER TABLE inbox ADD COLUMN rank INTEGER NOT NULL DEFAULT 1;
UPDATE lane SET prio = 1;
";

/// Few lanes are under suspicion, so that the one that may go on is found at once. What ended before its payload was taken
/// away keeps no decision either, which repeats it.
const VERSION_4: &str = "
CREATE INDEX lane_suspect ON lane(account, prio, due_at) WHERE strikes >= 2;
UPDATE inbox SET decision = NULL WHERE state IN (2, 4) AND payload IS NULL;
";

/// Brings the file to the version of this program.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let stored: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let newest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if stored > newest {
        return Err(StoreError::Unusable(format!(
            "it was written by a newer version (schema {stored}, this program knows {newest}): use that version"
        )));
    }
    for (step, version) in MIGRATIONS.iter().zip(1..) {
        if version > stored {
            let applied = connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {step} PRAGMA user_version = {version}; COMMIT;"
            ));
            if let Err(error) = applied {
                // A no-op when SQLite has rolled back by itself.
                drop(connection.execute_batch("ROLLBACK"));
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Makes what a dead process left behind ready for this one.
pub(super) fn take_over(connection: &Connection) -> Result<(), StoreError> {
    release(connection)?;
    recount(connection)
}

/// Nobody else has the file, so whoever held a lease is gone: its lanes are due at once. What it had in flight is still
/// looked for before it is sent again.
fn release(connection: &Connection) -> Result<(), StoreError> {
    connection
        .execute("UPDATE lane SET due_at = 0, owner = NULL WHERE owner IS NOT NULL", params![])?;
    Ok(())
}

/// `pending` is derived from the inbox; after a crash of the machine nothing says that it must be trusted.
fn recount(connection: &Connection) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE lane SET pending = n.open FROM (
             SELECT l.account, l.key, count(i.seq) AS open FROM lane l
             LEFT JOIN inbox i ON i.account = l.account AND i.key = l.key AND i.state = 0
             GROUP BY l.account, l.key
         ) n WHERE lane.account = n.account AND lane.key = n.key AND lane.pending <> n.open",
        params![],
    )?;
    Ok(())
}
