use serde_json::{Value, json};

use super::answer::Answer;
use super::kind::{Entity, Kind, Owner};
use super::ledger::{LedgerEntry, LedgerKind};
use super::pipelines::no_pipeline;
use super::state::{Call, State};

impl State {
    /// Finds what a path means. Names are plural only; `/api/v4/lead` is a 404, as on the real one.
    pub(super) fn route(&mut self, call: &Call) -> Answer {
        if let Some(rest) = call.path.strip_prefix("/v1.0/") {
            return self.drive_route(call, rest);
        }
        if (call.method.as_str(), call.path.as_str()) == ("POST", "/api/v2/salesbot/run") {
            return self.run_bots(call).unwrap_or_else(|refusal| refusal);
        }
        let Some(rest) = call.path.strip_prefix("/api/v4/") else {
            return not_found();
        };
        let segments: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
        let segments = segments.as_slice();
        let answer = match segments {
            ["leads" | "contacts" | "companies", ..] => self.route_entity(call, segments),
            ["tasks", rest @ ..] => self.route_tasks(call, rest),
            ["catalogs", rest @ ..] => self.route_catalogs(call, rest),
            _ => self.route_account(call, segments),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// What leads, contacts and companies have in common.
    fn route_entity(&mut self, call: &Call, segments: &[&str]) -> Result<Answer, Answer> {
        let Some((kind, rest)) =
            segments.split_first().and_then(|(name, rest)| Some((Kind::read(name)?, rest)))
        else {
            return Ok(not_found());
        };
        let method = call.method.as_str();
        match (method, rest) {
            ("GET", ["notes"]) => self.list_notes(call, kind, None),
            ("POST", ["notes"]) => self.add_notes(call, kind, None),
            ("PATCH", ["notes"]) => self.update_notes(call, kind),
            ("GET", ["notes", id]) => Ok(self.get_note(kind, id)),
            ("PATCH", ["notes", id]) => self.update_note(call, kind, id),
            ("POST", ["notes", id, "pin" | "unpin"]) => Ok(self.pin_note(call, kind, id)),
            ("GET", ["tags"]) => self.list_tags(call, kind),
            ("POST", ["tags"]) => self.add_tags(call, kind),
            ("GET", ["links"]) => self.list_links(call, kind, None),
            ("POST", ["link" | "unlink"]) => self.change_links(call, kind, None),
            (_, ["custom_fields", rest @ ..]) => self.route_fields(call, Owner::All(kind), rest),
            (_, [id, rest @ ..]) if number(id).is_some() => {
                let id = number(id).unwrap_or_default();
                self.route_one(call, Entity::new(kind, id), rest)
            }
            (_, _) if kind == Kind::Leads => self.route_leads(call, rest),
            ("GET", []) => self.list_people(call, kind),
            ("POST" | "PATCH", []) => self.change_people(call, kind),
            (_, []) => Ok(not_allowed()),
            _ => Ok(not_found()),
        }
    }

    /// `{e}/{id}` and what is below.
    fn route_one(&mut self, call: &Call, own: Entity, rest: &[&str]) -> Result<Answer, Answer> {
        let (kind, id) = (own.kind, own.id.to_string());
        match (call.method.as_str(), rest) {
            ("GET", []) if kind == Kind::Leads => Ok(self.get_lead(call, &id)),
            ("PATCH", []) if kind == Kind::Leads => self.update_lead(call, &id),
            ("GET", []) => Ok(self.get_person(call, kind, &id)),
            ("PATCH", []) => self.update_person(call, kind, &id),
            ("GET", ["notes"]) => self.list_notes(call, kind, Some(own.id)),
            ("POST", ["notes"]) => self.add_notes(call, kind, Some(own.id)),
            ("GET", ["notes", note]) => Ok(self.get_note(kind, note)),
            ("PATCH", ["notes", note]) => self.update_note(call, kind, note),
            ("GET", ["links"]) => self.list_links(call, kind, Some(own.id)),
            ("POST", ["link" | "unlink"]) => self.change_links(call, kind, Some(own.id)),
            ("GET", ["files"]) => self.list_attached(call, own),
            ("PUT" | "DELETE", ["files"]) => self.change_attached(call, own),
            (_, [] | ["notes" | "links" | "link" | "unlink" | "files"]) => Ok(not_allowed()),
            _ => Ok(not_found()),
        }
    }

    /// What only leads have.
    fn route_leads(&mut self, call: &Call, rest: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_leads(call),
            ("POST", []) => self.add_leads(call),
            ("PATCH", []) => self.update_leads(call),
            ("GET", ["loss_reasons"]) => self.list_loss_reasons(call),
            ("GET", ["loss_reasons", id]) => {
                let reason = number(id).and_then(|id| self.loss_reason_json(id));
                Ok(reason.map_or_else(not_found, |reason| Answer::ok(&reason)))
            }
            ("POST", ["complex"]) => self.add_complex(call),
            (_, ["unsorted", rest @ ..]) => self.route_unsorted(call, rest),
            (_, ["pipelines", rest @ ..]) => self.route_pipelines(call, rest),
            (_, [] | ["loss_reasons" | "notes"]) => Ok(not_allowed()),
            _ => Ok(not_found()),
        }
    }

    fn route_pipelines(&mut self, call: &Call, rest: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            ("GET", []) => Ok(self.list_pipelines()),
            ("POST", []) => self.add_pipelines(call),
            (method, [id, rest @ ..]) => {
                let Some(id) = number(id).filter(|id| self.pipeline(*id).is_some()) else {
                    return Err(no_pipeline());
                };
                match (method, rest) {
                    ("GET", []) => Ok(self.get_pipeline(&id.to_string())),
                    ("PATCH", []) => self.update_pipeline(call, id),
                    ("DELETE", []) => Ok(self.delete_pipeline(call, id)),
                    (_, ["statuses", rest @ ..]) => self.route_stages(call, id, rest),
                    _ => Ok(not_found()),
                }
            }
            _ => Ok(not_allowed()),
        }
    }

    fn route_tasks(&mut self, call: &Call, rest: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_tasks(call),
            ("POST", []) => self.add_tasks(call),
            ("PATCH", []) => self.update_tasks(call),
            ("GET", [id]) if number(id).is_some() => Ok(self.get_task(id)),
            ("PATCH", [id]) if number(id).is_some() => self.update_task(call, id),
            (_, []) => Ok(not_allowed()),
            _ => Ok(not_found()),
        }
    }

    fn route_catalogs(&mut self, call: &Call, rest: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_catalogs(call),
            ("POST" | "PATCH", []) => self.change_catalogs(call),
            ("GET", [id]) => Ok(self.get_catalog(id)),
            (method, [id, rest @ ..]) => {
                let Some(id) = number(id).filter(|id| self.catalogs.contains_key(id)) else {
                    return Err(Answer::problem(404, "Catalog not found"));
                };
                match (method, rest) {
                    ("GET", ["elements"]) => self.list_elements(call, id),
                    ("POST" | "PATCH", ["elements"]) => self.change_elements(call, id),
                    ("GET", ["elements", element]) => Ok(self.get_element(id, element)),
                    (_, ["custom_fields", rest @ ..]) => {
                        self.route_fields(call, Owner::Catalog(id), rest)
                    }
                    (_, ["elements"]) => Ok(not_allowed()),
                    _ => Ok(not_found()),
                }
            }
            _ => Ok(not_allowed()),
        }
    }

    fn route_account(&mut self, call: &Call, segments: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), segments) {
            ("GET", ["account"]) => Ok(self.account(call)),
            ("GET", ["users"]) => self.list_users(call),
            ("POST", ["users"]) => self.add_users(call),
            ("POST", ["users", "activate" | "deactivate"]) => self.switch_users(call),
            ("GET", ["users", id]) => Ok(self.get_user(id)),
            (_, ["roles", rest @ ..]) => self.route_roles(call, rest),
            (_, ["sources", rest @ ..]) => self.route_sources(call, rest),
            ("POST", ["calls"]) => self.add_calls(call),
            ("GET", ["events"]) => self.list_events(call),
            ("GET", ["events", "types"]) => self.list_event_types(call),
            ("GET", ["events", id]) => Ok(self.get_event(id)),
            ("GET", ["files", uuid, "links"]) => Ok(self.list_file_links(uuid)),
            ("GET", ["webhooks"]) => self.list_hooks(call),
            ("POST", ["webhooks"]) => self.set_hook(call),
            ("DELETE", ["webhooks"]) => self.remove_hook(call),
            ("POST", ["bots", "run"]) => self.run_bots(call),
            ("POST", ["bots", id, "run"]) => self.run_bot(call, id),
            (_, ["account" | "users" | "webhooks" | "calls" | "events"]) => Ok(not_allowed()),
            _ => Ok(not_found()),
        }
    }

    /// `GET /__fake/…`: what is in the account, for a person with curl.
    pub(super) fn inspect(&self, path: &str) -> Answer {
        let segments: Vec<&str> = path.split('/').skip(2).collect();
        match segments.as_slice() {
            ["ledger"] => {
                Answer::ok(&Value::Array(self.ledger.iter().map(LedgerEntry::to_json).collect()))
            }
            ["leads", id] => {
                let lead = number(id).and_then(|id| self.leads.get(&id));
                let Some(lead) = lead else { return not_found() };
                Answer::ok(&json!({
                    "lead": self.lead_json(lead, &[]),
                    "notes": self.notes_of(Entity::new(Kind::Leads, lead.id)),
                    "tasks": self.tasks_of(lead.id),
                }))
            }
            _ => not_found(),
        }
    }

    pub(super) fn write_down(&mut self, call: &Call, entry: Entry) {
        self.log(&entry);
        self.ledger.push(LedgerEntry {
            at: call.at,
            method: call.method.clone(),
            path: call.path.clone(),
            kind: entry.kind,
            id: entry.id,
            entity_id: entry.entity_id,
            body: entry.body,
            time: self.now(),
            closed_without_pipeline: entry.closed_without_pipeline,
        });
    }

    /// The answer to a write: ids and links, never what was entry.
    pub(super) fn thin(&self, collection: &str, key: &str, items: Vec<Value>) -> Answer {
        Answer::ok(&json!({"_links": self.links_of(collection), "_embedded": {key: items}}))
    }
}

/// What an endpoint tells the ledger.
pub(super) struct Entry {
    pub(super) kind: LedgerKind,
    pub(super) id: u64,
    pub(super) entity_id: u64,
    pub(super) body: Value,
    pub(super) closed_without_pipeline: bool,
}

impl Entry {
    /// Something that is on nothing.
    pub(super) fn of(kind: LedgerKind, id: u64, body: Value) -> Self {
        Self { kind, id, entity_id: 0, body, closed_without_pipeline: false }
    }
}

pub(super) fn not_found() -> Answer {
    Answer::problem(404, "Not Found")
}

fn not_allowed() -> Answer {
    Answer::problem(405, "Method Not Allowed")
}

pub(super) fn number(segment: &str) -> Option<u64> {
    segment.parse().ok()
}
