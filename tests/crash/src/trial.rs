//! One story with one point, on the side that survives: the fake Kommo, Paddle's redeliveries, and the restarts.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use kommo_client::fake::{FakeKommo, FakeLead, Fault};
use tempfile::TempDir;

use crate::{
    check::{self, Expected, Violation},
    point::{Fate, Kill, Point},
    story::{BEGIN, LEAD, Story},
};

/// A look at what waits, this many seconds of the story's time after the one before.
const ROUND: i64 = 60;

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
    /// The moments of each life; of the two workers where there were two.
    pub(crate) logs: Vec<Vec<String>>,
    /// The methods of the requests to Kommo.
    pub(crate) requests: Vec<String>,
}

/// What one life told.
#[derive(Debug, Default)]
struct Told {
    acknowledged: Vec<usize>,
    logs: Vec<Vec<String>>,
    /// Open and parked events, if it came to its end.
    end: Option<(u64, u64)>,
    errors: Vec<String>,
}

/// Where the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StoreKind {
    Sqlite,
}

impl StoreKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
        }
    }
}

/// A story under way.
pub(crate) struct Trial<'a> {
    story: &'a Story,
    point: &'a Point,
    store: String,
    account: String,
    kommo: FakeKommo,
    folder: TempDir,
    now: i64,
    lives: usize,
    acknowledged: BTreeSet<usize>,
    report: Report,
}

impl<'a> Trial<'a> {
    /// `expected` is what the undisturbed story left in Kommo; none for that story itself.
    pub(crate) async fn run(
        store: StoreKind,
        story: &'a Story,
        point: &'a Point,
        expected: Option<&Expected>,
    ) -> Result<(Report, Expected), String> {
        let mut trial = Self::begin(store, story, point).await?;
        let parked = match point {
            Point::Stopped { first, second } => trial.two_workers(first, second.as_deref())?,
            Point::Undisturbed | Point::Kills(_) => trial.lives()?,
        };
        let found = Expected::read(&trial.kommo);
        trial.report.requests = trial.kommo.requests().into_iter().map(|request| request.method).collect();
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

    async fn begin(store: StoreKind, story: &'a Story, point: &'a Point) -> Result<Self, String> {
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
        let folder = folder()?;
        let (store, account) = match store {
            StoreKind::Sqlite => {
                (format!("sqlite:{}", folder.path().join("store.db").display()), "default".to_owned())
            }
        };
        Ok(Self {
            story,
            point,
            store,
            account,
            kommo,
            folder,
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
        while self.lives < LIVES {
            self.lives = self.lives.saturating_add(1);
            let told = self.life(kills.first())?;
            // An acknowledgement that was read is one, whatever became of its sender.
            self.acknowledged.extend(&told.acknowledged);
            self.report.logs.extend(told.logs);
            match told.end {
                None if told.errors.is_empty() && !kills.is_empty() => {
                    kills.remove(0);
                }
                None => {
                    self.report.violations.push(Violation::Died(told.errors.join("; ")));
                    return Ok(None);
                }
                Some((0, parked)) if self.acknowledged.len() == self.story.deliveries() => {
                    self.report.is_reached = kills.is_empty();
                    return Ok(Some(parked));
                }
                Some(_) => {
                    self.kommo.set_time(Some(self.now.saturating_add(ROUND - 1)));
                    self.kommo.apply_held();
                    self.now = self.now.saturating_add(ROUND);
                    self.kommo.set_time(Some(self.now));
                }
            }
        }
        Ok(None)
    }

    fn life(&self, kill: Option<&Kill>) -> Result<Told, String> {
        let acknowledged: Vec<String> = self.acknowledged.iter().map(usize::to_string).collect();
        let mut words = self.words("live");
        words.extend(["--acknowledged".to_owned(), acknowledged.join(",")]);
        match kill {
            Some(Kill::Step { life, step }) if *life == self.lives => {
                words.extend(["--die".to_owned(), step.clone()]);
                self.watch(self.spawn(None, &words)?, None)
            }
            Some(Kill::Syscall { life, name, nth }) if *life == self.lives => {
                self.watch(self.spawn(Some((name, *nth)), &words)?, None)
            }
            Some(Kill::Request { nth, .. }) => self.watch(self.spawn(None, &words)?, Some(*nth)),
            _ => self.watch(self.spawn(None, &words)?, None),
        }
    }

    fn two_workers(&mut self, first: &str, second: Option<&str>) -> Result<Option<u64>, String> {
        let mut words = self.words("two-workers");
        words.extend(["--first".to_owned(), first.to_owned()]);
        words.extend(second.into_iter().flat_map(|second| ["--second".to_owned(), second.to_owned()]));
        let told = self.watch(self.spawn(None, &words)?, None)?;
        let reached = |log: usize, step: &str| {
            told.logs.get(log).is_some_and(|log| log.iter().any(|reached| reached == step))
        };
        self.report.is_reached =
            reached(0, first) && second.is_none_or(|second| reached(1, second));
        self.report.logs = told.logs;
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
            ("store", self.store.as_str()),
            ("account", &self.account),
            ("kommo", &kommo),
            ("token", self.kommo.token()),
            ("story", self.story.name),
            ("now", &now),
        ];
        let options = options.into_iter().flat_map(|(name, value)| [format!("--{name}"), value.to_owned()]);
        [what.to_owned()].into_iter().chain(options).collect()
    }

    /// Under strace, which kills on the way into the `nth` call of that name, where one is given.
    fn spawn(&self, call: Option<(&str, u32)>, words: &[String]) -> Result<Child, String> {
        let own = own()?;
        let mut command = match call {
            None => Command::new(&own),
            Some((name, nth)) => {
                let mut strace = Command::new("strace");
                strace
                    .args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e"])
                    .arg(format!("trace={name}"))
                    .arg("-e")
                    .arg(format!("inject={name}:signal=SIGKILL:when={nth}"))
                    .arg(&own);
                strace
            }
        };
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command.current_dir(self.folder.path());
        command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))
    }

    /// Listens to a life until its end; kills it when Kommo has got the `nth` request.
    fn watch(&self, mut child: Child, nth: Option<u64>) -> Result<Told, String> {
        let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes".to_owned());
        };
        let is_over = AtomicBool::new(false);
        let mut told = Told::default();
        thread::scope(|scope| {
            let killing = nth.map(|nth| {
                scope.spawn({
                    let (is_over, child) = (&is_over, &mut child);
                    move || {
                        while !is_over.load(Ordering::Acquire) {
                            if self.kommo.requests().last().is_some_and(|last| last.at >= nth) {
                                return child.kill();
                            }
                            thread::sleep(Duration::from_micros(300));
                        }
                        Ok(())
                    }
                })
            });
            for line in BufReader::new(from).lines() {
                let line = line.map_err(|error| error.to_string())?;
                if let Some(now) = told.hear(&line)? {
                    self.kommo.set_time(Some(now));
                    to.write_all(b"\n").map_err(|error| error.to_string())?;
                }
            }
            is_over.store(true, Ordering::Release);
            if let Some(killing) = killing {
                let killed = killing.join().map_err(|_| "the watch failed".to_owned())?;
                killed.map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        })?;
        child.wait().map_err(|error| error.to_string())?;
        Ok(told)
    }
}

impl Told {
    /// Takes in one line; returns the time that it asks for, if it does.
    fn hear(&mut self, line: &str) -> Result<Option<i64>, String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let bad = || format!("a life said {line:?}");
        match word {
            "acknowledged" => self.acknowledged.push(rest.parse().map_err(|_| bad())?),
            "log" | "second" => self.logs.push(rest.split(' ').map(str::to_owned).collect()),
            "clock" => return rest.parse().map(Some).map_err(|_| bad()),
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

/// In memory where that is possible: a killed process leaves there what it leaves on a disk.
fn folder() -> Result<TempDir, String> {
    let memory = PathBuf::from("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.map_err(|error| error.to_string())
}

pub(crate) fn own() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| error.to_string())
}
