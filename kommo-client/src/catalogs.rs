//! Catalogs (lists, products among them) and their elements.

use serde::{Deserialize, Serialize};

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    error::Error,
    field::{FieldValues, FieldWrite},
    id::{CatalogElementId, CatalogId},
    page::{self, PAGE, Pages, Row, RowKey},
    query::Query,
    wire::{lenient, list, or_default},
};

const PATH: &str = "/api/v4/catalogs";

/// The catalogs of an account; from [`Client::catalogs`].
#[derive(Clone, Debug)]
pub struct Catalogs {
    client: Client,
}

impl Catalogs {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All catalogs.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self) -> Result<Vec<Catalog>, Error> {
        page::all(&self.client, PATH.to_owned(), Query::default().with("limit", PAGE)).await
    }

    /// The catalog with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: CatalogId) -> Result<Option<Catalog>, Error> {
        match self.client.find(format!("{PATH}/{id}"), Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// Makes catalogs of these names, of the kind `regular`, in one request. An account has ten at most.
    ///
    /// # Errors
    ///
    /// As [`Leads::create`](crate::Leads::create).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, names: &[&str]) -> Result<Vec<Created<CatalogId>>, Error> {
        #[derive(Serialize)]
        struct New<'a> {
            name: &'a str,
        }
        let new: Vec<New<'_>> = names.iter().map(|name| New { name }).collect();
        batch::create(&self.client, PATH, Catalog::KEY, &new).await
    }

    /// Gives a catalog another name.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn rename(&self, id: CatalogId, name: &str) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Patch<'a> {
            id: CatalogId,
            name: &'a str,
        }
        let patch = [Patch { id, name }];
        batch::update(&self.client, PATH, Catalog::KEY, &patch, |patch| patch.id).await.map(drop)
    }

    /// The element with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn element(
        &self,
        of: CatalogId,
        id: CatalogElementId,
    ) -> Result<Option<CatalogElement>, Error> {
        match self.client.find(format!("{}/{id}", elements_path(of)), Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// The elements of a catalog that Kommo's search finds for a text, page by page: compare what comes.
    pub fn find_elements(&self, of: CatalogId, text: &str) -> Pages<CatalogElement> {
        let query = Query::default().with("query", text).with("limit", PAGE);
        Pages::new(self.client.clone(), elements_path(of), query)
    }

    /// All elements of a catalog, page by page.
    pub fn elements(&self, of: CatalogId) -> Pages<CatalogElement> {
        let query = Query::default().with("limit", PAGE);
        Pages::new(self.client.clone(), elements_path(of), query)
    }

    /// Adds elements to a catalog, up to 250, in one request. The answers come in their order.
    ///
    /// # Errors
    ///
    /// As [`Leads::create`](crate::Leads::create).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create_elements(
        &self,
        to: CatalogId,
        elements: &[NewCatalogElement],
    ) -> Result<Vec<Created<CatalogElementId>>, Error> {
        batch::create(&self.client, &elements_path(to), CatalogElement::KEY, elements).await
    }

    /// Adds elements to a catalog, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_elements_each(
        &self,
        to: CatalogId,
        elements: &[NewCatalogElement],
    ) -> Vec<ItemOutcome<Created<CatalogElementId>>> {
        batch::create_each(&self.client, &elements_path(to), CatalogElement::KEY, elements).await
    }

    /// Changes elements of a catalog, up to 250 in one request, and more in several. The answers come in the order of the
    /// patches.
    ///
    /// # Errors
    ///
    /// As [`Leads::update`](crate::Leads::update): when a later request fails, the patches of earlier ones (250 each) may
    /// have been written, whatever the error's fate.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update_elements(
        &self,
        of: CatalogId,
        patches: &[CatalogElementPatch],
    ) -> Result<Vec<Updated<CatalogElementId>>, Error> {
        let path = elements_path(of);
        batch::update(&self.client, &path, CatalogElement::KEY, patches, |patch| patch.id).await
    }

    /// Changes elements of a catalog, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in the
    /// order of the patches: as [`Leads::update_each`](crate::Leads::update_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_elements_each(
        &self,
        of: CatalogId,
        patches: &[CatalogElementPatch],
    ) -> Vec<ItemOutcome<Updated<CatalogElementId>>> {
        let path = elements_path(of);
        batch::update_each(&self.client, &path, CatalogElement::KEY, patches, |patch| patch.id)
            .await
    }
}

fn elements_path(of: CatalogId) -> String {
    format!("{PATH}/{of}/elements")
}

/// A catalog.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Catalog {
    /// Its id.
    pub id: CatalogId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Its kind: `regular`, `products`, `invoices` or `suppliers`.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub catalog_type: String,
}

impl Row for Catalog {
    const KEY: &'static str = "catalogs";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

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
    id: CatalogElementId,
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
