//! Checkout links: asked for by a call, by Kommo's webhook or by a look at the stage; made by a job, one after the other for
//! each deal.

mod ask;
mod job;
mod make;
mod stage;
mod tell;
mod transaction;

pub(super) use self::job::{CheckoutJob, lane};
pub use self::stage::StageError;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{paddle, plan::Reason};

/// What checkouts are made with, and how many were made.
#[derive(Debug, Default)]
pub(super) struct Checkouts {
    paddle: Option<paddle::Client>,
    made: AtomicU64,
    revised: AtomicU64,
    refused: AtomicU64,
}

/// How many checkouts there were since the start of the process, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckoutCounts {
    /// Links that were made.
    pub made: u64,
    /// Links that are for something else since then.
    pub revised: u64,
    /// Deals that could not get one.
    pub refused: u64,
}

impl Checkouts {
    pub(super) fn new(paddle: Option<paddle::Client>) -> Self {
        Self { paddle, ..Self::default() }
    }

    fn count(&self, reason: Reason) {
        let counter = match reason {
            Reason::CheckoutMade => &self.made,
            Reason::CheckoutRevised => &self.revised,
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn counts(&self) -> CheckoutCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CheckoutCounts {
            made: read(&self.made),
            revised: read(&self.revised),
            refused: read(&self.refused),
        }
    }
}
