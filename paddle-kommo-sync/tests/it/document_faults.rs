//! What goes wrong on the way of a document: the deal never suffers, and it never gets two.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use kommo_client::fake::{FakeLead, Fault as KommoFault};
use paddle_kommo_sync::{
    Clock as _, CustomerLookup, DocumentError, DocumentSource, LookupError, MemoryStore, Outcome,
    ParkReason, Reason, fake_paddle::Fault, plan::Document,
};
use paddle_webhook::CustomerId;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    documents::{Shop, connect, invoice_of},
    support::{
        LEAD, NEGOTIATION, PIPELINE, WON, World,
        events::{event, renewal, transaction},
        stopping::{Stop, StoppingStore},
    },
};

/// Longer than a lease, than the time after which a lost answer is looked for, and than any backoff.
const LATER: u64 = 601;

/// Many attempts, as `run` would make them.
async fn tries(shop: &Shop, job: &str) -> Outcome {
    for _ in 0..20 {
        match shop.attempt(job).await {
            Outcome::Waiting { .. } => shop.wait(LATER),
            outcome => return outcome,
        }
    }
    panic!("it waits for ever");
}

async fn sold() -> (Shop, String) {
    let shop = Shop::open().await;
    let job = invoice_of(&shop.sell());
    shop.world.done(&shop.event("transaction.completed")).await;
    assert_eq!(shop.world.stage(), WON);
    (shop, job)
}

#[tokio::test]
async fn while_paddle_is_away_the_deal_goes_on_and_the_document_waits() {
    let (shop, job) = sold().await;
    shop.paddle.fail_next(Fault::status(503).always());
    for _ in 0..15 {
        let outcome = shop.attempt(&job).await;
        let Outcome::Waiting { reason, .. } = outcome else { panic!("{outcome}") };
        assert_eq!(
            reason,
            "the document cannot be fetched now: Paddle failed with status 503 (service_unavailable)"
        );
        shop.wait(LATER);
    }
    assert_eq!(shop.world.sync.trouble(), None, "nothing is wrong with Kommo");
    assert_eq!(
        shop.world.done(&event("transaction.completed", 9, &renewal())).await,
        [Reason::RenewalKeepsStage, Reason::Invoice],
        "the deal's next event does not wait"
    );
    shop.paddle.clear_faults();
    shop.done(&job).await;
    assert_eq!((shop.files().len(), shop.world.notes().len()), (1, 3));
}

#[tokio::test]
async fn a_revoked_key_parks_nothing() {
    let (shop, job) = sold().await;
    shop.paddle.set_key_valid(false);
    for _ in 0..15 {
        let outcome = shop.attempt(&job).await;
        assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome}");
        shop.wait(LATER);
    }
    shop.paddle.set_key_valid(true);
    shop.done(&job).await;
}

#[tokio::test]
async fn an_invoice_that_is_not_made_yet_is_waited_for_and_one_that_never_comes_is_parked() {
    let none = r#"{"error":{"type":"request_error","code":"transaction_invoice_not_available","detail":"x"}}"#;
    let (shop, job) = sold().await;
    let not_yet = || Fault::answer(400, none).on("GET", "/transactions/");
    shop.paddle.fail_next(not_yet().times(5));
    assert!(matches!(tries(&shop, &job).await, Outcome::Done(_)));
    assert_eq!(shop.files().len(), 1);

    let (shop, job) = sold().await;
    shop.paddle.fail_next(not_yet().always());
    let Outcome::Parked(parked) = tries(&shop, &job).await else { panic!("not parked") };
    assert_eq!(parked.reason, ParkReason::NoDocument);
    assert!(parked.detail.contains("transaction_invoice_not_available"), "{}", parked.detail);
    assert!(parked.detail.contains("resume"), "the way out: {}", parked.detail);
    assert_eq!(shop.paddle.requests().len(), 7, "it was given an hour");
    assert_eq!((shop.world.stage(), shop.files().len(), shop.world.notes().len()), (WON, 0, 1));

    shop.paddle.clear_faults();
    assert!(shop.world.sync.resume(&job).await.unwrap());
    shop.done(&job).await;
    assert_eq!((shop.files().len(), shop.world.notes().len()), (1, 2));
}

#[tokio::test]
async fn an_invoice_that_waited_behind_others_is_not_given_up_at_the_first_attempt() {
    let none = r#"{"error":{"type":"request_error","code":"transaction_invoice_not_available","detail":"x"}}"#;
    let (shop, job) = sold().await;
    shop.wait(2 * 3600);
    shop.paddle.fail_next(Fault::answer(400, none).on("GET", "/transactions/").times(5));
    assert!(matches!(tries(&shop, &job).await, Outcome::Done(_)));
}

#[tokio::test]
async fn without_the_scope_for_files_it_is_parked_with_the_way_out() {
    let (shop, job) = sold().await;
    shop.world.kommo.set_files_scope(false);
    let Outcome::Parked(parked) = tries(&shop, &job).await else { panic!("not parked") };
    assert_eq!(parked.reason, ParkReason::Refused);
    assert!(parked.detail.contains("scope `files`"), "{}", parked.detail);
    assert_eq!(shop.world.sync.trouble(), None, "Kommo does answer");
    assert_eq!((shop.world.stage(), shop.files().len(), shop.world.notes().len()), (WON, 0, 1));

    shop.world.kommo.set_files_scope(true);
    shop.world.sync.resume(&job).await.unwrap();
    shop.done(&job).await;
    assert_eq!((shop.files().len(), shop.world.notes().len()), (1, 2));
}

#[tokio::test]
async fn without_the_right_to_the_deal_it_is_parked_with_the_way_out() {
    let (shop, job) = sold().await;
    shop.world.kommo.fail_next(KommoFault::status(403).on("PUT", "/api/v4/leads/").always());
    let Outcome::Parked(parked) = tries(&shop, &job).await else { panic!("not parked") };
    assert_eq!(parked.reason, ParkReason::Refused);
    shop.world.kommo.clear_faults();
    shop.world.sync.resume(&job).await.unwrap();
    shop.done(&job).await;
    assert_eq!((shop.files().len(), shop.world.notes().len()), (1, 2));
}

#[tokio::test]
async fn a_link_that_has_ended_is_fetched_anew() {
    let (shop, job) = sold().await;
    shop.world.kommo.fail_next(KommoFault::status(503).on("POST", "/v1.0/sessions"));
    let outcome = shop.attempt(&job).await;
    assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome}");
    shop.wait(2 * 3600);
    shop.done(&job).await;
    let asked = |shop: &Shop| {
        shop.paddle.requests().iter().filter(|r| r.target.ends_with("/invoice")).count()
    };
    assert_eq!((shop.files().len(), asked(&shop)), (1, 2));
}

#[tokio::test]
async fn lost_answers_never_make_two_of_anything() {
    let lost = |fault: fn() -> KommoFault| {
        [
            ("POST", "/v1.0/sessions"),
            ("POST", "/v1.0/sessions/upload"),
            ("PUT", "/api/v4/leads/"),
            ("POST", "/api/v4/leads/notes"),
        ]
        .map(|(method, path)| (path, fault().on(method, path)))
    };
    let mut faults = Vec::new();
    faults.extend(lost(|| KommoFault::status(504).applied()));
    faults.extend(lost(|| KommoFault::status(502)));
    faults.extend(lost(|| KommoFault::hang(Duration::from_secs(2)).applied()));
    faults.extend(lost(KommoFault::truncated));
    faults.extend(lost(KommoFault::drop_connection));
    faults.extend(lost(|| KommoFault::drop_connection().applied()));
    for (path, fault) in faults {
        let name = format!("{path} {fault:?}");
        let (shop, job) = sold().await;
        shop.world.kommo.fail_next(fault);
        let outcome = tries(&shop, &job).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{name}: {outcome}");
        assert_eq!((shop.files().len(), shop.world.notes().len()), (1, 2), "{name}");
    }
}

#[tokio::test]
async fn a_late_attachment_is_found_at_the_second_look() {
    let (shop, job) = sold().await;
    let kommo = &shop.world.kommo;
    kommo.fail_next(KommoFault::status(504).applied_later().on("PUT", "/api/v4/leads/"));
    shop.attempt(&job).await;
    shop.wait(LATER);
    let Outcome::Waiting { reason, .. } = shop.attempt(&job).await else { panic!("it ended") };
    assert!(reason.contains("looked for once more"), "{reason}");
    assert_eq!(kommo.apply_held(), 1, "Kommo commits only now");
    shop.wait(LATER);
    shop.done(&job).await;
    assert_eq!((shop.files().len(), shop.world.notes().len()), (1, 2));
}

#[tokio::test]
async fn other_files_of_the_deal_are_not_taken_for_ours() {
    let (shop, job) = sold().await;
    let files = crate::support::client(&shop.world.kommo).files();
    for name in ["invoice-325-10566.pdf", "offer.pdf"] {
        let file = files.upload(name, "application/pdf", b"%PDF-1.7").await.unwrap();
        files.attach(kommo_client::EntityType::Leads, LEAD, &[&file.uuid]).await.unwrap();
    }
    shop.world.kommo.fail_next(KommoFault::status(502).on("PUT", "/api/v4/leads/"));
    let outcome = tries(&shop, &job).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
    assert_eq!(shop.world.kommo.file_names(LEAD).len(), 3);
}

/// The process is killed at every step of the way, before and after what the step does, from the delivery to the note.
#[tokio::test]
async fn a_process_that_stops_anywhere_leaves_one_file_and_one_note() {
    for done in [false, true] {
        let mut stops = 0;
        for call in 1.. {
            let stop = Stop { call, done };
            if !stops_at(stop).await {
                break;
            }
            stops += 1;
        }
        assert!(stops > 12, "only {stops} places to stop at");
    }
}

/// Whether there is such a step.
async fn stops_at(stop: Stop) -> bool {
    let shop = Shop::open().await;
    let job = invoice_of(&shop.sell());
    let payment = shop.event("transaction.completed");
    let store = StoppingStore::new(shop.store.clone(), stop);
    let stopped = store
        .stops(async {
            let process = shop.world.restarted_with(store.clone(), connect(&shop.paddle)).await;
            process.handle(&payment).await.unwrap();
            process.attempt(&job).await.unwrap();
        })
        .await;
    shop.wait(LATER);
    // Delivered again, as Paddle does what was not acknowledged.
    for _ in 0..4 {
        if let Outcome::Done(_) = shop.world.handle(&payment).await {
            break;
        }
        shop.wait(LATER);
    }
    let outcome = tries(&shop, &job).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{stop:?}: {outcome}");
    assert_eq!((shop.files().len(), shop.world.notes().len()), (1, 2), "{stop:?}");
    stopped
}

/// A source that never answers, and counts who waits for it.
#[derive(Clone, Debug, Default)]
struct Silent(Arc<AtomicUsize>);

#[async_trait]
impl DocumentSource for Silent {
    async fn pdf(&self, _: &Document) -> Result<Vec<u8>, DocumentError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    }
}

/// Each for a deal of its own, with the same number as the transaction.
async fn sell_to_many(world: &World, sales: u64) {
    for id in 1..=sales {
        world.kommo.add_lead(FakeLead::new("x").id(id).stage(PIPELINE, NEGOTIATION));
        let mut data = transaction();
        data["id"] = json!(format!("txn_{id}"));
        data["customer_id"] = json!(format!("ctm_{id}"));
        data["subscription_id"] = Value::Null;
        data["custom_data"]["kommo_lead_id"] = json!(id);
        world.done(&event("transaction.completed", 0, &data)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_documents_there_are_they_leave_room_to_the_deals() {
    let silent = Silent::default();
    let asked = silent.0.clone();
    let build = |builder: paddle_kommo_sync::SyncBuilder| builder.documents(silent);
    let world = World::built(|_| {}, MemoryStore::new(), build).await;
    sell_to_many(&world, 40).await;
    let jobs: Vec<_> = (1..=40).map(|id| format!("job.invoice:txn_{id}")).collect();
    let mut attempts: FuturesUnordered<_> =
        jobs.iter().map(|job| world.sync.attempt(job)).collect();
    for _ in 32..40 {
        let outcome = soon(attempts.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(outcome.to_string(), "waiting: other documents go first");
    }
    let patience = tokio::time::timeout(Duration::from_secs(3600), attempts.next());
    assert!(patience.await.is_err(), "the others wait for their document");
    assert_eq!(asked.load(Ordering::Relaxed), 32);
}

/// Has one document of which it never hears anything else than that there is none yet; of all others nothing at all.
#[derive(Debug)]
struct Unmade(&'static str);

#[async_trait]
impl DocumentSource for Unmade {
    async fn pdf(&self, document: &Document) -> Result<Vec<u8>, DocumentError> {
        if document.id() == self.0 {
            return Err(DocumentError::Missing("not made yet".into()));
        }
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_that_came_again_and_again_while_others_went_first_has_not_failed() {
    let build = |builder: paddle_kommo_sync::SyncBuilder| builder.documents(Unmade("txn_33"));
    let world = World::built(|_| {}, MemoryStore::new(), build).await;
    sell_to_many(&world, 33).await;
    let jobs: Vec<_> = (1..=32).map(|id| format!("job.invoice:txn_{id}")).collect();
    let last = async || soon(world.sync.attempt("job.invoice:txn_33")).await.unwrap().unwrap();
    {
        let others = async {
            for _ in 0..70 {
                let outcome = last().await;
                assert_eq!(outcome.to_string(), "waiting: other documents go first");
                world.advance(Duration::from_secs(60));
            }
        };
        let attempts =
            futures_util::future::join_all(jobs.iter().map(|job| world.sync.attempt(job)));
        tokio::select! {
            biased;
            _ = attempts => panic!("they never end"),
            () = others => {}
        }
    }
    for _ in 1..7 {
        let outcome = last().await;
        assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome}");
        world.advance(Duration::from_secs(LATER));
    }
    let outcome = last().await;
    assert!(matches!(outcome, Outcome::Parked(_)), "{outcome}");
}

/// Answers when it is told to.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<Notify>);

impl Slow {
    async fn wait(&self) {
        self.0.notified().await;
    }
}

#[async_trait]
impl DocumentSource for Slow {
    async fn pdf(&self, _: &Document) -> Result<Vec<u8>, DocumentError> {
        self.wait().await;
        Ok(b"%PDF-1.7".to_vec())
    }
}

#[async_trait]
impl CustomerLookup for Slow {
    async fn email(&self, _: &CustomerId) -> Result<Option<String>, LookupError> {
        self.wait().await;
        Ok(Some("jo@example.com".to_owned()))
    }
}

/// What is answered without a wait.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work).await.expect("an answer at once")
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_a_lease_keeps_it() {
    let store = MemoryStore::new();
    let slow = Slow::default();
    let build = |builder: paddle_kommo_sync::SyncBuilder| {
        builder.documents(slow.clone()).customers(slow.clone())
    };
    let world = World::built(|_| {}, store.clone(), build).await;
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    let other = world.restarted_with(store, build).await;
    let mut data = transaction();
    data["custom_data"] = Value::Null;
    let payment = event("transaction.completed", 0, &data);
    let job = "job.invoice:txn_first";
    // Five minutes, in steps that are shorter than a lease.
    let five_minutes = async || {
        for _ in 0..15 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            world.advance(Duration::from_secs(20));
        }
    };
    let ((), outcome) = tokio::join!(
        async {
            five_minutes().await;
            let outcome = soon(other.handle(&payment)).await;
            assert!(matches!(outcome, Ok(Outcome::Waiting { .. })), "{outcome:?}");
            slow.0.notify_one();
        },
        world.sync.handle(&payment)
    );
    assert!(matches!(outcome, Ok(Outcome::Done(_))), "{outcome:?}");
    let ((), outcome) = tokio::join!(
        async {
            five_minutes().await;
            let outcome = soon(other.attempt(job)).await;
            assert!(matches!(outcome, Ok(Some(Outcome::Waiting { .. }))), "{outcome:?}");
            slow.0.notify_one();
        },
        world.sync.attempt(job)
    );
    assert!(matches!(outcome, Ok(Some(Outcome::Done(_)))), "{outcome:?}");
    assert_eq!(world.kommo.file_names(LEAD).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn however_many_customers_are_looked_up_there_is_room_for_others() {
    let slow = Slow::default();
    let build = |builder: paddle_kommo_sync::SyncBuilder| builder.customers(slow);
    let world = World::built(|_| {}, MemoryStore::new(), build).await;
    let payments: Vec<_> = (1..=40)
        .map(|number| {
            let mut data = transaction();
            data["id"] = json!(format!("txn_{number}"));
            data["customer_id"] = json!(format!("ctm_{number}"));
            data["subscription_id"] = Value::Null;
            data["custom_data"] = Value::Null;
            event("transaction.completed", 0, &data)
        })
        .collect();
    let mut all: FuturesUnordered<_> =
        payments.iter().map(|payment| world.sync.handle(payment)).collect();
    for _ in 32..40 {
        let outcome = soon(all.next()).await.unwrap().unwrap();
        assert_eq!(outcome.to_string(), "waiting: others are looked up first");
    }
    // However often it comes in vain, it comes again soon.
    for _ in 0..20 {
        let (_, until) = world.waiting(&payments[39]).await;
        let wait = until - world.clock.now();
        assert!(wait <= time::Duration::seconds(30), "{wait}");
        world.advance(Duration::from_secs(30));
    }
    assert_eq!(
        world.done(&event("transaction.completed", 0, &transaction())).await,
        [Reason::FirstPayment],
        "one that names its deal"
    );
}

#[derive(Debug)]
struct Drawer(fn() -> Result<Vec<u8>, DocumentError>);

#[async_trait]
impl DocumentSource for Drawer {
    async fn pdf(&self, document: &Document) -> Result<Vec<u8>, DocumentError> {
        assert!(matches!(document, Document::Invoice(id) if id.as_str() == "txn_first"));
        self.0()
    }
}

#[tokio::test]
async fn what_is_no_document_is_not_attached() {
    let page: fn() -> Result<Vec<u8>, DocumentError> = || Ok(b"<html>expired</html>".to_vec());
    let empty: fn() -> Result<Vec<u8>, DocumentError> = || Ok(Vec::new());
    let endless: fn() -> Result<Vec<u8>, DocumentError> =
        || Ok([b"%PDF-".as_slice(), &vec![b' '; 16 << 20]].concat());
    for (name, source, want) in [
        ("a page", page, false),
        ("nothing", empty, false),
        ("too much", endless, false),
        ("a PDF", || Ok(b"%PDF-1.7".to_vec()), true),
    ] {
        let build = |builder: paddle_kommo_sync::SyncBuilder| builder.documents(Drawer(source));
        let world = World::built(|_| {}, MemoryStore::new(), build).await;
        world.done(&event("transaction.completed", 0, &transaction())).await;
        let mut outcome = None;
        for _ in 0..10 {
            outcome = world.sync.attempt("job.invoice:txn_first").await.unwrap();
            world.advance(Duration::from_secs(LATER));
        }
        match outcome.unwrap() {
            Outcome::Done(_) => assert!(want, "{name}"),
            Outcome::Parked(parked) => {
                assert_eq!((want, parked.reason), (false, ParkReason::NoDocument), "{name}");
                assert!(parked.detail.contains("no PDF"), "{name}: {}", parked.detail);
            }
            other => panic!("{name}: {other}"),
        }
        assert_eq!(world.kommo.file_names(LEAD).len(), usize::from(want), "{name}");
        assert_eq!(world.stage(), WON, "{name}");
    }
}
