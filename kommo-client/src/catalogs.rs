//! Catalogs (lists, products among them) and their elements.

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    error::Error,
    id::{CatalogElementId, CatalogId},
    page::{self, PAGE, Pages, Row},
    query::Query,
};

mod catalog;
mod element;

pub use catalog::{Catalog, CatalogPatch, NewCatalog};
pub use element::{CatalogElement, CatalogElementPatch, NewCatalogElement};

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
