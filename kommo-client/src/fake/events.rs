use serde_json::{Value, json};

use super::answer::Answer;
use super::kind::Kind;
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::Entry;
use super::state::{Call, Event, State};

const FILTERS: Filters = &[
    ("id", Filter::OneOf("id")),
    ("created_at", Filter::Range("created_at")),
    ("created_by", Filter::OneOf("created_by")),
    ("entity", Filter::OneOf("entity_type")),
    ("entity_id", Filter::OneOf("entity_id")),
    ("type", Filter::OneOf("type")),
];

const TYPES: [(&str, &str); 7] = [
    ("lead_added", "New lead"),
    ("contact_added", "New contact"),
    ("company_added", "New company"),
    ("common_note_added", "New note"),
    ("task_added", "New task"),
    ("lead_status_changed", "Lead stage changed"),
    ("sale_field_changed", "Sale changed"),
];

/// Entities and people that one filter may name (amoCRM docs, events-and-notes).
const MOST_NAMED: usize = 10;

impl State {
    /// The newest first.
    pub(super) fn list_events(&self, call: &Call) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let named = |name: &str| query.count(name);
        if named("entity_id") > MOST_NAMED || named("created_by") > MOST_NAMED {
            return Err(Answer::problem(400, "Filter names more than 10"));
        }
        if named("entity_id") > 0 && named("entity") != 1 {
            return Err(Answer::problem(400, "Filter by entity_id needs exactly one entity"));
        }
        let events = (1_u64..).zip(&self.events);
        let mut rows: Vec<Value> =
            events.map(|(number, event)| self.event_json(number, event)).collect();
        rows.reverse();
        query.filter(&mut rows, FILTERS)?;
        Ok(self.page(call, &query.at_most(100), "events", rows, false))
    }

    /// Those that the fake writes.
    pub(super) fn list_event_types(&self, call: &Call) -> Result<Answer, Answer> {
        let plain: Vec<_> =
            call.query.iter().filter(|(key, _)| key != "language_code").cloned().collect();
        let query = Query::read(&Call { query: plain, ..call.clone() })?;
        let rows = TYPES
            .iter()
            .zip(1_u64..)
            .map(|((key, name), number)| json!({"key": key, "type": number, "lang": name}));
        Ok(self.page(call, &query, "events_types", rows.collect(), true))
    }

    pub(super) fn get_event(&self, id: &str) -> Answer {
        let mut events = (1_u64..).zip(&self.events);
        let event = events.find(|(number, _)| event_id(*number) == id);
        event.map_or_else(Answer::nothing, |(number, event)| {
            Answer::ok(&self.event_json(number, event))
        })
    }

    /// What the log says of a write; of most kinds it says nothing here.
    pub(super) fn log(&mut self, entry: &Entry) {
        let (event_type, kind) = match entry.kind {
            LedgerKind::LeadAdded => ("lead_added", Kind::Leads),
            LedgerKind::ContactAdded => ("contact_added", Kind::Contacts),
            LedgerKind::CompanyAdded => ("company_added", Kind::Companies),
            LedgerKind::NoteAdded => ("common_note_added", Kind::Leads),
            LedgerKind::TaskAdded => ("task_added", Kind::Leads),
            _ => return,
        };
        let after = match entry.kind {
            LedgerKind::NoteAdded => json!([{"note": {"id": entry.id}}]),
            LedgerKind::TaskAdded => json!([{"task": {"id": entry.id}}]),
            _ => json!([]),
        };
        if entry.entity_id != 0 {
            self.happened(event_type, kind, entry.entity_id, json!([]), after);
        }
    }

    pub(super) fn happened(
        &mut self,
        event_type: &'static str,
        kind: Kind,
        entity_id: u64,
        before: Value,
        after: Value,
    ) {
        let created_at = self.now();
        self.events.push(Event { event_type, kind, entity_id, before, after, created_at });
    }

    fn event_json(&self, number: u64, event: &Event) -> Value {
        let (id, kind) = (event_id(number), event.kind);
        let links = self.links_of(&format!("{}/{}", kind.name(), event.entity_id));
        json!({
            "id": id,
            "type": event.event_type,
            "entity_id": event.entity_id,
            "entity_type": kind.singular(),
            "created_by": self.token_user,
            "created_at": event.created_at,
            "value_after": event.after,
            "value_before": event.before,
            "account_id": self.account_id,
            "_links": self.links_of(&format!("events/{id}")),
            "_embedded": {"entity": {"id": event.entity_id, "_links": links}},
        })
    }
}

/// Ids of events are text.
fn event_id(number: u64) -> String {
    format!("01f{number:023}")
}
