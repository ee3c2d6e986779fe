//! Lists that come in pages.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use url::Url;

use crate::{
    client::Client,
    error::Error,
    host::same_host,
    id::Id,
    query::Query,
    transport::{Answer, Method, Request},
    wire::JsonFault,
};

/// The most Kommo gives in one page, and takes in one batch.
pub(crate) const PAGE: usize = 250;

/// Where a list that is read whole gives up: 25,000 rows.
pub(crate) const MOST_PAGES: usize = 100;

/// Where reading page by page gives up: 2,500,000 rows.
const MOST_STREAMED: usize = 10_000;

/// What stands in a list under `_embedded`.
pub(crate) trait Row: DeserializeOwned + Send {
    /// The name of the list.
    const KEY: &'static str;

    /// What tells it from the other rows of its list.
    fn row_key(&self) -> RowKey;
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum RowKey {
    Number(u64),
    Text(String),
}

/// Reads all pages.
pub(crate) async fn all<T: Row>(
    client: &Client,
    path: String,
    query: Query,
) -> Result<Vec<T>, Error> {
    let mut pages = Pages::new(client.clone(), path, query);
    pages.left = MOST_PAGES;
    let mut rows = Vec::new();
    while let Some(page) = pages.next().await? {
        rows.extend(page);
    }
    Ok(rows)
}

/// The rows with these ids, in the order asked for, each once; those that do not exist are left out. One request for 250
/// of them. An account without the API filter answers with rows nobody asked for: they are dropped, and those that were
/// asked for but not given are asked for one by one.
pub(crate) async fn by_ids<T: Row, I: Id>(
    client: &Client,
    path: &str,
    with: Option<&str>,
    ids: &[I],
    id_of: fn(&T) -> I,
) -> Result<Vec<T>, Error> {
    let ask = |query: Query| match with {
        Some(with) => query.with("with", with),
        None => query,
    };
    let wanted: BTreeSet<I> = ids.iter().copied().collect();
    let wanted: Vec<I> = wanted.into_iter().collect();
    let mut found = BTreeMap::new();
    for chunk in wanted.chunks(PAGE) {
        let query = chunk.iter().fold(Query::default(), |query, id| query.with("filter[id][]", id));
        let query = ask(query).with("limit", PAGE);
        let request = Request::new(Method::Get, path.to_owned()).query(query);
        let page = Page::<T>::read(&client.send(&request).await?)?;
        let rows = page.map(|page| page.rows).unwrap_or_default();
        let (asked, others): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| chunk.contains(&id_of(row)));
        found.extend(asked.into_iter().map(|row| (id_of(&row), row)));
        if others.is_empty() {
            continue;
        }
        for id in chunk {
            if !found.contains_key(id)
                && let Some(row) =
                    client.find(format!("{path}/{id}"), ask(Query::default())).await?
            {
                found.insert(*id, row);
            }
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// A list that is read page by page, as fast as its reader wants it.
///
/// It never leaves the account's host and never goes round in circles, whatever the links of Kommo's answers say. While
/// a list is read, its rows may move from one page to the next: each is given once.
#[must_use]
pub struct Pages<T> {
    client: Client,
    next: Option<Request>,
    left: usize,
    visited: BTreeSet<String>,
    /// The rows of the last page and of the one before; rows do not move further while one page is read.
    known: [BTreeSet<RowKey>; 2],
    // Functions instead of a bound, which would be a private trait in a public place.
    read: fn(&Answer) -> Result<Option<Page<T>>, Error>,
    row_key: fn(&T) -> RowKey,
}

impl<T> Pages<T> {
    pub(crate) fn new(client: Client, path: String, query: Query) -> Self
    where
        T: Row,
    {
        Self {
            client,
            next: Some(Request::new(Method::Get, path).query(query)),
            left: MOST_STREAMED,
            visited: BTreeSet::new(),
            known: [BTreeSet::new(), BTreeSet::new()],
            read: Page::read,
            row_key: T::row_key,
        }
    }
}

impl<T> Pages<T> {
    /// The list is at this host instead of the account's. It was checked before it came here.
    pub(crate) fn at(mut self, host: Url) -> Self {
        self.next = self.next.map(|request| request.host(host));
        self
    }
}

impl<T: Send> Pages<T> {
    /// The rows of the next page; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Pagination`](crate::ErrorKind::Pagination) when pages loop, lead elsewhere or do not end: what was
    /// read so far is not the whole list. Otherwise as every call; the same page may be asked for again.
    ///
    /// # Cancel safety
    ///
    /// After a dropped future the same page comes again.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        let Some(request) = &self.next else { return Ok(None) };
        if self.left == 0 {
            return Err(Error::pagination("the list has more pages than are read"));
        }
        let answer = self.client.send(request).await?;
        let Some(page) = (self.read)(&answer)? else {
            self.next = None;
            return Ok(None);
        };
        self.left = self.left.saturating_sub(1);
        let next = page.next.map(|link| follow(&self.client, request, &link)).transpose()?;
        self.visited.insert(request.query.as_str().to_owned());
        if next.as_ref().is_some_and(|next| self.visited.contains(next.query.as_str())) {
            return Err(Error::pagination("a page links to one that was read before"));
        }
        let keys: BTreeSet<RowKey> = page.rows.iter().map(self.row_key).collect();
        let mut rows = page.rows;
        let came = rows.len();
        let mut new = BTreeSet::new();
        rows.retain(|row| {
            let key = (self.row_key)(row);
            !self.known.iter().any(|known| known.contains(&key)) && new.insert(key)
        });
        if next.is_some() && came > 0 && rows.is_empty() {
            return Err(Error::pagination("a page repeats rows that were read before"));
        }
        self.known.rotate_left(1);
        if let Some(oldest) = self.known.last_mut() {
            *oldest = keys;
        }
        self.next = next;
        Ok(Some(rows))
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pages").field("left", &self.left).finish_non_exhaustive()
    }
}

/// One page of a list.
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: Option<String>,
}

impl<T: Row> Page<T> {
    /// `None` for 204: there is nothing (more).
    pub(crate) fn read(answer: &Answer) -> Result<Option<Self>, Error> {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(default, rename = "_links")]
            links: Option<Links>,
            #[serde(borrow, rename = "_embedded")]
            embedded: BTreeMap<String, &'a RawValue>,
        }
        #[derive(Default, Deserialize)]
        struct Links {
            #[serde(default)]
            next: Option<Link>,
        }
        #[derive(Deserialize)]
        struct Link {
            href: String,
        }
        if answer.status == 204 {
            return Ok(None);
        }
        let envelope: Envelope<'_> = serde_json::from_slice(&answer.body)
            .map_err(|error| answer.undecodable(JsonFault::from(error)))?;
        let list = envelope
            .embedded
            .get(T::KEY)
            .ok_or_else(|| answer.undecodable("the answer has no list of that name"))?;
        let rows = serde_json::from_str(list.get())
            .map_err(|error| answer.undecodable(JsonFault::from(error)))?;
        let next = envelope.links.unwrap_or_default().next.map(|link| link.href);
        Ok(Some(Self { rows, next }))
    }
}

/// The request for the next page. Only the query of the link is taken: the path stays, and so does the host, so that a
/// link cannot send the token anywhere.
fn follow(client: &Client, current: &Request, next: &str) -> Result<Request, Error> {
    let link = match &current.host {
        Some(host) => same_host(host, next),
        None => client.resolve(next),
    };
    let link = link.ok_or_else(|| Error::pagination("a page links to another host"))?;
    if link.path().trim_end_matches('/') != current.path.trim_end_matches('/') {
        return Err(Error::pagination("a page links to another list"));
    }
    let request = Request::new(Method::Get, current.path.clone())
        .query(Query::from_link(link.query().unwrap_or_default()));
    Ok(match &current.host {
        Some(host) => request.host(host.clone()),
        None => request,
    })
}
