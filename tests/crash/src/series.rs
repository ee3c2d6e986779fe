//! All points of a story, found by going on until the story survives.

use crate::{
    point::{Fate, Kill, Point},
    trial::Report,
};

/// The system calls by which a process changes a file or a socket, or hears of the outside.
pub(crate) const SYSCALLS: &[&str] =
    &["pwrite64", "fdatasync", "ftruncate", "unlink", "openat", "write", "sendto", "recvfrom"];

/// Every `n`th moment is the first of two kills.
const AGAIN_STEPS: usize = 3;
const AGAIN_SYSCALLS: usize = 12;

/// A group of points of one story.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Series {
    /// Every named moment.
    Steps,
    /// Every request to Kommo.
    Requests,
    /// Every call of this name.
    Syscalls(&'static str),
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
                for kill in steps(&undisturbed.logs, 1) {
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
                for life in 1..=undisturbed.logs.len() {
                    calls(life, name, &[], attempt)?;
                }
            }
            Self::StepsAgain { part } => {
                let firsts = steps(&undisturbed.logs, 1).into_iter().skip(part);
                for first in firsts.step_by(AGAIN_STEPS.max(PARTS)) {
                    let once = attempt(Point::Kills(vec![first.clone()]))?;
                    for second in steps(&once.logs, life(&first).saturating_add(1)) {
                        attempt(Point::Kills(vec![first.clone(), second]))?;
                    }
                }
            }
            Self::SyscallsAgain(name) => {
                for first in steps(&undisturbed.logs, 1).into_iter().skip(9).step_by(AGAIN_SYSCALLS) {
                    let once = attempt(Point::Kills(vec![first.clone()]))?;
                    let begin = life(&first).saturating_add(1);
                    for life in begin..begin.saturating_add(once.logs.len()) {
                        calls(life, name, &[first.clone()], attempt)?;
                    }
                }
            }
            Self::Stops { part } => {
                let never = "never".to_owned();
                let calm = attempt(Point::Stopped { first: never, second: None })?;
                let moments = calm.logs.first().map(|log| leased(log)).unwrap_or_default();
                for first in moments.into_iter().skip(part).step_by(PARTS) {
                    let once = attempt(Point::Stopped { first: first.clone(), second: None })?;
                    for second in once.logs.get(1).map(|log| leased(log)).unwrap_or_default() {
                        attempt(Point::Stopped { first: first.clone(), second: Some(second) })?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Kills at the calls of this name, until a life survives.
fn calls(
    life: usize,
    name: &str,
    before: &[Kill],
    attempt: &mut dyn FnMut(Point) -> Result<Report, String>,
) -> Result<(), String> {
    for nth in 1.. {
        let mut kills = before.to_vec();
        kills.push(Kill::Syscall { life, name: name.to_owned(), nth });
        if !attempt(Point::Kills(kills))?.is_reached {
            break;
        }
    }
    Ok(())
}

/// All moments of these lives, of which the first has this number.
fn steps(logs: &[Vec<String>], first_life: usize) -> Vec<Kill> {
    let lives = (first_life..).zip(logs);
    lives
        .flat_map(|(life, log)| log.iter().map(move |step| Kill::Step { life, step: step.clone() }))
        .collect()
}

fn life(kill: &Kill) -> usize {
    match kill {
        Kill::Step { life, .. } | Kill::Syscall { life, .. } => *life,
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
