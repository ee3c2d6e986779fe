//! `cargo bench -p axum_server --bench performance`: the real service, as a process of its own, against a fake Kommo that
//! is as slow and as strict as the real one. See `docs/performance.md`.
//!
//! `-- --quick` takes some minutes and says nothing but that it works; `-- --only drain,burst` runs some of it.
#![expect(clippy::disallowed_types, reason = "ratios of times and sizes, not money")]

mod burst;
mod disk;
mod drain;
mod kommo;
mod paddle;
mod process;
mod receiver;
mod report;
mod service;
mod store;

use std::path::Path;

use serde_json::json;

use crate::{
    kommo::Kommo,
    report::Report,
    service::{Pin, Setup},
    store::{Backend, Place},
};

/// Beside what cargo builds: a disk, where `/tmp` may be memory.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// How much is measured, and where.
struct Run {
    pin: Option<Pin>,
    only: Option<Vec<String>>,
    rounds: usize,
    seconds: u64,
    backlog: u64,
    events: u64,
    lone: usize,
    answers: u64,
}

impl Run {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted == name))
    }

    async fn place(&self, backend: &Backend) -> Place {
        backend.place(Path::new(FOLDER)).await
    }

    fn setup<'a>(
        &self,
        place: &'a Place,
        kommo: &'a Kommo,
        batch_size: usize,
        pin: Option<&'a Pin>,
    ) -> Setup<'a> {
        Setup { place, kommo: &kommo.url, batch_size, pin }
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if !has("--bench") {
        eprintln!("measures nothing unless it is run by `cargo bench`");
        return;
    }
    let only = arguments.iter().position(|argument| argument == "--only").map(|at| {
        arguments
            .get(at + 1)
            .map_or(Vec::new(), |list| list.split(',').map(str::to_owned).collect())
    });
    let is_quick = has("--quick");
    if let Some(unknown) = only.iter().flatten().find(|wanted| !PARTS.contains(&wanted.as_str())) {
        eprintln!("{unknown} is none of {}", PARTS.join(", "));
        std::process::exit(2);
    }
    let run = Run {
        pin: Pin::find(),
        only,
        rounds: if is_quick { 1 } else { 5 },
        seconds: if is_quick { 1 } else { 3 },
        backlog: if is_quick { 1_000 } else { 10_000 },
        events: if is_quick { 10_000 } else { 100_000 },
        lone: if is_quick { 1 } else { 7 },
        answers: if is_quick { 200 } else { 2_000 },
    };
    let mut report = Report::new();
    let file_system = disk::file_system(Path::new(FOLDER));
    if matches!(file_system.as_str(), "tmpfs" | "ramfs") {
        eprintln!(
            "the target folder is in memory ({file_system}): durability costs nothing there. Set CARGO_TARGET_DIR to a disk"
        );
        std::process::exit(1);
    }
    report.figures(
        "machine",
        json!({
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
            "load_average": load(), "file_system": file_system, "is_quick": is_quick,
            "taskset": run.pin.is_some(),
        }),
    );
    let mut backends = vec![Backend::Sqlite];
    match Backend::postgres(Path::new(FOLDER)) {
        Ok(postgres) => backends.push(postgres),
        Err(why) => report.note(format!("PostgreSQL was not measured: {why}")),
    }
    // The stores one after the other in each part, so that the machine is as busy for the one as for the other.
    for part in PARTS.into_iter().filter(|part| run.wants(part)) {
        for backend in &backends {
            // The lanes of a killed node wait for their lease of two minutes there, as other nodes may be at work.
            if part == "kill" && run.only.is_none() && matches!(backend, Backend::Postgres(_)) {
                continue;
            }
            report.turn_to(backend.name());
            measure(&run, &mut report, backend, part).await;
        }
    }
    report.note(format!("load average at the end: {}", load()));
    print!("{}", report.table());
    println!("{}", report.json());
}

const PARTS: [&str; 9] =
    ["commit", "receiver", "connection", "drain", "lone", "burst", "kill", "memory", "start"];

async fn measure(run: &Run, report: &mut Report, backend: &Backend, part: &str) {
    match part {
        "commit" => receiver::group_commit(run, report, backend).await,
        "receiver" => receiver::against_express(run, report, backend).await,
        "connection" => receiver::one_connection(run, report, backend).await,
        "drain" => {
            drain::drain(run, report, backend, 50).await;
            drain::drain(run, report, backend, 250).await;
        }
        "lone" => burst::lone_payment(run, report, backend).await,
        "burst" => burst::burst(run, report, backend, false).await,
        "kill" => burst::burst(run, report, backend, true).await,
        "memory" => process::memory(run, report, backend).await,
        "start" => process::start(run, report, backend).await,
        _ => {}
    }
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
