use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::check::{Batch, Problems, Reader, batch, single};
use super::kind::{Entity, Kind};
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::{Entry, number};
use super::state::{Call, State, Task};

/// The filter's name is `task_type`, not `task_type_id` (amoCRM docs, tasks-api).
const FILTERS: Filters = &[
    ("id", Filter::OneOf("id")),
    ("responsible_user_id", Filter::OneOf("responsible_user_id")),
    ("is_completed", Filter::Flag("is_completed")),
    ("task_type", Filter::OneOf("task_type_id")),
    ("entity_type", Filter::OneOf("entity_type")),
    ("entity_id", Filter::OneOf("entity_id")),
    ("updated_at", Filter::Range("updated_at")),
];

struct TaskChange {
    /// 0 for a task that is yet to be created.
    id: u64,
    request_id: String,
    body: Value,
    entity: Option<(String, u64)>,
    text: Option<String>,
    complete_till: Option<i64>,
    task_type_id: Option<u64>,
    responsible_user_id: Option<u64>,
    duration: Option<i64>,
    is_completed: Option<bool>,
    result: Option<String>,
    created_by: Option<u64>,
    updated_by: Option<u64>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
}

impl State {
    pub(super) fn list_tasks(&self, call: &Call) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let mut rows: Vec<Value> = self
            .tasks
            .values()
            .filter(|task| self.is_listed(task.written))
            .map(|task| self.task_json(task))
            .collect();
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &["created_at", "complete_till", "id"])?;
        Ok(self.page(call, &query, "tasks", rows, false))
    }

    pub(super) fn get_task(&self, id: &str) -> Answer {
        let task = number(id).and_then(|id| self.tasks.get(&id));
        task.map_or_else(Answer::nothing, |task| Answer::ok(&self.task_json(task)))
    }

    pub(super) fn add_tasks(&mut self, call: &Call) -> Result<Answer, Answer> {
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                let mut reader = Reader::new(item, "", problems);
                reader.require("text");
                reader.require("complete_till");
                self.check_task(&mut reader, item, request_id, &[])
            })?;
        let mut items = Vec::new();
        for mut change in good {
            change.id = self.next_id();
            let (id, request_id) = (change.id, change.request_id.clone());
            self.tasks.insert(id, self.blank_task(id));
            self.apply_task(call, change, LedgerKind::TaskAdded);
            let links = self.links_of(&format!("tasks/{id}"));
            items.push(json!({"id": id, "request_id": request_id, "_links": links}));
        }
        Ok(refusal.unwrap_or_else(|| self.thin("tasks", "tasks", items)))
    }

    pub(super) fn update_tasks(&mut self, call: &Call) -> Result<Answer, Answer> {
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                self.check_task_update(None, item, request_id, problems)
            })?;
        let items = good.into_iter().map(|change| self.change_task(call, change)).collect();
        Ok(refusal.unwrap_or_else(|| self.thin("tasks", "tasks", items)))
    }

    pub(super) fn update_task(&mut self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let change = single(&call.body, |item, request_id, problems| {
            self.check_task_update(number(id), item, request_id, problems)
        })?;
        let item = self.change_task(call, change);
        if self.bare_patch {
            return Ok(Answer::ok(&item));
        }
        Ok(self.thin("tasks", "tasks", vec![item]))
    }

    fn check_task_update(
        &self,
        addressed: Option<u64>,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<TaskChange> {
        let mut reader = Reader::new(item, "", problems);
        let current = self.check_id(&mut reader, addressed, |id| self.tasks.get(&id));
        let change = self.check_task(&mut reader, item, request_id, &["id"]);
        Some(TaskChange { id: current?.id, ..change? })
    }

    fn check_task(
        &self,
        reader: &mut Reader<'_, '_>,
        item: &Map<String, Value>,
        request_id: String,
        more_keys: &[&str],
    ) -> Option<TaskChange> {
        const KEYS: [&str; 14] = [
            "text",
            "complete_till",
            "task_type_id",
            "entity_id",
            "entity_type",
            "responsible_user_id",
            "duration",
            "is_completed",
            "result",
            "created_by",
            "updated_by",
            "created_at",
            "updated_at",
            "request_id",
        ];
        reader.expect_keys(&[KEYS.as_slice(), more_keys].concat());
        let task_type_id = reader.id("task_type_id");
        if task_type_id.is_some_and(|id| !matches!(id, 1 | 2)) {
            reader.refuse_choice("task_type_id");
        }
        Some(TaskChange {
            id: 0,
            request_id,
            body: Value::Object(item.clone()),
            entity: self.check_entity(reader),
            text: reader.filled_text("text").map(str::to_owned),
            complete_till: reader.int("complete_till"),
            task_type_id,
            responsible_user_id: self.check_user(reader, "responsible_user_id"),
            duration: reader.int("duration"),
            is_completed: reader.boolean("is_completed"),
            result: check_result(reader),
            created_by: self.check_author(reader, "created_by"),
            updated_by: self.check_author(reader, "updated_by"),
            created_at: reader.int("created_at"),
            updated_at: reader.int("updated_at"),
        })
    }

    /// A task is on a lead, contact or company that is there, or on nothing.
    fn check_entity(&self, reader: &mut Reader<'_, '_>) -> Option<(String, u64)> {
        let (entity_type, id) = (reader.text("entity_type"), reader.id("entity_id"));
        if reader.get("entity_type").is_none() && reader.get("entity_id").is_none() {
            return None;
        }
        reader.require("entity_type");
        reader.require("entity_id");
        let (entity_type, id) = (entity_type?, id?);
        let kind = Kind::read(entity_type).filter(|kind| *kind != Kind::Elements);
        if kind.is_none() && entity_type != "customers" {
            reader.refuse_choice("entity_type");
            return None;
        }
        // The fake has no customers.
        if kind.is_none_or(|kind| !self.exists(Entity::new(kind, id))) {
            reader.refuse_choice("entity_id");
        }
        Some((entity_type.to_owned(), id))
    }

    fn blank_task(&self, id: u64) -> Task {
        let now = self.now();
        Task {
            id,
            entity: None,
            text: String::new(),
            complete_till: now,
            task_type_id: 1,
            responsible_user_id: self.token_user,
            duration: 0,
            is_completed: false,
            result: None,
            written: self.written(),
            created_by: self.token_user,
            updated_by: self.token_user,
            created_at: now,
            updated_at: now,
        }
    }

    fn change_task(&mut self, call: &Call, change: TaskChange) -> Value {
        let (id, request_id) = (change.id, change.request_id.clone());
        self.apply_task(call, change, LedgerKind::TaskUpdated);
        let updated_at = self.tasks.get(&id).map(|task| task.updated_at);
        let links = self.links_of(&format!("tasks/{id}"));
        json!({"id": id, "updated_at": updated_at, "request_id": request_id, "_links": links})
    }

    fn apply_task(&mut self, call: &Call, change: TaskChange, kind: LedgerKind) {
        let (now, user) = (self.now(), self.token_user);
        let Some(task) = self.tasks.get_mut(&change.id) else { return };
        if let Some(entity) = change.entity {
            task.entity = Some(entity);
        }
        if let Some(text) = change.text {
            task.text = text;
        }
        if let Some(result) = change.result {
            task.result = Some(result);
        }
        task.complete_till = change.complete_till.unwrap_or(task.complete_till);
        task.task_type_id = change.task_type_id.unwrap_or(task.task_type_id);
        task.responsible_user_id = change.responsible_user_id.unwrap_or(task.responsible_user_id);
        task.duration = change.duration.unwrap_or(task.duration);
        task.is_completed = change.is_completed.unwrap_or(task.is_completed);
        task.created_by = change.created_by.unwrap_or(task.created_by);
        task.updated_by = change.updated_by.unwrap_or(user);
        task.created_at = change.created_at.unwrap_or(task.created_at);
        task.updated_at = change.updated_at.unwrap_or(now);
        let entity_id = task.entity.as_ref().map_or(0, |(_, id)| *id);
        let (id, body) = (change.id, change.body);
        self.write_down(call, Entry { entity_id, ..Entry::of(kind, id, body) });
    }

    pub(super) fn tasks_of(&self, lead: u64) -> Vec<Value> {
        let tasks = self.tasks.values().filter(|task| is_on(task, "leads", lead));
        tasks.map(|task| self.task_json(task)).collect()
    }

    /// When the next open task of an entity is due.
    pub(super) fn closest_task_at(&self, entity_type: &str, id: u64) -> Option<i64> {
        let open = self.tasks.values().filter(|task| !task.is_completed);
        open.filter(|task| is_on(task, entity_type, id)).map(|task| task.complete_till).min()
    }

    fn task_json(&self, task: &Task) -> Value {
        let (entity_type, entity_id) = task.entity.clone().unzip();
        // A task without a result has an empty list there, not null (Kommo docs, tasks-list).
        let result = task.result.as_ref().map_or(json!([]), |text| json!({"text": text}));
        json!({
            "id": task.id,
            "created_by": task.created_by,
            "updated_by": task.updated_by,
            "created_at": task.created_at,
            "updated_at": task.updated_at,
            "responsible_user_id": task.responsible_user_id,
            "group_id": 0,
            "entity_id": entity_id,
            "entity_type": entity_type,
            "duration": task.duration,
            "is_completed": task.is_completed,
            "task_type_id": task.task_type_id,
            "text": task.text,
            "result": result,
            "complete_till": task.complete_till,
            "account_id": self.account_id,
            "_links": self.links_of(&format!("tasks/{}", task.id)),
        })
    }
}

fn is_on(task: &Task, entity_type: &str, id: u64) -> bool {
    task.entity.as_ref().is_some_and(|(own, own_id)| own == entity_type && *own_id == id)
}

fn check_result(reader: &mut Reader<'_, '_>) -> Option<String> {
    let result = reader.object("result")?;
    let mut reader = reader.nested(result, "result");
    reader.expect_keys(&["text"]);
    reader.require("text");
    reader.text("text").map(str::to_owned)
}
