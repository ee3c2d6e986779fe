//! How Kommo is just now: what is wrong with it, and how long its account pauses for that.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

use crate::{apply::after, failure::Pause};

/// Kommo does not answer as it should; events wait, and go on by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trouble {
    /// Since when, as far as this process has seen.
    pub since: OffsetDateTime,
    /// What the last call ran into.
    pub why: String,
}

/// What this process has seen of Kommo.
#[derive(Debug, Default)]
pub(super) struct Health {
    trouble: Mutex<Option<Trouble>>,
    /// Pauses of each kind in a row, so that a block is probed ever more rarely.
    pauses: Mutex<BTreeMap<&'static str, Pauses>>,
}

#[derive(Debug)]
struct Pauses {
    count: u32,
    until: OffsetDateTime,
}

impl Health {
    pub(super) fn trouble(&self) -> Option<Trouble> {
        lock(&self.trouble).clone()
    }

    /// Kommo does not answer as it should. Said aloud once, however many events run into it.
    pub(super) fn failed(&self, why: &str, now: OffsetDateTime) {
        match &mut *lock(&self.trouble) {
            Some(trouble) => why.clone_into(&mut trouble.why),
            none => {
                tracing::warn!(
                    why,
                    "Kommo does not answer as it should: events wait and go on by themselves"
                );
                *none = Some(Trouble { since: now, why: why.to_owned() });
            }
        }
    }

    /// A call succeeded.
    pub(super) fn recovered(&self) {
        lock(&self.pauses).clear();
        if let Some(trouble) = lock(&self.trouble).take() {
            tracing::info!(since = %super::rfc3339(trouble.since), "Kommo answers again");
        }
    }

    /// That pause could not be put on disk.
    pub(super) fn not_paused(&self, pause: Pause) {
        lock(&self.pauses).remove(pause.code());
    }

    /// Until when the account pauses, and whether that is news. What meets the same pause, as all events of one request
    /// do, and those whose calls were under way, does not lengthen it; a pause that says itself how long it lasts does not
    /// count as one more in a row.
    pub(super) fn paused(&self, pause: Pause, now: OffsetDateTime) -> (OffsetDateTime, bool) {
        let mut pauses = lock(&self.pauses);
        let row = pauses.entry(pause.code()).or_insert(Pauses { count: 0, until: now });
        let until = after(now, pause.length(row.count));
        let is_news = row.until <= now || (pause.is_told() && row.until < until);
        if is_news {
            row.until = until;
            row.count = row.count.saturating_add(u32::from(!pause.is_told()));
        }
        (row.until, is_news)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
