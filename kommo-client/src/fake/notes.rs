use serde_json::{Map, Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, Problems, Reader, batch, single};
use super::kind::{Entity, Kind};
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
/// (Kommo docs, notes-types). The last three come from the vendor's PHP client.
const TYPES: [(&str, &[&str], usize); 10] = [
    ("common", &["text"], 1),
    ("service_message", &["service", "text"], 2),
    ("extended_service_message", &["service", "text"], 2),
    ("sms_in", &["text", "phone"], 2),
    ("sms_out", &["text", "phone"], 2),
    ("attachment", &["file_uuid", "file_name", "version_uuid"], 2),
    ("geolocation", &["text", "address", "longitude", "latitude"], 4),
    ("message_cashier", &["status", "text"], 2),
    ("invoice_paid", &["service", "text", "icon_url"], 3),
    ("bill_paid", &["service", "text", "icon_url"], 3),
];

struct NewNote {
    request_id: String,
    body: Value,
    on: Entity,
    note_type: String,
    params: Value,
    created_by: Option<u64>,
    responsible_user_id: Option<u64>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
}

struct NoteChange {
    id: u64,
    request_id: String,
    body: Value,
    note_type: Option<String>,
    params: Option<Value>,
}

impl State {
    pub(super) fn list_notes(
        &self,
        call: &Call,
        kind: Kind,
        of: Option<u64>,
    ) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let notes = self.notes.values().filter(|note| note.on.kind == kind);
        let notes = notes.filter(|note| of.is_none_or(|of| note.on.id == of));
        let notes = notes.filter(|note| self.is_listed(note.written));
        let pins = query.has("is_pinned");
        let mut rows: Vec<Value> = notes.map(|note| self.note_json(note, pins)).collect();
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &["updated_at", "id"])?;
        Ok(self.page(call, &query, "notes", rows, false))
    }

    pub(super) fn get_note(&self, kind: Kind, id: &str) -> Answer {
        let note = number(id).and_then(|id| self.notes.get(&id));
        let note = note.filter(|note| note.on.kind == kind);
        note.map_or_else(not_found, |note| Answer::ok(&self.note_json(note, false)))
    }

    /// `of` is the id of the path; without it each item must name its own.
    pub(super) fn add_notes(
        &mut self,
        call: &Call,
        kind: Kind,
        of: Option<u64>,
    ) -> Result<Answer, Answer> {
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                self.check_note(kind, of, item, request_id, problems)
            })?;
        let mut items = Vec::new();
        for note in good {
            let (request_id, on) = (note.request_id.clone(), note.on);
            let id = self.create_note(call, note);
            let links = self.links_of(&format!("{}/{}/notes/{id}", kind.name(), on.id));
            items.push(
                json!({"id": id, "entity_id": on.id, "request_id": request_id, "_links": links}),
            );
        }
        Ok(refusal.unwrap_or_else(|| self.thin(&format!("{}/notes", kind.name()), "notes", items)))
    }

    pub(super) fn update_notes(&mut self, call: &Call, kind: Kind) -> Result<Answer, Answer> {
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                self.check_note_update(kind, None, item, request_id, problems)
            })?;
        let items = good.into_iter().map(|change| self.change_note(call, change)).collect();
        Ok(refusal.unwrap_or_else(|| self.thin(&format!("{}/notes", kind.name()), "notes", items)))
    }

    pub(super) fn update_note(
        &mut self,
        call: &Call,
        kind: Kind,
        id: &str,
    ) -> Result<Answer, Answer> {
        let change = single(&call.body, |item, request_id, problems| {
            self.check_note_update(kind, number(id), item, request_id, problems)
        })?;
        let item = self.change_note(call, change);
        if self.bare_patch {
            return Ok(Answer::ok(&item));
        }
        Ok(self.thin(&format!("{}/notes", kind.name()), "notes", vec![item]))
    }

    /// `POST {e}/notes/{id}/pin` and `unpin`, without a body.
    pub(super) fn pin_note(&mut self, call: &Call, kind: Kind, id: &str) -> Answer {
        let note = number(id).and_then(|id| self.notes.get_mut(&id));
        let Some(note) = note.filter(|note| note.on.kind == kind) else { return not_found() };
        note.is_pinned = call.path.ends_with("/pin");
        let (id, entity_id) = (note.id, note.on.id);
        let entry = Entry::of(LedgerKind::NoteUpdated, id, Value::Null);
        self.write_down(call, Entry { entity_id, ..entry });
        Answer::nothing()
    }

    fn check_note(
        &self,
        kind: Kind,
        of: Option<u64>,
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
        if of.is_none() {
            reader.require("entity_id");
        }
        let on = of.or(sent).map(|id| Entity::new(kind, id));
        let is_other = of.is_some() && sent.is_some() && sent != of;
        if is_other || on.is_some_and(|on| !self.exists(on)) {
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
            on: on?,
            note_type: note_type.to_owned(),
            params: params?,
            created_by,
            responsible_user_id,
            created_at,
            updated_at,
        })
    }

    fn check_note_update(
        &self,
        kind: Kind,
        addressed: Option<u64>,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<NoteChange> {
        let mut reader = Reader::new(item, "", problems);
        reader.expect_keys(&["id", "entity_id", "note_type", "params", "request_id"]);
        let own = |id| self.notes.get(&id).filter(|note| note.on.kind == kind);
        let note = self.check_id(&mut reader, addressed, own)?;
        if reader.id("entity_id").is_some_and(|id| id != note.on.id) {
            reader.refuse_choice("entity_id");
        }
        let note_type = reader.text("note_type").map(str::to_owned);
        let params = match reader.get("params") {
            None => None,
            Some(_) => {
                let note_type = note_type.as_deref().unwrap_or(&note.note_type);
                Some(check_params(&mut reader, note_type)?)
            }
        };
        Some(NoteChange { id: note.id, request_id, body: reader.whole(), note_type, params })
    }

    fn create_note(&mut self, call: &Call, note: NewNote) -> u64 {
        let (id, now, user) = (self.next_id(), self.now(), self.token_user);
        let (written, created_at) = (self.written(), note.created_at.unwrap_or(now));
        let NewNote { on, body, .. } = note;
        self.notes.insert(
            id,
            Note {
                id,
                on,
                note_type: note.note_type,
                params: note.params,
                is_pinned: false,
                written,
                created_by: note.created_by.unwrap_or(user),
                responsible_user_id: note.responsible_user_id.unwrap_or(user),
                created_at,
                updated_at: note.updated_at.unwrap_or(created_at),
            },
        );
        let entry = Entry::of(LedgerKind::NoteAdded, id, body);
        self.write_down(call, Entry { entity_id: on.id, ..entry });
        id
    }

    fn change_note(&mut self, call: &Call, change: NoteChange) -> Value {
        let (id, now) = (change.id, self.now());
        let mut entity_id = 0;
        if let Some(note) = self.notes.get_mut(&id) {
            note.note_type = change.note_type.unwrap_or_else(|| note.note_type.clone());
            note.params = change.params.unwrap_or_else(|| note.params.clone());
            note.updated_at = now;
            entity_id = note.on.id;
        }
        let entry = Entry::of(LedgerKind::NoteUpdated, id, change.body);
        self.write_down(call, Entry { entity_id, ..entry });
        json!({
            "id": id,
            "entity_id": entity_id,
            "updated_at": now,
            "request_id": change.request_id,
            "_links": self.links_of(&format!("notes/{id}")),
        })
    }

    pub(super) fn notes_of(&self, on: Entity) -> Vec<Value> {
        let notes = self.notes.values().filter(|note| note.on == on);
        notes.map(|note| self.note_json(note, false)).collect()
    }

    fn note_json(&self, note: &Note, pins: bool) -> Value {
        let path = format!("{}/{}/notes/{}", note.on.kind.name(), note.on.id, note.id);
        let mut json = json!({
            "id": note.id,
            "entity_id": note.on.id,
            "created_by": note.created_by,
            "updated_by": note.created_by,
            "created_at": note.created_at,
            "updated_at": note.updated_at,
            "responsible_user_id": note.responsible_user_id,
            "group_id": 0,
            "note_type": note.note_type,
            "params": note.params,
            "account_id": self.account_id,
            "_links": self.links_of(&path),
        });
        if pins {
            set(&mut json, "is_pinned", json!(note.is_pinned));
        }
        json
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
