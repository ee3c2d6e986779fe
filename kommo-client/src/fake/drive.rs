use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, batch, single};
use super::kind::{Entity, Kind};
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::{Entry, not_found};
use super::state::{Call, State};

const FILTERS: Filters = &[("uuid", Filter::OneOf("uuid")), ("name", Filter::OneOf("name"))];

/// 300 MiB and 512 KiB (amoCRM docs, files-api). The parts are smaller on some accounts: obey the session.
const MOST_BYTES: u64 = 314_572_800;
const PART: usize = 524_288;

/// The drive: files, how they come in, and what they are attached to. Its host is the account's own.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) part_size: usize,
    /// Whether the token has the scope `files`.
    pub(super) in_scope: bool,
    sessions: BTreeMap<u64, Session>,
    files: BTreeMap<String, StoredFile>,
    attached: Vec<Attached>,
}

#[derive(Debug)]
struct Session {
    name: String,
    content_type: String,
    size: u64,
    /// How many parts came.
    parts: u64,
    content: Vec<u8>,
}

#[derive(Debug)]
struct StoredFile {
    number: u64,
    name: String,
    content_type: String,
    content: Vec<u8>,
    created_at: i64,
    is_trashed: bool,
}

#[derive(Debug)]
struct Attached {
    id: u64,
    to: Entity,
    uuid: String,
}

impl Drive {
    pub(super) fn new() -> Self {
        Self {
            part_size: PART,
            in_scope: true,
            sessions: BTreeMap::new(),
            files: BTreeMap::new(),
            attached: Vec::new(),
        }
    }

    pub(super) fn content(&self, uuid: &str) -> Option<Vec<u8>> {
        self.files.get(uuid).map(|file| file.content.clone())
    }

    pub(super) fn names_at(&self, to: Entity) -> Vec<String> {
        let attached = self.attached.iter().filter(|attached| attached.to == to);
        attached.filter_map(|attached| Some(self.files.get(&attached.uuid)?.name.clone())).collect()
    }
}

impl State {
    /// What is below `/v1.0/`.
    pub(super) fn drive_route(&mut self, call: &Call, rest: &str) -> Answer {
        if !self.drive.in_scope {
            return Answer::problem(403, "Client doesn't have the required scope");
        }
        let segments: Vec<&str> = rest.split('/').collect();
        let answer = match (call.method.as_str(), segments.as_slice()) {
            ("POST", ["sessions"]) => self.open_session(call),
            ("POST", ["sessions", "upload", token]) => self.take_part(call, token),
            ("GET", ["files"]) => self.list_files(call),
            ("DELETE", ["files"]) => self.trash_files(call),
            ("GET", ["files", uuid]) => self.drive.files.get(*uuid).map_or_else(
                || Err(Answer::problem(404, "File not found")),
                |file| Ok(Answer::ok(&self.file_json(file))),
            ),
            _ => Ok(not_found()),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// `filter[deleted]` lists the trash; without it the trash is left out.
    fn list_files(&self, call: &Call) -> Result<Answer, Answer> {
        let mut query = Query::read(call)?;
        let trashed = query.take("deleted").is_some();
        let term = query.take("term").map(|term| term.to_lowercase());
        let extensions = query.take_all("extensions");
        let files = self.drive.files.values().filter(|file| {
            let name = file.name.to_lowercase();
            file.is_trashed == trashed
                && term.as_ref().is_none_or(|term| name.contains(term))
                && (extensions.is_empty()
                    || extensions.iter().any(|own| name.ends_with(&format!(".{own}"))))
        });
        let mut rows: Vec<Value> = files.map(|file| self.file_json(file)).collect();
        query.split("uuid");
        query.filter(&mut rows, FILTERS)?;
        Ok(self.page(call, &query, "files", rows, true))
    }

    fn trash_files(&mut self, call: &Call) -> Result<Answer, Answer> {
        let Batch { good, .. } = batch(&call.body, false, |item, _, problems| {
            let mut reader = super::check::Reader::new(item, "", problems);
            reader.expect_keys(&["uuid"]);
            reader.require("uuid");
            let uuid = reader.text("uuid")?;
            if !self.drive.files.contains_key(uuid) {
                reader.refuse_choice("uuid");
            }
            Some((uuid.to_owned(), reader.whole()))
        })?;
        for (uuid, body) in good {
            let Some(file) = self.drive.files.get_mut(&uuid) else { continue };
            file.is_trashed = true;
            let number = file.number;
            self.write_down(call, Entry::of(LedgerKind::FileTrashed, number, body));
        }
        Ok(Answer::nothing())
    }

    fn open_session(&mut self, call: &Call) -> Result<Answer, Answer> {
        let session = single(&call.body, |item, _, problems| {
            let mut reader = super::check::Reader::new(item, "", problems);
            reader.expect_keys(&[
                "file_name",
                "file_size",
                "content_type",
                "file_uuid",
                "with_preview",
            ]);
            reader.require("file_name");
            reader.require("file_size");
            reader.text("file_uuid");
            reader.boolean("with_preview");
            let content_type = reader.text("content_type").unwrap_or("application/octet-stream");
            let name = reader.filled_text("file_name");
            let size = reader.id("file_size")?;
            if size == 0 || size > MOST_BYTES {
                reader.refuse_choice("file_size");
            }
            Some(Session {
                name: name?.to_owned(),
                content_type: content_type.to_owned(),
                size,
                parts: 0,
                content: Vec::new(),
            })
        })?;
        let id = self.next_id();
        self.drive.sessions.insert(id, session);
        Ok(Answer::ok(&json!({
            "max_file_size": MOST_BYTES,
            "max_part_size": self.drive.part_size,
            "session_id": id,
            "upload_url": self.upload_url(id, 0),
        })))
    }

    /// The address of the next part: it changes with every part, so that only the one that was given works.
    fn upload_url(&self, session: u64, part: u64) -> String {
        format!("{}/v1.0/sessions/upload/{session}-{part}", self.base)
    }

    fn take_part(&mut self, call: &Call, token: &str) -> Result<Answer, Answer> {
        let (part_size, parsed) = (self.drive.part_size, token.split_once('-'));
        let id = parsed.and_then(|(id, _)| id.parse().ok()).unwrap_or_default();
        let part: Option<u64> = parsed.and_then(|(_, part)| part.parse().ok());
        let session = self.drive.sessions.get_mut(&id);
        let Some(session) = session.filter(|session| Some(session.parts) == part) else {
            return Err(Answer::problem(404, "Upload session not found"));
        };
        if call.bytes.is_empty() || call.bytes.len() > part_size {
            return Err(Answer::problem(400, "The part is empty or larger than max_part_size"));
        }
        session.content.extend_from_slice(&call.bytes);
        session.parts = session.parts.saturating_add(1);
        let came = u64::try_from(session.content.len()).unwrap_or(u64::MAX);
        let (size, parts) = (session.size, session.parts);
        if came > size {
            self.drive.sessions.remove(&id);
            return Err(Answer::problem(400, "More came than file_size said"));
        }
        if came < size {
            return Ok(Answer::ok(
                &json!({"next_url": self.upload_url(id, parts), "session_id": id}),
            ));
        }
        let Some(session) = self.drive.sessions.remove(&id) else { return Err(not_found()) };
        let number = self.next_id();
        let body = json!({"file_name": session.name, "file_size": size});
        let file = StoredFile {
            number,
            name: session.name,
            content_type: session.content_type,
            content: session.content,
            created_at: self.now(),
            is_trashed: false,
        };
        let mut json = self.file_json(&file);
        set(&mut json, "session_id", json!(id));
        self.drive.files.insert(uuid_of(number), file);
        self.write_down(call, Entry::of(LedgerKind::FileUploaded, number, body));
        Ok(Answer::ok(&json))
    }

    fn file_json(&self, file: &StoredFile) -> Value {
        let uuid = uuid_of(file.number);
        let (name, extension) = file.name.rsplit_once('.').unwrap_or((&file.name, ""));
        let user = json!({"id": self.token_user, "type": "internal"});
        let download = format!("{}/download/{uuid}/{}", self.base, file.name);
        json!({
            "uuid": uuid,
            "version_uuid": version_of(file.number),
            "type": "file",
            "name": name,
            "sanitized_name": name,
            "size": file.content.len(),
            "source_id": null,
            "is_trashed": file.is_trashed,
            "has_multiple_versions": false,
            "created_at": file.created_at,
            "created_by": user,
            "updated_at": file.created_at,
            "updated_by": user,
            "deleted_at": null,
            "deleted_by": null,
            "metadata": {"extension": extension, "mime_type": file.content_type},
            "previews": null,
            "_links": {
                "download": {"href": download},
                "download_version": {"href": download},
                "self": {"href": format!("{}/v1.0/files/{uuid}", self.base)},
            },
        })
    }

    /// The files of an entity, the newest first; `before_id` and `limit` go back from there.
    pub(super) fn list_attached(&self, call: &Call, to: Entity) -> Result<Answer, Answer> {
        let mut limit = 50;
        let mut before = u64::MAX;
        for (key, value) in &call.query {
            let Ok(number) = value.parse::<u64>() else { return Err(Answer::problem(400, key)) };
            match key.as_str() {
                "limit" => limit = usize::try_from(number.min(250)).unwrap_or(250),
                "before_id" => before = number,
                _ => return Err(Answer::problem(400, &format!("FakeKommo does not know {key}"))),
            }
        }
        let attached = self.drive.attached.iter().rev();
        let attached = attached.filter(|own| own.to == to && own.id < before).take(limit);
        let rows: Vec<Value> =
            attached.map(|own| json!({"file_uuid": own.uuid, "id": own.id})).collect();
        if rows.is_empty() {
            return Ok(Answer::nothing());
        }
        let path = format!("{}/{}/files", to.kind.name(), to.id);
        Ok(Answer::ok(&json!({"_links": self.links_of(&path), "_embedded": {"files": rows}})))
    }

    /// What a file is attached to.
    pub(super) fn list_file_links(&self, uuid: &str) -> Answer {
        if !self.drive.files.contains_key(uuid) {
            return Answer::problem(404, "File not found");
        }
        let attached = self.drive.attached.iter().filter(|own| own.uuid == uuid);
        let entities: Vec<Value> = attached
            .map(|own| json!({"id": own.to.id, "entity_type": own.to.kind.name(), "name": self.name_of(own.to)}))
            .collect();
        Answer::ok(&json!({"file_uuid": uuid, "entities": entities}))
    }

    fn name_of(&self, entity: Entity) -> Option<&str> {
        match entity.kind {
            Kind::Leads => self.leads.get(&entity.id).map(|own| own.name.as_str()),
            Kind::Contacts => self.contacts.get(&entity.id).map(|own| own.name.as_str()),
            Kind::Companies => self.companies.get(&entity.id).map(|own| own.name.as_str()),
            Kind::Elements => self.elements.get(&entity.id).map(|own| own.name.as_str()),
        }
    }

    /// `PUT {e}/{id}/files` and `DELETE`: Kommo answers 200 and `{}`, amoCRM 202 and nothing.
    pub(super) fn change_attached(&mut self, call: &Call, to: Entity) -> Result<Answer, Answer> {
        if !self.exists(to) || to.kind == Kind::Elements {
            return Err(Answer::problem(404, "Entity not found"));
        }
        let attaches = call.method == "PUT";
        let Batch { good, .. } = batch(&call.body, false, |item, _, problems| {
            let mut reader = super::check::Reader::new(item, "", problems);
            reader.expect_keys(&["file_uuid"]);
            reader.require("file_uuid");
            let uuid = reader.text("file_uuid")?;
            if !self.drive.files.contains_key(uuid) {
                reader.refuse_choice("file_uuid");
            }
            Some((uuid.to_owned(), reader.whole()))
        })?;
        for (uuid, body) in good {
            let known = self.drive.attached.iter().find(|own| own.to == to && own.uuid == uuid);
            let known = known.map(|own| own.id);
            let (kind, id) = match (attaches, known) {
                (true, None) => {
                    let id = self.next_id();
                    self.drive.attached.push(Attached { id, to, uuid });
                    (LedgerKind::FileAttached, id)
                }
                (false, Some(id)) => {
                    self.drive.attached.retain(|own| own.id != id);
                    (LedgerKind::FileDetached, id)
                }
                // Attached already, or not at all: nothing is written.
                (true, Some(_)) | (false, None) => continue,
            };
            let entry = Entry { entity_id: to.id, ..Entry::of(kind, id, body) };
            self.write_down(call, entry);
        }
        Ok(Answer::ok(&json!({})))
    }
}

fn uuid_of(number: u64) -> String {
    format!("{number:08x}-0000-4000-8000-{number:012x}")
}

fn version_of(number: u64) -> String {
    format!("{number:08x}-0001-4000-8000-{number:012x}")
}
