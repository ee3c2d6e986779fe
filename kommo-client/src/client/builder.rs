//! How a client is built.

use std::{error::Error as StdError, fmt, num::NonZeroU32, time::Duration};

use url::Url;

use super::Client;
use crate::{
    auth::Auth,
    batch::MOST_ITEMS,
    host::is_local,
    limit::Limiter,
    retry::RetryPolicy,
    transport::{Settings, Transport},
};

/// Settings of a [`Client`]; the defaults are safe.
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    auth: Auth,
    timeout: Duration,
    connect_timeout: Duration,
    idle_timeout: Duration,
    requests_per_second: NonZeroU32,
    longest_pause: Duration,
    retry: RetryPolicy,
    batch_size: usize,
    user_agent: String,
    #[cfg(feature = "fake")]
    memory: Option<crate::fake::FakeKommo>,
}

impl ClientBuilder {
    pub(super) fn new(base_url: &str, auth: Auth) -> Self {
        Self {
            base_url: base_url.to_owned(),
            auth,
            timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(10),
            requests_per_second: NonZeroU32::new(7).unwrap_or(NonZeroU32::MIN),
            longest_pause: Duration::from_secs(30),
            retry: RetryPolicy::new(),
            batch_size: 50,
            user_agent: concat!("kommo-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            #[cfg(feature = "fake")]
            memory: None,
        }
    }

    /// How long a request may take from connecting to the last byte of the answer. Default: 20 s.
    ///
    /// The wait for its turn does not count.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long connecting may take. Default: 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a connection may be silent in the middle of an answer. Default: 10 s.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How many requests any one second may see. Default: 7, which is what Kommo allows an address in all.
    pub fn requests_per_second(mut self, requests: NonZeroU32) -> Self {
        self.requests_per_second = requests;
        self
    }

    /// How long a call waits when Kommo asked for a pause (429). Default: 30 s.
    ///
    /// During a longer pause calls fail at once with [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited),
    /// [`Fate::NotSent`](crate::Fate::NotSent) and the rest of the pause as
    /// [`retry_after`](crate::Error::retry_after).
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// Which requests are repeated. Default: reads, up to three attempts.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How many items go in one request of the methods that say what became of each, such as
    /// [`Leads::update_each`](crate::Leads::update_each): between 1 and 250. Default: 50, which is what Kommo recommends,
    /// since larger requests tend to end in a 504 (its page "Limitations").
    pub fn batch_size(mut self, items: usize) -> Self {
        self.batch_size = items;
        self
    }

    /// The `User-Agent`. Default: `kommo-client/` and the version.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        user_agent.clone_into(&mut self.user_agent);
        self
    }

    /// Nothing leaves the process: this fake answers, without a network in between. For simulations in virtual time
    /// (`tokio::time::pause`), which sockets would stand in the way of; see
    /// [`FakeKommo::in_memory`](crate::fake::FakeKommo::in_memory).
    #[cfg(feature = "fake")]
    pub fn answered_by(mut self, fake: &crate::fake::FakeKommo) -> Self {
        self.memory = Some(fake.clone());
        self
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`BuildError`], which names the setting to mend.
    pub fn build(self) -> Result<Client, BuildError> {
        let base = parse_base_url(&self.base_url)?;
        let timeouts = [self.timeout, self.connect_timeout, self.idle_timeout];
        if timeouts.iter().any(Duration::is_zero) {
            return Err(BuildError::Timeout);
        }
        if !(1..=MOST_ITEMS).contains(&self.batch_size) {
            return Err(BuildError::BatchSize);
        }
        let transport = Transport::new(Settings {
            base,
            limiter: Limiter::new(self.requests_per_second, self.longest_pause),
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            user_agent: &self.user_agent,
            #[cfg(feature = "fake")]
            memory: self.memory,
        })
        .map_err(BuildError::Http)?;
        Ok(Client::from_parts(transport, self.auth, self.retry, self.batch_size))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address is left out: before it is checked it may hold credentials.
        formatter
            .debug_struct("ClientBuilder")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("requests_per_second", &self.requests_per_second)
            .field("longest_pause", &self.longest_pause)
            .field("retry", &self.retry)
            .field("batch_size", &self.batch_size)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address cannot be read as one.
    #[error("the base URL is not a URL")]
    NotAUrl,
    /// The address is neither `https`, nor `http` of this very machine.
    #[error("the base URL must begin with https:// (http:// only for 127.0.0.1 and localhost)")]
    Scheme,
    /// The address holds more than scheme, host and port.
    #[error("the base URL must hold no user, password, path, query or fragment")]
    NotBare,
    /// A time-out of zero would let nothing pass.
    #[error("a time-out is zero")]
    Timeout,
    /// Kommo takes no batches of that size.
    #[error("the batch size is not between 1 and 250")]
    BatchSize,
    /// The HTTP client could not be set up: a user agent that is no header value, or TLS.
    #[error("the HTTP client could not be set up")]
    Http(#[source] Box<dyn StdError + Send + Sync>),
}

fn parse_base_url(text: &str) -> Result<Url, BuildError> {
    let url = Url::parse(text).map_err(|_| BuildError::NotAUrl)?;
    if url.host().is_none() {
        return Err(BuildError::NotAUrl);
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && is_local(&url)) {
        return Err(BuildError::Scheme);
    }
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if bare { Ok(url) } else { Err(BuildError::NotBare) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for (text, want) in [
            ("https://acme.kommo.com", "https://acme.kommo.com/"),
            ("https://ACME.kommo.com/", "https://acme.kommo.com/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://localhost:8080", "http://localhost:8080/"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
            ("http://acme.kommo.com", "Scheme"),
            ("http://127.0.0.1.evil.example", "Scheme"),
            ("http://localhost.evil.example", "Scheme"),
            ("http://169.254.169.254", "Scheme"),
            ("ftp://127.0.0.1", "Scheme"),
            ("https://acme.kommo.com/api/v4", "NotBare"),
            ("https://acme.kommo.com?x=1", "NotBare"),
            ("https://acme.kommo.com#x", "NotBare"),
            ("https://user@acme.kommo.com", "NotBare"),
            ("https://user:secret@acme.kommo.com", "NotBare"),
            ("https://:secret@acme.kommo.com", "NotBare"),
            ("acme.kommo.com", "NotAUrl"),
            ("", "NotAUrl"),
            ("https://", "NotAUrl"),
            ("data:text/plain,x", "NotAUrl"),
        ] {
            let got = match parse_base_url(text) {
                Ok(url) => url.to_string(),
                Err(error) => format!("{error:?}"),
            };
            assert_eq!(got, want, "{text}");
        }
    }
}
