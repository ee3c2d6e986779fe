use std::{borrow::Cow, ops::Range};

use serde_core::de::IgnoredAny;
use time::OffsetDateTime;

use crate::{EventId, EventType, NotificationId, ParseError, json_scan::Scanner, wire::timestamp};

/// What every delivery has around its data.
pub(crate) struct Envelope {
    pub(crate) event_id: EventId,
    pub(crate) event_type: EventType,
    pub(crate) occurred_at: OffsetDateTime,
    pub(crate) notification_id: Option<NotificationId>,
    pub(crate) data: Range<usize>,
    pub(crate) marked_test: bool,
}

impl Envelope {
    /// # Errors
    /// [`ParseError`] where the text is not a JSON object, and where a member is missing, of another type, or there
    /// twice: two readers would take different ones.
    pub(crate) fn read(body: &str) -> Result<Self, ParseError> {
        let members = Members::scan(body).ok_or_else(|| not_an_object(body))?;
        if let Some(name) = members.twice {
            return Err(ParseError::other(&format!("{name} is there twice")));
        }
        let event_id: EventId = text("event_id", members.event_id)?;
        let event_type: EventType = text("event_type", members.event_type)?;
        if event_id.as_str().is_empty() {
            return Err(ParseError::other("event_id is empty"));
        }
        if event_type.is_absent() {
            return Err(ParseError::other("event_type is empty"));
        }
        let notification_id = members.notification_id.filter(|value| *value != "null");
        Ok(Self {
            event_id,
            event_type,
            occurred_at: instant("occurred_at", members.occurred_at)?,
            notification_id: notification_id
                .map(|value| text("notification_id", Some(value)))
                .transpose()?,
            data: members.data.ok_or_else(|| missing("data"))?,
            marked_test: members.test == Some("true"),
        })
    }
}

/// The values of the members we know, as JSON text.
#[derive(Default)]
struct Members<'b> {
    event_id: Option<&'b str>,
    event_type: Option<&'b str>,
    occurred_at: Option<&'b str>,
    notification_id: Option<&'b str>,
    test: Option<&'b str>,
    data: Option<Range<usize>>,
    twice: Option<&'static str>,
}

impl<'b> Members<'b> {
    /// `None` where the text is not a JSON object.
    fn scan(body: &'b str) -> Option<Self> {
        let mut members = Self::default();
        let mut scanner = Scanner::new(body);
        scanner.blanks();
        scanner.take(b'{')?;
        scanner.blanks();
        if scanner.take(b'}').is_none() {
            loop {
                let key = scanner.key()?;
                let start = scanner.position();
                let value = scanner.value()?;
                members.keep(key, value, start..scanner.position());
                scanner.blanks();
                if scanner.take(b',').is_none() {
                    break;
                }
            }
            scanner.take(b'}')?;
        }
        scanner.blanks();
        scanner.is_at_end().then_some(members)
    }

    fn keep(&mut self, key: &str, value: &'b str, range: Range<usize>) {
        // A key that is no text is no key of ours.
        let Some(key) = unquoted(key) else { return };
        let (name, was_there) = match &*key {
            "event_id" => ("event_id", self.event_id.replace(value).is_some()),
            "event_type" => ("event_type", self.event_type.replace(value).is_some()),
            "occurred_at" => ("occurred_at", self.occurred_at.replace(value).is_some()),
            "notification_id" => ("notification_id", self.notification_id.replace(value).is_some()),
            "test" => ("test", self.test.replace(value).is_some()),
            "data" => ("data", self.data.replace(range).is_some()),
            _ => return,
        };
        if was_there {
            self.twice = Some(name);
        }
    }
}

fn text<T: for<'a> From<&'a str>>(name: &str, value: Option<&str>) -> Result<T, ParseError> {
    let text = unquoted(value.ok_or_else(|| missing(name))?);
    let text = text.ok_or_else(|| ParseError::other(&format!("{name} is not text")))?;
    Ok(T::from(&text))
}

fn instant(name: &str, value: Option<&str>) -> Result<OffsetDateTime, ParseError> {
    unquoted(value.ok_or_else(|| missing(name))?)
        .and_then(|text| timestamp::parse(&text))
        .ok_or_else(|| ParseError::other(&format!("{name} is not an RFC 3339 timestamp")))
}

/// The text of a JSON string. `None` for any other value, and for half of a surrogate pair.
fn unquoted(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix('"')?.strip_suffix('"')? {
        text if text.contains('\\') => serde_json::from_str(value).ok().map(Cow::Owned),
        text => Some(Cow::Borrowed(text)),
    }
}

fn missing(name: &str) -> ParseError {
    ParseError::other(&format!("{name} is missing"))
}

/// Asks `serde_json` what is wrong, which says it well. It takes deeper nesting than the scanner does.
fn not_an_object(body: &str) -> ParseError {
    match serde_json::from_str::<IgnoredAny>(body) {
        Err(error) => ParseError::json(&error),
        Ok(_) if body.trim_start().starts_with('{') => ParseError::other("nested too deeply"),
        Ok(_) => ParseError::other("expected an object"),
    }
}
