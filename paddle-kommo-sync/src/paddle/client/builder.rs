//! How a client is built.

use std::{error::Error as StdError, fmt, num::NonZeroU32, sync::Arc, time::Duration};

use kommo_client::polite::RetryBudget;
use paddle_webhook::Environment;
use url::{Host, Url};

use super::{Client, Shared};
use crate::paddle::{
    key::ApiKey,
    limit::Limiter,
    retry::RetryPolicy,
    transport::{Settings, Transport},
};

/// Settings of a [`Client`]; the defaults are safe.
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    key: ApiKey,
    base_url: Option<String>,
    timeout: Duration,
    connect_timeout: Duration,
    idle_timeout: Duration,
    requests_per_minute: NonZeroU32,
    longest_pause: Duration,
    attempts: u32,
    first_delay: Duration,
    user_agent: String,
}

impl ClientBuilder {
    pub(super) fn new(key: ApiKey) -> Self {
        Self {
            key,
            base_url: None,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(10),
            requests_per_minute: NonZeroU32::new(240).unwrap_or(NonZeroU32::MIN),
            longest_pause: Duration::from_secs(30),
            attempts: 3,
            first_delay: Duration::from_millis(500),
            user_agent: concat!("paddle-kommo-sync/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Another address than that of the key's environment: for tests. Plain `http` is only for this very machine.
    ///
    /// A server of Paddle's that is of the other environment is refused by [`build`](Self::build).
    pub fn base_url(mut self, base_url: &str) -> Self {
        self.base_url = Some(base_url.to_owned());
        self
    }

    /// How long a request may take from connecting to the last byte of the answer. Default: 30 s.
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

    /// How many requests any one minute may see. Default: 240, which is what Paddle allows an address in all
    /// (developer.paddle.com, "Rate limiting"). Less, where others share the address.
    pub fn requests_per_minute(mut self, requests: NonZeroU32) -> Self {
        self.requests_per_minute = requests;
        self
    }

    /// How long a call waits when Paddle asked for a pause (429). Default: 30 s.
    ///
    /// During a longer pause calls fail at once with [`ErrorKind::RateLimited`](crate::paddle::ErrorKind::RateLimited),
    /// [`Fate::NotSent`](crate::paddle::Fate::NotSent) and the rest of the pause as
    /// [`retry_after`](crate::paddle::Error::retry_after).
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// How often a request is sent at most, the first time included. Default: 3.
    ///
    /// Writes are repeated only where Paddle surely did nothing with them.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The bound of the delay before a request is sent again, doubling up to 8 s. Default: 500 ms.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// The `User-Agent`. Default: `paddle-kommo-sync/` and the version.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        user_agent.clone_into(&mut self.user_agent);
        self
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`BuildError`], which names the setting to mend.
    pub fn build(self) -> Result<Client, BuildError> {
        let environment = self.key.environment();
        let base = match &self.base_url {
            Some(text) => parse_base_url(text, environment)?,
            None => Url::parse(host_of(environment)).map_err(|_| BuildError::NotAUrl)?,
        };
        let timeouts = [self.timeout, self.connect_timeout, self.idle_timeout];
        if timeouts.iter().any(Duration::is_zero) {
            return Err(BuildError::Timeout);
        }
        let transport = Transport::new(Settings {
            base,
            key: &self.key,
            limiter: Limiter::new(self.requests_per_minute, self.longest_pause),
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            user_agent: &self.user_agent,
        })
        .map_err(BuildError::Http)?;
        let shared = Shared {
            transport,
            environment,
            retry: RetryPolicy { attempts: self.attempts, first_delay: self.first_delay },
            budget: RetryBudget::new(),
        };
        Ok(Client { shared: Arc::new(shared), background: false })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address is left out: before it is checked it may hold credentials.
        f.debug_struct("ClientBuilder")
            .field("environment", &self.key.environment())
            .field("timeout", &self.timeout)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("longest_pause", &self.longest_pause)
            .field("attempts", &self.attempts)
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
    /// The address is neither `https` nor a server on this very machine.
    #[error("the base URL must be https")]
    Scheme,
    /// There is more than scheme, host and port.
    #[error("the base URL must be scheme, host and port only")]
    NotBare,
    /// The address is Paddle's other environment.
    #[error("the base URL is not of the API key's environment")]
    OtherEnvironment,
    /// A time-out of zero.
    #[error("a time-out is zero")]
    Timeout,
    /// The HTTP client does not start: the user agent, or TLS.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] Box<dyn StdError + Send + Sync>),
}

fn host_of(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => "https://api.paddle.com",
        Environment::Sandbox => "https://sandbox-api.paddle.com",
    }
}

fn parse_base_url(text: &str, environment: Environment) -> Result<Url, BuildError> {
    let url = Url::parse(text).map_err(|_| BuildError::NotAUrl)?;
    if !url.has_host() {
        return Err(BuildError::NotAUrl);
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && is_local(&url)) {
        return Err(BuildError::Scheme);
    }
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare {
        return Err(BuildError::NotBare);
    }
    let other = match environment {
        Environment::Live => host_of(Environment::Sandbox),
        Environment::Sandbox => host_of(Environment::Live),
    };
    let is_other = Url::parse(other).is_ok_and(|other| other.host() == url.host());
    if is_other { Err(BuildError::OtherEnvironment) } else { Ok(url) }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_https_bare_and_of_the_keys_environment() {
        for (text, want) in [
            ("https://sandbox-api.paddle.com", "https://sandbox-api.paddle.com/"),
            ("https://paddle.test", "https://paddle.test/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://[::1]:8080/", "http://[::1]:8080/"),
            ("http://localhost", "http://localhost/"),
            ("http://sandbox-api.paddle.com", "Scheme"),
            ("http://127.0.0.1.evil.example", "Scheme"),
            ("http://169.254.169.254", "Scheme"),
            ("ftp://127.0.0.1", "Scheme"),
            ("https://api.paddle.com", "OtherEnvironment"),
            ("https://API.paddle.com:443", "OtherEnvironment"),
            ("https://paddle.test/v1", "NotBare"),
            ("https://paddle.test?x=1", "NotBare"),
            ("https://user:secret@paddle.test", "NotBare"),
            ("paddle.test", "NotAUrl"),
            ("", "NotAUrl"),
        ] {
            let got = match parse_base_url(text, Environment::Sandbox) {
                Ok(url) => url.to_string(),
                Err(error) => format!("{error:?}"),
            };
            assert_eq!(got, want, "{text}");
        }
    }
}
