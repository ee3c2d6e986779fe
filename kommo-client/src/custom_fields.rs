//! Definitions of custom fields.

use serde::Deserialize;

use crate::{
    client::Client,
    entity::EntityType,
    error::Error,
    field::FieldType,
    field_set::FieldSet,
    id::{EnumId, FieldId},
    page::{self, PAGE, Row},
    path,
    query::Query,
    wire::{lenient, list, or_default},
};

/// The custom fields of one kind of entity; from [`Client::custom_fields`].
#[derive(Clone, Debug)]
pub struct CustomFields {
    client: Client,
    of: EntityType,
}

impl CustomFields {
    pub(crate) fn new(client: Client, of: EntityType) -> Self {
        Self { client, of }
    }

    /// All definitions.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self) -> Result<Vec<FieldDefinition>, Error> {
        let path = path::of(&[self.of.as_str(), "custom_fields"])?;
        page::all(&self.client, path, Query::default().with("limit", PAGE)).await
    }

    /// All definitions, ready for writing values by them.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn field_set(&self) -> Result<FieldSet, Error> {
        Ok(FieldSet::new(self.list().await?))
    }
}

/// The definition of a custom field.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldDefinition {
    /// Its id.
    pub id: FieldId,
    /// Its name in the user interface.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Its code. A field made in the user interface has none until one is set through the API.
    #[serde(default, deserialize_with = "lenient")]
    pub code: Option<String>,
    /// Its type.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub field_type: FieldType,
    /// The options of a select-like field, the kinds of phones or e-mails.
    #[serde(default, deserialize_with = "list")]
    pub enums: Vec<FieldEnum>,
    /// Whether people cannot change it, only the API can.
    #[serde(default, deserialize_with = "or_default")]
    pub is_api_only: bool,
    /// Whether Kommo calculates it; such a field cannot be written.
    #[serde(default, deserialize_with = "or_default")]
    pub is_computed: bool,
    /// Whether it belongs to every account.
    #[serde(default, deserialize_with = "or_default")]
    pub is_predefined: bool,
    /// The currency of a `monetary` field, as an ISO code.
    #[serde(default, deserialize_with = "lenient")]
    pub currency: Option<String>,
}

/// An option of a select-like field.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldEnum {
    /// Its id.
    pub id: EnumId,
    /// Its text.
    #[serde(default, deserialize_with = "or_default")]
    pub value: String,
    /// Its code.
    #[serde(default, deserialize_with = "lenient")]
    pub code: Option<String>,
}

impl Row for FieldDefinition {
    const KEY: &'static str = "custom_fields";

    fn row_id(&self) -> u64 {
        self.id.get()
    }
}
