//! Which lanes this process works on, and what it knows of those that it left without an outcome.
//!
//! The store counts every claim that came to no outcome as one that may have ended its worker. This process knows better
//! of itself: a caller that gave up, or a store that failed, is no crash.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

use crate::store::Lease;

#[derive(Clone, Debug, Default)]
pub(super) struct AtWork(Arc<Mutex<BTreeMap<String, Lane>>>);

#[derive(Debug, Default)]
struct Lane {
    /// Closed when the work ends; none while nobody is at it.
    busy: Option<Arc<Semaphore>>,
    /// How often the work on it ended here without an outcome, and without taking the process along.
    given_up: u32,
    /// Of the last time that it did.
    left: Option<Lease>,
}

/// Somebody is at work on the lane.
#[derive(Debug)]
pub(super) struct Busy(Arc<Semaphore>);

impl Busy {
    /// Returns when that work has ended.
    pub(super) async fn ended(self) {
        // It has no permits: this waits until it is closed.
        drop(self.0.acquire().await);
    }
}

/// The work on a lane, for as long as it is held.
#[derive(Debug)]
pub(super) struct Working {
    at_work: AtWork,
    lease: Lease,
    has_ended: bool,
}

impl AtWork {
    /// Fails while this process works on the lane already: a clock that leapt has ended the lease, and nobody else.
    pub(super) fn begin(&self, lease: &Lease) -> Result<Working, Busy> {
        let mut lanes = self.lanes();
        let lane = lanes.entry(lease.lane.clone()).or_default();
        if let Some(busy) = &lane.busy {
            return Err(Busy(Arc::clone(busy)));
        }
        (lane.busy, lane.left) = (Some(Arc::new(Semaphore::new(0))), None);
        Ok(Working { at_work: self.clone(), lease: lease.clone(), has_ended: false })
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
        let lane = lanes.entry(self.lease.lane.clone()).or_default();
        if let Some(busy) = lane.busy.take() {
            busy.close();
        }
        if self.has_ended {
            lanes.remove(&self.lease.lane);
            return;
        }
        // A panic is a mistake in the work on this very event, and counts.
        if !std::thread::panicking() {
            lane.given_up = lane.given_up.saturating_add(1);
            lane.left = Some(self.lease.clone());
        }
    }
}
