use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::answer::Answer;
use super::check::{Batch, Reader, batch};
use super::kind::Kind;
use super::lead_checks::Tag;
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::Entry;
use super::state::{Call, OwnTag, State};

const FILTERS: Filters = &[("id", Filter::OneOf("id")), ("name", Filter::OneOf("name"))];

impl State {
    pub(super) fn list_tags(&self, call: &Call, kind: Kind) -> Result<Answer, Answer> {
        let query = Query::read_searchable(call)?;
        let tags = self.tags.iter().filter(|(_, tag)| {
            tag.kind == kind
                && query.search().is_none_or(|text| tag.name.to_lowercase().contains(text))
        });
        let mut rows: Vec<Value> =
            tags.map(|(id, tag)| json!({"id": id, "name": tag.name, "color": tag.color})).collect();
        query.filter(&mut rows, FILTERS)?;
        Ok(self.page(call, &query, "tags", rows, false))
    }

    /// A name that is there already answers with the tag that has it.
    pub(super) fn add_tags(&mut self, call: &Call, kind: Kind) -> Result<Answer, Answer> {
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            let mut reader = Reader::new(item, "", problems);
            // Only tags of leads have colours (amoCRM docs, tags-api).
            let color: &[&str] = if kind == Kind::Leads { &["color"] } else { &[] };
            reader.expect_keys(&[&["name", "request_id"], color].concat());
            reader.require("name");
            let color = reader.text("color").map(str::to_owned);
            let name = reader.filled_text("name")?.to_owned();
            Some((name, color, request_id, reader.whole()))
        })?;
        let mut items = Vec::new();
        for (name, color, request_id, body) in good {
            let known = self.tags.values().any(|tag| tag.kind == kind && tag.name == name);
            let id = self.tag_id(kind, &Tag::Name(name.clone()));
            if !known {
                if let Some(tag) = self.tags.get_mut(&id) {
                    tag.color = color;
                }
                self.write_down(call, Entry::of(LedgerKind::TagAdded, id, body));
            }
            let color = self.tags.get(&id).and_then(|tag| tag.color.clone());
            items.push(json!({"id": id, "name": name, "color": color, "request_id": request_id}));
        }
        Ok(self.thin(&format!("{}/tags", kind.name()), "tags", items))
    }

    /// Unknown names are created; ids were checked.
    pub(super) fn tag_id(&mut self, kind: Kind, tag: &Tag) -> u64 {
        match tag {
            Tag::Id(id) => *id,
            Tag::Name(name) => {
                let is_it = |own: &OwnTag| own.kind == kind && own.name == *name;
                let known = self.tags.iter().find(|(_, own)| is_it(own)).map(|(id, _)| *id);
                known.unwrap_or_else(|| {
                    let id = self.next_id();
                    self.tags.insert(id, OwnTag { kind, name: name.clone(), color: None });
                    id
                })
            }
        }
    }

    /// `_embedded.tags`.
    pub(super) fn tags_json(&self, ids: &BTreeSet<u64>) -> Value {
        ids.iter()
            .filter_map(|id| {
                let tag = self.tags.get(id)?;
                Some(json!({"id": id, "name": tag.name, "color": tag.color}))
            })
            .collect()
    }
}
