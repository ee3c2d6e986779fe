//! The named moments of a life, and what is to happen at one of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Signal, getpid, kill_process};
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::tell::tell;

/// What happens at the chosen moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The process is killed.
    Die,
    /// The worker stops until [`Steps::release`].
    Stop,
    /// No moment is chosen: all are told, and that nothing is left to do.
    Tell,
}

/// Counts the moments of one worker.
#[derive(Debug)]
pub(crate) struct Steps {
    chosen: Option<String>,
    then: Then,
    state: Mutex<State>,
    stopped: watch::Sender<bool>,
    idle: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    reached: BTreeMap<String, u32>,
    log: Vec<String>,
    /// Whether the chosen moment counts, and whether it has come.
    is_disarmed: bool,
    has_come: bool,
    /// Lanes that are worked on.
    working: BTreeSet<(i64, String)>,
    /// When the last moment came.
    last: Instant,
}

/// Whoever works comes to a moment more often than this: nobody waits longer for a turn. Work that ended because a read failed
/// comes to none any more.
const SILENCE: Duration = Duration::from_secs(12);

impl Steps {
    /// `chosen` is a moment as [`log`](Self::log) names it, such as `before:plan#2`.
    pub(crate) fn new(chosen: Option<String>, then: Then) -> Self {
        Self {
            chosen,
            then,
            state: Mutex::new(State {
                reached: BTreeMap::new(),
                log: Vec::new(),
                is_disarmed: false,
                has_come: false,
                working: BTreeSet::new(),
                last: Instant::now(),
            }),
            stopped: watch::Sender::new(false),
            idle: watch::Sender::new(false),
        }
    }

    /// A moment has come.
    pub(crate) async fn reach(&self, when: &str, name: &str) {
        self.may_go_on().await;
        if self.then == Then::Tell {
            self.state().last = Instant::now();
            // Nobody listens any more: then nobody waits for what this process does.
            tell(&format!("moment {when}:{name}")).ok();
            return;
        }
        let is_chosen = {
            let mut state = self.state();
            let name = format!("{when}:{name}");
            let count = state.reached.entry(name.clone()).or_default();
            *count = count.saturating_add(1);
            let moment = format!("{name}#{count}");
            let is_chosen = !state.is_disarmed && self.chosen.as_ref() == Some(&moment);
            state.has_come |= is_chosen;
            state.log.push(moment);
            is_chosen
        };
        if is_chosen {
            match self.then {
                Then::Die => die(),
                Then::Tell => {}
                Then::Stop => {
                    self.stopped.send_replace(true);
                    self.may_go_on().await;
                }
            }
        }
    }

    /// Returns when the worker is not stopped.
    pub(crate) async fn may_go_on(&self) {
        // The sender lives as long as `self`.
        drop(self.stopped.subscribe().wait_for(|stopped| !*stopped).await);
    }

    /// Returns when the worker is stopped.
    pub(crate) async fn stopped(&self) {
        drop(self.stopped.subscribe().wait_for(|stopped| *stopped).await);
    }

    /// The worker goes on, and does not stop any more.
    pub(crate) fn release(&self) {
        self.state().is_disarmed = true;
        self.stopped.send_replace(false);
    }

    /// Whether the chosen moment has come.
    pub(crate) fn has_come(&self) -> bool {
        self.state().has_come
    }

    pub(crate) fn began(&self, epoch: i64, lane: &str) {
        self.state().working.insert((epoch, lane.to_owned()));
        self.idle.send_replace(false);
    }

    pub(crate) fn ended(&self, epoch: i64, lane: &str) {
        self.state().working.remove(&(epoch, lane.to_owned()));
    }

    /// Nothing is due at this time; if nothing is worked on either, the worker is idle.
    pub(crate) fn found_nothing(&self, now: OffsetDateTime) {
        let is_idle = {
            let mut state = self.state();
            if self.then == Then::Tell && state.last.elapsed() > SILENCE {
                state.working.clear();
            }
            state.working.is_empty()
        };
        if is_idle {
            self.idle.send_replace(true);
            if self.then == Then::Tell {
                self.state().last = Instant::now();
                tell(&format!("idle {}", now.unix_timestamp())).ok();
            }
        }
    }

    /// Something may be due from now on.
    pub(crate) fn look_again(&self) {
        self.idle.send_replace(false);
    }

    /// Returns when the worker has nothing to do any more.
    pub(crate) async fn idle(&self) {
        drop(self.idle.subscribe().wait_for(|idle| *idle).await);
    }

    /// The moments that have come.
    pub(crate) fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As `kill -9` does it.
fn die() -> ! {
    if kill_process(getpid(), Signal::KILL).is_ok() {
        // The signal ends this thread at the latest on its way back from the kernel.
        std::thread::park();
    }
    std::process::abort()
}
