//! When to send again, and after how long: pure. The only sleeping is in `client`.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    error::{Error, ErrorKind},
    transport::Method,
};

/// Which requests a client repeats by itself, and how.
///
/// A creation is never repeated: Kommo has no idempotency keys, so only the caller can find out whether a second one would
/// be one too many. Reads are repeated by default; changes of state, which do no harm twice, when
/// [`updates`](Self::updates) says so.
///
/// Delays are drawn between zero and a bound that doubles from [`first_delay`](Self::first_delay) to 8 s. All clones of
/// a client share a budget of about one repeat in ten requests, so that repeats cannot keep a failing Kommo down.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct RetryPolicy {
    attempts: u32,
    updates: bool,
    first_delay: Duration,
}

impl RetryPolicy {
    /// Up to three attempts of every read.
    pub fn new() -> Self {
        Self { attempts: 3, updates: false, first_delay: Duration::from_millis(500) }
    }

    /// One attempt, always.
    pub fn never() -> Self {
        Self::new().attempts(1)
    }

    /// How often a request is sent at most, the first time included.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Whether PATCH requests are repeated too.
    pub fn updates(mut self, repeat: bool) -> Self {
        self.updates = repeat;
        self
    }

    /// The bound of the first delay. Default: 500 ms.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// The bound of the delay after this many attempts; `None` when the error is final.
    pub(crate) fn delay(&self, method: Method, attempts: u32, error: &Error) -> Option<Duration> {
        let harmless = match method {
            Method::Get => true,
            Method::Patch => self.updates,
            Method::Post | Method::Put | Method::Delete => false,
        };
        if !harmless || attempts >= self.attempts {
            return None;
        }
        match error.kind() {
            // The limiter knows of the pause and holds the repeat until its end, unless the pause is too long for it.
            ErrorKind::RateLimited if error.status().is_some() => Some(Duration::ZERO),
            ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::Server(_) => {
                let doublings = attempts.saturating_sub(1);
                let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
                Some(self.first_delay.saturating_mul(factor).min(LONGEST_DELAY))
            }
            _ => None,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

const LONGEST_DELAY: Duration = Duration::from_secs(8);

/// What the clones of a client may spend on repeats: every request earns a tenth of one, and up to ten are saved.
///
/// With it repeats cannot keep a failing server down.
#[derive(Debug)]
pub struct Budget(Mutex<u32>);

const COST: u32 = 10;
const MOST_SAVED: u32 = 100;

impl Budget {
    /// A full one.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(MOST_SAVED))
    }

    /// A request is sent for the first time.
    pub fn earn(&self) {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = saved.saturating_add(1).min(MOST_SAVED);
    }

    /// Takes a repeat out. Whether there was enough for it.
    #[must_use]
    pub fn spend(&self) -> bool {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *saved >= COST;
        if enough {
            *saved = saved.saturating_sub(COST);
        }
        enough
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fate;

    #[test]
    fn what_is_sent_again() {
        use ErrorKind::*;
        let answered = |kind, status| Error::new(kind, Fate::Refused).with_answer(status, None);
        let lost = |kind| Error::new(kind, Fate::Unknown);
        for (name, error, repeated) in [
            ("connect", lost(Connect), true),
            ("certificate", lost(Certificate), false),
            ("timeout", lost(Timeout), true),
            ("transport", lost(Transport), true),
            ("500", answered(Server(500), 500), true),
            ("504", answered(Server(504), 504), true),
            ("429", answered(RateLimited, 429), true),
            ("a pause beyond our patience", lost(RateLimited), false),
            ("400", answered(Status(400), 400), false),
            ("400 items", answered(Validation(vec![]), 400), false),
            ("401", answered(Unauthorized, 401), false),
            ("402", answered(PaymentRequired, 402), false),
            ("403", answered(Forbidden, 403), false),
            ("403 block", answered(Blocked, 403), false),
            ("block, unsent", lost(Blocked), false),
            ("404", answered(NotFound, 404), false),
            ("301", answered(Redirect, 301), false),
            ("unreadable", answered(Decode, 200), false),
            ("too large", answered(TooLarge, 200), false),
            ("pages", lost(Pagination), false),
            ("unwritable", lost(InvalidRequest), false),
        ] {
            let policy = RetryPolicy::new().updates(true);
            assert_eq!(policy.delay(Method::Get, 1, &error).is_some(), repeated, "GET {name}");
            assert_eq!(policy.delay(Method::Patch, 1, &error).is_some(), repeated, "PATCH {name}");
            for method in [Method::Post, Method::Put, Method::Delete] {
                assert_eq!(policy.delay(method, 1, &error), None, "{} {name}", method.as_str());
            }
            let policy = RetryPolicy::new();
            assert_eq!(policy.delay(Method::Patch, 1, &error), None, "PATCH by default {name}");
            assert_eq!(policy.delay(Method::Get, 3, &error), None, "the last attempt {name}");
            assert_eq!(RetryPolicy::never().delay(Method::Get, 1, &error), None, "never {name}");
        }
    }

    #[test]
    fn delays_double_up_to_a_bound() {
        let policy = RetryPolicy::new().attempts(u32::MAX);
        let error = Error::new(ErrorKind::Timeout, Fate::Unknown);
        let delays: Vec<_> = (1..=7)
            .map(|tries| policy.delay(Method::Get, tries, &error).unwrap().as_millis())
            .collect();
        assert_eq!(delays, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        assert_eq!(policy.delay(Method::Get, 1_000_000, &error), Some(LONGEST_DELAY));
    }

    #[test]
    fn the_budget_bounds_repeats_to_one_in_ten() {
        let budget = Budget::new();
        assert_eq!((0..50).filter(|_| budget.spend()).count(), 10);
        for _ in 0..1_000 {
            budget.earn();
            if budget.spend() {
                assert!(!budget.spend());
            }
        }
        let spent = (0..1_000)
            .filter(|_| {
                budget.earn();
                budget.spend()
            })
            .count();
        assert_eq!(spent, 100);
    }
}
