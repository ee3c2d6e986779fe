//! The decision of an event as it is kept: the plan, and what is needed to decide anew where the plan comes to nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{parse, text};
use crate::{
    error::StoreError,
    plan::{Effect, Plan},
    store::{EffectRow, EffectState, KnownRow},
};

/// A plan, with what was learned when it was made: that counts as if the plan were carried out already.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Decided {
    /// Empty while the event is to be decided anew.
    pub(super) plan: Plan,
    /// What was learned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) lessons: Vec<Lesson>,
    /// What an earlier plan of this event had begun; none where it had begun nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) begun: Option<Begun>,
}

/// What was begun for a deal that is gone. Its notes and tasks went along where it was merged, and are looked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// What stands beyond the deal.
    beyond: Vec<Beyond>,
}

/// An effect beyond the deal that was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Beyond {
    name: String,
    /// Whether it is known to have happened.
    is_done: bool,
    remote_id: Option<u64>,
}

/// What was learned of one entity.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Lesson {
    pub(super) entity: String,
    changes: Vec<Change>,
}

/// One part of a state, by the keys that lead to it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Change {
    path: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
}

impl Decided {
    /// Whether there is no decision: it was taken back.
    pub(super) fn is_taken_back(&self) -> bool {
        self.plan == Plan::default()
    }
}

impl Begun {
    /// What stands beyond the deal, of what was begun.
    pub(super) fn of(effects: &[(EffectRow, Effect)]) -> Self {
        let is_beyond =
            |effect: &Effect| matches!(effect, Effect::CreateLead(_) | Effect::StartBot(_));
        let begun = |(row, effect): &(EffectRow, Effect)| {
            (is_beyond(effect) && row.state != EffectState::Planned).then(|| Beyond {
                name: row.name.clone(),
                is_done: row.state == EffectState::Done,
                remote_id: row.remote_id,
            })
        };
        Self { beyond: effects.iter().filter_map(begun).collect() }
    }

    /// What is known of an effect that is planned again: that it is done, with what Kommo called it, or that a person has to
    /// say whether it happened. One who was asked already has said that it did not.
    pub(super) fn state(&self, row: &EffectRow) -> Option<(EffectState, Option<u64>)> {
        let is_new = row.state == EffectState::Planned && row.absent == 0;
        let is_it = |beyond: &&Beyond| is_new && beyond.name == row.name;
        let beyond = self.beyond.iter().find(is_it)?;
        let state = if beyond.is_done { EffectState::Done } else { EffectState::Parked };
        Some((state, beyond.remote_id))
    }
}

impl Lesson {
    /// What the second state of an entity has learned since the first; none when it is the same.
    pub(super) fn between(before: &KnownRow, after: &KnownRow) -> Result<Option<Self>, StoreError> {
        let mut changes = Vec::new();
        let (old, new) = (state(before)?, state(after)?);
        compare(&mut Vec::new(), &old, &new, &mut changes);
        let lesson = || Self { entity: after.entity.clone(), changes };
        Ok((before.state != after.state).then(lesson))
    }

    /// The state without what was learned, as far as nothing else has changed it since.
    pub(super) fn unlearned(&self, row: KnownRow) -> Result<KnownRow, StoreError> {
        let mut state = state(&row)?;
        for change in &self.changes {
            change.take_back(&mut state);
        }
        let state = if state.is_empty() { String::new() } else { text(&state)? };
        Ok(KnownRow { state, ..row })
    }
}

impl Change {
    fn take_back(&self, state: &mut Map<String, Value>) {
        let Some((last, way)) = self.path.split_last() else { return };
        let mut place = state;
        for key in way {
            let Some(Value::Object(inner)) = place.get_mut(key) else { return };
            place = inner;
        }
        if said(place.get(last)) == said(self.after.as_ref()) {
            match &self.before {
                Some(before) => drop(place.insert(last.clone(), before.clone())),
                None => drop(place.remove(last)),
            }
        }
    }
}

/// A key without a value says as much as none.
fn said(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// Nothing is kept for a state that says nothing.
fn state(row: &KnownRow) -> Result<Map<String, Value>, StoreError> {
    if row.state.is_empty() { Ok(Map::new()) } else { parse(&row.state) }
}

/// The smallest parts that differ.
fn compare(
    path: &mut Vec<String>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        path.push(key.clone());
        match (before.get(key), after.get(key)) {
            (old, new) if said(old) == said(new) => {}
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                compare(path, old, new, changes);
            }
            (old, new) => changes.push(Change {
                path: path.clone(),
                before: old.cloned(),
                after: new.cloned(),
            }),
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(state: &Value) -> KnownRow {
        let state = if state.is_null() { String::new() } else { state.to_string() };
        KnownRow { entity: "lead:1".to_owned(), state, version: 1 }
    }

    fn unlearned(before: &Value, after: &Value, now: &Value) -> Value {
        let lesson = Lesson::between(&row(before), &row(after)).unwrap().unwrap();
        let stored = serde_json::to_string(&lesson).unwrap();
        let lesson: Lesson = serde_json::from_str(&stored).unwrap();
        let state = lesson.unlearned(row(now)).unwrap().state;
        if state.is_empty() { Value::Null } else { serde_json::from_str(&state).unwrap() }
    }

    #[test]
    fn what_was_learned_is_unlearned() {
        let first = json!({"payments": {"a": {"total": 5}}, "told": ["x"]});
        let second =
            json!({"won": 7, "payments": {"a": {"total": 5}, "b": {}}, "told": ["x", "y"]});
        for (before, after) in [(&first, &second), (&second, &first), (&Value::Null, &second)] {
            assert_eq!(unlearned(before, after, after), *before, "{before} {after}");
        }
        assert_eq!(Lesson::between(&row(&first), &row(&first)).unwrap(), None);
        let nobody = json!({"won": null});
        assert_eq!(unlearned(&nobody, &json!({"won": 7}), &json!({"won": 7})), Value::Null);
        assert_eq!(unlearned(&json!({"won": 7}), &nobody, &nobody), json!({"won": 7}));
    }

    #[test]
    fn what_others_have_changed_since_stays() {
        let before = json!({"won": null, "written": {"plan": "Pro"}, "payments": {}});
        let after =
            json!({"won": 7, "written": {"plan": "Max", "status": "paid"}, "payments": {"b": 1}});
        let now = json!({"won": 8, "written": {"plan": "Mini", "status": "paid"}, "other": 1});
        let want = json!({"won": 8, "written": {"plan": "Mini"}, "other": 1});
        assert_eq!(unlearned(&before, &after, &now), want);
    }
}
