//! What must hold in the fake Kommo when both nodes have nothing left to do.

use std::{
    collections::BTreeMap,
    ops::Range,
    time::{Duration, Instant},
};

use kommo_client::fake::{FakeKommo, LedgerEntry, LedgerKind};

use super::pair::Stats;
use crate::{
    check::Violation,
    story::{STAGE, deal_of},
};

/// Kommo's limit.
const PER_SECOND: usize = 7;

/// Every deal is won, and has one note.
pub(super) fn ledger(kommo: &FakeKommo, payments: Range<u64>) -> Vec<Violation> {
    let notes = count(kommo, |entry| entry.kind == LedgerKind::NoteAdded);
    let mut violations = Vec::new();
    for deal in payments.map(deal_of) {
        match notes.get(&deal) {
            None => violations.push(Violation::Lost(format!("the note of {deal}"))),
            Some(1) => {}
            Some(count) => {
                violations.push(Violation::Duplicated(format!("{count} × the note of {deal}")));
            }
        }
        let lead = kommo.lead(deal).unwrap_or_default();
        if lead["status_id"] != STAGE || lead["price"] != 599 {
            violations.push(Violation::Lost(format!("the deal {deal} is not won")));
        }
    }
    violations
}

/// How many deals were won more than once: the same stage, price and fields again, which changes nothing in Kommo. Between
/// the look at a deal and the write there is always a moment.
pub(super) fn set_again(kommo: &FakeKommo) -> usize {
    let moves = count(kommo, |entry| entry.body.get("status_id").is_some());
    moves.values().filter(|count| **count > 1).count()
}

/// Such entries, by their deals.
fn count(kommo: &FakeKommo, is_meant: impl Fn(&LedgerEntry) -> bool) -> BTreeMap<u64, u32> {
    let mut counts = BTreeMap::new();
    for entry in kommo.ledger().iter().filter(|entry| is_meant(entry)) {
        let count: &mut u32 = counts.entry(entry.entity_id).or_default();
        *count = count.saturating_add(1);
    }
    counts
}

/// Everything has ended, and nothing needs a person.
pub(super) fn rest(rest: &Stats) -> Vec<Violation> {
    let open = (rest.open > 0).then_some(Violation::Stuck);
    let why = || Violation::State(format!("{} events are parked: {}", rest.parked, rest.reasons));
    open.into_iter().chain((rest.parked > 0).then(why)).collect()
}

/// How many requests came within one second at the most, and how far apart in milliseconds.
pub(super) fn most_in_a_second(kommo: &FakeKommo) -> (usize, Vec<u128>) {
    let mut came: Vec<_> = kommo.requests().iter().map(|request| request.received).collect();
    came.sort();
    let second = |first: usize| {
        let begin = came[first];
        let within = |at: &&Instant| at.duration_since(begin) < Duration::from_secs(1);
        came[first..].iter().take_while(within).copied().collect::<Vec<_>>()
    };
    let fullest = (0..came.len()).map(second).max_by_key(Vec::len).unwrap_or_default();
    let apart = fullest.windows(2).map(|two| two[1].duration_since(two[0]).as_millis());
    (fullest.len(), apart.collect())
}

pub(super) fn pace((most, apart): &(usize, Vec<u128>), refused: usize) -> Option<Violation> {
    let said =
        format!("{most} requests came in one second, {apart:?} ms apart; {refused} were refused");
    (*most > PER_SECOND || refused > 0).then_some(Violation::State(said))
}
