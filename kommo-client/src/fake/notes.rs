use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::check::{Batch, Problems, Reader, batch};
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::{Entry, not_found, number};
use super::state::{Call, Note, State};

const FILTERS: Filters = &[
    ("id", Filter::OneOf("id")),
    ("entity_id", Filter::OneOf("entity_id")),
    ("note_type", Filter::OneOf("note_type")),
    ("updated_at", Filter::Range("updated_at")),
];

/// The types that can be posted and the keys of their `params`; the first `required` ones must be there
/// (Kommo docs, notes-types).
const TYPES: [(&str, &[&str], usize); 7] = [
    ("common", &["text"], 1),
    ("service_message", &["service", "text"], 2),
    ("extended_service_message", &["service", "text"], 2),
    ("sms_in", &["text", "phone"], 2),
    ("sms_out", &["text", "phone"], 2),
    ("attachment", &["file_uuid", "file_name", "version_uuid"], 2),
    ("geolocation", &["text", "address", "longitude", "latitude"], 4),
];

struct NewNote {
    request_id: String,
    body: Value,
    entity_id: u64,
    note_type: String,
    params: Value,
    created_by: Option<u64>,
    responsible_user_id: Option<u64>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
}

impl State {
    pub(super) fn list_notes(&self, call: &Call, lead: Option<u64>) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let notes = self.notes.values();
        let notes = notes.filter(|note| lead.is_none_or(|lead| note.entity_id == lead));
        let notes = notes.filter(|note| self.is_listed(note.written));
        let mut rows: Vec<Value> = notes.map(|note| self.note_json(note)).collect();
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &["updated_at", "id"])?;
        Ok(self.page(call, &query, "notes", rows, false))
    }

    pub(super) fn get_note(&self, id: &str) -> Answer {
        let note = number(id).and_then(|id| self.notes.get(&id));
        note.map_or_else(not_found, |note| Answer::ok(&self.note_json(note)))
    }

    /// `lead` is the id of the path; without it each item must name its own.
    pub(super) fn add_notes(&mut self, call: &Call, lead: Option<u64>) -> Result<Answer, Answer> {
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                self.check_note(lead, item, request_id, problems)
            })?;
        let mut items = Vec::new();
        for note in good {
            let (request_id, lead) = (note.request_id.clone(), note.entity_id);
            let id = self.create_note(call, note);
            let links = self.links(&format!("leads/{lead}/notes/{id}"));
            items.push(
                json!({"id": id, "entity_id": lead, "request_id": request_id, "_links": links}),
            );
        }
        Ok(refusal.unwrap_or_else(|| self.thin("leads/notes", "notes", items)))
    }

    fn check_note(
        &self,
        lead: Option<u64>,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<NewNote> {
        let mut reader = Reader::new(item, "", problems);
        reader.expect_keys(&[
            "entity_id",
            "note_type",
            "params",
            "created_by",
            "responsible_user_id",
            "created_at",
            "updated_at",
            "is_need_to_trigger_digital_pipeline",
            "request_id",
        ]);
        reader.boolean("is_need_to_trigger_digital_pipeline");
        reader.require("note_type");
        reader.require("params");
        let sent = reader.id("entity_id");
        if lead.is_none() {
            reader.require("entity_id");
        }
        let entity_id = lead.or(sent);
        let is_other = lead.is_some() && sent.is_some() && sent != lead;
        if is_other || entity_id.is_some_and(|id| !self.leads.contains_key(&id)) {
            reader.refuse_choice("entity_id");
        }
        let created_by = self.check_author(&mut reader, "created_by");
        let responsible_user_id = self.check_user(&mut reader, "responsible_user_id");
        let (created_at, updated_at) = (reader.int("created_at"), reader.int("updated_at"));
        let note_type = reader.text("note_type")?;
        let params = check_params(&mut reader, note_type);
        Some(NewNote {
            request_id,
            body: Value::Object(item.clone()),
            entity_id: entity_id?,
            note_type: note_type.to_owned(),
            params: params?,
            created_by,
            responsible_user_id,
            created_at,
            updated_at,
        })
    }

    fn create_note(&mut self, call: &Call, note: NewNote) -> u64 {
        let (id, now, user) = (self.next_id(), self.now(), self.token_user);
        let (written, created_at) = (self.written(), note.created_at.unwrap_or(now));
        let NewNote { entity_id, body, .. } = note;
        self.notes.insert(
            id,
            Note {
                id,
                entity_id,
                note_type: note.note_type,
                params: note.params,
                written,
                created_by: note.created_by.unwrap_or(user),
                responsible_user_id: note.responsible_user_id.unwrap_or(user),
                created_at,
                updated_at: note.updated_at.unwrap_or(created_at),
            },
        );
        let kind = LedgerKind::NoteAdded;
        self.write_down(call, Entry { kind, id, entity_id, body, closed_without_pipeline: false });
        id
    }

    pub(super) fn notes_of(&self, lead: u64) -> Vec<Value> {
        let notes = self.notes.values().filter(|note| note.entity_id == lead);
        notes.map(|note| self.note_json(note)).collect()
    }

    fn note_json(&self, note: &Note) -> Value {
        json!({
            "id": note.id,
            "entity_id": note.entity_id,
            "created_by": note.created_by,
            "updated_by": note.created_by,
            "created_at": note.created_at,
            "updated_at": note.updated_at,
            "responsible_user_id": note.responsible_user_id,
            "group_id": 0,
            "note_type": note.note_type,
            "params": note.params,
            "account_id": self.account_id,
            "_links": self.links(&format!("leads/{}/notes/{}", note.entity_id, note.id)),
        })
    }
}

/// The `params` of a note: all texts, exactly the keys of the type. Calls have a list of their own.
fn check_params(reader: &mut Reader<'_, '_>, note_type: &str) -> Option<Value> {
    let object = reader.object("params")?;
    if let "call_in" | "call_out" = note_type {
        return Some(Value::Object(object.clone()));
    }
    let known = TYPES.iter().find(|(name, _, _)| *name == note_type);
    let Some((_, keys, required)) = known else {
        reader.refuse_choice("note_type");
        return None;
    };
    let mut reader = reader.nested(object, "params");
    reader.expect_keys(keys);
    for (index, key) in keys.iter().enumerate() {
        if index < *required {
            reader.require(key);
        }
        reader.filled_text(key);
    }
    Some(Value::Object(object.clone()))
}
