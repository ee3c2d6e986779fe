use serde_json::{Value, json};

use super::answer::{Answer, set};
use super::query::{Filter, Filters, Query, with_of};
use super::routes::number;
use super::state::{Call, Contact, State};

const FILTERS: Filters = &[
    ("id", Filter::OneOf("id")),
    ("name", Filter::OneOf("name")),
    ("created_by", Filter::OneOf("created_by")),
    ("updated_by", Filter::OneOf("updated_by")),
    ("responsible_user_id", Filter::OneOf("responsible_user_id")),
    ("updated_at", Filter::Range("updated_at")),
];

/// The predefined e-mail field of contacts, with the id of its option WORK.
const EMAIL_FIELD: u64 = 771_908;
const WORK: u64 = 552_488;

impl State {
    /// `query` finds a text anywhere in the name and the addresses: `user@example.com` also finds
    /// `superuser@example.com`, as on the real one (issue 38 of the vendor's PHP client).
    pub(super) fn list_contacts(&self, call: &Call) -> Result<Answer, Answer> {
        let mut query = Query::read_searchable(call)?;
        if self.ignore_filters {
            query.forget_filters();
        }
        let found = self.contacts.values().filter(|contact| {
            query.search().is_none_or(|text| contact_texts(contact).any(|own| own.contains(text)))
        });
        let mut rows: Vec<Value> =
            found.map(|contact| self.contact_json(contact, query.has("leads"))).collect();
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &["updated_at", "id"])?;
        Ok(self.page(call, &query, "contacts", rows, false))
    }

    pub(super) fn get_contact(&self, call: &Call, id: &str) -> Answer {
        let contact = number(id).and_then(|id| self.contacts.get(&id));
        let with_leads = with_of(call).iter().any(|name| name == "leads");
        contact.map_or_else(Answer::nothing, |contact| {
            Answer::ok(&self.contact_json(contact, with_leads))
        })
    }

    /// `_embedded.contacts` of a lead; the one with the lowest id is the main contact.
    pub(super) fn contacts_of(&self, lead: u64) -> Value {
        let linked = self.contacts.values().filter(|contact| contact.leads.contains(&lead));
        linked
            .enumerate()
            .map(|(index, contact)| {
                let links = self.links(&format!("contacts/{}", contact.id));
                json!({"id": contact.id, "is_main": index == 0, "_links": links})
            })
            .collect()
    }

    fn contact_json(&self, contact: &Contact, with_leads: bool) -> Value {
        let (first_name, last_name) = contact.name.split_once(' ').unwrap_or((&contact.name, ""));
        let values: Vec<Value> = contact
            .emails
            .iter()
            .map(|email| json!({"value": email, "enum_id": WORK, "enum_code": "WORK"}))
            .collect();
        // A contact without values reads `null` (amoCRM docs, contacts-api).
        let fields = if values.is_empty() {
            Value::Null
        } else {
            json!([{
                "field_id": EMAIL_FIELD,
                "field_name": "Email",
                "field_code": "EMAIL",
                "field_type": "multitext",
                "values": values,
            }])
        };
        let mut embedded = json!({"tags": [], "companies": []});
        if with_leads {
            let leads = contact.leads.iter().filter(|id| self.leads.contains_key(id));
            let leads = leads
                .map(|id| json!({"id": id, "_links": self.links(&format!("leads/{id}"))}))
                .collect();
            set(&mut embedded, "leads", leads);
        }
        json!({
            "id": contact.id,
            "name": contact.name,
            "first_name": first_name,
            "last_name": last_name,
            "responsible_user_id": self.token_user,
            "group_id": 0,
            "created_by": self.token_user,
            "updated_by": self.token_user,
            "created_at": contact.created_at,
            "updated_at": contact.created_at,
            "closest_task_at": self.closest_task_at("contacts", contact.id),
            "is_deleted": false,
            "is_unsorted": false,
            "custom_fields_values": fields,
            "account_id": self.account_id,
            "_links": self.links(&format!("contacts/{}", contact.id)),
            "_embedded": embedded,
        })
    }
}

fn contact_texts(contact: &Contact) -> impl Iterator<Item = String> {
    let emails = contact.emails.iter().map(String::as_str);
    std::iter::once(contact.name.as_str()).chain(emails).map(str::to_lowercase)
}
