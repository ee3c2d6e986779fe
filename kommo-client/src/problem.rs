//! The bodies of refusals: problem+json in two shapes, or a page of the gateway.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::{
    error::{ErrorKind, FieldError, ItemError},
    wire::{capped, elements, list, or_default},
};

/// A batch has no more items than that; neither has an honest answer.
const MOST_ITEMS: usize = 250;
const MOST_ERRORS: usize = 100;
const MOST_TEXT: usize = 300;

pub(crate) struct Problem {
    /// Whether there was JSON at all.
    json: bool,
    body: Body,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default, rename = "validation-errors", deserialize_with = "list")]
    validation: Vec<Item>,
    #[serde(default, deserialize_with = "or_default")]
    errors: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    detail: String,
    /// What is wrong with a grant; the other texts of those answers are localized.
    #[serde(default, deserialize_with = "or_default")]
    hint: String,
    #[serde(default)]
    retry_after: Value,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    request_id: Value,
    #[serde(default, deserialize_with = "list")]
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default, deserialize_with = "or_default")]
    code: String,
    #[serde(default, deserialize_with = "or_default")]
    path: String,
    #[serde(default, deserialize_with = "or_default")]
    detail: String,
}

impl Problem {
    pub(crate) fn read(body: &[u8]) -> Self {
        let value: Option<Value> = serde_json::from_slice(body).ok();
        let json = value.is_some();
        let body = value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
        Self { json, body }
    }

    /// A body that is not JSON, or of which there is not enough.
    pub(crate) fn unreadable() -> Self {
        Self { json: false, body: Body::default() }
    }

    pub(crate) fn detail(&self) -> Option<String> {
        let Body { hint, detail, .. } = &self.body;
        let detail = capped(if hint.is_empty() { detail } else { hint }, MOST_TEXT);
        (!detail.is_empty()).then_some(detail)
    }

    pub(crate) fn into_kind(self, status: u16) -> ErrorKind {
        match status {
            400 => self.into_bad_request(),
            401 => ErrorKind::Unauthorized,
            402 => ErrorKind::PaymentRequired,
            403 if self.json => ErrorKind::Forbidden,
            403 => ErrorKind::Blocked,
            404 => ErrorKind::NotFound,
            429 => ErrorKind::RateLimited,
            _ => ErrorKind::Status(status),
        }
    }

    fn into_bad_request(self) -> ErrorKind {
        if !self.body.validation.is_empty() {
            return ErrorKind::Validation(
                self.body.validation.into_iter().take(MOST_ITEMS).map(Item::into_error).collect(),
            );
        }
        if !self.body.errors.is_empty() {
            return ErrorKind::Rule(
                self.body
                    .errors
                    .into_iter()
                    .take(MOST_ITEMS)
                    .map(|(id, text)| (capped(&id, MOST_TEXT), capped(&to_text(&text), MOST_TEXT)))
                    .collect(),
            );
        }
        ErrorKind::Status(400)
    }

    /// How long to wait, from the header (seconds or a date) or from the body's `retry_after`; `None` when neither
    /// says anything. Kommo documents none of them, and gateways have sent all three.
    pub(crate) fn retry_after(&self, header: Option<&str>, date: Option<&str>) -> Option<Duration> {
        match header {
            Some(text) => Some(wait(text, date)),
            None if self.body.retry_after.is_null() => None,
            None => Some(wait(&to_text(&self.body.retry_after), None)),
        }
    }
}

/// An item that was not done although the answer is a success (`POST calls`), in the words of a problem.
pub(crate) fn refusal(value: &Value) -> Option<ItemError> {
    #[derive(Deserialize)]
    struct Refusal {
        request_id: Value,
        #[serde(default, deserialize_with = "or_default")]
        title: String,
        #[serde(default, deserialize_with = "or_default")]
        detail: String,
    }
    let Refusal { request_id, title, detail } = Refusal::deserialize(value).ok()?;
    let reason = Reason { code: title, path: String::new(), detail };
    Some(Item { request_id, errors: vec![reason] }.into_error())
}

impl Item {
    fn into_error(self) -> ItemError {
        // The complex creation answers with an array of them.
        let request_id = match self.request_id {
            Value::Array(ids) => elements(Value::Array(ids)).into_iter().next().unwrap_or_default(),
            id => id,
        };
        let request_id = capped(&to_text(&request_id), MOST_TEXT);
        ItemError {
            // We send the position of the item as its `request_id`.
            index: request_id.parse().ok(),
            request_id,
            errors: self.errors.into_iter().take(MOST_ERRORS).map(Reason::into_error).collect(),
        }
    }
}

impl Reason {
    fn into_error(self) -> FieldError {
        FieldError {
            code: capped(&self.code, MOST_TEXT),
            path: capped(&self.path, MOST_TEXT),
            detail: capped(&self.detail, MOST_TEXT),
        }
    }
}

fn to_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

const LEAST_WAIT: Duration = Duration::from_secs(1);
const MOST_WAIT: Duration = Duration::from_secs(15 * 60);

/// How long a `Retry-After` asks to wait: seconds, or a date, which counts from the answer's own `Date` so that neither
/// clock has to be right. Between one second and fifteen minutes, whatever it says.
#[must_use]
pub fn wait(text: &str, date: Option<&str>) -> Duration {
    let text = text.trim();
    let whole = text.split('.').next().unwrap_or_default();
    let wait = if !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(whole.parse().unwrap_or(u64::MAX))
    } else {
        let until = OffsetDateTime::parse(text, &Rfc2822).ok();
        let now = date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
        until
            .zip(now)
            .and_then(|(until, now)| {
                until.unix_timestamp().checked_sub(now.unix_timestamp())?.try_into().ok()
            })
            .map_or(LEAST_WAIT, Duration::from_secs)
    };
    wait.clamp(LEAST_WAIT, MOST_WAIT)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, test_runner::Config};

    use super::*;

    #[test]
    fn k03_absurd_waits_are_clamped() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (text, seconds) in [
            ("3", 3),
            (" 30 ", 30),
            ("1.5", 1),
            ("0", 1),
            ("-1", 1),
            ("NaN", 1),
            ("", 1),
            ("1e3", 1),
            ("1000000000000", 900),
            ("99999999999999999999999999", 900),
            ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
            ("Sun, 06 Nov 1994 08:49:36 GMT", 1),
            ("Sun, 06 Nov 1994 19:49:37 GMT", 900),
            ("Thu, 31 Dec 9999 23:59:59 GMT", 900),
            ("tomorrow", 1),
        ] {
            assert_eq!(wait(text, date), Duration::from_secs(seconds), "{text:?}");
        }
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT", None), LEAST_WAIT);
    }

    #[test]
    fn the_wait_may_stand_in_the_body() {
        for (body, seconds) in [
            (r#"{"retry_after":300}"#, Some(300)),
            (r#"{"retry_after":"30"}"#, Some(30)),
            (r#"{"retry_after":2.5}"#, Some(2)),
            (r#"{"retry_after":-4}"#, Some(1)),
            (r#"{"retry_after":null}"#, None),
            (r#"{"status":429}"#, None),
            ("[]", None),
            ("<html>", None),
            ("", None),
        ] {
            let want = seconds.map(Duration::from_secs);
            assert_eq!(Problem::read(body.as_bytes()).retry_after(None, None), want, "{body}");
        }
        let both = Problem::read(br#"{"retry_after":300}"#).retry_after(Some("3"), None);
        assert_eq!(both, Some(Duration::from_secs(3)));
    }

    #[test]
    fn refusals_of_any_shape_have_a_kind() {
        let item = |index, request_id: &str, errors| ItemError {
            index,
            request_id: request_id.into(),
            errors,
        };
        let choice = FieldError {
            code: "NotSupportedChoice".into(),
            path: "status_id".into(),
            detail: "No.".into(),
        };
        let empty = FieldError { code: String::new(), path: String::new(), detail: String::new() };
        for (body, want) in [
            (
                r#"{"validation-errors":[{"request_id":"3","errors":[{"path":"status_id","code":"NotSupportedChoice","detail":"No."}]}]}"#,
                ErrorKind::Validation(vec![item(Some(3), "3", vec![choice])]),
            ),
            (
                r#"{"validation-errors":[{"request_id":3,"errors":[{}]},{"request_id":["1"]},{}]}"#,
                ErrorKind::Validation(vec![
                    item(Some(3), "3", vec![empty]),
                    item(Some(1), "1", vec![]),
                    item(None, "", vec![]),
                ]),
            ),
            (
                r#"{"errors":{"7":"Only for lost leads","8":5}}"#,
                ErrorKind::Rule(BTreeMap::from([
                    ("7".into(), "Only for lost leads".into()),
                    ("8".into(), "5".into()),
                ])),
            ),
            (r#"{"validation-errors":7,"errors":[],"detail":{}}"#, ErrorKind::Status(400)),
            (r#"{"detail":"User(s) 1 are not associated"}"#, ErrorKind::Status(400)),
            ("null", ErrorKind::Status(400)),
            ("<html>", ErrorKind::Status(400)),
            ("", ErrorKind::Status(400)),
        ] {
            assert_eq!(Problem::read(body.as_bytes()).into_kind(400), want, "{body}");
        }
    }

    #[test]
    fn texts_are_capped() {
        let long = "x".repeat(5_000);
        let body = format!(
            r#"{{"detail":"{long}","validation-errors":[{{"request_id":"{long}","errors":[{{"code":"{long}","path":"{long}","detail":"{long}"}}]}}]}}"#
        );
        let problem = Problem::read(body.as_bytes());
        assert_eq!(problem.detail().unwrap().len(), MOST_TEXT);
        let ErrorKind::Validation(items) = problem.into_kind(400) else { panic!() };
        assert_eq!(items[0].request_id.len(), MOST_TEXT);
        assert_eq!(items[0].errors[0].detail.len(), MOST_TEXT);
    }

    proptest! {
        #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

        #[test]
        fn k03_no_advice_leads_out_of_bounds(text in ".{0,40}", date in ".{0,40}") {
            let wait = wait(&text, Some(&date));
            prop_assert!((LEAST_WAIT..=MOST_WAIT).contains(&wait));
        }

        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), status in 400_u16..500) {
            let problem = Problem::read(&body);
            let _ = (problem.retry_after(None, None), problem.detail(), problem.into_kind(status));
        }
    }
}
