//! Links between entities.

use serde::{Deserialize, Serialize};

use crate::{
    client::Client,
    entity::EntityType,
    error::Error,
    path,
    query::Query,
    transport::{Method, Request},
    wire::{lenient, list, or_default},
};

/// The links of one entity; from [`Client::links`].
#[derive(Clone, Debug)]
pub struct Links {
    client: Client,
    of: EntityType,
    id: u64,
}

impl Links {
    pub(crate) fn new(client: Client, of: EntityType, id: u64) -> Self {
        Self { client, of, id }
    }

    /// All that the entity is linked with.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self) -> Result<Vec<Link>, Error> {
        #[derive(Deserialize)]
        struct Envelope {
            #[serde(rename = "_embedded")]
            embedded: Embedded,
        }
        #[derive(Deserialize)]
        struct Embedded {
            #[serde(default, deserialize_with = "list")]
            links: Vec<Link>,
        }
        // Links have no ids of their own, and the endpoint no pages.
        let found: Option<Envelope> =
            self.client.find(self.path("links")?, Query::default()).await?;
        Ok(found.map(|envelope| envelope.embedded.links).unwrap_or_default())
    }

    /// Links the entity with others.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. Whether linking twice is harmless is not documented: after
    /// [`Fate::Unknown`](crate::Fate::Unknown) look with [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn link(&self, to: &[LinkTo]) -> Result<(), Error> {
        self.post("link", to).await
    }

    /// Unlinks the entity from others.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn unlink(&self, from: &[LinkTo]) -> Result<(), Error> {
        self.post("unlink", from).await
    }

    async fn post(&self, action: &str, to: &[LinkTo]) -> Result<(), Error> {
        if to.is_empty() {
            return Ok(());
        }
        let request = Request::new(Method::Post, self.path(action)?).json(to)?;
        self.client.send(&request).await.map(drop)
    }

    fn path(&self, last: &str) -> Result<String, Error> {
        path::of(&[self.of.as_str(), &self.id.to_string(), last])
    }
}

/// What to link an entity with, or unlink it from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct LinkTo {
    to_entity_id: u64,
    to_entity_type: EntityType,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<LinkMetadata>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct LinkMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    is_main: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u64>,
}

impl LinkTo {
    /// This entity.
    pub fn new(entity_type: EntityType, id: u64) -> Self {
        Self { to_entity_id: id, to_entity_type: entity_type, metadata: None }
    }

    /// So many of this element of a catalog.
    pub fn catalog_element(catalog_id: u64, id: u64, quantity: u64) -> Self {
        let metadata = LinkMetadata {
            catalog_id: Some(catalog_id),
            quantity: Some(quantity),
            ..LinkMetadata::default()
        };
        Self {
            to_entity_id: id,
            to_entity_type: EntityType::from("catalog_elements"),
            metadata: Some(metadata),
        }
    }

    /// Makes a contact the main one of a lead.
    pub fn main(mut self) -> Self {
        self.metadata.get_or_insert_default().is_main = Some(true);
        self
    }
}

/// A link, as read.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// What the entity is linked with.
    pub to_entity_id: u64,
    /// The kind of that.
    #[serde(default, deserialize_with = "or_default")]
    pub to_entity_type: EntityType,
    /// What belongs to the link: `main_contact` (written as `is_main`), `catalog_id`, `quantity`, `price_id`.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}
