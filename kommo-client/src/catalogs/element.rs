//! Elements of catalogs as they are read and written.

use serde::{Deserialize, Serialize};

use crate::{
    field::{FieldValues, FieldWrite},
    id::CatalogElementId,
    page::{Row, RowKey},
    wire::{lenient, list, or_default},
};

/// An element of a catalog.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct CatalogElement {
    /// Its id.
    pub id: CatalogElementId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Whether it is in the trash.
    #[serde(default, deserialize_with = "or_default")]
    pub is_deleted: bool,
    /// The custom fields that have values.
    #[serde(default, deserialize_with = "list")]
    pub custom_fields_values: Vec<FieldValues>,
}

impl Row for CatalogElement {
    const KEY: &'static str = "elements";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

/// An element to create.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewCatalogElement {
    name: String,
    #[serde(rename = "custom_fields_values", skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldWrite>,
}

impl NewCatalogElement {
    /// An element of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), fields: Vec::new() }
    }

    /// Writes a custom field. A second write of the same field takes the place of the first.
    pub fn field(mut self, write: FieldWrite) -> Self {
        write.put_into(&mut self.fields);
        self
    }
}

/// A change of one element. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct CatalogElementPatch {
    pub(super) id: CatalogElementId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "custom_fields_values", skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldWrite>,
}

impl CatalogElementPatch {
    /// A change of the element `id` that changes nothing yet.
    pub fn new(id: CatalogElementId) -> Self {
        Self { id, name: None, fields: Vec::new() }
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Writes a custom field, in place of all its values. A second write of the same field takes the place of the first.
    pub fn field(mut self, write: FieldWrite) -> Self {
        write.put_into(&mut self.fields);
        self
    }
}
