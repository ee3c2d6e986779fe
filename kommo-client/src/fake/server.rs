use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Match, Mock, MockServer, Request, Respond, ResponseTemplate};

use super::answer::{Answer, HTML};
use super::fault::{Applied, Fallen};
use super::gate::Pass;
use super::ledger::RecordedRequest;
use super::state::{Call, State};
use super::{TOKEN, lock};

pub(super) async fn start(listener: TcpListener, state: &Arc<Mutex<State>>) -> MockServer {
    let server = MockServer::builder().listener(listener).disable_request_recording().start().await;
    // wiremock closes a connection without an answer only from a mock of its own kind.
    let dropped = Arc::clone(state);
    let drops = Mock::given(Drops(Arc::clone(state))).respond_with_err(move |request: &Request| {
        drop(lock(&dropped).serve(request));
        std::io::Error::from(std::io::ErrorKind::ConnectionAborted)
    });
    let answers = Mock::given(any()).respond_with(Answers(Arc::clone(state)));
    server.register(drops).await;
    server.register(answers).await;
    server
}

struct Drops(Arc<Mutex<State>>);

impl Match for Drops {
    fn matches(&self, request: &Request) -> bool {
        let body = body_of(request);
        let path = request.url.path();
        !is_own(path) && lock(&self.0).script.drops(request.method.as_str(), path, &body)
    }
}

struct Answers(Arc<Mutex<State>>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let answer = lock(&self.0).serve(request);
        // A dropped request comes here only by chance, for which wiremock has no closed connection: `Drops` takes the others.
        answer.unwrap_or_else(|_| Answer::html(502, "502 Bad Gateway")).template()
    }
}

impl State {
    /// Does all there is to do with one request.
    pub(super) fn serve(&mut self, request: &Request) -> Result<Answer, Fallen> {
        let path = request.url.path();
        if is_own(path) {
            return Ok(self.inspect(path));
        }
        let call = self.take_apart(request);
        self.answering = true;
        let mut answer = self.answer(&call);
        self.answering = false;
        if let Ok(answer) = &mut answer
            && answer.content_type != HTML
        {
            answer.request_id = Some(call.at);
        }
        self.requests.push(RecordedRequest {
            at: call.at,
            method: call.method,
            path: call.target,
            body: call.body,
            status: answer.as_ref().map_or(0, |answer| answer.status),
            received: call.received,
        });
        answer
    }

    fn answer(&mut self, call: &Call) -> Result<Answer, Fallen> {
        let pass = self.gate.enter(call.received);
        if let Some(strike) = self.script.strike(&call.method, &call.path, &call.body) {
            let real = match strike.applied {
                Applied::Never => None,
                Applied::Before => Some(self.apply(call)),
                Applied::Later => {
                    self.held.push(call.clone());
                    None
                }
            };
            return strike.answer(real);
        }
        Ok(match pass {
            Pass::Blocked => Answer::blocked(),
            Pass::TooMany => Answer::html(429, "429 Too Many Requests"),
            Pass::Open => self.apply(call),
        })
    }

    fn apply(&mut self, call: &Call) -> Answer {
        if call.path.starts_with("/oauth2/") {
            return self.oauth_route(call);
        }
        if !call.authorized {
            return Answer::problem(401, "Invalid user name or password");
        }
        self.route(call)
    }

    pub(super) fn apply_held(&mut self) -> usize {
        let held = std::mem::take(&mut self.held);
        held.iter().filter(|call| self.apply(call).status < 300).count()
    }

    fn take_apart(&self, request: &Request) -> Call {
        let path = request.url.path().to_owned();
        let target = match request.url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.clone(),
        };
        let authorization = request.headers.get("authorization");
        let bearer = authorization.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let is_good = |token: &str| {
            (token == TOKEN && self.token_valid) || self.grants.takes(token, self.now())
        };
        Call {
            at: self.came().saturating_add(1),
            method: request.method.as_str().to_owned(),
            query: request.url.query_pairs().into_owned().collect(),
            path,
            target,
            body: body_of(request),
            bytes: request.body.clone(),
            authorized: bearer.is_some_and(is_good),
            // tokio's, which a simulation moves.
            received: tokio::time::Instant::now().into_std(),
        }
    }
}

/// The pages for a person with curl, which are no part of Kommo.
fn is_own(path: &str) -> bool {
    path.starts_with("/__fake/")
}

/// A body that is no JSON becomes a JSON string: no endpoint takes one, so all refuse it.
fn body_of(request: &Request) -> Value {
    if request.body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(&request.body)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&request.body).into_owned()))
}
