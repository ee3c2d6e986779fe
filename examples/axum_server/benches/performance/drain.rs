//! A backlog of first payments, worked off at the pace that Kommo allows.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use crate::{
    Run,
    kommo::{Account, Call, Kind, Kommo},
    paddle::{lead, numbers},
    report::{Report, millis, rounded},
    service::Service,
    store::Backend,
};

/// What Kommo allows in a second.
const PACE: f64 = 7.0;

/// The backlog is there before the service starts: put in through the library as the receiver does it.
pub async fn drain(run: &Run, report: &mut Report, backend: &Backend, batch_size: usize) {
    let place = run.place(backend).await;
    let payments = run.backlog;
    let numbers = numbers(payments);
    place.seed(numbers.clone()).await;
    let kommo = Kommo::start();
    let ideal_calls = 2 * (payments as usize).div_ceil(batch_size);
    let ideal = ideal_calls as f64 / PACE;
    let service = Service::start(&run.setup(&place, &kommo, batch_size, None));
    let patience = Duration::from_secs_f64(60.0 + 4.0 * ideal);
    let is_done = service.is_idle_within(patience).await;
    let account = kommo.account();
    let took = rounded(first_write_to_last_note(&account).as_secs_f64());
    let writes = account.count(Kind::is_write);
    let calls = account.calls.len();
    let exact = numbers.filter(|number| is_exactly_once(&account, lead(*number))).count();
    let once = account.markers.values().filter(|count| **count == 1).count();
    // What was asked before the first write is not in the time either.
    let from = account.calls.iter().position(|call| call.kind.is_write()).unwrap_or(0);
    let by_calls = rounded(took / ((calls - from) as f64 / PACE));
    report.figures(
        &format!("drain_{batch_size}"),
        json!({
            "payments": payments, "batch_size": batch_size, "is_done": is_done,
            "write_calls": writes, "read_calls": account.count(Kind::is_read),
            "other_calls": account.count(|kind| kind == Kind::Settings), "refused": account.refused,
            "seconds": took, "ideal_seconds": rounded(ideal), "to_ideal": rounded(took / ideal),
            "calls_from_the_first_write": calls - from, "to_those_calls": by_calls, "won_once_with_one_note": exact, "markers_once": once,
            "notes": account.notes(), "sizes": sizes(&account),
            "first_calls": in_short(account.calls.iter().take(SHOWN)),
            "last_calls": in_short(account.calls.iter().skip(calls.saturating_sub(SHOWN))),
            "highest_memory_mib": service.memory().map(|(_, highest)| highest >> 10),
            "idle_ms": millis(idle(&account)),
            "closest_8_arrivals_ms": account.closest.map(millis),
        }),
    );
    let name = format!("{payments} payments, batches of {batch_size}");
    report.at_most(
        &format!("{name}: Kommo write calls"),
        writes as f64,
        (ideal_calls as f64 * 1.05).floor(),
        ideal_calls as f64,
    );
    report.at_most(
        &format!("{name}: first write → last note ÷ {ideal:.1} s"),
        took / ideal,
        1.15,
        1.06,
    );
    report.at_most(
        &format!("{name}: the same ÷ (all calls from then on / 7)"),
        by_calls,
        1.15,
        1.06,
    );
    report.at_most(
        &format!("{name}: calls refused by the limiter"),
        account.refused as f64,
        0.0,
        0.0,
    );
    let all = payments as usize;
    report.bar(
        &format!("{name}: deals won once with one note, notes once"),
        (all.to_string(), all.to_string()),
        format!("{exact}, {once}"),
        (exact == all && once == all, exact == all && once == all),
    );
}

/// Whether this deal was won by one call and has one note.
pub fn is_exactly_once(account: &Account, lead: u64) -> bool {
    account.leads.get(&lead).is_some_and(|lead| lead.wins == 1 && lead.notes.len() == 1)
}

fn first_write_to_last_note(account: &Account) -> Duration {
    let first = account.calls.iter().find(|call| call.kind.is_write()).map(|call| call.arrived);
    let last = account.leads.values().flat_map(|lead| &lead.notes).map(|note| note.0).max();
    first.zip(last).map(|(first, last)| last - first).unwrap_or_default()
}

/// So many calls are shown at each end of the work.
const SHOWN: usize = 30;

/// Calls as their kind's name and how much they carried, a word each.
fn in_short<'a>(calls: impl Iterator<Item = &'a Call>) -> String {
    let words: Vec<_> =
        calls.map(|call| format!("{}:{}", call.kind.name(), call.entities)).collect();
    words.join(" ")
}

/// How many calls of each kind carried how many entities.
fn sizes(account: &Account) -> BTreeMap<&'static str, BTreeMap<usize, u32>> {
    let mut sizes: BTreeMap<_, BTreeMap<_, u32>> = BTreeMap::new();
    for call in &account.calls {
        *sizes.entry(call.kind.name()).or_default().entry(call.entities).or_default() += 1;
    }
    sizes
}

/// What lies between calls beyond an even spacing, from the first write on.
fn idle(account: &Account) -> Duration {
    const SPACING: Duration = Duration::from_millis(150);
    let from = account.calls.iter().position(|call| call.kind.is_write()).unwrap_or(0);
    let gaps = account.calls.get(from..).unwrap_or_default().windows(2);
    gaps.map(|pair| (pair[1].arrived - pair[0].arrived).saturating_sub(SPACING)).sum()
}
