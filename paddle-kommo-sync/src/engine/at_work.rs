//! Which lanes this process works on, and what it knows of those that it left without an outcome.
//!
//! The store counts every claim that came to no outcome as one that may have ended its worker. This process knows better
//! of itself: a caller that gave up, or a store that failed, is no crash.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::store::Lease;

#[derive(Clone, Debug, Default)]
pub(super) struct AtWork(Arc<Mutex<BTreeMap<String, Lane>>>);

#[derive(Debug, Default)]
struct Lane {
    is_busy: bool,
    /// How often the work on it ended here without an outcome, and without taking the process along.
    given_up: u32,
    /// Of the last time that it did.
    left: Option<Lease>,
}

/// The work on a lane, for as long as it is held.
#[derive(Debug)]
pub(super) struct Working {
    at_work: AtWork,
    lease: Lease,
    has_ended: bool,
}

impl AtWork {
    /// None while this process works on the lane already: a clock that leapt has ended the lease, and nobody else.
    pub(super) fn begin(&self, lease: &Lease) -> Option<Working> {
        let mut lanes = self.lanes();
        let lane = lanes.entry(lease.lane.clone()).or_default();
        if lane.is_busy {
            return None;
        }
        (lane.is_busy, lane.left) = (true, None);
        Some(Working { at_work: self.clone(), lease: lease.clone(), has_ended: false })
    }

    /// How often the work on this lane was given up here.
    pub(super) fn given_up(&self, lane: &str) -> u32 {
        self.lanes().get(lane).map_or(0, |lane| lane.given_up)
    }

    /// The leases of what was given up and not begun again.
    pub(super) fn left(&self) -> Vec<Lease> {
        self.lanes().values_mut().filter_map(|lane| lane.left.take()).collect()
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<String, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Working {
    /// It came to an outcome, or the lane is somebody else's.
    pub(super) fn end(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut lanes = self.at_work.lanes();
        if self.has_ended {
            lanes.remove(&self.lease.lane);
            return;
        }
        let lane = lanes.entry(self.lease.lane.clone()).or_default();
        lane.is_busy = false;
        // A panic is a mistake in the work on this very event, and counts.
        if !std::thread::panicking() {
            lane.given_up = lane.given_up.saturating_add(1);
            lane.left = Some(self.lease.clone());
        }
    }
}
