//! The only file that names reqwest: send, cap the body, status before body.

#[cfg(feature = "fake")]
mod memory;

use std::{
    error::Error as StdError,
    fmt,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{
    auth::AccessToken,
    error::{Error, ErrorKind, Fate},
    limit::{Limiter, Manners, Permit, Refusal},
    pace::Verdict,
    problem::Problem,
    query::Query,
    wire::{JsonFault, capped},
};

/// The most that is kept of a success.
const MOST_BODY: usize = 8 << 20;

/// The most that is read of a refusal: Kommo's are small, and a gateway's page has nothing to tell.
const MOST_REFUSAL: usize = 256 << 10;

/// Below what servers and balancers usually allow, so that we close idle connections before they do.
const POOL_IDLE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    Get,
    Post,
    Patch,
    Put,
    Delete,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    fn to_reqwest(self) -> reqwest::Method {
        match self {
            Self::Get => reqwest::Method::GET,
            Self::Post => reqwest::Method::POST,
            Self::Patch => reqwest::Method::PATCH,
            Self::Put => reqwest::Method::PUT,
            Self::Delete => reqwest::Method::DELETE,
        }
    }
}

pub(crate) struct Request {
    pub(crate) method: Method,
    /// From the root of the host: `/api/v4/leads`.
    pub(crate) path: String,
    pub(crate) query: Query,
    /// Another host than the account's own: the drive, or where renamed accounts are found. It was checked before it
    /// came here.
    host: Option<Url>,
    /// A header whose value is nobody's business.
    secret: Option<(&'static str, HeaderValue)>,
    body: Option<(HeaderValue, Vec<u8>)>,
}

impl Request {
    pub(crate) fn new(method: Method, path: String) -> Self {
        Self { method, path, query: Query::default(), host: None, secret: None, body: None }
    }

    #[must_use]
    pub(crate) fn query(mut self, query: Query) -> Self {
        self.query = query;
        self
    }

    /// # Errors
    ///
    /// When the body cannot be written as JSON.
    pub(crate) fn json(mut self, body: &(impl serde::Serialize + ?Sized)) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(Error::invalid_request)?;
        self.body = Some((HeaderValue::from_static("application/json"), body));
        Ok(self)
    }

    /// # Errors
    ///
    /// When the type is no header value.
    pub(crate) fn bytes(mut self, content_type: &str, body: Vec<u8>) -> Result<Self, Error> {
        let content_type = HeaderValue::from_str(content_type).map_err(Error::invalid_request)?;
        self.body = Some((content_type, body));
        Ok(self)
    }

    #[must_use]
    pub(crate) fn host(mut self, host: Url) -> Self {
        self.host = Some(host);
        self
    }

    /// # Errors
    ///
    /// When the secret is no header value.
    pub(crate) fn secret(mut self, name: &'static str, value: &str) -> Result<Self, Error> {
        let mut value = HeaderValue::from_str(value).map_err(Error::invalid_request)?;
        value.set_sensitive(true);
        self.secret = Some((name, value));
        Ok(self)
    }
}

/// A success: a status of the 2xx, with its whole body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    request_id: Option<String>,
}

impl Answer {
    /// The body as JSON of the wanted shape.
    pub(crate) fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.undecodable(JsonFault::from(error)))
    }

    /// What to say when the body does not hold what was asked for.
    pub(crate) fn undecodable(&self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::decode(source).with_answer(self.status, self.request_id.clone())
    }
}

pub(crate) struct Transport {
    http: Http,
    /// It changes when the account is renamed.
    base: RwLock<Url>,
    limiter: Limiter,
    idle_timeout: Duration,
}

/// Who carries requests out.
enum Http {
    Network(reqwest::Client),
    #[cfg(feature = "fake")]
    Memory(memory::Memory),
}

/// What a transport is built from.
pub(crate) struct Settings<'a> {
    pub(crate) base: Url,
    pub(crate) limiter: Limiter,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) user_agent: &'a str,
    #[cfg(feature = "fake")]
    pub(crate) memory: Option<crate::fake::FakeKommo>,
}

impl Transport {
    /// # Errors
    ///
    /// With what the HTTP client says: a user agent that is no header value, or TLS that cannot be set up.
    pub(crate) fn new(settings: Settings<'_>) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_str(settings.user_agent)?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/hal+json, application/json"));
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            // A redirect would carry the token along, and Kommo's API has none.
            .redirect(reqwest::redirect::Policy::none())
            // A POST must never be sent twice behind the caller's back.
            .retry(reqwest::retry::never())
            .referer(false);
        if settings.base.scheme() == "http" {
            // Plain http is for a server on this very machine: no proxy may see the token.
            builder = builder.no_proxy();
        }
        let http = builder.build()?;
        let http = Http::Network(http);
        #[cfg(feature = "fake")]
        let http = match settings.memory {
            Some(fake) => Http::Memory(memory::Memory { fake, timeout: settings.timeout }),
            None => http,
        };
        let Settings { base, limiter, idle_timeout, .. } = settings;
        Ok(Self { http, base: RwLock::new(base), limiter, idle_timeout })
    }

    pub(crate) fn base(&self) -> Url {
        self.base.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Moves to another address of the same account. It was checked before it came here.
    pub(crate) fn move_to(&self, base: Url) {
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }

    pub(crate) async fn send(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
        manners: &Manners,
    ) -> Result<Answer, Error> {
        let built = self.build(request, token)?;
        let mut permit = match manners.held() {
            Some(permit) => permit,
            None => self.turn(manners).await?,
        };
        permit.leave();
        let started = Instant::now();
        let response = match &self.http {
            Http::Network(http) => http.execute(built).await.map_err(from_reqwest),
            #[cfg(feature = "fake")]
            Http::Memory(memory) => memory.execute(built).await,
        };
        let outcome = match response {
            Ok(response) => read(response, permit, self.idle_timeout).await,
            Err(error) => Err(error),
        };
        let (status, request_id) = match &outcome {
            Ok(answer) => (Some(answer.status), answer.request_id.as_deref()),
            Err(error) => (error.status(), error.request_id()),
        };
        tracing::debug!(
            method = request.method.as_str(),
            path = request.path,
            status,
            request_id,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error = outcome.as_ref().err().map(tracing::field::display),
            "kommo request"
        );
        outcome
    }

    /// Waits until the next request may leave.
    pub(crate) async fn turn(&self, manners: &Manners) -> Result<Permit, Error> {
        let turn = self.limiter.acquire(manners.priority);
        let permit = match manners.longest_wait {
            None => turn.await,
            Some(wait) => match timeout(wait, turn).await {
                Ok(permit) => permit,
                Err(_) => return Err(Error::new(ErrorKind::Busy, Fate::NotSent)),
            },
        };
        permit.map_err(refused)
    }

    fn build(
        &self,
        request: &Request,
        token: Option<&AccessToken>,
    ) -> Result<reqwest::Request, Error> {
        let mut url = request.host.clone().unwrap_or_else(|| self.base());
        url.set_path(&request.path);
        let query = request.query.as_str();
        url.set_query((!query.is_empty()).then_some(query));
        let mut built = reqwest::Request::new(request.method.to_reqwest(), url);
        if let Some(token) = token {
            let bearer = zeroize::Zeroizing::new(format!("Bearer {}", token.expose()));
            let mut bearer = HeaderValue::from_str(&bearer).map_err(Error::invalid_request)?;
            bearer.set_sensitive(true);
            built.headers_mut().insert(AUTHORIZATION, bearer);
        }
        if let Some((name, value)) = &request.secret {
            built.headers_mut().insert(*name, value.clone());
        }
        if let Some((content_type, body)) = &request.body {
            built.headers_mut().insert(CONTENT_TYPE, content_type.clone());
            *built.body_mut() = Some(body.clone().into());
        }
        Ok(built)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Transport")
            .field("base", &self.base().as_str())
            .finish_non_exhaustive()
    }
}

/// What the limiter refuses never left.
fn refused(refusal: Refusal) -> Error {
    let (kind, wait) = match refusal {
        Refusal::Paused(wait) => (ErrorKind::RateLimited, wait),
        Refusal::Blocked(wait) => (ErrorKind::Blocked, wait),
    };
    Error::new(kind, Fate::NotSent).with_retry_after(Some(wait))
}

/// The status decides; the body only says which of its kinds.
async fn read(
    response: reqwest::Response,
    permit: Permit,
    idle: Duration,
) -> Result<Answer, Error> {
    let status = response.status().as_u16();
    let permit = match status {
        // These say something about the pace, and their bodies say the rest of it.
        403 | 429 => Some(permit),
        _ => {
            // Kommo has counted the request by now; the body may take its time. A gateway's 5xx proves nothing.
            permit.learn(if status < 500 { Verdict::Heard } else { Verdict::Silence });
            drop(permit);
            None
        }
    };
    let outcome = read_body(response, status, idle).await;
    if let (Some(permit), Err(error)) = (permit, &outcome) {
        permit.learn(match error.kind() {
            ErrorKind::RateLimited => Verdict::TooFast(error.retry_after()),
            ErrorKind::Blocked => Verdict::Blocked,
            ErrorKind::Forbidden => Verdict::Heard,
            _ => Verdict::Silence,
        });
    }
    outcome
}

async fn read_body(
    response: reqwest::Response,
    status: u16,
    idle: Duration,
) -> Result<Answer, Error> {
    let request_id = header(&response, "x-request-id").map(|id| capped(id, 128));
    let answer = |error: Error| error.with_answer(status, request_id.clone());
    match status {
        200..=299 => match body(response, MOST_BODY, idle).await {
            Body::Whole(body) => Ok(Answer { status, body, request_id }),
            Body::TooLarge => Err(answer(Error::new(ErrorKind::TooLarge, Fate::Unknown))),
            Body::Cut(error) => {
                Err(answer(Error::new(error.0, Fate::Unknown).with_source(error.1)))
            }
        },
        300..=399 => Err(answer(Error::new(ErrorKind::Redirect, Fate::Refused))),
        400..=499 => {
            let advice = header(&response, RETRY_AFTER.as_str()).map(str::to_owned);
            let date = header(&response, DATE.as_str()).map(str::to_owned);
            let (problem, source) = match body(response, MOST_REFUSAL, idle).await {
                Body::Whole(body) => (Problem::read(&body), None),
                Body::TooLarge => (Problem::unreadable(), None),
                Body::Cut((_, source)) => (Problem::unreadable(), Some(source)),
            };
            let retry_after = (status == 429)
                .then(|| problem.retry_after(advice.as_deref(), date.as_deref()))
                .flatten();
            let detail = problem.detail();
            let error = match source {
                // Half a refusal proves nothing, and half a 403 does not tell a block from a lack of rights.
                Some(source) => Error::new(kind_of_cut(status), Fate::Unknown).with_source(source),
                None => Error::new(problem.into_kind(status), Fate::Refused),
            };
            Err(answer(error.with_retry_after(retry_after).with_detail(detail)))
        }
        500.. => {
            let advice = header(&response, RETRY_AFTER.as_str());
            let date = header(&response, DATE.as_str());
            let retry_after = Problem::unreadable().retry_after(advice, date);
            let error = Error::new(ErrorKind::Server(status), Fate::Unknown);
            Err(answer(error.with_retry_after(retry_after)))
        }
        _ => Err(answer(Error::new(ErrorKind::Transport, Fate::Unknown))),
    }
}

fn kind_of_cut(status: u16) -> ErrorKind {
    match status {
        400 | 403 => ErrorKind::Status(status),
        _ => Problem::unreadable().into_kind(status),
    }
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

enum Body {
    Whole(Vec<u8>),
    TooLarge,
    Cut((ErrorKind, Box<dyn StdError + Send + Sync>)),
}

/// `idle` is not reqwest's `read_timeout`: that would also cut short the wait for an answer, which may be long.
async fn body(mut response: reqwest::Response, most: usize, idle: Duration) -> Body {
    let mut body = Vec::new();
    loop {
        match timeout(idle, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                if chunk.len() > most.saturating_sub(body.len()) {
                    return Body::TooLarge;
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Ok(None)) => return Body::Whole(body),
            Ok(Err(error)) => {
                let kind =
                    if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Transport };
                return Body::Cut((kind, error.without_url().into()));
            }
            Err(elapsed) => return Body::Cut((ErrorKind::Timeout, elapsed.into())),
        }
    }
}

fn from_reqwest(error: reqwest::Error) -> Error {
    let (kind, fate) = if error.is_builder() {
        (ErrorKind::InvalidRequest, Fate::NotSent)
    } else if error.is_connect() {
        (ErrorKind::Connect, Fate::NotSent)
    } else if error.is_timeout() {
        (ErrorKind::Timeout, Fate::Unknown)
    } else {
        (ErrorKind::Transport, Fate::Unknown)
    };
    // The URL holds the query, and the query may hold an e-mail address.
    Error::new(kind, fate).with_source(error.without_url())
}
