use serde_json::{Map, Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, Problems, Reader, batch};
use super::kind::{Entity, Kind};
use super::routes::not_found;
use super::state::{Call, State};

/// A number counts by its last ten digits (amoCRM docs, calls-api).
const DIGITS: usize = 10;

struct PhoneCall {
    request_id: String,
    body: Value,
    phone: String,
    note_type: &'static str,
}

impl State {
    /// `POST calls`: where nobody has the number there is no call, and the answer is a success with `errors`.
    pub(super) fn add_calls(&mut self, call: &Call) -> Result<Answer, Answer> {
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            check_call(item, request_id, problems)
        })?;
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        for phone_call in good {
            let Some(on) = self.whose(&phone_call.phone) else {
                errors.push(json!({
                    "request_id": phone_call.request_id,
                    "title": "Entity not found",
                    "status": 263,
                    "detail": "Entity not found",
                }));
                continue;
            };
            let mut params = phone_call.body.clone();
            for key in
                ["direction", "request_id", "created_by", "responsible_user_id", "created_at"]
            {
                if let Some(params) = params.as_object_mut() {
                    params.remove(key);
                }
            }
            let note = json!([{"note_type": phone_call.note_type, "params": params}]);
            // The call is a note of whom it was with.
            let note = Call { body: note, ..call.clone() };
            let added = self.add_notes(&note, on.kind, Some(on.id))?;
            let added: Value = serde_json::from_slice(&added.body).unwrap_or_default();
            let id = added.pointer("/_embedded/notes/0/id").cloned().unwrap_or_default();
            let links = self.links_of(&format!("{}/{}", on.kind.name(), on.id));
            items.push(json!({
                "id": id,
                "entity_id": on.id,
                "entity_type": on.kind.singular(),
                "account_id": self.account_id,
                "request_id": phone_call.request_id,
                "_embedded": {"entity": {"id": on.id, "_links": links}},
            }));
        }
        let mut json = json!({"_total_items": items.len(), "errors": errors});
        if items.is_empty() && errors.is_empty() {
            return Ok(not_found());
        }
        set(&mut json, "_embedded", json!({"calls": items}));
        Ok(Answer::ok(&json))
    }

    fn whose(&self, phone: &str) -> Option<Entity> {
        let wanted = last_digits(phone);
        let has = |fields: &std::collections::BTreeMap<u64, Vec<Value>>| {
            let values = fields.values().flatten();
            let mut texts = values.filter_map(|value| value.get("value")?.as_str());
            texts.any(|text| last_digits(text) == wanted)
        };
        for kind in [Kind::Contacts, Kind::Companies] {
            let people = if kind == Kind::Contacts { &self.contacts } else { &self.companies };
            if let Some(person) = people.values().find(|person| has(&person.fields)) {
                return Some(Entity::new(kind, person.id));
            }
        }
        None
    }
}

fn last_digits(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    digits.iter().rev().take(DIGITS).collect()
}

fn check_call(
    item: &Map<String, Value>,
    request_id: String,
    problems: &mut Problems,
) -> Option<PhoneCall> {
    let mut reader = Reader::new(item, "", problems);
    reader.expect_keys(&[
        "direction",
        "uniq",
        "duration",
        "source",
        "link",
        "phone",
        "call_responsible",
        "call_status",
        "call_result",
        "created_by",
        "responsible_user_id",
        "created_at",
        "request_id",
    ]);
    for key in ["direction", "duration", "source", "phone"] {
        reader.require(key);
    }
    reader.id("duration");
    for key in ["uniq", "link", "call_result"] {
        reader.text(key);
    }
    reader.filled_text("source");
    if reader.int("call_status").is_some_and(|status| !(1..=8).contains(&status)) {
        reader.refuse_choice("call_status");
    }
    let note_type = match reader.text("direction")? {
        "inbound" => "call_in",
        "outbound" => "call_out",
        _ => {
            reader.refuse_choice("direction");
            return None;
        }
    };
    let phone = reader.filled_text("phone")?.to_owned();
    Some(PhoneCall { request_id, body: reader.whole(), phone, note_type })
}
