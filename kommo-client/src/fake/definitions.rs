use serde_json::{Map, Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, Problems, Reader, batch, single};
use super::kind::Owner;
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::{Entry, not_found, number};
use super::state::{Call, Field, FieldOption, State};

mod groups;

const FILTERS: Filters = &[("type", Filter::OneOf("type"))];

/// The types of section "Types of fields" of amoCRM's page on custom fields.
const TYPES: [&str; 23] = [
    "text",
    "textarea",
    "streetaddress",
    "numeric",
    "monetary",
    "price",
    "checkbox",
    "url",
    "date",
    "birthday",
    "date_time",
    "select",
    "radiobutton",
    "multiselect",
    "category",
    "multitext",
    "smart_address",
    "legal_entity",
    "linked_entity",
    "chained_list",
    "file",
    "items",
    "tracking_data",
];

/// An option as it is written: without an id it is a new one.
struct NewOption {
    id: Option<u64>,
    value: String,
    code: Option<String>,
}

struct FieldChange {
    id: u64,
    request_id: String,
    body: Value,
    name: Option<String>,
    field_type: Option<String>,
    code: Option<Option<String>>,
    group_id: Option<Option<String>>,
    is_api_only: Option<bool>,
    currency: Option<String>,
    options: Option<Vec<NewOption>>,
}

impl State {
    pub(super) fn route_fields(
        &mut self,
        call: &Call,
        owner: Owner,
        rest: &[&str],
    ) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            (_, ["groups", rest @ ..]) => self.route_groups(call, owner, rest),
            ("GET", []) => self.list_fields(call, owner),
            ("POST" | "PATCH", []) => self.change_fields(call, owner),
            ("GET", [id]) => Ok(self.get_field(owner, id)),
            (method @ ("PATCH" | "DELETE"), [id]) => {
                let field = number(id).and_then(|id| self.field(owner, id));
                let Some(id) = field.map(|field| field.id) else { return Err(no_field()) };
                if method == "DELETE" {
                    self.remove_field(id);
                    self.write_down(call, Entry::of(LedgerKind::Administered, id, Value::Null));
                    return Ok(Answer::nothing());
                }
                let change = single(&call.body, |item, request_id, problems| {
                    self.check_field_change(owner, Some(Some(id)), item, request_id, problems)
                })?;
                Ok(Answer::ok(&self.apply_field(call, owner, change)))
            }
            (_, []) => Ok(Answer::problem(405, "Method Not Allowed")),
            _ => Ok(not_found()),
        }
    }

    fn list_fields(&self, call: &Call, owner: Owner) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let mut rows: Vec<Value> = (1_u64..)
            .zip(self.fields_of(owner))
            .map(|(sort, field)| self.field_json(field, sort))
            .collect();
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &["sort", "id"])?;
        Ok(self.page(call, &query, "custom_fields", rows, true))
    }

    fn get_field(&self, owner: Owner, id: &str) -> Answer {
        let mut fields = (1_u64..).zip(self.fields_of(owner));
        let field = fields.find(|(_, field)| Some(field.id) == number(id));
        field.map_or_else(no_field, |(sort, field)| Answer::ok(&self.field_json(field, sort)))
    }

    /// 201 for new fields, 200 for changed ones.
    fn change_fields(&mut self, call: &Call, owner: Owner) -> Result<Answer, Answer> {
        let adds = call.method == "POST";
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            let addressed = if adds { None } else { Some(None) };
            self.check_field_change(owner, addressed, item, request_id, problems)
        })?;
        let items = good.into_iter().map(|change| self.apply_field(call, owner, change)).collect();
        let answer = self.thin(&owner.path(), "custom_fields", items);
        Ok(Answer { status: if adds { 201 } else { 200 }, ..answer })
    }

    /// `changes` is `None` for a new field, `Some(None)` for one that the item names, else the id of the path.
    #[expect(clippy::option_option, reason = "the two kinds of absence differ")]
    fn check_field_change(
        &self,
        owner: Owner,
        changes: Option<Option<u64>>,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<FieldChange> {
        let mut reader = Reader::new(item, "", problems);
        reader.expect_keys(&[
            "id",
            "name",
            "type",
            "code",
            "sort",
            "group_id",
            "is_api_only",
            "enums",
            "required_statuses",
            "hidden_statuses",
            "remind",
            "currency",
            "request_id",
        ]);
        let current = match changes {
            None => {
                reader.require("name");
                reader.require("type");
                None
            }
            Some(addressed) => {
                Some(self.check_id(&mut reader, addressed, |id| self.field(owner, id))?)
            }
        };
        reader.int("sort");
        reader.array("required_statuses");
        reader.array("hidden_statuses");
        reader.text("remind");
        let field_type = reader.text("type").map(str::to_owned);
        let is_known = |own: &String| TYPES.contains(&own.as_str());
        let is_other = |own: &String| current.is_some_and(|field| field.field_type != *own);
        if field_type.as_ref().is_some_and(|own| !is_known(own) || is_other(own)) {
            reader.refuse_choice("type");
        }
        let code = self.check_code(&mut reader, owner, current);
        let group_id = match reader.get("group_id") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(_) => {
                let group = reader.text("group_id");
                let is_there = |id: &str| id == "default" || self.group(owner, id).is_some();
                if group.is_some_and(|id| !is_there(id)) {
                    reader.refuse_choice("group_id");
                }
                Some(group.map(str::to_owned))
            }
        };
        let type_of = field_type.as_deref().or(current.map(|field| field.field_type.as_str()));
        let has_options = matches!(type_of, Some("select" | "multiselect" | "radiobutton"));
        if has_options && current.is_none() {
            reader.require("enums");
        }
        Some(FieldChange {
            id: current.map_or(0, |field| field.id),
            request_id,
            body: reader.whole(),
            name: reader.filled_text("name").map(str::to_owned),
            field_type,
            code,
            group_id,
            is_api_only: reader.boolean("is_api_only"),
            currency: reader.text("currency").map(str::to_owned),
            options: check_options(&mut reader, current),
        })
    }

    /// Codes are unique per kind of entity: a taken one is refused at `code`.
    #[expect(clippy::option_option, reason = "absent and null differ")]
    fn check_code(
        &self,
        reader: &mut Reader<'_, '_>,
        owner: Owner,
        current: Option<&Field>,
    ) -> Option<Option<String>> {
        if reader.get("code")?.is_null() {
            return Some(None);
        }
        let code = reader.filled_text("code")?;
        let is_word = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let holder = self.field_by_code(owner, code).map(|field| field.id);
        if !is_word || holder.is_some_and(|id| current.map(|field| field.id) != Some(id)) {
            reader.refuse_choice("code");
        }
        Some(Some(code.to_owned()))
    }

    fn apply_field(&mut self, call: &Call, owner: Owner, change: FieldChange) -> Value {
        let adds = change.id == 0;
        let id = if adds { self.next_id() } else { change.id };
        if adds {
            self.fields.push(Field {
                owner,
                id,
                code: None,
                name: String::new(),
                field_type: change.field_type.unwrap_or_default(),
                group_id: None,
                is_api_only: false,
                currency: None,
                options: Vec::new(),
            });
        }
        let options = change.options.map(|options| {
            let made = options.into_iter().map(|NewOption { id, value, code }| {
                let id = id.unwrap_or_else(|| self.next_id());
                FieldOption { id, code, value }
            });
            made.collect::<Vec<_>>()
        });
        if let Some(field) = self.fields.iter_mut().find(|field| field.id == id) {
            field.name = change.name.unwrap_or_else(|| field.name.clone());
            field.code = change.code.unwrap_or_else(|| field.code.clone());
            field.group_id = change.group_id.unwrap_or_else(|| field.group_id.clone());
            field.is_api_only = change.is_api_only.unwrap_or(field.is_api_only);
            field.currency = change.currency.or_else(|| field.currency.clone());
            field.options = options.unwrap_or_else(|| field.options.clone());
        }
        self.write_down(call, Entry::of(LedgerKind::Administered, id, change.body));
        let mut json = self.field(owner, id).map_or(Value::Null, |field| self.field_json(field, 1));
        set(&mut json, "request_id", change.request_id.into());
        json
    }

    fn field_json(&self, field: &Field, sort: u64) -> Value {
        let enums: Vec<Value> = (1_u64..)
            .zip(&field.options)
            .map(|(sort, option)| {
                json!({"id": option.id, "value": option.value, "sort": sort, "code": option.code})
            })
            .collect();
        let enums = if enums.is_empty() { Value::Null } else { Value::Array(enums) };
        let currency = match (&field.currency, field.field_type.as_str()) {
            (Some(currency), _) => Value::from(currency.as_str()),
            (None, "monetary") => Value::from(self.currency.as_str()),
            (None, _) => Value::Null,
        };
        let is_own = field.field_type != "multitext";
        json!({
            "id": field.id,
            "name": field.name,
            "type": field.field_type,
            "code": field.code,
            "account_id": self.account_id,
            "sort": sort,
            "entity_type": field.owner.path().trim_end_matches("/custom_fields"),
            "group_id": field.group_id,
            "is_api_only": field.is_api_only,
            "is_predefined": !is_own,
            "is_deletable": is_own,
            "is_computed": false,
            "enums": enums,
            "required_statuses": null,
            "settings": null,
            "remind": null,
            "currency": currency,
            "_links": self.links_of(&format!("{}/{}", field.owner.path(), field.id)),
        })
    }
}

fn no_field() -> Answer {
    Answer::problem(404, "Custom field not found")
}

/// All options, the known ones with their ids: those that are left out are gone (Kommo docs, custom fields).
fn check_options(reader: &mut Reader<'_, '_>, current: Option<&Field>) -> Option<Vec<NewOption>> {
    let mut options = Vec::new();
    for (index, item) in reader.array("enums")?.iter().enumerate() {
        let key = format!("enums.{index}");
        let Value::Object(item) = item else {
            reader.refuse_type(&key, "array");
            continue;
        };
        let mut reader = reader.nested(item, &key);
        reader.expect_keys(&["id", "value", "sort", "code"]);
        reader.require("value");
        reader.int("sort");
        let id = reader.id("id");
        let is_known = |id: u64| {
            current.is_some_and(|field| field.options.iter().any(|option| option.id == id))
        };
        if id.is_some_and(|id| !is_known(id)) {
            reader.refuse_choice("id");
        }
        let code = match reader.get("code") {
            None | Some(Value::Null) => None,
            Some(_) => reader.text("code").map(str::to_owned),
        };
        if let Some(value) = reader.filled_text("value") {
            options.push(NewOption { id, value: value.to_owned(), code });
        }
    }
    Some(options)
}
