//! Chance, for spreading out repeats. Nothing secret depends on it.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// A delay somewhere between zero and `most`, so that those who failed together do not come back together.
#[must_use]
pub fn up_to(most: Duration) -> Duration {
    scale(most, draw())
}

fn draw() -> u64 {
    #[cfg(feature = "fake")]
    if let Some(drawn) = repeatable::draw() {
        return drawn;
    }
    // Each `RandomState` has keys of its own.
    RandomState::new().build_hasher().finish()
}

/// Chance that can be had again, for simulations.
#[cfg(feature = "fake")]
pub(crate) mod repeatable {
    use std::{
        cell::Cell,
        hash::{DefaultHasher, Hash as _, Hasher as _},
    };

    thread_local! {
        /// The seed of this thread, and how often it was drawn from.
        static DRAWN: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
    }

    pub(crate) fn seed(seed: u64) {
        DRAWN.set(Some((seed, 0)));
    }

    pub(super) fn draw() -> Option<u64> {
        let (seed, count) = DRAWN.get()?;
        DRAWN.set(Some((seed, count.wrapping_add(1))));
        let mut hasher = DefaultHasher::new();
        (seed, count).hash(&mut hasher);
        Some(hasher.finish())
    }
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

    #[cfg(feature = "fake")]
    #[test]
    fn a_seed_gives_the_same_chance_again() {
        let most = Duration::from_secs(8);
        let draws = |seed| {
            repeatable::seed(seed);
            [up_to(most), up_to(most), up_to(most)]
        };
        let first = draws(1);
        assert_eq!(draws(1), first);
        assert_ne!(draws(2), first);
        assert_ne!(first[0], first[1]);
    }
}
