//! Tags.

use serde::Serialize;

use crate::{
    batch::{self, Created, ItemOutcome},
    client::Client,
    entity::EntityType,
    error::Error,
    id::TagId,
    leads::Tag,
    page::{self, PAGE, Pages, Row, RowKey},
    path,
    query::Query,
};

/// The tags of one kind of entity; from [`Client::tags`]. Each kind has its own.
#[derive(Clone, Debug)]
pub struct Tags {
    client: Client,
    of: EntityType,
}

impl Tags {
    pub(crate) fn new(client: Client, of: EntityType) -> Self {
        Self { client, of }
    }

    /// All tags.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self) -> Result<Vec<Tag>, Error> {
        page::all(&self.client, self.path()?, Query::default().with("limit", PAGE)).await
    }

    /// The tags that pass the filter, page by page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when the kind is a word that no path can hold.
    pub fn list_pages(&self, filter: &TagFilter) -> Result<Pages<Tag>, Error> {
        Ok(Pages::new(self.client.clone(), self.path()?, filter.to_query()))
    }

    /// Makes tags; for names that exist Kommo answers with the tags that have them.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. Making a tag twice is harmless.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, tags: &[NewTag]) -> Result<Vec<Created<TagId>>, Error> {
        batch::create(&self.client, &self.path()?, Tag::KEY, tags).await
    }

    /// The same, in batches of [`batch_size`](crate::ClientBuilder::batch_size): says what became of each tag, in their
    /// order. Those that Kommo refuses are taken out and the others sent again, since making a tag twice is harmless.
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, tags: &[NewTag]) -> Vec<ItemOutcome<Created<TagId>>> {
        let Ok(path) = self.path() else { return batch::not_written(tags.len()) };
        let creating = batch::creating(&self.client, &path, Tag::KEY).repeatable();
        batch::post_each(creating, tags).await
    }

    fn path(&self) -> Result<String, Error> {
        path::of(&[self.of.as_str(), "tags"])
    }
}

/// A tag to make.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewTag {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
}

impl NewTag {
    /// A tag of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), color: None }
    }

    /// Sets its colour, in hex without a `#`, out of Kommo's palette. Only tags of leads have one.
    pub fn color(mut self, color: impl Into<String>) -> Self {
        self.color = Some(color.into());
        self
    }
}

/// Which tags to list.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TagFilter {
    ids: Vec<TagId>,
    names: Vec<String>,
    query: Option<String>,
}

impl TagFilter {
    /// All tags.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tag with this id; several calls add up.
    pub fn id(mut self, id: TagId) -> Self {
        self.ids.push(id);
        self
    }

    /// The tag of exactly this name; several calls add up.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Tags in whose names this text occurs, by Kommo's own search.
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.query = Some(text.into());
        self
    }

    fn to_query(&self) -> Query {
        let mut query = Query::default();
        for id in &self.ids {
            query.push("filter[id][]", id);
        }
        for name in &self.names {
            query.push("filter[name][]", name);
        }
        if let Some(text) = &self.query {
            query.push("query", text);
        }
        query.with("limit", PAGE)
    }
}

impl Row for Tag {
    const KEY: &'static str = "tags";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}
