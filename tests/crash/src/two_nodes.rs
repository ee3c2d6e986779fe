//! Two real processes on one PostgreSQL: whoever is at work is killed, or paused past its lease, again and again, while a
//! thousand payments come in. Kommo's limit of 7 requests a second holds, in real time; the time of leases is moved.

mod checks;
mod pair;

use std::time::{Duration, Instant};

use self::pair::{Pair, Stats};
use crate::{check::Violation, stores::Stores};

/// Payments, each for a deal of its own. So many more come in before every blow.
const EVENTS: u64 = 1_000;
const BLOWS: u64 = 40;
const EVENTS_PER_BLOW: u64 = EVENTS / BLOWS;

/// A pause takes so long in real time as well, before the leases end: longer than a call waits for its turn (8 s), and than
/// the server lets a process that hangs hold rows (10 s). Both would be over after two minutes.
const PAUSE: Duration = Duration::from_secs(11);

/// Every tenth blow is a pause that lasts until the other node has finished everything.
const BLOWS_PER_LONG_PAUSE: u64 = 10;

/// Steps of the moved time, in seconds: enough for somebody to look again; past the time after which an effect without an
/// answer is looked for; past the lease of who is gone.
const A_TICK: i64 = 1;
const PAST_THE_SETTLE_TIME: i64 = 61;
const PAST_THE_LEASE: i64 = 121;

/// More steps than anything needs.
const ROUNDS: usize = 40;

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
    pub(crate) blows: u32,
    pub(crate) violations: Vec<Violation>,
    /// A line to print.
    pub(crate) said: String,
}

pub(crate) fn run(stores: &Stores) -> Result<Ran, String> {
    let begin = Instant::now();
    let mut pair = Pair::start(stores)?;
    let mut violations = Vec::new();
    let (mut kills, mut pauses) = (0_u32, 0_u32);
    for (blow, (moment, nth)) in (1..=BLOWS).zip(MOMENTS.iter().cycle()) {
        let last = blow.saturating_mul(EVENTS_PER_BLOW);
        pair.deliver(last.saturating_sub(EVENTS_PER_BLOW)..last)?;
        let victim = pair.at_work(moment, *nth)?;
        if blow % 2 == 1 {
            pair.kill(victim)?;
            pair.settle(A_TICK)?;
            pair.settle(PAST_THE_LEASE)?;
            kills = kills.saturating_add(1);
        } else {
            let is_long = blow % BLOWS_PER_LONG_PAUSE == 0;
            violations.extend(pause(&mut pair, victim, is_long)?);
            pauses = pauses.saturating_add(1);
        }
    }
    violations.extend(checks::rest(&drain(&mut pair)?));
    violations.extend(checks::ledger(pair.kommo(), 0..EVENTS));
    violations.extend(replay(&mut pair)?);
    let (most, refused) = (checks::most_in_a_second(pair.kommo()), pair.kommo().rate_limited());
    violations.extend(checks::pace(&most, refused));
    let requests = pair.kommo().requests().len();
    pair.end()?;
    for violation in &violations {
        println!("VIOLATION {violation}\n  again: cargo run --release -p crash -- --two-nodes");
    }
    let said = format!(
        "two nodes on one PostgreSQL: {EVENTS} payments, {kills} kills, {pauses} pauses; {requests} requests to Kommo, at most {} \
         in one second, {refused} refused; {} s",
        most.0,
        begin.elapsed().as_secs()
    );
    Ok(Ran { blows: kills.saturating_add(pauses), violations, said })
}

/// The other node takes over. After a long pause there is nothing left for the one that wakes to write.
fn pause(pair: &mut Pair<'_>, victim: usize, is_long: bool) -> Result<Option<Violation>, String> {
    let paused = Instant::now();
    pair.pause(victim)?;
    pair.settle(A_TICK)?;
    std::thread::sleep(PAUSE.saturating_sub(paused.elapsed()));
    pair.settle(PAST_THE_LEASE)?;
    if is_long {
        drain(pair)?;
    }
    let before = pair.kommo().ledger().len();
    pair.resume(victim)?;
    pair.settle(A_TICK)?;
    let written = pair.kommo().ledger().len().saturating_sub(before);
    let violation = || Violation::Duplicated(format!("a node that woke made {written} writes"));
    Ok((is_long && written > 0).then(violation))
}

/// Lets the nodes that run end everything, as far as they can, and tells what is left.
fn drain(pair: &mut Pair<'_>) -> Result<Stats, String> {
    let mut left = pair.stats()?;
    for _ in 0..ROUNDS {
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
