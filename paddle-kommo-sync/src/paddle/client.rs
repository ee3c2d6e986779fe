//! The client: where resources come from, and how requests are sent for them.

use std::{fmt, sync::Arc};

use kommo_client::polite::{RetryBudget, jitter};
use paddle_webhook::Environment;
use serde::de::DeserializeOwned;
use url::Url;

use super::{
    Adjustments, Customers, Events, NotificationSettings, Notifications, Prices, Subscriptions,
    Transactions,
    account::{Currencies, IpRanges, PaddleCurrency},
    document::DocumentLink,
    error::{Error, ErrorKind},
    key::ApiKey,
    query::Query,
    retry::RetryPolicy,
    transport::{Answer, Method, Request, Transport},
};

mod builder;

pub use builder::{BuildError, ClientBuilder};

/// One Paddle account, as its API shows it.
///
/// A clone is cheap and shares connections and the rate limiter. Paddle counts all requests of an address together, so
/// keep one client and clone it.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    background: bool,
}

struct Shared {
    transport: Transport,
    environment: Environment,
    retry: RetryPolicy,
    budget: RetryBudget,
}

impl Client {
    /// Starts a client of the account that the key opens, at the address of the key's environment.
    ///
    /// ```
    /// use paddle_kommo_sync::paddle::{ApiKey, Client};
    ///
    /// let key = ApiKey::new("pdl_sdbx_apikey_01example_made_up")?;
    /// let client = Client::builder(key).build()?;
    /// assert_eq!(client.base_url(), "https://sandbox-api.paddle.com");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(key: ApiKey) -> ClientBuilder {
        ClientBuilder::new(key)
    }

    /// The environment that the key opens.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.shared.environment
    }

    /// Whether the webhooks that the key's account sends are those that secrets of this environment verify.
    ///
    /// # Errors
    ///
    /// [`WrongEnvironment`] when the key is for the other: a service should not start like that.
    pub fn check_environment(&self, of_secrets: Environment) -> Result<(), WrongEnvironment> {
        match self.shared.environment == of_secrets {
            true => Ok(()),
            false => Err(WrongEnvironment { key: self.shared.environment }),
        }
    }

    /// The same client, whose calls go only while less than half of what Paddle allows in a minute is used, by whomever: for
    /// backfills and reconciliation.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), background: true }
    }

    /// Customers.
    #[must_use]
    pub fn customers(&self) -> Customers {
        Customers::new(self.clone())
    }

    /// Transactions, their invoices and checkout links.
    #[must_use]
    pub fn transactions(&self) -> Transactions {
        Transactions::new(self.clone())
    }

    /// Subscriptions.
    #[must_use]
    pub fn subscriptions(&self) -> Subscriptions {
        Subscriptions::new(self.clone())
    }

    /// Refunds, credits and chargebacks.
    #[must_use]
    pub fn adjustments(&self) -> Adjustments {
        Adjustments::new(self.clone())
    }

    /// What happened in the last 90 days.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::new(self.clone())
    }

    /// What became of the deliveries of the last 90 days.
    #[must_use]
    pub fn notifications(&self) -> Notifications {
        Notifications::new(self.clone())
    }

    /// Where Paddle delivers to.
    #[must_use]
    pub fn notification_settings(&self) -> NotificationSettings {
        NotificationSettings::new(self.clone())
    }

    /// Prices.
    #[must_use]
    pub fn prices(&self) -> Prices {
        Prices::new(self.clone())
    }

    /// The currencies that Paddle takes payments in, and how many decimals each has
    /// (developer.paddle.com, `GET /currencies`; newer than Paddle's OpenAPI file).
    ///
    /// # Errors
    ///
    /// As every call. A currency that cannot be read is left out.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn currencies(&self) -> Result<Vec<PaddleCurrency>, Error> {
        let found: Currencies = self.get_list("/currencies").await?;
        Ok(found.into_readable())
    }

    /// The addresses that webhooks of this environment come from, as CIDR blocks: `34.194.127.46/32`.
    ///
    /// # Errors
    ///
    /// As every call. No permission is needed.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn webhook_addresses(&self) -> Result<Vec<String>, Error> {
        let found: IpRanges = self.get("/ips".to_owned(), Query::default()).await?;
        Ok(found.ipv4_cidrs)
    }

    /// The PDF that a link of [`Transactions::invoice_pdf`] or [`Adjustments::credit_note_pdf`] leads to, up to 16 MiB. The
    /// API key is not sent along, and no redirect followed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`] when the link leads to a host that is not Paddle's; [`ErrorKind::Status`] most often when the
    /// link has ended: ask for a new one. It is not tried again.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn download(&self, link: &DocumentLink) -> Result<Vec<u8>, Error> {
        self.shared.transport.download(link.trusted(self.base())?).await
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.shared.transport.base().as_str().trim_end_matches('/')
    }

    pub(super) fn base(&self) -> &Url {
        self.shared.transport.base()
    }

    pub(super) async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let Shared { transport, retry, budget, .. } = &*self.shared;
        budget.earn();
        let mut attempts: u32 = 1;
        loop {
            let error = match transport.send(request, self.background).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(delay) = retry.delay(request.method, attempts, &error) else {
                return Err(error);
            };
            if !budget.spend() {
                return Err(error);
            }
            tokio::time::sleep(jitter(delay)).await;
            attempts = attempts.saturating_add(1);
        }
    }

    /// One object.
    pub(super) async fn get<T>(&self, path: String, query: Query) -> Result<T, Error>
    where
        T: DeserializeOwned + Send,
    {
        self.send(&Request::get(path, query)).await?.object()
    }

    /// A list that has no pages.
    pub(super) async fn get_list<T>(&self, path: &str) -> Result<T, Error>
    where
        T: DeserializeOwned + Send,
    {
        self.send(&Request::get(path.to_owned(), Query::default())).await?.list()
    }

    /// One object, or none where Paddle itself says that there is none: a 404 of something in between is an error.
    pub(super) async fn find<T>(&self, path: String, query: Query) -> Result<Option<T>, Error>
    where
        T: DeserializeOwned + Send,
    {
        match self.get(path, query).await {
            Ok(found) => Ok(Some(found)),
            Err(error)
                if error.kind() == ErrorKind::NotFound && error.code() == Some("not_found") =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn write<T>(
        &self,
        method: Method,
        path: String,
        body: Option<&(impl serde::Serialize + ?Sized + Sync)>,
    ) -> Result<T, Error>
    where
        T: DeserializeOwned + Send,
    {
        self.send(&Request::with_body(method, path, body)?).await?.object()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .field("environment", &self.shared.environment)
            .field("background", &self.background)
            .finish_non_exhaustive()
    }
}

/// The API key and the webhook secrets are of different environments.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the API key is for {}, the webhook secrets are not", name(.key))]
pub struct WrongEnvironment {
    key: Environment,
}

fn name(environment: &Environment) -> &'static str {
    match environment {
        Environment::Live => "live",
        Environment::Sandbox => "sandbox",
    }
}
