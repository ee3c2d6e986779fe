use std::{error::Error, fmt, time::Duration};

use serde_json::error::Category;

use crate::{EventId, EventType, json_path::path_at};

/// Why a text was not taken as a webhook secret, or a set of secrets not as the secrets of a verifier.
///
/// Every one of these is a mistake in configuration, so none of them shows the text.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InvalidSecret {
    /// Nothing at all, or nothing but blanks. An empty secret would verify what anybody signed.
    Blank,
    /// A line break, mostly pasted at the end.
    LineBreak,
    /// A space, tab or other blank.
    Whitespace,
    /// A quotation mark, mostly taken over from a shell or an `.env` file.
    Quote,
    /// A control character other than a line break or tab.
    Control,
    /// A character without width, for example a byte order mark.
    Invisible,
    /// A verifier was to be made of no secret.
    NoSecret,
    /// The same secret was given for live and for sandbox, so nobody could tell which of the two sent an event.
    TwoEnvironments,
}

impl fmt::Display for InvalidSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blank => "the webhook secret is empty: is the variable set?",
            Self::LineBreak => "the webhook secret contains a line break: was it pasted with the end of its line?",
            Self::Whitespace => "the webhook secret contains a space or tab: was it pasted with something around it?",
            Self::Quote => "the webhook secret contains a quotation mark: give it without quotes",
            Self::Control => "the webhook secret contains a control character: copy it again from Paddle's dashboard",
            Self::Invisible => "the webhook secret contains an invisible character: copy it again from Paddle's dashboard",
            Self::NoSecret => "no webhook secret was given: a verifier needs at least one",
            Self::TwoEnvironments => "the same webhook secret was given as live and as sandbox: each destination has its own",
        })
    }
}

impl Error for InvalidSecret {}

/// Why a delivery was not accepted. Answer every one of these with 401 and an empty body.
///
/// [`Expired`](Self::Expired) and [`InTheFuture`](Self::InTheFuture) are only said of deliveries that were signed
/// with one of the secrets: they mean a slow receiver or a wrong clock, not an attacker.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum VerifyError {
    /// There was no `Paddle-Signature` header, or an empty one: the request is not from Paddle, or something in
    /// front of this service removes the header.
    MissingHeader,
    /// The header is not of the form `ts=…;h1=…`: `ts` must be there once, in plain digits, and `h1` at least once.
    MalformedHeader,
    /// No signature in the header was made with one of the secrets over these bytes. In order of likelihood: the
    /// secret is that of another destination, the body was changed before it came here (parsed and written again,
    /// decompressed, converted), or somebody else wrote the request.
    Mismatch,
    /// Authentic, but signed too long ago: a replay, or a clock that is ahead. Paddle signs each attempt afresh,
    /// so a late retry is not the cause.
    Expired {
        /// The time between the signature and now.
        age: Duration,
    },
    /// Authentic, but signed in the future: this clock is behind.
    InTheFuture {
        /// The time between now and the signature.
        ahead: Duration,
    },
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingHeader => f.write_str(
                "no Paddle-Signature header: not from Paddle, or a proxy removed the header",
            ),
            Self::MalformedHeader => f.write_str(
                "malformed Paddle-Signature header: not from Paddle, or a proxy changed the header",
            ),
            Self::Mismatch => f.write_str(
                "signature mismatch: wrong secret, or the body is not the bytes that were signed",
            ),
            Self::Expired { age } => {
                write!(f, "signature expired: signed {} s ago by this clock", age.as_secs())
            }
            Self::InTheFuture { ahead } => {
                write!(
                    f,
                    "signature from the future: signed {} s ahead of this clock",
                    ahead.as_secs()
                )
            }
        }
    }
}

impl Error for VerifyError {}

/// Where and why JSON could not be read, without a word of what it contained.
///
/// It stands for the error of `serde_json`, whose text quotes the value it stumbled over, and with it an e-mail
/// address or a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JsonError {
    what: String,
    line: usize,
    column: usize,
}

impl JsonError {
    pub(crate) fn new(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let what = match error.classify() {
            // "invalid type: string \"jo@example.com\", expected a boolean": what was expected is ours, and is last.
            Category::Data => match text.rsplit_once(", expected ") {
                Some((_, expected)) => format!("expected {expected}"),
                None if text.starts_with("missing field `") => text.to_owned(),
                None if text.starts_with("duplicate field `") => text.to_owned(),
                None => "not of the expected shape".to_owned(),
            },
            Category::Io | Category::Syntax | Category::Eof => text.to_owned(),
        };
        Self { what, line: error.line(), column: error.column() }
    }

    fn other(what: &str) -> Self {
        Self { what: what.to_owned(), line: 0, column: 0 }
    }

    /// The line, from 1, in the text that was read; 0 where no place is to blame.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1 and in bytes, in the text that was read; 0 where no place is to blame.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.line {
            0 => Ok(()),
            line => write!(f, " at line {line} column {}", self.column),
        }
    }
}

impl Error for JsonError {}

/// The body is authentic but is not an event.
///
/// Keep the body and answer 200: sending it again does not change it, and any other answer makes Paddle try for
/// three days.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParseError(JsonError);

impl ParseError {
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        Self(JsonError::new(error))
    }

    pub(crate) fn other(what: &str) -> Self {
        Self(JsonError::other(what))
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is not a Paddle event")
    }
}

impl Error for ParseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// The event is of a known type, and its `data` is not what that type has.
///
/// The event itself is fine: keep it, and read [`Event::raw_data`](crate::Event::raw_data) if it is urgent. A
/// newer version of this crate may know the shape.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DataError(Box<Inner>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Inner {
    event_id: EventId,
    event_type: EventType,
    path: String,
    source: JsonError,
}

impl DataError {
    pub(crate) fn json(
        event_id: EventId,
        event_type: EventType,
        raw_data: &str,
        error: &serde_json::Error,
    ) -> Self {
        let path = path_at("data", raw_data, error.line(), error.column());
        Self(Box::new(Inner { event_id, event_type, path, source: JsonError::new(error) }))
    }

    pub(crate) fn not_an_object(event_id: EventId, event_type: EventType) -> Self {
        let source = JsonError::other("expected an object");
        Self(Box::new(Inner { event_id, event_type, path: "data".to_owned(), source }))
    }

    /// The event whose data could not be read.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.0.event_id
    }

    /// The type of that event.
    #[must_use]
    pub fn event_type(&self) -> &EventType {
        &self.0.event_type
    }

    /// Where in the body the trouble is, for example `data.items[0].price.unit_price.amount`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { event_id, event_type, path, .. } = &*self.0;
        write!(f, "unexpected shape of {event_type} in event {event_id}, at {path}")
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0.source)
    }
}

/// The text is not a currency code: three upper-case ASCII letters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidCurrency;

impl fmt::Display for InvalidCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a currency code: it has three upper-case letters")
    }
}

impl Error for InvalidCurrency {}

/// A value of `custom_data` that was to be a whole number is something else.
///
/// Whoever made the transaction wrote that value; do not guess what it means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotAnInteger {
    key: String,
}

impl NotAnInteger {
    pub(crate) fn new(key: &str) -> Self {
        Self { key: key.to_owned() }
    }

    /// The key that was asked for.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for NotAnInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom_data key {:?} is not a whole number", self.key)
    }
}

impl Error for NotAnInteger {}
