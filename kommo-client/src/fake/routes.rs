use serde_json::{Value, json};

use super::answer::Answer;
use super::ledger::{LedgerEntry, LedgerKind};
use super::state::{Call, State};

impl State {
    /// Finds what a path means. Names are plural only; `/api/v4/lead` is a 404, as on the real one.
    pub(super) fn route(&mut self, call: &Call) -> Answer {
        let Some(rest) = call.path.strip_prefix("/api/v4/") else {
            return not_found();
        };
        let segments: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
        let answer = match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["account"]) => Ok(self.account(call)),
            ("GET", ["users"]) => self.list_users(call),
            ("GET", ["users", id]) => Ok(self.get_user(id)),
            ("GET", ["leads", "custom_fields"]) => self.list_fields(call),
            ("GET", ["leads", "custom_fields", id]) => Ok(self.get_field(id)),
            ("GET", ["leads", "pipelines"]) => Ok(self.list_pipelines()),
            ("GET", ["leads", "pipelines", id]) => Ok(self.get_pipeline(id)),
            ("GET", ["leads", "loss_reasons"]) => self.list_loss_reasons(call),
            ("GET", ["leads", "notes"]) => self.list_notes(call, None),
            ("POST", ["leads", "notes"]) => self.add_notes(call, None),
            ("GET", ["leads", "notes", id]) => Ok(self.get_note(id)),
            ("GET", ["leads", lead, "notes", id]) if number(lead).is_some() => {
                Ok(self.get_note(id))
            }
            ("GET", ["leads"]) => self.list_leads(call),
            ("POST", ["leads"]) => self.add_leads(call),
            ("PATCH", ["leads"]) => self.update_leads(call),
            ("GET", ["leads", id]) if number(id).is_some() => Ok(self.get_lead(call, id)),
            ("PATCH", ["leads", id]) if number(id).is_some() => self.update_lead(call, id),
            ("GET", ["leads", id, "notes"]) if number(id).is_some() => {
                self.list_notes(call, number(id))
            }
            ("POST", ["leads", id, "notes"]) if number(id).is_some() => {
                self.add_notes(call, number(id))
            }
            ("GET", ["tasks"]) => self.list_tasks(call),
            ("POST", ["tasks"]) => self.add_tasks(call),
            ("PATCH", ["tasks"]) => self.update_tasks(call),
            ("GET", ["tasks", id]) if number(id).is_some() => Ok(self.get_task(id)),
            ("PATCH", ["tasks", id]) if number(id).is_some() => self.update_task(call, id),
            ("GET", ["contacts"]) => self.list_contacts(call),
            ("GET", ["contacts", id]) if number(id).is_some() => Ok(self.get_contact(call, id)),
            ("POST", ["bots", id, "run"]) => self.run_bot(call, id),
            (
                _,
                ["account" | "users" | "leads" | "tasks" | "contacts"]
                | ["leads", "custom_fields" | "pipelines" | "notes" | "loss_reasons"],
            ) => Ok(Answer::problem(405, "Method Not Allowed")),
            _ => Ok(not_found()),
        };
        answer.unwrap_or_else(|refusal| refusal)
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
                    "notes": self.notes_of(lead.id),
                    "tasks": self.tasks_of(lead.id),
                }))
            }
            _ => not_found(),
        }
    }

    pub(super) fn write_down(&mut self, call: &Call, entry: Entry) {
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
        Answer::ok(&json!({"_links": self.links(collection), "_embedded": {key: items}}))
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

pub(super) fn not_found() -> Answer {
    Answer::problem(404, "Not Found")
}

pub(super) fn number(segment: &str) -> Option<u64> {
    segment.parse().ok()
}
