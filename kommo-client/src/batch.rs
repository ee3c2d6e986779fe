//! Writes of many items in one request, and the answers mapped back to them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use time::OffsetDateTime;

use crate::{
    client::Client,
    error::Error,
    id::Id,
    transport::{Answer, Method, Request},
    wire::{JsonFault, timestamp},
};

mod each;
mod work;

pub use each::ItemOutcome;
pub(crate) use each::{
    Done, Posting, create_each, creating, named, not_written, post_each, update_each,
};

/// The most Kommo takes in one request (its page "Limitations"; it recommends 50).
pub(crate) const MOST_ITEMS: usize = 250;

/// What Kommo made of one item of a creation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Created<I> {
    /// The id of what was created.
    pub id: I,
    /// The position of the item in what the caller passed.
    pub index: usize,
}

/// What Kommo made of one item of an update.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Updated<I> {
    /// The id of what was updated.
    pub id: I,
    /// When Kommo says it was.
    pub updated_at: Option<OffsetDateTime>,
}

/// Creates all items in one request. The answers come in the order of the items.
pub(crate) async fn create<T, I>(
    client: &Client,
    path: &str,
    key: &'static str,
    items: &[T],
) -> Result<Vec<Created<I>>, Error>
where
    T: Serialize + Sync,
    I: Id,
{
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let answer = post(client, path, &numbered(items), items.len()).await?;
    whole(&answer, created(&answer, key, items.len())?)
}

/// Updates all items, 250 at a time. The answers come in the order of the items.
pub(crate) async fn update<T, I>(
    client: &Client,
    path: &str,
    key: &'static str,
    items: &[T],
    id: impl Fn(&T) -> I + Send,
) -> Result<Vec<Updated<I>>, Error>
where
    T: Serialize + Sync,
    I: Id,
{
    let mut done = Vec::with_capacity(items.len());
    for chunk in items.chunks(MOST_ITEMS) {
        let answer = patch(client, path, chunk, done.len()).await?;
        done.extend(whole(&answer, updated(&answer, key, chunk.iter().map(&id))?)?);
    }
    Ok(done)
}

/// Sends what creates so many items.
pub(crate) async fn post<B: Serialize + Sync + ?Sized>(
    client: &Client,
    path: &str,
    body: &B,
    items: usize,
) -> Result<Answer, Error> {
    if items > MOST_ITEMS {
        // Splitting would leave the caller with one error for requests of different fates.
        return Err(Error::invalid_request("Kommo takes at most 250 items in one request"));
    }
    let request = Request::new(Method::Post, path.to_owned()).json(body)?;
    client.send(&request).await.map_err(|error| error.in_batch(0, items))
}

async fn patch<T: Serialize + Sync>(
    client: &Client,
    path: &str,
    items: &[T],
    offset: usize,
) -> Result<Answer, Error> {
    let request = Request::new(Method::Patch, path.to_owned()).json(&numbered(items))?;
    client.send(&request).await.map_err(|error| error.in_batch(offset, items.len()))
}

/// All of the items, or the error that says that not all of them are named.
pub(crate) fn whole<D>(answer: &Answer, items: Vec<Option<D>>) -> Result<Vec<D>, Error> {
    items
        .into_iter()
        .collect::<Option<_>>()
        .ok_or_else(|| answer.undecodable("the answer does not name every item once"))
}

/// What a success says of created items: `None` for one that it does not name, or more than once.
fn created<I: Id>(
    answer: &Answer,
    key: &'static str,
    items: usize,
) -> Result<Vec<Option<Created<I>>>, Error> {
    let thin = thin::<I>(answer, key)?;
    let created = |index| {
        let mut matching = thin.iter().filter(|item| item.names(index));
        match (matching.next(), matching.next()) {
            (Some(item), None) => Some(Created { id: item.id, index }),
            // Some answers repeat no `request_id` (Kommo's sample of new custom fields): one is still that one.
            (None, None) if items == 1 => match thin.as_slice() {
                [only] if only.request_id.is_null() => Some(Created { id: only.id, index }),
                _ => None,
            },
            _ => None,
        }
    };
    Ok((0..items).map(created).collect())
}

/// What a success says of updated items: `None` for one that it does not name. The ids are known, and some answers to
/// updates repeat no `request_id`: so they are what is matched.
fn updated<I: Id>(
    answer: &Answer,
    key: &'static str,
    ids: impl Iterator<Item = I>,
) -> Result<Vec<Option<Updated<I>>>, Error> {
    let thin = thin::<I>(answer, key)?;
    let updated = |id| {
        let item = thin.iter().find(|item| item.id == id)?;
        Some(Updated { id, updated_at: item.updated_at })
    };
    Ok(ids.map(updated).collect())
}

#[derive(Serialize)]
pub(crate) struct Numbered<'a, T> {
    #[serde(flatten)]
    item: &'a T,
    /// Kommo repeats it in answers and refusals; it does not keep it.
    request_id: String,
}

pub(crate) fn numbered<T: Serialize>(items: &[T]) -> Vec<Numbered<'_, T>> {
    items
        .iter()
        .enumerate()
        .map(|(index, item)| Numbered { item, request_id: index.to_string() })
        .collect()
}

/// What answers to writes say of an item.
#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Id"))]
struct Thin<I> {
    id: I,
    #[serde(default)]
    request_id: Value,
    #[serde(default, deserialize_with = "timestamp")]
    updated_at: Option<OffsetDateTime>,
}

impl<I> Thin<I> {
    fn names(&self, index: usize) -> bool {
        match &self.request_id {
            Value::String(text) => text.parse() == Ok(index),
            Value::Number(number) => {
                number.as_u64().and_then(|number| usize::try_from(number).ok()) == Some(index)
            }
            _ => false,
        }
    }
}

fn thin<I: Id>(answer: &Answer, key: &'static str) -> Result<Vec<Thin<I>>, Error> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow, rename = "_embedded")]
        embedded: std::collections::BTreeMap<String, &'a RawValue>,
    }
    let envelope: Envelope<'_> = serde_json::from_slice(&answer.body)
        .map_err(|error| answer.undecodable(JsonFault::from(error)))?;
    let list = envelope
        .embedded
        .get(key)
        .ok_or_else(|| answer.undecodable("the answer has no list of that name"))?;
    serde_json::from_str(list.get()).map_err(|error| answer.undecodable(JsonFault::from(error)))
}
