use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What stands before the API: the rate limit and the block that follows repeated 429s.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) limit: Option<u32>,
    /// So many 429s lead to the block; `None` is never.
    pub(super) block_after: Option<usize>,
    pub(super) blocked: bool,
    pub(super) refused: usize,
    recent: VecDeque<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pass {
    Open,
    TooMany,
    Blocked,
}

/// Kommo allows 7 requests in a second (Kommo docs, limitations).
const DOCUMENTED_LIMIT: u32 = 7;

const WINDOW: Duration = Duration::from_secs(1);

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            limit: Some(DOCUMENTED_LIMIT),
            block_after: None,
            blocked: false,
            refused: 0,
            recent: VecDeque::new(),
        }
    }

    /// Counts a request that came at `now`. Refused ones count too: who hammers on stays refused.
    pub(super) fn enter(&mut self, now: Instant) -> Pass {
        while self.recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW) {
            self.recent.pop_front();
        }
        let Some(limit) = self.limit else {
            return if self.blocked { Pass::Blocked } else { Pass::Open };
        };
        self.recent.push_back(now);
        let is_over = u32::try_from(self.recent.len()).is_ok_and(|count| count > limit);
        if is_over {
            self.refused = self.refused.saturating_add(1);
            self.blocked |= self.block_after.is_some_and(|after| self.refused >= after);
        }
        match (self.blocked, is_over) {
            (true, _) => Pass::Blocked,
            (false, true) => Pass::TooMany,
            (false, false) => Pass::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let mut gate = Gate::new();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        for millis in [0, 10, 20, 30, 40, 50, 900] {
            assert_eq!(gate.enter(at(millis)), Pass::Open, "{millis}");
        }
        assert_eq!(gate.enter(at(999)), Pass::TooMany, "the eighth within one second");
        assert_eq!(gate.enter(at(1000)), Pass::TooMany, "only the first has left the window");
        assert_eq!(gate.enter(at(1051)), Pass::Open, "four are left in the window");
        assert_eq!(gate.refused, 2);
        let mut gate = Gate::new();
        gate.limit = Some(1);
        assert_eq!(gate.enter(at(0)), Pass::Open);
        assert_eq!(gate.enter(at(1000)), Pass::Open, "the second is over");
    }

    #[test]
    fn repeated_refusals_lead_to_the_block() {
        let mut gate = Gate::new();
        gate.limit = Some(1);
        gate.block_after = Some(2);
        let now = Instant::now();
        let passes: Vec<Pass> = (0..4).map(|_| gate.enter(now)).collect();
        assert_eq!(passes, [Pass::Open, Pass::TooMany, Pass::Blocked, Pass::Blocked]);
        let later = now + Duration::from_secs(60);
        assert_eq!(gate.enter(later), Pass::Blocked, "the block does not end by waiting");
    }
}
