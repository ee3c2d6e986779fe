//! How fast we may ask: one limiter for all clones of a client.
//!
//! Kommo allows 7 requests a second and blocks the address of those who go on beyond it (its page "Limitations").
//! What counts is when requests arrive there, and that lies somewhere between our sending and its answering. So a
//! request occupies one of the N places of a window from its sending until one second after its answer: then no
//! second at Kommo's side sees more than N, however long connections take or the network stalls.

use std::{
    collections::{BTreeSet, VecDeque},
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// One second, and a little for clocks that do not tick alike.
const WINDOW: Duration = Duration::from_millis(1_010);

/// Spacing of the sends: 150 ms at 7 a second, so that an even flow never fills a window.
const SPREAD: Duration = Duration::from_millis(1_050);

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

#[derive(Clone, Debug)]
pub(crate) struct Limiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    capacity: usize,
    spacing: Duration,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    next_send: Instant,
    in_flight: usize,
    answered: VecDeque<Instant>,
    waiting: BTreeSet<(Priority, u64)>,
    next_ticket: u64,
}

impl Limiter {
    pub(crate) fn new(requests_per_second: NonZeroU32) -> Self {
        Self(Arc::new(Shared {
            capacity: usize::try_from(requests_per_second.get()).unwrap_or(usize::MAX),
            spacing: SPREAD.checked_div(requests_per_second.get()).unwrap_or(SPREAD),
            state: Mutex::new(State {
                next_send: Instant::now(),
                in_flight: 0,
                answered: VecDeque::new(),
                waiting: BTreeSet::new(),
                next_ticket: 0,
            }),
            changed: Notify::new(),
        }))
    }

    /// Waits for the next turn. Whoever drops the future gives the turn to the next.
    pub(crate) async fn acquire(&self, priority: Priority) -> Permit {
        let waiting = Waiting::new(&self.0, priority);
        loop {
            let mut changed = pin!(self.0.changed.notified());
            // Registered before the look at the state, or a change in between would be slept through.
            changed.as_mut().enable();
            match self.0.take(waiting.ticket, Instant::now()) {
                Turn::Now => return Permit(Arc::clone(&self.0)),
                Turn::At(instant) => {
                    let _ = timeout_at(instant, changed).await;
                }
                Turn::Later => changed.await,
            }
        }
    }
}

enum Turn {
    Now,
    At(Instant),
    Later,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, ticket: (Priority, u64), now: Instant) -> Turn {
        let mut state = self.state();
        while state.answered.front().is_some_and(|answered| after(*answered, WINDOW) <= now) {
            state.answered.pop_front();
        }
        if state.waiting.first() != Some(&ticket) {
            return Turn::Later;
        }
        if state.in_flight.saturating_add(state.answered.len()) >= self.capacity {
            return state
                .answered
                .front()
                .map_or(Turn::Later, |answered| Turn::At(after(*answered, WINDOW)));
        }
        if now < state.next_send {
            return Turn::At(state.next_send);
        }
        state.waiting.remove(&ticket);
        state.in_flight = state.in_flight.saturating_add(1);
        state.next_send = after(now, self.spacing);
        drop(state);
        self.changed.notify_waiters();
        Turn::Now
    }
}

fn after(instant: Instant, duration: Duration) -> Instant {
    instant.checked_add(duration).unwrap_or(instant)
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
pub(crate) struct Permit(Arc<Shared>);

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.answered.push_back(Instant::now());
        drop(state);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(requests_per_second: u32) -> Limiter {
        Limiter::new(NonZeroU32::new(requests_per_second).unwrap())
    }

    /// Sends `count` requests at once; the n-th takes `latency(n)`. Gives (sent, answered), in the order of sending.
    async fn trace(
        limiter: &Limiter,
        count: u64,
        latency: fn(u64) -> Duration,
    ) -> Vec<(Instant, Instant)> {
        let tasks: Vec<_> = (0..count)
            .map(|index| {
                let limiter = limiter.clone();
                tokio::spawn(async move {
                    let permit = limiter.acquire(Priority::Normal).await;
                    let sent = Instant::now();
                    tokio::time::sleep(latency(index)).await;
                    drop(permit);
                    (sent, Instant::now())
                })
            })
            .collect();
        let mut trace = Vec::new();
        for task in tasks {
            trace.push(task.await.unwrap());
        }
        trace.sort();
        trace
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_than_the_limit() {
        for (name, latency) in [
            ("at once", (|_| Duration::ZERO) as fn(u64) -> Duration),
            ("steady", |_| Duration::from_millis(120)),
            ("uneven", |index| {
                Duration::from_millis((index.wrapping_mul(2_654_435_761) % 900) + 1)
            }),
            ("slow first", |index| Duration::from_millis(if index == 0 { 3_000 } else { 5 })),
        ] {
            let trace = trace(&limiter(7), 60, latency).await;
            for (sent, _) in &trace {
                // Whatever arrived within the second that ends with this request's arrival was answered after its
                // beginning. So those are all that may share the second.
                let share = |(other, answered): &&(Instant, Instant)| {
                    other <= sent && *answered + Duration::from_secs(1) >= *sent
                };
                let sharing = trace.iter().filter(share).count();
                assert!(sharing <= 7, "{name}: {sharing} may arrive in one second");
            }
            for start in &trace {
                let end = start.0 + Duration::from_secs(1);
                let within = trace.iter().filter(|sent| (start.0..=end).contains(&sent.0)).count();
                assert!(within <= 7, "{name}: {within} in one second");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sends_are_evenly_spaced() {
        let started = Instant::now();
        let trace = trace(&limiter(7), 30, |_| Duration::ZERO).await;
        for pair in trace.windows(2) {
            assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(150));
        }
        // Fast answers cost no throughput: the windows never bind before the spacing does.
        assert!(
            trace[29].0 - started <= Duration::from_millis(29 * 155),
            "{:?}",
            trace[29].0 - started
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_under_way_than_fit_a_window() {
        let limiter = limiter(2);
        let first = limiter.acquire(Priority::Normal).await;
        let _second = limiter.acquire(Priority::Normal).await;
        let third = limiter.acquire(Priority::Normal);
        assert!(tokio::time::timeout(Duration::from_secs(60), third).await.is_err());
        drop(first);
        let started = Instant::now();
        let _third = limiter.acquire(Priority::Normal).await;
        assert!(started.elapsed() >= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_urgent_go_first_and_equals_in_order() {
        let limiter = limiter(1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = limiter.acquire(Priority::Normal).await;
        let mut tasks = Vec::new();
        for (name, priority) in [
            ("low", Priority::Low),
            ("normal 1", Priority::Normal),
            ("normal 2", Priority::Normal),
            ("high", Priority::High),
        ] {
            let (limiter, order) = (limiter.clone(), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _permit = limiter.acquire(priority).await;
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
        }
        drop(held);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["high", "normal 1", "normal 2", "low"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_waiter_does_not_hold_up_the_queue() {
        let limiter = limiter(7);
        let _first = limiter.acquire(Priority::Normal).await;
        let gone = limiter.acquire(Priority::High);
        assert!(tokio::time::timeout(Duration::from_millis(1), gone).await.is_err());
        let started = Instant::now();
        let _second = limiter.acquire(Priority::Low).await;
        assert!(started.elapsed() <= Duration::from_millis(155));
    }
}
