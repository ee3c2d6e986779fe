//! One payment alone, and a hundred at once.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    Run,
    drain::is_exactly_once,
    kommo::{Kind, Kommo},
    paddle::{Connection, Topic, lead, numbers},
    report::{Report, median, millis, rounded},
    service::Service,
    store::Backend,
};

const BURST: u64 = 100;

/// Paddle gives up after so long.
const ANSWER: Duration = Duration::from_secs(5);

/// From the 200 to the note, against what the calls to Kommo took by themselves.
pub async fn lone_payment(run: &Run, report: &mut Report, backend: &Backend) {
    let kommo = Kommo::start();
    let place = run.place(backend).await;
    let service = Service::start(&run.setup(&place, &kommo, 50, None));
    let mut connection = Connection::open(service.address).await.expect("it listens");
    let (mut ratios, mut times, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    // The first asks for the account and its fields as well, which are kept for ten minutes.
    for turn in 0..=run.lone {
        let number = numbers(1).start;
        let before = kommo.account().calls.len();
        let (status, _) = connection.deliver(Topic::Payment, number).await.expect("an answer");
        assert_eq!(status, 200, "a payment was not taken in");
        let answered = Instant::now();
        let written = loop {
            let note = kommo
                .account()
                .leads
                .get(&lead(number))
                .and_then(|lead| lead.notes.first().map(|note| note.0));
            match note {
                Some(note) => break note,
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
            assert!(answered.elapsed() < Duration::from_secs(60), "the note never came");
        };
        if turn > 0 {
            let account = kommo.account();
            let own = account.calls.get(before..).unwrap_or_default();
            let trips: Duration =
                own.iter().filter_map(|call| Some(call.answered? - call.arrived)).sum();
            let took = written - answered;
            ratios.push(rounded(took.as_secs_f64() / trips.as_secs_f64()));
            times.push(millis(took));
            calls.push(own.len());
        }
        // Nothing of this one is left to be in the way of the next.
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    report.figures("lone", json!({"ratios": ratios, "milliseconds": times, "calls": calls}));
    report.at_most(
        "a lone payment: acknowledgement → note ÷ its Kommo round trips",
        median(&ratios),
        1.2,
        1.05,
    );
    let most = calls.iter().copied().max().unwrap_or(0);
    report.at_most("a lone payment: Kommo calls", most as f64, 3.0, 3.0);
}

/// A hundred payments at once; with `kill`, the service is killed while many notes are under way, and started again.
pub async fn burst(run: &Run, report: &mut Report, backend: &Backend, kill: bool) {
    let kommo = Kommo::start();
    let place = run.place(backend).await;
    let setup = run.setup(&place, &kommo, 50, None);
    let mut service = Service::start(&setup);
    let numbers = numbers(BURST);
    let mut open = Vec::new();
    for number in numbers.clone() {
        open.push((number, Connection::open(service.address).await.expect("it listens")));
    }
    let started = Instant::now();
    let tasks: Vec<_> = open
        .into_iter()
        .map(|(number, mut connection)| {
            tokio::spawn(async move { connection.deliver(Topic::Payment, number).await })
        })
        .collect();
    let mut killed_after = None;
    if kill {
        // The very first payment goes alone; this is about the many that share a call.
        while !kommo
            .account()
            .calls
            .iter()
            .any(|call| call.kind == Kind::AddNotes && call.entities > 1)
        {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "no notes were ever sent together"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // The call has arrived, and its answer is some 300 ms away: nobody will hear it.
        tokio::time::sleep(Duration::from_millis(100)).await;
        service.kill();
        killed_after = Some(millis(started.elapsed()));
        service = Service::start(&setup);
    }
    let (mut in_time, mut slowest) = (0_u64, Duration::ZERO);
    for task in tasks {
        // One that was cut off by the kill counts as not answered.
        if let Ok((status, took)) = task.await.expect("it ends") {
            in_time += u64::from(status == 200 && took < ANSWER);
            slowest = slowest.max(took);
        }
    }
    let is_done = service.is_idle_within(Duration::from_secs(240)).await;
    let account = kommo.account();
    let exact = numbers.filter(|number| is_exactly_once(&account, lead(*number))).count() as u64;
    let won = account.leads.values().filter(|lead| lead.wins > 0).count();
    let last = account.leads.values().flat_map(|lead| &lead.notes).map(|note| note.0).max();
    report.figures(
        if kill { "burst_killed" } else { "burst" },
        json!({
            "payments": BURST, "answers_in_time": in_time, "slowest_answer_ms": millis(slowest),
            "deals_won": won, "notes": account.notes(), "won_once_with_one_note": exact, "is_done": is_done,
            "last_note_after_ms": last.map(|last| millis(last - started)),
            "all_recorded_after_ms": millis(started.elapsed()), "killed_after_ms": killed_after,
            "calls": account.calls.len(), "looked_for": account.count(|kind| kind == Kind::ReadNotes),
            "refused": account.refused,
        }),
    );
    let what =
        if kill { "100 payments at once, killed amid the notes" } else { "100 payments at once" };
    let asked = format!("{BURST}, {BURST}, {BURST}");
    let notes = account.notes() as u64;
    let ok = in_time == BURST && exact == BURST && notes == BURST && is_done;
    report.bar(
        &format!("{what}: answers in 5 s, deals won, notes"),
        (asked.clone(), asked),
        format!("{in_time}, {won}, {notes}"),
        (ok, ok),
    );
}
