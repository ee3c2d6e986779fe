//! Two real processes on one PostgreSQL: whoever is at work is killed, or paused past its lease, again and again, while a
//! thousand payments come in. Kommo's limit of 7 requests a second holds, in real time; the time of leases is moved.

mod checks;
mod pair;

use std::time::{Duration, Instant};

use self::pair::{Pair, Stats};
use crate::{check::Violation, stores::Stores};

/// Payments, each for a deal of its own. So many more come in before every blow.
const EVENTS: u64 = 1_000;
const ROUNDS: u64 = 20;
const EVENTS_PER_BLOW: u64 = EVENTS / ROUNDS / 2;

/// A pause takes so long in real time as well, before the leases end: longer than a call waits for its turn (8 s), and than
/// the server lets a process that hangs hold rows (10 s). Both would be over after two minutes.
const PAUSE: Duration = Duration::from_secs(11);

/// In every fifth round the pause lasts until the other node has finished everything. Then the blow falls before anything
/// of these payments is written. A node that is stopped between its last look at the time and the first byte of a request
/// lets that request go when it wakes: nothing can prevent that. After two minutes it is found by the second look of the
/// other node; after three, there is no look any more.
const ROUNDS_PER_LONG_PAUSE: u64 = 5;
const NOTHING_WRITTEN: (&str, usize) = ("after:claim", 3);

/// Steps of the moved time, in seconds: enough for somebody to look again; past the time after which an effect without an
/// answer is looked for; past the lease of who is gone.
const A_TICK: i64 = 1;
const PAST_THE_SETTLE_TIME: i64 = 61;
const PAST_THE_LEASE: i64 = 121;

/// More steps than anything needs.
const STEPS: usize = 40;

/// Where a blow falls: at a moment of the work of whichever node has it, the nth of its kind since the payments came in.
const MOMENTS: &[(&str, usize)] = &[
    ("after:claim", 3),
    ("after:begin", 1),
    ("before:begin", 1),
    ("after:begin", 4),
    ("after:plan", 9),
    ("before:done", 2),
    ("after:begin", 30),
    ("after:done", 6),
    ("before:plan", 1),
    ("after:put", 20),
    ("before:finish", 3),
    ("before:begin", 26),
    ("after:finish", 11),
];

/// How it went.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Kills and pauses.
    pub(crate) blows: u64,
    pub(crate) violations: Vec<Violation>,
    /// A line to print.
    pub(crate) said: String,
}

/// In every round one node is paused at work, and the other killed at work meanwhile.
pub(crate) fn run(stores: &Stores) -> Result<Ran, String> {
    let begin = Instant::now();
    let mut pair = Pair::start(stores)?;
    let mut violations = Vec::new();
    let mut payments = 0..EVENTS;
    let mut kills = MOMENTS.iter().copied().cycle();
    let mut pauses = MOMENTS.iter().rev().copied().cycle();
    for round in 1..=ROUNDS {
        let is_long = round % ROUNDS_PER_LONG_PAUSE == 0;
        let moment = pauses.next().filter(|_| !is_long).unwrap_or(NOTHING_WRITTEN);
        let paused = pair.at_work(&mut payments, moment)?;
        let since = Instant::now();
        pair.pause(paused)?;
        pair.settle(A_TICK)?;
        let killed = pair.at_work(&mut payments, kills.next().unwrap_or(NOTHING_WRITTEN))?;
        pair.kill(killed)?;
        pair.settle(A_TICK)?;
        std::thread::sleep(PAUSE.saturating_sub(since.elapsed()));
        pair.settle(PAST_THE_LEASE)?;
        violations.extend(wake(&mut pair, paused, is_long)?);
    }
    violations.extend(checks::rest(&drain(&mut pair)?));
    violations.extend(checks::ledger(pair.kommo(), 0..EVENTS));
    violations.extend(replay(&mut pair)?);
    let (most, refused) = (checks::most_in_a_second(pair.kommo()), pair.kommo().rate_limited());
    violations.extend(checks::pace(&most, refused));
    let (requests, again) = (pair.kommo().requests().len(), checks::set_again(pair.kommo()));
    let at_rest = pair.blows_at_rest;
    pair.end()?;
    for violation in &violations {
        println!("VIOLATION {violation}\n  again: cargo run --release -p crash -- --two-nodes");
    }
    let said = format!(
        "two nodes on one PostgreSQL: {EVENTS} payments, {ROUNDS} kills, {ROUNDS} pauses ({} of nodes at rest); {requests} requests to Kommo, at most {} in \
         one second, {refused} refused; {again} deals were given the stage again that they had; {} s",
        at_rest,
        most.0,
        begin.elapsed().as_secs()
    );
    Ok(Ran { blows: ROUNDS.saturating_mul(2), violations, said })
}

/// After a long pause there is nothing left to write for the one that wakes.
fn wake(pair: &mut Pair<'_>, node: usize, is_long: bool) -> Result<Option<Violation>, String> {
    if is_long {
        drain(pair)?;
    }
    let before = pair.kommo().ledger().len();
    pair.resume(node)?;
    pair.settle(A_TICK)?;
    let written = pair.kommo().ledger().len().saturating_sub(before);
    let violation = || Violation::Duplicated(format!("a node that woke made {written} writes"));
    Ok((is_long && written > 0).then(violation))
}

/// Lets the nodes that run end everything, as far as they can, and tells what is left.
fn drain(pair: &mut Pair<'_>) -> Result<Stats, String> {
    let mut left = pair.stats()?;
    for _ in 0..STEPS {
        if left.open == 0 {
            break;
        }
        pair.settle(PAST_THE_LEASE)?;
        left = pair.stats()?;
    }
    Ok(left)
}

/// Everything is delivered once more: nothing may be written.
fn replay(pair: &mut Pair<'_>) -> Result<Option<Violation>, String> {
    let before = pair.kommo().ledger().len();
    pair.deliver(0..EVENTS)?;
    pair.settle(PAST_THE_SETTLE_TIME)?;
    let written = pair.kommo().ledger().len().saturating_sub(before);
    Ok((written > 0).then_some(Violation::Replay(written)))
}
