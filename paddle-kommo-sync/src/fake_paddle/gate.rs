use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Paddle allows an address 240 requests a minute (developer.paddle.com, "Rate limiting").
const DOCUMENTED_LIMIT: usize = 240;
const WINDOW: Duration = Duration::from_secs(60);

/// The rate limit; by the clock of the machine.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) limit: Option<usize>,
    pub(super) refused: usize,
    recent: VecDeque<Instant>,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { limit: Some(DOCUMENTED_LIMIT), refused: 0, recent: VecDeque::new() }
    }

    /// Whether a request that came at `now` is within the limit; else after how many seconds one will be.
    pub(super) fn enter(&mut self, now: Instant) -> Result<(), u64> {
        while self.recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW) {
            self.recent.pop_front();
        }
        let over = self.limit.is_some_and(|limit| self.recent.len() >= limit);
        if over {
            self.refused = self.refused.saturating_add(1);
            let oldest = self.recent.front().copied().unwrap_or(now);
            let wait = WINDOW.saturating_sub(now.saturating_duration_since(oldest));
            return Err(wait.as_secs().saturating_add(1));
        }
        self.recent.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let mut gate = Gate::new();
        gate.limit = Some(2);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let entered = [0, 10, 20, 59, 60, 61, 70].map(|seconds| gate.enter(at(seconds)));
        assert_eq!(entered, [Ok(()), Ok(()), Err(41), Err(2), Ok(()), Err(10), Ok(())]);
        assert_eq!(gate.refused, 3);
    }
}
