//! The worker: claims what is due, works on many deals at a time, and stops in good order.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::{
    FutureExt as _,
    future::join_all,
    stream::{FuturesUnordered, StreamExt as _},
};

use super::Sync;
use crate::{
    apply::LEASE,
    error::StoreError,
    failure::chain,
    store::{Claimed, Lease},
};

/// How often the store is asked for what has come due by itself.
const POLL: Duration = Duration::from_secs(1);

/// How often the database is looked through for what was left open, and for what is to be forgotten.
const UPKEEP: Duration = Duration::from_secs(3_600);

/// So many bodies are forgotten at a time.
const PRUNED: usize = 500;

/// How long work in progress may go on after the shutdown was asked for.
const SHUTDOWN: Duration = Duration::from_secs(8);

/// How long it may take to give back what was cut off.
const GIVE_BACK: Duration = Duration::from_secs(1);

impl Sync {
    /// Works through everything that is due, until `shutdown` is ready; then ends what it is at, within 10 seconds,
    /// and returns. It returns before the shutdown only when the store cannot be relied on any more
    /// ([`StoreError::Broken`]): end the process then, the next start looks at the database.
    ///
    /// Run it once per process, beside the server. It spawns nothing; several processes may run it on one store that
    /// is made for that.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, work in progress is taken up again by the next `run`, after the lease of two minutes.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut working = FuturesUnordered::new();
        let looking = async {
            loop {
                self.reopen_left().await;
                self.prune().await;
                tokio::time::sleep(UPKEEP).await;
            }
        };
        let upkeep = async { tokio::join!(looking, self.beat()) };
        let mut upkeep = std::pin::pin!(upkeep);
        // At most one claim; work goes on meanwhile.
        let mut claiming = FuturesUnordered::new();
        loop {
            let free = self.0.lanes.saturating_sub(working.len());
            if free > 0 && claiming.is_empty() {
                claiming.push(self.claim(free));
            }
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                () = self.0.broken.notified() => break,
                _ = &mut upkeep => {}
                Some((claimed, is_all)) = claiming.next() => {
                    working.extend(claimed.into_iter().map(|claimed| self.work_and_log(claimed)));
                    if is_all {
                        // Nothing else is due. What ends, what comes in and what time brings is looked for below.
                        tokio::select! {
                            biased;
                            () = &mut shutdown => break,
                            () = self.0.broken.notified() => break,
                            _ = &mut upkeep => {}
                            () = self.0.wake.notified() => {}
                            () = self.0.store.woken(self.0.account) => {}
                            () = ended(&mut working), if !working.is_empty() => {}
                            () = tokio::time::sleep(POLL) => {}
                        }
                    }
                }
                () = ended(&mut working), if !working.is_empty() => {}
            }
        }
        let end = async {
            let unbegun = async {
                while let Some((claimed, _)) = claiming.next().await {
                    self.give_back(claimed.into_iter().map(|claimed| claimed.lease)).await;
                }
            };
            tokio::join!(unbegun, async { while working.next().await.is_some() {} });
        };
        if tokio::time::timeout(SHUTDOWN, end).await.is_err() {
            let events = working.len();
            tracing::warn!(
                events,
                "stopped with work in progress; the next start takes it up again"
            );
            drop(working);
            let given_back = self.give_back(self.0.at_work.left());
            // What is not given back comes due when its lease ends.
            drop(tokio::time::timeout(GIVE_BACK, given_back).await);
        }
    }

    async fn reopen_left(&self) {
        if let Err(error) = self.reopen_all().await {
            self.failed(&error);
        }
    }

    /// Forgets the bodies of what ended long ago.
    async fn prune(&self) {
        loop {
            self.0.failures.forget_before(self.now().saturating_sub(time::Duration::DAY));
            let before =
                self.now().saturating_sub(self.0.keep.try_into().unwrap_or(time::Duration::MAX));
            match self.0.store.prune(self.0.account, before, PRUNED).await {
                // More of it: the others get their turn in between.
                Ok(PRUNED) => tokio::time::sleep(POLL).await,
                Ok(_) => return,
                Err(error) => return self.failed(&error),
            }
        }
    }

    /// The store failed. One that cannot be relied on any more ends the work.
    pub(super) fn failed(&self, error: &StoreError) {
        tracing::error!(error = chain(error), "the store does not answer");
        if matches!(error, StoreError::Broken(_)) {
            self.0.broken.notify_one();
        }
    }

    /// Claims what is due, and says whether that was all.
    async fn claim(&self, limit: usize) -> (Vec<Claimed>, bool) {
        match self.0.store.claim_due(self.0.account, self.now(), LEASE, limit).await {
            Ok(claimed) => {
                let is_all = claimed.len() < limit;
                (claimed, is_all)
            }
            Err(error) => {
                self.failed(&error);
                (Vec::new(), true)
            }
        }
    }

    /// These lanes are due at once, for whoever comes next; that is no outcome of their own fault.
    async fn give_back(&self, leases: impl IntoIterator<Item = Lease>) {
        let each = leases.into_iter().map(|lease| async move {
            let given = self.0.store.retry_at(&lease, self.now(), "the process was stopped").await;
            if let Err(error) = given {
                tracing::warn!(
                    event_id = lease.event_id,
                    error = chain(&error),
                    "the lane could not be given back: it is taken up when its lease ends"
                );
            }
        });
        join_all(each).await;
    }

    async fn work_and_log(&self, claimed: Claimed) {
        let event_id = claimed.event.event_id.clone();
        // Nothing of it is left half done that a killed process would not leave as well.
        match AssertUnwindSafe(self.work_on(claimed)).catch_unwind().await {
            // Another event of this lane, or this one in another lane, may be due now.
            Ok(Ok(_)) => self.0.wake.notify_one(),
            Ok(Err(StoreError::LeaseLost)) => {
                tracing::warn!(event_id, "the lane was taken over meanwhile")
            }
            Ok(Err(error)) => self.failed(&error),
            Err(_) => tracing::error!(
                event_id,
                "the work on an event panicked, which is a mistake in this program: it is tried again when its lease ends, \
                 and parked after the third time"
            ),
        }
    }
}

/// At least one of them has ended; those that end at the same time are not told one by one.
async fn ended(working: &mut FuturesUnordered<impl Future<Output = ()>>) {
    working.next().await;
    while let Some(Some(())) = working.next().now_or_never() {}
}
