//! How fast we may ask: one limiter for all clones of a client.
//!
//! Kommo allows 7 requests a second and blocks the address of those who go on beyond it (its page "Limitations").
//! So there are N places in a second. A request occupies one for a second from its sending, and at least until it is
//! answered: sends are spread evenly, which leaves 40 ms for arriving a little later than the others. What counts is
//! when a request arrives at Kommo, though, and one whose answer took longer than a second may have arrived at any
//! time until then: it occupies its place for one second more from its answer.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    Pacer, chance,
    pace::{Gate, Pace, Verdict, after},
};

/// One second, and a little for clocks that do not tick alike.
const WINDOW: Duration = Duration::from_millis(1_010);

/// Spacing of the sends: 149 ms at 7 a second, so that an even flow never fills a window.
const SPREAD: Duration = Duration::from_millis(1_040);

/// A turn that is taken late by no more than this does not make the next ones late: timers tick once a millisecond, which
/// would add up over a long queue.
const LATE: Duration = Duration::from_millis(5);

/// Who goes first when calls have to wait for their turn.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Priority {
    /// Before all others: what a person or a fresh payment waits for.
    High,
    /// The usual.
    #[default]
    Normal,
    /// After all others: backfills and reconciliation. It waits for as long as others have something to ask.
    Low,
}

/// How the calls of one clone of a client wait for their turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    pub(crate) priority: Priority,
    /// Not longer than this; then they fail without having been sent.
    pub(crate) longest_wait: Option<Duration>,
    /// The turn that the next of them has already.
    pub(crate) turn: Option<Turn>,
    /// What spreads them among those of other processes.
    pub(crate) pacer: Option<Arc<dyn Pacer>>,
}

impl Manners {
    /// The turn that is held, to be used now.
    pub(crate) fn held(&self) -> Option<Permit> {
        self.turn.as_ref()?.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The right to send one request, got by waiting for it: from [`Client::turn`](crate::Client::turn).
///
/// It keeps one of the places of this second. Use it soon: meanwhile the others have one less.
#[derive(Clone, Debug)]
pub struct Turn(Arc<Mutex<Option<Permit>>>);

impl Turn {
    pub(crate) fn new(permit: Permit) -> Self {
        Self(Arc::new(Mutex::new(Some(permit))))
    }

    /// Whether it is not used yet.
    pub(crate) fn is_held(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Limiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    capacity: usize,
    spacing: Duration,
    longest_pause: Duration,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    next_send: Instant,
    in_flight: usize,
    /// When the places of the answered requests are free again, the soonest on top.
    taken: BinaryHeap<Reverse<Instant>>,
    waiting: BTreeSet<(Priority, u64)>,
    next_ticket: u64,
    pace: Pace,
}

/// Why a request does not leave, and when it could.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    Paused(Duration),
    Blocked(Duration),
}

/// After a pause, clients of the same address go on within this time of each other.
const JITTER: Duration = Duration::from_millis(500);

impl Limiter {
    /// The spacing of sends just now.
    pub(crate) fn spacing(&self) -> Duration {
        self.0.state().pace.spacing(self.0.spacing, Instant::now())
    }

    /// Whether a request that has its turn, and has waited since, may still leave.
    pub(crate) fn may_leave(&self, permit: &Permit) -> Result<(), Refusal> {
        if permit.is_probe {
            return Ok(());
        }
        let now = Instant::now();
        let wait = |until: Instant| until.saturating_duration_since(now);
        match self.0.state().pace.gate(now) {
            Gate::Open => Ok(()),
            Gate::Paused(until) => Err(Refusal::Paused(wait(until))),
            Gate::Blocked(until) => Err(Refusal::Blocked(wait(until))),
        }
    }

    /// Pauses beyond `longest_pause` are not waited for.
    pub(crate) fn new(requests_per_second: NonZeroU32, longest_pause: Duration) -> Self {
        Self(Arc::new(Shared {
            capacity: usize::try_from(requests_per_second.get()).unwrap_or(usize::MAX),
            longest_pause,
            spacing: SPREAD.checked_div(requests_per_second.get()).unwrap_or(SPREAD),
            state: Mutex::new(State {
                next_send: Instant::now(),
                in_flight: 0,
                taken: BinaryHeap::new(),
                waiting: BTreeSet::new(),
                next_ticket: 0,
                pace: Pace::default(),
            }),
            changed: Notify::new(),
        }))
    }

    /// Waits for the next turn. Whoever drops the future gives the turn to the next.
    pub(crate) async fn acquire(&self, priority: Priority) -> Result<Permit, Refusal> {
        let waiting = Waiting::new(&self.0, priority);
        loop {
            let mut changed = pin!(self.0.changed.notified());
            // Registered before the look at the state, or a change in between would be slept through.
            changed.as_mut().enable();
            let now = Instant::now();
            match self.0.take(waiting.ticket, now) {
                When::Now { is_probe } => {
                    return Ok(Permit { shared: Arc::clone(&self.0), sent: now, is_probe });
                }
                When::Never(refusal) => return Err(refusal),
                When::At(instant) => {
                    let _ = timeout_at(instant, changed).await;
                }
                When::Later => changed.await,
            }
        }
    }
}

enum When {
    Now { is_probe: bool },
    At(Instant),
    Later,
    Never(Refusal),
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, ticket: (Priority, u64), now: Instant) -> When {
        let mut state = self.state();
        while state.taken.peek().is_some_and(|Reverse(free_at)| *free_at <= now) {
            state.taken.pop();
        }
        let gate = state.pace.gate(now);
        let first = state.waiting.first() == Some(&ticket);
        match gate {
            Gate::Blocked(until) => {
                return When::Never(Refusal::Blocked(until.saturating_duration_since(now)));
            }
            Gate::Paused(until) if until.saturating_duration_since(now) > self.longest_pause => {
                return When::Never(Refusal::Paused(until.saturating_duration_since(now)));
            }
            Gate::Paused(until) if first => return When::At(until),
            _ if !first => return When::Later,
            _ => {}
        }
        if state.in_flight.saturating_add(state.taken.len()) >= self.capacity {
            return state.taken.peek().map_or(When::Later, |Reverse(free_at)| When::At(*free_at));
        }
        if now < state.next_send {
            return When::At(state.next_send);
        }
        state.waiting.remove(&ticket);
        state.in_flight = state.in_flight.saturating_add(1);
        let spacing = state.pace.spacing(self.spacing, now);
        let is_in_time = now.saturating_duration_since(state.next_send) <= LATE;
        let due = if is_in_time { state.next_send } else { now };
        state.next_send = after(due, spacing);
        let is_probe = state.pace.is_blocked();
        state.pace.leave(now);
        drop(state);
        self.changed.notify_waiters();
        When::Now { is_probe }
    }
}

/// A place in the queue, given up when dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    ticket: (Priority, u64),
}

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared, priority: Priority) -> Self {
        let mut state = shared.state();
        let ticket = (priority, state.next_ticket);
        state.next_ticket = state.next_ticket.wrapping_add(1);
        state.waiting.insert(ticket);
        Self { shared, ticket }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.shared.state().waiting.remove(&self.ticket) {
            self.shared.changed.notify_waiters();
        }
    }
}

/// The right to send one request. Drop it when the answer has come, or will not.
#[derive(Debug)]
pub(crate) struct Permit {
    shared: Arc<Shared>,
    sent: Instant,
    /// Whether it is the one that looks whether the block is over.
    is_probe: bool,
}

impl Permit {
    /// The request leaves only now.
    pub(crate) fn leave(&mut self) {
        self.sent = Instant::now();
    }

    /// Lets the pace of all follow what the answer says about it.
    pub(crate) fn learn(&self, verdict: Verdict) {
        let mut state = self.shared.state();
        let was_blocked = state.pace.is_blocked();
        state.pace.learn(verdict, self.sent, Instant::now(), chance::up_to(JITTER));
        let is_blocked = state.pace.is_blocked();
        drop(state);
        self.shared.changed.notify_waiters();
        if is_blocked && !was_blocked {
            tracing::warn!("kommo blocks this address: all calls stop but a probe now and then");
        } else if was_blocked && !is_blocked {
            tracing::info!("kommo no longer blocks this address");
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.taken.push(Reverse(free_at(self.sent, Instant::now())));
        drop(state);
        self.shared.changed.notify_waiters();
    }
}

/// When the place of a request is free again.
fn free_at(sent: Instant, answered: Instant) -> Instant {
    if answered.saturating_duration_since(sent) > WINDOW {
        after(answered, WINDOW)
    } else {
        after(sent, WINDOW)
    }
}

#[cfg(test)]
mod tests;
