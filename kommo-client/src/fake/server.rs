//! What is done with a request, and the server that takes them.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::oneshot;

use super::answer::{Answer, HTML};
use super::fault::{Applied, Fallen};
use super::gate::Pass;
use super::ledger::RecordedRequest;
use super::sending::Sending;
use super::state::{Call, State};
use super::{TOKEN, lock};

/// A server that stops when it is dropped.
///
/// It has a thread and a runtime of its own: the test's runtime may stand still, or its time be paused.
pub(super) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// # Panics
    ///
    /// When the system gives no thread, or no place to wait for the listener.
    pub(super) fn start(listener: TcpListener, state: Arc<Mutex<State>>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let serve = move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener);
                let listener = listener.expect("a listener that is bound");
                tokio::spawn(accept(listener, state));
                // What still runs then ends with the runtime.
                drop(stopped.await);
            });
        };
        let thread = std::thread::Builder::new().name("fake-kommo".to_owned());
        let thread = thread.spawn(serve).expect("a thread");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // The port is free again when this returns. A panic over there has been told.
            drop(thread.join());
        }
    }
}

async fn accept(listener: tokio::net::TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let state = Arc::clone(&state);
        let answer = service_fn(move |request| answer(Arc::clone(&state), request));
        // A connection that ends badly is the client's to notice, and often what a fault wants.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

/// # Errors
///
/// Where no answer is to be had: hyper then closes the connection without one.
async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> io::Result<Response<Sending>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    let authorization = head.headers.get("authorization").and_then(|value| value.to_str().ok());
    let asked = Asked {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        authorization: authorization.map(str::to_owned),
        body,
    };
    let answer = lock(&state).serve(asked);
    let (response, delay) = answer.map_err(|_| io::ErrorKind::ConnectionAborted)?.response();
    tokio::time::sleep(delay).await;
    Ok(response)
}

/// A request, as it came.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl State {
    /// Does all there is to do with one request.
    pub(super) fn serve(&mut self, request: Asked) -> Result<Answer, Fallen> {
        if is_own(&request.path) {
            return Ok(self.inspect(&request.path));
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

    fn take_apart(&self, request: Asked) -> Call {
        let Asked { method, path, query, authorization, body: bytes } = request;
        let bearer = authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "));
        let is_good = |token: &str| {
            (token == TOKEN && self.token_valid) || self.grants.takes(token, self.now())
        };
        let pairs = url::form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
        Call {
            at: self.came().saturating_add(1),
            query: pairs.into_owned().collect(),
            target: query.map_or_else(|| path.clone(), |query| format!("{path}?{query}")),
            authorized: bearer.is_some_and(is_good),
            body: body_of(&bytes),
            // tokio's, which a simulation moves.
            received: tokio::time::Instant::now().into_std(),
            method,
            path,
            bytes,
        }
    }
}

/// The pages for a person with curl, which are no part of Kommo.
fn is_own(path: &str) -> bool {
    path.starts_with("/__fake/")
}

/// A body that is no JSON becomes a JSON string: no endpoint takes one, so all refuse it.
fn body_of(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}
