//! All points of a story, found by going on until the story survives.

use std::collections::BTreeMap;

use crate::{
    point::{Fate, Kill, Point},
    trial::Report,
};

/// The system calls by which a process changes a file, asks Kommo or hears from it. Which of a pair is used depends on
/// how SQLite was built, and on how the client sends.
const SYSCALLS: &[&str] = &[
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

/// Of two kills, the first is at so many moments at the most, before every second one.
const FIRST_STEPS: usize = 12;
const FIRST_OF_SYSCALLS: usize = 3;

/// The same of two workers that stop.
const FIRST_STOPS: usize = 16;

/// A group of points of one story.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Series {
    /// Every named moment.
    Steps,
    /// Every request to Kommo.
    Requests,
    /// Every call of this name.
    Syscalls(&'static str),
    /// Every call of this name while the store is made.
    Opening(&'static str),
    /// A named moment, and then every named moment of the recovery.
    StepsAgain { part: usize },
    /// A named moment, and then every call of this name in the recovery.
    SyscallsAgain(&'static str),
    /// A worker that stops at every moment, while another takes over, and stops at every moment.
    Stops { part: usize },
}

/// The heavy ones are in so many parts, for several threads.
const PARTS: usize = 4;

impl Series {
    pub(crate) fn all(with_strace: bool) -> Vec<Self> {
        let parts = || 0..PARTS;
        let mut all = vec![Self::Steps, Self::Requests];
        all.extend(parts().map(|part| Self::StepsAgain { part }));
        all.extend(parts().map(|part| Self::Stops { part }));
        if with_strace {
            all.extend(SYSCALLS.iter().copied().map(Self::Syscalls));
            all.extend(SYSCALLS.iter().copied().map(Self::SyscallsAgain));
            all.extend(SYSCALLS.iter().copied().map(Self::Opening));
        }
        all
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
            Self::Syscalls(name) => {
                for life in undisturbed.logs.keys().copied() {
                    calls(&[], |nth| Kill::Syscall { life, name: name.to_owned(), nth }, attempt)?;
                }
            }
            Self::Opening(name) => {
                calls(&[], |nth| Kill::Opening { life: 1, name: name.to_owned(), nth }, attempt)?;
            }
            Self::StepsAgain { part } => {
                let firsts = some(&steps(&undisturbed.logs, 0), FIRST_STEPS);
                for first in firsts.into_iter().skip(part).step_by(PARTS) {
                    let once = attempt(Point::Kills(vec![first.clone()]))?;
                    for second in steps(&once.logs, life(&first)) {
                        attempt(Point::Kills(vec![first.clone(), second]))?;
                    }
                }
            }
            Self::SyscallsAgain(name) => {
                for first in some(&steps(&undisturbed.logs, 0), FIRST_OF_SYSCALLS) {
                    let once = attempt(Point::Kills(vec![first.clone()]))?;
                    for life in once.logs.keys().copied().filter(|other| *other > life(&first)) {
                        let kill = |nth| Kill::Syscall { life, name: name.to_owned(), nth };
                        calls(std::slice::from_ref(&first), kill, attempt)?;
                    }
                }
            }
            Self::Stops { part } => {
                let never = "never".to_owned();
                let calm = attempt(Point::Stopped { first: never, second: None })?;
                let moments = calm.logs.get(&1).map(|log| leased(log)).unwrap_or_default();
                for first in some(&moments, FIRST_STOPS).into_iter().skip(part).step_by(PARTS) {
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
    let others = ["put", "account", "acknowledge"];
    let is_leased = |step: &&String| {
        let name = step.split_once(':').and_then(|(_, rest)| rest.split_once('#'));
        name.is_some_and(|(name, _)| !others.contains(&name))
    };
    log.iter().filter(is_leased).cloned().collect()
}
