//! Salesbots: Kommo's own automations of conversations.

use serde::Serialize;

use crate::{
    client::Client,
    entity::EntityType,
    error::Error,
    id::SalesbotId,
    transport::{Method, Request},
};

/// Not below `/api/v4`: the method that takes many is older (developers.kommo.com, "Launch Salesbot").
const PATH: &str = "/api/v2/salesbot/run";

/// The most Kommo starts in one request.
const MOST_BOTS: usize = 100;

/// The Salesbots of an account; from [`Client::salesbots`].
#[derive(Clone, Debug)]
pub struct Salesbots {
    client: Client,
}

impl Salesbots {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Starts a bot on leads or on contacts, up to 100 of them, in one request. Kommo takes the order and answers; it does
    /// not say what the bot did, nor whether it found somebody to talk to.
    ///
    /// The younger method for one of them goes by [`Client::raw`]: `POST bots/{id}/run` with
    /// `{"entity_id": …, "entity_type": "leads"}`.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) for more than
    /// 100, and for entities that are neither leads nor contacts. After [`Fate::Unknown`](crate::Fate::Unknown) the bot may
    /// be running: nothing in the API tells, and a second start may write to the customer twice.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn run(&self, bot: SalesbotId, on: EntityType, ids: &[u64]) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Run {
            bot_id: SalesbotId,
            entity_id: u64,
            entity_type: u8,
        }
        let entity_type = match on {
            EntityType::Contacts => 1,
            EntityType::Leads => 2,
            _ => return Err(Error::invalid_request("a Salesbot runs on leads or contacts")),
        };
        if ids.is_empty() {
            return Ok(());
        }
        if ids.len() > MOST_BOTS {
            return Err(Error::invalid_request("Kommo starts at most 100 bots in one request"));
        }
        let runs: Vec<Run> =
            ids.iter().map(|id| Run { bot_id: bot, entity_id: *id, entity_type }).collect();
        let request = Request::new(Method::Post, PATH.to_owned()).json(&runs)?;
        let answer = self.client.send(&request).await;
        answer.map(drop).map_err(|error| error.in_batch(0, ids.len()))
    }
}
