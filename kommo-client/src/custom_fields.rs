//! Definitions of custom fields.

use serde::{Deserialize, Serialize};

use crate::{
    batch::{self, Created, ItemOutcome},
    client::Client,
    entity::EntityType,
    error::Error,
    field::FieldType,
    field_set::FieldSet,
    id::{CatalogId, EnumId, FieldId},
    page::{self, PAGE, Row, RowKey},
    path,
    query::Query,
    wire::{lenient, list, or_default},
};

mod groups;
mod patch;

pub use groups::FieldGroup;
pub use patch::FieldPatch;

/// The custom fields of one kind of entity, from [`Client::custom_fields`], or of the elements of one catalog, from
/// [`Client::catalog_fields`].
#[derive(Clone, Debug)]
pub struct CustomFields {
    client: Client,
    /// The first parts of the path.
    of: Vec<String>,
}

impl CustomFields {
    pub(crate) fn new(client: Client, of: &EntityType) -> Self {
        Self { client, of: vec![of.as_str().to_owned()] }
    }

    pub(crate) fn of_catalog(client: Client, id: CatalogId) -> Self {
        Self { client, of: vec!["catalogs".to_owned(), id.to_string()] }
    }

    fn path(&self, rest: &[&str]) -> Result<String, Error> {
        let of = self.of.iter().map(String::as_str);
        let segments: Vec<&str> = of.chain(["custom_fields"]).chain(rest.iter().copied()).collect();
        path::of(&segments)
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
        let path = self.path(&[])?;
        page::all(&self.client, path, Query::default().with("limit", PAGE)).await
    }

    /// The definitions of fields of these types, in the order of the card.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list_of(&self, types: &[FieldType]) -> Result<Vec<FieldDefinition>, Error> {
        let path = self.path(&[])?;
        let query = types
            .iter()
            .fold(Query::default(), |query, own| query.with("filter[type][]", own.as_str()));
        page::all(&self.client, path, query.with("order[sort]", "asc").with("limit", PAGE)).await
    }

    /// The definition of the field with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: FieldId) -> Result<Option<FieldDefinition>, Error> {
        let path = self.path(&[&id.to_string()])?;
        match self.client.find(path, Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// Makes fields, up to 250, in one request. The answers come in their order. Only an administrator's token may.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. A code that is taken is
    /// [`ErrorKind::Validation`](crate::ErrorKind::Validation) with the path `code`. After
    /// [`Fate::Unknown`](crate::Fate::Unknown) look with [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, fields: &[NewField]) -> Result<Vec<Created<FieldId>>, Error> {
        let path = self.path(&[])?;
        batch::create(&self.client, &path, FieldDefinition::KEY, fields).await
    }

    /// Makes fields, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, fields: &[NewField]) -> Vec<ItemOutcome<Created<FieldId>>> {
        let Ok(path) = self.path(&[]) else {
            return batch::not_written(fields.len());
        };
        batch::create_each(&self.client, &path, FieldDefinition::KEY, fields).await
    }

    /// Gives a field a code, so that it can be written by it: fields made in the user interface have none. Only an
    /// administrator's token may.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn set_code(&self, id: FieldId, code: &str) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Code<'a> {
            id: FieldId,
            code: &'a str,
        }
        let path = self.path(&[])?;
        let patch = [Code { id, code }];
        batch::update(&self.client, &path, FieldDefinition::KEY, &patch, |patch| patch.id)
            .await
            .map(drop)
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

/// A field to make.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewField {
    name: String,
    #[serde(rename = "type")]
    field_type: FieldType,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_api_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    enums: Vec<NewFieldEnum>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct NewFieldEnum {
    value: String,
    sort: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl NewField {
    /// A field of this name and type.
    pub fn new(name: impl Into<String>, field_type: impl Into<FieldType>) -> Self {
        Self {
            name: name.into(),
            field_type: field_type.into(),
            code: None,
            is_api_only: None,
            currency: None,
            enums: Vec::new(),
        }
    }

    /// Sets the code; letters, digits and underscores are known to be taken.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Lets only the API change its values.
    pub fn api_only(mut self) -> Self {
        self.is_api_only = Some(true);
        self
    }

    /// Sets the currency of a `monetary` field, as an ISO code.
    pub fn currency(mut self, currency: impl Into<String>) -> Self {
        self.currency = Some(currency.into());
        self
    }

    /// Adds an option of a select-like field.
    pub fn option(mut self, value: impl Into<String>, code: Option<&str>) -> Self {
        let sort = self.enums.len().saturating_add(1);
        self.enums.push(NewFieldEnum { value: value.into(), sort, code: code.map(str::to_owned) });
        self
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
    /// Its group: the tab of the card it is on.
    #[serde(default, deserialize_with = "lenient")]
    pub group_id: Option<String>,
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

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}
