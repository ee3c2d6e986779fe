//! All points of a story, found by going on until the story survives.

use std::collections::BTreeMap;

use crate::{
    point::{Fate, Kill, Point},
    stores::StoreKind,
    trial::Report,
};

/// The system calls by which a process changes a file, asks Kommo or hears from it. Which of a pair is used depends on
/// how SQLite was built, and on how the client sends.
const WITH_A_FILE: &[&str] = &[
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "unlink",
    "write",
    "writev",
    "sendto",
    "recvfrom",
];

/// The same where the store is a server: what is written goes to it, to Kommo, or to whoever waits for the 200.
const WITH_A_SERVER: &[&str] = &["write", "writev", "sendto", "recvfrom"];
const WRITES_WITH_A_SERVER: &[&str] = &["write", "writev", "sendto"];

/// Of two kills, or of two workers that stop, the first is at so many moments at the most, before every second one.
#[derive(Clone, Copy, Debug)]
struct Firsts {
    steps: usize,
    stops: usize,
    syscalls: usize,
}

const MANY: Firsts = Firsts { steps: 12, stops: 16, syscalls: 3 };
const SOME: Firsts = Firsts { steps: 3, stops: 5, syscalls: 1 };
const FEW: Firsts = Firsts { steps: 1, stops: 2, syscalls: 0 };

/// A group of points of one story.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Series {
    /// Every named moment.
    Steps,
    /// Every request to Kommo.
    Requests,
    /// Every call of this name, in some of the lives.
    Syscalls { name: &'static str, part: usize },
    /// Every call of this name while the store is made.
    Opening(&'static str),
    /// A named moment, and then every named moment of the recovery.
    StepsAgain { part: usize, most: usize },
    /// A named moment, and then every call of this name in the recovery.
    SyscallsAgain { name: &'static str, most: usize },
    /// A worker that stops at every moment, while another takes over, and stops at every moment.
    Stops { part: usize, most: usize },
}

/// The heavy ones are in so many parts, for several threads.
const PARTS: usize = 4;

impl Series {
    /// Every life takes time, on PostgreSQL also new sessions of the server. So, unless `everything` is asked for, the kills
    /// of a second life, and stops of a second worker, follow fewer first ones, and with a server a process is not killed
    /// where it only reads.
    pub(crate) fn all(kind: StoreKind, with_strace: bool, everything: bool) -> Vec<Self> {
        let (syscalls, firsts) = match kind {
            StoreKind::Sqlite if everything => (WITH_A_FILE, MANY),
            StoreKind::Sqlite => (WITH_A_FILE, SOME),
            StoreKind::Postgres if everything => (WITH_A_SERVER, MANY),
            StoreKind::Postgres => (WRITES_WITH_A_SERVER, FEW),
        };
        let parts = || 0..PARTS;
        let mut all = vec![Self::Steps, Self::Requests];
        all.extend(parts().map(|part| Self::StepsAgain { part, most: firsts.steps }));
        all.extend(parts().map(|part| Self::Stops { part, most: firsts.stops }));
        if with_strace {
            let names = || syscalls.iter().copied();
            all.extend(
                names().flat_map(|name| parts().map(move |part| Self::Syscalls { name, part })),
            );
            if firsts.syscalls > 0 {
                all.extend(names().map(|name| Self::SyscallsAgain { name, most: firsts.syscalls }));
            }
            all.extend(names().map(Self::Opening));
        }
        all
    }

    /// A store is made before anything of its story happens.
    pub(crate) const fn depends_on_story(self) -> bool {
        !matches!(self, Self::Opening(_))
    }

    /// How long it takes, roughly, compared with others.
    pub(crate) fn weight(self, kind: StoreKind, undisturbed: &Report) -> usize {
        let points = match self {
            Self::SyscallsAgain { .. } => 8,
            Self::Syscalls { .. } | Self::StepsAgain { .. } | Self::Stops { .. } => 4,
            Self::Steps | Self::Requests | Self::Opening(_) => 1,
        };
        let life = match kind {
            StoreKind::Sqlite => 1,
            StoreKind::Postgres => 3,
        };
        let moments: usize = undisturbed.logs.values().map(Vec::len).sum();
        moments.saturating_mul(points).saturating_mul(life)
    }

    /// Tries its points one after the other. `undisturbed` is the story without a kill.
    pub(crate) fn run(
        self,
        undisturbed: &Report,
        attempt: &mut dyn FnMut(Point) -> Result<Report, String>,
    ) -> Result<(), String> {
        match self {
            Self::Steps => {
                for kill in steps(&undisturbed.logs, 0) {
                    attempt(Point::Kills(vec![kill]))?;
                }
            }
            Self::Requests => {
                for (nth, method) in (1..).zip(&undisturbed.requests) {
                    let fates: &[Fate] = match method.as_str() {
                        "GET" => &[Fate::Written],
                        _ => &[Fate::Written, Fate::Unwritten, Fate::Late],
                    };
                    for fate in fates.iter().copied() {
                        attempt(Point::Kills(vec![Kill::Request { nth, fate }]))?;
                    }
                }
            }
            Self::Syscalls { name, part } => {
                let lives = undisturbed.logs.keys().copied();
                for life in lives.filter(|life| life % PARTS == part) {
                    calls(&[], |nth| Kill::Syscall { life, name: name.to_owned(), nth }, attempt)?;
                }
            }
            Self::Opening(name) => {
                calls(&[], |nth| Kill::Opening { life: 1, name: name.to_owned(), nth }, attempt)?;
            }
            Self::StepsAgain { part, most } => {
                let firsts = some(&steps(&undisturbed.logs, 0), most);
                for first in firsts.into_iter().skip(part).step_by(PARTS) {
                    let once = attempt(Point::Kills(vec![first.clone()]))?;
                    for second in steps(&once.logs, life(&first)) {
                        attempt(Point::Kills(vec![first.clone(), second]))?;
                    }
                }
            }
            Self::SyscallsAgain { name, most } => {
                for first in some(&steps(&undisturbed.logs, 0), most) {
                    let once = attempt(Point::Kills(vec![first.clone()]))?;
                    for life in once.logs.keys().copied().filter(|other| *other > life(&first)) {
                        let kill = |nth| Kill::Syscall { life, name: name.to_owned(), nth };
                        calls(std::slice::from_ref(&first), kill, attempt)?;
                    }
                }
            }
            Self::Stops { part, most } => {
                let never = "never".to_owned();
                let calm = attempt(Point::Stopped { first: never, second: None })?;
                let moments = calm.logs.get(&1).map(|log| leased(log)).unwrap_or_default();
                for first in some(&moments, most).into_iter().skip(part).step_by(PARTS) {
                    let once = attempt(Point::Stopped { first: first.clone(), second: None })?;
                    for second in once.logs.get(&2).map(|log| leased(log)).unwrap_or_default() {
                        attempt(Point::Stopped { first: first.clone(), second: Some(second) })?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Kills at one call after the other, until a life survives.
fn calls(
    before: &[Kill],
    kill: impl Fn(u32) -> Kill,
    attempt: &mut dyn FnMut(Point) -> Result<Report, String>,
) -> Result<(), String> {
    for nth in 1.. {
        let kills = before.iter().cloned().chain([kill(nth)]).collect();
        if !attempt(Point::Kills(kills))?.is_reached {
            break;
        }
    }
    Ok(())
}

/// All moments of the lives after this one.
fn steps(logs: &BTreeMap<usize, Vec<String>>, after: usize) -> Vec<Kill> {
    let lives = logs.iter().filter(|(life, _)| **life > after);
    lives
        .flat_map(|(life, log)| {
            log.iter().map(|step| Kill::Step { life: *life, step: step.clone() })
        })
        .collect()
}

/// So many of them at the most, evenly spread.
fn some<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    let step = all.len().div_ceil(most).max(1);
    all.iter().skip(step / 2).step_by(step).cloned().collect()
}

fn life(kill: &Kill) -> usize {
    match kill {
        Kill::Step { life, .. } | Kill::Opening { life, .. } | Kill::Syscall { life, .. } => *life,
        Kill::Request { .. } => 1,
    }
}

/// The moments in the work under a lease.
fn leased(log: &[String]) -> Vec<String> {
    let others = ["put", "account", "acknowledge", "learn"];
    let is_leased = |step: &&String| {
        let name = step.split_once(':').and_then(|(_, rest)| rest.split_once('#'));
        name.is_some_and(|(name, _)| !others.contains(&name))
    };
    log.iter().filter(is_leased).cloned().collect()
}
