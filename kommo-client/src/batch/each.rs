//! Writes that say what became of each item.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::{Created, MOST_ITEMS, Updated, created, numbered, patch, post, updated};
use crate::{
    client::Client,
    error::{Error, ErrorKind, Fate},
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

trait Write<T, D>: Sync {
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

/// Sends batch after batch. What a batch is refused for is taken out of it and the rest sent again, where that does no
/// harm; a failure that is not about items ends the work.
async fn each<T: Sync, D: Done>(write: &impl Write<T, D>, items: &[T]) -> Vec<ItemOutcome<D>> {
    let indexed: Vec<(usize, &T)> = items.iter().enumerate().collect();
    let mut queue: VecDeque<Vec<(usize, &T)>> =
        indexed.chunks(write.batch_size()).map(<[_]>::to_vec).collect();
    let mut outcomes = Outcomes(BTreeMap::new());
    while let Some(batch) = queue.pop_front() {
        let sent: Vec<&T> = batch.iter().map(|(_, item)| *item).collect();
        let error = match write.send(&sent).await {
            Ok(answered) => {
                for ((index, _), outcome) in batch.iter().zip(answered) {
                    outcomes.set(*index, outcome);
                }
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
                outcomes.set(index, ItemOutcome::Refused(kind));
            }
            // That Kommo wrote none of them is the common reading, but nobody has it in writing.
            let good: Vec<_> = good.into_iter().map(|(_, item)| item).collect();
            outcomes.set_unknown(&good, kind);
            if write.is_repeatable() && !good.is_empty() {
                queue.push_back(good);
            }
        } else if batch.len() > 1 && is_worth_halving(write, kind) {
            if error.fate() != Fate::NotSent {
                outcomes.set_unknown(&batch, kind);
            }
            let half = batch.len().div_ceil(2);
            queue.extend(batch.chunks(half).map(<[_]>::to_vec));
        } else {
            let length = batch.len();
            for (index, _) in batch {
                outcomes.set(index, outcome_of_each(&error, length));
            }
            if !(is_about_items(kind) || matches!(kind, ErrorKind::Server(504))) {
                for (index, _) in queue.drain(..).flatten() {
                    outcomes.set(index, ItemOutcome::NotDone(kind.clone()));
                }
            }
        }
    }
    outcomes.0.into_values().collect()
}

/// By the caller's index.
struct Outcomes<D>(BTreeMap<usize, ItemOutcome<D>>);

impl<D: Done> Outcomes<D> {
    fn set(&mut self, index: usize, mut outcome: ItemOutcome<D>) {
        if matches!(outcome, ItemOutcome::NotDone(_)) && self.0.contains_key(&index) {
            // It was sent before, and what became of that is not known.
            return;
        }
        match &mut outcome {
            ItemOutcome::Done(done) => done.set_index(index),
            ItemOutcome::Refused(ErrorKind::Validation(errors)) => {
                errors.iter_mut().for_each(|error| error.index = Some(index));
            }
            _ => {}
        }
        self.0.insert(index, outcome);
    }

    /// Until more is known of them.
    fn set_unknown<T>(&mut self, batch: &[(usize, &T)], kind: &ErrorKind) {
        for (index, _) in batch {
            self.set(*index, ItemOutcome::Unknown(kind.clone()));
        }
    }
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
fn refused_items<T, D>(
    write: &impl Write<T, D>,
    batch: &[(usize, &T)],
    kind: &ErrorKind,
) -> BTreeMap<usize, ErrorKind> {
    match kind {
        ErrorKind::Validation(errors) => errors
            .iter()
            .filter_map(|error| {
                let place = error.index.filter(|place| *place < batch.len())?;
                Some((place, ErrorKind::Validation(vec![error.clone()])))
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
fn is_worth_halving<T, D>(write: &impl Write<T, D>, kind: &ErrorKind) -> bool {
    match kind {
        // Nothing was sent: finding the item that cannot be written costs nothing.
        ErrorKind::InvalidRequest => true,
        ErrorKind::Server(504) => write.is_repeatable(),
        kind => write.is_repeatable() && is_about_items(kind),
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
