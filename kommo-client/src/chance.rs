//! Chance, for spreading out repeats. Nothing secret depends on it.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// A delay somewhere between zero and `most`, so that those who failed together do not come back together.
#[must_use]
pub fn up_to(most: Duration) -> Duration {
    // Each `RandomState` has keys of its own.
    let chance = RandomState::new().build_hasher().finish();
    scale(most, chance)
}

fn scale(most: Duration, chance: u64) -> Duration {
    let nanos = most.as_nanos().saturating_mul(u128::from(chance)) >> u64::BITS;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_below_the_most() {
        let most = Duration::from_secs(8);
        assert_eq!(scale(most, 0), Duration::ZERO);
        assert_eq!(scale(most, 1 << 63), Duration::from_secs(4));
        assert!(scale(most, u64::MAX) < most);
        let draws: std::collections::BTreeSet<_> = (0..64).map(|_| up_to(most)).collect();
        assert!(draws.len() > 32, "{draws:?}");
    }
}
