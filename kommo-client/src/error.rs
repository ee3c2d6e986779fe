//! What can go wrong, and whether Kommo may have acted all the same.

use std::{collections::BTreeMap, error::Error as StdError, fmt, time::Duration};

/// A call that did not give what was asked for.
///
/// The first question about a failed write is whether it happened: [`Error::fate`] answers it.
/// `Display` says one thing and leaves the cause to [`source`](StdError::source). Neither holds a payload, a token,
/// an address or a query.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    fate: Fate,
    status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    detail: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Whether Kommo may have acted on the request.
    #[must_use]
    pub fn fate(&self) -> Fate {
        self.0.fate
    }

    /// The HTTP status, where an answer came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Kommo's `X-Request-Id`: its support asks for it. Answers of the gateway in front of Kommo have none.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long to wait before the next call.
    ///
    /// Where Kommo said so: between one second and fifteen minutes, whatever it said. Where the client did not send
    /// ([`Fate::NotSent`]) because of an earlier 429 or block: until it would.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Kommo's own sentence about the refusal, shortened: for a person who has to mend something, not for a log,
    /// since it may repeat what was sent.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    pub(crate) fn new(kind: ErrorKind, fate: Fate) -> Self {
        Self(Box::new(Inner {
            kind,
            fate,
            status: None,
            request_id: None,
            retry_after: None,
            detail: None,
            source: None,
        }))
    }

    /// A request that cannot be put into words; nothing left this machine.
    pub(crate) fn invalid_request(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::InvalidRequest, Fate::NotSent).with_source(source)
    }

    /// A success whose body does not say what it has to.
    pub(crate) fn decode(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Decode, Fate::Unknown).with_source(source)
    }

    pub(crate) fn pagination(why: &'static str) -> Self {
        Self::new(ErrorKind::Pagination, Fate::Unknown).with_source(why)
    }

    #[must_use]
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    #[must_use]
    pub(crate) fn with_answer(mut self, status: u16, request_id: Option<String>) -> Self {
        self.0.status = Some(status);
        self.0.request_id = request_id;
        self
    }

    #[must_use]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    #[must_use]
    pub(crate) fn with_fate(mut self, fate: Fate) -> Self {
        self.0.fate = fate;
        self
    }

    #[must_use]
    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    #[must_use]
    pub(crate) fn with_detail(mut self, detail: Option<String>) -> Self {
        self.0.detail = detail;
        self
    }

    /// Makes the indexes of the items count from the caller's first item instead of the batch's.
    #[must_use]
    pub(crate) fn in_batch(mut self, offset: usize, length: usize) -> Self {
        if let ErrorKind::Validation(items) = &mut self.0.kind {
            for item in items {
                item.index = item
                    .index
                    .filter(|index| *index < length)
                    .and_then(|index| index.checked_add(offset));
            }
        }
        self
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("fate", &self.0.fate)
            .field("status", &self.0.status)
            .field("request_id", &self.0.request_id)
            .field("retry_after", &self.0.retry_after)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.kind, formatter)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// What went wrong.
///
/// `Debug` shows no sentence of Kommo's, since it may repeat what was sent.
#[derive(Clone, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection: name, address or TLS. Nothing was sent.
    #[error("no connection to Kommo")]
    Connect,
    /// The other side's certificate is expired, for another name, or of nobody known. Nothing was sent, and nothing mends it
    /// but a person: look at the address, at this machine's clock and certificates, and for a proxy in between.
    ///
    /// Only the feature `rustls` tells it from [`Connect`](Self::Connect).
    #[error("the certificate at Kommo's address is not good")]
    Certificate,
    /// The request's turn did not come in time: too many others wait for theirs, or the [`Pacer`](crate::Pacer) does not
    /// tell it. Nothing was sent.
    #[error("the request's turn did not come in time")]
    Busy,
    /// No complete answer in time.
    #[error("no answer from Kommo in time")]
    Timeout,
    /// The connection broke.
    #[error("the connection to Kommo broke")]
    Transport,
    /// 401: the token is expired, revoked, or its integration is switched off.
    #[error("Kommo does not accept the token")]
    Unauthorized,
    /// 402: the account's subscription ended.
    #[error("the Kommo account is not paid for")]
    PaymentRequired,
    /// 403 with a JSON body: the token's user may not do this.
    #[error("the token's user may not do this in Kommo")]
    Forbidden,
    /// 403 whose body is not JSON: the gateway blocks this address after too many requests. Every further call
    /// makes it last longer, so all clones of the client fail with this, unsent, but for one probe: after 5 minutes,
    /// doubling to an hour. It ends by itself with the first probe that gets through;
    /// [`Error::retry_after`] says when the next is due.
    #[error("Kommo blocks this address")]
    Blocked,
    /// 404: an unknown path, pipeline, field, file or webhook. A missing lead is no error.
    #[error("Kommo does not know this path or object")]
    NotFound,
    /// 400: items of the request were refused, each with its reasons.
    #[error("Kommo refused {} of the items", .0.len())]
    Validation(Vec<ItemError>),
    /// 400 by a rule of the business: entity id to Kommo's sentence, of which `Debug` shows the ids only.
    #[error("a rule of Kommo's refuses the request")]
    Rule(BTreeMap<String, String>),
    /// 429: too many requests.
    #[error("too many requests to Kommo")]
    RateLimited,
    /// 3xx: Kommo's API has no redirects, so none is followed.
    #[error("Kommo answered with a redirect")]
    Redirect,
    /// Another refusal.
    #[error("Kommo refused with status {0}")]
    Status(u16),
    /// 5xx: Kommo or the gateway in front of it failed.
    #[error("Kommo failed with status {0}")]
    Server(u16),
    /// A success whose body cannot be read, or does not name every item of the request.
    #[error("Kommo's answer cannot be read")]
    Decode,
    /// A success with a body beyond 8 MiB.
    #[error("Kommo's answer is too large")]
    TooLarge,
    /// Pages that loop, lead elsewhere or do not end.
    #[error("the pages of Kommo's answer do not end well")]
    Pagination,
    /// The request could not be written down.
    #[error("the request is not valid")]
    InvalidRequest,
    /// The store of the OAuth tokens failed.
    #[error("the token store failed")]
    TokenStore,
}

impl fmt::Debug for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Validation(items) => {
                return formatter.debug_tuple("Validation").field(items).finish();
            }
            Self::Rule(sentences) => {
                let ids: Vec<_> = sentences.keys().collect();
                return formatter.debug_tuple("Rule").field(&ids).finish();
            }
            Self::Status(status) => return formatter.debug_tuple("Status").field(status).finish(),
            Self::Server(status) => return formatter.debug_tuple("Server").field(status).finish(),
            Self::Connect => "Connect",
            Self::Certificate => "Certificate",
            Self::Busy => "Busy",
            Self::Timeout => "Timeout",
            Self::Transport => "Transport",
            Self::Unauthorized => "Unauthorized",
            Self::PaymentRequired => "PaymentRequired",
            Self::Forbidden => "Forbidden",
            Self::Blocked => "Blocked",
            Self::NotFound => "NotFound",
            Self::RateLimited => "RateLimited",
            Self::Redirect => "Redirect",
            Self::Decode => "Decode",
            Self::TooLarge => "TooLarge",
            Self::Pagination => "Pagination",
            Self::InvalidRequest => "InvalidRequest",
            Self::TokenStore => "TokenStore",
        };
        formatter.write_str(name)
    }
}

/// One refused item of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ItemError {
    /// The position of the item in what the caller passed.
    pub index: Option<usize>,
    /// The `request_id` as Kommo repeated it.
    pub request_id: String,
    /// What is wrong with the item.
    pub errors: Vec<FieldError>,
}

/// One reason why an item was refused.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldError {
    /// Kommo's word, such as `NotSupportedChoice`, `FieldNotExpected`, `InvalidType`.
    pub code: String,
    /// Where in the item, such as `custom_fields_values.0.field_id`.
    pub path: String,
    /// Kommo's sentence; it may repeat what was sent, so it is not part of `Debug`.
    pub detail: String,
}

impl FieldError {
    /// The position in the item's custom fields that [`path`](Self::path) points at.
    ///
    /// It is the index to give to [`LeadPatch::remove_field`](crate::LeadPatch::remove_field).
    #[must_use]
    pub fn field_index(&self) -> Option<usize> {
        let rest = self.path.strip_prefix("custom_fields_values.")?;
        rest.split('.').next()?.parse().ok()
    }
}

impl fmt::Debug for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FieldError")
            .field("code", &self.code)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Whether Kommo may have acted on a request that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a caller must handle all three, and there is no fourth"
)]
pub enum Fate {
    /// Nothing reached Kommo: sending again is safe.
    NotSent,
    /// Kommo said no, completely: nothing was written.
    Refused,
    /// Nobody can tell: look for what should have been written before sending again.
    Unknown,
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
    fn sentences_of_kommo_are_not_shown() {
        let sentences = BTreeMap::from([("17".to_owned(), "canary: jo@example.com".to_owned())]);
        let error = Error::new(ErrorKind::Rule(sentences), Fate::Refused);
        let shown = format!("{error:?} {error} {:?}", error.kind());
        assert!(shown.contains("17") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn the_cause_is_told_once() {
        let error = Error::decode("why");
        assert_eq!(error.to_string(), "Kommo's answer cannot be read");
        assert_eq!(error.source().unwrap().to_string(), "why");
    }

    #[test]
    fn a_path_points_at_a_field() {
        for (path, want) in [
            ("custom_fields_values.0.field_id", Some(0)),
            ("custom_fields_values.12.values.0.value", Some(12)),
            ("custom_fields_values.3", Some(3)),
            ("custom_fields_values", None),
            ("custom_fields_values.x.field_id", None),
            ("custom_fields_values.99999999999999999999", None),
            ("status_id", None),
            ("", None),
        ] {
            let error =
                FieldError { code: String::new(), path: path.into(), detail: String::new() };
            assert_eq!(error.field_index(), want, "{path}");
        }
    }

    #[test]
    fn indexes_count_from_the_callers_first_item() {
        let item = |index| ItemError { index, request_id: String::new(), errors: Vec::new() };
        let error = Error::new(
            ErrorKind::Validation(vec![item(Some(0)), item(Some(2)), item(Some(3)), item(None)]),
            Fate::Refused,
        );
        let ErrorKind::Validation(items) = error.in_batch(250, 3).kind().clone() else { panic!() };
        let indexes: Vec<_> = items.into_iter().map(|item| item.index).collect();
        assert_eq!(indexes, [Some(250), Some(252), None, None]);
    }
}
