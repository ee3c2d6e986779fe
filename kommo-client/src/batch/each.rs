//! Writes that say what became of each item.

use serde::Serialize;

use super::{Created, MOST_ITEMS, Updated, created, numbered, patch, post, updated, work::each};
use crate::{
    client::Client,
    error::{Error, ErrorKind},
    id::Id,
    transport::Answer,
};

/// What became of one item of many.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ItemOutcome<T> {
    /// Kommo did it.
    Done(T),
    /// Kommo refused this item, or it could not be written down. Nothing was written, and sending it again as it is would
    /// not help. [`ErrorKind::Validation`] holds just this item's reasons.
    Refused(ErrorKind),
    /// Nobody can tell: look for it before sending it again.
    Unknown(ErrorKind),
    /// Nothing was written, for a reason that is not the item's own: send it again once that is over.
    NotDone(ErrorKind),
}

impl<T> ItemOutcome<T> {
    /// What Kommo made of the item; `None` when it is not done, or nobody can tell.
    #[must_use]
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(done) => Some(done),
            _ => None,
        }
    }
}

/// The outcomes of items that have no path to go to.
pub(crate) fn not_written<D>(items: usize) -> Vec<ItemOutcome<D>> {
    (0..items).map(|_| ItemOutcome::Refused(ErrorKind::InvalidRequest)).collect()
}

pub(crate) async fn create_each<T, I>(
    client: &Client,
    path: &str,
    key: &'static str,
    items: &[T],
) -> Vec<ItemOutcome<Created<I>>>
where
    T: Serialize + Sync,
    I: Id,
{
    post_each(creating(client, path, key), items).await
}

/// How items go that Kommo only gives an id.
pub(crate) fn creating<'a, I: Id>(
    client: &'a Client,
    path: &'a str,
    key: &'static str,
) -> Posting<'a, impl Reading<Created<I>>> {
    Posting::new(client, path, move |answer: &Answer, items| named(created(answer, key, items)?))
}

pub(crate) async fn post_each<T, D, R>(posting: Posting<'_, R>, items: &[T]) -> Vec<ItemOutcome<D>>
where
    T: Serialize + Sync,
    D: Done,
    R: Reading<D>,
{
    each(&posting, items).await
}

pub(crate) async fn update_each<T, I>(
    client: &Client,
    path: &str,
    key: &'static str,
    items: &[T],
    id: fn(&T) -> I,
) -> Vec<ItemOutcome<Updated<I>>>
where
    T: Serialize + Sync,
    I: Id,
{
    each(&Updating { client, path, key, id }, items).await
}

/// What is known of an item that is done.
pub(crate) trait Done: Send {
    /// Takes the position of the item in what the caller passed; of the batch it has its own.
    fn set_index(&mut self, _: usize) {}
}

impl Done for () {}

impl<I: Id> Done for Updated<I> {}

impl<I: Id> Done for Created<I> {
    fn set_index(&mut self, index: usize) {
        self.index = index;
    }
}

/// What a success says of so many items.
pub(crate) trait Reading<D>:
    Fn(&Answer, usize) -> Result<Vec<ItemOutcome<D>>, Error> + Sync
{
}

impl<D, R: Fn(&Answer, usize) -> Result<Vec<ItemOutcome<D>>, Error> + Sync> Reading<D> for R {}

/// Items that go in batches.
pub(super) trait Write<T, D>: Sync {
    /// How many go in one request.
    fn batch_size(&self) -> usize;

    /// Whether sending an item again does no harm.
    fn is_repeatable(&self) -> bool;

    /// What a success says of each item.
    fn send(&self, items: &[&T])
    -> impl Future<Output = Result<Vec<ItemOutcome<D>>, Error>> + Send;

    /// Kommo's name of the item in a refusal by rule, which knows no `request_id`.
    fn name(&self, item: &T) -> Option<String>;
}

/// Items that go by POST; `R` makes of a success what it says of each.
pub(crate) struct Posting<'a, R> {
    client: &'a Client,
    path: &'a str,
    read: R,
    most: usize,
    is_numbered: bool,
    is_repeatable: bool,
}

impl<'a, R> Posting<'a, R> {
    pub(crate) fn new(client: &'a Client, path: &'a str, read: R) -> Self {
        Self { client, path, read, most: MOST_ITEMS, is_numbered: true, is_repeatable: false }
    }

    /// Not more in one request, whatever the client's setting.
    pub(crate) fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// The items have no `request_id`; refusals name them by their position all the same.
    pub(crate) fn unnumbered(self) -> Self {
        Self { is_numbered: false, ..self }
    }

    /// Sending an item twice makes one.
    pub(crate) fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
    }
}

impl<T, D, R> Write<T, D> for Posting<'_, R>
where
    T: Serialize + Sync,
    D: Done,
    R: Reading<D>,
{
    fn batch_size(&self) -> usize {
        self.client.batch_size().min(self.most)
    }

    fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    async fn send(&self, items: &[&T]) -> Result<Vec<ItemOutcome<D>>, Error> {
        let Self { client, path, .. } = self;
        let answer = if self.is_numbered {
            post(client, path, &numbered(items), items.len()).await?
        } else {
            post(client, path, items, items.len()).await?
        };
        (self.read)(&answer, items.len())
    }

    fn name(&self, _: &T) -> Option<String> {
        None
    }
}

struct Updating<'a, T, I> {
    client: &'a Client,
    path: &'a str,
    key: &'static str,
    id: fn(&T) -> I,
}

impl<T: Serialize + Sync, I: Id> Write<T, Updated<I>> for Updating<'_, T, I> {
    fn batch_size(&self) -> usize {
        self.client.batch_size()
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    async fn send(&self, items: &[&T]) -> Result<Vec<ItemOutcome<Updated<I>>>, Error> {
        let answer = patch(self.client, self.path, items, 0).await?;
        named(updated(&answer, self.key, items.iter().map(|item| (self.id)(item)))?)
    }

    fn name(&self, item: &T) -> Option<String> {
        Some((self.id)(item).to_string())
    }
}

/// What a success does not name may have been done.
pub(crate) fn named<D>(items: Vec<Option<D>>) -> Result<Vec<ItemOutcome<D>>, Error> {
    let unknown = || ItemOutcome::Unknown(ErrorKind::Decode);
    Ok(items.into_iter().map(|item| item.map_or_else(unknown, ItemOutcome::Done)).collect())
}
