//! What the process needs: memory, and time to start.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    Run,
    kommo::Kommo,
    paddle::{Topic, Until, deliver, numbers},
    report::{Report, median, millis, rounded},
    service::Service,
    store::Backend,
};

/// Idle, and after many events that end without a call to Kommo: at its pace as many payments would take eleven
/// minutes.
pub async fn memory(run: &Run, report: &mut Report, backend: &Backend) {
    let what = "resident memory";
    let kommo = Kommo::start();
    let place = run.place(backend).await;
    let service = Service::start(&run.setup(&place, &kommo, 50, None));
    service.is_idle_within(Duration::from_secs(10)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let Some((idle, _)) = service.memory() else {
        return report.not_measured(what, "there is no /proc here");
    };
    let delivered = deliver(service.address, 32, Topic::Catalogue, Until::Count(run.events))
        .await
        .expect("answers");
    let received = service.memory();
    let is_done = service.is_idle_within(Duration::from_secs(120)).await;
    let (after, highest) = service.memory().expect("it runs");
    let mib = |kib: u64| rounded(kib as f64 / 1024.0);
    report.figures(
        "memory",
        json!({
            "events": run.events, "kind": "product.updated", "not_200": delivered.not_200, "is_done": is_done,
            "requests_per_second": rounded(delivered.per_second()),
            "idle_mib": mib(idle), "received_mib": received.map(|(now, _)| mib(now)), "after_mib": mib(after),
            "highest_mib": mib(highest),
        }),
    );
    report.at_most("resident memory idle, MiB", mib(idle), 25.0, 10.0);
    report.at_most(
        &format!("resident memory after {} events, highest, MiB", run.events),
        mib(highest),
        64.0,
        48.0,
    );
}

/// From the start of the process to the first 200 of `/health/ready`.
pub async fn start(run: &Run, report: &mut Report, backend: &Backend) {
    let place = run.place(backend).await;
    place.seed(numbers(run.events)).await;
    let kommo = Kommo::start();
    let mut times = Vec::new();
    for _ in 0..3 {
        let started = Instant::now();
        let service = Service::start(&run.setup(&place, &kommo, 50, None));
        while service.open_events().await.is_none() {
            assert!(started.elapsed() < Duration::from_secs(60), "it was never ready");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        times.push(millis(started.elapsed()));
        // The next start finds what a crash leaves.
        service.kill();
    }
    report.figures("start", json!({"open": run.events, "milliseconds": times}));
    report.at_most(
        &format!("start with {} open rows, s", run.events),
        median(&times) / 1000.0,
        2.0,
        2.0,
    );
}
