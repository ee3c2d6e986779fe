use std::{fmt, time::Duration};

use serde_json::{Value, json};

use super::answer::{Answer, HAL, PROBLEM, problem_body, set};
use super::sending::Flow;

/// Something that goes wrong with a coming request; given to [`FakeKommo::fail_next`](super::FakeKommo::fail_next).
///
/// As made by a constructor, a fault strikes the next request, whatever it is, once, and the request
/// is *not* applied. The setters narrow it, repeat it, or have the request applied all the same.
///
/// ```
/// use kommo_client::fake::Fault;
///
/// // The second note that is posted is written, but its answer is a 504.
/// let lost = Fault::status(504).on("POST", "/api/v4/leads/notes").nth(2).applied();
/// // The gateway gives up on every batch of more than 10 leads.
/// let large = Fault::status(504).on("PATCH", "/api/v4/leads").batches_over(10).always();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    outcome: Outcome,
    applied: Applied,
    method: Option<String>,
    path: PathRule,
    nth: u64,
    times: Option<u64>,
    batches_over: Option<usize>,
    retry_after: Option<String>,
}

impl Fault {
    /// An answer with this status and the body of a Kommo error (problem+json).
    pub fn status(status: u16) -> Self {
        let detail = match status {
            401 => "Invalid user name or password",
            403 => "Client doesn't have the required scope",
            402 => "Payment Required",
            _ => "Scripted by the test",
        };
        let body = problem_body(status, detail).to_string().into_bytes();
        Self::new(Outcome::Answer(Answer::raw(status, PROBLEM, body)))
    }

    /// An answer with this status and exactly this body, as `application/hal+json`.
    pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Outcome::Answer(Answer::raw(status, HAL, body.into())))
    }

    /// An HTML page of the gateway with this status; with 200 it is the maintenance page.
    pub fn html(status: u16) -> Self {
        let title = match status {
            200 => "Maintenance".to_owned(),
            _ => format!("{status} Gateway"),
        };
        Self::new(Outcome::Answer(Answer::html(status, &title)))
    }

    /// The 403 page of nginx that everybody gets while Kommo blocks an address.
    pub fn block() -> Self {
        Self::new(Outcome::Answer(Answer::blocked()))
    }

    /// A 429 with the HTML page of the gateway and no hint how long to wait.
    pub fn too_many_requests() -> Self {
        Self::new(Outcome::Answer(Answer::html(429, "429 Too Many Requests")))
    }

    /// A 429 as JSON whose body says how many seconds to wait.
    pub fn too_many_requests_json(retry_after: i64) -> Self {
        let mut body = problem_body(429, "Too many requests");
        set(&mut body, "retry_after", json!(retry_after));
        let body = body.to_string().into_bytes();
        Self::new(Outcome::Answer(Answer::raw(429, PROBLEM, body)))
    }

    /// The real answer comes, but only after this long: longer than the client waits, for a time-out.
    ///
    /// Without [`applied`](Self::applied) a 504 comes after that time, and nothing was written.
    pub fn hang(delay: Duration) -> Self {
        Self::new(Outcome::Hang(delay))
    }

    /// The real answer with its status, but only the first half of its body. The request is applied.
    pub fn truncated() -> Self {
        Self { applied: Applied::Before, ..Self::new(Outcome::Truncated) }
    }

    /// The real answer with its status and length, but the connection breaks after the first half of its body. The request
    /// is applied.
    pub fn broken() -> Self {
        Self { applied: Applied::Before, ..Self::new(Outcome::Flows(Flow::Breaks)) }
    }

    /// The real answer, but its body comes byte by byte, with this pause before each. The request is applied.
    pub fn drip(pause: Duration) -> Self {
        Self { applied: Applied::Before, ..Self::new(Outcome::Flows(Flow::Drip(pause))) }
    }

    /// The connection is closed without an answer.
    pub fn drop_connection() -> Self {
        Self::new(Outcome::Drop)
    }

    /// No connection comes about. Only without a server ([`FakeKommo::in_memory`](super::FakeKommo::in_memory)); with
    /// one the connection is closed without an answer, since it is there already.
    pub fn unreachable() -> Self {
        Self::new(Outcome::Unreachable)
    }

    /// The certificate is not good, so that nothing is sent. Only without a server, as [`unreachable`](Self::unreachable).
    pub fn bad_certificate() -> Self {
        Self::new(Outcome::BadCertificate)
    }

    /// Only requests with this method whose path begins with `prefix`, such as `/api/v4/leads`.
    pub fn on(self, method: &str, prefix: &str) -> Self {
        let path = PathRule::Prefix(prefix.to_owned());
        Self { method: Some(method.to_owned()), path, ..self }
    }

    /// Only requests with this method and exactly this path (the query does not count).
    pub fn at(self, method: &str, path: &str) -> Self {
        let path = PathRule::Exactly(path.to_owned());
        Self { method: Some(method.to_owned()), path, ..self }
    }

    /// Starts with the `nth` request that matches, counted from 1. Default 1: the next one.
    pub fn nth(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// Strikes this many requests. Default 1.
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Strikes every matching request until [`FakeKommo::clear_faults`](super::FakeKommo::clear_faults).
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }

    /// Only requests whose body is an array of more than `items` items.
    pub fn batches_over(self, items: usize) -> Self {
        Self { batches_over: Some(items), ..self }
    }

    /// The request is applied before the fault strikes: the write happened, its answer is lost.
    pub fn applied(self) -> Self {
        Self { applied: Applied::Before, ..self }
    }

    /// The request is held back and applied only by [`FakeKommo::apply_held`](super::FakeKommo::apply_held):
    /// the write happens after the client gave up on it.
    pub fn applied_later(self) -> Self {
        Self { applied: Applied::Later, ..self }
    }

    /// Adds a `Retry-After` header with exactly this text: seconds, an HTTP date, or nonsense.
    pub fn retry_after(self, value: &str) -> Self {
        Self { retry_after: Some(value.to_owned()), ..self }
    }

    fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            applied: Applied::Never,
            method: None,
            path: PathRule::Any,
            nth: 1,
            times: Some(1),
            batches_over: None,
            retry_after: None,
        }
    }

    fn matches(&self, method: &str, path: &str, body: &Value) -> bool {
        let batch = body.as_array().map_or(0, Vec::len);
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && match &self.path {
                PathRule::Any => true,
                PathRule::Prefix(prefix) => path.starts_with(prefix.as_str()),
                PathRule::Exactly(wanted) => path == wanted,
            }
            && self.batches_over.is_none_or(|items| batch > items)
    }
}

#[derive(Clone, Debug)]
enum Outcome {
    Answer(Answer),
    Hang(Duration),
    Truncated,
    Flows(Flow),
    Drop,
    Unreachable,
    BadCertificate,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fallen {
    Dropped,
    Unreachable,
    BadCertificate,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Applied {
    Never,
    Before,
    Later,
}

#[derive(Clone, Debug)]
enum PathRule {
    Any,
    Prefix(String),
    Exactly(String),
}

/// A fault that was picked for the request at hand.
#[derive(Clone, Debug)]
pub(super) struct Strike {
    outcome: Outcome,
    pub(super) applied: Applied,
    retry_after: Option<String>,
}

impl Strike {
    /// What the client gets. `real` is the answer if it was applied.
    pub(super) fn answer(&self, real: Option<Answer>) -> Result<Answer, Fallen> {
        let real = || real.unwrap_or_else(|| Answer::html(504, "504 Gateway Time-out"));
        let mut answer = match &self.outcome {
            Outcome::Answer(answer) => answer.clone(),
            Outcome::Hang(delay) => Answer { delay: Some(*delay), ..real() },
            Outcome::Truncated => {
                let mut answer = real();
                let half = answer.body.len().checked_div(2).unwrap_or(0);
                answer.body.truncate(half);
                answer
            }
            Outcome::Flows(flow) => Answer { flow: *flow, ..real() },
            Outcome::Drop => return Err(Fallen::Dropped),
            Outcome::Unreachable => return Err(Fallen::Unreachable),
            Outcome::BadCertificate => return Err(Fallen::BadCertificate),
        };
        if self.retry_after.is_some() {
            answer.retry_after.clone_from(&self.retry_after);
        }
        Ok(answer)
    }
}

/// The faults that wait for their requests, in the order in which they were given.
#[derive(Default)]
pub(super) struct Script {
    lines: Vec<Line>,
    chance: Option<Chance>,
}

/// Method, path, items: a fault or none.
pub(super) type Chance = Box<dyn FnMut(&str, &str, usize) -> Option<Fault> + Send>;

impl fmt::Debug for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Script").field("lines", &self.lines).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Line {
    fault: Fault,
    seen: u64,
    struck: u64,
}

impl Line {
    fn is_due(&self, method: &str, path: &str, body: &Value) -> bool {
        self.fault.matches(method, path, body)
            && self.seen.saturating_add(1) >= self.fault.nth
            && self.fault.times.is_none_or(|times| self.struck < times)
    }
}

impl Script {
    pub(super) fn push(&mut self, fault: Fault) {
        self.lines.push(Line { fault, seen: 0, struck: 0 });
    }

    pub(super) fn set_chance(&mut self, chance: Chance) {
        self.chance = Some(chance);
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.chance = None;
    }

    /// The first fault that is due for this request. Every matching fault counts the request as seen.
    pub(super) fn strike(&mut self, method: &str, path: &str, body: &Value) -> Option<Strike> {
        let mut strike = None;
        for line in &mut self.lines {
            if strike.is_none() && line.is_due(method, path, body) {
                line.struck = line.struck.saturating_add(1);
                let Fault { outcome, applied, retry_after, .. } = line.fault.clone();
                strike = Some(Strike { outcome, applied, retry_after });
            }
            if line.fault.matches(method, path, body) {
                line.seen = line.seen.saturating_add(1);
            }
        }
        strike.or_else(|| {
            let items = body.as_array().map_or(0, Vec::len);
            let Fault { outcome, applied, retry_after, .. } =
                self.chance.as_mut()?(method, path, items)?;
            Some(Strike { outcome, applied, retry_after })
        })
    }
}
