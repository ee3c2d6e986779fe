use std::time::Duration;

use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::check::{ItemProblems, Problem};
use super::sending::{Flow, Sending};

/// One HTTP answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) retry_after: Option<String>,
    pub(super) delay: Option<Duration>,
    pub(super) flow: Flow,
    /// Answers of the gateway (block, HTML pages) carry no `X-Request-Id`; those of the API do.
    pub(super) request_id: Option<u64>,
}

pub(super) const HAL: &str = "application/hal+json";
pub(super) const PROBLEM: &str = "application/problem+json";
pub(super) const HTML: &str = "text/html";

impl Answer {
    pub(super) fn raw(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type,
            body,
            retry_after: None,
            delay: None,
            flow: Flow::Whole,
            request_id: None,
        }
    }

    pub(super) fn ok(body: &Value) -> Self {
        Self::raw(200, HAL, body.to_string().into_bytes())
    }

    /// "Nothing there" is 204 without a body: for an empty list and for a missing lead or contact.
    pub(super) fn nothing() -> Self {
        Self::raw(204, HAL, Vec::new())
    }

    /// Shape A: problem+json.
    pub(super) fn problem(status: u16, detail: &str) -> Self {
        let body = problem_body(status, detail);
        Self::raw(status, PROBLEM, body.to_string().into_bytes())
    }

    /// Shape B: every bad item of the request under its own `request_id`.
    pub(super) fn invalid(items: &[ItemProblems]) -> Self {
        let items: Vec<Value> = items
            .iter()
            .map(|item| {
                let errors: Vec<Value> = item.problems.iter().map(Problem::to_json).collect();
                json!({"request_id": item.request_id, "errors": errors})
            })
            .collect();
        let mut body = problem_body(400, "Request validation failed");
        set(&mut body, "validation-errors", Value::Array(items));
        Self::raw(400, PROBLEM, body.to_string().into_bytes())
    }

    /// Shape C: a business rule, with entity ids as keys.
    pub(super) fn rule(errors: &[(String, &'static str)]) -> Self {
        let errors: serde_json::Map<String, Value> =
            errors.iter().map(|(id, text)| (id.clone(), Value::from(*text))).collect();
        let mut body = problem_body(400, "Invalid request body");
        set(&mut body, "errors", Value::Object(errors));
        Self::raw(400, PROBLEM, body.to_string().into_bytes())
    }

    pub(super) fn html(status: u16, title: &str) -> Self {
        let page = format!(
            "<html>\n<head><title>{title}</title></head>\n<body>\n<center><h1>{title}</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n"
        );
        Self::raw(status, HTML, page.into_bytes())
    }

    /// The page that everything gets while Kommo blocks an address.
    pub(super) fn blocked() -> Self {
        Self::html(403, "403 Forbidden")
    }

    /// As it goes out, and how long it is to take before.
    pub(super) fn response(self) -> (Response<Sending>, Duration) {
        let is_empty = self.body.is_empty();
        let mut response = Response::new(Sending::new(self.body, self.flow));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if !is_empty {
            headers.insert("content-type", HeaderValue::from_static(self.content_type));
        }
        if let Some(value) = self.retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert("retry-after", value);
        }
        if let Some(number) = self.request_id {
            headers.insert("x-request-id", HeaderValue::from(number));
        }
        (response, self.delay.unwrap_or_default())
    }
}

/// The body of shape A.
pub(super) fn problem_body(status: u16, detail: &str) -> Value {
    let title = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    };
    let kind = format!("https://httpstatus.es/{status}");
    json!({"title": title, "type": kind, "status": status, "detail": detail})
}

/// Sets one key of a JSON object.
pub(super) fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(key.to_owned(), value);
    }
}
