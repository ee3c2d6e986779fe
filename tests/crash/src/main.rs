//! Kills the engine at every step, starts it again, and checks what a fake Kommo was written: nothing lost, nothing
//! twice, at any of a few thousand points.
//!
//! `crash --all` runs everything, `crash --story payment` one story, and
//! `crash --story payment --point 1/step:after:begin#2` a single point again.

mod arguments;
mod check;
mod child;
mod point;
mod processes;
mod series;
mod steps;
mod story;
mod table;
mod trial;
mod watched;

use std::{
    collections::VecDeque,
    process::{Command, ExitCode, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use self::{
    arguments::Arguments,
    check::Expected,
    point::Point,
    series::Series,
    story::Story,
    table::Table,
    trial::{Report, StoreKind, Trial},
};

/// A run of all stories that has fewer points proves nothing.
const FEWEST: u32 = 2_000;

/// How long one life may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    let role = words.next_if(|word| !word.starts_with("--"));
    let result = Arguments::parse(words).and_then(|arguments| match role.as_deref() {
        None => harness(&arguments),
        Some(role) => be(role, &arguments).map(|()| true),
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // For whoever reads this process; one line.
            println!("error {}", error.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

/// A child process.
fn be(role: &str, arguments: &Arguments) -> Result<(), String> {
    let done = match role {
        "live" => in_time(child::live(arguments))?,
        "two-workers" => in_time(child::two_workers(arguments))?,
        "hold" => child::hold(arguments),
        _ => return Err(format!("no such role: {role}")),
    };
    done.map_err(|error| format!("{error}: {error:?}"))
}

/// A life that hangs is told, and does not hold up the others.
fn in_time<T>(life: impl Future<Output = T>) -> Result<T, String> {
    runtime()?
        .block_on(async { tokio::time::timeout(PATIENCE, life).await })
        .map_err(|_| "it hangs".to_owned())
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| error.to_string())
}

fn harness(arguments: &Arguments) -> Result<bool, String> {
    let stories = match arguments.optional("story") {
        Some(name) => vec![story::named(&name)?],
        None if arguments.has("all") => story::all(),
        None => return Err("--all, or --story NAME, or --story NAME --point POINT".to_owned()),
    };
    let store = StoreKind::Sqlite;
    let begin = Instant::now();
    let undisturbed =
        stories.iter().map(|story| calm(store, story)).collect::<Result<Vec<_>, _>>()?;
    let stories: Vec<_> = stories.iter().zip(&undisturbed).collect();
    if let Some(point) = arguments.optional("point") {
        return single(store, &stories, &point.parse()?);
    }
    let with_strace = strace_works();
    if !with_strace {
        println!("not run: kills at system calls need strace, and the right to trace processes");
    }
    let mut queue = VecDeque::new();
    for series in Series::all(with_strace) {
        queue.extend((0..stories.len()).map(|story| (story, series)));
    }
    let (queue, table) = (Mutex::new(queue), Mutex::new(Table::default()));
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..jobs).map(|_| scope.spawn(|| work(store, &stories, &queue, &table))).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().map_err(|_| "a thread of the harness failed".to_owned())?
        })
    })?;
    let table = table.into_inner().unwrap_or_else(PoisonError::into_inner);
    table.print();
    println!(
        "{} points, {} with a violation, {} s ({} more runs reached no point)",
        table.points,
        table.failed,
        begin.elapsed().as_secs(),
        table.missed
    );
    if arguments.has("all") {
        if with_strace && table.points < FEWEST {
            return Err(format!("only {} points: the harness kills too little", table.points));
        }
        processes::second_is_refused()?;
        println!(
            "two processes on one SQLite file: the second is refused, and the file is free when the first is killed"
        );
    }
    Ok(table.failed == 0)
}

/// The story without a kill, which must end as it was written down.
fn calm(store: StoreKind, story: &Story) -> Result<(Report, Expected), String> {
    let run = Trial::run(store, story, &Point::Undisturbed, None);
    let (report, expected) = runtime()?.block_on(run)?;
    match report.violations.first() {
        Some(violation) => Err(format!("{} without any kill: {violation}", story.name)),
        None => Ok((report, expected)),
    }
}

fn single(
    store: StoreKind,
    stories: &[(&Story, &(Report, Expected))],
    point: &Point,
) -> Result<bool, String> {
    let mut is_good = true;
    for (story, (_, expected)) in stories {
        let (report, _) = runtime()?.block_on(Trial::run(store, story, point, Some(expected)))?;
        for (life, log) in &report.logs {
            println!("{life}: {}", log.join(" "));
        }
        if !report.is_reached {
            println!("the point was not reached");
        }
        for violation in &report.violations {
            println!("{}: {violation}", story.name);
            is_good = false;
        }
    }
    Ok(is_good)
}

type Job = (usize, Series);

fn work(
    store: StoreKind,
    stories: &[(&Story, &(Report, Expected))],
    queue: &Mutex<VecDeque<Job>>,
    table: &Mutex<Table>,
) -> Result<(), String> {
    let runtime = runtime()?;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((place, series)) = next else { return Ok(()) };
        let Some((story, (undisturbed, expected))) = stories.get(place) else { continue };
        series.run(undisturbed, &mut |point| {
            let run = Trial::run(store, story, &point, Some(expected));
            let (report, _) = runtime.block_on(run)?;
            for violation in &report.violations {
                println!(
                    "VIOLATION {violation}\n  again: cargo run --release -p crash -- --story {} --point '{point}'",
                    story.name
                );
            }
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.add((place, story.name), store, &point, &report);
            Ok(report)
        })?;
    }
}

/// Whether strace is there and may trace.
fn strace_works() -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=write", "true"]);
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
