//! Tags.

use serde::Serialize;

use crate::{
    batch::{self, Created, ItemOutcome},
    client::Client,
    entity::EntityType,
    error::Error,
    id::TagId,
    leads::Tag,
    page::{self, PAGE, Row, RowKey},
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

    /// Makes tags of these names; for names that exist Kommo answers with the tags that have them.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. Making a tag twice is harmless.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, names: &[&str]) -> Result<Vec<Created<TagId>>, Error> {
        batch::create(&self.client, &self.path()?, Tag::KEY, &named(names)).await
    }

    /// The same, in batches of [`batch_size`](crate::ClientBuilder::batch_size): says what became of each name, in their
    /// order. Names that Kommo refuses are taken out and the others sent again, since making a tag twice is harmless.
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, names: &[&str]) -> Vec<ItemOutcome<Created<TagId>>> {
        let Ok(path) = self.path() else { return batch::not_written(names.len()) };
        let creating = batch::creating(&self.client, &path, Tag::KEY).repeatable();
        batch::post_each(creating, &named(names)).await
    }

    fn path(&self) -> Result<String, Error> {
        path::of(&[self.of.as_str(), "tags"])
    }
}

#[derive(Serialize)]
struct NewTag<'a> {
    name: &'a str,
}

fn named<'a>(names: &[&'a str]) -> Vec<NewTag<'a>> {
    names.iter().map(|name| NewTag { name }).collect()
}

impl Row for Tag {
    const KEY: &'static str = "tags";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}
