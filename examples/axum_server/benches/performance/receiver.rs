//! How fast deliveries are taken in: against a server that stores nothing, against commits one by one, against the disk.

use std::time::Duration;

use serde_json::json;

use crate::{
    Run,
    disk::{Fdatasync, Plain, puts_per_second},
    kommo::Kommo,
    paddle::{Connection, Topic, Until, deliver, numbers},
    report::{Report, median, millis, percentile, rounded},
    service::{Express, Service},
    store::Backend,
};

const CONNECTIONS: usize = 32;

/// The whole service, its worker busy with what comes in, and express with the npm SDK, in turn.
pub async fn against_express(run: &Run, report: &mut Report, backend: &Backend) {
    let what = "durable receiver ÷ express with the npm SDK that stores nothing, requests/s";
    let kommo = Kommo::start();
    let place = run.place(backend).await;
    let pin = run.pin.as_ref();
    let service = Service::start(&run.setup(&place, &kommo, 50, pin));
    let express = Express::start(pin);
    let (mut ours, mut theirs, mut ratios, mut not_200) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let (mut answers, mut our_cpu, mut their_cpu) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=run.rounds {
        let time = Until::Time(Duration::from_secs(if round == 0 { 1 } else { run.seconds }));
        let before = (service.cpu(), express.as_ref().ok().and_then(Express::cpu));
        let own =
            deliver(service.address, CONNECTIONS, Topic::Payment, time).await.expect("answers");
        let other = match &express {
            Ok(express) => Some(
                deliver(express.address, CONNECTIONS, Topic::Payment, time).await.expect("answers"),
            ),
            Err(_) => None,
        };
        // The first round warms up.
        if round == 0 {
            continue;
        }
        let per_request = |before: Option<Duration>, after: Option<Duration>, count: usize| {
            Some(rounded((after? - before?).as_secs_f64() * 1e6 / count as f64))
        };
        our_cpu.extend(per_request(before.0, service.cpu(), own.answers.len()));
        if let (Ok(express), Some(other)) = (&express, &other) {
            their_cpu.extend(per_request(before.1, express.cpu(), other.answers.len()));
        }
        not_200 += own.not_200 + other.as_ref().map_or(0, |other| other.not_200);
        ours.push(rounded(own.per_second()));
        if let Some(other) = &other {
            theirs.push(rounded(other.per_second()));
            ratios.push(rounded(own.per_second() / other.per_second()));
        }
        answers.extend(own.answers);
    }
    let open = service.open_events().await;
    report.figures(
        "receiver",
        json!({
            "connections": CONNECTIONS, "pinned_to_one_core": pin.is_some(), "not_200": not_200,
            "requests_per_second": ours, "express_requests_per_second": theirs, "ratios": ratios,
            "cpu_us_per_request": our_cpu, "express_cpu_us_per_request": their_cpu,
            "express": express.as_ref().map_or_else(String::clone, |_| "measured".to_owned()),
            "answer_p50_ms": millis(percentile(&answers, 50)), "answer_p99_ms": millis(percentile(&answers, 99)),
            "open_at_the_end": open, "kommo_calls_meanwhile": kommo.account().calls.len(),
        }),
    );
    match express {
        Ok(_) => report.at_least(what, median(&ratios), 2.0, 2.8),
        Err(why) => report.not_measured(what, &why),
    }
    if not_200 > 0 {
        report.bar(
            "answers other than 200",
            ("0".to_owned(), "0".to_owned()),
            not_200.to_string(),
            (false, false),
        );
    }
}

/// 32 at once through the store, one at a time through the store, and one INSERT per commit without it; in turn.
pub async fn group_commit(run: &Run, report: &mut Report, backend: &Backend) {
    let place = run.place(backend).await;
    let store = place.open().await;
    let account = store.account("bench").await.expect("an account");
    let plain = Plain::open(place.folder());
    let time = Duration::from_secs(run.seconds.min(2));
    let (mut grouped, mut single, mut inserts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..run.rounds {
        grouped.push(rounded(puts_per_second(&store, account, CONNECTIONS, time).await));
        single.push(rounded(puts_per_second(&store, account, 1, time).await));
        inserts.push(rounded(plain.inserts_per_second(time)));
    }
    let ratio = |others: &[f64]| {
        let ratios: Vec<f64> =
            grouped.iter().zip(others).map(|(group, other)| group / other).collect();
        rounded(median(&ratios))
    };
    let (to_single, to_inserts) = (ratio(&single), ratio(&inserts));
    report.figures(
        "group_commit",
        json!({
            "at_once": CONNECTIONS, "grouped_per_second": grouped, "one_at_a_time_per_second": single,
            "plain_inserts_per_second": inserts, "to_one_at_a_time": to_single, "to_plain_inserts": to_inserts,
        }),
    );
    report.at_least(
        "group commit (32 at once) ÷ one commit per request, both through the store",
        to_single,
        2.5,
        3.5,
    );
    report.at_least("the same ÷ a bare loop of one INSERT per commit", to_inserts, 2.5, 3.5);
}

/// One connection: the answer against what the disk takes for one write.
pub async fn one_connection(run: &Run, report: &mut Report, backend: &Backend) {
    let kommo = Kommo::start();
    let place = run.place(backend).await;
    let service = Service::start(&run.setup(&place, &kommo, 50, None));
    deliver(service.address, 1, Topic::Catalogue, Until::Count(200)).await.expect("answers");
    let mut connection = Connection::open(service.address).await.expect("it listens");
    let mut disk = Fdatasync::open(place.folder());
    let (mut answers, mut syncs) = (Vec::new(), Vec::new());
    // One after the other, so that whatever else the machine does hits both alike.
    for number in numbers(run.answers) {
        syncs.push(disk.write());
        let (status, took) = connection.deliver(Topic::Payment, number).await.expect("an answer");
        assert_eq!(status, 200, "a payment was not taken in");
        answers.push(took);
    }
    let (answer, sync) = (millis(percentile(&answers, 50)), millis(percentile(&syncs, 50)));
    let (must, goal) = (rounded(1.5 * sync + 1.0), rounded(1.1 * sync + 0.5));
    report.figures(
        "one_connection",
        json!({
            "answer_p50_ms": answer, "answer_p99_ms": millis(percentile(&answers, 99)),
            "fdatasync_p10_ms": millis(percentile(&syncs, 10)), "fdatasync_p50_ms": sync,
            "fdatasync_p99_ms": millis(percentile(&syncs, 99)),
        }),
    );
    report.bar(
        "one connection: p50 of the answer, ms",
        ("≤ 1.5 × fdatasync + 1".to_owned(), "1.1 × + 0.5".to_owned()),
        format!("{answer} (≤ {must}, {goal})"),
        (answer <= must, answer <= goal),
    );
}
