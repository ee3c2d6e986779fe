//! When to send again, and after how long: pure. The only sleeping is in `client`.

use std::time::Duration;

use super::{
    error::{Error, ErrorKind, Fate},
    transport::Method,
};

const LONGEST_DELAY: Duration = Duration::from_secs(8);

/// How often a request is sent, and how long it waits in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryPolicy {
    pub(super) attempts: u32,
    pub(super) first_delay: Duration,
}

impl RetryPolicy {
    /// The bound of the delay after this many attempts; `None` when the error is final.
    ///
    /// Reads are repeated. A write is sent again only where Paddle surely did nothing with it: Paddle has no idempotency
    /// keys.
    pub(super) fn delay(&self, method: Method, attempts: u32, error: &Error) -> Option<Duration> {
        let transient = matches!(
            error.kind(),
            ErrorKind::Connect
                | ErrorKind::Timeout
                | ErrorKind::Transport
                | ErrorKind::RateLimited
                | ErrorKind::Server(_)
        );
        let harmless = method == Method::Get || error.fate() != Fate::Unknown;
        if !transient || !harmless || attempts >= self.attempts {
            return None;
        }
        if error.kind() == ErrorKind::RateLimited {
            // The limiter holds the repeat until the end of the pause. Without an answer, it was that which refused.
            return error.status().map(|_| Duration::ZERO);
        }
        let doublings = attempts.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        Some(self.first_delay.saturating_mul(factor).min(LONGEST_DELAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(attempts: u32) -> RetryPolicy {
        RetryPolicy { attempts, first_delay: Duration::from_millis(500) }
    }

    #[test]
    fn what_is_sent_again() {
        use ErrorKind::*;
        let half = Some(Duration::from_millis(500));
        let zero = Some(Duration::ZERO);
        let (sent, refused, unknown) = (Fate::NotSent, Fate::Refused, Fate::Unknown);
        for (kind, fate, status, get, post) in [
            (Connect, sent, None, half, half),
            (Timeout, unknown, None, half, None),
            (Transport, unknown, None, half, None),
            (Server(502), unknown, Some(502), half, None),
            (RateLimited, refused, Some(429), zero, zero),
            (RateLimited, sent, None, None, None),
            (Unauthorized, refused, Some(403), None, None),
            (Refused, refused, Some(400), None, None),
            (NotFound, refused, Some(404), None, None),
            (Decode, unknown, Some(200), None, None),
            (TooLarge, unknown, Some(200), None, None),
            (Redirect, refused, Some(302), None, None),
            (InvalidRequest, sent, None, None, None),
        ] {
            let mut error = Error::new(kind, fate);
            if let Some(status) = status {
                error = error.with_status(status);
            }
            assert_eq!(policy(3).delay(Method::Get, 1, &error), get, "GET {kind:?}");
            assert_eq!(policy(3).delay(Method::Post, 1, &error), post, "POST {kind:?}");
            assert_eq!(policy(3).delay(Method::Patch, 1, &error), post, "PATCH {kind:?}");
            assert_eq!(
                policy(3).delay(Method::Get, 3, &error),
                None,
                "the third of three, {kind:?}"
            );
        }
    }

    #[test]
    fn delays_double_up_to_a_bound() {
        let error = Error::new(ErrorKind::Connect, Fate::NotSent);
        let bounds: Vec<_> = (1..8)
            .filter_map(|attempts| policy(99).delay(Method::Get, attempts, &error))
            .map(|delay| delay.as_millis())
            .collect();
        assert_eq!(bounds, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        assert_eq!(policy(u32::MAX).delay(Method::Get, u32::MAX - 1, &error), Some(LONGEST_DELAY));
    }
}
