//! Pipelines and their stages.

use serde::{Deserialize, Deserializer};

use crate::{
    client::Client,
    error::Error,
    id::{PipelineId, StatusId},
    page::{self, Page, Row, RowKey},
    query::Query,
    transport::{Method, Request},
    wire::{lenient, list, or_default},
};

mod write;

pub use write::{NewPipeline, NewStatus, PipelinePatch, StatusPatch};

const PATH: &str = "/api/v4/leads/pipelines";

/// The pipelines of an account; from [`Client::pipelines`].
#[derive(Clone, Debug)]
pub struct Pipelines {
    client: Client,
}

impl Pipelines {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All pipelines, with their stages.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self) -> Result<Vec<Pipeline>, Error> {
        page::all(&self.client, PATH.to_owned(), Query::default()).await
    }

    /// The stages of a pipeline.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is no such
    /// pipeline.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn statuses(&self, pipeline: PipelineId) -> Result<Vec<Status>, Error> {
        page::all(&self.client, format!("{PATH}/{pipeline}/statuses"), Query::default()).await
    }

    /// The pipeline with this id, with its stages; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: PipelineId) -> Result<Option<Pipeline>, Error> {
        let request = Request::new(Method::Get, format!("{PATH}/{id}"));
        let answer = match self.client.send(&request).await {
            Ok(answer) => answer,
            Err(error) if error.status() == Some(404) => return Ok(None),
            Err(error) => return Err(error),
        };
        // amoCRM's page shows the pipeline itself, Kommo's a list of one.
        if let Ok(pipeline) = answer.decode::<Pipeline>() {
            return Ok(Some(pipeline));
        }
        let page = Page::<Pipeline>::read(&answer)?;
        Ok(page.and_then(|page| page.rows.into_iter().find(|pipeline| pipeline.id == id)))
    }
}

impl Row for Status {
    const KEY: &'static str = "statuses";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

/// A pipeline.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pipeline {
    /// Its id.
    pub id: PipelineId,
    /// Its name.
    pub name: Option<String>,
    /// Whether new leads come here.
    pub is_main: bool,
    /// Whether it is put away.
    pub is_archive: bool,
    /// Its stages, won (142) and lost (143) among them.
    pub statuses: Vec<Status>,
}

/// A stage of a pipeline.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// Its id; 142 and 143 are the same in every pipeline.
    pub id: StatusId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Its place.
    #[serde(default, deserialize_with = "lenient")]
    pub sort: Option<i64>,
    /// Whether it can be changed; those of the system cannot.
    #[serde(default, deserialize_with = "or_default")]
    pub is_editable: bool,
    /// Its colour, such as `#CCFF66`.
    #[serde(default, deserialize_with = "lenient")]
    pub color: Option<String>,
    /// Whether it is the stage of incoming leads (`type` 1).
    #[serde(default, rename = "type", deserialize_with = "incoming")]
    pub is_incoming: bool,
}

fn incoming<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(lenient::<D, i64>(deserializer)? == Some(1))
}

impl Row for Pipeline {
    const KEY: &'static str = "pipelines";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

#[derive(Deserialize)]
struct Wire {
    id: PipelineId,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    is_main: bool,
    #[serde(default, deserialize_with = "or_default")]
    is_archive: bool,
    #[serde(default, rename = "_embedded", deserialize_with = "or_default")]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "list")]
    statuses: Vec<Status>,
}

impl<'de> Deserialize<'de> for Pipeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self {
            id: wire.id,
            name: wire.name,
            is_main: wire.is_main,
            is_archive: wire.is_archive,
            statuses: wire.embedded.statuses,
        })
    }
}
