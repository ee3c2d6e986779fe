//! Lists that come in pages.

use std::collections::BTreeSet;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    client::Client,
    error::Error,
    query::Query,
    transport::{Answer, Method, Request},
    wire::JsonFault,
};

/// The most Kommo gives in one page, and takes in one batch.
pub(crate) const PAGE: usize = 250;

/// Where a list that is read whole gives up: 25,000 rows.
const MOST_PAGES: usize = 100;

/// What stands in a list under `_embedded`.
pub(crate) trait Row: DeserializeOwned + Send {
    /// The name of the list.
    const KEY: &'static str;

    fn row_id(&self) -> u64;
}

/// Reads all pages. While a list is read its rows may move between pages, so rows that came before are left out.
pub(crate) async fn all<T: Row>(
    client: &Client,
    path: String,
    query: Query,
) -> Result<Vec<T>, Error> {
    let mut rows = Vec::new();
    let mut known = BTreeSet::new();
    let mut visited = BTreeSet::new();
    let mut request = Request::new(Method::Get, path).query(query);
    for _ in 0..MOST_PAGES {
        if !visited.insert(request.query.as_str().to_owned()) {
            return Err(Error::pagination("a page links to one that was read before"));
        }
        let answer = client.send(&request).await?;
        let Some(page) = Page::<T>::read(&answer)? else { return Ok(rows) };
        let empty = page.rows.is_empty();
        let before = rows.len();
        rows.extend(page.rows.into_iter().filter(|row| known.insert(row.row_id())));
        let Some(next) = page.next else { return Ok(rows) };
        if !empty && rows.len() == before {
            return Err(Error::pagination("a page repeats rows that were read before"));
        }
        request = follow(client, &request, &next)?;
    }
    Err(Error::pagination("the list has more pages than are read"))
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
            embedded: std::collections::BTreeMap<String, &'a RawValue>,
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
pub(crate) fn follow(client: &Client, current: &Request, next: &str) -> Result<Request, Error> {
    let link =
        client.resolve(next).ok_or_else(|| Error::pagination("a page links to another host"))?;
    if link.path().trim_end_matches('/') != current.path.trim_end_matches('/') {
        return Err(Error::pagination("a page links to another list"));
    }
    Ok(Request::new(Method::Get, current.path.clone())
        .query(Query::from_link(link.query().unwrap_or_default())))
}
