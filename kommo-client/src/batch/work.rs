//! Batch after batch, until it is known what became of each item.

use std::collections::{BTreeMap, VecDeque};

use super::each::{Done, ItemOutcome, Write};
use crate::error::{Error, ErrorKind, Fate};

/// Sends batch after batch. What a batch is refused for is taken out of it and the rest sent again, where that does no
/// harm; a failure that is not about items ends the work.
pub(super) async fn each<T: Sync, D: Done>(
    write: &impl Write<T, D>,
    items: &[T],
) -> Vec<ItemOutcome<D>> {
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
        let told = by_callers_index(kind, &batch);
        if !refused.is_empty() {
            let (bad, good): (Vec<_>, Vec<_>) =
                batch.into_iter().enumerate().partition(|(place, _)| refused.contains_key(place));
            for (place, (index, _)) in bad {
                let kind = refused.get(&place).unwrap_or(kind).clone();
                outcomes.set(index, ItemOutcome::Refused(kind));
            }
            // That Kommo wrote none of them is the common reading, but nobody has it in writing.
            let good: Vec<_> = good.into_iter().map(|(_, item)| item).collect();
            outcomes.set_unknown(&good, &told);
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

/// The same refusal, whose indexes count from the caller's first item instead of the batch's.
fn by_callers_index<T>(kind: &ErrorKind, batch: &[(usize, &T)]) -> ErrorKind {
    let mut kind = kind.clone();
    if let ErrorKind::Validation(errors) = &mut kind {
        for error in errors {
            error.index = error.index.and_then(|place| batch.get(place)).map(|(index, _)| *index);
        }
    }
    kind
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
