//! The bodies of refusals: Paddle's JSON, or the page of something in front of it.

use serde::Deserialize;
use serde_json::Value;

use super::error::{Error, ErrorKind, Fate, FieldError};

const MOST_TEXT: usize = 300;
const MOST_CODE: usize = 100;
const MOST_FIELDS: usize = 50;

/// The codes of its "shared" list that mean the key itself.
const KEY_CODES: [&str; 4] =
    ["authentication_missing", "authentication_malformed", "invalid_token", "invalid_client_token"];

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: Value,
    #[serde(default)]
    meta: Value,
}

/// The error of a status beyond the 3xx with this body; `None` is a body that did not come whole.
pub(super) fn error(status: u16, body: Option<&[u8]>) -> Error {
    let body: Body = body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    let code = text(&body.error, "code", MOST_CODE).filter(|code| is_word(code));
    let request_id = text(&body.meta, "request_id", MOST_CODE);
    let fields = body
        .error
        .get("errors")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |errors| fields(errors));
    let (kind, fate) = verdict(status, code.as_deref());
    Error::new(kind, fate)
        .with_status(status)
        .with_code(code)
        .with_request_id(request_id)
        .with_detail(text(&body.error, "detail", MOST_TEXT), fields)
}

fn verdict(status: u16, code: Option<&str>) -> (ErrorKind, Fate) {
    if status >= 500 {
        return (ErrorKind::Server(status), Fate::Unknown);
    }
    let kind = match (status, code) {
        (_, Some(code)) if KEY_CODES.contains(&code) => ErrorKind::Unauthorized,
        (429, _) => ErrorKind::RateLimited,
        (401, _) => ErrorKind::Unauthorized,
        (_, None) => ErrorKind::Status(status),
        (403, _) => ErrorKind::Forbidden,
        (404, _) => ErrorKind::NotFound,
        (409, _) => ErrorKind::Conflict,
        _ => ErrorKind::Refused,
    };
    (kind, Fate::Refused)
}

fn fields(errors: &[Value]) -> Vec<FieldError> {
    errors
        .iter()
        .take(MOST_FIELDS)
        .map(|error| {
            let part = |key| text(error, key, MOST_TEXT).unwrap_or_default();
            FieldError::new(part("field"), part("message"))
        })
        .collect()
}

fn text(object: &Value, key: &str, most: usize) -> Option<String> {
    let text = object.get(key)?.as_str()?;
    let text: String =
        text.chars().filter(|character| !character.is_control()).take(most).collect();
    (!text.is_empty()).then_some(text)
}

/// A code is part of `Display`, so it has to look like one.
fn is_word(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, test_runner::Config};

    use super::*;

    #[test]
    fn status_and_code_say_the_kind() {
        for (status, code, want) in [
            (400, "bad_request", ErrorKind::Refused),
            (400, "invalid_token", ErrorKind::Unauthorized),
            (401, "new_code", ErrorKind::Unauthorized),
            (403, "invalid_token", ErrorKind::Unauthorized),
            (403, "authentication_malformed", ErrorKind::Unauthorized),
            (403, "forbidden", ErrorKind::Forbidden),
            (404, "not_found", ErrorKind::NotFound),
            (409, "conflict", ErrorKind::Conflict),
            (422, "transaction_immutable", ErrorKind::Refused),
            (429, "too_many_requests", ErrorKind::RateLimited),
            (500, "internal_error", ErrorKind::Server(500)),
            (503, "temporarily_unavailable", ErrorKind::Server(503)),
        ] {
            let body = format!(
                r#"{{"error":{{"type":"api_error","code":"{code}","detail":"No."}},"meta":{{"request_id":"r-1"}}}}"#
            );
            let error = error(status, Some(body.as_bytes()));
            assert_eq!(error.kind(), want, "{status} {code}");
            assert_eq!(error.code(), Some(code));
            assert_eq!(error.request_id(), Some("r-1"));
            assert_eq!(error.detail(), Some("No."));
            let fate = if status < 500 { Fate::Refused } else { Fate::Unknown };
            assert_eq!(error.fate(), fate, "{status} {code}");
        }
    }

    #[test]
    fn a_body_that_is_not_paddles_is_a_status() {
        for (status, body, want) in [
            (403, "<html>blocked</html>", ErrorKind::Status(403)),
            (404, "<html>", ErrorKind::Status(404)),
            (404, r#"{"error":{"code":7}}"#, ErrorKind::Status(404)),
            (404, r#"{"error":{"code":"jo@example.com"}}"#, ErrorKind::Status(404)),
            (400, r#"{"error":[],"meta":7}"#, ErrorKind::Status(400)),
            (400, "null", ErrorKind::Status(400)),
            (429, "", ErrorKind::RateLimited),
            (502, "<html>", ErrorKind::Server(502)),
        ] {
            let error = error(status, Some(body.as_bytes()));
            assert_eq!(error.kind(), want, "{status} {body}");
            assert_eq!(error.code(), None);
        }
    }

    #[test]
    fn fields_are_named_and_texts_are_capped() {
        let long = "x".repeat(5_000);
        let body = format!(
            r#"{{"error":{{"code":"bad_request","detail":"{long}","errors":[{{"field":"items[0].quantity","message":"{long}"}},7,{{}}]}}}}"#
        );
        let error = error(400, Some(body.as_bytes()));
        assert_eq!(error.detail().unwrap().len(), MOST_TEXT);
        let fields: Vec<_> = error.fields().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["items[0].quantity", "", ""]);
        assert_eq!(error.fields()[0].message.len(), MOST_TEXT);
    }

    proptest! {
        #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), status in 400_u16..600) {
            let _ = error(status, Some(&body));
        }
    }
}
