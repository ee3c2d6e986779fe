//! The client: what it is built of, and how requests are sent.

use std::{fmt, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    Pacer,
    auth::{AccessToken, Auth},
    chance,
    error::{Error, Fate},
    host,
    limit::{Manners, Priority, Turn},
    oauth::{OAuth, OAuthApp, TokenStore},
    query::Query,
    raw::{RawMethod, RawRequest},
    retry::{Budget, RetryPolicy},
    transport::{Answer, Method, Request, Transport},
};

mod builder;
mod resources;

pub use builder::{BuildError, ClientBuilder};

/// One Kommo account, as its API shows it.
///
/// A clone is cheap and shares connections and the rate limiter. Keep one client per account and clone it: two clients
/// of one account do not know of each other, and Kommo counts them together.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    manners: Manners,
}

struct Shared {
    transport: Arc<Transport>,
    auth: Auth,
    retry: RetryPolicy,
    budget: Budget,
    batch_size: usize,
    drive: OnceCell<Url>,
    base_url: String,
}

impl Client {
    /// Starts a client of the account at `base_url`, such as `https://acme.kommo.com`.
    ///
    /// Plain `http` is only for `127.0.0.1` and `localhost`, where tests keep their server.
    ///
    /// ```
    /// use kommo_client::{AccessToken, Client};
    ///
    /// let token = AccessToken::new("made-up-token")?;
    /// let client = Client::builder("https://acme.kommo.com", token).build()?;
    /// assert_eq!(client.base_url(), "https://acme.kommo.com");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(base_url: &str, token: AccessToken) -> ClientBuilder {
        ClientBuilder::new(base_url, Auth::Token(token))
    }

    /// Starts a client of the account at `base_url` (see [`account_url`](crate::account_url)) that has granted `app` access.
    ///
    /// Its token pairs are kept in `store`, renewed at three quarters of their life or when Kommo does not take them any
    /// more, by one call at a time, and kept before they are used. Before the first grant, and after Kommo refused to
    /// renew, all calls fail with [`ErrorKind::Unauthorized`](crate::ErrorKind::Unauthorized) until
    /// [`authorize`](Self::authorize) got a new pair, or another process did.
    ///
    /// When the account's host does not renew them any more, the client asks Kommo whether the account was renamed, and
    /// goes on at its new address ([`current_base_url`](Self::current_base_url)); see
    /// [`OAuthApp::follow_renamed_account`].
    ///
    /// ```no_run
    /// # async fn example(state: &str, code: &str, referer: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use kommo_client::{Client, FileTokenStore, OAuthApp, account_url};
    ///
    /// let app = OAuthApp::new("client id", "client secret", "https://app.example/kommo");
    /// // 1. Send an administrator to `app.authorize_url(state)`.
    /// // 2. He comes back to the redirect URI with `code`, `referer` and `state`; compare the last.
    /// let base_url = account_url(referer).ok_or("no account of Kommo's")?;
    /// let store = Arc::new(FileTokenStore::new("kommo-tokens.json"));
    /// let client = Client::oauth(&base_url, app, store).build()?;
    /// client.authorize(code).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn oauth(base_url: &str, app: OAuthApp, store: Arc<dyn TokenStore>) -> ClientBuilder {
        ClientBuilder::new(base_url, Auth::OAuth(Arc::new(OAuth::new(app, store))))
    }

    /// Exchanges the code of a grant, which is good for twenty minutes and once, for the first token pair.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`](crate::ErrorKind::Unauthorized) when Kommo does not take the code;
    /// [`Error::detail`] says why. [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when the client was
    /// not built by [`oauth`](Self::oauth). Otherwise as every call; after
    /// [`Fate::Unknown`] ask for a new grant.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future ask for a new grant.
    pub async fn authorize(&self, code: &str) -> Result<(), Error> {
        match &self.shared.auth {
            Auth::OAuth(oauth) => oauth.authorize(&self.shared.transport, code).await,
            Auth::Token(_) => Err(Error::invalid_request("the client has a token of its own")),
        }
    }

    /// The same client, whose calls wait for their turn with another priority.
    #[must_use]
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            manners: Manners { priority, ..self.manners.clone() },
        }
    }

    /// The same client, whose calls wait for their turn no longer than this.
    ///
    /// One whose turn does not come in time fails with [`ErrorKind::Busy`](crate::ErrorKind::Busy) and
    /// [`Fate::NotSent`](crate::Fate::NotSent), also where the process was stopped while it waited. For callers that have
    /// promised to be done by a certain time: the wait for the turn has no other end, and does not count in
    /// [`timeout`](ClientBuilder::timeout).
    #[must_use]
    pub fn with_longest_wait(&self, wait: Duration) -> Self {
        let manners = Manners { longest_wait: Some(wait), ..self.manners.clone() };
        Self { shared: Arc::clone(&self.shared), manners }
    }

    /// The same client, whose requests also wait for their turn among those of other processes.
    ///
    /// Renewals of an OAuth token do not: they are rare, and every other call waits for them.
    #[must_use]
    pub fn paced_by(&self, pacer: Arc<dyn Pacer>) -> Self {
        let manners = Manners { pacer: Some(pacer), ..self.manners.clone() };
        Self { shared: Arc::clone(&self.shared), manners }
    }

    /// Waits until the next request may leave, and holds its turn: for callers that can say only then what is to be sent,
    /// because more of it gathers while they wait.
    ///
    /// # Errors
    ///
    /// While Kommo has asked for a long pause or blocks this address, or [`Pacer::closed`] says that nothing may leave, and
    /// when the turn does not come within [`with_longest_wait`](Self::with_longest_wait): as every call, with
    /// [`Fate::NotSent`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the turn to the next.
    ///
    /// ```no_run
    /// # async fn example(client: kommo_client::Client) -> Result<(), kommo_client::Error> {
    /// # fn gathered() -> Vec<kommo_client::LeadPatch> { Vec::new() }
    /// let turn = client.turn().await?;
    /// let patches = gathered();
    /// client.in_turn(turn).leads().update(&patches).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn turn(&self) -> Result<Turn, Error> {
        // A token that is renewed while the turn is held would wait for a turn of its own, with one place less.
        self.shared.auth.token(&self.shared.transport).await?;
        self.shared.transport.turn(&self.manners).await.map(Turn::new)
    }

    /// The same client, whose first request does not wait for its turn: it has this one.
    #[must_use]
    pub fn in_turn(&self, turn: Turn) -> Self {
        let manners = Manners { turn: Some(turn), ..self.manners.clone() };
        Self { shared: Arc::clone(&self.shared), manners }
    }

    /// A request to any endpoint, for those that have no method here. The path begins after `/api/v4/`.
    ///
    /// ```no_run
    /// # async fn example(client: kommo_client::Client) -> Result<(), kommo_client::Error> {
    /// use kommo_client::RawMethod;
    ///
    /// let answer = client.raw(RawMethod::Get, "leads/unsorted/summary").send().await?;
    /// let summary: serde_json::Value = answer.decode()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw(&self, method: RawMethod, path: &str) -> RawRequest {
        RawRequest::new(self.clone(), method, path)
    }

    /// Scheme, host and port that the client was built for, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Scheme, host and port of the account as it is called now, without a slash at the end.
    ///
    /// It is another than [`base_url`](Self::base_url) after a client of [`oauth`](Self::oauth) followed an account that
    /// was renamed: keep it, and build the next client with it.
    #[must_use]
    pub fn current_base_url(&self) -> String {
        address(&self.shared.transport.base())
    }

    /// When the token ends, as far as it says so; see [`AccessToken::expires_at`].
    #[must_use]
    pub fn token_expires_at(&self) -> Option<OffsetDateTime> {
        self.shared.auth.expires_at()
    }

    fn from_parts(transport: Transport, auth: Auth, retry: RetryPolicy, batch_size: usize) -> Self {
        let base_url = address(&transport.base());
        let shared = Shared {
            transport: Arc::new(transport),
            auth,
            retry,
            budget: Budget::new(),
            batch_size,
            drive: OnceCell::new(),
            base_url,
        };
        Self { shared: Arc::new(shared), manners: Manners::default() }
    }

    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let Shared { retry, budget, .. } = &*self.shared;
        budget.earn();
        let mut attempts: u32 = 1;
        loop {
            let error = match self.attempt(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(most) = retry.delay(request.method, attempts, &error) else {
                return Err(error);
            };
            if !budget.spend() {
                return Err(error);
            }
            // Full jitter: those who failed together do not come back together.
            tokio::time::sleep(chance::up_to(most)).await;
            attempts = attempts.saturating_add(1);
        }
    }

    /// Sends the request, and once more with a new token where Kommo does not take the old one. A 401 is a complete refusal,
    /// so even a creation may go again.
    async fn attempt(&self, request: &Request) -> Result<Answer, Error> {
        let Shared { transport, auth, .. } = &*self.shared;
        let token = match &self.manners.turn {
            Some(turn) if turn.is_held() => auth.token_now().await?,
            _ => auth.token(transport).await?,
        };
        let refused = match transport.send(request, Some(&token), &self.manners).await {
            Err(error) if error.status() == Some(401) && error.fate() == Fate::Refused => error,
            Ok(answer) => {
                auth.heard(&token, &answer);
                return Ok(answer);
            }
            Err(error) => return Err(error),
        };
        match auth.renew(transport, &token).await {
            Ok(Some(token)) => transport.send(request, Some(&token), &self.manners).await,
            Ok(None) => Err(refused),
            // The request itself was refused, whatever became of the renewal.
            Err(error) => Err(error.with_fate(Fate::Refused)),
        }
    }

    /// One object; 204 is "there is none".
    pub(crate) async fn find<T>(&self, path: String, query: Query) -> Result<Option<T>, Error>
    where
        T: DeserializeOwned + Send,
    {
        let answer = self.send(&Request::new(Method::Get, path).query(query)).await?;
        if answer.status == 204 {
            return Ok(None);
        }
        answer.decode().map(Some)
    }

    /// How many items go in one request where several are needed.
    pub(crate) fn batch_size(&self) -> usize {
        self.shared.batch_size
    }

    /// The drive of the account, once somebody asked for it.
    pub(crate) fn drive(&self) -> &OnceCell<Url> {
        &self.shared.drive
    }

    /// Whether the account is a server on this very machine.
    pub(crate) fn is_local(&self) -> bool {
        host::is_local(&self.shared.transport.base())
    }

    /// A link of Kommo's, if it stays at this host. Its scheme does not matter: only path and query are used.
    pub(crate) fn resolve(&self, link: &str) -> Option<Url> {
        host::same_host(&self.shared.transport.base(), link)
    }
}

fn address(base: &Url) -> String {
    base.as_str().trim_end_matches('/').to_owned()
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("base_url", &self.shared.base_url)
            .field("manners", &self.manners)
            .finish_non_exhaustive()
    }
}
