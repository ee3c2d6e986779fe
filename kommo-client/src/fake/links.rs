use serde_json::{Map, Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, Problems, Reader, batch};
use super::kind::{Entity, Kind};
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::Entry;
use super::state::{Call, State};

const FILTERS: Filters = &[
    ("entity_id", Filter::OneOf("entity_id")),
    ("to_entity_id", Filter::OneOf("to_entity_id")),
    ("to_entity_type", Filter::OneOf("to_entity_type")),
    ("to_catalog_id", Filter::OneOf("to_catalog_id")),
];

/// What a link knows beside its two ends.
#[derive(Clone, Debug, Default)]
pub(super) struct LinkMeta {
    /// Whether the contact is the main one of the lead.
    pub(super) is_main: bool,
    /// How many of an element; a JSON number.
    pub(super) quantity: Option<Value>,
    pub(super) price_id: Option<u64>,
}

/// One item of a link or unlink, checked.
struct LinkChange {
    body: Value,
    from: Entity,
    to: Entity,
    meta: LinkMeta,
}

impl State {
    /// Links the two, whichever is named first. The first contact of a lead is its main one.
    pub(super) fn link(&mut self, one: Entity, other: Entity, mut meta: LinkMeta) {
        let key = in_order(one, other);
        if let (Kind::Leads, Kind::Contacts) = (key.0.kind, key.1.kind) {
            let others = self.links.iter_mut().filter(|(own, _)| {
                own.0 == key.0 && own.1.kind == Kind::Contacts && own.1 != key.1
            });
            let mut has_main = false;
            for (_, other) in others {
                other.is_main &= !meta.is_main;
                has_main |= other.is_main;
            }
            meta.is_main |= !has_main;
        }
        self.links.insert(key, meta);
    }

    /// What an entity is linked with of one kind, in the order of their ids.
    pub(super) fn linked(
        &self,
        entity: Entity,
        kind: Kind,
    ) -> impl Iterator<Item = (u64, &LinkMeta)> {
        self.links.iter().filter_map(move |((one, other), meta)| {
            let far = if *one == entity {
                other
            } else if *other == entity {
                one
            } else {
                return None;
            };
            (far.kind == kind && self.exists(*far)).then_some((far.id, meta))
        })
    }

    /// `_embedded.{leads|contacts|companies}`: ids and links only.
    pub(super) fn linked_json(&self, entity: Entity, kind: Kind) -> Value {
        self.linked(entity, kind)
            .map(|(id, meta)| {
                let links = self.links_of(&format!("{}/{id}", kind.name()));
                let mut json = json!({"id": id, "_links": links});
                if entity.kind == Kind::Leads && kind == Kind::Contacts {
                    set(&mut json, "is_main", json!(meta.is_main));
                }
                json
            })
            .collect()
    }

    /// `_embedded.catalog_elements`.
    pub(super) fn linked_elements_json(&self, entity: Entity) -> Value {
        let linked = self.linked(entity, Kind::Elements);
        linked
            .map(|(id, meta)| {
                json!({"id": id, "metadata": self.metadata(Entity::new(Kind::Elements, id), meta)})
            })
            .collect()
    }

    /// `GET {e}/{id}/links` with `of`, `GET {e}/links` without.
    pub(super) fn list_links(
        &self,
        call: &Call,
        kind: Kind,
        of: Option<u64>,
    ) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        if of.is_none() && !query.filters_by("entity_id") {
            return Err(Answer::problem(400, "Filter by entity_id is required"));
        }
        let ends = self
            .links
            .iter()
            .flat_map(|((one, other), meta)| [(*one, *other, meta), (*other, *one, meta)]);
        let ends = ends.filter(|(from, to, _)| {
            from.kind == kind && of.is_none_or(|of| from.id == of) && self.exists(*to)
        });
        let mut rows: Vec<Value> =
            ends.map(|(from, to, meta)| self.link_json(from, to, meta)).collect();
        query.filter(&mut rows, FILTERS)?;
        if rows.is_empty() {
            return Ok(Answer::nothing());
        }
        Ok(self.links_answer(call, rows))
    }

    /// `POST {e}/{id}/link` and `unlink` with `of`, the same for many entities without.
    pub(super) fn change_links(
        &mut self,
        call: &Call,
        kind: Kind,
        of: Option<u64>,
    ) -> Result<Answer, Answer> {
        let cuts = call.path.ends_with("/unlink");
        if of.is_some_and(|id| !self.exists(Entity::new(kind, id))) {
            return Err(Answer::problem(404, "Entity not found"));
        }
        let Batch { good, refusal } = batch(&call.body, false, |item, _, problems| {
            self.check_link(kind, of, item, problems)
        })?;
        let mut rows = Vec::new();
        for LinkChange { body, from, to, meta } in good {
            let kind = if cuts {
                self.links.remove(&in_order(from, to));
                LedgerKind::Unlinked
            } else {
                self.link(from, to, meta);
                LedgerKind::Linked
            };
            let entry =
                Entry { kind, id: to.id, entity_id: from.id, body, closed_without_pipeline: false };
            self.write_down(call, entry);
            if let Some(meta) = self.links.get(&in_order(from, to)) {
                rows.push(self.link_json(from, to, meta));
            }
        }
        Ok(refusal.unwrap_or_else(|| {
            if cuts { Answer::nothing() } else { self.links_answer(call, rows) }
        }))
    }

    fn links_answer(&self, call: &Call, rows: Vec<Value>) -> Answer {
        let path = call.path.trim_start_matches("/api/v4/").replace("/link", "/links");
        Answer::ok(&json!({
            "_total_items": rows.len(),
            "_links": self.links_of(&path.replace("linkss", "links")),
            "_embedded": {"links": rows},
        }))
    }

    fn check_link(
        &self,
        kind: Kind,
        of: Option<u64>,
        item: &Map<String, Value>,
        problems: &mut Problems,
    ) -> Option<LinkChange> {
        let mut reader = Reader::new(item, "", problems);
        let own: &[&str] = if of.is_some() { &[] } else { &["entity_id"] };
        reader.expect_keys(&[&["to_entity_id", "to_entity_type", "metadata"], own].concat());
        for key in own.iter().chain(&["to_entity_id", "to_entity_type"]) {
            reader.require(key);
        }
        let from = Entity::new(kind, of.or_else(|| reader.id("entity_id"))?);
        if !self.exists(from) {
            reader.refuse_choice("entity_id");
        }
        let to_kind = Kind::read(reader.text("to_entity_type")?);
        let Some(to_kind) = to_kind.filter(|to| may_link(kind, *to)) else {
            reader.refuse_choice("to_entity_type");
            return None;
        };
        let to = Entity::new(to_kind, reader.id("to_entity_id")?);
        if !self.exists(to) {
            reader.refuse_choice("to_entity_id");
        }
        let meta = self.check_metadata(&mut reader, to);
        Some(LinkChange { body: reader.whole(), from, to, meta: meta? })
    }

    /// An element is named together with its catalog.
    fn check_metadata(&self, reader: &mut Reader<'_, '_>, to: Entity) -> Option<LinkMeta> {
        let is_element = to.kind == Kind::Elements;
        if is_element {
            reader.require("metadata");
        }
        if reader.get("metadata").is_none_or(Value::is_null) && !is_element {
            return Some(LinkMeta::default());
        }
        let metadata = reader.object("metadata")?;
        let mut reader = reader.nested(metadata, "metadata");
        let keys: &[&str] = if is_element {
            &["catalog_id", "quantity", "price_id", "updated_by"]
        } else {
            &["is_main", "updated_by"]
        };
        reader.expect_keys(keys);
        self.check_author(&mut reader, "updated_by");
        let is_main = reader.boolean("is_main").unwrap_or_default();
        if !is_element {
            return Some(LinkMeta { is_main, ..LinkMeta::default() });
        }
        reader.require("catalog_id");
        let catalog = reader.id("catalog_id");
        if let (Some(catalog), Some(element)) = (catalog, self.elements.get(&to.id))
            && element.catalog_id != catalog
        {
            reader.refuse_choice("catalog_id");
        }
        let quantity = reader.get("quantity").cloned();
        let is_amount =
            |value: &Value| value.is_number() && !value.to_string().starts_with(['-', '0']);
        if quantity.as_ref().is_some_and(|value| !is_amount(value)) {
            reader.refuse_type("quantity", "int");
        }
        let price_id = reader.id("price_id");
        Some(LinkMeta { is_main: false, quantity: Some(quantity.unwrap_or(json!(1))), price_id })
    }

    fn link_json(&self, from: Entity, to: Entity, meta: &LinkMeta) -> Value {
        let catalog = self.elements.get(&to.id).filter(|_| to.kind == Kind::Elements);
        json!({
            "entity_id": from.id,
            "entity_type": from.kind.name(),
            "to_entity_id": to.id,
            "to_entity_type": to.kind.name(),
            "to_catalog_id": catalog.map(|element| element.catalog_id),
            "metadata": self.metadata(to, meta),
        })
    }

    /// Written as `is_main`, read as `main_contact` (amoCRM docs, entity-links-api).
    fn metadata(&self, to: Entity, meta: &LinkMeta) -> Value {
        match to.kind {
            Kind::Contacts => json!({"main_contact": meta.is_main}),
            Kind::Elements => {
                let element = self.elements.get(&to.id);
                let catalog = element.map(|element| element.catalog_id);
                let mut json = json!({"quantity": meta.quantity, "catalog_id": catalog});
                if let Some(price) = meta.price_id {
                    set(&mut json, "price_id", json!(price));
                }
                json
            }
            Kind::Leads | Kind::Companies => Value::Null,
        }
    }
}

/// One key for a link, whichever end it was made from.
fn in_order(one: Entity, other: Entity) -> (Entity, Entity) {
    if one <= other { (one, other) } else { (other, one) }
}

/// The pairs of amoCRM's page on links, without customers.
fn may_link(from: Kind, to: Kind) -> bool {
    from != to && from != Kind::Elements
}
