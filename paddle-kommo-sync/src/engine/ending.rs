//! How the work on an event ends, or that it waits: told to the store, and for a whole account to everybody.

use std::time::Duration;

use time::OffsetDateTime;

use super::{Sync, process::Step, rfc3339, text};
use crate::{
    apply::after,
    error::StoreError,
    failure::{PATIENCE, Pause, Reaction, TRIES, backoff},
    outcome::{LeftOut, Outcome, Parked},
    store::{Claimed, EventState, Finish, Learned, Lease, longest_wait},
};

/// The longest that an event waits for others to be looked up first.
const SOON: Duration = Duration::from_secs(30);

impl Sync {
    pub(super) async fn park(&self, lease: &Lease, parked: Parked) -> Result<Step, StoreError> {
        self.end(lease, Outcome::Parked(parked), Learned::default()).await
    }

    pub(super) async fn end(
        &self,
        lease: &Lease,
        outcome: Outcome,
        learned: Learned,
    ) -> Result<Step, StoreError> {
        let (state, reason) = match &outcome {
            Outcome::Parked(parked) => (EventState::Parked, parked.reason.code()),
            Outcome::Refused(parked) => (EventState::Done, parked.reason.code()),
            Outcome::Ignored { reason } => (EventState::Done, reason.code()),
            Outcome::Shadowed { .. } => (EventState::Done, "shadowed"),
            Outcome::Done(done) => {
                (EventState::Done, done.reasons.first().map_or("done", |reason| reason.code()))
            }
            Outcome::Waiting { .. } => return Err(StoreError::Corrupt("outcome")),
        };
        let finish = Finish {
            state,
            outcome: text(&outcome)?,
            reason: reason.to_owned(),
            learned,
            at: self.now(),
        };
        self.0.store.finish(lease, &finish).await?;
        self.0.failures.forget(&lease.event_id);
        Ok(Step::Ended(outcome))
    }

    pub(super) async fn react(
        &self,
        claimed: &Claimed,
        reaction: Reaction,
    ) -> Result<Step, StoreError> {
        let lease = &claimed.lease;
        match reaction {
            Reaction::Park(parked) => self.park(lease, parked).await,
            Reaction::Retry(why) => {
                self.0.health.failed(&why, self.now());
                self.back_off(lease, self.fails(lease), why).await
            }
            // Not all that wait come at the same time.
            Reaction::Queue(why) => {
                let wait = backoff(&lease.event_id, claimed.event.attempt).min(SOON);
                self.wait(lease, after(self.now(), wait), why).await
            }
            Reaction::Wait(why) => self.back_off(lease, self.fails(lease), why).await,
            Reaction::ParkLater(parked) => {
                let times = self.fails(lease);
                let is_early = self.now() < after(claimed.event.received_at, PATIENCE);
                if times < TRIES || is_early {
                    self.back_off(lease, times, parked.detail).await
                } else {
                    self.park(lease, parked).await
                }
            }
            Reaction::Pause(pause) => {
                let (until, is_news) = self.0.health.paused(pause, self.now());
                if is_news {
                    let paused = self.0.store.pause(self.0.account, until, pause.code()).await;
                    // Whoever meets it next says so again.
                    paused.inspect_err(|_| self.0.health.not_paused(pause))?;
                    tell(pause, until);
                }
                self.0.health.failed(pause.code(), self.now());
                self.wait(lease, self.now(), pause.code().to_owned()).await.map(|step| match step {
                    Step::Waiting(_) => {
                        Step::Waiting(Outcome::Waiting { reason: pause.code().to_owned(), until })
                    }
                    step => step,
                })
            }
        }
    }

    /// How often this event has failed by now.
    fn fails(&self, lease: &Lease) -> u32 {
        self.0.failures.count(&lease.event_id, self.now())
    }

    async fn back_off(&self, lease: &Lease, times: u32, why: String) -> Result<Step, StoreError> {
        self.wait(lease, after(self.now(), backoff(&lease.event_id, times)), why).await
    }

    pub(super) async fn wait(
        &self,
        lease: &Lease,
        until: OffsetDateTime,
        reason: String,
    ) -> Result<Step, StoreError> {
        // A settle time may be longer: whoever comes back before its end waits on.
        let until = until.min(longest_wait(self.now()));
        self.0.store.retry_at(lease, until, &reason).await?;
        Ok(Step::Waiting(Outcome::Waiting { reason, until }))
    }

    /// A field that this account does not have is worth one line, not one per payment.
    pub(super) fn warn_once(&self, left_out: &[LeftOut]) {
        for left_out in left_out {
            if self.0.cache.is_news(&left_out.why) {
                tracing::warn!(part = %left_out.what, why = left_out.why, "left out of what is written to Kommo");
            }
        }
    }
}

fn tell(pause: Pause, until: OffsetDateTime) {
    let until = rfc3339(until);
    match pause {
        Pause::RateLimited(_) => {
            tracing::warn!(until, "Kommo asks to slow down: its account pauses");
        }
        _ => tracing::error!(
            reason = pause.code(),
            hint = pause.hint(),
            until,
            "Kommo refuses every call: its account pauses"
        ),
    }
}
