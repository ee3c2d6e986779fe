//! Lists that come in pages.

use std::{collections::BTreeSet, error::Error as StdError, fmt};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    client::Client,
    error::{Error, JsonFault},
    query::Query,
    transport::Request,
};

/// Where reading page by page gives up: 90 days of events of a large account are less.
const MOST_PAGES: usize = 100_000;

/// What reads one item: its raw JSON, its value or what is wrong with it.
pub(super) type Read<T> = fn(&Client, &RawValue) -> Result<T, Box<dyn StdError + Send + Sync>>;

/// Items that are read as what they are in webhooks.
pub(super) fn entity<T: DeserializeOwned>(
    _: &Client,
    raw: &RawValue,
) -> Result<T, Box<dyn StdError + Send + Sync>> {
    // serde would take an array for the fields in their order.
    if !raw.get().starts_with('{') {
        return Err("not an object".into());
    }
    serde_json::from_str(raw.get()).map_err(|error| JsonFault::from(error).into())
}

/// A list that is read page by page, as fast as its reader wants it.
///
/// It ends where Paddle says `has_more: false` (its `next` is always there), never leaves the host and never goes round
/// in circles. An item that cannot be read does not take its page along: it is an [`Unread`].
#[must_use]
pub struct Pages<T> {
    client: Client,
    next: Option<Request>,
    left: usize,
    visited: BTreeSet<String>,
    read: Read<T>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    #[serde(default)]
    next: Option<String>,
    has_more: bool,
}

impl<T> Pages<T> {
    pub(super) fn new(client: Client, path: &str, query: Query, read: Read<T>) -> Self {
        let next = Some(Request::get(path.to_owned(), query));
        Self { client, next, left: MOST_PAGES, visited: BTreeSet::new(), read }
    }

    /// The items of the next page; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Pagination`](super::ErrorKind::Pagination) when pages loop, lead elsewhere or do not end: what was
    /// read so far is not the whole list. Otherwise as every call; the same page may be asked for again.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future the same page comes again.
    pub async fn next(&mut self) -> Result<Option<Vec<Result<T, Unread>>>, Error> {
        let Some(request) = &self.next else { return Ok(None) };
        if self.left == 0 {
            return Err(Error::pagination("the list has more pages than are read"));
        }
        let answer = self.client.send(request).await?;
        let page: Page = answer.decode()?;
        let next = match page.meta.pagination {
            Some(Pagination { has_more: true, next }) => {
                let link = next.ok_or_else(|| Error::pagination("more is said, but not where"))?;
                Some(follow(&self.client, request, &link)?)
            }
            _ => None,
        };
        if next.is_some() && page.data.is_empty() {
            return Err(Error::pagination("an empty page has a next one"));
        }
        self.visited.insert(request.query.as_str().to_owned());
        if next.as_ref().is_some_and(|next| self.visited.contains(next.query.as_str())) {
            return Err(Error::pagination("a page links to one that was read before"));
        }
        let items = page.data.into_iter().map(|raw| self.item(raw)).collect();
        self.left = self.left.saturating_sub(1);
        self.next = next;
        Ok(Some(items))
    }

    /// All items of all pages.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    ///
    /// What was read is lost.
    pub async fn all(mut self) -> Result<Vec<Result<T, Unread>>, Error>
    where
        T: Send,
    {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(items)
    }

    fn item(&self, raw: Box<RawValue>) -> Result<T, Unread> {
        (self.read)(&self.client, &raw).map_err(|source| Unread { raw, source })
    }
}

/// The next page: a link that stays where it is.
fn follow(client: &Client, request: &Request, link: &str) -> Result<Request, Error> {
    let base = client.base();
    let link = base.join(link).map_err(|_| Error::pagination("the next page is no link"))?;
    let stays = link.scheme() == base.scheme()
        && link.host() == base.host()
        && link.port_or_known_default() == base.port_or_known_default()
        && link.path() == request.path;
    if !stays {
        return Err(Error::pagination("the next page is elsewhere"));
    }
    let query = Query::from_link(link.query().unwrap_or_default());
    Ok(Request::get(request.path.clone(), query))
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("ended", &self.next.is_none()).finish_non_exhaustive()
    }
}

/// An item of a list that cannot be read, as it came.
#[derive(thiserror::Error)]
#[error("an item of Paddle's answer cannot be read")]
pub struct Unread {
    raw: Box<RawValue>,
    source: Box<dyn StdError + Send + Sync>,
}

impl Unread {
    /// Its JSON, byte for byte. It may hold what is personal.
    #[must_use]
    pub fn raw(&self) -> &str {
        self.raw.get()
    }

    /// Its `id`, or its `event_id`, as far as it has one.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        let item: serde_json::Value = serde_json::from_str(self.raw.get()).ok()?;
        let id = |key| item.get(key)?.as_str();
        id("event_id").or_else(|| id("id")).map(str::to_owned)
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("source", &self.source).finish_non_exhaustive()
    }
}
