//! How often each event has failed.
//!
//! The store counts every claim, also of what then waited behind others or with the whole account. Only what failed has to
//! come back ever more rarely, or is given up at last. A new process begins anew: at the worst it tries a little more often.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<BTreeMap<String, Failed>>);

#[derive(Debug)]
struct Failed {
    times: u32,
    last: OffsetDateTime,
}

impl Failures {
    /// It failed once more: how often that is by now.
    pub(super) fn count(&self, event_id: &str, now: OffsetDateTime) -> u32 {
        let mut events = self.events();
        let failed = events.entry(event_id.to_owned()).or_insert(Failed { times: 0, last: now });
        (failed.times, failed.last) = (failed.times.saturating_add(1), now);
        failed.times
    }

    /// It has ended.
    pub(super) fn forget(&self, event_id: &str) {
        self.events().remove(event_id);
    }

    /// What has not failed here since then may have been ended by another process.
    pub(super) fn forget_before(&self, then: OffsetDateTime) {
        self.events().retain(|_, failed| then <= failed.last);
    }

    fn events(&self) -> MutexGuard<'_, BTreeMap<String, Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_elsewhere_is_forgotten() {
        let (failures, now) = (Failures::default(), OffsetDateTime::UNIX_EPOCH);
        let later = now + time::Duration::DAY;
        assert_eq!([1, 2, 3].map(|_| failures.count("evt_1", now)), [1, 2, 3]);
        assert_eq!([1, 2].map(|_| failures.count("evt_2", later)), [1, 2]);
        failures.forget_before(later);
        assert_eq!((failures.count("evt_1", later), failures.count("evt_2", later)), (1, 3));
        failures.forget("evt_2");
        assert_eq!(failures.count("evt_2", later), 1);
    }
}
