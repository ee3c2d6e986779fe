//! What Kommo's answers say about the pace: pure, without clock and without chance.

use std::time::Duration;

use tokio::time::Instant;

/// A 429 that does not say how long: the first pause, doubling with every further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// How far a 429 slows us down, in halvings, and how long it takes to take one back.
const MOST_HALVINGS: u32 = 5;
const RECOVERY: Duration = Duration::from_secs(30);

/// A block is probed after this time, doubling with every probe that finds it still there.
const FIRST_PROBE: Duration = Duration::from_secs(5 * 60);
const LONGEST_PROBE: Duration = Duration::from_secs(60 * 60);

/// What an answer says about the pace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Kommo took the request, whatever it thought of it.
    Heard,
    /// 429, and how long to wait, if it said.
    TooFast(Option<Duration>),
    /// 403 of the gateway: this address is blocked.
    Blocked,
    /// No answer, or none that says anything about the pace.
    Silence,
}

/// Whether a request may leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Gate {
    Open,
    /// Kommo asked for a pause until then.
    Paused(Instant),
    /// Kommo blocks this address; the next probe is due then.
    Blocked(Instant),
}

#[derive(Debug, Default)]
pub(crate) struct Pace {
    paused_until: Option<Instant>,
    strikes: u32,
    struck_at: Option<Instant>,
    halvings: u32,
    slowed_at: Option<Instant>,
    block: Option<Block>,
}

#[derive(Debug)]
struct Block {
    since: Instant,
    period: Duration,
    probe_at: Instant,
}

impl Pace {
    pub(crate) fn gate(&self, now: Instant) -> Gate {
        if let Some(block) = &self.block
            && now < block.probe_at
        {
            return Gate::Blocked(block.probe_at);
        }
        match self.paused_until {
            Some(until) if now < until => Gate::Paused(until),
            _ => Gate::Open,
        }
    }

    /// A request leaves. While there is a block it is the probe, and the next is a period away.
    pub(crate) fn leave(&mut self, now: Instant) {
        if let Some(block) = &mut self.block {
            block.probe_at = after(now, block.period);
        }
    }

    /// The spacing of requests, given the spacing at full pace.
    pub(crate) fn spacing(&mut self, full: Duration, now: Instant) -> Duration {
        while self.halvings > 0
            && let Some(slowed_at) = self.slowed_at
            && after(slowed_at, RECOVERY) <= now
        {
            self.halvings = self.halvings.saturating_sub(1);
            self.slowed_at = Some(after(slowed_at, RECOVERY));
        }
        full.saturating_mul(1_u32.checked_shl(self.halvings).unwrap_or(u32::MAX))
    }

    /// Learns from the answer to the request that left at `sent`. `jitter` keeps the machines of one address from all
    /// going on at the same instant.
    pub(crate) fn learn(
        &mut self,
        verdict: Verdict,
        sent: Instant,
        now: Instant,
        jitter: Duration,
    ) {
        match verdict {
            Verdict::Heard => {
                self.strikes = 0;
                self.end_block(sent);
            }
            Verdict::TooFast(wait) => {
                self.end_block(sent);
                self.strike(wait, sent, now, jitter);
            }
            Verdict::Blocked => self.blocked(sent, now),
            Verdict::Silence => {}
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.block.is_some()
    }

    /// Answers to what left before the block say nothing about its end.
    fn end_block(&mut self, sent: Instant) {
        if self.block.as_ref().is_some_and(|block| sent > block.since) {
            self.block = None;
        }
    }

    fn strike(&mut self, wait: Option<Duration>, sent: Instant, now: Instant, jitter: Duration) {
        // Several requests under way at once meet the same limit: they are one strike.
        let first = self.struck_at.is_none_or(|struck_at| sent > struck_at);
        if first {
            self.struck_at = Some(now);
            self.strikes = self.strikes.saturating_add(1);
            self.halvings = self.halvings.saturating_add(1).min(MOST_HALVINGS);
            self.slowed_at = Some(now);
        } else if wait.is_none() {
            return;
        }
        let pause = wait.unwrap_or_else(|| {
            let doublings = self.strikes.saturating_sub(1);
            let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
            FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
        });
        let until = after(after(now, pause), jitter);
        self.paused_until = self.paused_until.max(Some(until));
    }

    fn blocked(&mut self, sent: Instant, now: Instant) {
        match &mut self.block {
            None => {
                let probe_at = after(now, FIRST_PROBE);
                self.block = Some(Block { since: now, period: FIRST_PROBE, probe_at });
            }
            Some(block) if sent > block.since => {
                block.period = block.period.saturating_mul(2).min(LONGEST_PROBE);
                block.since = now;
                block.probe_at = after(now, block.period);
            }
            Some(_) => {}
        }
    }
}

pub(crate) fn after(instant: Instant, duration: Duration) -> Instant {
    instant.checked_add(duration).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pause(pace: &Pace, now: Instant) -> Option<Duration> {
        match pace.gate(now) {
            Gate::Paused(until) => Some(until.duration_since(now)),
            Gate::Open => None,
            Gate::Blocked(_) => panic!(),
        }
    }

    #[test]
    fn k01_a_wait_that_kommo_names_is_kept() {
        let now = Instant::now();
        let mut pace = Pace::default();
        let jitter = Duration::from_millis(200);
        pace.learn(Verdict::TooFast(Some(SECOND * 3)), now, now, jitter);
        assert_eq!(pause(&pace, now), Some(Duration::from_millis(3_200)));
        assert_eq!(
            pause(&pace, now + Duration::from_millis(3_199)),
            Some(Duration::from_millis(1))
        );
        assert_eq!(pause(&pace, now + Duration::from_millis(3_200)), None);
    }

    #[test]
    fn k02_without_a_wait_the_pause_doubles_to_five_minutes() {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        let mut pauses = Vec::new();
        for _ in 0..20 {
            now += SECOND * 400;
            pace.learn(Verdict::TooFast(None), now, now, Duration::ZERO);
            pauses.push(pause(&pace, now).unwrap().as_secs());
        }
        assert_eq!(pauses[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(pauses[19], 300);
        pace.learn(Verdict::Heard, now, now, Duration::ZERO);
        now += SECOND * 400;
        pace.learn(Verdict::TooFast(None), now, now, Duration::ZERO);
        assert_eq!(pause(&pace, now), Some(SECOND));
    }

    #[test]
    fn k02_the_rate_is_halved_and_recovers_slowly() {
        let now = Instant::now();
        let full = Duration::from_millis(150);
        let mut pace = Pace::default();
        assert_eq!(pace.spacing(full, now), full);
        pace.learn(Verdict::TooFast(None), now, now, Duration::ZERO);
        let later = now + SECOND * 2;
        pace.learn(Verdict::TooFast(None), later, later, Duration::ZERO);
        assert_eq!(pace.spacing(full, later), full * 4);
        assert_eq!(pace.spacing(full, later + SECOND * 29), full * 4);
        assert_eq!(pace.spacing(full, later + SECOND * 30), full * 2);
        assert_eq!(pace.spacing(full, later + SECOND * 60), full);
        assert_eq!(pace.spacing(full, later + SECOND * 9_000), full);
    }

    #[test]
    fn one_burst_is_one_strike() {
        let now = Instant::now();
        let mut pace = Pace::default();
        for _ in 0..7 {
            pace.learn(Verdict::TooFast(None), now, now + SECOND, Duration::ZERO);
        }
        assert_eq!(pause(&pace, now + SECOND), Some(SECOND));
        pace.learn(Verdict::TooFast(Some(SECOND * 9)), now, now + SECOND, Duration::ZERO);
        assert_eq!(pause(&pace, now + SECOND), Some(SECOND * 9));
    }

    #[test]
    fn k05_a_block_lets_one_probe_through_per_period() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.learn(Verdict::Blocked, start, start, Duration::ZERO);
        // What left before the block changes nothing about it.
        pace.learn(Verdict::Blocked, start, start + SECOND, Duration::ZERO);
        pace.learn(Verdict::Heard, start, start + SECOND, Duration::ZERO);
        let mut probes = Vec::new();
        for seconds in 0..=4 * 3_600 {
            let now = start + SECOND * seconds;
            if pace.gate(now) == Gate::Open {
                pace.leave(now);
                assert_ne!(pace.gate(now), Gate::Open);
                probes.push(seconds / 60);
                pace.learn(Verdict::Blocked, now, now, Duration::ZERO);
            }
        }
        assert_eq!(probes, [5, 15, 35, 75, 135, 195]);
        let end = start + SECOND * 4 * 3_600 + SECOND * 3_600;
        assert_eq!(pace.gate(end), Gate::Open);
        pace.leave(end);
        pace.learn(Verdict::Silence, end, end, Duration::ZERO);
        assert!(pace.is_blocked());
        let end = end + SECOND * 3_600;
        pace.leave(end);
        pace.learn(Verdict::Heard, end, end, Duration::ZERO);
        assert_eq!(pace.gate(end), Gate::Open);
        assert!(!pace.is_blocked());
    }
}
