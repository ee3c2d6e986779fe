use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::check::{Batch, Problems, Reader, batch};
use super::kind::Kind;
use super::lead_checks::LeadChange;
use super::ledger::LedgerKind;
use super::people::PersonChange;
use super::query::{Filter, Filters, Query};
use super::routes::{Entry, not_found};
use super::state::{Call, State};

mod taken;

const FILTERS: Filters = &[
    ("uid", Filter::OneOf("uid")),
    ("category", Filter::OneOf("category")),
    ("pipeline_id", Filter::OneOf("pipeline_id")),
];

/// What came in and was neither taken nor declined. Its lead and its people are in no list until it is taken.
#[derive(Debug)]
pub(super) struct Incoming {
    uid: String,
    category: &'static str,
    source_uid: Option<String>,
    source_name: Option<String>,
    pipeline_id: u64,
    created_at: i64,
    metadata: Value,
    parts: Parts,
    /// The ids that the lead, the contact and the company will have.
    lead_id: u64,
    contact_id: Option<u64>,
    company_id: Option<u64>,
}

#[derive(Debug, Default)]
struct Parts {
    lead: Option<LeadChange>,
    contact: Option<PersonChange>,
    company: Option<PersonChange>,
}

/// What became of incoming leads so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sorted {
    accepted: u64,
    declined: u64,
}

struct New {
    request_id: String,
    body: Value,
    source_uid: String,
    source_name: String,
    pipeline_id: u64,
    created_at: Option<i64>,
    metadata: Value,
    parts: Parts,
}

impl State {
    pub(super) fn route_unsorted(&mut self, call: &Call, rest: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            ("GET", []) => self.list_unsorted(call),
            ("GET", ["summary"]) => Ok(self.unsorted_summary()),
            ("POST", ["forms"]) => self.add_unsorted(call, "forms"),
            ("POST", ["sip"]) => self.add_unsorted(call, "sip"),
            (method, [uid, rest @ ..]) => {
                let Some(place) = self.unsorted.iter().position(|own| own.uid == *uid) else {
                    return Err(Answer::problem(404, "Unsorted not found"));
                };
                match (method, rest) {
                    ("GET", []) => Ok(self
                        .unsorted
                        .get(place)
                        .map_or_else(not_found, |own| Answer::ok(&self.unsorted_json(own)))),
                    ("POST", ["accept"]) => self.accept(call, place),
                    // A DELETE with a body (amoCRM docs, unsorted-api).
                    ("DELETE", ["decline"]) => self.decline(call, place),
                    ("POST", ["link"]) => self.link_unsorted(call, place),
                    _ => Ok(not_found()),
                }
            }
            _ => Ok(Answer::problem(405, "Method Not Allowed")),
        }
    }

    fn list_unsorted(&self, call: &Call) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let mut rows: Vec<Value> =
            self.unsorted.iter().map(|own| self.unsorted_json(own)).collect();
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &["created_at", "updated_at"])?;
        Ok(self.page(call, &query, "unsorted", rows, false))
    }

    fn unsorted_summary(&self) -> Answer {
        let count =
            |category: &str| self.unsorted.iter().filter(|own| own.category == category).count();
        Answer::ok(&json!({
            "total": self.unsorted.len(),
            "accepted": self.sorted.accepted,
            "declined": self.sorted.declined,
            "average_sort_time": 0,
            "categories": {
                "sip": {"total": count("sip")},
                "mail": {"total": count("mail")},
                "forms": {"total": count("forms")},
                "chats": {"total": count("chats")},
            },
        }))
    }

    fn add_unsorted(&mut self, call: &Call, category: &'static str) -> Result<Answer, Answer> {
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            self.check_unsorted(category, item, request_id, problems)
        })?;
        let mut items = Vec::new();
        for new in good {
            let lead_id = self.next_id();
            let contact_id = new.parts.contact.as_ref().map(|_| self.next_id());
            let company_id = new.parts.company.as_ref().map(|_| self.next_id());
            let incoming = Incoming {
                uid: format!("{lead_id:040x}"),
                category,
                source_uid: Some(new.source_uid),
                source_name: Some(new.source_name),
                pipeline_id: new.pipeline_id,
                created_at: new.created_at.unwrap_or_else(|| self.now()),
                metadata: new.metadata,
                parts: new.parts,
                lead_id,
                contact_id,
                company_id,
            };
            items.push(json!({
                "uid": incoming.uid,
                "account_id": self.account_id,
                "request_id": new.request_id,
                "_links": self.links_of(&format!("leads/unsorted/{}", incoming.uid)),
                "_embedded": self.parts_json(&incoming),
            }));
            self.unsorted.push(incoming);
            let entry = Entry::of(LedgerKind::UnsortedAdded, lead_id, new.body);
            self.write_down(call, entry);
        }
        Ok(self.thin("leads/unsorted", "unsorted", items))
    }

    /// A chat that waits to be taken. Chats come in by an API of their own, so nobody can post one.
    pub(super) fn add_chat(&mut self, name: &str) -> String {
        let (lead_id, contact_id) = (self.next_id(), self.next_id());
        let pipeline_id = self.pipelines.first().map_or(0, |pipeline| pipeline.id);
        let uid = format!("{lead_id:040x}");
        self.unsorted.push(Incoming {
            uid: uid.clone(),
            category: "chats",
            source_uid: None,
            source_name: Some(name.to_owned()),
            pipeline_id,
            created_at: self.now(),
            metadata: json!({"from": name}),
            parts: Parts::default(),
            lead_id,
            contact_id: Some(contact_id),
            company_id: None,
        });
        uid
    }

    fn check_unsorted(
        &self,
        category: &str,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<New> {
        let mut reader = Reader::new(item, "", problems);
        reader.expect_keys(&[
            "source_uid",
            "source_name",
            "metadata",
            "pipeline_id",
            "created_at",
            "_embedded",
            "request_id",
        ]);
        for key in ["source_uid", "source_name", "metadata"] {
            reader.require(key);
        }
        let pipeline_id = reader.id("pipeline_id");
        if pipeline_id.is_some_and(|id| self.pipeline(id).is_none()) {
            reader.refuse_choice("pipeline_id");
        }
        let created_at = reader.int("created_at");
        let source_uid = reader.filled_text("source_uid").map(str::to_owned);
        let source_name = reader.filled_text("source_name").map(str::to_owned);
        let metadata = reader.object("metadata").cloned();
        if let Some(metadata) = &metadata {
            let (texts, ints, optional): (&[&str], &[&str], &[&str]) = if category == "forms" {
                (&["form_id", "form_name", "form_page", "ip"], &["form_sent_at"], &["referer"])
            } else {
                let optional = &["link", "uniq", "is_call_event_needed"];
                (&["from", "phone", "service_code"], &["called_at", "duration"], optional)
            };
            let item = reader.object("metadata")?;
            let mut reader = reader.nested(item, "metadata");
            reader.expect_keys(&[texts, ints, optional].concat());
            for key in texts.iter().chain(ints) {
                if !metadata.contains_key(*key) {
                    reader.require(key);
                }
            }
            for key in texts {
                reader.filled_text(key);
            }
            for key in ints {
                reader.int(key);
            }
        }
        let parts = self.check_parts(&mut reader);
        Some(New {
            request_id,
            body: reader.whole(),
            source_uid: source_uid?,
            source_name: source_name?,
            pipeline_id: pipeline_id.or_else(|| Some(self.pipelines.first()?.id))?,
            created_at,
            metadata: Value::Object(metadata?),
            parts,
        })
    }

    /// `_embedded`: at most one lead, contact and company, each as in its own creation.
    fn check_parts(&self, reader: &mut Reader<'_, '_>) -> Parts {
        let mut parts = Parts::default();
        let Some(embedded) = reader.object("_embedded") else { return parts };
        let mut reader = reader.nested(embedded, "_embedded");
        reader.expect_keys(&["leads", "contacts", "companies"]);
        for name in ["leads", "contacts", "companies"] {
            let list = reader.array(name).unwrap_or_default();
            if list.len() > 1 {
                let path = reader.path(name);
                reader.problems.too_many(path);
            }
            let Some(Value::Object(item)) = list.first() else { continue };
            let prefix = format!("{}.0.", reader.path(name));
            let request_id = String::new();
            let problems = &mut *reader.problems;
            match name {
                "leads" => parts.lead = self.check_new_lead_at(item, &prefix, request_id, problems),
                "contacts" => {
                    let kind = Kind::Contacts;
                    parts.contact =
                        self.check_new_person(kind, item, &prefix, request_id, problems);
                }
                _ => {
                    let kind = Kind::Companies;
                    parts.company =
                        self.check_new_person(kind, item, &prefix, request_id, problems);
                }
            }
        }
        parts
    }

    fn parts_json(&self, incoming: &Incoming) -> Value {
        let one = |kind: Kind, id: Option<u64>| -> Value {
            let one = |id| {
                let links = self.links_of(&format!("{}/{id}", kind.name()));
                json!({"id": id, "_links": links})
            };
            id.into_iter().map(one).collect()
        };
        json!({
            "leads": one(Kind::Leads, Some(incoming.lead_id)),
            "contacts": one(Kind::Contacts, incoming.contact_id),
            "companies": one(Kind::Companies, incoming.company_id),
        })
    }

    fn taken_json(&self, incoming: &Incoming) -> Value {
        json!({
            "uid": incoming.uid,
            "pipeline_id": incoming.pipeline_id,
            "category": incoming.category,
            "created_at": incoming.created_at,
            "_embedded": self.parts_json(incoming),
        })
    }

    fn unsorted_json(&self, incoming: &Incoming) -> Value {
        json!({
            "uid": incoming.uid,
            "source_uid": incoming.source_uid,
            "source_name": incoming.source_name,
            "category": incoming.category,
            "pipeline_id": incoming.pipeline_id,
            "created_at": incoming.created_at,
            "metadata": incoming.metadata,
            "account_id": self.account_id,
            "_links": self.links_of(&format!("leads/unsorted/{}", incoming.uid)),
            "_embedded": self.parts_json(incoming),
        })
    }
}
