//! What can go wrong, and whether Paddle may have acted all the same.

use std::{error::Error as StdError, fmt, time::Duration};

pub use kommo_client::Fate;

/// A call that did not give what was asked for.
///
/// The first question about a failed write is whether it happened: [`Error::fate`] answers it.
/// `Display` says one thing and leaves the cause to [`source`](StdError::source). Neither holds a payload, a key, an
/// address or a query.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    fate: Fate,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    detail: Option<String>,
    fields: Vec<FieldError>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether Paddle may have acted on the request. ([`Fate`] is the Kommo client's: for its "Kommo" read "Paddle".)
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.0.fate
    }

    /// The HTTP status, where an answer came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Paddle's own word for it, such as `transaction_default_checkout_url_not_set` (developer.paddle.com, "Errors").
    ///
    /// Paddle adds codes without notice. Its `type` is not here: its own sources contradict each other about it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Paddle's `meta.request_id`: its support asks for it.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long to wait before the next call: what a 429 said, between one second and fifteen minutes; or, where nothing
    /// was sent because of an earlier 429, until it would be.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Paddle's own sentence, shortened: for a person who has to mend something, not for a log, since it may repeat what
    /// was sent.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The fields that Paddle does not take.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    pub(super) fn new(kind: ErrorKind, fate: Fate) -> Self {
        Self(Box::new(Inner {
            kind,
            fate,
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
            detail: None,
            fields: Vec::new(),
            source: None,
        }))
    }

    /// A request that cannot be put into words; nothing left this machine.
    pub(super) fn invalid_request(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::InvalidRequest, Fate::NotSent).with_source(source)
    }

    /// A success whose body does not say what it has to.
    pub(super) fn decode(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Decode, Fate::Unknown).with_source(source)
    }

    pub(super) fn pagination(why: &'static str) -> Self {
        Self::new(ErrorKind::Pagination, Fate::Unknown).with_source(why)
    }

    #[must_use]
    pub(super) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    #[must_use]
    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    #[must_use]
    pub(super) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    #[must_use]
    pub(super) fn with_code(mut self, code: Option<String>) -> Self {
        self.0.code = code;
        self
    }

    #[must_use]
    pub(super) fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.0.request_id = request_id;
        self
    }

    #[must_use]
    pub(super) fn with_detail(mut self, detail: Option<String>, fields: Vec<FieldError>) -> Self {
        self.0.detail = detail;
        self.0.fields = fields;
        self
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("fate", &self.0.fate)
            .field("status", &self.0.status)
            .field("code", &self.0.code)
            .field("request_id", &self.0.request_id)
            .field("retry_after", &self.0.retry_after)
            .field("fields", &self.0.fields)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.kind, f)?;
        match &self.0.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// What went wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection: name, address or TLS. Nothing was sent.
    #[error("no connection to Paddle")]
    Connect,
    /// No complete answer in time.
    #[error("no answer from Paddle in time")]
    Timeout,
    /// The connection broke.
    #[error("the connection to Paddle broke")]
    Transport,
    /// The key is wrong, expired or revoked. Paddle's codes say so; its status is 401 or 403.
    #[error("Paddle does not accept the API key")]
    Unauthorized,
    /// The key lacks a permission; [`Error::detail`] may say which.
    #[error("the API key may not do this")]
    Forbidden,
    /// Paddle does not know the path or the object. The methods that get one object give `None` instead.
    #[error("Paddle does not know this path or object")]
    NotFound,
    /// The request breaks a rule: [`Error::code`] and [`Error::fields`] say which.
    #[error("Paddle refused the request")]
    Refused,
    /// 409: somebody else changes the same thing now.
    #[error("Paddle found a conflict")]
    Conflict,
    /// 429: too many requests from this address. Nothing was done.
    #[error("too many requests to Paddle")]
    RateLimited,
    /// 3xx: the API has no redirects, so none is followed.
    #[error("Paddle answered with a redirect")]
    Redirect,
    /// Another refusal, mostly of something between us and Paddle: it is not Paddle's JSON.
    #[error("refused with status {0}")]
    Status(u16),
    /// 5xx: Paddle failed, or the gateway in front of it.
    #[error("Paddle failed with status {0}")]
    Server(u16),
    /// A success whose body cannot be read.
    #[error("Paddle's answer cannot be read")]
    Decode,
    /// A success with a body beyond 16 MiB.
    #[error("Paddle's answer is too large")]
    TooLarge,
    /// Pages that loop, lead elsewhere or do not end.
    #[error("the pages of Paddle's answer do not end well")]
    Pagination,
    /// The request could not be written down.
    #[error("the request is not valid")]
    InvalidRequest,
}

/// A field that Paddle did not take.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldError {
    /// Its path, such as `items[0].quantity`.
    pub field: String,
    /// Paddle's sentence; it may repeat what was sent, so it is not part of `Debug`.
    pub message: String,
}

impl FieldError {
    pub(super) fn new(field: String, message: String) -> Self {
        Self { field, message }
    }
}

impl fmt::Debug for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldError").field("field", &self.field).finish_non_exhaustive()
    }
}

/// What is wrong with JSON, without its text: serde's own words may repeat it.
#[derive(Debug, thiserror::Error)]
#[error("{what}, at line {line} column {column}")]
pub(super) struct JsonFault {
    what: &'static str,
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for JsonFault {
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Io => "unreadable",
            serde_json::error::Category::Syntax => "not JSON",
            serde_json::error::Category::Data => "JSON of another shape",
            serde_json::error::Category::Eof => "JSON that ends too early",
        };
        Self { what, line: error.line(), column: error.column() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_travel_between_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn the_cause_is_told_once_and_the_code_with_the_kind() {
        let error = Error::decode("why");
        assert_eq!(error.to_string(), "Paddle's answer cannot be read");
        assert_eq!(error.source().unwrap().to_string(), "why");
        let error =
            Error::new(ErrorKind::Conflict, Fate::Refused).with_code(Some("conflict".into()));
        assert_eq!(error.to_string(), "Paddle found a conflict (conflict)");
    }
}
