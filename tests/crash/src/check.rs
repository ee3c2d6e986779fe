//! What must hold at the end, read from the fake Kommo's own ledger.

use std::{collections::BTreeMap, fmt};

use kommo_client::fake::{FakeKommo, LedgerKind};
use serde_json::Value;

use crate::story::{LEAD, STAGE, Story};

/// The notes and tasks of a story by their markers, and how often each is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected(BTreeMap<String, u32>);

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub(crate) enum Violation {
    /// A note or task is not there.
    Lost(String),
    /// A note or task is there more than once, or the deal was moved more than once.
    Duplicated(String),
    /// Something is there that no event asked for.
    Foreign(String),
    /// The deal, a note or a task is not as it must be.
    State(String),
    /// Delivering everything again wrote so much, or did not end.
    Replay(usize),
    /// So many events wait for a person.
    Parked(u64),
    /// It never ends.
    Stuck,
    /// A life ended by itself.
    Died(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(what) => write!(f, "lost: {what}"),
            Self::Duplicated(what) => write!(f, "duplicated: {what}"),
            Self::Foreign(what) => write!(f, "from no event: {what}"),
            Self::State(what) => write!(f, "wrong: {what}"),
            Self::Replay(writes) => write!(f, "the replay made {writes} writes or did not end"),
            Self::Parked(events) => write!(f, "{events} events are parked"),
            Self::Stuck => f.write_str("it does not end"),
            Self::Died(why) => write!(f, "a process ended by itself: {why}"),
        }
    }
}

impl Expected {
    pub(crate) fn read(kommo: &FakeKommo) -> Self {
        let mut found = BTreeMap::new();
        for entry in kommo.ledger() {
            let text = match entry.kind {
                LedgerKind::NoteAdded => entry.body.pointer("/params/text"),
                LedgerKind::TaskAdded => entry.body.get("text"),
                _ => continue,
            };
            let marker = text.and_then(Value::as_str).map_or("without a text", marker);
            let count: &mut u32 = found.entry(format!("{} {marker}", entry.kind)).or_default();
            *count = count.saturating_add(1);
        }
        Self(found)
    }
}

/// I1 to I4.
pub(crate) fn end(story: &Story, kommo: &FakeKommo, expected: &Expected) -> Vec<Violation> {
    let mut violations = Vec::new();
    let Expected(found) = Expected::read(kommo);
    for (marker, count) in &found {
        if *count > 1 {
            violations.push(Violation::Duplicated(format!("{count} × {marker}")));
        }
        if !expected.0.contains_key(marker) {
            violations.push(Violation::Foreign(marker.clone()));
        }
    }
    let missing = expected.0.keys().filter(|marker| !found.contains_key(*marker));
    violations.extend(missing.map(|marker| Violation::Lost(marker.clone())));
    let moves = kommo.ledger().iter().filter(|entry| entry.body.get("status_id").is_some()).count();
    if moves > 1 {
        violations.push(Violation::Duplicated(format!("the deal was moved {moves} times")));
    }
    violations.extend(states(story, kommo).into_iter().map(Violation::State));
    violations
}

/// What was written down by hand for the story.
fn states(story: &Story, kommo: &FakeKommo) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |what: &str, is: String, must: String| {
        if is != must {
            wrong.push(format!("{what} is {is}, not {must}"));
        }
    };
    let lead = kommo.lead(LEAD).unwrap_or_default();
    for (key, must) in [("status_id", STAGE), ("price", story.end.price)] {
        compare(key, lead[key].to_string(), must.to_string());
    }
    for (code, must) in &story.end.fields {
        let is = kommo.field_value(LEAD, code).unwrap_or_default();
        compare(code, is.as_str().unwrap_or_default().to_owned(), (*must).to_owned());
    }
    let mut notes = kommo.note_texts(LEAD);
    notes.sort();
    notes.dedup();
    let mut must = story.end.notes.clone();
    must.sort_unstable();
    compare("the number of notes", notes.len().to_string(), must.len().to_string());
    for (note, must) in notes.iter().zip(must) {
        compare("a note", note.get(..must.len()).unwrap_or_default().to_owned(), must.to_owned());
    }
    let mut tasks: Vec<(String, bool)> = kommo
        .tasks(LEAD)
        .iter()
        .map(|task| {
            let text = task["text"].as_str().unwrap_or_default();
            (text.to_owned(), task["is_completed"] == Value::Bool(true))
        })
        .collect();
    tasks.sort();
    tasks.dedup();
    let mut must = story.end.tasks.clone();
    must.sort_unstable();
    compare("the number of tasks", tasks.len().to_string(), must.len().to_string());
    for ((text, done), (begin, must)) in tasks.iter().zip(must) {
        compare("a task", text.get(..begin.len()).unwrap_or_default().to_owned(), begin.to_owned());
        compare("a task's completion", done.to_string(), must.to_string());
    }
    wrong
}

fn marker(text: &str) -> &str {
    text.rfind("[pk-").and_then(|begin| text.get(begin..)).unwrap_or("without a marker")
}
