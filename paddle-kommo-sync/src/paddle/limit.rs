//! How fast we may ask: one limiter for all clones of a client.
//!
//! Paddle allows an address 240 requests a minute and answers 429 beyond (developer.paddle.com, "Rate limiting"). Nothing
//! worse follows and bursts are fine, so this is simpler than the Kommo client's: no even spacing, no queue, no
//! block.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kommo_client::polite::jitter;
use tokio::time::{Instant, sleep_until};

/// A minute, and what may lie between our sending and Paddle's counting.
const WINDOW: Duration = Duration::from_secs(65);

/// After a pause, clients of the same address go on within this time of each other.
const JITTER: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Limiter {
    per_minute: usize,
    longest_pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sent: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

enum Turn {
    Now,
    At(Instant),
    /// Paused for longer than anybody waits.
    Never(Duration),
}

impl Limiter {
    pub(super) fn new(per_minute: NonZeroU32, longest_pause: Duration) -> Self {
        Self {
            per_minute: usize::try_from(per_minute.get()).unwrap_or(usize::MAX),
            longest_pause,
            state: Mutex::default(),
        }
    }

    /// Waits for the next turn. Background calls go while less than half of the minute is used, by whomever.
    ///
    /// # Errors
    ///
    /// How long the pause still is, where it is longer than is waited for.
    pub(super) async fn turn(&self, background: bool) -> Result<(), Duration> {
        loop {
            match self.take(background, Instant::now()) {
                Turn::Now => return Ok(()),
                Turn::At(instant) => sleep_until(instant).await,
                Turn::Never(pause) => return Err(pause),
            }
        }
    }

    fn take(&self, background: bool, now: Instant) -> Turn {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.paused_until.filter(|until| now < *until) {
            let pause = until.saturating_duration_since(now);
            return if pause > self.longest_pause { Turn::Never(pause) } else { Turn::At(until) };
        }
        while state.sent.front().is_some_and(|sent| after(*sent, WINDOW) <= now) {
            state.sent.pop_front();
        }
        let room = if background { self.per_minute.div_ceil(2) } else { self.per_minute };
        // With less room than was sent, this many have to leave the window first.
        let surplus = state.sent.len().checked_sub(room);
        if let Some(oldest) = surplus.and_then(|surplus| state.sent.get(surplus)) {
            return Turn::At(after(*oldest, WINDOW));
        }
        state.sent.push_back(now);
        Turn::Now
    }

    /// After a 429 nobody sends for this long.
    pub(super) fn pause(&self, pause: Duration) {
        let until = after(after(Instant::now(), pause), jitter(JITTER));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused_until = state.paused_until.max(Some(until));
    }
}

fn after(instant: Instant, duration: Duration) -> Instant {
    instant.checked_add(duration).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(per_minute: u32) -> Limiter {
        Limiter::new(NonZeroU32::new(per_minute).unwrap(), Duration::from_secs(30))
    }

    #[tokio::test(start_paused = true)]
    async fn no_minute_sees_more_than_the_limit() {
        let limiter = limiter(240);
        let mut sent = Vec::new();
        for _ in 0..1_000 {
            limiter.turn(false).await.unwrap();
            sent.push(Instant::now());
        }
        for (start, at) in sent.iter().enumerate() {
            let minute = *at + Duration::from_secs(60);
            let within = sent[start..].iter().take_while(|sent| **sent <= minute).count();
            assert!(within <= 240, "{within} in one minute");
        }
        // Bursts cost nothing: 4 full windows have to pass before the last 40.
        assert_eq!(sent[999] - sent[0], WINDOW * 4);
    }

    #[tokio::test(start_paused = true)]
    async fn the_background_leaves_half_to_the_others() {
        let limiter = limiter(10);
        let started = Instant::now();
        for _ in 0..5 {
            limiter.turn(true).await.unwrap();
        }
        let sixth = tokio::time::timeout(Duration::from_secs(60), limiter.turn(true)).await;
        assert!(sixth.is_err(), "half of the window is the most it takes");
        for _ in 0..5 {
            limiter.turn(false).await.unwrap();
        }
        assert_eq!(started.elapsed(), Duration::from_secs(60));
        // At 65 s its own five have left the window, and the others' five fill its half until 125 s.
        limiter.turn(true).await.unwrap();
        assert_eq!(started.elapsed(), Duration::from_secs(125));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_too_long_a_one_is_not_waited_for() {
        let limiter = limiter(240);
        let started = Instant::now();
        limiter.pause(Duration::from_secs(20));
        limiter.pause(Duration::from_secs(3));
        limiter.turn(false).await.unwrap();
        let waited = started.elapsed();
        assert!(waited >= Duration::from_secs(20) && waited < Duration::from_secs(21));
        limiter.pause(Duration::from_secs(600));
        let pause = limiter.turn(false).await.unwrap_err();
        assert!(pause >= Duration::from_secs(599) && pause <= Duration::from_secs(601));
    }
}
