use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::check::{Batch, Problems, Reader, batch};
use super::kind::{Entity, Kind};
use super::lead_checks::LeadChange;
use super::links::LinkMeta;
use super::people::PersonChange;
use super::state::{Call, State};

/// Leads in one request, and values of one entity (Kommo docs, complex-leads).
const MOST_LEADS: usize = 50;
const MOST_VALUES: usize = 40;

enum Part {
    Known(u64),
    New(Box<PersonChange>),
}

struct Complex {
    lead: LeadChange,
    contact: Option<Part>,
    company: Option<Part>,
}

impl State {
    /// `POST leads/complex`: an array of answers, without an envelope. The fake looks for no duplicates.
    pub(super) fn add_complex(&mut self, call: &Call) -> Result<Answer, Answer> {
        if call.body.as_array().is_some_and(|items| items.len() > MOST_LEADS) {
            return Err(Answer::problem(400, "Request body must have from 1 to 50 items"));
        }
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            self.check_complex(item, request_id, problems)
        })?;
        let mut items = Vec::new();
        for Complex { lead, contact, company } in good {
            let request_id = lead.request_id.clone();
            let lead = Entity::new(Kind::Leads, self.create_lead(call, lead));
            let contact = self.make_part(call, Kind::Contacts, contact);
            let company = self.make_part(call, Kind::Companies, company);
            for other in [contact, company].into_iter().flatten() {
                self.link(lead, other, LinkMeta::default());
            }
            if let (Some(contact), Some(company)) = (contact, company) {
                self.link(contact, company, LinkMeta::default());
            }
            items.push(json!({
                "id": lead.id,
                "contact_id": contact.map(|contact| contact.id),
                "company_id": company.map(|company| company.id),
                "request_id": [request_id],
                "merged": false,
            }));
        }
        Ok(Answer::ok(&Value::Array(items)))
    }

    fn make_part(&mut self, call: &Call, kind: Kind, part: Option<Part>) -> Option<Entity> {
        let id = match part? {
            Part::Known(id) => id,
            Part::New(change) => self.apply_person(call, kind, *change),
        };
        Some(Entity::new(kind, id))
    }

    fn check_complex(
        &self,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<Complex> {
        // The people are checked here; what is left is a lead as in `POST leads`.
        let mut plain = item.clone();
        let embedded = plain.get_mut("_embedded").and_then(Value::as_object_mut);
        let people = embedded.map(|embedded| {
            (embedded.remove("contacts"), embedded.remove("companies"), embedded.remove("metadata"))
        });
        let (contact, company, metadata) = people.unwrap_or_default();
        let lead = self.check_new_lead_at(&plain, "", request_id, problems);
        if metadata.is_some_and(|metadata| !metadata.is_object()) {
            problems.wrong_type("_embedded.metadata", "array");
        }
        let values = item.get("custom_fields_values").and_then(Value::as_array);
        if values.is_some_and(|values| values.len() > MOST_VALUES) {
            problems.too_many("custom_fields_values");
        }
        let contact = self.check_part(Kind::Contacts, contact.as_ref(), problems);
        let company = self.check_part(Kind::Companies, company.as_ref(), problems);
        let lead = LeadChange { body: Value::Object(item.clone()), ..lead? };
        Some(Complex { lead, contact, company })
    }

    /// One that is there, by its id, or a new one in full.
    fn check_part(
        &self,
        kind: Kind,
        list: Option<&Value>,
        problems: &mut Problems,
    ) -> Option<Part> {
        let path = format!("_embedded.{}", kind.name());
        let Some(list) = list?.as_array() else {
            problems.wrong_type(path, "array");
            return None;
        };
        if list.len() > 1 {
            problems.too_many(path.clone());
        }
        let Some(item) = list.first()?.as_object() else {
            problems.wrong_type(format!("{path}.0"), "array");
            return None;
        };
        let prefix = format!("{path}.0.");
        if item.contains_key("id") {
            let mut reader = Reader::new(item, &prefix, problems);
            reader.expect_keys(&["id", "is_main"]);
            let id = reader.id("id")?;
            if !self.exists(Entity::new(kind, id)) {
                reader.refuse_choice("id");
            }
            return Some(Part::Known(id));
        }
        let change = self.check_new_person(kind, item, &prefix, String::new(), problems)?;
        Some(Part::New(Box::new(change)))
    }
}
