//! Changes of definitions.

use serde::Serialize;

use super::{CustomFields, FieldDefinition, FieldEnum};
use crate::{
    batch::{self, ItemOutcome, Updated},
    error::Error,
    id::{EnumId, FieldId},
    page::Row,
};

impl CustomFields {
    /// Changes fields, up to 250 in one request, and more in several. Only an administrator's token may. A field keeps its
    /// type for good.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create). Of more than 250, the patches of earlier requests (250 each) may have been written when
    /// a later one fails, whatever the error's fate.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[FieldPatch]) -> Result<(), Error> {
        let path = self.path(&[])?;
        let id = |patch: &FieldPatch| patch.id;
        batch::update(&self.client, &path, FieldDefinition::KEY, patches, id).await.map(drop)
    }

    /// Changes fields, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in the
    /// order of the patches: as [`Leads::update_each`](crate::Leads::update_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_each(&self, patches: &[FieldPatch]) -> Vec<ItemOutcome<Updated<FieldId>>> {
        let Ok(path) = self.path(&[]) else {
            return batch::not_written(patches.len());
        };
        batch::update_each(&self.client, &path, FieldDefinition::KEY, patches, |patch| patch.id)
            .await
    }
}

/// A change of one definition. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct FieldPatch {
    id: FieldId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<i64>,
    // Outside it is whether to send it, inside null.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_api_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enums: Option<Vec<EnumPatch>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct EnumPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EnumId>,
    value: String,
    sort: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl FieldPatch {
    /// A change of the field `id` that changes nothing yet.
    pub fn new(id: FieldId) -> Self {
        Self {
            id,
            name: None,
            code: None,
            sort: None,
            group_id: None,
            is_api_only: None,
            enums: None,
        }
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the code; letters, digits and underscores are known to be taken.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets the place.
    pub fn sort(mut self, sort: i64) -> Self {
        self.sort = Some(sort);
        self
    }

    /// Puts it into a group, or with `None` into none.
    pub fn group(mut self, id: Option<&str>) -> Self {
        self.group_id = Some(id.map(str::to_owned));
        self
    }

    /// Whether only the API may change its values.
    pub fn api_only(mut self, only: bool) -> Self {
        self.is_api_only = Some(only);
        self
    }

    /// Replaces all options by the known ones and `added`. Kommo makes options without their ids anew, and values that
    /// chose them are lost: begin with those that were read, and leave out what is to go.
    pub fn options(mut self, known: &[FieldEnum], added: &[&str]) -> Self {
        let known = known.iter().map(|own| (Some(own.id), own.value.clone(), own.code.clone()));
        let added = added.iter().map(|value| (None, (*value).to_owned(), None));
        let all = known.chain(added).zip(1_usize..);
        let options = all.map(|((id, value, code), sort)| EnumPatch { id, value, sort, code });
        self.enums = Some(options.collect());
        self
    }
}
