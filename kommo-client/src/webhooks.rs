//! Where Kommo sends word of changes.

use serde::{Deserialize, Serialize};

use crate::{
    client::Client,
    error::Error,
    page::{self, Row, RowKey},
    query::Query,
    transport::{Method, Request},
    wire::{list, or_default},
};

const PATH: &str = "/api/v4/webhooks";

/// The subscriptions of an account; from [`Client::webhooks`]. Only an administrator's token may change them.
#[derive(Clone, Debug)]
pub struct Webhooks {
    client: Client,
}

impl Webhooks {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All subscriptions.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self) -> Result<Vec<Webhook>, Error> {
        page::all(&self.client, PATH.to_owned(), Query::default()).await
    }

    /// The subscription of `destination`; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, destination: &str) -> Result<Option<Webhook>, Error> {
        let query = Query::default().with("filter[destination]", destination);
        let webhooks: Vec<Webhook> = page::all(&self.client, PATH.to_owned(), query).await?;
        Ok(webhooks.into_iter().find(|webhook| webhook.destination == destination))
    }

    /// Has these events, such as `status_lead`, sent to `destination`; a subscription of it is replaced.
    ///
    /// Kommo does not sign what it sends: let the address hold something nobody can guess.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. Doing it twice is harmless.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn subscribe(&self, destination: &str, events: &[&str]) -> Result<Webhook, Error> {
        #[derive(Serialize)]
        struct Subscription<'a> {
            destination: &'a str,
            settings: &'a [&'a str],
        }
        let body = Subscription { destination, settings: events };
        let request = Request::new(Method::Post, PATH.to_owned()).json(&body)?;
        self.client.send(&request).await?.decode()
    }

    /// Ends the subscription of `destination`; `false` when there was none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn unsubscribe(&self, destination: &str) -> Result<bool, Error> {
        #[derive(Serialize)]
        struct Subscription<'a> {
            destination: &'a str,
        }
        let body = Subscription { destination };
        let request = Request::new(Method::Delete, PATH.to_owned()).json(&body)?;
        match self.client.send(&request).await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(404) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A subscription.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Webhook {
    /// Its id.
    pub id: u64,
    /// Where Kommo sends to.
    #[serde(default, deserialize_with = "or_default")]
    pub destination: String,
    /// Whether Kommo switched it off, as it does after too many bad answers.
    #[serde(default, deserialize_with = "or_default")]
    pub disabled: bool,
    /// The events.
    #[serde(default, deserialize_with = "list")]
    pub settings: Vec<String>,
}

impl Row for Webhook {
    const KEY: &'static str = "webhooks";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id)
    }
}
