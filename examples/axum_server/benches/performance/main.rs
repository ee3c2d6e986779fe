//! `cargo bench -p axum_server --bench performance`: the real service, as a process of its own, against a fake Kommo that
//! is as slow and as strict as the real one. See `docs/performance.md`.
//!
//! `-- --quick` takes a minute and says nothing but that it works; `-- --only drain,burst` runs some of it.
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
use tempfile::TempDir;

use crate::{
    kommo::Kommo,
    report::Report,
    service::{Pin, Setup},
    store::Backend,
};

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

    /// Beside what cargo builds: a disk, where `/tmp` may be memory.
    fn folder(&self) -> TempDir {
        TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
    }

    fn setup<'a>(
        &self,
        folder: &'a TempDir,
        backend: &'a Backend,
        kommo: &'a Kommo,
        batch_size: usize,
        pin: Option<&'a Pin>,
    ) -> Setup<'a> {
        Setup { folder: folder.path(), backend, kommo: &kommo.url, batch_size, pin }
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
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file_system = disk::file_system(target);
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
    if run.wants("commit") {
        receiver::group_commit(&run, &mut report).await;
    }
    for backend in Backend::all() {
        measure(&run, &mut report, &backend).await;
    }
    report.figures("load_average_at_the_end", json!(load()));
    print!("{}", report.table());
    println!("{}", report.json());
}

async fn measure(run: &Run, report: &mut Report, backend: &Backend) {
    if run.wants("receiver") {
        receiver::against_express(run, report, backend).await;
    }
    if run.wants("connection") {
        receiver::one_connection(run, report, backend).await;
    }
    if run.wants("drain") {
        drain::drain(run, report, backend, 50).await;
        drain::drain(run, report, backend, 250).await;
    }
    if run.wants("lone") {
        burst::lone_payment(run, report, backend).await;
    }
    if run.wants("burst") {
        burst::burst(run, report, backend, false).await;
    }
    if run.wants("kill") {
        burst::burst(run, report, backend, true).await;
    }
    if run.wants("memory") {
        process::memory(run, report, backend).await;
    }
    if run.wants("start") {
        process::start(run, report, backend).await;
    }
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
