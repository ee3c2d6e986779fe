//! Writes that say what became of each item.

use std::{
    collections::{BTreeMap, VecDeque},
    marker::PhantomData,
};

use serde::Serialize;

use super::{Created, Updated, create, update};
use crate::{
    client::Client,
    error::{Error, ErrorKind, Fate},
    id::Id,
};

/// What Kommo recommends: larger requests tend to end in a 504 (page "Limitations").
const BATCH: usize = 50;

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
    let mut outcomes = each(&Creating { client, path, key, id: PhantomData }, items).await;
    for (index, outcome) in outcomes.iter_mut().enumerate() {
        if let ItemOutcome::Done(created) = outcome {
            created.index = index;
        }
    }
    outcomes
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

trait Write<T>: Sync {
    type Done: Send;

    /// Whether sending an item again does no harm.
    const REPEATABLE: bool;

    fn send(&self, items: &[&T]) -> impl Future<Output = Result<Vec<Self::Done>, Error>> + Send;

    /// Kommo's name of the item in a refusal by rule, which knows no `request_id`.
    fn name(&self, item: &T) -> Option<String>;
}

struct Creating<'a, I> {
    client: &'a Client,
    path: &'a str,
    key: &'static str,
    id: PhantomData<I>,
}

impl<T: Serialize + Sync, I: Id> Write<T> for Creating<'_, I> {
    type Done = Created<I>;
    const REPEATABLE: bool = false;

    async fn send(&self, items: &[&T]) -> Result<Vec<Self::Done>, Error> {
        create(self.client, self.path, self.key, items).await
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

impl<T: Serialize + Sync, I: Id> Write<T> for Updating<'_, T, I> {
    type Done = Updated<I>;
    const REPEATABLE: bool = true;

    async fn send(&self, items: &[&T]) -> Result<Vec<Self::Done>, Error> {
        update(self.client, self.path, self.key, items, |item| (self.id)(item)).await
    }

    fn name(&self, item: &T) -> Option<String> {
        Some((self.id)(item).to_string())
    }
}

/// Sends batch after batch. What a batch is refused for is taken out of it and the rest sent again, where that does no
/// harm; a failure that is not about items ends the work.
async fn each<T: Sync, W: Write<T>>(write: &W, items: &[T]) -> Vec<ItemOutcome<W::Done>> {
    let indexed: Vec<(usize, &T)> = items.iter().enumerate().collect();
    let mut queue: VecDeque<Vec<(usize, &T)>> = indexed.chunks(BATCH).map(<[_]>::to_vec).collect();
    let mut outcomes = BTreeMap::new();
    while let Some(batch) = queue.pop_front() {
        let sent: Vec<&T> = batch.iter().map(|(_, item)| *item).collect();
        let error = match write.send(&sent).await {
            Ok(done) => {
                let indexes = batch.iter().map(|(index, _)| *index);
                outcomes.extend(indexes.zip(done.into_iter().map(ItemOutcome::Done)));
                continue;
            }
            Err(error) => error,
        };
        let kind = error.kind();
        let refused = refused_items(write, &batch, kind);
        if !refused.is_empty() {
            let (bad, good): (Vec<_>, Vec<_>) =
                batch.into_iter().enumerate().partition(|(place, _)| refused.contains_key(place));
            for (place, (index, _)) in bad {
                let kind = refused.get(&place).unwrap_or(kind).clone();
                outcomes.insert(index, ItemOutcome::Refused(kind));
            }
            let good: Vec<_> = good.into_iter().map(|(_, item)| item).collect();
            if W::REPEATABLE {
                queue.extend((!good.is_empty()).then_some(good));
            } else {
                // That Kommo wrote none of them is the common reading, but nobody has it in writing.
                let unknown = |(index, _)| (index, ItemOutcome::Unknown(kind.clone()));
                outcomes.extend(good.into_iter().map(unknown));
            }
        } else if batch.len() > 1 && is_worth_halving::<T, W>(kind) {
            let half = batch.len().div_ceil(2);
            queue.extend(batch.chunks(half).map(<[_]>::to_vec));
        } else {
            let length = batch.len();
            for (index, _) in batch {
                outcomes.insert(index, outcome_of_each(&error, length));
            }
            if !(is_about_items(kind) || matches!(kind, ErrorKind::Server(504))) {
                for (index, _) in queue.drain(..).flatten() {
                    outcomes.insert(index, ItemOutcome::NotDone(kind.clone()));
                }
            }
        }
    }
    outcomes.into_values().collect()
}

/// What an error that names no item says of each of the batch.
fn outcome_of_each<D>(error: &Error, length: usize) -> ItemOutcome<D> {
    let kind = error.kind().clone();
    match error.fate() {
        Fate::Unknown => ItemOutcome::Unknown(kind),
        Fate::NotSent | Fate::Refused if !is_about_items(&kind) => ItemOutcome::NotDone(kind),
        // Only creations come here: some of them may have been done, as far as is documented.
        Fate::Refused if length > 1 => ItemOutcome::Unknown(kind),
        Fate::NotSent | Fate::Refused => ItemOutcome::Refused(kind),
    }
}

/// The items a refusal names, by their place in the batch, each with its own reasons.
fn refused_items<T, W: Write<T>>(
    write: &W,
    batch: &[(usize, &T)],
    kind: &ErrorKind,
) -> BTreeMap<usize, ErrorKind> {
    match kind {
        ErrorKind::Validation(errors) => errors
            .iter()
            .filter_map(|error| {
                let place = error.index.filter(|place| *place < batch.len())?;
                let mut error = error.clone();
                error.index = batch.get(place).map(|(index, _)| *index);
                Some((place, ErrorKind::Validation(vec![error])))
            })
            .collect(),
        ErrorKind::Rule(sentences) => batch
            .iter()
            .enumerate()
            .filter_map(|(place, (_, item))| {
                let (name, sentence) = sentences.get_key_value(&write.name(item)?)?;
                let sentences = BTreeMap::from([(name.clone(), sentence.clone())]);
                Some((place, ErrorKind::Rule(sentences)))
            })
            .collect(),
        _ => BTreeMap::new(),
    }
}

/// Whether a smaller batch may fare better.
fn is_worth_halving<T, W: Write<T>>(kind: &ErrorKind) -> bool {
    match kind {
        // Nothing was sent: finding the item that cannot be written costs nothing.
        ErrorKind::InvalidRequest => true,
        ErrorKind::Server(504) => W::REPEATABLE,
        kind => W::REPEATABLE && is_about_items(kind),
    }
}

/// Whether other items may fare better.
fn is_about_items(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Validation(_)
            | ErrorKind::Rule(_)
            | ErrorKind::Status(400 | 413 | 422)
            | ErrorKind::InvalidRequest
    )
}
