//! Links between entities.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    batch::{self, ItemOutcome, MOST_ITEMS, Posting},
    client::Client,
    entity::EntityType,
    error::Error,
    path,
    query::Query,
    transport::Answer,
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
        // Links have no ids of their own, and the endpoint no pages.
        let found: Option<Envelope<Link>> =
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

    /// Links the entity with others, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became
    /// of each, in their order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn link_each(&self, to: &[LinkTo]) -> Vec<ItemOutcome<()>> {
        post_each(&self.client, self.path("link"), to).await
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

    /// Unlinks the entity from others: as [`link_each`](Self::link_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn unlink_each(&self, from: &[LinkTo]) -> Vec<ItemOutcome<()>> {
        post_each(&self.client, self.path("unlink"), from).await
    }

    async fn post(&self, action: &str, to: &[LinkTo]) -> Result<(), Error> {
        post(&self.client, self.path(action)?, to).await
    }

    fn path(&self, last: &str) -> Result<String, Error> {
        path::of(&[self.of.as_str(), &self.id.to_string(), last])
    }
}

/// The links of many entities of one kind; from [`Client::mass_links`].
///
/// amoCRM documents these endpoints and Kommo does not: where a Kommo account answers 404, use [`Client::links`].
#[derive(Clone, Debug)]
pub struct MassLinks {
    client: Client,
    of: EntityType,
}

impl MassLinks {
    pub(crate) fn new(client: Client, of: EntityType) -> Self {
        Self { client, of }
    }

    /// All that these entities are linked with.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. More than 250 entities are
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self, entities: &[u64]) -> Result<Vec<MassLink>, Error> {
        if entities.is_empty() {
            return Ok(Vec::new());
        }
        if entities.len() > MOST_ITEMS {
            return Err(Error::invalid_request("Kommo takes at most 250 items in one request"));
        }
        let query = entities
            .iter()
            .fold(Query::default(), |query, id| query.with("filter[entity_id][]", id));
        let found: Option<Envelope<MassLink>> =
            self.client.find(self.path("links")?, query).await?;
        Ok(found.map(|envelope| envelope.embedded.links).unwrap_or_default())
    }

    /// Links entities with others, up to 250 pairs: the entity first.
    ///
    /// # Errors
    ///
    /// As [`Links::link`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn link(&self, pairs: &[(u64, LinkTo)]) -> Result<(), Error> {
        self.post("link", pairs).await
    }

    /// Unlinks entities from others, up to 250 pairs: the entity first.
    ///
    /// # Errors
    ///
    /// As [`Links::unlink`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn unlink(&self, pairs: &[(u64, LinkTo)]) -> Result<(), Error> {
        self.post("unlink", pairs).await
    }

    /// Links entities with others, the entity first, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and
    /// says what became of each pair, in their order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn link_each(&self, pairs: &[(u64, LinkTo)]) -> Vec<ItemOutcome<()>> {
        post_each(&self.client, self.path("link"), &of_many(pairs)).await
    }

    /// Unlinks entities from others: as [`link_each`](Self::link_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn unlink_each(&self, pairs: &[(u64, LinkTo)]) -> Vec<ItemOutcome<()>> {
        post_each(&self.client, self.path("unlink"), &of_many(pairs)).await
    }

    async fn post(&self, action: &str, pairs: &[(u64, LinkTo)]) -> Result<(), Error> {
        post(&self.client, self.path(action)?, &of_many(pairs)).await
    }

    fn path(&self, last: &str) -> Result<String, Error> {
        path::of(&[self.of.as_str(), last])
    }
}

#[derive(Serialize)]
struct OfMany<'a> {
    entity_id: u64,
    #[serde(flatten)]
    to: &'a LinkTo,
}

fn of_many(pairs: &[(u64, LinkTo)]) -> Vec<OfMany<'_>> {
    pairs.iter().map(|(id, to)| OfMany { entity_id: *id, to }).collect()
}

/// All in one request. Its answer is the links, which have no ids.
async fn post<T: Serialize + Sync>(
    client: &Client,
    path: String,
    items: &[T],
) -> Result<(), Error> {
    if items.is_empty() {
        return Ok(());
    }
    batch::post(client, &path, items, items.len()).await.map(drop)
}

async fn post_each<T: Serialize + Sync>(
    client: &Client,
    path: Result<String, Error>,
    items: &[T],
) -> Vec<ItemOutcome<()>> {
    let Ok(path) = path else { return batch::not_written(items.len()) };
    let read = |_: &Answer, items| Ok(vec![ItemOutcome::Done(()); items]);
    batch::post_each(Posting::new(client, &path, read).unnumbered(), items).await
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "L: DeserializeOwned"))]
struct Envelope<L> {
    #[serde(rename = "_embedded")]
    embedded: Embedded<L>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "L: DeserializeOwned"))]
struct Embedded<L> {
    #[serde(default, deserialize_with = "list")]
    links: Vec<L>,
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

impl Link {
    /// How many of an element of a catalog; `None` for other links, and when Kommo gave no whole number.
    #[must_use]
    pub fn quantity(&self) -> Option<u64> {
        self.metadata.as_ref()?.get("quantity")?.as_u64()
    }

    /// Whether the contact is the main one of the lead.
    #[must_use]
    pub fn is_main(&self) -> bool {
        let main = self.metadata.as_ref().and_then(|metadata| metadata.get("main_contact"));
        main.and_then(serde_json::Value::as_bool).unwrap_or_default()
    }
}

/// A link of one of many entities, as read.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct MassLink {
    /// The entity.
    pub entity_id: u64,
    /// What it is linked with.
    pub to_entity_id: u64,
    /// The kind of that.
    #[serde(default, deserialize_with = "or_default")]
    pub to_entity_type: EntityType,
    /// What belongs to the link; see [`Link::metadata`].
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}
