use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::check::{Batch, Problems, Reader, batch};
use super::kind::Owner;
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::{Entry, number};
use super::state::{Call, Catalog, Element, State};

const FILTERS: Filters = &[("id", Filter::OneOf("id"))];

/// Lists of an account (Kommo docs, limitations).
const MOST_CATALOGS: usize = 10;

struct CatalogChange {
    id: u64,
    request_id: String,
    body: Value,
    name: Option<String>,
    catalog_type: Option<String>,
}

struct ElementChange {
    id: u64,
    request_id: String,
    body: Value,
    name: Option<String>,
    fields: Vec<(u64, Option<Vec<Value>>)>,
}

impl State {
    pub(super) fn list_catalogs(&self, call: &Call) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let mut rows: Vec<Value> =
            self.catalogs.values().map(|catalog| self.catalog_json(catalog)).collect();
        query.filter(&mut rows, &[])?;
        query.sort(&mut rows, &[])?;
        Ok(self.page(call, &query, "catalogs", rows, false))
    }

    pub(super) fn get_catalog(&self, id: &str) -> Answer {
        let catalog = number(id).and_then(|id| self.catalogs.get(&id));
        catalog.map_or_else(
            || Answer::problem(404, "Catalog not found"),
            |catalog| Answer::ok(&self.catalog_json(catalog)),
        )
    }

    pub(super) fn change_catalogs(&mut self, call: &Call) -> Result<Answer, Answer> {
        let adds = call.method == "POST";
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                self.check_catalog(adds, item, request_id, problems)
            })?;
        if adds && self.catalogs.len().saturating_add(good.len()) > MOST_CATALOGS {
            return Err(Answer::problem(400, "The account has as many lists as it may have"));
        }
        let mut items = Vec::new();
        for change in good {
            let id = if adds { self.next_id() } else { change.id };
            let now = self.now();
            let catalog = self.catalogs.entry(id).or_insert_with(|| Catalog {
                id,
                name: String::new(),
                catalog_type: "regular".to_owned(),
                created_at: now,
                updated_at: now,
            });
            catalog.name = change.name.unwrap_or_else(|| catalog.name.clone());
            catalog.catalog_type =
                change.catalog_type.unwrap_or_else(|| catalog.catalog_type.clone());
            catalog.updated_at = now;
            let mut json = self.catalogs.get(&id).map_or(Value::Null, |own| self.catalog_json(own));
            super::answer::set(&mut json, "request_id", change.request_id.into());
            items.push(json);
            let entry = Entry::of(LedgerKind::Administered, id, change.body);
            self.write_down(call, entry);
        }
        Ok(refusal.unwrap_or_else(|| self.thin("catalogs", "catalogs", items)))
    }

    pub(super) fn list_elements(&self, call: &Call, catalog: u64) -> Result<Answer, Answer> {
        let query = Query::read_searchable(call)?;
        let elements = self.elements.values().filter(|element| {
            element.catalog_id == catalog
                && query.search().is_none_or(|text| element.name.to_lowercase().contains(text))
        });
        let mut rows: Vec<Value> = elements.map(|element| self.element_json(element)).collect();
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &[])?;
        Ok(self.page(call, &query, "elements", rows, false))
    }

    pub(super) fn get_element(&self, catalog: u64, id: &str) -> Answer {
        let element = number(id).and_then(|id| self.elements.get(&id));
        let element = element.filter(|element| element.catalog_id == catalog);
        element.map_or_else(Answer::nothing, |element| Answer::ok(&self.element_json(element)))
    }

    pub(super) fn change_elements(&mut self, call: &Call, catalog: u64) -> Result<Answer, Answer> {
        let adds = call.method == "POST";
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                self.check_element(catalog, adds, item, request_id, problems)
            })?;
        let mut items = Vec::new();
        for change in good {
            let id = if adds { self.add_element(catalog, "") } else { change.id };
            let now = self.now();
            let Some(element) = self.elements.get_mut(&id) else { continue };
            element.name = change.name.unwrap_or_else(|| element.name.clone());
            element.updated_at = now;
            for (field, values) in change.fields {
                match values {
                    Some(values) => element.fields.insert(field, values),
                    None => element.fields.remove(&field),
                };
            }
            let kind = if adds { LedgerKind::ElementAdded } else { LedgerKind::ElementUpdated };
            self.write_down(call, Entry::of(kind, id, change.body));
            let links = self.links_of(&format!("catalogs/{catalog}/elements/{id}"));
            items.push(json!({
                "id": id, "request_id": change.request_id, "updated_at": now, "_links": links,
            }));
        }
        let path = format!("catalogs/{catalog}/elements");
        Ok(refusal.unwrap_or_else(|| self.thin(&path, "elements", items)))
    }

    pub(super) fn add_catalog(&mut self, name: &str) -> u64 {
        let (id, now) = (self.next_id(), self.now());
        let catalog = Catalog {
            id,
            name: name.to_owned(),
            catalog_type: "products".to_owned(),
            created_at: now,
            updated_at: now,
        };
        self.catalogs.insert(id, catalog);
        id
    }

    pub(super) fn add_element(&mut self, catalog_id: u64, name: &str) -> u64 {
        let (id, now) = (self.next_id(), self.now());
        let element = Element {
            id,
            catalog_id,
            name: name.to_owned(),
            fields: std::collections::BTreeMap::new(),
            created_at: now,
            updated_at: now,
        };
        self.elements.insert(id, element);
        id
    }

    fn check_catalog(
        &self,
        adds: bool,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<CatalogChange> {
        let mut reader = Reader::new(item, "", problems);
        reader.expect_keys(&[
            "id",
            "name",
            "type",
            "sort",
            "can_add_elements",
            "can_show_in_cards",
            "can_link_multiple",
            "request_id",
        ]);
        let mut id = 0;
        if adds {
            reader.require("name");
        } else {
            id = self.check_id(&mut reader, None, |id| self.catalogs.get(&id))?.id;
        }
        reader.int("sort");
        for key in ["can_add_elements", "can_show_in_cards", "can_link_multiple"] {
            reader.boolean(key);
        }
        let catalog_type = reader.text("type").map(str::to_owned);
        if catalog_type
            .as_deref()
            .is_some_and(|own| !matches!(own, "regular" | "invoices" | "suppliers" | "products"))
        {
            reader.refuse_choice("type");
        }
        let name = reader.filled_text("name").map(str::to_owned);
        Some(CatalogChange { id, request_id, body: reader.whole(), name, catalog_type })
    }

    fn check_element(
        &self,
        catalog: u64,
        adds: bool,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<ElementChange> {
        let mut reader = Reader::new(item, "", problems);
        reader.expect_keys(&["id", "name", "custom_fields_values", "request_id"]);
        let mut id = 0;
        if adds {
            reader.require("name");
        } else {
            let own = |id| self.elements.get(&id).filter(|own| own.catalog_id == catalog);
            id = self.check_id(&mut reader, None, own)?.id;
        }
        let name = reader.filled_text("name").map(str::to_owned);
        let fields = self.check_field_values(Owner::Catalog(catalog), &mut reader);
        Some(ElementChange { id, request_id, body: reader.whole(), name, fields })
    }

    fn catalog_json(&self, catalog: &Catalog) -> Value {
        json!({
            "id": catalog.id,
            "name": catalog.name,
            "created_by": self.token_user,
            "updated_by": self.token_user,
            "created_at": catalog.created_at,
            "updated_at": catalog.updated_at,
            "sort": 10,
            "type": catalog.catalog_type,
            "can_add_elements": true,
            "can_show_in_cards": false,
            "can_link_multiple": true,
            "can_be_deleted": catalog.catalog_type != "products",
            "sdk_widget_code": null,
            "account_id": self.account_id,
            "_links": self.links_of(&format!("catalogs/{}", catalog.id)),
        })
    }

    fn element_json(&self, element: &Element) -> Value {
        let path = format!("catalogs/{}/elements/{}", element.catalog_id, element.id);
        json!({
            "id": element.id,
            "name": element.name,
            "created_by": self.token_user,
            "updated_by": self.token_user,
            "created_at": element.created_at,
            "updated_at": element.updated_at,
            "is_deleted": null,
            "custom_fields_values":
                self.field_values_json(Owner::Catalog(element.catalog_id), &element.fields),
            "catalog_id": element.catalog_id,
            "account_id": self.account_id,
            "_links": self.links_of(&path),
        })
    }
}
