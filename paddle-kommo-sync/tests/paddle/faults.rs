//! What goes wrong on the way, and whether it happened all the same.

use std::time::Duration;

use paddle_kommo_sync::{
    fake_paddle::{FakePaddle, Fault, PRO_MONTHLY},
    paddle::{
        Client, Error, ErrorKind, Fate, NewTransaction, TransactionItemRequest, TransactionPatch,
    },
};
use paddle_webhook::{Transaction, TransactionId};
use time::{OffsetDateTime, macros::datetime};

use crate::support::{builder, client};

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

async fn fake() -> FakePaddle {
    let fake = FakePaddle::start().await;
    fake.set_time(NOW);
    fake
}

fn new(key: &str) -> NewTransaction {
    NewTransaction::new([TransactionItemRequest::new(PRO_MONTHLY.into(), 1)]).key(key)
}

async fn create(client: &Client) -> Result<Transaction, Error> {
    client.transactions().create(&new("k")).await
}

fn posts(fake: &FakePaddle) -> usize {
    fake.requests().iter().filter(|request| request.method == "POST").count()
}

#[tokio::test]
async fn every_failure_of_a_write_has_its_fate() {
    let short = Duration::from_millis(300);
    let long = Duration::from_secs(60);
    for (name, fault, kind, fate, status) in [
        ("400", Fault::status(400), ErrorKind::Refused, Fate::Refused, Some(400)),
        ("403", Fault::status(403), ErrorKind::Forbidden, Fate::Refused, Some(403)),
        ("409", Fault::status(409), ErrorKind::Conflict, Fate::Refused, Some(409)),
        ("500", Fault::status(500), ErrorKind::Server(500), Fate::Unknown, Some(500)),
        ("502", Fault::html(502), ErrorKind::Server(502), Fate::Unknown, Some(502)),
        ("403 page", Fault::html(403), ErrorKind::Status(403), Fate::Refused, Some(403)),
        ("200 page", Fault::html(200), ErrorKind::Decode, Fate::Unknown, Some(200)),
        (
            "half",
            Fault::answer(201, "{\"data\":{\"id\":"),
            ErrorKind::Decode,
            Fate::Unknown,
            Some(201),
        ),
        ("drop", Fault::drop_connection(), ErrorKind::Transport, Fate::Unknown, None),
        ("hang", Fault::hang(long), ErrorKind::Timeout, Fate::Unknown, None),
    ] {
        for applied in [false, true] {
            let fake = fake().await;
            let client = builder(&fake.uri(), &fake.api_key()).timeout(short).build().unwrap();
            fake.fail_next(if applied { fault.clone().applied() } else { fault.clone() });
            let error = create(&client).await.unwrap_err();
            assert_eq!((error.kind(), error.fate()), (kind, fate), "{name}");
            assert_eq!(error.status(), status, "{name}");
            assert_eq!(posts(&fake), 1, "{name}: a creation is not sent twice");
            assert_eq!(fake.transactions().len(), usize::from(applied), "{name}");
        }
    }
    let client = builder("http://127.0.0.1:1", "pdl_live_apikey_x").build().unwrap();
    let error = create(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Connect, Fate::NotSent));
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_transaction() {
    for fault in [
        Fault::status(504),
        Fault::html(200),
        Fault::drop_connection(),
        Fault::status(500),
        Fault::answer(201, "null"),
    ] {
        for applied in [false, true] {
            let fake = fake().await;
            let transactions = client(&fake).transactions();
            let fault = fault.clone().on("POST", "/transactions");
            fake.fail_next(if applied { fault.applied() } else { fault });
            let first = transactions.create_once(&new("lead-7-1"), NOW).await;
            // What was not made is told with its fate; the same call makes it then.
            assert_eq!(first.is_ok(), applied);
            let made = transactions.create_once(&new("lead-7-1"), NOW).await.unwrap();
            let again = transactions.create_once(&new("lead-7-1"), NOW).await.unwrap();
            assert_eq!(again.id, made.id);
            assert_eq!(fake.transactions().len(), 1);
            let other = transactions.create_once(&new("lead-7-2"), NOW).await.unwrap();
            assert_ne!(other.id, made.id);
        }
    }
}

#[tokio::test]
async fn the_key_is_looked_for_among_the_customers_own_and_since_then() {
    let fake = fake().await;
    let jo = fake.add_customer("jo@example.com", None);
    let al = fake.add_customer("al@example.com", None);
    let transactions = client(&fake).transactions();
    let made = transactions.create(&new("k").customer(jo.clone())).await.unwrap();
    let find = async |key, customer, since| {
        let found = transactions.find_by_key(key, customer, since).await.unwrap();
        found.map(|transaction| transaction.id)
    };
    let is_made = |found: Option<TransactionId>| found.as_ref() == Some(&made.id);
    assert!(is_made(find("k", None, NOW).await));
    assert!(is_made(find("k", Some(&jo), NOW).await));
    assert!(is_made(find("k", None, NOW + Duration::from_secs(299)).await), "clocks differ");
    assert_eq!(find("k", Some(&al), NOW).await, None);
    assert_eq!(find("K", None, NOW).await, None);
    assert_eq!(find("k", None, NOW + Duration::from_secs(301)).await, None);

    let none = NewTransaction::new([TransactionItemRequest::new(PRO_MONTHLY.into(), 1)]);
    let error = transactions.create_once(&none, NOW).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::InvalidRequest, Fate::NotSent));
}

#[tokio::test]
async fn what_may_be_ours_and_cannot_be_read_stops_the_making() {
    let fake = fake().await;
    let page = r#"{"data":[{"status":"draft","custom_data":{"request_key":"k-17"}}],
        "meta":{"pagination":{"has_more":false}}}"#;
    fake.fail_next(Fault::answer(200, page).on("GET", "/transactions"));
    let error = client(&fake).transactions().create_once(&new("k-17"), NOW).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(posts(&fake), 0);
}

#[tokio::test]
async fn reads_are_repeated_and_writes_only_where_nothing_was_done() {
    let fake = fake().await;
    let jo = fake.add_customer("jo@example.com", None);
    let client = client(&fake);
    for fault in [Fault::status(500), Fault::html(502), Fault::drop_connection()] {
        fake.fail_next(fault.times(2));
        assert!(client.customers().get(&jo).await.unwrap().is_some());
    }
    fake.fail_next(Fault::status(503).times(3));
    let error = client.customers().get(&jo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server(503));
    assert_eq!(error.code(), Some("service_unavailable"));
    assert_eq!(error.request_id(), Some("00000000-0000-4000-8000-000000000000"));

    fake.fail_next(Fault::status(503).on("PATCH", "/transactions"));
    let made = create(&client).await.unwrap();
    let patch = TransactionPatch::new().custom_data("a", "b");
    let error = client.transactions().update(&made.id, &patch).await.unwrap_err();
    assert_eq!(error.fate(), Fate::Unknown);
    assert_eq!(fake.requests().iter().filter(|request| request.method == "PATCH").count(), 1);
}

#[tokio::test]
async fn repeats_have_a_budget() {
    let fake = fake().await;
    let client = builder(&fake.uri(), &fake.api_key()).attempts(1_000).build().unwrap();
    fake.fail_next(Fault::status(500).always());
    client.webhook_addresses().await.unwrap_err();
    // Ten repeats are saved up.
    assert_eq!(fake.requests().len(), 11);
    client.webhook_addresses().await.unwrap_err();
    assert_eq!(fake.requests().len(), 12, "none is left");
}

#[tokio::test]
async fn a_429_holds_everybody_and_says_how_long() {
    let fake = fake().await;
    let client = client(&fake);
    fake.fail_next(Fault::too_many_requests("600"));
    let error = create(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    // The answer was complete; its repeat was held by the pause, which is too long to wait for.
    assert_eq!(error.fate(), Fate::NotSent);
    assert!(error.retry_after().unwrap() > Duration::from_secs(590));
    let error = client.clone().webhook_addresses().await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::RateLimited, Fate::NotSent));
    assert_eq!(fake.requests().len(), 1, "nothing more was sent");

    let once = builder(&fake.uri(), &fake.api_key()).attempts(1).build().unwrap();
    for (advice, seconds) in [("42", Some(42)), ("never", Some(1)), ("999999999999", Some(900))] {
        let once = builder(&fake.uri(), &fake.api_key()).attempts(1).build().unwrap();
        fake.fail_next(Fault::too_many_requests(advice));
        let error = create(&once).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (ErrorKind::RateLimited, Fate::Refused));
        assert_eq!(error.code(), Some("too_many_requests"));
        assert_eq!(error.retry_after().map(|wait| wait.as_secs()), seconds, "{advice}");
    }
    assert!(once.webhook_addresses().await.is_ok());
}

#[tokio::test]
async fn a_fault_may_let_some_requests_through() {
    let fake = fake().await;
    let client = builder(&fake.uri(), &fake.api_key()).attempts(1).build().unwrap();
    fake.fail_next(Fault::status(503).on("GET", "/prices").skip(2).times(2));
    let mut answered = Vec::new();
    for _ in 0..6 {
        // Of another path, which neither strikes nor counts.
        client.currencies().await.unwrap();
        answered.push(client.prices().list(None).next().await.is_ok());
    }
    assert_eq!(answered, [true, true, false, false, true, true]);
}
