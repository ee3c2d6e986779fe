//! Whether a file is whole. A payment that turned into another one is worse than a service that does not start.

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use crate::{error::StoreError, store::Rank};

/// What of an event never changes, in 16 bytes. The rest of its row stands in an index as well, and SQLite compares them.
pub(super) fn digest(
    event_id: &str,
    kind: &str,
    sandbox: bool,
    received_at: i64,
    rank: Rank,
    payload: &[u8],
) -> Vec<u8> {
    let mut digest = Sha256::new();
    for part in [event_id.as_bytes(), kind.as_bytes()] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.update([u8::from(sandbox)]);
    digest.update(received_at.to_be_bytes());
    digest.update(payload);
    // Rows from before ranks have the usual one, and a digest without it.
    if rank != Rank::Usual {
        digest.update([rank as u8]);
    }
    digest.finalize().iter().take(16).copied().collect()
}

/// Reads the whole file: every page, every index against its table, and every event that is still to be worked on
/// against its digest.
pub(super) fn is_whole(connection: &Connection) -> Result<(), StoreError> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(StoreError::Broken(found));
    }
    let mut select = connection.prepare(
        "SELECT event_id, kind, sandbox, received_at, payload, digest, rank FROM inbox
         WHERE state IN (0, 3) AND payload IS NOT NULL AND digest IS NOT NULL",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (event_id, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let (payload, stored): (Vec<u8>, Vec<u8>) = (row.get(4)?, row.get(5)?);
        let digest = Rank::from_number(row.get(6)?)
            .map(|rank| {
                Ok::<_, StoreError>(digest(
                    &event_id,
                    &kind,
                    row.get(2)?,
                    row.get(3)?,
                    rank,
                    &payload,
                ))
            })
            .transpose()?;
        if digest != Some(stored) {
            return Err(StoreError::Broken("an event is not what was stored".to_owned()));
        }
    }
    Ok(())
}
