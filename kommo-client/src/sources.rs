//! Sources of leads. Only integrations with an uploaded widget may use them.

use serde::{Deserialize, Serialize};

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    error::Error,
    id::{PipelineId, SourceId},
    page::{self, Row, RowKey},
    query::Query,
    transport::{Method, Request},
    wire::{lenient, optional_id, or_default},
};

const PATH: &str = "/api/v4/sources";

/// The sources of an integration; from [`Client::sources`].
#[derive(Clone, Debug)]
pub struct Sources {
    client: Client,
}

impl Sources {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All sources.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self) -> Result<Vec<Source>, Error> {
        page::all(&self.client, PATH.to_owned(), Query::default()).await
    }

    /// The source with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: SourceId) -> Result<Option<Source>, Error> {
        match self.client.find(format!("{PATH}/{id}"), Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// Adds sources in one request. The answers come in their order. An `external_id` stands for one source, so a second
    /// creation is refused.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, sources: &[NewSource]) -> Result<Vec<Created<SourceId>>, Error> {
        batch::create(&self.client, PATH, Source::KEY, sources).await
    }

    /// Adds sources, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, sources: &[NewSource]) -> Vec<ItemOutcome<Created<SourceId>>> {
        batch::create_each(&self.client, PATH, Source::KEY, sources).await
    }

    /// Changes sources. The answers come in the order of the patches.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create). Of more than 250, the patches of earlier requests (250 each) may have been written when
    /// a later one fails, whatever the error's fate.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[SourcePatch]) -> Result<Vec<Updated<SourceId>>, Error> {
        batch::update(&self.client, PATH, Source::KEY, patches, |patch| patch.id).await
    }

    /// Changes sources, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in the
    /// order of the patches: as [`Leads::update_each`](crate::Leads::update_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_each(
        &self,
        patches: &[SourcePatch],
    ) -> Vec<ItemOutcome<Updated<SourceId>>> {
        batch::update_each(&self.client, PATH, Source::KEY, patches, |patch| patch.id).await
    }

    /// Deletes a source.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn delete(&self, id: SourceId) -> Result<(), Error> {
        let request = Request::new(Method::Delete, format!("{PATH}/{id}"));
        self.client.send(&request).await.map(drop)
    }
}

/// A source to add.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewSource {
    name: String,
    // A number, as documented, is refused (seen by another client's users): text is taken.
    external_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<PipelineId>,
}

impl NewSource {
    /// A source of this name, with your own id of it.
    pub fn new(name: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self { name: name.into(), external_id: external_id.into(), pipeline_id: None }
    }

    /// Leads its leads into this pipeline.
    pub fn pipeline(mut self, id: PipelineId) -> Self {
        self.pipeline_id = Some(id);
        self
    }
}

/// A change of one source. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct SourcePatch {
    id: SourceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<PipelineId>,
    #[serde(rename = "default", skip_serializing_if = "Option::is_none")]
    is_default: Option<bool>,
}

impl SourcePatch {
    /// A change of the source `id` that changes nothing yet.
    pub fn new(id: SourceId) -> Self {
        Self { id, name: None, pipeline_id: None, is_default: None }
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Leads its leads into this pipeline.
    pub fn pipeline(mut self, id: PipelineId) -> Self {
        self.pipeline_id = Some(id);
        self
    }

    /// Makes it the one for leads without a source.
    pub fn default_source(mut self) -> Self {
        self.is_default = Some(true);
        self
    }
}

/// A source.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The integration's own id of it.
    #[serde(default, deserialize_with = "lenient")]
    pub external_id: Option<String>,
    /// Where its leads go.
    #[serde(default, deserialize_with = "optional_id")]
    pub pipeline_id: Option<PipelineId>,
    /// Whether it is the one for leads without a source.
    #[serde(default, rename = "default", deserialize_with = "or_default")]
    pub is_default: bool,
}

impl Row for Source {
    const KEY: &'static str = "sources";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}
