use std::collections::BTreeMap;

use paddle_webhook::Environment;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::delivery::{Attempt, Notice, Order, Setting};
use super::fault::Script;
use super::gate::Gate;
use super::time::{Time, parse, text};
use super::{RecordedRequest, key_of};

/// The whole account.
#[derive(Debug)]
pub(super) struct State {
    pub(super) environment: Environment,
    pub(super) key: String,
    pub(super) key_valid: bool,
    pub(super) uri: String,
    pub(super) time: Time,
    pub(super) script: Script,
    pub(super) gate: Gate,
    pub(super) requests: Vec<RecordedRequest>,
    /// The default payment link; without one no transaction can be made.
    pub(super) payment_link: Option<String>,
    pub(super) tax_percent: i64,
    pub(super) customers: Table,
    pub(super) addresses: Table,
    pub(super) prices: Table,
    pub(super) products: Table,
    pub(super) transactions: Table,
    pub(super) subscriptions: Table,
    pub(super) adjustments: Table,
    /// As `GET /events` gives them.
    pub(super) events: Vec<Value>,
    pub(super) settings: Vec<Setting>,
    pub(super) notices: Vec<Notice>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) order: Order,
    pub(super) answers_to_lose: u32,
    /// Paths of PDFs, and when their links end.
    pub(super) documents: BTreeMap<String, OffsetDateTime>,
    serial: u64,
    last_stamp: OffsetDateTime,
}

/// Entities by their id.
pub(super) type Table = BTreeMap<String, Value>;

/// How long Paddle tells events (developer.paddle.com, "List events").
const RETENTION: Duration = Duration::days(90);

/// The price that is there from the start: 599.00 USD a month.
pub(super) const MONTHLY: &str = "pri_01000000000000000000000pro";
/// The other: 99.00 USD once.
pub(super) const ONE_TIME: &str = "pri_0100000000000000000000once";

impl State {
    pub(super) fn new(environment: Environment, uri: String) -> Self {
        let mut state = Self {
            environment,
            key: key_of(environment).to_owned(),
            key_valid: true,
            uri,
            time: Time::default(),
            script: Script::default(),
            gate: Gate::new(),
            requests: Vec::new(),
            payment_link: Some("https://pay.example.com/".to_owned()),
            tax_percent: 10,
            customers: Table::new(),
            addresses: Table::new(),
            prices: Table::new(),
            products: Table::new(),
            transactions: Table::new(),
            subscriptions: Table::new(),
            adjustments: Table::new(),
            events: Vec::new(),
            settings: Vec::new(),
            notices: Vec::new(),
            attempts: Vec::new(),
            order: Order::default(),
            answers_to_lose: 0,
            documents: BTreeMap::new(),
            serial: 0,
            last_stamp: OffsetDateTime::UNIX_EPOCH,
        };
        state.put_price(MONTHLY.to_owned(), "Pro", 59_900, "USD", Some("month"));
        state.put_price(ONE_TIME.to_owned(), "Setup", 9_900, "USD", None);
        state
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.time.now()
    }

    /// The next id: later ones sort behind earlier ones, as Paddle's do.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        self.serial = self.serial.saturating_add(1);
        format!("{prefix}_01{:024}", self.serial)
    }

    /// A number that was not used before.
    pub(super) fn number(&mut self) -> u64 {
        self.serial = self.serial.saturating_add(1);
        self.serial
    }

    /// Now, and later than every stamp before.
    pub(super) fn stamp(&mut self) -> String {
        let next = self.last_stamp.saturating_add(Duration::MICROSECOND);
        self.last_stamp = self.now().max(next);
        text(self.last_stamp)
    }

    /// Stops the clock, which may set it back.
    pub(super) fn stop_at(&mut self, time: OffsetDateTime) {
        self.time.stop_at(time);
        self.last_stamp = OffsetDateTime::UNIX_EPOCH;
    }

    /// Puts the clock behind the machine's.
    pub(super) fn set_behind(&mut self, by: std::time::Duration) {
        self.time.set_behind(by);
        self.last_stamp = OffsetDateTime::UNIX_EPOCH;
    }

    /// The events that Paddle still tells.
    pub(super) fn recent_events(&self) -> Vec<Value> {
        let oldest = self.now().saturating_sub(RETENTION);
        let is_recent = |event: &&Value| {
            parse(str_of(event, "occurred_at")).is_some_and(|occurred_at| occurred_at >= oldest)
        };
        self.events.iter().filter(is_recent).cloned().collect()
    }

    pub(super) fn put_price(
        &mut self,
        id: String,
        name: &str,
        amount: i64,
        currency: &str,
        interval: Option<&str>,
    ) {
        let at = self.stamp();
        let product = id.replacen("pri_", "pro_", 1);
        let product_json = json!({
            "id": product, "name": name, "description": null, "type": "standard",
            "tax_category": "saas", "image_url": null, "custom_data": null, "status": "active",
            "import_meta": null, "created_at": at, "updated_at": at,
        });
        let price = json!({
            "id": id, "product_id": product, "description": name, "type": "standard", "name": name,
            "billing_cycle": interval.map(|interval| json!({"interval": interval, "frequency": 1})),
            "trial_period": null, "tax_mode": "external",
            "unit_price": {"amount": amount.to_string(), "currency_code": currency},
            "unit_price_overrides": [], "quantity": {"minimum": 1, "maximum": 100},
            "status": "active", "custom_data": null, "import_meta": null,
            "created_at": at, "updated_at": at,
        });
        self.products.insert(product, product_json);
        self.prices.insert(id, price);
    }

    /// Something happened to an entity: it becomes an event, and a notification to each destination that wants it.
    pub(super) fn emit(&mut self, event_type: &str, data: &Value) -> String {
        let id = self.id("evt");
        let event = json!({
            "event_id": id, "event_type": event_type, "occurred_at": self.stamp(), "data": data,
        });
        let position = self.events.len();
        self.events.push(event);
        let wanting: Vec<String> = self
            .settings
            .iter()
            .filter(|setting| setting.wants(event_type))
            .map(|setting| setting.id.clone())
            .collect();
        for setting in wanting {
            self.notify(position, setting, "event");
        }
        id
    }

    pub(super) fn notify(&mut self, event: usize, setting: String, origin: &'static str) -> String {
        let id = self.id("ntf");
        self.notices.push(Notice::new(id.clone(), event, setting, origin, self.now()));
        id
    }

    /// Changes an entity and stamps it.
    pub(super) fn change(
        &mut self,
        table: fn(&mut Self) -> &mut Table,
        id: &str,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Value {
        let at = self.stamp();
        let Some(Value::Object(entity)) = table(self).get_mut(id) else { return Value::Null };
        change(entity);
        entity.insert("updated_at".to_owned(), Value::from(at));
        Value::Object(entity.clone())
    }
}

/// Sets keys of a JSON object.
pub(super) fn set<const N: usize>(object: &mut Map<String, Value>, entries: [(&str, Value); N]) {
    for (key, value) in entries {
        object.insert(key.to_owned(), value);
    }
}

/// The text of a key; empty where there is none.
pub(super) fn str_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
