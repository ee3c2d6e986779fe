//! When a delivery that failed is tried again.

use std::time::Duration;

use paddle_webhook::Environment;

/// How many retries follow the first attempt: 60 over some three days, 3 in the sandbox
/// (developer.paddle.com, "Respond to webhooks").
pub(super) fn retries(environment: Environment) -> u32 {
    match environment {
        Environment::Live => 60,
        Environment::Sandbox => 3,
    }
}

/// The gap after this many attempts: 60 s × attempts^1.1, rounded down, as Paddle's integration guide describes it. What
/// Paddle really does differs by some seconds, and is not published.
pub(super) fn gap(attempts: u32) -> Duration {
    // The largest g with g^10 ≤ 60^10 × n^11.
    let target = 60_u128
        .checked_pow(10)
        .and_then(|scale| u128::from(attempts).checked_pow(11)?.checked_mul(scale))
        .unwrap_or(u128::MAX);
    let fits = |gap: u64| u128::from(gap).checked_pow(10).is_some_and(|power| power <= target);
    let (mut low, mut high) = (0_u64, 10_000_u64);
    while low < high {
        let middle = low.saturating_add(high).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle.saturating_sub(1);
        }
    }
    Duration::from_secs(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gaps_grow_as_described() {
        // 60 × n^1.1 with a calculator: 60, 128.6, 200.9, 352.3 (n = 5), 755.4 (n = 10), 5421.1 (n = 60).
        for (attempts, seconds) in [(1, 60), (2, 128), (3, 200), (5, 352), (10, 755), (60, 5_421)] {
            assert_eq!(gap(attempts).as_secs(), seconds, "{attempts}");
        }
        let all: u64 = (1..=60).map(|attempts| gap(attempts).as_secs()).sum();
        assert!((43 * 3_600..=45 * 3_600).contains(&all), "some 44 hours in all: {all}");
        assert_eq!(gap(0), Duration::ZERO);
        assert!(gap(u32::MAX) <= Duration::from_secs(10_000));
    }
}
