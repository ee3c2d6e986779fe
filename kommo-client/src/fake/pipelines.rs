use serde_json::{Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, Reader, batch, single};
use super::ledger::LedgerKind;
use super::routes::{Entry, not_found, number};
use super::state::{Call, LOST, Pipeline, Stage, State, WON};

/// Pipelines of an account, and stages of a pipeline with those of won and lost leads (amoCRM docs, leads_pipelines).
const MOST_PIPELINES: usize = 50;
const MOST_STAGES: usize = 98;

#[derive(Default)]
struct PipelineChange {
    request_id: String,
    body: Value,
    name: Option<String>,
    sort: Option<i64>,
    is_main: Option<bool>,
    is_unsorted_on: Option<bool>,
    stages: Vec<StageChange>,
}

#[derive(Default)]
struct StageChange {
    /// 142 or 143, which are only renamed.
    closed: Option<u64>,
    request_id: String,
    body: Value,
    name: Option<String>,
    sort: Option<i64>,
    color: Option<String>,
}

impl State {
    pub(super) fn list_pipelines(&self) -> Answer {
        let rows: Vec<Value> =
            self.pipelines.iter().map(|pipeline| self.pipeline_json(pipeline)).collect();
        Answer::ok(&json!({
            "_total_items": rows.len(),
            "_links": self.links_of("leads/pipelines"),
            "_embedded": {"pipelines": rows},
        }))
    }

    /// The bare object of amoCRM's docs; Kommo's show the list around it.
    pub(super) fn get_pipeline(&self, id: &str) -> Answer {
        let pipeline = number(id).and_then(|id| self.pipeline(id));
        pipeline.map_or_else(no_pipeline, |pipeline| Answer::ok(&self.pipeline_json(pipeline)))
    }

    pub(super) fn add_pipelines(&mut self, call: &Call) -> Result<Answer, Answer> {
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            let mut reader = Reader::new(item, "", problems);
            for key in ["name", "sort", "is_main", "is_unsorted_on"] {
                reader.require(key);
            }
            check_pipeline(&mut reader, request_id)
        })?;
        if self.pipelines.len().saturating_add(good.len()) > MOST_PIPELINES {
            return Err(Answer::problem(400, "The account has as many pipelines as it may have"));
        }
        let mut items = Vec::new();
        for change in good {
            let names: Vec<&str> = Vec::new();
            let id = self.add_pipeline("", &names);
            let request_id = change.request_id.clone();
            self.apply_pipeline(call, id, change);
            let mut json = self.pipeline(id).map_or(Value::Null, |own| self.pipeline_json(own));
            set(&mut json, "request_id", request_id.into());
            items.push(json);
        }
        Ok(self.thin("leads/pipelines", "pipelines", items))
    }

    pub(super) fn update_pipeline(&mut self, call: &Call, id: u64) -> Result<Answer, Answer> {
        let change = single(&call.body, |item, request_id, problems| {
            let mut reader = Reader::new(item, "", problems);
            if reader.get("_embedded").is_some() {
                let path = reader.path("_embedded");
                reader.problems.unexpected(path);
            }
            check_pipeline(&mut reader, request_id)
        })?;
        self.apply_pipeline(call, id, change);
        Ok(self.get_pipeline(&id.to_string()))
    }

    /// Kommo keeps the last pipeline and those with leads (422 was seen).
    pub(super) fn delete_pipeline(&mut self, call: &Call, id: u64) -> Answer {
        let has_leads = self.leads.values().any(|lead| lead.pipeline_id == id);
        if has_leads || self.pipelines.len() == 1 {
            return Answer::problem(422, "The pipeline cannot be deleted");
        }
        self.pipelines.retain(|pipeline| pipeline.id != id);
        self.write_down(call, Entry::of(LedgerKind::Administered, id, Value::Null));
        Answer::ok(&json!({}))
    }

    /// `leads/pipelines/{id}/statuses` and what is below.
    pub(super) fn route_stages(
        &mut self,
        call: &Call,
        pipeline: u64,
        rest: &[&str],
    ) -> Result<Answer, Answer> {
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let rows = self.stages_json(pipeline);
                let path = format!("leads/pipelines/{pipeline}/statuses");
                let count = rows.len();
                let mut json =
                    json!({"_links": self.links_of(&path), "_embedded": {"statuses": rows}});
                set(&mut json, "_total_items", json!(count));
                Ok(Answer::ok(&json))
            }
            ("POST", []) => self.add_stages(call, pipeline),
            (method, [id]) => {
                let rows = self.stages_json(pipeline);
                let row =
                    rows.iter().find(|row| row.get("id").and_then(Value::as_u64) == number(id));
                let Some(row) = row else { return Err(Answer::problem(404, "Status not found")) };
                match (method, number(id)) {
                    ("GET", _) => Ok(Answer::ok(row)),
                    ("PATCH", Some(id)) => self.update_stage(call, pipeline, id),
                    ("DELETE", Some(id)) => Ok(self.delete_stage(call, pipeline, id)),
                    _ => Ok(not_found()),
                }
            }
            _ => Ok(not_found()),
        }
    }

    fn add_stages(&mut self, call: &Call, pipeline: u64) -> Result<Answer, Answer> {
        let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.require("name");
            reader.require("sort");
            check_stage(&mut reader, request_id, &["request_id"])
        })?;
        let count = self.pipeline(pipeline).map_or(0, |pipeline| pipeline.stages.len());
        if count.saturating_add(good.len()) > MOST_STAGES {
            return Err(Answer::problem(400, "The pipeline has as many stages as it may have"));
        }
        let mut added = Vec::new();
        for change in good {
            let request_id = change.request_id.clone();
            added.push((self.add_stage(call, pipeline, change), request_id));
        }
        let rows = self.stages_json(pipeline);
        let items = added.into_iter().filter_map(|(id, request_id)| {
            let own = |row: &&Value| row.get("id").and_then(Value::as_u64) == Some(id);
            let mut row = rows.iter().find(own)?.clone();
            set(&mut row, "request_id", request_id.into());
            Some(row)
        });
        let path = format!("leads/pipelines/{pipeline}/statuses");
        Ok(self.thin(&path, "statuses", items.collect()))
    }

    fn add_stage(&mut self, call: &Call, pipeline: u64, change: StageChange) -> u64 {
        let id = self.next_id();
        let stage = Stage {
            id,
            name: change.name.unwrap_or_default(),
            sort: change.sort.unwrap_or(10),
            color: change.color.unwrap_or_else(|| "#99ccff".to_owned()),
            is_incoming: false,
        };
        if let Some(pipeline) = self.pipelines.iter_mut().find(|own| own.id == pipeline) {
            pipeline.stages.push(stage);
            // The stage of incoming leads stays first.
            pipeline.stages.sort_by_key(|stage| (!stage.is_incoming, stage.sort));
        }
        self.write_down(call, Entry::of(LedgerKind::Administered, id, change.body));
        id
    }

    fn update_stage(&mut self, call: &Call, pipeline: u64, id: u64) -> Result<Answer, Answer> {
        let change = single(&call.body, |item, request_id, problems| {
            check_stage(&mut Reader::new(item, "", problems), request_id, &["request_id"])
        })?;
        let own = self.pipelines.iter_mut().find(|own| own.id == pipeline);
        let Some(own) = own else { return Err(no_pipeline()) };
        if let Some(stage) = own.stages.iter_mut().find(|stage| stage.id == id) {
            if stage.is_incoming {
                return Err(Answer::problem(400, "System statuses cannot be changed"));
            }
            stage.name = change.name.unwrap_or_else(|| stage.name.clone());
            stage.sort = change.sort.unwrap_or(stage.sort);
            stage.color = change.color.unwrap_or_else(|| stage.color.clone());
            own.stages.sort_by_key(|stage| (!stage.is_incoming, stage.sort));
        } else if let Some(name) = change.name {
            // 142 and 143 have their place and colour for good.
            own.closed_names.insert(id, name);
        }
        self.write_down(call, Entry::of(LedgerKind::Administered, id, change.body));
        self.route_stages(
            &Call { method: "GET".to_owned(), ..call.clone() },
            pipeline,
            &[&id.to_string()],
        )
    }

    /// The leads of a deleted stage go to the first one (amoCRM docs, leads_pipelines).
    fn delete_stage(&mut self, call: &Call, pipeline: u64, id: u64) -> Answer {
        let own = self.pipelines.iter_mut().find(|own| own.id == pipeline);
        let Some(own) = own else { return no_pipeline() };
        let is_ordinary = own.stages.iter().any(|stage| stage.id == id && !stage.is_incoming);
        let ordinary = own.stages.iter().filter(|stage| !stage.is_incoming).count();
        if !is_ordinary || ordinary == 1 {
            return Answer::problem(400, "System statuses and the last one cannot be deleted");
        }
        own.stages.retain(|stage| stage.id != id);
        let first = own.first_stage().unwrap_or_default();
        for lead in self.leads.values_mut().filter(|lead| lead.status_id == id) {
            lead.status_id = first;
        }
        self.write_down(call, Entry::of(LedgerKind::Administered, id, Value::Null));
        Answer::nothing()
    }

    fn apply_pipeline(&mut self, call: &Call, id: u64, change: PipelineChange) {
        if change.is_main == Some(true) {
            for pipeline in &mut self.pipelines {
                pipeline.is_main = pipeline.id == id;
            }
        }
        let incoming = self.next_id();
        if let Some(pipeline) = self.pipelines.iter_mut().find(|own| own.id == id) {
            pipeline.name = change.name.unwrap_or_else(|| pipeline.name.clone());
            pipeline.sort = change.sort.unwrap_or(pipeline.sort);
            match change.is_unsorted_on {
                Some(true) if !pipeline.stages.iter().any(|stage| stage.is_incoming) => {
                    let name = "Incoming leads".to_owned();
                    let color = "#c1c1c1".to_owned();
                    let stage = Stage { id: incoming, name, sort: 10, color, is_incoming: true };
                    pipeline.stages.insert(0, stage);
                }
                Some(false) => pipeline.stages.retain(|stage| !stage.is_incoming),
                _ => {}
            }
            for stage in &change.stages {
                if let (Some(id), Some(name)) = (stage.closed, &stage.name) {
                    pipeline.closed_names.insert(id, name.clone());
                }
            }
        }
        self.write_down(call, Entry::of(LedgerKind::Administered, id, change.body));
        for stage in change.stages.into_iter().filter(|stage| stage.closed.is_none()) {
            self.add_stage(call, id, stage);
        }
    }

    fn stages_json(&self, pipeline: u64) -> Vec<Value> {
        let Some(pipeline) = self.pipeline(pipeline) else { return Vec::new() };
        let own = pipeline.stages.iter().map(|stage| {
            (stage.id, stage.name.as_str(), stage.sort, stage.color.as_str(), stage.is_incoming)
        });
        let name = |id: u64, name: &'static str| {
            pipeline.closed_names.get(&id).map_or(name, String::as_str)
        };
        let closed = [
            (WON, name(WON, "Closed - won"), 10_000, "#CCFF66", false),
            (LOST, name(LOST, "Closed - lost"), 11_000, "#D5D8DB", false),
        ];
        own.chain(closed)
            .map(|(id, name, sort, color, is_incoming)| {
                let path = format!("leads/pipelines/{}/statuses/{id}", pipeline.id);
                json!({
                    "id": id,
                    "name": name,
                    "sort": sort,
                    "is_editable": !is_incoming && id != WON && id != LOST,
                    "pipeline_id": pipeline.id,
                    "color": color,
                    "type": u8::from(is_incoming),
                    "account_id": self.account_id,
                    "_links": self.links_of(&path),
                })
            })
            .collect()
    }

    fn pipeline_json(&self, pipeline: &Pipeline) -> Value {
        json!({
            "id": pipeline.id,
            "name": pipeline.name,
            "sort": pipeline.sort,
            "is_main": pipeline.is_main,
            "is_unsorted_on": pipeline.stages.iter().any(|stage| stage.is_incoming),
            "is_archive": false,
            "account_id": self.account_id,
            "_links": self.links_of(&format!("leads/pipelines/{}", pipeline.id)),
            "_embedded": {"statuses": self.stages_json(pipeline.id)},
        })
    }
}

pub(super) fn no_pipeline() -> Answer {
    Answer::problem(404, "Pipeline not found")
}

fn check_pipeline(reader: &mut Reader<'_, '_>, request_id: String) -> Option<PipelineChange> {
    reader.expect_keys(&["name", "sort", "is_main", "is_unsorted_on", "_embedded", "request_id"]);
    let mut change = PipelineChange {
        request_id,
        body: reader.whole(),
        name: reader.filled_text("name").map(str::to_owned),
        sort: reader.int("sort"),
        is_main: reader.boolean("is_main"),
        is_unsorted_on: reader.boolean("is_unsorted_on"),
        stages: Vec::new(),
    };
    if let Some(embedded) = reader.object("_embedded") {
        let mut reader = reader.nested(embedded, "_embedded");
        reader.expect_keys(&["statuses"]);
        for (index, item) in reader.array("statuses").unwrap_or_default().iter().enumerate() {
            let key = format!("statuses.{index}");
            let Value::Object(item) = item else {
                reader.refuse_type(&key, "array");
                continue;
            };
            let mut reader = reader.nested(item, &key);
            change.stages.extend(check_stage(&mut reader, String::new(), &["id"]));
        }
    }
    Some(change)
}

fn check_stage(
    reader: &mut Reader<'_, '_>,
    request_id: String,
    more_keys: &[&str],
) -> Option<StageChange> {
    reader.expect_keys(&[&["name", "sort", "color"], more_keys].concat());
    let closed = if more_keys.contains(&"id") { reader.id("id") } else { None };
    if closed.is_some_and(|id| id != WON && id != LOST) {
        reader.refuse_choice("id");
    }
    let color = reader.text("color");
    // The palette is not in the pages that could be read: any hex colour will do.
    let is_hex = |color: &str| {
        let digits = color.strip_prefix('#').unwrap_or_default();
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    if color.is_some_and(|color| !is_hex(color)) {
        reader.refuse_choice("color");
    }
    Some(StageChange {
        closed,
        request_id,
        body: reader.whole(),
        name: reader.filled_text("name").map(str::to_owned),
        sort: reader.int("sort"),
        color: color.map(str::to_owned),
    })
}
