//! Since when this database can know everything that was written to Kommo. A new one cannot know what an earlier one
//! wrote, and one that was restored from a backup does not know what was written since the backup.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Sync, parse, text};
use crate::{
    error::StoreError,
    store::{AccountKey, EventRow, KnownRow, Learned, Store},
};

/// The engine's own row beside what is known of Paddle's entities.
const ROW: &str = "engine";

/// How often that row says that the engine lives.
pub(super) const BEAT: Duration = Duration::from_secs(300);

/// After such a silence somebody may have put an older copy of the database in its place.
const SILENCE: time::Duration = time::Duration::minutes(15);

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Memory {
    #[serde(with = "time::serde::rfc3339")]
    alive_at: OffsetDateTime,
    /// What occurred before may have been written by somebody else.
    #[serde(with = "time::serde::rfc3339::option", default)]
    from: Option<OffsetDateTime>,
}

/// Reads since when the database can know, and notes that the engine lives.
pub(super) async fn open(
    store: &dyn Store,
    account: AccountKey,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, StoreError> {
    loop {
        let row = store.known(account, ROW).await?;
        let from = match stored(&row)? {
            Some(memory) if memory.alive_at.saturating_add(SILENCE) < now => {
                tracing::warn!(
                    last_alive_at = super::rfc3339(memory.alive_at),
                    "nobody worked with this database for a while, so it may be an older copy: notes and tasks of what \
                     happened before now are looked for in Kommo before they are written"
                );
                Some(now)
            }
            // A clock that was wrong for a while must not leave doubts for ever.
            Some(memory) => memory.from.map(|from| from.min(now)),
            None if is_empty(store, account, now).await? => Some(now),
            None => None,
        };
        match write(store, account, row, Memory { alive_at: now, from }).await {
            // Another process starts at the same time: what it has written counts.
            Err(StoreError::Conflict) => {}
            written => return written.map(|()| from),
        }
    }
}

async fn is_empty(
    store: &dyn Store,
    account: AccountKey,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    let stats = store.stats(account, now).await?;
    Ok(stats.open == 0 && stats.done == 0 && stats.parked.is_empty())
}

async fn write(
    store: &dyn Store,
    account: AccountKey,
    row: KnownRow,
    memory: Memory,
) -> Result<(), StoreError> {
    let known = vec![KnownRow { state: text(&memory)?, ..row }];
    store.learn(account, &Learned { links: Vec::new(), known }).await
}

fn stored(row: &KnownRow) -> Result<Option<Memory>, StoreError> {
    if row.state.is_empty() { Ok(None) } else { parse(&row.state).map(Some) }
}

impl Sync {
    /// Notes every few minutes that the engine lives.
    pub(super) async fn beat(&self) {
        loop {
            match self.note_alive().await {
                // Another process has noted it just now.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => self.failed(&error),
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    async fn note_alive(&self) -> Result<(), StoreError> {
        let (store, account, now) = (&*self.0.store, self.0.account, self.now());
        let row = store.known(account, ROW).await?;
        let from = match stored(&row)? {
            Some(memory) if memory.alive_at <= now && after(memory.alive_at) > now => {
                return Ok(());
            }
            Some(memory) => memory.from,
            None => None,
        };
        write(store, account, row, Memory { alive_at: now, from }).await
    }

    /// Whether effects of this event may have been written without this database knowing.
    pub(super) fn is_in_doubt(&self, event: &EventRow) -> bool {
        self.0.knows_from.is_some_and(|from| event.occurred_at < from)
    }
}

fn after(at: OffsetDateTime) -> OffsetDateTime {
    crate::apply::after(at, BEAT)
}
