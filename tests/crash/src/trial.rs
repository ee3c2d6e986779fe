//! One story with one point, on the side that survives: the fake Kommo, Paddle's redeliveries, and the restarts.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use kommo_client::fake::{FakeKommo, FakeLead, Fault};

use crate::{
    check::{self, Expected, Violation},
    point::{Fate, Kill, Point},
    stores::{Home, StoreKind, Stores},
    story::{BEGIN, LEAD, Story},
};

/// A look at what waits, this many seconds of the story's time after the one before.
const ROUND: i64 = 60;

/// After a kill nothing happens before the lease of who was killed has ended.
const PAST_THE_LEASE: i64 = 121;

/// More lives than any story needs; after that it is stuck.
const LIVES: usize = 40;

/// For the answer that nobody waits for any more.
const FOR_EVER: Duration = Duration::from_secs(600);

/// How a story went.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Whether all kills and stops of the point took place.
    pub(crate) is_reached: bool,
    pub(crate) violations: Vec<Violation>,
    /// The moments of each life that came to its end, by its number; of the two workers where there were two.
    pub(crate) logs: BTreeMap<usize, Vec<String>>,
    /// The methods of the requests to Kommo.
    pub(crate) requests: Vec<String>,
}

/// What one life told.
#[derive(Debug, Default)]
struct Told {
    is_ready: bool,
    acknowledged: Vec<usize>,
    /// Of each worker.
    logs: Vec<Vec<String>>,
    /// How many workers were stopped.
    stops: u32,
    /// Open and parked events, if it came to its end.
    end: Option<(u64, u64)>,
    errors: Vec<String>,
}

/// A story under way.
pub(crate) struct Trial<'a> {
    story: &'a Story,
    point: &'a Point,
    home: Home<'a>,
    kommo: FakeKommo,
    now: i64,
    lives: usize,
    acknowledged: BTreeSet<usize>,
    report: Report,
}

impl<'a> Trial<'a> {
    /// `expected` is what the undisturbed story left in Kommo; none for that story itself.
    pub(crate) async fn run(
        (stores, kind): (&'a Stores, StoreKind),
        story: &'a Story,
        point: &'a Point,
        expected: Option<&Expected>,
    ) -> Result<(Report, Expected), String> {
        let mut trial = Self::begin((stores, kind), story, point).await?;
        let parked = match point {
            Point::Stopped { first, second } => trial.two_workers(first, second.as_deref())?,
            Point::Undisturbed | Point::Kills(_) => trial.lives()?,
        };
        let found = Expected::read(&trial.kommo);
        trial.report.requests =
            trial.kommo.requests().into_iter().map(|request| request.method).collect();
        if let Some(parked) = parked {
            let mut violations = check::end(story, &trial.kommo, expected.unwrap_or(&found));
            violations.extend((parked > 0).then_some(Violation::Parked(parked)));
            trial.report.violations.extend(violations);
            trial.replay()?;
        } else {
            trial.report.violations.push(Violation::Stuck);
        }
        Ok((trial.report, found))
    }

    async fn begin(
        (stores, kind): (&'a Stores, StoreKind),
        story: &'a Story,
        point: &'a Point,
    ) -> Result<Self, String> {
        let kommo = FakeKommo::start().await;
        kommo.set_rate_limit(None);
        kommo.set_time(Some(BEGIN.unix_timestamp()));
        kommo.add_paddle_fields();
        kommo.add_lead(FakeLead::new("Acme").id(LEAD));
        if let Point::Kills(kills) = point {
            for kill in kills {
                if let Kill::Request { nth, fate } = kill {
                    kommo.fail_next(held(*nth, *fate));
                }
            }
        }
        (story.trouble)(&kommo);
        let makes_tables =
            matches!(point, Point::Kills(kills) if kills.iter().any(Kill::is_in_opening));
        let home = stores.home(kind, makes_tables).await?;
        Ok(Self {
            story,
            point,
            home,
            kommo,
            now: BEGIN.unix_timestamp(),
            lives: 0,
            acknowledged: BTreeSet::new(),
            report: Report { is_reached: true, ..Report::default() },
        })
    }

    /// Lives until everything is done; tells how many events are parked, or none when it never ends.
    fn lives(&mut self) -> Result<Option<u64>, String> {
        let mut kills = match self.point {
            Point::Kills(kills) => kills.clone(),
            _ => Vec::new(),
        };
        let mut wait = ROUND;
        while self.lives < LIVES {
            self.lives = self.lives.saturating_add(1);
            let told = self.life(kills.first())?;
            // An acknowledgement that was read is one, whatever became of its sender.
            self.acknowledged.extend(&told.acknowledged);
            self.report.logs.extend(told.logs.into_iter().map(|log| (self.lives, log)));
            match told.end {
                None if told.errors.is_empty() && !kills.is_empty() => {
                    kills.remove(0);
                    wait = PAST_THE_LEASE;
                }
                None => {
                    self.report.violations.push(Violation::Died(told.errors.join("; ")));
                    return Ok(None);
                }
                Some((0, parked)) if self.acknowledged.len() == self.story.deliveries() => {
                    self.report.is_reached = kills.is_empty();
                    self.pass(ROUND - 1);
                    return Ok(Some(parked));
                }
                Some(_) => {
                    self.pass(std::mem::replace(&mut wait, ROUND) - 1);
                    self.pass(1);
                }
            }
        }
        Ok(None)
    }

    /// Time goes on; what Kommo held back is carried out.
    fn pass(&mut self, seconds: i64) {
        self.now = self.now.saturating_add(seconds);
        self.kommo.set_time(Some(self.now));
        self.kommo.apply_held();
    }

    fn life(&self, kill: Option<&Kill>) -> Result<Told, String> {
        let acknowledged: Vec<String> = self.acknowledged.iter().map(usize::to_string).collect();
        let mut words = self.words("live");
        words.extend(["--acknowledged".to_owned(), acknowledged.join(",")]);
        let here = |life: &usize| *life == self.lives;
        match kill {
            Some(Kill::Step { life, step }) if here(life) => {
                words.extend(["--die".to_owned(), step.clone()]);
                self.watch(start(None, &words)?, None)
            }
            Some(Kill::Opening { life, name, nth }) if here(life) => {
                words.push("--wait".to_owned());
                let told = self.watch(start(Some(&injection(name, *nth)), &words)?, None)?;
                // Later calls are those of the other kind.
                if told.is_ready && told.end.is_none() { self.life(None) } else { Ok(told) }
            }
            Some(Kill::Syscall { life, name, nth }) if here(life) => {
                words.push("--wait".to_owned());
                self.watch(start(None, &words)?, Some(Until::Call(injection(name, *nth))))
            }
            Some(Kill::Request { nth, .. }) => {
                self.watch(start(None, &words)?, Some(Until::Request(*nth)))
            }
            _ => self.watch(start(None, &words)?, None),
        }
    }

    fn two_workers(&mut self, first: &str, second: Option<&str>) -> Result<Option<u64>, String> {
        let mut words = self.words("two-workers");
        words.extend(["--first".to_owned(), first.to_owned()]);
        words.extend(
            second.into_iter().flat_map(|second| ["--second".to_owned(), second.to_owned()]),
        );
        let told = self.watch(start(None, &words)?, None)?;
        self.report.is_reached = told.stops == if second.is_some() { 2 } else { 1 };
        self.report.logs = (1..).zip(told.logs).collect();
        self.acknowledged.extend(0..self.story.deliveries());
        match told.end {
            Some((0, parked)) => Ok(Some(parked)),
            Some(_) => Ok(None),
            None => {
                self.report.violations.push(Violation::Died(told.errors.join("; ")));
                Ok(None)
            }
        }
    }

    /// Everything once more: nothing may be written.
    fn replay(&mut self) -> Result<(), String> {
        let before = self.kommo.ledger().len();
        self.acknowledged.clear();
        self.lives = usize::MAX;
        let told = self.life(None)?;
        let written = self.kommo.ledger().len().saturating_sub(before);
        if written > 0 || !matches!(told.end, Some((0, _))) {
            self.report.violations.push(Violation::Replay(written));
        }
        Ok(())
    }

    fn words(&self, what: &str) -> Vec<String> {
        let now = self.now.to_string();
        let kommo = self.kommo.uri();
        let options = [
            ("store", self.home.address.as_str()),
            ("account", &self.home.account),
            ("kommo", &kommo),
            ("token", self.kommo.token()),
            ("story", self.story.name),
            ("now", &now),
        ];
        let options =
            options.into_iter().flat_map(|(name, value)| [format!("--{name}"), value.to_owned()]);
        [what.to_owned()].into_iter().chain(options).collect()
    }

    /// Listens to a life until its end.
    fn watch(&self, mut child: Child, until: Option<Until>) -> Result<Told, String> {
        let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes".to_owned());
        };
        let is_over = AtomicBool::new(false);
        let id = child.id();
        let mut told = Told::default();
        let mut tracer = None;
        thread::scope(|scope| {
            let killing = match until {
                Some(Until::Request(nth)) => Some(scope.spawn({
                    let (is_over, child) = (&is_over, &mut child);
                    move || {
                        while !is_over.load(Ordering::Acquire) {
                            if self.kommo.requests().last().is_some_and(|last| last.at >= nth) {
                                return child.kill();
                            }
                            thread::sleep(LOOK);
                        }
                        Ok(())
                    }
                })),
                _ => None,
            };
            for line in BufReader::new(from).lines() {
                let line = line.map_err(|error| error.to_string())?;
                let asks = told.hear(&line)?;
                match (&asks, &until) {
                    (Some(Asks::Clock(now)), _) => self.kommo.set_time(Some(*now)),
                    (Some(Asks::Go), Some(Until::Call(injection))) => {
                        tracer = Some(attach(injection, id)?);
                    }
                    (Some(Asks::Go), _) | (None, _) => {}
                }
                if asks.is_some() {
                    // It may be dead by now, and then it needs no answer.
                    drop(to.write_all(b"\n"));
                }
            }
            is_over.store(true, Ordering::Release);
            if let Some(killing) = killing {
                let killed = killing.join().map_err(|_| "the watch failed".to_owned())?;
                killed.map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        })?;
        for mut ended in [Some(child), tracer].into_iter().flatten() {
            ended.wait().map_err(|error| error.to_string())?;
        }
        Ok(told)
    }
}

/// What a life waits for.
enum Asks {
    Clock(i64),
    Go,
}

/// What ends a life from outside.
enum Until {
    Request(u64),
    Call([String; 4]),
}

/// How often it is looked whether something has happened in another process.
const LOOK: Duration = Duration::from_micros(300);

/// For strace: a kill on the way into a call.
fn injection(name: &str, nth: u32) -> [String; 4] {
    let kill = format!("inject={name}:signal=SIGKILL:when={nth}");
    ["-e".to_owned(), format!("trace={name}"), "-e".to_owned(), kill]
}

fn strace() -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    strace
}

/// Starts a process; under strace from the beginning, where an injection is given.
fn start(injection: Option<&[String; 4]>, words: &[String]) -> Result<Child, String> {
    let own = own()?;
    let mut command = match injection {
        None => Command::new(&own),
        Some(injection) => {
            let mut strace = strace();
            strace.args(injection).arg(&own);
            strace
        }
    };
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))
}

/// Has all threads of a process traced from now on.
fn attach(injection: &[String; 4], id: u32) -> Result<Child, String> {
    let mut command = strace();
    command.args(injection).args(["-p", &id.to_string()]);
    let mut tracer = command.spawn().map_err(|error| format!("strace: {error}"))?;
    while !is_traced(id)? {
        if let Some(status) = tracer.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("strace cannot attach: {status}"));
        }
        thread::sleep(LOOK);
    }
    Ok(tracer)
}

fn is_traced(id: u32) -> Result<bool, String> {
    let threads =
        std::fs::read_dir(format!("/proc/{id}/task")).map_err(|error| error.to_string())?;
    for thread in threads {
        let status =
            thread.and_then(|thread| std::fs::read_to_string(thread.path().join("status")));
        let status = status.map_err(|error| error.to_string())?;
        if status.lines().any(|line| line == "TracerPid:\t0") {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Told {
    /// Takes in one line.
    fn hear(&mut self, line: &str) -> Result<Option<Asks>, String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let bad = || format!("a life said {line:?}");
        match word {
            "acknowledged" => self.acknowledged.push(rest.parse().map_err(|_| bad())?),
            "stops" => self.stops = rest.parse().map_err(|_| bad())?,
            "log" => self.logs.push(rest.split(' ').map(str::to_owned).collect()),
            "clock" => return rest.parse().map(|now| Some(Asks::Clock(now))).map_err(|_| bad()),
            "ready" => {
                self.is_ready = true;
                return Ok(Some(Asks::Go));
            }
            "error" => self.errors.push(rest.to_owned()),
            "end" => {
                let (open, parked) = rest.split_once(' ').ok_or_else(bad)?;
                self.end =
                    Some((open.parse().map_err(|_| bad())?, parked.parse().map_err(|_| bad())?));
            }
            _ => return Err(bad()),
        }
        Ok(None)
    }
}

/// A request that is answered too late for anybody.
fn held(nth: u64, fate: Fate) -> Fault {
    let held = Fault::hang(FOR_EVER).nth(nth);
    match fate {
        Fate::Written => held.applied(),
        Fate::Unwritten => held,
        Fate::Late => held.applied_later(),
    }
}

pub(crate) fn own() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| error.to_string())
}
