use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Match, Mock, MockServer, Request, Respond, ResponseTemplate};

use super::answer::Answer;
use super::state::State;
use super::{RecordedRequest, lock};

/// One request, taken apart.
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    /// `None` where there is none, an error where it is no JSON.
    pub(super) body: Option<Result<Value, ()>>,
    authorization: Option<String>,
}

impl Call {
    pub(super) fn parameter(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

pub(super) async fn start(listener: TcpListener, state: &Arc<Mutex<State>>) -> MockServer {
    let server = MockServer::builder().listener(listener).disable_request_recording().start().await;
    // wiremock closes a connection without an answer only from a mock of its own kind.
    let dropped = Arc::clone(state);
    let drops = Mock::given(Drops(Arc::clone(state))).respond_with_err(move |request: &Request| {
        lock(&dropped).serve(request);
        std::io::Error::from(std::io::ErrorKind::ConnectionAborted)
    });
    server.register(drops).await;
    server.register(Mock::given(any()).respond_with(Answers(Arc::clone(state)))).await;
    server
}

struct Drops(Arc<Mutex<State>>);

impl Match for Drops {
    fn matches(&self, request: &Request) -> bool {
        let path = request.url.path();
        !is_document(path) && lock(&self.0).script.drops(request.method.as_str(), path)
    }
}

struct Answers(Arc<Mutex<State>>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let answer = lock(&self.0).serve(request);
        // A dropped request never comes here: `Drops` has taken it.
        answer.unwrap_or_else(|| Answer::html(500)).template()
    }
}

impl State {
    /// Does all there is to do with one request. `None` is a dropped connection.
    fn serve(&mut self, request: &Request) -> Option<Answer> {
        let call = take_apart(request);
        if is_document(&call.path) {
            return Some(self.document(&call.path));
        }
        let answer = match self.script.strike(&call.method, &call.path) {
            Some(fault) => {
                let real = fault.is_applied().then(|| self.apply(&call));
                fault.into_answer(real)
            }
            None => Some(match self.gate.enter(Instant::now()) {
                Ok(()) => self.apply(&call),
                Err(seconds) => Answer::too_many(&seconds.to_string()),
            }),
        };
        self.requests.push(RecordedRequest {
            method: call.method,
            target: match request.url.query() {
                Some(query) => format!("{}?{query}", call.path),
                None => call.path,
            },
            body: call.body.and_then(Result::ok).unwrap_or_default(),
            status: answer.as_ref().map_or(0, |answer| answer.status),
        });
        answer
    }

    fn apply(&mut self, call: &Call) -> Answer {
        let refused = |code, detail| Answer::error(403, code, detail);
        let Some(authorization) = &call.authorization else {
            return refused("authentication_missing", "Authentication header missing");
        };
        let Some(key) = authorization.strip_prefix("Bearer ") else {
            return refused("authentication_malformed", "Authentication header incorrect");
        };
        if !self.key_valid || key != self.key {
            return refused("invalid_token", "Invalid API key");
        }
        self.route(call).unwrap_or_else(|refusal| refusal)
    }

    /// The storage host, which Paddle's links lead to: no key is asked for, and the link ends.
    fn document(&self, path: &str) -> Answer {
        match self.documents.get(path) {
            Some(ends) if self.now() < *ends => {
                Answer::raw(200, "application/pdf", PDF.as_bytes().to_vec())
            }
            Some(_) => Answer::raw(403, "application/xml", EXPIRED.as_bytes().to_vec()),
            None => Answer::raw(404, "application/xml", b"<Error/>".to_vec()),
        }
    }
}

/// The smallest file that is a PDF by its first bytes and its last.
const PDF: &str =
    "%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n";
const EXPIRED: &str =
    "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";

fn is_document(path: &str) -> bool {
    path.starts_with("/_/pdf/")
}

fn take_apart(request: &Request) -> Call {
    let body =
        (!request.body.is_empty()).then(|| serde_json::from_slice(&request.body).map_err(|_| ()));
    let authorization = request.headers.get("authorization");
    Call {
        method: request.method.as_str().to_owned(),
        path: request.url.path().to_owned(),
        query: request.url.query_pairs().into_owned().collect(),
        body,
        authorization: authorization.and_then(|value| Some(value.to_str().ok()?.to_owned())),
    }
}
