//! Where a process is killed or stopped, in a form that can be typed.

use std::{fmt, str::FromStr};

/// One kill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// At a named moment of a life, counted from 1.
    Step { life: usize, step: String },
    /// On the way into the `nth` call of this name of one of a life's threads, counted from the start of the process
    /// until the store is open.
    Opening { life: usize, name: String, nth: u32 },
    /// The same, counted from when the store is open.
    Syscall { life: usize, name: String, nth: u32 },
    /// While Kommo has the `nth` request of the whole story.
    Request { nth: u64, fate: Fate },
}

impl Kill {
    /// Whether it comes while the store is made.
    pub(crate) fn is_in_opening(&self) -> bool {
        matches!(self, Self::Opening { .. })
    }
}

/// What became of a request whose sender was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was carried out.
    Written,
    /// It was not.
    Unwritten,
    /// It was carried out 59 seconds later.
    Late,
}

/// What is done to a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// Nothing.
    Undisturbed,
    /// Kills, in their order.
    Kills(Vec<Kill>),
    /// One worker is stopped at a moment for longer than its lease; another takes over, and may be stopped as well while
    /// the first one goes on.
    Stopped { first: String, second: Option<String> },
}

impl Point {
    /// The column of the table.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Undisturbed => "undisturbed",
            Self::Stopped { .. } => "worker stopped past its lease",
            Self::Kills(kills) => match kills.as_slice() {
                [Kill::Step { .. }] => "killed at a named step",
                [Kill::Request { .. }] => "killed while Kommo has a request",
                [Kill::Opening { .. } | Kill::Syscall { .. }] => "killed at a system call",
                _ => "killed again during recovery",
            },
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Written => "written",
            Self::Unwritten => "unwritten",
            Self::Late => "late",
        })
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step { life, step } => write!(f, "{life}/step:{step}"),
            Self::Opening { life, name, nth } => write!(f, "{life}/opening:{name}:{nth}"),
            Self::Syscall { life, name, nth } => write!(f, "{life}/syscall:{name}:{nth}"),
            Self::Request { nth, fate } => write!(f, "request:{nth}:{fate}"),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undisturbed => f.write_str("none"),
            Self::Kills(kills) => {
                let kills: Vec<String> = kills.iter().map(Kill::to_string).collect();
                f.write_str(&kills.join("+"))
            }
            Self::Stopped { first, second: None } => write!(f, "stop:{first}"),
            Self::Stopped { first, second: Some(second) } => write!(f, "stop:{first}+{second}"),
        }
    }
}

impl FromStr for Kill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("not a kill: {text}");
        if let Some(rest) = text.strip_prefix("request:") {
            let (nth, fate) = rest.split_once(':').ok_or_else(bad)?;
            let fate = match fate {
                "written" => Fate::Written,
                "unwritten" => Fate::Unwritten,
                "late" => Fate::Late,
                _ => return Err(bad()),
            };
            return Ok(Self::Request { nth: nth.parse().map_err(|_| bad())?, fate });
        }
        // The first life is the one that is meant when none is named.
        let (life, rest) = text.split_once('/').unwrap_or(("1", text));
        let life = life.parse().map_err(|_| bad())?;
        match rest.split_once(':').ok_or_else(bad)? {
            ("step", step) => Ok(Self::Step { life, step: step.to_owned() }),
            (kind @ ("opening" | "syscall"), call) => {
                let (name, nth) = call.split_once(':').ok_or_else(bad)?;
                let (name, nth) = (name.to_owned(), nth.parse().map_err(|_| bad())?);
                Ok(match kind {
                    "opening" => Self::Opening { life, name, nth },
                    _ => Self::Syscall { life, name, nth },
                })
            }
            _ => Err(bad()),
        }
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Undisturbed);
        }
        if let Some(stops) = text.strip_prefix("stop:") {
            let (first, second) = match stops.split_once('+') {
                Some((first, second)) => (first, Some(second.to_owned())),
                None => (stops, None),
            };
            return Ok(Self::Stopped { first: first.to_owned(), second });
        }
        text.split('+').map(str::parse).collect::<Result<_, _>>().map(Self::Kills)
    }
}
