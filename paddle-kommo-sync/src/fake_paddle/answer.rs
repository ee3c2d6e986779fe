use std::time::Duration;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

/// One HTTP answer before it becomes wiremock's.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) retry_after: Option<String>,
    pub(super) delay: Option<Duration>,
}

/// What an endpoint gives: an answer either way.
pub(super) type Outcome = Result<Answer, Answer>;

impl Answer {
    pub(super) fn raw(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, body, retry_after: None, delay: None }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, "application/json", body.to_string().into_bytes())
    }

    /// A success with one object.
    pub(super) fn data(status: u16, data: &Value) -> Self {
        Self::json(status, &json!({"data": data, "meta": meta()}))
    }

    pub(super) fn error(status: u16, code: &str, detail: &str) -> Self {
        Self::invalid(status, code, detail, &[])
    }

    /// An error that names fields.
    pub(super) fn invalid(status: u16, code: &str, detail: &str, fields: &[(&str, &str)]) -> Self {
        let errors: Vec<Value> = fields
            .iter()
            .map(|(field, message)| json!({"field": field, "message": message}))
            .collect();
        let kind = if status >= 500 { "api_error" } else { "request_error" };
        let mut error = json!({
            "type": kind, "code": code, "detail": detail,
            "documentation_url": format!("https://developer.paddle.com/errors/shared/{code}"),
        });
        if let (false, Value::Object(error)) = (errors.is_empty(), &mut error) {
            error.insert("errors".to_owned(), Value::Array(errors));
        }
        Self::json(status, &json!({"error": error, "meta": meta()}))
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "not_found", "Entity not found")
    }

    pub(super) fn bad(field: &str, message: &str) -> Self {
        Self::invalid(400, "bad_request", "Invalid request", &[(field, message)])
    }

    pub(super) fn html(status: u16) -> Self {
        let page = format!("<html><body><h1>{status} Gateway</h1></body></html>\n");
        Self::raw(status, "text/html", page.into_bytes())
    }

    pub(super) fn too_many(retry_after: &str) -> Self {
        let detail = "IP address exceeded the allowed rate limit.";
        let retry_after = Some(retry_after.to_owned());
        Self { retry_after, ..Self::error(429, "too_many_requests", detail) }
    }

    pub(super) fn template(&self) -> ResponseTemplate {
        let mut template = ResponseTemplate::new(self.status);
        if !self.body.is_empty() {
            template = template.set_body_raw(self.body.clone(), self.content_type);
        }
        if let Some(value) = &self.retry_after {
            template = template.append_header("retry-after", value.as_str());
        }
        if let Some(delay) = self.delay {
            template = template.set_delay(delay);
        }
        template
    }
}

/// The id is always the same: what asks for it is a person, and the fake has none to answer.
fn meta() -> Value {
    json!({"request_id": "00000000-0000-4000-8000-000000000000"})
}
