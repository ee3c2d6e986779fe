use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, Problems, Reader, batch, single};
use super::kind::{Entity, Kind, Owner};
use super::lead_checks::Tag;
use super::ledger::LedgerKind;
use super::links::LinkMeta;
use super::query::{Filter, Filters, Query, with_of};
use super::routes::{Entry, number};
use super::state::{Call, Person, State};

const FILTERS: Filters = &[
    ("id", Filter::OneOf("id")),
    ("name", Filter::OneOf("name")),
    ("created_by", Filter::OneOf("created_by")),
    ("updated_by", Filter::OneOf("updated_by")),
    ("responsible_user_id", Filter::OneOf("responsible_user_id")),
    ("updated_at", Filter::Range("updated_at")),
    ("closest_task_at", Filter::Range("closest_task_at")),
];

/// A write to one contact or company, checked as a whole.
#[derive(Debug)]
pub(super) struct PersonChange {
    /// 0 for one that is yet to be created.
    pub(super) id: u64,
    pub(super) request_id: String,
    pub(super) body: Value,
    name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    responsible_user_id: Option<u64>,
    created_by: Option<u64>,
    updated_by: Option<u64>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
    fields: Vec<(u64, Option<Vec<Value>>)>,
    tags: Option<Vec<Tag>>,
    tags_to_add: Vec<Tag>,
    tags_to_delete: Vec<Tag>,
}

impl State {
    fn people(&self, kind: Kind) -> &BTreeMap<u64, Person> {
        if kind == Kind::Companies { &self.companies } else { &self.contacts }
    }

    fn people_mut(&mut self, kind: Kind) -> &mut BTreeMap<u64, Person> {
        if kind == Kind::Companies { &mut self.companies } else { &mut self.contacts }
    }

    /// `query` finds a text anywhere in the name and the filled fields: `user@example.com` also finds
    /// `superuser@example.com`, as on the real one (issue 38 of the vendor's PHP client).
    pub(super) fn list_people(&self, call: &Call, kind: Kind) -> Result<Answer, Answer> {
        let mut query = Query::read_searchable(call)?;
        if self.ignore_filters {
            query.forget_filters();
        }
        let found = self.people(kind).values().filter(|person| {
            query.search().is_none_or(|text| person_texts(person).any(|own| own.contains(text)))
        });
        let with = query.with();
        let mut rows: Vec<Value> =
            found.map(|person| self.person_json(kind, person, &with)).collect();
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &["updated_at", "id"])?;
        Ok(self.page(call, &query, kind.name(), rows, false))
    }

    pub(super) fn get_person(&self, call: &Call, kind: Kind, id: &str) -> Answer {
        let person = number(id).and_then(|id| self.people(kind).get(&id));
        let with = with_of(call);
        let with: Vec<&str> = with.iter().map(String::as_str).collect();
        person.map_or_else(Answer::nothing, |person| {
            Answer::ok(&self.person_json(kind, person, &with))
        })
    }

    pub(super) fn change_people(&mut self, call: &Call, kind: Kind) -> Result<Answer, Answer> {
        let adds = call.method == "POST";
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                if adds {
                    self.check_new_person(kind, item, "", request_id, problems)
                } else {
                    self.check_person_update(kind, None, item, request_id, problems)
                }
            })?;
        let items = good.into_iter().map(|change| self.write_person(call, kind, change)).collect();
        Ok(refusal.unwrap_or_else(|| self.thin(kind.name(), kind.name(), items)))
    }

    pub(super) fn update_person(
        &mut self,
        call: &Call,
        kind: Kind,
        id: &str,
    ) -> Result<Answer, Answer> {
        let change = single(&call.body, |item, request_id, problems| {
            self.check_person_update(kind, number(id), item, request_id, problems)
        })?;
        let item = self.write_person(call, kind, change);
        if self.bare_patch {
            return Ok(Answer::ok(&item));
        }
        Ok(self.thin(kind.name(), kind.name(), vec![item]))
    }

    /// Applies a change and says of it what answers say.
    fn write_person(&mut self, call: &Call, kind: Kind, change: PersonChange) -> Value {
        let (request_id, adds) = (change.request_id.clone(), change.id == 0);
        let id = self.apply_person(call, kind, change);
        let links = self.links_of(&format!("{}/{id}", kind.name()));
        let mut json = json!({"id": id, "request_id": request_id, "_links": links});
        if kind == Kind::Contacts {
            set(&mut json, "is_deleted", json!(false));
            set(&mut json, "is_unsorted", json!(false));
        }
        if let Some(person) = self.people(kind).get(&id).filter(|_| !adds) {
            let (name, updated_at) = (json!(person.name), json!(person.updated_at));
            set(&mut json, "name", name);
            set(&mut json, "updated_at", updated_at);
        }
        json
    }

    /// Creates or changes. Returns the id.
    pub(super) fn apply_person(&mut self, call: &Call, kind: Kind, change: PersonChange) -> u64 {
        let id = if change.id == 0 { self.next_id() } else { change.id };
        self.apply_person_as(call, kind, id, change)
    }

    /// The same for one whose id was given away before.
    pub(super) fn apply_person_as(
        &mut self,
        call: &Call,
        kind: Kind,
        id: u64,
        change: PersonChange,
    ) -> u64 {
        let adds = change.id == 0;
        if adds {
            self.add_person_as(kind, id, "");
        }
        let (now, user) = (self.now(), self.token_user);
        let tag_ids = |state: &mut Self, tags: &[Tag]| -> Vec<u64> {
            tags.iter().map(|tag| state.tag_id(kind, tag)).collect()
        };
        let to_add = tag_ids(self, &change.tags_to_add);
        let to_delete = tag_ids(self, &change.tags_to_delete);
        let replaced = change.tags.as_deref().map(|tags| tag_ids(self, tags));
        if let Some(person) = self.people_mut(kind).get_mut(&id) {
            if change.first_name.is_some() || change.last_name.is_some() {
                person.first_name = change.first_name.unwrap_or_else(|| person.first_name.clone());
                person.last_name = change.last_name.unwrap_or_else(|| person.last_name.clone());
                let full = format!("{} {}", person.first_name, person.last_name);
                person.name = full.trim().to_owned();
            }
            if let Some(name) = change.name {
                person.set_name(&name);
            }
            person.responsible_user_id =
                change.responsible_user_id.unwrap_or(person.responsible_user_id);
            person.created_by = change.created_by.unwrap_or(person.created_by);
            person.updated_by = change.updated_by.unwrap_or(user);
            person.created_at = change.created_at.unwrap_or(person.created_at);
            person.updated_at = change.updated_at.unwrap_or(now);
            for (field, values) in change.fields {
                match values {
                    Some(values) => person.fields.insert(field, values),
                    None => person.fields.remove(&field),
                };
            }
            if let Some(tags) = replaced {
                person.tags = tags.into_iter().collect();
            }
            person.tags.extend(to_add);
            person.tags.retain(|tag| !to_delete.contains(tag));
        }
        let kind = match (kind, adds) {
            (Kind::Companies, true) => LedgerKind::CompanyAdded,
            (Kind::Companies, false) => LedgerKind::CompanyUpdated,
            (_, true) => LedgerKind::ContactAdded,
            (_, false) => LedgerKind::ContactUpdated,
        };
        self.write_down(call, Entry { entity_id: id, ..Entry::of(kind, id, change.body) });
        id
    }

    pub(super) fn add_person(&mut self, kind: Kind, name: &str) -> u64 {
        let id = self.next_id();
        self.add_person_as(kind, id, name);
        id
    }

    pub(super) fn add_person_as(&mut self, kind: Kind, id: u64, name: &str) {
        let (now, user) = (self.now(), self.token_user);
        let mut person = Person {
            id,
            name: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            responsible_user_id: user,
            created_by: user,
            updated_by: user,
            created_at: now,
            updated_at: now,
            fields: BTreeMap::new(),
            tags: BTreeSet::new(),
        };
        person.set_name(name);
        self.people_mut(kind).insert(id, person);
    }

    pub(super) fn add_contact(&mut self, name: &str, emails: &[&str], leads: &[u64]) -> u64 {
        let id = self.add_person(Kind::Contacts, name);
        let field = self.field_by_code(Owner::All(Kind::Contacts), "EMAIL");
        if let Some((field, values)) = field.map(|field| {
            let work = field.options.first();
            let value = |email: &&str| {
                json!({"value": email, "enum_id": work.map(|work| work.id), "enum_code": "WORK"})
            };
            (field.id, emails.iter().map(value).collect::<Vec<_>>())
        }) && !values.is_empty()
            && let Some(person) = self.contacts.get_mut(&id)
        {
            person.fields.insert(field, values);
        }
        for lead in leads {
            let (lead, contact) =
                (Entity::new(Kind::Leads, *lead), Entity::new(Kind::Contacts, id));
            self.link(lead, contact, LinkMeta::default());
        }
        id
    }

    /// `prefix` is where the contact stands in the request: for one inside a lead the paths begin there.
    pub(super) fn check_new_person(
        &self,
        kind: Kind,
        item: &Map<String, Value>,
        prefix: &str,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<PersonChange> {
        let mut reader = Reader::new(item, prefix, problems);
        Some(self.check_person(kind, &mut reader, &[], request_id))
    }

    fn check_person_update(
        &self,
        kind: Kind,
        addressed: Option<u64>,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<PersonChange> {
        let mut reader = Reader::new(item, "", problems);
        let current = self.check_id(&mut reader, addressed, |id| self.people(kind).get(&id));
        let mut change =
            self.check_person(kind, &mut reader, &["id", "tags_to_delete"], request_id);
        change.tags_to_delete = self.check_tags(kind, &mut reader, "tags_to_delete");
        Some(PersonChange { id: current?.id, ..change })
    }

    fn check_person(
        &self,
        kind: Kind,
        reader: &mut Reader<'_, '_>,
        more_keys: &[&str],
        request_id: String,
    ) -> PersonChange {
        const KEYS: [&str; 10] = [
            "name",
            "responsible_user_id",
            "created_by",
            "updated_by",
            "created_at",
            "updated_at",
            "custom_fields_values",
            "tags_to_add",
            "_embedded",
            "request_id",
        ];
        let names: &[&str] =
            if kind == Kind::Contacts { &["first_name", "last_name"] } else { &[] };
        reader.expect_keys(&[KEYS.as_slice(), names, more_keys].concat());
        let mut change = PersonChange {
            id: 0,
            request_id,
            body: reader.whole(),
            name: reader.filled_text("name").map(str::to_owned),
            first_name: reader.text("first_name").map(str::to_owned),
            last_name: reader.text("last_name").map(str::to_owned),
            responsible_user_id: self.check_user(reader, "responsible_user_id"),
            created_by: self.check_author(reader, "created_by"),
            updated_by: self.check_author(reader, "updated_by"),
            created_at: reader.int("created_at"),
            updated_at: reader.int("updated_at"),
            fields: self.check_field_values(Owner::All(kind), reader),
            tags: None,
            tags_to_add: self.check_tags(kind, reader, "tags_to_add"),
            tags_to_delete: Vec::new(),
        };
        if let Some(embedded) = reader.object("_embedded") {
            let mut reader = reader.nested(embedded, "_embedded");
            reader.expect_keys(&["tags"]);
            change.tags = self.check_tag_set(kind, &mut reader);
        }
        change
    }

    /// One of them with all it is linked with.
    pub(super) fn person(&self, kind: Kind, id: u64) -> Option<Value> {
        let person = self.people(kind).get(&id)?;
        Some(self.person_json(kind, person, &["leads", "contacts", "catalog_elements"]))
    }

    fn person_json(&self, kind: Kind, person: &Person, with: &[&str]) -> Value {
        let own = Entity::new(kind, person.id);
        // A contact without values reads `null`, a lead `[]` (amoCRM docs, contacts-api).
        let fields = match self.field_values_json(Owner::All(kind), &person.fields) {
            Value::Array(fields) if fields.is_empty() => Value::Null,
            fields => fields,
        };
        let mut embedded = json!({"tags": self.tags_json(&person.tags)});
        if kind == Kind::Contacts {
            set(&mut embedded, "companies", self.linked_json(own, Kind::Companies));
        }
        for other in [Kind::Leads, Kind::Contacts] {
            if other != kind && with.contains(&other.name()) {
                set(&mut embedded, other.name(), self.linked_json(own, other));
            }
        }
        if with.contains(&"catalog_elements") {
            set(&mut embedded, "catalog_elements", self.linked_elements_json(own));
        }
        let mut json = json!({
            "id": person.id,
            "name": person.name,
            "responsible_user_id": person.responsible_user_id,
            "group_id": 0,
            "created_by": person.created_by,
            "updated_by": person.updated_by,
            "created_at": person.created_at,
            "updated_at": person.updated_at,
            "closest_task_at": self.closest_task_at(kind.name(), person.id),
            "is_deleted": false,
            "custom_fields_values": fields,
            "account_id": self.account_id,
            "_links": self.links_of(&format!("{}/{}", kind.name(), person.id)),
            "_embedded": embedded,
        });
        if kind == Kind::Contacts {
            set(&mut json, "first_name", person.first_name.as_str().into());
            set(&mut json, "last_name", person.last_name.as_str().into());
            set(&mut json, "is_unsorted", json!(false));
        }
        json
    }
}

impl Person {
    fn set_name(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        first.clone_into(&mut self.first_name);
        last.clone_into(&mut self.last_name);
    }
}

/// What `query` searches: the name and the filled fields, in lower case.
fn person_texts(person: &Person) -> impl Iterator<Item = String> {
    let values = person.fields.values().flatten().filter_map(|value| value.get("value")?.as_str());
    std::iter::once(person.name.as_str()).chain(values).map(str::to_lowercase)
}
