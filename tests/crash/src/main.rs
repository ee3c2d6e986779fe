//! Kills the engine at every step, starts it again, and checks what a fake Kommo was written: nothing lost, nothing
//! twice, at any of a few thousand points.
//!
//! `crash --all` runs everything that CI runs, on both stores; `--all-points` adds the points for which CI has
//! no time. `crash --store postgres --story payment` runs one story on one store, and
//! `crash --story payment --point 1/step:after:begin#2` a single point again.

mod arguments;
mod check;
mod child;
mod node;
mod point;
mod processes;
mod series;
mod shared_clock;
mod steps;
mod stores;
mod story;
mod table;
mod tell;
mod trial;
mod two_nodes;
mod watched;

use std::{
    cmp::Reverse,
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
    stores::{StoreKind, Stores},
    story::Story,
    table::Table,
    trial::{Report, Trial},
};

const FAILED: &str = "a thread of the harness failed";

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
        // It lives as long as its harness wants.
        "node" => runtime()?.block_on(node::node(arguments)),
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
    if arguments.has("two-nodes") {
        let ran = two_nodes::run(&Stores::start(&[StoreKind::Postgres])?)?;
        let mut table = Table::default();
        table.add_two_nodes(&ran);
        table.print();
        println!("{}", ran.said);
        return Ok(table.failed == 0);
    }
    let is_all = arguments.has("all") || arguments.has("all-points");
    let stories = match arguments.optional("story") {
        Some(name) => vec![story::named(&name)?],
        None if is_all => story::all(),
        None => {
            return Err(
                "--all, --all-points, --two-nodes, --story NAME, or --story NAME --point POINT"
                    .to_owned(),
            );
        }
    };
    let begin = Instant::now();
    let kinds = StoreKind::chosen(arguments)?;
    let stores = Stores::start(&kinds)?;
    let mut plots = Vec::new();
    for kind in &kinds {
        for (place, story) in stories.iter().enumerate() {
            plots.push(Plot::calm(&stores, *kind, (place, story))?);
        }
    }
    if let Some(point) = arguments.optional("point") {
        return single(&stores, &plots, &point.parse()?);
    }
    let with_strace = strace_works();
    if !with_strace {
        println!("not run: kills at system calls need strace, and the right to trace processes");
    }
    let mut jobs = Vec::new();
    for kind in kinds.iter().copied() {
        for series in Series::all(kind, with_strace, arguments.has("all-points")) {
            let is_due = |plot: &&Plot<'_>| {
                plot.kind == kind && (plot.place == 0 || series.depends_on_story())
            };
            jobs.extend(plots.iter().filter(is_due).map(|plot| (plot, series)));
        }
    }
    // The longest first, or one of them goes on alone at the end.
    jobs.sort_by_key(|(plot, series)| Reverse(series.weight(plot.kind, &plot.undisturbed)));
    let (queue, table) = (Mutex::new(VecDeque::from(jobs)), Mutex::new(Table::default()));
    // A life waits for its disk, or for its server, half of the time.
    let threads = thread::available_parallelism().map_or(1, usize::from).saturating_mul(2);
    let is_whole = arguments.has("all") && arguments.optional("story").is_none();
    let has_two_nodes = is_whole && kinds.contains(&StoreKind::Postgres);
    let two_nodes = thread::scope(|scope| {
        // They wait for Kommo's pace most of the time.
        let two_nodes = has_two_nodes.then(|| scope.spawn(|| two_nodes::run(&stores)));
        let worker = || {
            let worked = work(&stores, &queue, &table);
            if let Err(why) = &worked {
                // The others would go on for a long time before anybody hears of it.
                println!("{why}");
                queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
            worked
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            worker.join().map_err(|_| FAILED.to_owned())??;
        }
        two_nodes.map(|ran| ran.join().map_err(|_| FAILED.to_owned())?).transpose()
    })?;
    let mut table = table.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(ran) = &two_nodes {
        table.add_two_nodes(ran);
    }
    table.print();
    if let Some(ran) = two_nodes {
        println!("{}", ran.said);
    }
    println!(
        "{} points, {} with a violation, {} s ({} more runs reached no point)",
        table.points(),
        table.failed,
        begin.elapsed().as_secs(),
        table.missed
    );
    if is_all {
        if with_strace && arguments.optional("story").is_none() {
            table.is_enough(&kinds)?;
        }
        if kinds.contains(&StoreKind::Sqlite) {
            processes::second_is_refused()?;
            println!(
                "two processes on one SQLite file: the second is refused, and the file is free when the first is killed"
            );
        }
    }
    Ok(table.failed == 0)
}

/// A story on a store, and how it goes without a kill.
struct Plot<'a> {
    kind: StoreKind,
    place: usize,
    story: &'a Story,
    undisturbed: Report,
    expected: Expected,
}

impl<'a> Plot<'a> {
    /// The story without a kill must end as it was written down.
    fn calm(
        stores: &Stores,
        kind: StoreKind,
        (place, story): (usize, &'a Story),
    ) -> Result<Self, String> {
        let run = Trial::run((stores, kind), story, &Point::Undisturbed, None);
        let (undisturbed, expected) = runtime()?.block_on(run)?;
        match undisturbed.violations.first() {
            Some(violation) => {
                Err(format!("{} on {} without any kill: {violation}", story.name, kind.name()))
            }
            None => Ok(Self { kind, place, story, undisturbed, expected }),
        }
    }
}

fn single(stores: &Stores, plots: &[Plot<'_>], point: &Point) -> Result<bool, String> {
    let mut is_good = true;
    for plot in plots {
        let run = Trial::run((stores, plot.kind), plot.story, point, Some(&plot.expected));
        let (report, _) = runtime()?.block_on(run)?;
        println!("{} on {}", plot.story.name, plot.kind.name());
        for (life, log) in &report.logs {
            println!("{life}: {}", log.join(" "));
        }
        if !report.is_reached {
            println!("the point was not reached");
        }
        for violation in &report.violations {
            println!("{}: {violation}", plot.story.name);
            is_good = false;
        }
    }
    Ok(is_good)
}

type Job<'a> = (&'a Plot<'a>, Series);

fn work(
    stores: &Stores,
    queue: &Mutex<VecDeque<Job<'_>>>,
    table: &Mutex<Table>,
) -> Result<(), String> {
    let runtime = runtime()?;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some((plot, series)) = next else { return Ok(()) };
        let (kind, story) = (plot.kind, plot.story);
        series.run(&plot.undisturbed, &mut |point| {
            let run = Trial::run((stores, kind), story, &point, Some(&plot.expected));
            let (report, _) = runtime.block_on(run)?;
            for violation in &report.violations {
                println!(
                    "VIOLATION {violation}\n  again: cargo run --release -p crash -- --store {} --story {} --point '{point}'",
                    kind.name(),
                    story.name
                );
            }
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.add((plot.place, story.name), kind, &point, &report);
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
