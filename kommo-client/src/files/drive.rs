//! Files as they are read, and looked for.

use serde::Deserialize;
use time::OffsetDateTime;

use crate::{
    entity::EntityType,
    page::{PAGE, Row, RowKey},
    query::Query,
    wire::{lenient, or_default, timestamp},
};

/// A file in the drive.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct DriveFile {
    /// What it is attached by.
    pub uuid: String,
    /// This version of it.
    #[serde(default, deserialize_with = "lenient")]
    pub version_uuid: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its kind: `image`, `video`, `audio`, `document` or `file`.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub file_type: String,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "lenient")]
    pub size: Option<u64>,
    /// Whether it is in the trash.
    #[serde(default, deserialize_with = "or_default")]
    pub is_trashed: bool,
    /// When it came.
    #[serde(default, deserialize_with = "timestamp")]
    pub created_at: Option<OffsetDateTime>,
}

impl Row for DriveFile {
    const KEY: &'static str = "files";

    fn row_key(&self) -> RowKey {
        RowKey::Text(self.uuid.clone())
    }
}

/// Which files of the drive to list.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct FileFilter {
    uuids: Vec<String>,
    name: Option<String>,
    term: Option<String>,
    extensions: Vec<String>,
    deleted: bool,
}

impl FileFilter {
    /// All files that are not in the trash.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file with this uuid; several calls add up.
    pub fn uuid(mut self, uuid: impl Into<String>) -> Self {
        self.uuids.push(uuid.into());
        self
    }

    /// Files of this name: how one is found whose upload was not confirmed.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Files that Kommo's search finds for this text.
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.term = Some(text.into());
        self
    }

    /// Files with this extension, such as `pdf`; several calls add up.
    pub fn extension(mut self, extension: impl Into<String>) -> Self {
        self.extensions.push(extension.into());
        self
    }

    /// Files in the trash, and only those.
    pub fn only_deleted(mut self) -> Self {
        self.deleted = true;
        self
    }

    pub(super) fn to_query(&self) -> Query {
        let mut query = Query::default();
        if !self.uuids.is_empty() {
            query.push("filter[uuid]", self.uuids.join(","));
        }
        for (key, text) in [("filter[name]", &self.name), ("filter[term]", &self.term)] {
            if let Some(text) = text {
                query.push(key, text);
            }
        }
        for extension in &self.extensions {
            query.push("filter[extensions][]", extension);
        }
        if self.deleted {
            query.push("filter[deleted]", 1);
        }
        query.with("limit", PAGE)
    }
}

/// A file of an entity.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct AttachedFile {
    /// The file.
    pub file_uuid: String,
    /// The attachment.
    #[serde(default, deserialize_with = "lenient")]
    pub id: Option<u64>,
}

/// An entity that a file is attached to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileLink {
    /// The kind of the entity.
    #[serde(default, deserialize_with = "or_default")]
    pub entity_type: EntityType,
    /// The entity.
    pub id: u64,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
}
