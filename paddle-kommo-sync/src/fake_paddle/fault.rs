use std::time::Duration;

use super::answer::Answer;

/// Something that goes wrong with a coming request to the API; given to
/// [`FakePaddle::fail_next`](super::FakePaddle::fail_next).
///
/// As made by a constructor it strikes the next request, whatever it is, once, and the request is *not* applied. The
/// setters narrow it, repeat it, or have the request applied all the same.
///
/// ```
/// use paddle_kommo_sync::fake_paddle::Fault;
///
/// // The transaction is made, but its answer is lost.
/// let lost = Fault::status(504).on("POST", "/transactions").applied();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    what: What,
    applied: bool,
    on: Option<(String, String)>,
    /// So many matching requests go through before it strikes.
    skip: u32,
    /// How often it still strikes; `None` is always.
    left: Option<u32>,
}

#[derive(Clone, Debug)]
enum What {
    Answer(Answer),
    Hang(Duration),
    Drop,
}

impl Fault {
    /// An answer with this status and the body of an error of Paddle's.
    pub fn status(status: u16) -> Self {
        Self::new(What::Answer(Answer::error(status, code_of(status), "Scripted by the test")))
    }

    /// An answer with this status and exactly this body, as `application/json`.
    pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(What::Answer(Answer::raw(status, "application/json", body.into())))
    }

    /// An HTML page of a gateway with this status.
    pub fn html(status: u16) -> Self {
        Self::new(What::Answer(Answer::html(status)))
    }

    /// A 429 with exactly this text as `Retry-After`: seconds, an HTTP date, or nonsense.
    pub fn too_many_requests(retry_after: &str) -> Self {
        Self::new(What::Answer(Answer::too_many(retry_after)))
    }

    /// An answer comes only after this long: longer than the client waits, for a time-out.
    pub fn hang(delay: Duration) -> Self {
        Self::new(What::Hang(delay))
    }

    /// The connection is closed without an answer.
    pub fn drop_connection() -> Self {
        Self::new(What::Drop)
    }

    /// Only requests with this method whose path begins with `prefix`.
    pub fn on(self, method: &str, prefix: &str) -> Self {
        Self { on: Some((method.to_owned(), prefix.to_owned())), ..self }
    }

    /// Lets this many matching requests through before it strikes.
    pub fn skip(self, requests: u32) -> Self {
        Self { skip: requests, ..self }
    }

    /// Strikes this many requests. Default 1.
    pub fn times(self, times: u32) -> Self {
        Self { left: Some(times), ..self }
    }

    /// Strikes every matching request until [`FakePaddle::clear_faults`](super::FakePaddle::clear_faults).
    pub fn always(self) -> Self {
        Self { left: None, ..self }
    }

    /// The request is applied before the fault strikes: it happened, and its answer is lost.
    pub fn applied(self) -> Self {
        Self { applied: true, ..self }
    }

    fn new(what: What) -> Self {
        Self { what, applied: false, on: None, skip: 0, left: Some(1) }
    }

    fn is_due(&self, method: &str, path: &str) -> bool {
        self.skip == 0 && self.is_meant(method, path)
    }

    fn is_meant(&self, method: &str, path: &str) -> bool {
        self.left != Some(0)
            && self.on.as_ref().is_none_or(|(wanted, prefix)| {
                wanted.eq_ignore_ascii_case(method) && path.starts_with(prefix.as_str())
            })
    }

    pub(super) fn is_applied(&self) -> bool {
        self.applied
    }

    /// What the client gets; `None` is a dropped connection. `real` is the answer if it was applied.
    pub(super) fn into_answer(self, real: Option<Answer>) -> Option<Answer> {
        match self.what {
            What::Answer(answer) => Some(answer),
            What::Hang(delay) => {
                let late = real.unwrap_or_else(|| Answer::html(504));
                Some(Answer { delay: Some(delay), ..late })
            }
            What::Drop => None,
        }
    }
}

fn code_of(status: u16) -> &'static str {
    match status {
        401 | 403 => "forbidden",
        404 => "not_found",
        409 => "conflict",
        429 => "too_many_requests",
        500 => "internal_error",
        502 => "bad_gateway",
        503 => "service_unavailable",
        _ => "bad_request",
    }
}

/// The faults that wait for their requests, in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct Script(Vec<Fault>);

impl Script {
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the fault due for this request closes the connection; changes nothing.
    pub(super) fn drops(&self, method: &str, path: &str) -> bool {
        let due = self.0.iter().find(|fault| fault.is_due(method, path));
        due.is_some_and(|fault| matches!(fault.what, What::Drop))
    }

    /// The first fault that is due for this request.
    pub(super) fn strike(&mut self, method: &str, path: &str) -> Option<Fault> {
        let due = self.0.iter().position(|fault| fault.is_due(method, path));
        for fault in self.0.iter_mut().filter(|fault| fault.is_meant(method, path)) {
            fault.skip = fault.skip.saturating_sub(1);
        }
        let due = self.0.get_mut(due?)?;
        due.left = due.left.map(|left| left.saturating_sub(1));
        Some(due.clone())
    }
}
