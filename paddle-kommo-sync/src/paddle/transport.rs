//! The only file of the client that names reqwest, with what is below it: send, cap the body, status before body.

mod download;

use std::{error::Error as StdError, fmt, time::Duration};

use kommo_client::polite::retry_after;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    USER_AGENT,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};
use url::Url;

use super::{
    error::{Error, ErrorKind, Fate, JsonFault},
    key::ApiKey,
    limit::Limiter,
    problem,
    query::Query,
};

/// The most that is kept of a success: 200 large events are some 2 MiB.
const MOST_BODY: usize = 16 << 20;

/// The most that is read of a refusal.
const MOST_REFUSAL: usize = 64 << 10;

/// Where a 429 does not say how long.
const USUAL_PAUSE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method {
    Get,
    Post,
    Patch,
}

impl Method {
    fn to_reqwest(self) -> reqwest::Method {
        match self {
            Self::Get => reqwest::Method::GET,
            Self::Post => reqwest::Method::POST,
            Self::Patch => reqwest::Method::PATCH,
        }
    }
}

#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Query,
    body: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn get(path: String, query: Query) -> Self {
        Self { method: Method::Get, path, query, body: None }
    }

    /// # Errors
    ///
    /// When the body cannot be written as JSON.
    pub(super) fn with_body(
        method: Method,
        path: String,
        body: Option<&(impl serde::Serialize + ?Sized + Sync)>,
    ) -> Result<Self, Error> {
        let body = body.map(serde_json::to_vec).transpose();
        let body = body.map_err(|error| Error::invalid_request(JsonFault::from(error)))?;
        Ok(Self { method, path, query: Query::default(), body })
    }
}

/// A success: a status of the 2xx, with its whole body.
pub(super) struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// What every success of Paddle's wraps its object in.
#[derive(Deserialize)]
struct Success {
    data: Box<RawValue>,
}

impl Answer {
    /// The object of the answer. (serde would take an array for the fields in their order.)
    pub(super) fn object<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.data('{')
    }

    /// The list of an answer that has no pages.
    pub(super) fn list<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.data('[')
    }

    fn data<T: DeserializeOwned>(&self, begins_with: char) -> Result<T, Error> {
        let data = self.decode::<Success>()?.data;
        if !data.get().starts_with(begins_with) {
            return Err(self.undecodable("not what was asked for"));
        }
        serde_json::from_str(data.get()).map_err(|error| self.undecodable(JsonFault::from(error)))
    }

    /// The whole answer, which is an object.
    pub(super) fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(self.undecodable("not an object"));
        }
        serde_json::from_slice(&self.body).map_err(|error| self.undecodable(JsonFault::from(error)))
    }

    fn undecodable(&self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::decode(source).with_status(self.status)
    }
}

pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    bearer: HeaderValue,
    limiter: Limiter,
    idle_timeout: Duration,
}

pub(super) struct Settings<'a> {
    pub(super) base: Url,
    pub(super) key: &'a ApiKey,
    pub(super) limiter: Limiter,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) user_agent: &'a str,
}

impl Transport {
    /// # Errors
    ///
    /// With what the HTTP client says: a user agent that is no header value, or TLS that cannot be set up.
    pub(super) fn new(settings: Settings<'_>) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_str(settings.user_agent)?);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static("paddle-version"), HeaderValue::from_static("1"));
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            // A redirect would carry the key along, and the API has none.
            .redirect(reqwest::redirect::Policy::none())
            // A POST must never be sent twice behind the caller's back.
            .retry(reqwest::retry::never())
            .referer(false);
        if settings.base.scheme() == "http" {
            // Plain http is for a server on this very machine: no proxy may see the key.
            builder = builder.no_proxy();
        }
        let bearer = zeroize::Zeroizing::new(format!("Bearer {}", settings.key.expose()));
        let mut bearer = HeaderValue::from_str(&bearer)?;
        bearer.set_sensitive(true);
        let Settings { base, limiter, idle_timeout, .. } = settings;
        Ok(Self { http: builder.build()?, base, bearer, limiter, idle_timeout })
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) async fn send(&self, request: &Request, background: bool) -> Result<Answer, Error> {
        self.limiter.turn(background).await.map_err(|pause| {
            Error::new(ErrorKind::RateLimited, Fate::NotSent).with_retry_after(Some(pause))
        })?;
        let started = Instant::now();
        let outcome = match self.http.execute(self.build(request)).await {
            Ok(response) => self.read(response).await,
            Err(error) => Err(from_reqwest(error)),
        };
        let error = outcome.as_ref().err();
        tracing::debug!(
            method = ?request.method,
            path = request.path,
            status = outcome.as_ref().map_or_else(Error::status, |answer| Some(answer.status)),
            request_id = error.and_then(Error::request_id),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error = error.map(tracing::field::display),
            "paddle request"
        );
        outcome
    }

    fn build(&self, request: &Request) -> reqwest::Request {
        let mut url = self.base.clone();
        url.set_path(&request.path);
        let query = request.query.as_str();
        url.set_query((!query.is_empty()).then_some(query));
        let mut built = reqwest::Request::new(request.method.to_reqwest(), url);
        built.headers_mut().insert(AUTHORIZATION, self.bearer.clone());
        if let Some(body) = &request.body {
            built.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *built.body_mut() = Some(body.clone().into());
        }
        built
    }

    /// The status decides; the body only says which of its kinds.
    async fn read(&self, response: reqwest::Response) -> Result<Answer, Error> {
        let status = response.status().as_u16();
        match status {
            200..=299 => match read_body(response, MOST_BODY, self.idle_timeout).await {
                Ok(Some(body)) => Ok(Answer { status, body }),
                Ok(None) => Err(Error::new(ErrorKind::TooLarge, Fate::Unknown).with_status(status)),
                Err(error) => Err(error.with_status(status)),
            },
            300..=399 => Err(Error::new(ErrorKind::Redirect, Fate::Refused).with_status(status)),
            400.. => {
                let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
                let (advice, date) = (header(RETRY_AFTER), header(DATE));
                let wait = advice.map(|advice| retry_after(&advice, date.as_deref()));
                if status == 429 {
                    self.limiter.pause(wait.unwrap_or(USUAL_PAUSE));
                }
                let error = match read_body(response, MOST_REFUSAL, self.idle_timeout).await {
                    Ok(body) => problem::error(status, body.as_deref()),
                    // The status has come, and says enough.
                    Err(error) => problem::error(status, None).with_source(error),
                };
                Err(error.with_retry_after(wait))
            }
            _ => Err(Error::new(ErrorKind::Transport, Fate::Unknown).with_status(status)),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// The whole body; none where it is larger than `most`.
///
/// `idle` is not reqwest's `read_timeout`: that would also cut short the wait for an answer, which may be long.
async fn read_body(
    mut response: reqwest::Response,
    most: usize,
    idle: Duration,
) -> Result<Option<Vec<u8>>, Error> {
    let cut = |kind| Error::new(kind, Fate::Unknown);
    let mut body = Vec::new();
    loop {
        match timeout(idle, response.chunk()).await {
            Ok(Ok(Some(chunk))) if chunk.len() > most.saturating_sub(body.len()) => {
                return Ok(None);
            }
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => return Ok(Some(body)),
            Ok(Err(error)) if error.is_timeout() => {
                return Err(cut(ErrorKind::Timeout).with_source(error.without_url()));
            }
            Ok(Err(error)) => {
                return Err(cut(ErrorKind::Transport).with_source(error.without_url()));
            }
            Err(elapsed) => return Err(cut(ErrorKind::Timeout).with_source(elapsed)),
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn the_key_is_marked_as_secret_for_everything_below_us() {
        let key = ApiKey::new("pdl_live_apikey_01example").unwrap();
        let transport = Transport::new(Settings {
            base: Url::parse("http://127.0.0.1:1").unwrap(),
            key: &key,
            limiter: Limiter::new(NonZeroU32::MIN, Duration::ZERO),
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
            user_agent: "test",
        })
        .unwrap();
        let built = transport.build(&Request::get("/ips".to_owned(), Query::default()));
        assert!(built.headers()[AUTHORIZATION].is_sensitive());
        assert!(!format!("{built:?}{transport:?}").contains("01example"));
    }
}
