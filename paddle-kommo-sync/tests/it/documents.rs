//! The PDFs of invoices and credit notes, in the deals that they belong to.

use std::time::Duration;

use kommo_client::{LeadId, fake::FakeLead};
use paddle_kommo_sync::{
    Config, Invoices, MemoryStore, Mode, Outcome, ParkReason, Preview, Reason, SandboxEvents,
    SyncBuilder,
    fake_paddle::{FakePaddle, Fault, Purchase},
    paddle::{ApiKey, Client},
};
use paddle_webhook::{Environment, Event, TransactionId};
use serde_json::{Value, json};

use crate::support::{
    LEAD, NEGOTIATION, NOW, PIPELINE, WON, World,
    events::{event, refund, transaction},
};

/// A Paddle and a Kommo with one open deal, and us in between.
pub(crate) struct Shop {
    pub(crate) paddle: FakePaddle,
    pub(crate) world: World,
    pub(crate) store: MemoryStore,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let paddle = FakePaddle::start().await;
        paddle.set_time(NOW);
        paddle.set_rate_limit(None);
        let store = MemoryStore::new();
        let connect = connect(&paddle);
        let world = World::built(change, store.clone(), connect).await;
        Self { paddle, world, store }
    }

    /// Somebody pays for the deal; the transaction.
    pub(crate) fn sell(&self) -> TransactionId {
        let id = LEAD.to_string();
        self.paddle
            .buy(&Purchase::new("jo@example.com").custom_data("kommo_lead_id", &id))
            .transaction
    }

    /// What Paddle tells of this type, the newest.
    pub(crate) fn event(&self, kind: &str) -> Event {
        self.event_in(kind, Environment::Live)
    }

    fn event_in(&self, kind: &str, environment: Environment) -> Event {
        let events = self.paddle.events();
        let newest = events.iter().rev().find(|event| event["event_type"] == kind).unwrap();
        let mut body = newest.clone();
        body["notification_id"] = "ntf_1".into();
        Event::from_trusted(body.to_string().as_bytes(), environment).unwrap()
    }

    /// Works on a job once.
    pub(crate) async fn attempt(&self, job: &str) -> Outcome {
        self.world.sync.attempt(job).await.unwrap().unwrap_or_else(|| panic!("there is no {job}"))
    }

    pub(crate) async fn done(&self, job: &str) {
        let outcome = self.attempt(job).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{job}: {outcome}");
    }

    pub(crate) async fn has(&self, job: &str) -> bool {
        self.world.sync.attempt(job).await.unwrap().is_some()
    }

    /// The files of the deal, without the markers in their names.
    pub(crate) fn files(&self) -> Vec<String> {
        files(&self.world, LEAD)
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.world.advance(Duration::from_secs(seconds));
        self.paddle.advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn connect(paddle: &FakePaddle) -> impl FnOnce(SyncBuilder) -> SyncBuilder {
    let key = ApiKey::new(paddle.api_key()).unwrap();
    let client = Client::builder(key).base_url(&paddle.uri()).attempts(1).build().unwrap();
    |builder| builder.paddle(client)
}

pub(crate) fn invoice_of(transaction: &TransactionId) -> String {
    format!("job.invoice:{transaction}")
}

fn files(world: &World, lead: u64) -> Vec<String> {
    let name = |name: &String| {
        let (name, marker) = name.strip_suffix(".pdf").unwrap().rsplit_once('-').unwrap();
        assert_eq!(marker.len(), 13, "{name}");
        name.to_owned()
    };
    world.kommo.file_names(lead).iter().map(name).collect()
}

fn number(paddle: &FakePaddle, transaction: &TransactionId) -> String {
    let transaction = paddle.transaction(transaction).unwrap();
    transaction["invoice_number"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_invoice_of_a_payment_is_attached_once_however_often_it_is_told() {
    let shop = Shop::open().await;
    let transaction = shop.sell();
    let payment = shop.event("transaction.completed");
    assert_eq!(shop.world.done(&payment).await, [Reason::FirstPayment, Reason::Invoice]);
    assert_eq!((shop.world.stage(), shop.files().len()), (WON, 0), "the deal waits for nothing");

    let job = invoice_of(&transaction);
    for _ in 0..3 {
        let Outcome::Done(done) = shop.attempt(&job).await else { panic!("not done") };
        assert_eq!((done.lead, done.reasons), (Some(LeadId::new(LEAD)), vec![Reason::Invoice]));
        shop.world.done(&payment).await;
    }
    let number = number(&shop.paddle, &transaction);
    assert_eq!(shop.files(), [format!("invoice-{number}")]);
    let notes = shop.world.notes();
    assert_eq!(notes.len(), 2, "of the payment, of the invoice");
    assert_eq!(notes[1], format!("Invoice {number} · 658.90 USD · 2026-01-15 · {transaction}"));
    let written: Vec<_> = shop.world.kommo.ledger().iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(
        written,
        ["lead_updated", "note_added", "file_uploaded", "file_attached", "note_added"]
    );
}

#[tokio::test]
async fn what_is_attached_is_what_paddle_gave() {
    let shop = Shop::open().await;
    let transaction = shop.sell();
    shop.world.done(&shop.event("transaction.completed")).await;
    shop.done(&invoice_of(&transaction)).await;
    let kommo = &shop.world.kommo;
    let uploads = kommo.ledger();
    let attached = uploads.iter().find(|row| row.kind.as_str() == "file_attached").unwrap();
    let content = kommo.file_content(attached.body["file_uuid"].as_str().unwrap()).unwrap();
    assert!(content.starts_with(b"%PDF-") && content.ends_with(b"%%EOF\n"));
}

#[tokio::test]
async fn every_renewal_has_an_invoice_and_a_failed_one_has_none() {
    let shop = Shop::open().await;
    let sale = shop
        .paddle
        .buy(&Purchase::new("jo@example.com").custom_data("kommo_lead_id", &LEAD.to_string()));
    shop.world.done(&shop.event("transaction.completed")).await;
    shop.done(&invoice_of(&sale.transaction)).await;
    let subscription = sale.subscription.unwrap();
    for renewals in 1..=2 {
        let transaction = shop.paddle.renew(&subscription).unwrap();
        let reasons = shop.world.done(&shop.event("transaction.completed")).await;
        assert_eq!(reasons, [Reason::RenewalKeepsStage, Reason::Invoice]);
        shop.done(&invoice_of(&transaction)).await;
        assert_eq!(shop.files().len(), 1 + renewals);
    }
    let failed = shop.paddle.fail_card(&subscription).unwrap();
    shop.world.done(&shop.event("transaction.past_due")).await;
    assert!(!shop.has(&invoice_of(&failed)).await, "nothing is paid");
}

#[tokio::test]
async fn a_subscribers_zero_invoice_is_none() {
    let shop = Shop::open().await;
    let free = shop.paddle.add_price("Free", 0, "USD", Some("month"));
    let purchase = Purchase::new("jo@example.com").price(free.as_str());
    let sale = shop.paddle.buy(&purchase.custom_data("kommo_lead_id", &LEAD.to_string()));
    let reason = shop.world.ignored(&shop.event("transaction.completed")).await;
    assert_eq!(reason, Reason::ZeroTotal);
    assert!(!shop.has(&invoice_of(&sale.transaction)).await);
}

#[tokio::test]
async fn an_approved_refund_has_a_credit_note() {
    let shop = Shop::open().await;
    let transaction = shop.sell();
    shop.world.done(&shop.event("transaction.completed")).await;
    shop.done(&invoice_of(&transaction)).await;
    let adjustment = shop.paddle.refund(&transaction, Some(10_000)).unwrap();
    let job = format!("job.credit_note:{adjustment}");
    shop.world.ignored(&shop.event("adjustment.created")).await;
    assert!(!shop.has(&job).await, "nothing is approved");

    shop.paddle.settle_refunds(true);
    let approved = shop.event("adjustment.updated");
    assert_eq!(shop.world.done(&approved).await, [Reason::Refunded, Reason::CreditNote]);
    shop.done(&job).await;
    shop.world.done(&approved).await;
    assert_eq!(shop.files()[1..], [format!("credit-note-{adjustment}")]);
    let note = shop.world.notes().pop().unwrap();
    let want = format!(
        "Credit note for 100.00 USD · asked for by the customer · {adjustment} · {transaction}"
    );
    assert_eq!(note, want);
}

#[tokio::test]
async fn a_credit_has_a_credit_note_and_what_takes_it_back_has_none() {
    let shop = Shop::open().await;
    shop.world.done(&event("transaction.completed", 0, &transaction())).await;
    for (action, want) in [
        ("credit", &[Reason::Credited, Reason::CreditNote][..]),
        ("credit_reverse", &[Reason::CreditReversed]),
    ] {
        let mut data = refund("approved");
        (data["id"], data["action"]) = (json!(format!("adj_{action}")), json!(action));
        assert_eq!(shop.world.done(&event("adjustment.created", 10, &data)).await, want);
    }
}

#[tokio::test]
async fn where_nobody_wants_documents_there_are_none() {
    let off: fn(&mut Config) = |config| config.invoices = Invoices::Off;
    let shadow: fn(&mut Config) = |config| config.mode = Mode::Shadow;
    for (name, change) in [("off", off), ("shadow mode", shadow)] {
        let shop = Shop::with(change).await;
        let transaction = shop.sell();
        shop.world.handle(&shop.event("transaction.completed")).await;
        assert!(!shop.has(&invoice_of(&transaction)).await, "{name}");
        assert!(shop.paddle.requests().is_empty(), "{name}");
    }
    let shop = Shop::open().await;
    let transaction = shop.sell();
    let world = World::new().await;
    let reasons = world.done(&shop.event("transaction.completed")).await;
    assert_eq!(reasons, [Reason::FirstPayment], "Paddle's API is not configured");
    assert_eq!(world.sync.attempt(&invoice_of(&transaction)).await.unwrap(), None);
}

#[tokio::test]
async fn sandbox_events_have_no_documents_of_the_live_account() {
    for sandbox in [SandboxEvents::Log, SandboxEvents::Write] {
        let shop = Shop::with(|config| config.sandbox = sandbox).await;
        let transaction = shop.sell();
        let payment = shop.event_in("transaction.completed", Environment::Sandbox);
        shop.world.handle(&payment).await;
        assert!(!shop.has(&invoice_of(&transaction)).await, "{sandbox:?}");
    }
}

#[tokio::test]
async fn a_document_that_nobody_wants_any_more_is_not_fetched() {
    for (change, want) in [
        (config(|config| config.mode = Mode::Shadow), "shadowed: invoice"),
        (config(|config| config.invoices = Invoices::Off), "ignored: nothing_to_do"),
    ] {
        let shop = Shop::open().await;
        let job = invoice_of(&shop.sell());
        shop.world.done(&shop.event("transaction.completed")).await;
        let build = |builder: SyncBuilder| connect(&shop.paddle)(builder).config(change);
        let restarted = shop.world.restarted_with(shop.store.clone(), build).await;
        let outcome = restarted.attempt(&job).await.unwrap().unwrap();
        assert_eq!(outcome.to_string(), want);
        assert!(shop.paddle.requests().is_empty(), "{want}");
    }
}

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

#[tokio::test]
async fn a_preview_says_which_file_will_follow() {
    let shop = Shop::open().await;
    let transaction = shop.sell();
    let preview = shop.world.sync.preview(&shop.event("transaction.completed")).await.unwrap();
    let Preview::Plan { plan, changes, .. } = preview else { panic!("{preview:?}") };
    let number = number(&shop.paddle, &transaction);
    assert_eq!(changes.last().unwrap(), &format!("+ file: invoice-{number}"));
    assert_eq!(plan.documents[0].file.document.id(), transaction.as_str());
    assert!(!shop.has(&invoice_of(&transaction)).await, "it is only a preview");
}

#[tokio::test]
async fn a_deal_is_explained_with_its_documents() {
    let shop = Shop::open().await;
    let transaction = shop.sell();
    shop.world.done(&shop.event("transaction.completed")).await;
    shop.done(&invoice_of(&transaction)).await;
    for id in [LEAD.to_string(), transaction.to_string()] {
        let story = shop.world.sync.explain(&id).await.unwrap();
        let kinds: Vec<_> = story.iter().map(|chapter| chapter.event_type.as_str()).collect();
        assert_eq!(kinds, ["transaction.completed", "job.invoice"], "{id}");
        let outcome = story[1].outcome.as_ref().unwrap().to_string();
        assert_eq!(outcome, "done: invoice");
    }
}

#[tokio::test]
async fn the_worker_does_jobs_by_itself() {
    let shop = Shop::open().await;
    shop.sell();
    shop.world.done(&shop.event("transaction.completed")).await;
    let attached = async {
        while shop.world.sync.stats().await.unwrap().done < 2 {
            tokio::task::yield_now().await;
        }
    };
    let worked = shop.world.sync.run(attached);
    tokio::time::timeout(Duration::from_secs(30), worked).await.unwrap();
    assert_eq!(shop.files().len(), 1);
}

#[tokio::test]
async fn the_document_goes_where_a_person_says_the_payment_belongs() {
    let shop = Shop::open().await;
    shop.world.kommo.add_lead(FakeLead::new("Other").id(7).stage(PIPELINE, NEGOTIATION));
    let transaction = shop.sell();
    shop.world.done(&shop.event("transaction.completed")).await;
    shop.world.kommo.remove_lead(LEAD);
    let job = invoice_of(&transaction);
    let Outcome::Parked(parked) = shop.attempt(&job).await else { panic!("not parked") };
    assert_eq!(parked.reason, ParkReason::DealGone);
    assert!(shop.paddle.requests().is_empty(), "Paddle is not asked for what has no place");

    let opened = shop.world.sync.link(transaction.as_str(), LeadId::new(7)).await.unwrap();
    assert_eq!(opened, [job.as_str()]);
    shop.done(&job).await;
    assert_eq!(files(&shop.world, 7).len(), 1);
}

#[tokio::test]
async fn a_deal_that_goes_between_plan_and_file_is_told_and_can_be_replaced() {
    let shop = Shop::open().await;
    shop.world.kommo.add_lead(FakeLead::new("Other").id(7).stage(PIPELINE, NEGOTIATION));
    let transaction = shop.sell();
    shop.world.done(&shop.event("transaction.completed")).await;
    let job = invoice_of(&transaction);
    // Journalled, and not done.
    shop.paddle.fail_next(Fault::status(503).on("GET", "/transactions/"));
    let outcome = shop.attempt(&job).await;
    assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome}");
    shop.world.kommo.remove_lead(LEAD);
    shop.wait(600);
    let Outcome::Parked(parked) = shop.attempt(&job).await else { panic!("not parked") };
    assert_eq!((parked.reason, parked.candidates), (ParkReason::DealGone, vec![LeadId::new(LEAD)]));
    shop.world.sync.link(transaction.as_str(), LeadId::new(7)).await.unwrap();
    shop.done(&job).await;
    assert_eq!((files(&shop.world, 7).len(), shop.world.kommo.note_texts(7).len()), (1, 1));
}

#[tokio::test]
async fn a_type_of_paddles_that_is_named_like_a_job_is_none() {
    let shop = Shop::open().await;
    let mut body: Value = serde_json::from_str(shop_body()).unwrap();
    body["event_type"] = "job.invoice".into();
    let event = Event::from_trusted(body.to_string().as_bytes(), Environment::Live).unwrap();
    assert_eq!(shop.world.ignored(&event).await, Reason::NothingToDo);
}

fn shop_body() -> &'static str {
    r#"{"event_id":"evt_1","event_type":"x","occurred_at":"2026-01-15T12:00:00Z","notification_id":"ntf_1","data":{"id":"x_1"}}"#
}
