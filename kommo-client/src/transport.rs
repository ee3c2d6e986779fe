//! The only module that names reqwest: what is sent, how, and what is made of the answer.

#[cfg(feature = "fake")]
mod memory;

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{PoisonError, RwLock},
    task::Poll,
    time::Duration,
};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::{
    auth::AccessToken,
    error::{Error, ErrorKind, Fate},
    limit::{Limiter, Manners, Permit, Refusal},
};

mod answer;
mod certificate;
mod request;
#[cfg(test)]
#[cfg(feature = "rustls")]
mod tests;

pub(crate) use answer::Answer;
pub(crate) use request::{Method, Request};

/// Below what servers and balancers usually allow, so that we close idle connections before they do.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// A turn among several processes that would be used later than this is not used, and so often one is asked for.
const LATE: Duration = Duration::from_millis(20);
const TURNS: u32 = 5;

pub(crate) struct Transport {
    http: Http,
    /// It changes when the account is renamed.
    base: RwLock<Url>,
    limiter: Limiter,
    /// Whoever has the next turn among all processes, or waits for it.
    next_among_all: tokio::sync::Mutex<()>,
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
        let http = Http::Network(network(&settings)?.build()?);
        #[cfg(feature = "fake")]
        let http = match &settings.memory {
            Some(fake) => {
                Http::Memory(memory::Memory { fake: fake.clone(), timeout: settings.timeout })
            }
            None => http,
        };
        Ok(Self::over(http, settings))
    }

    fn over(http: Http, settings: Settings<'_>) -> Self {
        let Settings { base, limiter, idle_timeout, .. } = settings;
        Self {
            http,
            base: RwLock::new(base),
            limiter,
            next_among_all: Default::default(),
            idle_timeout,
        }
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
        self.turn_among_all(manners, &permit).await?;
        permit.leave();
        let started = Instant::now();
        let response = match &self.http {
            Http::Network(http) => http.execute(built).await.map_err(from_reqwest),
            #[cfg(feature = "fake")]
            Http::Memory(memory) => memory.execute(built).await,
        };
        let outcome = match response {
            Ok(response) => answer::read(response, permit, self.idle_timeout).await,
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

    /// Waits until the next request may leave, as far as this process is concerned.
    pub(crate) async fn turn(&self, manners: &Manners) -> Result<Permit, Error> {
        within(manners, async { self.limiter.acquire(manners.priority).await.map_err(refused) })
            .await
    }

    /// Waits for the turn among all processes that share the account: just before the request leaves, or what comes in
    /// between would let several leave at once.
    async fn turn_among_all(&self, manners: &Manners, permit: &Permit) -> Result<(), Error> {
        let Some(pacer) = &manners.pacer else { return Ok(()) };
        let spacing = self.limiter.spacing();
        let turn = async {
            // One at a time: a turn is lost when it is given up, and each that waits is in the way of other processes.
            let _next = self.next_among_all.lock().await;
            for _ in 0..TURNS {
                let asked = Instant::now();
                let Some(wait) = pacer.next_turn(spacing).await else {
                    sleep(spacing).await;
                    continue;
                };
                sleep(wait).await;
                // Where the telling took long, or the process was stopped meanwhile, the turn is over.
                if asked.elapsed() <= wait.saturating_add(LATE) {
                    return self.limiter.may_leave(permit).map_err(refused);
                }
            }
            Err(Error::new(ErrorKind::Busy, Fate::NotSent))
        };
        within(manners, turn).await
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

fn network(
    settings: &Settings<'_>,
) -> Result<reqwest::ClientBuilder, Box<dyn StdError + Send + Sync>> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_str(settings.user_agent)?);
    headers.insert(ACCEPT, HeaderValue::from_static("application/hal+json, application/json"));
    let builder = reqwest::Client::builder()
        .default_headers(headers)
        .timeout(settings.timeout)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        // A redirect would carry the token along, and Kommo's API has none.
        .redirect(reqwest::redirect::Policy::none())
        // A POST must never be sent twice behind the caller's back.
        .retry(reqwest::retry::never())
        .referer(false);
    // Plain http is for a server on this very machine: no proxy may see the token.
    let is_local = settings.base.scheme() == "http";
    Ok(if is_local { builder.no_proxy() } else { builder })
}

/// What is waited for not longer than the manners allow.
async fn within<T>(
    manners: &Manners,
    turn: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let turn = while_open(manners, turn);
    let Some(wait) = manners.longest_wait else { return turn.await };
    let asked = Instant::now();
    match timeout(wait, turn).await {
        // A process that was stopped meanwhile has its turn as soon as it wakes, before it hears of the time.
        Ok(Ok(_)) if asked.elapsed() > wait => Err(Error::new(ErrorKind::Busy, Fate::NotSent)),
        Ok(outcome) => outcome,
        Err(_) => Err(Error::new(ErrorKind::Busy, Fate::NotSent)),
    }
}

/// What is waited for only while the pacer lets requests leave.
async fn while_open<T>(
    manners: &Manners,
    turn: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(pacer) = &manners.pacer else { return turn.await };
    let (mut closed, mut turn) = (pacer.closed(), pin!(turn));
    poll_fn(|context| match closed.as_mut().poll(context) {
        Poll::Ready(kind) => Poll::Ready(Err(Error::new(kind, Fate::NotSent))),
        Poll::Pending => turn.as_mut().poll(context),
    })
    .await
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

fn from_reqwest(error: reqwest::Error) -> Error {
    let (kind, fate) = if error.is_builder() {
        (ErrorKind::InvalidRequest, Fate::NotSent)
    } else if certificate::is_at_fault(&error) {
        (ErrorKind::Certificate, Fate::NotSent)
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
