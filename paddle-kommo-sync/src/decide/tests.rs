//! Every text gets what it promises: each is made to say all its placeholders, of events that tell all they can.

use std::collections::{BTreeMap, BTreeSet};

use kommo_client::{LeadId, PipelineId, StatusId, UserId};
use paddle_webhook::{Currency, Environment, Event};
use serde_json::{Value, json};
use time::{Duration, format_description::well_known::Rfc3339, macros::datetime};

use super::{Decision, Rules, decide};
use crate::{
    config::{AgreedPrice, Config, OnWon, OnWonAction, OnWonDeal, OnWonTask},
    known::{Account, Deal, Known, SaleKnown, SubscriptionKnown, TransactionKnown},
    plan::{Effect, Field, Plan, Price},
    texts::{Language, Placeholder, Text, Texts},
    zone::Zone,
};

/// What an event cannot tell, and why: the text, the type of the event, the placeholders.
const CANNOT_BE_TOLD: [(Text, &str, &[&str]); 5] = [
    // A subscription says that it is past due, not what was charged, how, and how often.
    (
        Text::DunningTask,
        "subscription.past_due",
        &["sum", "currency", "transaction", "reason", "attempts", "card"],
    ),
    // Nor, when it runs again, what was paid.
    (
        Text::Recovered,
        "subscription.updated",
        &["sum", "net", "tax", "credit", "currency", "invoice", "transaction"],
    ),
    (
        Text::RecoveredResult,
        "subscription.updated",
        &["sum", "net", "tax", "credit", "currency", "invoice", "transaction"],
    ),
    // The undocumented status comes without an adjustment.
    (Text::Refund, "transaction.updated", &["adjustment", "reason"]),
    // A credit is for what is paid later: nothing of this payment is gone.
    (Text::CreditNote, "adjustment.created credit", &["remains"]),
];

/// No event makes these: the engine does, when a deal comes to the payment stage.
const OF_CHECKOUTS: [Text; 2] = [Text::CheckoutLink, Text::CheckoutRevised];

/// How names of deals are kept short enough: they are told half of the placeholders at a time.
const HALVES: usize = 2;

fn asked(text: Text, half: usize) -> impl Iterator<Item = Placeholder> {
    let placeholders = text.placeholders().iter().copied().enumerate();
    placeholders.filter(move |(index, _)| index % HALVES == half).map(|(_, each)| each)
}

/// "renewal · sum=‹{sum}› · net=‹{net}›": what is not known leaves its segment out.
fn template(text: Text, half: usize) -> String {
    let segments = asked(text, half).map(|each| format!("{0}=‹{{{0}}}›", each.name()));
    std::iter::once(format!("{}!", text.key())).chain(segments).collect::<Vec<_>>().join(" · ")
}

/// A deal that was agreed upon, and everything that Paddle tells about it.
struct Story {
    config: Config,
    texts: Texts,
    deal: Deal,
    transactions: BTreeMap<String, TransactionKnown>,
    subscriptions: BTreeMap<String, SubscriptionKnown>,
    sale: SaleKnown,
    day: u8,
    /// What was said: the text, what event said it, and the whole line.
    said: Vec<(Text, String, String)>,
}

impl Story {
    fn new(half: usize) -> Self {
        let own = Text::ALL.iter().map(|text| (text.key().to_owned(), template(*text, half)));
        let mut config = Config { agreed_price: AgreedPrice::Warn, ..Config::default() };
        config.on_won = vec![
            OnWon::new(OnWonAction::AddTask(OnWonTask::default())),
            OnWon::new(OnWonAction::CreateDeal(OnWonDeal::new(PipelineId::new(7)))),
        ];
        let deal = Deal {
            lead: LeadId::new(1),
            pipeline: PipelineId::new(2),
            status: StatusId::new(3),
            responsible: Some(UserId::new(4)),
            name: "Acme".to_owned(),
            contacts: Vec::new(),
            price: Price::whole(5000),
            has_decimals: false,
            fields: vec![(Field::PlanName, "Team".to_owned())],
        };
        Self {
            config,
            texts: Texts::new(Language::En, &own.collect()).unwrap(),
            deal,
            transactions: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            sale: SaleKnown::default(),
            day: 0,
            said: Vec::new(),
        }
    }

    /// One thing happens a day, at noon.
    fn tell(&mut self, kind: &str, data: &Value) {
        self.day = self.day.saturating_add(1);
        let at = datetime!(2026-02-28 12:00 UTC).saturating_add(Duration::days(self.day.into()));
        let at = at.format(&Rfc3339).unwrap();
        let body = json!({"event_id": format!("evt_{}", self.day), "event_type": kind,
            "occurred_at": at, "notification_id": "ntf_1", "data": data});
        let event = Event::from_trusted(body.to_string().as_bytes(), Environment::Live).unwrap();
        let data_of = event.data().unwrap();
        let id = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
        let transaction =
            if kind.starts_with("transaction.") { id("id") } else { id("transaction_id") };
        let subscription =
            if kind.starts_with("subscription.") { id("id") } else { id("subscription_id") };
        let known = Known {
            transaction: self.transactions.get(&transaction).cloned().unwrap_or_default(),
            subscription: self.subscriptions.get(&subscription).cloned().unwrap_or_default(),
            sale: self.sale.clone(),
            deal: Some(self.deal.clone()),
            account: Account {
                id: None,
                currency: Currency::new("USD").ok(),
                zone: Zone::new(Some("Pacific/Kiritimati"), None),
            },
            ..Known::default()
        };
        let rules = Rules { config: &self.config, texts: &self.texts, has_documents: true };
        let known = match decide(&event, &data_of, &known, rules, event.occurred_at()) {
            Decision::Act { plan, known } => {
                let action = data["action"].as_str().unwrap_or_default();
                self.hear(format!("{kind} {action}").trim(), &plan);
                *known
            }
            Decision::Ignore(_) => known.fold(&event, &data_of),
            other => panic!("{kind}: {other:?}"),
        };
        self.transactions.insert(transaction, known.transaction);
        self.subscriptions.insert(subscription, known.subscription);
        self.sale = known.sale;
    }

    fn hear(&mut self, event: &str, plan: &Plan) {
        let said = plan.effects.iter().filter_map(|planned| match &planned.effect {
            Effect::AddNote(note) => Some(note.text.clone()),
            Effect::AddTask(task) => Some(task.text.clone()),
            Effect::RefreshTask(task) => task.text.clone(),
            Effect::CompleteTask(task) => Some(task.result.clone()),
            Effect::CreateLead(lead) => Some(lead.name.clone()),
            Effect::UpdateLead(update) => {
                if let Some(stage) = update.stage {
                    self.deal.status = stage.to;
                }
                None
            }
            _ => None,
        });
        let notes = plan.documents.iter().map(|document| document.note.clone());
        for line in said.chain(notes).collect::<Vec<_>>() {
            let key = line.split('!').next().unwrap_or_default();
            let text = Text::ALL.iter().find(|text| text.key() == key);
            let text = *text.unwrap_or_else(|| panic!("{event}: {line}"));
            self.said.push((text, event.to_owned(), line));
        }
    }

    /// The value that a text was given with the first event of this type.
    fn value(&self, text: Text, event: &str, placeholder: Placeholder) -> Option<&str> {
        let (.., line) = self.said.iter().find(|(said, by, _)| *said == text && by == event)?;
        let start = format!("{}=‹", placeholder.name());
        line.split(&start).nth(1)?.split('›').next()
    }
}

fn transaction(id: &str, origin: &str) -> Value {
    let totals = json!({"tax": "5315", "total": "65215", "grand_total": "60215", "earnings": "56589", "currency_code": "USD"});
    let attempt = json!({"status": "error", "error_code": "declined", "created_at": "2026-01-10T11:00:00Z",
        "method_details": {"type": "card", "card": {"type": "visa", "last4": "4242"}}});
    json!({
        "id": id, "status": "completed", "origin": origin, "subscription_id": "sub_1", "customer_id": "ctm_1",
        "invoice_number": "325-1", "currency_code": "USD", "billed_at": "2026-01-11T11:00:00Z",
        "billing_period": {"starts_at": "2026-01-12T00:00:00Z", "ends_at": "2026-02-12T00:00:00Z"},
        "items": [{"price": {"id": "pri_1", "name": "Pro"}, "quantity": 1}],
        "payments": [{"status": "captured", "captured_at": "2026-01-13T11:00:00Z"}, attempt, attempt],
        "details": {"totals": totals, "line_items": []},
    })
}

fn failed(id: &str, origin: &str) -> Value {
    let mut data = transaction(id, origin);
    data["status"] = json!("billed");
    data["payments"] = json!([data["payments"][1], data["payments"][2]]);
    data
}

fn subscription(status: &str) -> Value {
    json!({
        "id": "sub_1", "status": status, "customer_id": "ctm_1", "currency_code": "USD",
        "next_billed_at": "2026-02-14T11:00:00Z",
        "current_billing_period": {"starts_at": "2026-01-14T11:00:00Z", "ends_at": "2026-02-14T11:00:00Z"},
        "items": [{"status": status, "quantity": 1, "price": {"id": "pri_1", "name": "Pro"}}],
    })
}

/// A subscription that rests or has ended names no date of its own, as Paddle documents it.
fn without_dates(status: &str) -> Value {
    let mut data = subscription(status);
    (data["next_billed_at"], data["current_billing_period"]) = (Value::Null, Value::Null);
    data
}

fn adjustment(id: &str, action: &str) -> Value {
    json!({
        "id": id, "action": action, "type": "partial", "status": "approved", "transaction_id": "txn_1",
        "subscription_id": "sub_1", "customer_id": "ctm_1", "reason": "seats not used", "currency_code": "USD",
        "totals": {"tax": "815", "total": "10000", "earnings": "8685", "currency_code": "USD"},
    })
}

fn sold(story: &mut Story) {
    story.tell("subscription.trialing", &subscription("trialing"));
    story.tell("transaction.payment_failed", &failed("txn_1", "web"));
    story.tell("transaction.completed", &transaction("txn_1", "web"));
}

fn payments(story: &mut Story) {
    for origin in ["subscription_recurring", "subscription_charge", "brand_new"] {
        story.tell("transaction.completed", &transaction(&format!("txn_{origin}"), origin));
    }
    let mut update = transaction("txn_update", "subscription_update");
    update["items"][0]["price"]["name"] = json!("Basic");
    story.tell("transaction.completed", &update);
    let mut second = transaction("txn_second", "web");
    second["subscription_id"] = json!("sub_2");
    story.tell("transaction.completed", &second);
    story.tell("transaction.payment_failed", &failed("txn_charge", "subscription_charge"));
}

fn dunning(story: &mut Story) {
    story.tell("transaction.payment_failed", &failed("txn_due", "subscription_recurring"));
    story.tell("transaction.completed", &transaction("txn_due", "subscription_recurring"));
    story.tell("subscription.past_due", &subscription("past_due"));
    story.tell("subscription.updated", &subscription("active"));
}

fn life(story: &mut Story) {
    let mut ends = subscription("active");
    ends["scheduled_change"] = json!({"action": "cancel", "effective_at": "2026-02-20T11:00:00Z"});
    story.tell("subscription.updated", &ends);
    story.tell("subscription.updated", &subscription("active"));
    let mut changed = subscription("active");
    changed["items"][0]["price"]["name"] = json!("Basic");
    story.tell("subscription.updated", &changed);
    let mut paused = without_dates("paused");
    paused["scheduled_change"] =
        json!({"action": "resume", "effective_at": "2026-02-21T11:00:00Z"});
    story.tell("subscription.paused", &paused);
    story.tell("subscription.resumed", &subscription("active"));
    let mut other = subscription("active");
    other["id"] = json!("sub_3");
    story.tell("subscription.created", &other);
    let mut ended = without_dates("canceled");
    ended["canceled_at"] = json!("2026-02-22T11:00:00Z");
    story.tell("subscription.canceled", &ended);
}

fn back(story: &mut Story) {
    for action in [
        "refund",
        "credit",
        "chargeback_warning",
        "chargeback_warning_reverse",
        "chargeback",
        "chargeback_reverse",
    ] {
        story.tell("adjustment.created", &adjustment(&format!("adj_{action}"), action));
    }
    let mut by_status = transaction("txn_due", "subscription_recurring");
    by_status["status"] = json!("refunded");
    story.tell("transaction.updated", &by_status);
}

fn unpaid(story: &mut Story) {
    let mut invoice = transaction("txn_invoice", "api");
    (invoice["status"], invoice["subscription_id"]) = (json!("past_due"), Value::Null);
    story.tell("transaction.past_due", &invoice);
    invoice["status"] = json!("canceled");
    story.tell("transaction.canceled", &invoice);
    for (kind, status) in
        [("subscription.past_due", "past_due"), ("subscription.canceled", "canceled")]
    {
        let mut data = subscription(status);
        data["id"] = json!("sub_unpaid");
        story.tell(kind, &data);
    }
    story.tell("adjustment.created", &adjustment("adj_credit_back", "credit_reverse"));
}

fn told(half: usize) -> Story {
    let mut story = Story::new(half);
    for part in [sold, payments, dunning, life, back, unpaid] {
        part(&mut story);
    }
    story
}

#[test]
fn every_text_gets_what_it_promises() {
    let mut heard = BTreeSet::new();
    let mut missing = BTreeMap::new();
    for half in 0..HALVES {
        for (text, event, line) in told(half).said {
            heard.insert(text);
            for each in asked(text, half).map(Placeholder::name) {
                if !line.contains(&format!("{each}=‹")) {
                    let all: &mut BTreeSet<&str> =
                        missing.entry((text, event.clone())).or_default();
                    all.insert(each);
                }
            }
        }
    }
    let excused: BTreeMap<(Text, String), BTreeSet<&str>> = CANNOT_BE_TOLD
        .into_iter()
        .map(|(text, event, all)| ((text, event.to_owned()), all.iter().copied().collect()))
        .collect();
    assert_eq!(missing, excused);
    let silent: Vec<Text> =
        Text::ALL.iter().copied().filter(|text| !heard.contains(text)).collect();
    assert_eq!(silent, OF_CHECKOUTS);
}

/// In a time zone where every noon of London is the next day.
#[test]
fn every_day_is_the_one_that_the_text_is_about() {
    let stories = [told(0), told(1)];
    let value = |text, event: &str, placeholder| {
        let values: Vec<&str> =
            stories.iter().filter_map(|story| story.value(text, event, placeholder)).collect();
        match values.as_slice() {
            [value] => (*value).to_owned(),
            other => panic!("{text:?} {event} {placeholder:?}: {other:?}"),
        }
    };
    for (text, event, want) in [
        (Text::Payment, "transaction.completed", "2026-01-14"),
        (Text::SecondPaymentTask, "transaction.completed", "2026-01-14"),
        (Text::OnWonTask, "transaction.completed", "2026-01-14"),
        (Text::Invoice, "transaction.completed", "2026-01-12"),
        (Text::CheckoutFailed, "transaction.payment_failed", "2026-01-11"),
        (Text::ChargeFailed, "transaction.payment_failed", "2026-01-11"),
        (Text::DunningTask, "transaction.payment_failed", "2026-03-11"),
        (Text::Recovered, "transaction.completed", "2026-01-14"),
        (Text::DunningTask, "subscription.past_due", "2026-03-13"),
        (Text::Recovered, "subscription.updated", "2026-03-14"),
        (Text::RecoveredResult, "subscription.updated", "2026-03-14"),
        (Text::TrialStarted, "subscription.trialing", "2026-02-15"),
        (Text::CancelScheduled, "subscription.updated", "2026-02-21"),
        (Text::CancelScheduledTask, "subscription.updated", "2026-02-21"),
        (Text::CancelWithdrawn, "subscription.updated", "2026-02-15"),
        (Text::ItemsChanged, "subscription.updated", "2026-02-15"),
        (Text::Paused, "subscription.paused", "2026-02-22"),
        (Text::Resumed, "subscription.resumed", "2026-02-15"),
        (Text::SecondSubscriptionTask, "subscription.created", "2026-02-15"),
        (Text::WinBackTask, "subscription.canceled", "2026-02-23"),
        (Text::Refund, "adjustment.created refund", "2026-03-22"),
        (Text::CreditNote, "adjustment.created refund", "2026-03-22"),
        (Text::Credit, "adjustment.created credit", "2026-03-23"),
        (Text::ChargebackWarningTask, "adjustment.created chargeback_warning", "2026-03-24"),
        (Text::ChargebackReversedResult, "adjustment.created chargeback_reverse", "2026-03-27"),
        (Text::Refund, "transaction.updated", "2026-03-28"),
    ] {
        assert_eq!(value(text, event, Placeholder::Date), want, "{text:?} {event}");
    }
    for (text, event, placeholder, want) in [
        (Text::Payment, "transaction.completed", Placeholder::Period, "2026-01-12 – 2026-02-12"),
        (
            Text::TrialStarted,
            "subscription.trialing",
            Placeholder::Period,
            "2026-01-15 – 2026-02-15",
        ),
        (Text::PlanChange, "transaction.completed", Placeholder::Before, "Pro"),
        (Text::ItemsChanged, "subscription.updated", Placeholder::Before, "Pro"),
        (Text::PriceDiffers, "transaction.completed", Placeholder::Before, "Team"),
        (Text::Refund, "transaction.updated", Placeholder::Total, "602.15 USD"),
        (Text::Refund, "transaction.updated", Placeholder::Remains, "0.00 USD"),
        (Text::Refund, "adjustment.created refund", Placeholder::Remains, "502.15 USD"),
        (Text::NewDeal, "transaction.completed", Placeholder::Subscription, "sub_1"),
        (Text::Credit, "adjustment.created credit", Placeholder::Currency, "USD"),
        (Text::DunningTask, "transaction.payment_failed", Placeholder::Attempts, "2"),
    ] {
        assert_eq!(value(text, event, placeholder), want, "{text:?} {event}");
    }
}
