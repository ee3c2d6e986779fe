use serde_json::{Value, json};

use super::answer::{Answer, set};
use super::kind::Owner;
use super::query::{Filter, Filters, Query, with_of};
use super::routes::number;
use super::state::{Call, Field, LOST, Pipeline, State, User, WON};

const FIELD_FILTERS: Filters = &[("type", Filter::OneOf("type"))];

impl State {
    pub(super) fn account(&self, call: &Call) -> Answer {
        let with = with_of(call);
        let asked = |name: &str| with.iter().any(|with| with == name);
        let mut embedded = json!({});
        if asked("users_groups") {
            set(&mut embedded, "users_groups", json!([{"id": 0, "name": "Sales", "uuid": null}]));
        }
        if asked("task_types") {
            let types = [(1, "Follow-up", "FOLLOW_UP"), (2, "Meeting", "MEETING")];
            let types = types.map(|(id, name, code)| {
                json!({"id": id, "name": name, "color": null, "icon_id": null, "code": code})
            });
            set(&mut embedded, "task_types", json!(types));
        }
        if asked("datetime_settings") {
            let settings = json!({
                "date_pattern": "m/d/Y H:i",
                "short_date_pattern": "m/d/Y",
                "short_time_pattern": "H:i",
                // The key is misspelt in Kommo, too.
                "date_formant": "m/d/Y",
                "time_format": "H:i:s",
                "timezone": "UTC",
                "timezone_offset": "+00:00",
            });
            set(&mut embedded, "datetime_settings", settings);
        }
        let symbol = match self.currency.as_str() {
            "USD" => "$",
            "EUR" => "€",
            "GBP" => "£",
            other => other,
        };
        let mut account = json!({
            "id": self.account_id,
            "name": "Fake account",
            "subdomain": "fake",
            "created_at": 1_700_000_000,
            "created_by": 0,
            "updated_at": 1_700_000_000,
            "updated_by": 0,
            "current_user_id": self.token_user,
            "country": "US",
            "currency": self.currency,
            "currency_symbol": symbol,
            "customers_mode": "unavailable",
            "is_unsorted_on": true,
            "is_loss_reason_enabled": true,
            "is_helpbot_enabled": false,
            "is_technical_account": false,
            "contact_name_display_order": 1,
            "_links": self.links_of("account"),
            "_embedded": embedded,
        });
        if asked("is_api_filter_enabled") {
            set(&mut account, "is_api_filter_enabled", json!(!self.ignore_filters));
        }
        if asked("version") {
            set(&mut account, "version", json!(16));
        }
        if asked("drive_url") {
            set(&mut account, "drive_url", json!(self.base));
        }
        Answer::ok(&account)
    }

    pub(super) fn list_users(&self, call: &Call) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let mut rows: Vec<Value> = self.users.iter().map(|user| self.user_json(user)).collect();
        query.filter(&mut rows, &[])?;
        query.sort(&mut rows, &[])?;
        Ok(self.page(call, &query, "users", rows, true))
    }

    pub(super) fn get_user(&self, id: &str) -> Answer {
        let user = self.users.iter().find(|user| Some(user.id) == number(id));
        user.map_or_else(
            || Answer::problem(404, "User not found"),
            |user| Answer::ok(&self.user_json(user)),
        )
    }

    pub(super) fn list_fields(&self, call: &Call, owner: Owner) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let mut rows: Vec<Value> = (1_u64..)
            .zip(self.fields_of(owner))
            .map(|(sort, field)| self.field_json(field, sort))
            .collect();
        query.filter(&mut rows, FIELD_FILTERS)?;
        query.sort(&mut rows, &["sort", "id"])?;
        Ok(self.page(call, &query, "custom_fields", rows, true))
    }

    pub(super) fn get_field(&self, owner: Owner, id: &str) -> Answer {
        let mut fields = (1_u64..).zip(self.fields_of(owner));
        let field = fields.find(|(_, field)| Some(field.id) == number(id));
        field.map_or_else(
            || Answer::problem(404, "Custom field not found"),
            |(sort, field)| Answer::ok(&self.field_json(field, sort)),
        )
    }

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
        pipeline.map_or_else(
            || Answer::problem(404, "Pipeline not found"),
            |pipeline| Answer::ok(&self.pipeline_json(pipeline)),
        )
    }

    pub(super) fn list_loss_reasons(&self, call: &Call) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let ids = self.loss_reasons.keys();
        let mut rows: Vec<Value> = ids.filter_map(|id| self.loss_reason_json(*id)).collect();
        query.filter(&mut rows, &[])?;
        query.sort(&mut rows, &[])?;
        Ok(self.page(call, &query, "loss_reasons", rows, false))
    }

    pub(super) fn loss_reason_json(&self, id: u64) -> Option<Value> {
        let name = self.loss_reasons.get(&id)?;
        Some(json!({
            "id": id,
            "name": name,
            "sort": 100_000,
            "created_at": 1_700_000_000,
            "updated_at": 1_700_000_000,
            "_links": self.links_of(&format!("leads/loss_reasons/{id}")),
        }))
    }

    fn user_json(&self, user: &User) -> Value {
        let all = json!({"view": "A", "edit": "A", "add": "A", "delete": "A", "export": "A"});
        let address = user.name.to_lowercase().replace(' ', ".");
        json!({
            "id": user.id,
            "name": user.name,
            "email": format!("{address}@example.com"),
            "lang": "en",
            "rights": {
                "leads": all,
                "contacts": all,
                "companies": all,
                "tasks": {"edit": "A", "delete": "A"},
                "mail_access": false,
                "catalog_access": false,
                "status_rights": null,
                "is_admin": user.is_admin,
                "is_free": false,
                "is_active": user.is_active,
                "group_id": null,
                "role_id": null,
            },
            "_links": self.links_of(&format!("users/{}", user.id)),
        })
    }

    fn field_json(&self, field: &Field, sort: u64) -> Value {
        let enums: Vec<Value> = (1_u64..)
            .zip(&field.options)
            .map(|(sort, option)| {
                json!({"id": option.id, "value": option.value, "sort": sort, "code": option.code})
            })
            .collect();
        let enums = if enums.is_empty() { Value::Null } else { Value::Array(enums) };
        let currency = if field.field_type == "monetary" {
            Value::from(self.currency.as_str())
        } else {
            Value::Null
        };
        json!({
            "id": field.id,
            "name": field.name,
            "type": field.field_type,
            "code": field.code,
            "account_id": self.account_id,
            "sort": sort,
            "entity_type": field.owner.path().trim_end_matches("/custom_fields"),
            "group_id": null,
            "is_api_only": false,
            "is_predefined": false,
            "is_deletable": true,
            "is_computed": false,
            "enums": enums,
            "required_statuses": null,
            "settings": null,
            "remind": null,
            "currency": currency,
            "_links": self.links_of(&format!("{}/{}", field.owner.path(), field.id)),
        })
    }

    fn pipeline_json(&self, pipeline: &Pipeline) -> Value {
        let own = pipeline.stages.iter().zip(1_u64..).map(|(stage, number)| {
            let (sort, color) = (number.saturating_mul(10), "#99ccff");
            (stage.id, stage.name.as_str(), sort, color, stage.is_incoming)
        });
        let closed = [
            (WON, "Closed - won", 10_000, "#CCFF66", false),
            (LOST, "Closed - lost", 11_000, "#D5D8DB", false),
        ];
        let statuses: Vec<Value> = own
            .chain(closed)
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
            .collect();
        let place = self.pipelines.iter().position(|own| own.id == pipeline.id);
        json!({
            "id": pipeline.id,
            "name": pipeline.name,
            "sort": place.map(|place| place.saturating_add(1)),
            "is_main": place == Some(0),
            "is_unsorted_on": pipeline.stages.iter().any(|stage| stage.is_incoming),
            "is_archive": false,
            "account_id": self.account_id,
            "_links": self.links_of(&format!("leads/pipelines/{}", pipeline.id)),
            "_embedded": {"statuses": statuses},
        })
    }
}
