//! How Kommo is just now: what is wrong with it, and how long its account pauses for that.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kommo_client::ErrorKind;
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::{apply::after, clock::Clock, failure::Pause, store::longest_wait};

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
    /// A pause began.
    began: Notify,
}

#[derive(Debug)]
struct Pauses {
    last: Pause,
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
        let new = Pauses { last: pause, count: 0, until: now };
        let row = pauses.entry(pause.code()).or_insert(new);
        let until = after(now, pause.length(row.count));
        // The store takes one that ends so late for over, too: it was begun while the clock was wrong.
        let is_over = row.until <= now || longest_wait(now) < row.until;
        let is_news = is_over || (pause.is_told() && row.until < until);
        if is_news {
            (row.last, row.until) = (pause, until);
            row.count = row.count.saturating_add(u32::from(!pause.is_told()));
            self.began.notify_waiters();
        }
        (row.until, is_news)
    }

    /// Returns while the account pauses over what every call would be answered, and says what that is: all that were claimed
    /// together would ask the same.
    pub(super) async fn closed(&self, clock: &dyn Clock) -> ErrorKind {
        loop {
            let mut began = pin!(self.began.notified());
            // Registered before the look, or a pause that begins in between would not be heard of.
            began.as_mut().enable();
            if let Some(answer) = self.answer(clock.now()) {
                return answer;
            }
            began.await;
        }
    }

    fn answer(&self, now: OffsetDateTime) -> Option<ErrorKind> {
        // One that ends later was begun while the clock was wrong.
        let is_on = |row: &&Pauses| now < row.until && row.until <= after(now, row.last.length(0));
        lock(&self.pauses).values().filter(is_on).find_map(|row| row.last.answer())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
