use serde_json::{Value, json};

use super::answer::{Answer, set};
use super::query::{Query, with_of};
use super::state::{Call, State};

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
                "timezone": self.timezone,
                "timezone_offset": self.timezone_offset,
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
}
