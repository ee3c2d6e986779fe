use serde_json::{Map, Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, Problems, Reader, batch};
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::{Entry, not_found, number};
use super::state::{Call, Source, State};

const FILTERS: Filters = &[("external_id", Filter::OneOf("external_id"))];

/// Sources of one integration (amoCRM docs, sources-api).
const MOST_SOURCES: usize = 100;

impl State {
    pub(super) fn route_sources(&mut self, call: &Call, rest: &[&str]) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let query = Query::read(call)?;
                let mut rows: Vec<Value> =
                    self.sources.iter().map(|source| self.source_json(source)).collect();
                query.filter(&mut rows, FILTERS)?;
                Ok(self.page(call, &query, "sources", rows, true))
            }
            ("POST" | "PATCH", []) => self.change_sources(call),
            (method, [id]) => {
                let place = self.sources.iter().position(|source| Some(source.id) == number(id));
                let Some(place) = place else {
                    return Err(Answer::problem(404, "Source not found"));
                };
                match method {
                    "GET" => Ok(self
                        .sources
                        .get(place)
                        .map_or_else(not_found, |own| Answer::ok(&self.source_json(own)))),
                    "DELETE" => {
                        let source = self.sources.remove(place);
                        let entry = Entry::of(LedgerKind::Administered, source.id, Value::Null);
                        self.write_down(call, entry);
                        Ok(Answer::nothing())
                    }
                    _ => Ok(Answer::problem(405, "Method Not Allowed")),
                }
            }
            _ => Ok(not_found()),
        }
    }

    fn change_sources(&mut self, call: &Call) -> Result<Answer, Answer> {
        let adds = call.method == "POST";
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            self.check_source(adds, item, problems).map(|source| (source, request_id, item.clone()))
        })?;
        if adds && self.sources.len().saturating_add(good.len()) > MOST_SOURCES {
            return Err(Answer::problem(400, "The integration has as many sources as it may have"));
        }
        let mut items = Vec::new();
        for (mut source, request_id, body) in good {
            if adds {
                source.id = self.next_id();
            }
            if source.is_default {
                for other in &mut self.sources {
                    other.is_default = false;
                }
            }
            let id = source.id;
            let mut json = self.source_json(&source);
            self.sources.retain(|own| own.id != id);
            self.sources.push(source);
            set(&mut json, "request_id", request_id.into());
            items.push(json);
            self.write_down(call, Entry::of(LedgerKind::Administered, id, Value::Object(body)));
        }
        Ok(self.thin("sources", "sources", items))
    }

    /// `external_id` is a text, whatever the docs say (an issue of another client), and stands for one source.
    fn check_source(
        &self,
        adds: bool,
        item: &Map<String, Value>,
        problems: &mut Problems,
    ) -> Option<Source> {
        let mut reader = Reader::new(item, "", problems);
        reader.expect_keys(&[
            "id",
            "name",
            "external_id",
            "pipeline_id",
            "default",
            "origin_code",
            "services",
            "request_id",
        ]);
        let current = if adds {
            reader.require("name");
            reader.require("external_id");
            None
        } else {
            let own = |id| self.sources.iter().find(|source| source.id == id);
            Some(self.check_id(&mut reader, None, own)?)
        };
        reader.text("origin_code");
        reader.array("services");
        let pipeline_id = reader.id("pipeline_id");
        if pipeline_id.is_some_and(|id| self.pipeline(id).is_none()) {
            reader.refuse_choice("pipeline_id");
        }
        let name = reader.filled_text("name").map(str::to_owned);
        let external_id = reader.filled_text("external_id").map(str::to_owned);
        let is_taken = self.sources.iter().any(|source| {
            Some(&source.external_id) == external_id.as_ref()
                && Some(source.id) != current.map(|own| own.id)
        });
        if is_taken {
            reader.refuse_choice("external_id");
        }
        let is_default = reader.boolean("default");
        let own = current.cloned().unwrap_or_default();
        Some(Source {
            id: own.id,
            name: name.unwrap_or(own.name),
            external_id: external_id.unwrap_or(own.external_id),
            pipeline_id: pipeline_id.or(own.pipeline_id),
            is_default: is_default.unwrap_or(own.is_default),
        })
    }

    fn source_json(&self, source: &Source) -> Value {
        let main = self.pipelines.iter().find(|pipeline| pipeline.is_main);
        json!({
            "id": source.id,
            "name": source.name,
            "pipeline_id": source.pipeline_id.or(main.map(|pipeline| pipeline.id)),
            "external_id": source.external_id,
            "default": source.is_default,
            "origin_code": null,
            "services": [],
            "_links": self.links_of(&format!("sources/{}", source.id)),
        })
    }
}
