use serde_json::{Value, json};

use super::answer::{Answer, set};
use super::check::{Batch, batch, single};
use super::kind::{Entity, Kind, Owner};
use super::lead_checks::{LeadChange, Tag};
use super::ledger::LedgerKind;
use super::links::LinkMeta;
use super::query::{Filter, Filters, Query, with_of};
use super::routes::{Entry, number};
use super::seed::FakeLead;
use super::state::{Call, LOST, Lead, Pipeline, State, is_closed};

const FILTERS: Filters = &[
    ("id", Filter::OneOf("id")),
    ("name", Filter::OneOf("name")),
    ("price", Filter::OneOf("price")),
    ("statuses", Filter::Stages),
    ("pipeline_id", Filter::OneOf("pipeline_id")),
    ("created_by", Filter::OneOf("created_by")),
    ("updated_by", Filter::OneOf("updated_by")),
    ("responsible_user_id", Filter::OneOf("responsible_user_id")),
    ("created_at", Filter::Range("created_at")),
    ("updated_at", Filter::Range("updated_at")),
    ("closed_at", Filter::Range("closed_at")),
    ("closest_task_at", Filter::Range("closest_task_at")),
];

impl State {
    pub(super) fn list_leads(&self, call: &Call) -> Result<Answer, Answer> {
        let mut query = Query::read_searchable(call)?;
        if self.ignore_filters {
            query.forget_filters();
        }
        let mut rows: Vec<Value> = if query.has("only_deleted") {
            self.trash.iter().map(|(id, at)| self.trashed_json(*id, *at)).collect()
        } else {
            let found = self.leads.values().filter(|lead| {
                query.search().is_none_or(|text| lead_texts(lead).any(|own| own.contains(text)))
            });
            found.map(|lead| self.lead_json(lead, &query.with())).collect()
        };
        query.filter(&mut rows, FILTERS)?;
        query.sort(&mut rows, &["created_at", "updated_at", "id"])?;
        Ok(self.page(call, &query, "leads", rows, false))
    }

    /// A lead that is not there is 204, not 404 (amoCRM docs, leads-api).
    pub(super) fn get_lead(&self, call: &Call, id: &str) -> Answer {
        let lead = number(id).and_then(|id| self.leads.get(&id));
        let with = with_of(call);
        let with: Vec<&str> = with.iter().map(String::as_str).collect();
        lead.map_or_else(Answer::nothing, |lead| Answer::ok(&self.lead_json(lead, &with)))
    }

    pub(super) fn add_leads(&mut self, call: &Call) -> Result<Answer, Answer> {
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                self.check_new_lead(item, request_id, problems)
            })?;
        self.refuse_loss_reasons(&good)?;
        let mut items = Vec::new();
        for change in good {
            let request_id = change.request_id.clone();
            let id = self.create_lead(call, change);
            let links = self.links_of(&format!("leads/{id}"));
            items.push(json!({"id": id, "request_id": request_id, "_links": links}));
        }
        Ok(refusal.unwrap_or_else(|| self.thin("leads", "leads", items)))
    }

    pub(super) fn update_leads(&mut self, call: &Call) -> Result<Answer, Answer> {
        let Batch { good, refusal } =
            batch(&call.body, self.partial_batches, |item, request_id, problems| {
                self.check_lead_update(None, item, request_id, problems)
            })?;
        self.refuse_loss_reasons(&good)?;
        let items = good.into_iter().map(|change| self.change_lead(call, change)).collect();
        Ok(refusal.unwrap_or_else(|| self.thin("leads", "leads", items)))
    }

    pub(super) fn update_lead(&mut self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let change = single(&call.body, |item, request_id, problems| {
            self.check_lead_update(number(id), item, request_id, problems)
        })?;
        self.refuse_loss_reasons(std::slice::from_ref(&change))?;
        let item = self.change_lead(call, change);
        if self.bare_patch {
            return Ok(Answer::ok(&item));
        }
        Ok(self.thin("leads", "leads", vec![item]))
    }

    /// The one rule that answers in shape C: a loss reason needs the status 143.
    fn refuse_loss_reasons(&self, changes: &[LeadChange]) -> Result<(), Answer> {
        let refused = changes.iter().filter(|change| {
            let current = self.leads.get(&change.id).map(|lead| lead.status_id);
            let status = change.stage.map(|stage| stage.status_id).or(current);
            matches!(change.loss_reason, Some(Some(_))) && status != Some(LOST)
        });
        let errors: Vec<(String, &str)> = refused
            .map(|change| (change.key(), "Loss reason can be specified only for lost lead"))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(Answer::rule(&errors)) }
    }

    pub(super) fn create_lead(&mut self, call: &Call, change: LeadChange) -> u64 {
        let id = self.next_id();
        self.create_lead_as(call, id, change)
    }

    /// Makes the lead of an incoming one: what was said of it, but the stage is that of who takes it.
    pub(super) fn make_lead(
        &mut self,
        call: &Call,
        id: u64,
        change: Option<LeadChange>,
        pipeline: u64,
        status: Option<u64>,
        user: Option<u64>,
    ) {
        match change {
            Some(change) => drop(self.create_lead_as(call, id, change)),
            None => drop(self.add_lead(FakeLead::new("").id(id))),
        }
        let first = self.pipeline(pipeline).and_then(Pipeline::first_stage);
        let home = status.and_then(|status| {
            let own = self.pipelines.iter().find(|own| own.id == pipeline && own.has(status));
            own.or_else(|| self.pipelines.iter().find(|own| own.has(status))).map(|own| own.id)
        });
        if let Some(status) = status.or(first) {
            self.move_lead(id, home.unwrap_or(pipeline), status);
        }
        if let (Some(lead), Some(user)) = (self.leads.get_mut(&id), user) {
            lead.responsible_user_id = user;
        }
    }

    fn create_lead_as(&mut self, call: &Call, id: u64, mut change: LeadChange) -> u64 {
        let lead = FakeLead::new(change.name.as_deref().unwrap_or_default()).id(id);
        self.add_lead(lead.responsible(self.token_user));
        let named = change.name.is_some();
        change.id = id;
        if let Some(lead) = self.leads.get_mut(&id) {
            if !named {
                lead.name = format!("Lead #{id}");
            }
            if let Some(stage) = change.stage {
                (lead.pipeline_id, lead.status_id) = (stage.pipeline_id, stage.status_id);
            }
            lead.closed_at = is_closed(lead.status_id).then_some(lead.created_at);
        }
        let lead = Entity::new(Kind::Leads, id);
        for (contact, is_main) in &change.contacts {
            let meta = LinkMeta { is_main: *is_main, ..LinkMeta::default() };
            self.link(lead, Entity::new(Kind::Contacts, *contact), meta);
        }
        for company in &change.companies {
            self.link(lead, Entity::new(Kind::Companies, *company), LinkMeta::default());
        }
        self.apply_change(call, change, LedgerKind::LeadAdded);
        id
    }

    fn change_lead(&mut self, call: &Call, change: LeadChange) -> Value {
        let id = change.id;
        self.apply_change(call, change, LedgerKind::LeadUpdated);
        let updated_at = self.leads.get(&id).map(|lead| lead.updated_at);
        json!({"id": id, "updated_at": updated_at, "_links": self.links_of(&format!("leads/{id}"))})
    }

    fn apply_change(&mut self, call: &Call, change: LeadChange, kind: LedgerKind) {
        let now = self.now();
        let user = self.token_user;
        let tag_ids = |state: &mut Self, tags: &[Tag]| -> Vec<u64> {
            tags.iter().map(|tag| state.tag_id(Kind::Leads, tag)).collect()
        };
        let to_add = tag_ids(self, &change.tags_to_add);
        let to_delete = tag_ids(self, &change.tags_to_delete);
        let replaced = change.tags.as_deref().map(|tags| tag_ids(self, tags));
        let Some(lead) = self.leads.get_mut(&change.id) else { return };
        let before = (lead.pipeline_id, lead.status_id, lead.price_minor);
        if let Some(name) = change.name {
            lead.name = name;
        }
        if let Some(price) = change.price_minor {
            lead.price_minor = price;
        }
        let mut closed_without_pipeline = false;
        if let Some(stage) = change.stage {
            let was_closed = is_closed(lead.status_id);
            (lead.pipeline_id, lead.status_id) = (stage.pipeline_id, stage.status_id);
            closed_without_pipeline = stage.closed_without_pipeline;
            if is_closed(lead.status_id) && !was_closed {
                lead.closed_at = Some(now);
            }
        }
        if let Some(reason) = change.loss_reason {
            lead.loss_reason_id = reason;
        }
        if let Some(closed_at) = change.closed_at {
            lead.closed_at = closed_at;
        }
        if !is_closed(lead.status_id) {
            lead.closed_at = None;
        }
        if lead.status_id != LOST {
            lead.loss_reason_id = None;
        }
        lead.responsible_user_id = change.responsible_user_id.unwrap_or(lead.responsible_user_id);
        lead.created_by = change.created_by.unwrap_or(lead.created_by);
        lead.updated_by = change.updated_by.unwrap_or(user);
        lead.created_at = change.created_at.unwrap_or(lead.created_at);
        lead.updated_at = change.updated_at.unwrap_or(now);
        for (field, values) in change.fields {
            match values {
                Some(values) => lead.fields.insert(field, values),
                None => lead.fields.remove(&field),
            };
        }
        if let Some(tags) = replaced {
            lead.tags = tags.into_iter().collect();
        }
        lead.tags.extend(to_add);
        lead.tags.retain(|tag| !to_delete.contains(tag));
        let after = (lead.pipeline_id, lead.status_id, lead.price_minor);
        if kind == LedgerKind::LeadUpdated {
            self.log_change(change.id, before, after);
        }
        let (id, body) = (change.id, change.body);
        self.write_down(call, Entry { kind, id, entity_id: id, body, closed_without_pipeline });
    }

    fn log_change(&mut self, id: u64, before: (u64, u64, i64), after: (u64, u64, i64)) {
        if (before.0, before.1) != (after.0, after.1) {
            let stage = |(pipeline, status, _): (u64, u64, i64)| json!([{"lead_status": {"id": status, "pipeline_id": pipeline}}]);
            self.happened("lead_status_changed", Kind::Leads, id, stage(before), stage(after));
        }
        if before.2 != after.2 {
            let price = |(_, _, minor): (u64, u64, i64)| json!([{"sale_field_value": {"sale": minor.checked_div(100)}}]);
            self.happened("sale_field_changed", Kind::Leads, id, price(before), price(after));
        }
    }

    pub(super) fn lead_json(&self, lead: &Lead, with: &[&str]) -> Value {
        let own = Entity::new(Kind::Leads, lead.id);
        let companies = self.linked_json(own, Kind::Companies);
        let mut embedded = json!({"tags": self.tags_json(&lead.tags), "companies": companies});
        if with.contains(&"contacts") {
            set(&mut embedded, "contacts", self.linked_json(own, Kind::Contacts));
        }
        if with.contains(&"catalog_elements") {
            set(&mut embedded, "catalog_elements", self.linked_elements_json(own));
        }
        if with.contains(&"loss_reason") {
            let reason = lead.loss_reason_id.and_then(|id| self.loss_reason_json(id));
            set(&mut embedded, "loss_reason", reason.into_iter().collect());
        }
        let mut json = json!({
            "id": lead.id,
            "name": lead.name,
            "price": lead.price_minor.checked_div(100),
            "responsible_user_id": lead.responsible_user_id,
            "group_id": 0,
            "status_id": lead.status_id,
            "pipeline_id": lead.pipeline_id,
            "loss_reason_id": lead.loss_reason_id,
            "created_by": lead.created_by,
            "updated_by": lead.updated_by,
            "created_at": lead.created_at,
            "updated_at": lead.updated_at,
            "closed_at": lead.closed_at,
            "closest_task_at": self.closest_task_at("leads", lead.id),
            "is_deleted": false,
            "custom_fields_values": self.field_values_json(Owner::All(Kind::Leads), &lead.fields),
            "score": null,
            "account_id": self.account_id,
            "labor_cost": null,
            "is_price_computed": false,
            "_links": self.links_of(&format!("leads/{}", lead.id)),
            "_embedded": embedded,
        });
        if self.minor_units {
            set(&mut json, "price_with_minor_units", minor_units_json(lead.price_minor));
        }
        if with.contains(&"source_id") {
            set(&mut json, "source_id", Value::Null);
        }
        if with.contains(&"is_price_modified_by_robot") {
            set(&mut json, "is_price_modified_by_robot", json!(false));
        }
        json
    }

    fn trashed_json(&self, id: u64, at: i64) -> Value {
        let links = self.links_of(&format!("leads/{id}"));
        json!({"id": id, "updated_at": at, "is_deleted": true, "_links": links})
    }
}

/// What `query` searches: the name and the filled fields, in lower case.
fn lead_texts(lead: &Lead) -> impl Iterator<Item = String> {
    let values = lead.fields.values().flatten().filter_map(|value| value.get("value")?.as_str());
    std::iter::once(lead.name.as_str()).chain(values).map(str::to_lowercase)
}

/// Hundredths as a JSON number with its decimals, made as text so that nothing is rounded on the way.
fn minor_units_json(minor: i64) -> Value {
    let sign = if minor < 0 { "-" } else { "" };
    let (units, cents) = (minor.unsigned_abs() / 100, minor.unsigned_abs() % 100);
    let text =
        if cents == 0 { format!("{sign}{units}") } else { format!("{sign}{units}.{cents:02}") };
    serde_json::from_str(&text).unwrap_or(Value::Null)
}
