use std::collections::BTreeMap;

use kommo_client::fake::{FakeKommo, LedgerEntry, LedgerKind};
use serde_json::Value;
use time::OffsetDateTime;

/// The fields of a deal that the default rules write.
const FIELDS: [&str; 8] = [
    "PADDLE_TXN_ID",
    "INVOICE_NUMBER",
    "PLAN_NAME",
    "PAYMENT_CURRENCY",
    "PADDLE_SUB_ID",
    "NEXT_BILLING_DATE",
    "SUBSCRIPTION_STATUS",
    "PAYMENT_STATUS",
];

/// Somebody who looks at a deal in Kommo again and again.
#[derive(Debug)]
pub struct Rep {
    kommo: FakeKommo,
    lead: u64,
    /// As many writes were there at the last look.
    seen: usize,
    fields: BTreeMap<&'static str, String>,
}

impl Rep {
    pub(crate) fn new(kommo: FakeKommo, lead: u64) -> Self {
        let mut rep = Self { kommo, lead, seen: 0, fields: BTreeMap::new() };
        rep.news();
        rep
    }

    /// The stage of the deal.
    #[must_use]
    pub fn stage(&self) -> u64 {
        self.lead()["status_id"].as_u64().unwrap_or_default()
    }

    /// The price of the deal, in whole units.
    #[must_use]
    pub fn price(&self) -> i64 {
        self.lead()["price"].as_i64().unwrap_or_default()
    }

    /// What a field shows; empty where it holds nothing.
    #[must_use]
    pub fn field(&self, code: &str) -> String {
        match self.kommo.field_value(self.lead, code) {
            Some(Value::Number(seconds)) => day(seconds.as_i64().unwrap_or_default()),
            Some(Value::String(text)) => text,
            _ => String::new(),
        }
    }

    /// What the fields show that hold anything.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<&'static str, String> {
        let shown = FIELDS.into_iter().map(|code| (code, self.field(code)));
        shown.filter(|(_, text)| !text.is_empty()).collect()
    }

    /// The notes, without their markers, the oldest first.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.kommo.note_texts(self.lead).iter().map(|text| without_marker(text)).collect()
    }

    /// The texts of the tasks that are still to be done, without their markers, the oldest first.
    #[must_use]
    pub fn open_tasks(&self) -> Vec<String> {
        let tasks = self.kommo.tasks(self.lead);
        let open = tasks.iter().filter(|task| task["is_completed"] == false);
        open.map(|task| without_marker(task["text"].as_str().unwrap_or_default())).collect()
    }

    /// What has happened to the deal since the last look: every write of its stage and its price, even of what it was
    /// already; the fields that show something else now; every write of a note or task, in order.
    ///
    /// # Panics
    ///
    /// When a write closed the deal without naming its pipeline.
    pub fn news(&mut self) -> Vec<String> {
        let ledger = self.kommo.ledger();
        let new = ledger.iter().skip(self.seen).filter(|entry| entry.entity_id == self.lead);
        let (mut stage_and_price, mut told) = (Vec::new(), Vec::new());
        for entry in new {
            assert!(!entry.closed_without_pipeline, "{entry:?}");
            if entry.kind == LedgerKind::LeadUpdated {
                stage_and_price.extend(closing(entry));
            } else {
                told.push(telling(entry));
            }
        }
        self.seen = ledger.len();
        let shown = self.fields();
        let before = std::mem::replace(&mut self.fields, shown);
        let changed = FIELDS.into_iter().filter(|code| before.get(code) != self.fields.get(code));
        let fields = changed.map(|code| {
            format!("{code}: {}", self.fields.get(code).map_or("nothing", String::as_str))
        });
        stage_and_price.into_iter().chain(fields).chain(told).collect()
    }

    fn lead(&self) -> Value {
        self.kommo.lead(self.lead).unwrap_or_else(|| panic!("deal {} is gone", self.lead))
    }
}

/// What a write says of stage and price.
fn closing(entry: &LedgerEntry) -> impl Iterator<Item = String> {
    let said = |key: &str, name: &str| entry.body.get(key).map(|value| format!("{name} {value}"));
    said("status_id", "stage").into_iter().chain(said("price", "price"))
}

/// A write of a note or a task in words.
fn telling(entry: &LedgerEntry) -> String {
    let text = |path: &str| entry.body.pointer(path).and_then(Value::as_str).map(without_marker);
    match entry.kind {
        LedgerKind::NoteAdded => format!("note: {}", text("/params/text").unwrap_or_default()),
        LedgerKind::TaskAdded => format!("task: {}", text("/text").unwrap_or_default()),
        LedgerKind::TaskUpdated => match text("/result/text") {
            Some(result) => format!("task done: {result}"),
            None => match text("/text") {
                Some(text) => format!("task goes on: {text}"),
                None => "task goes on".to_owned(),
            },
        },
        other => format!("{other}: {}", entry.body),
    }
}

/// A text as a person reads it. What has no marker is shown as it is.
fn without_marker(text: &str) -> String {
    text.rsplit_once(" [pk-").map_or(text, |(text, _)| text).to_owned()
}

fn day(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds).map(|at| at.date().to_string()).unwrap_or_default()
}
