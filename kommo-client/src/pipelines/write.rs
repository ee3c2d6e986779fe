//! Pipelines and stages to make and to change. Only an administrator's token may.

use serde::Serialize;

use super::{PATH, Pipeline, Pipelines, Status};
use crate::{
    batch::{self, Created, ItemOutcome},
    error::Error,
    id::{PipelineId, StatusId},
    page::Row,
    transport::{Method, Request},
};

impl Pipelines {
    /// Makes pipelines in one request. The answers come in their order. Only an administrator's token may, and an account
    /// has no more than 50.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. After [`Fate::Unknown`](crate::Fate::Unknown) look with
    /// [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(
        &self,
        pipelines: &[NewPipeline],
    ) -> Result<Vec<Created<PipelineId>>, Error> {
        batch::create(&self.client, PATH, Pipeline::KEY, pipelines).await
    }

    /// Makes pipelines, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(
        &self,
        pipelines: &[NewPipeline],
    ) -> Vec<ItemOutcome<Created<PipelineId>>> {
        batch::create_each(&self.client, PATH, Pipeline::KEY, pipelines).await
    }

    /// Changes a pipeline.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patch: &PipelinePatch) -> Result<(), Error> {
        let request = Request::new(Method::Patch, format!("{PATH}/{}", patch.id)).json(patch)?;
        self.client.send(&request).await.map(drop)
    }

    /// Deletes a pipeline. Kommo keeps the last one, and those with leads.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn delete(&self, id: PipelineId) -> Result<(), Error> {
        let request = Request::new(Method::Delete, format!("{PATH}/{id}"));
        self.client.send(&request).await.map(drop)
    }

    /// Makes stages of a pipeline in one request. The answers come in their order.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create_statuses(
        &self,
        pipeline: PipelineId,
        statuses: &[NewStatus],
    ) -> Result<Vec<Created<StatusId>>, Error> {
        let path = format!("{PATH}/{pipeline}/statuses");
        batch::create(&self.client, &path, Status::KEY, statuses).await
    }

    /// Makes stages of a pipeline, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_statuses_each(
        &self,
        pipeline: PipelineId,
        statuses: &[NewStatus],
    ) -> Vec<ItemOutcome<Created<StatusId>>> {
        let path = format!("{PATH}/{pipeline}/statuses");
        batch::create_each(&self.client, &path, Status::KEY, statuses).await
    }

    /// Changes a stage of a pipeline.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update_status(
        &self,
        pipeline: PipelineId,
        patch: &StatusPatch,
    ) -> Result<(), Error> {
        let path = format!("{PATH}/{pipeline}/statuses/{}", patch.id);
        self.client.send(&Request::new(Method::Patch, path).json(patch)?).await.map(drop)
    }

    /// Deletes a stage of a pipeline; Kommo moves its leads to the first one.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn delete_status(&self, pipeline: PipelineId, id: StatusId) -> Result<(), Error> {
        let path = format!("{PATH}/{pipeline}/statuses/{id}");
        self.client.send(&Request::new(Method::Delete, path)).await.map(drop)
    }
}

/// A pipeline to make.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewPipeline {
    name: String,
    sort: i64,
    // All four are required (amoCRM's page "Pipelines and stages").
    is_main: bool,
    is_unsorted_on: bool,
    #[serde(rename = "_embedded", skip_serializing_if = "Embedded::is_empty")]
    embedded: Embedded,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Embedded {
    statuses: Vec<NewStatus>,
}

impl Embedded {
    fn is_empty(&self) -> bool {
        self.statuses.is_empty()
    }
}

impl NewPipeline {
    /// A pipeline of this name at this place, which is not the main one and takes no incoming leads.
    pub fn new(name: impl Into<String>, sort: i64) -> Self {
        Self {
            name: name.into(),
            sort,
            is_main: false,
            is_unsorted_on: false,
            embedded: Embedded::default(),
        }
    }

    /// Makes it the main one.
    pub fn main(mut self) -> Self {
        self.is_main = true;
        self
    }

    /// Gives it a stage of incoming leads.
    pub fn unsorted(mut self) -> Self {
        self.is_unsorted_on = true;
        self
    }

    /// Adds a stage. Those of won and lost leads come by themselves.
    pub fn status(mut self, status: NewStatus) -> Self {
        self.embedded.statuses.push(status);
        self
    }

    /// Calls the stage of won leads so.
    pub fn won_name(self, name: impl Into<String>) -> Self {
        self.status(NewStatus::named(StatusId::WON, name.into()))
    }

    /// Calls the stage of lost leads so.
    pub fn lost_name(self, name: impl Into<String>) -> Self {
        self.status(NewStatus::named(StatusId::LOST, name.into()))
    }
}

/// A stage to make.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<StatusId>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
}

impl NewStatus {
    /// A stage of this name at this place.
    pub fn new(name: impl Into<String>, sort: i64) -> Self {
        Self { id: None, name: name.into(), sort: Some(sort), color: None }
    }

    /// Sets the colour, such as `#fffeb2`, from Kommo's palette.
    pub fn color(mut self, color: impl Into<String>) -> Self {
        self.color = Some(color.into());
        self
    }

    fn named(id: StatusId, name: String) -> Self {
        Self { id: Some(id), name, sort: None, color: None }
    }
}

/// A change of one pipeline. What is not set stays.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct PipelinePatch {
    #[serde(skip)]
    id: PipelineId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_main: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_unsorted_on: Option<bool>,
}

impl PipelinePatch {
    /// Changes nothing yet.
    pub fn new(id: PipelineId) -> Self {
        Self { id, name: None, sort: None, is_main: None, is_unsorted_on: None }
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the place.
    pub fn sort(mut self, sort: i64) -> Self {
        self.sort = Some(sort);
        self
    }

    /// Makes it the main one.
    pub fn main(mut self) -> Self {
        self.is_main = Some(true);
        self
    }

    /// Whether it has a stage of incoming leads.
    pub fn unsorted(mut self, on: bool) -> Self {
        self.is_unsorted_on = Some(on);
        self
    }
}

/// A change of one stage. What is not set stays.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct StatusPatch {
    #[serde(skip)]
    id: StatusId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
}

impl StatusPatch {
    /// Changes nothing yet.
    pub fn new(id: StatusId) -> Self {
        Self { id, name: None, sort: None, color: None }
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the place.
    pub fn sort(mut self, sort: i64) -> Self {
        self.sort = Some(sort);
        self
    }

    /// Sets the colour, such as `#fffeb2`, from Kommo's palette.
    pub fn color(mut self, color: impl Into<String>) -> Self {
        self.color = Some(color.into());
        self
    }
}
