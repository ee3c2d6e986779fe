//! How long tokens are good for.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{auth::AccessToken, pace::after};

/// How long a new access token is good for, by our own clock: Kommo's need not agree with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    pub(super) stale_at: Instant,
}

impl Fresh {
    pub(super) fn new(expires_in: Option<u64>) -> Self {
        Self { stale_at: after(Instant::now(), fresh_for(expires_in)) }
    }
}

/// Three quarters of its life, which is a day by Kommo's documentation, and taken for sane whatever Kommo says.
fn fresh_for(expires_in: Option<u64>) -> Duration {
    const DAY: u64 = 86_400;
    let life = Duration::from_secs(expires_in.unwrap_or(DAY).clamp(60, 30 * DAY));
    life.saturating_mul(3).checked_div(4).unwrap_or(life)
}

/// How long a token is fresh after `date`; `None` when it does not say, or was made after that.
pub(super) fn fresh_at(token: &AccessToken, date: OffsetDateTime) -> Option<Duration> {
    let claims = token.claims()?;
    let (made, end) = (claims.iat?, claims.exp?);
    let age = u64::try_from(date.unix_timestamp().checked_sub(made)?).ok()?;
    let life = u64::try_from(end.checked_sub(made)?).ok()?;
    Some(fresh_for(Some(life)).saturating_sub(Duration::from_secs(age)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k38_the_life_of_a_token_is_taken_for_sane() {
        for (expires_in, seconds) in [
            (Some(86_400), 64_800),
            (None, 64_800),
            (Some(0), 45),
            (Some(315_360_000), 1_944_000),
            (Some(u64::MAX), 1_944_000),
        ] {
            assert_eq!(fresh_for(expires_in), Duration::from_secs(seconds), "{expires_in:?}");
        }
    }
}
