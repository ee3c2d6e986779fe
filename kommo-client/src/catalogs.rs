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

    /// Makes catalogs in one request. An account has ten at most.
    ///
    /// # Errors
    ///
    /// As [`Leads::create`](crate::Leads::create).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, catalogs: &[NewCatalog]) -> Result<Vec<Created<CatalogId>>, Error> {
        batch::create(&self.client, PATH, Catalog::KEY, catalogs).await
    }

    /// Makes catalogs, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in
    /// their order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(
        &self,
        catalogs: &[NewCatalog],
    ) -> Vec<ItemOutcome<Created<CatalogId>>> {
        batch::create_each(&self.client, PATH, Catalog::KEY, catalogs).await
    }

    /// Changes catalogs. The answers come in the order of the patches.
    ///
    /// # Errors
    ///
    /// As [`Leads::update`](crate::Leads::update).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[CatalogPatch]) -> Result<Vec<Updated<CatalogId>>, Error> {
        batch::update(&self.client, PATH, Catalog::KEY, patches, |patch| patch.id).await
    }

    /// Changes catalogs, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in
    /// the order of the patches: as [`Leads::update_each`](crate::Leads::update_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_each(
        &self,
        patches: &[CatalogPatch],
    ) -> Vec<ItemOutcome<Updated<CatalogId>>> {
        batch::update_each(&self.client, PATH, Catalog::KEY, patches, |patch| patch.id).await
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
        self.update(&[CatalogPatch::new(id).name(name)]).await.map(drop)
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

    /// The elements of a catalog with these ids, in the order asked for, each once; those that do not exist are left out. One
    /// request for 250 elements.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn elements_by_ids(
        &self,
        of: CatalogId,
        ids: &[CatalogElementId],
    ) -> Result<Vec<CatalogElement>, Error> {
        page::by_ids(&self.client, &elements_path(of), None, ids, |own: &CatalogElement| own.id)
            .await
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
    /// Its place.
    #[serde(default, deserialize_with = "lenient")]
    pub sort: Option<i64>,
    /// Whether people may add elements from the card of an entity.
    #[serde(default, deserialize_with = "lenient")]
    pub can_add_elements: Option<bool>,
    /// Whether it has a tab in the cards of entities.
    #[serde(default, deserialize_with = "lenient")]
    pub can_show_in_cards: Option<bool>,
    /// Whether an element may be linked with several entities.
    #[serde(default, deserialize_with = "lenient")]
    pub can_link_multiple: Option<bool>,
    /// Whether it can be deleted; those of the system cannot.
    #[serde(default, deserialize_with = "lenient")]
    pub can_be_deleted: Option<bool>,
}

impl Row for Catalog {
    const KEY: &'static str = "catalogs";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

/// What creations and changes of catalogs share.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_add_elements: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_show_in_cards: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_link_multiple: Option<bool>,
}

macro_rules! settings_setters {
    () => {
        /// Sets the place.
        pub fn sort(mut self, sort: i64) -> Self {
            self.settings.sort = Some(sort);
            self
        }

        /// Whether people may add elements from the card of an entity.
        pub fn can_add_elements(mut self, can: bool) -> Self {
            self.settings.can_add_elements = Some(can);
            self
        }

        /// Whether it has a tab in the cards of entities.
        pub fn can_show_in_cards(mut self, can: bool) -> Self {
            self.settings.can_show_in_cards = Some(can);
            self
        }

        /// Whether an element may be linked with several entities.
        pub fn can_link_multiple(mut self, can: bool) -> Self {
            self.settings.can_link_multiple = Some(can);
            self
        }
    };
}

/// A catalog to make.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewCatalog {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    catalog_type: Option<String>,
    #[serde(flatten)]
    settings: Settings,
}

impl NewCatalog {
    /// A catalog of this name, of the kind `regular`.
    pub fn new(name: impl Into<String>) -> Self {
        let settings = Settings { name: Some(name.into()), ..Settings::default() };
        Self { catalog_type: None, settings }
    }

    /// Sets the kind: `regular`, `products`, `invoices` or `suppliers`.
    pub fn catalog_type(mut self, catalog_type: impl Into<String>) -> Self {
        self.catalog_type = Some(catalog_type.into());
        self
    }

    settings_setters!();
}

/// A change of one catalog. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct CatalogPatch {
    id: CatalogId,
    #[serde(flatten)]
    settings: Settings,
}

impl CatalogPatch {
    /// A change of the catalog `id` that changes nothing yet.
    pub fn new(id: CatalogId) -> Self {
        Self { id, settings: Settings::default() }
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    settings_setters!();
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
