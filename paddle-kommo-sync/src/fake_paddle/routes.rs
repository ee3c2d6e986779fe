use paddle_webhook::Environment;
use serde_json::{Value, json};
use time::Duration;

use super::answer::{Answer, Outcome};
use super::listing::Rules;
use super::server::Call;
use super::state::{State, Table, str_of};
use super::time::parse;

/// How long a link to a PDF lives.
const LINK_LIFE: Duration = Duration::HOUR;

impl State {
    pub(super) fn route(&mut self, call: &Call) -> Outcome {
        let segments: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
        match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["customers"]) => self.list_customers(call),
            ("POST", ["customers"]) => self.create_customer(call),
            ("GET", ["customers", id]) => one(&self.customers, "ctm_", id),
            ("GET", ["transactions"]) => self.list(call, rows(&self.transactions), &TRANSACTIONS),
            ("POST", ["transactions"]) => self.create_transaction(call),
            ("GET", ["transactions", id]) => one(&self.transactions, "txn_", id),
            ("PATCH", ["transactions", id]) => self.update_transaction(call, id),
            ("GET", ["transactions", id, "invoice"]) => self.invoice(id),
            ("GET", ["subscriptions"]) => {
                self.list(call, rows(&self.subscriptions), &SUBSCRIPTIONS)
            }
            ("GET", ["subscriptions", id]) => self.subscription(id),
            ("GET", ["adjustments"]) => self.list(call, rows(&self.adjustments), &ADJUSTMENTS),
            ("GET", ["adjustments", id, "credit-note"]) => self.credit_note(id),
            ("GET", ["events"]) => self.list(call, self.events.clone(), &EVENTS),
            ("GET", ["event-types"]) => Ok(event_types()),
            ("GET", ["notifications"]) => self.list_notifications(call),
            ("GET", ["notifications", id]) => self.notification(id),
            ("POST", ["notifications", id, "replay"]) => self.replay(call, id),
            ("GET", ["notification-settings"]) => {
                let settings = self.settings.iter().map(|setting| setting.to_json()).collect();
                self.list(call, settings, &SETTINGS)
            }
            ("GET", ["notification-settings", id]) => {
                let setting = self.settings.iter().find(|setting| setting.id == *id);
                let setting = setting.ok_or_else(Answer::not_found)?;
                Ok(Answer::data(200, &setting.to_json()))
            }
            ("GET", ["prices"]) => self.list(call, rows(&self.prices), &PRICES),
            ("GET", ["prices", id]) => one(&self.prices, "pri_", id),
            ("GET", ["currencies"]) => Ok(currencies()),
            ("GET", ["ips"]) => Ok(addresses(self.environment)),
            (
                _,
                [
                    "customers"
                    | "transactions"
                    | "subscriptions"
                    | "adjustments"
                    | "events"
                    | "event-types"
                    | "notifications"
                    | "notification-settings"
                    | "prices"
                    | "currencies"
                    | "ips",
                    ..,
                ],
            ) if segments.len() <= 2 => {
                Err(Answer::error(405, "method_not_allowed", "The fake has no such method here"))
            }
            _ => Err(Answer::error(404, "invalid_url", "URL not found")),
        }
    }

    fn list_customers(&self, call: &Call) -> Outcome {
        let mut customers = rows(&self.customers);
        if let Some(text) = call.parameter("search") {
            customers.retain(|customer| {
                ["id", "name", "email"].iter().any(|key| str_of(customer, key).contains(text))
            });
        }
        if call.parameter("status").is_none() {
            customers.retain(|customer| str_of(customer, "status") == "active");
        }
        self.list(call, customers, &CUSTOMERS)
    }

    fn list_notifications(&self, call: &Call) -> Outcome {
        let mut notices: Vec<Value> =
            self.notices.iter().map(|notice| notice.to_json(&self.events)).collect();
        for (key, value) in &call.query {
            let at = |row: &Value| parse(str_of(row, "occurred_at"));
            let bound = || {
                let detail = "the time is not RFC 3339";
                let error = || Answer::error(400, "invalid_time_query_parameter", detail);
                parse(value).ok_or_else(error)
            };
            match key.as_str() {
                "from" => {
                    let bound = bound()?;
                    notices.retain(|row| at(row).is_some_and(|at| at >= bound));
                }
                "to" => {
                    let bound = bound()?;
                    notices.retain(|row| at(row).is_some_and(|at| at <= bound));
                }
                "filter" => notices.retain(|row| {
                    let data = row.pointer("/payload/data").cloned().unwrap_or_default();
                    ["id", "customer_id", "subscription_id", "transaction_id"]
                        .iter()
                        .any(|key| str_of(&data, key) == value)
                }),
                _ => {}
            }
        }
        self.list(call, notices, &NOTIFICATIONS)
    }

    fn notification(&self, id: &str) -> Outcome {
        let notice = self.notices.iter().find(|notice| notice.id == id);
        let notice = notice.ok_or_else(Answer::not_found)?;
        Ok(Answer::data(200, &notice.to_json(&self.events)))
    }

    fn replay(&mut self, call: &Call, id: &str) -> Outcome {
        if call.body.is_some() {
            return Err(Answer::error(400, "unexpected_request_body", "No body is expected"));
        }
        let now = self.now();
        let notice = self.notices.iter_mut().find(|notice| notice.id == id);
        let notice = notice.ok_or_else(Answer::not_found)?;
        if notice.origin != "event" {
            let code = "notification_replay_invalid_origin_type";
            return Err(Answer::error(400, code, "Only notifications of events can be replayed"));
        }
        if !notice.has_ended() {
            let detail = "Only delivered and failed notifications can be replayed";
            return Err(Answer::error(400, "notification_cannot_replay", detail));
        }
        notice.replayed_at = Some(now);
        let (event, setting) = (notice.event, notice.setting.clone());
        let new = self.notify(event, setting, "replay");
        Ok(Answer::data(202, &json!({"notification_id": new})))
    }

    fn subscription(&self, id: &str) -> Outcome {
        let mut subscription = find(&self.subscriptions, "sub_", id)?.clone();
        if let Value::Object(subscription) = &mut subscription {
            // Only the API has them.
            let page = |what: &str| format!("https://customer-portal.example/{id}/{what}");
            let urls = json!({"update_payment_method": page("card"), "cancel": page("cancel")});
            subscription.insert("management_urls".to_owned(), urls);
        }
        Ok(Answer::data(200, &subscription))
    }

    fn invoice(&mut self, id: &str) -> Outcome {
        let transaction = find(&self.transactions, "txn_", id)?;
        let total = transaction.pointer("/details/totals/total").and_then(Value::as_str);
        if str_of(transaction, "status") != "completed" || total == Some("0") {
            let detail = "There is no invoice for this transaction";
            return Err(Answer::error(400, "transaction_invoice_not_available", detail));
        }
        Ok(self.link("invoice", id))
    }

    fn credit_note(&mut self, id: &str) -> Outcome {
        let adjustment = find(&self.adjustments, "adj_", id)?;
        if str_of(adjustment, "status") != "approved" {
            let detail = "There is no credit note for this adjustment";
            return Err(Answer::error(400, "adjustment_credit_note_not_available", detail));
        }
        Ok(self.link("credit-note", id))
    }

    fn link(&mut self, kind: &str, id: &str) -> Answer {
        let path = format!("/_/pdf/{kind}_{id}_{}.pdf", self.number());
        let url = format!("{}{path}", self.uri);
        self.documents.insert(path, self.now().saturating_add(LINK_LIFE));
        Answer::data(200, &json!({"url": url}))
    }
}

const PLAIN: Rules = Rules {
    default: 50,
    most: 200,
    id: "id",
    orders: &[],
    filters: &["id", "status"],
    times: &[],
    done: &[],
};
const CUSTOMERS: Rules = Rules { filters: &["id", "status", "email"], done: &["search"], ..PLAIN };
const TRANSACTIONS: Rules = Rules {
    default: 30,
    most: 30,
    orders: &["created_at", "updated_at", "billed_at"],
    filters: &[
        "id",
        "status",
        "customer_id",
        "subscription_id",
        "invoice_number",
        "origin",
        "collection_mode",
    ],
    times: &["created_at", "updated_at", "billed_at"],
    ..PLAIN
};
const SUBSCRIPTIONS: Rules =
    Rules { filters: &["id", "status", "customer_id", "collection_mode"], ..PLAIN };
const ADJUSTMENTS: Rules = Rules {
    default: 10,
    most: 50,
    filters: &["id", "status", "transaction_id", "subscription_id", "customer_id", "action"],
    ..PLAIN
};
const EVENTS: Rules = Rules { id: "event_id", filters: &["event_type"], ..PLAIN };
const NOTIFICATIONS: Rules = Rules {
    filters: &["status", "notification_setting_id"],
    done: &["from", "to", "filter"],
    ..PLAIN
};
const SETTINGS: Rules = Rules { default: 200, filters: &["active", "traffic_source"], ..PLAIN };
const PRICES: Rules = Rules { filters: &["id", "status", "product_id", "type"], ..PLAIN };

fn rows(table: &Table) -> Vec<Value> {
    table.values().cloned().collect()
}

pub(super) fn find<'a>(table: &'a Table, prefix: &str, id: &str) -> Result<&'a Value, Answer> {
    if !id.starts_with(prefix) {
        return Err(Answer::bad("id", "not an id of this kind"));
    }
    table.get(id).ok_or_else(Answer::not_found)
}

fn one(table: &Table, prefix: &str, id: &str) -> Outcome {
    Ok(Answer::data(200, find(table, prefix, id)?))
}

fn event_types() -> Answer {
    let types: Vec<Value> = super::delivery::EVENT_TYPES
        .iter()
        .map(|name| {
            let group = name.split('.').next().unwrap_or_default();
            json!({"name": name, "description": "", "group": group, "available_versions": [1]})
        })
        .collect();
    Answer::data(200, &Value::Array(types))
}

fn currencies() -> Answer {
    let currency = |(code, places): &(&str, u8)| json!({"code": code, "decimal_places": places});
    let known =
        [("USD", 2), ("EUR", 2), ("GBP", 2), ("JPY", 0), ("KRW", 0), ("CLP", 0), ("HUF", 2)];
    Answer::data(200, &known.iter().map(currency).collect())
}

fn addresses(environment: Environment) -> Answer {
    let cidrs = match environment {
        Environment::Live => ["34.232.58.13/32", "34.195.105.136/32"],
        Environment::Sandbox => ["34.194.127.46/32", "54.234.237.108/32"],
    };
    Answer::data(200, &json!({"ipv4_cidrs": cidrs}))
}
