//! Days of trouble in virtual time: one number is one run, and the same number is the same run.
//!
//! ```text
//! cargo test --release -p paddle-kommo-sync --test simulation                            # a hundred runs
//! SEEDS=10000 cargo test --release -p paddle-kommo-sync --test simulation                # more of them
//! SEED=4711 cargo test --release -p paddle-kommo-sync --test simulation -- --nocapture   # this one, told step by step
//! ```
//!
//! In each run Paddle delivers the events of a few sales, in any order, late and more than once; processes are killed and
//! stopped for a while at any call to the store, and between; the store fails before and after it has done what it was
//! asked; Kommo answers late, not at all, with errors, or with errors although it has done what it was asked, refuses,
//! and blocks. Then the trouble ends, and the invariants are looked at in Kommo's own ledger.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops where it cannot go on"
)]

#[path = "../it/support/events.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod events;
mod faulty_store;
mod kommo;
mod node;
mod run;
#[path = "../it/support/story.rs"]
mod story;

use std::{env, thread};

use time::{OffsetDateTime, macros::datetime};

/// The deal that the shared events speak of.
const LEAD: u64 = 20_024_930;
/// When the runs begin, by the clock on the wall.
const NOW: OffsetDateTime = datetime!(2026-01-15 12:00 UTC);

/// Else a failure could not be looked into.
#[test]
fn a_run_can_be_played_again() {
    for seed in 1..=20 {
        assert_eq!(run::run(seed, false), run::run(seed, false), "seed {seed}");
    }
}

#[test]
fn simulation() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("SEED") {
        println!("{:#?}", run::run(seed, true));
        return;
    }
    let seeds = number("SEEDS").unwrap_or(100);
    let first = number("FIRST_SEED").unwrap_or(1);
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let runs: Vec<_> = (0..threads)
        .map(|thread| {
            thread::spawn(move || {
                let mut total = run::Report::default();
                for seed in (first..first + seeds).skip(thread as usize).step_by(threads as usize) {
                    total.add(&run::run(seed, false));
                }
                total
            })
        })
        .collect();
    let mut total = run::Report::default();
    for run in runs {
        total.add(&run.join().unwrap());
    }
    println!("{seeds} runs: {total:#?}");
    assert!(total.crashes >= seeds && total.faults >= seeds, "there was hardly any trouble");
}
