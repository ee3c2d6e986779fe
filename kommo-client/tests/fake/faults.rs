use std::time::Duration;

use kommo_client::fake::{FakeKommo, FakeLead, Fault};
use kommo_client::{AccessToken, Client, EntityType, ErrorKind, Fate, LeadId, NewNote};
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::{Answer, CLIENT, client, get, patch, post, try_send, unlimited};

/// A fake with one lead, and a note for it.
async fn account() -> (FakeKommo, u64, Value) {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let note = json!([{"entity_id": lead, "note_type": "common", "params": {"text": "Paid"}}]);
    (kommo, lead, note)
}

#[tokio::test]
async fn a_status_before_or_after_the_write() {
    let (kommo, lead, note) = account().await;
    kommo.fail_next(Fault::status(503).on("POST", "/api/v4/leads/notes"));
    kommo.fail_next(Fault::status(504).on("POST", "/api/v4/leads/notes").applied());
    assert_eq!(get(&kommo, "leads").await.status, 200, "not for this");
    assert_eq!(post(&kommo, "leads/notes", &note).await.status, 503);
    assert_eq!(kommo.notes(lead).len(), 0);
    let answer = post(&kommo, "leads/notes", &note).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (504, "application/problem+json"));
    assert_eq!(answer.json()["status"], 504);
    assert_eq!(kommo.notes(lead).len(), 1, "written, but nobody was told");
    assert_eq!(kommo.ledger().len(), 1);
    assert_eq!(post(&kommo, "leads/notes", &note).await.status, 200);
    let statuses: Vec<u16> = kommo.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [200, 503, 504, 200]);
}

#[tokio::test]
async fn the_nth_request_so_many_times() {
    let (kommo, lead, _) = account().await;
    let path = format!("leads/{lead}");
    kommo.fail_next(Fault::status(500).at("GET", &format!("/api/v4/leads/{lead}")).nth(2).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(&kommo, &path).await.status);
        assert_eq!(get(&kommo, "leads").await.status, 200, "another path");
    }
    assert_eq!(statuses, [200, 500, 500, 200]);
    kommo.fail_next(Fault::status(500).at("GET", "/api/v4/leads"));
    assert_eq!(get(&kommo, &path).await.status, 200, "at is no prefix");
    assert_eq!(get(&kommo, "leads?limit=1").await.status, 500, "the query does not count");
    kommo.fail_next(Fault::status(500).always());
    for _ in 0..3 {
        assert_eq!(get(&kommo, &path).await.status, 500);
    }
    kommo.clear_faults();
    assert_eq!(get(&kommo, &path).await.status, 200);
}

#[tokio::test]
async fn batches_that_are_too_large() {
    let (kommo, lead, _) = account().await;
    kommo.fail_next(Fault::status(504).on("PATCH", "/api/v4/leads").batches_over(2).always());
    for (items, want) in [(3, 504), (2, 200), (5, 504), (1, 200)] {
        let body: Value = (0..items).map(|_| json!({"id": lead, "price": 1})).collect();
        assert_eq!(patch(&kommo, "leads", &body).await.status, want, "{items}");
    }
    assert_eq!(kommo.ledger().len(), 3);
}

fn posting(kommo: &FakeKommo, body: &Value) -> reqwest::RequestBuilder {
    let request = CLIENT.post(format!("{}/api/v4/leads/notes", kommo.uri()));
    request.bearer_auth(kommo.token()).body(body.to_string())
}

/// Sends with a client that gives up after 200 ms.
async fn impatient(kommo: &FakeKommo, body: &Value) -> Result<reqwest::Response, reqwest::Error> {
    posting(kommo, body).timeout(Duration::from_millis(200)).send().await
}

#[tokio::test]
async fn hanging_before_and_after_the_write() {
    let (kommo, lead, note) = account().await;
    kommo.fail_next(Fault::hang(Duration::from_secs(5)));
    kommo.fail_next(Fault::hang(Duration::from_secs(5)).applied());
    assert!(impatient(&kommo, &note).await.expect_err("no answer in time").is_timeout());
    assert_eq!(kommo.notes(lead).len(), 0);
    assert!(impatient(&kommo, &note).await.expect_err("no answer in time").is_timeout());
    assert_eq!(kommo.notes(lead).len(), 1);
    kommo.fail_next(Fault::hang(Duration::from_millis(1)).applied());
    kommo.fail_next(Fault::hang(Duration::from_millis(1)));
    assert_eq!(post(&kommo, "leads/notes", &note).await.status, 200, "late, but the real answer");
    assert_eq!(post(&kommo, "leads/notes", &note).await.status, 504);
}

#[tokio::test]
async fn a_write_that_happens_after_the_client_gave_up() {
    let (kommo, lead, note) = account().await;
    kommo.fail_next(Fault::status(504).applied_later());
    kommo.fail_next(Fault::status(504).applied_later());
    assert_eq!(post(&kommo, "leads/notes", &note).await.status, 504);
    assert_eq!(post(&kommo, "leads/notes", &json!([{"note_type": "x"}])).await.status, 504);
    assert_eq!(get(&kommo, &format!("leads/{lead}/notes")).await.status, 204);
    assert!(kommo.ledger().is_empty());
    assert_eq!(kommo.apply_held(), 1, "the second is refused even then");
    assert_eq!(kommo.notes(lead).len(), 1);
    assert_eq!(
        get(&kommo, &format!("leads/{lead}/notes")).await.status,
        200,
        "and listed from then on"
    );
    assert_eq!(kommo.ledger()[0].at, 1);
    assert_eq!(kommo.apply_held(), 0);
}

#[tokio::test]
async fn a_connection_that_is_dropped() {
    let (kommo, lead, note) = account().await;
    kommo.fail_next(Fault::drop_connection().on("POST", "/api/v4/leads/notes"));
    kommo.fail_next(Fault::drop_connection().on("POST", "/api/v4/leads/notes").applied());
    for notes in [0, 1] {
        let sent = try_send(&kommo, Method::POST, "leads/notes", Some(&note), kommo.token()).await;
        let error = sent.expect_err("no answer");
        assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
        assert_eq!(kommo.notes(lead).len(), notes);
    }
    let statuses: Vec<u16> = kommo.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [0, 0], "each came once");
    assert_eq!(post(&kommo, "leads/notes", &note).await.status, 200);
}

#[tokio::test]
async fn answers_that_are_no_json() {
    let (kommo, lead, note) = account().await;
    kommo.fail_next(Fault::truncated().on("POST", "/api/v4/leads/notes"));
    let answer = post(&kommo, "leads/notes", &note).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.starts_with('{') && serde_json::from_str::<Value>(&answer.text).is_err());
    assert_eq!(kommo.notes(lead).len(), 1, "applied");

    let html =
        |answer: &Answer| answer.content_type == "text/html" && answer.text.contains("<html>");
    for (fault, status) in [
        (Fault::html(200), 200),
        (Fault::html(502), 502),
        (Fault::block(), 403),
        (Fault::too_many_requests(), 429),
    ] {
        kommo.fail_next(fault);
        let answer = post(&kommo, "leads/notes", &note).await;
        assert!(answer.status == status && html(&answer), "{answer:?}");
    }
    kommo.fail_next(Fault::answer(200, "null"));
    assert_eq!(post(&kommo, "leads/notes", &note).await.text, "null");
    assert_eq!(kommo.notes(lead).len(), 1, "none of them was applied");
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_a_body() {
    let (kommo, lead, note) = account().await;
    kommo.fail_next(Fault::broken().on("POST", "/api/v4/leads/notes"));
    let mut response = posting(&kommo, &note).send().await.expect("a head");
    assert_eq!(response.status().as_u16(), 200);
    let promised = response.content_length().expect("a length");
    let mut came = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => came += chunk.len() as u64,
            Ok(None) => panic!("a whole body"),
            Err(error) => break error,
        }
    };
    assert!(!error.is_timeout(), "{error:?}");
    assert_eq!(came, promised / 2);
    assert_eq!(kommo.notes(lead).len(), 1, "applied");
    kommo.fail_next(Fault::broken());
    let notes = [NewNote::common(lead, "x")];
    let error = client(&kommo).notes(EntityType::Leads).create(&notes).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Transport, Fate::Unknown));
    assert_eq!(error.status(), Some(200));
}

#[tokio::test]
async fn a_body_that_drips() {
    let (kommo, lead, note) = account().await;
    kommo.fail_next(Fault::drip(Duration::ZERO));
    assert_eq!(post(&kommo, "leads/notes", &note).await.ids("notes").len(), 1, "whole in the end");
    kommo.fail_next(Fault::drip(Duration::from_millis(150)));
    let response = impatient(&kommo, &note).await.expect("a head");
    assert!(response.text().await.expect_err("it never ends").is_timeout());
    assert_eq!(kommo.notes(lead).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_drip_ends_at_the_deadlines_of_the_client() {
    let fake = FakeKommo::in_memory();
    let lead = fake.add_lead(FakeLead::new("Acme"));
    let token = AccessToken::new(fake.token()).unwrap();
    let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
    for (pause, gives_up_after) in [(1, 20), (11, 10)] {
        fake.fail_next(Fault::drip(Duration::from_secs(pause)));
        let started = tokio::time::Instant::now();
        let note = [NewNote::common(lead, "x")];
        let error = client.notes(EntityType::Leads).create(&note).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::Timeout, Fate::Unknown));
        assert_eq!(started.elapsed().as_secs(), gives_up_after, "{pause}");
    }
    fake.fail_next(Fault::broken());
    let error = client.leads().get(LeadId::new(lead)).await;
    // A read may go again, and does.
    assert!(error.expect("an answer").is_some());
}

#[tokio::test]
async fn a_server_that_is_dropped_gives_its_port_back() {
    let kommo = FakeKommo::start().await;
    let address = kommo.uri().replace("http://", "");
    assert_eq!(get(&kommo, "account").await.status, 200);
    drop(kommo);
    std::net::TcpListener::bind(&address).expect("the port is free");
}

#[tokio::test]
async fn only_the_api_numbers_its_answers() {
    let kommo = unlimited().await;
    let url = format!("{}/api/v4/account", kommo.uri());
    kommo.fail_next(Fault::status(500).nth(2));
    kommo.fail_next(Fault::html(502).nth(3));
    for (status, number) in [(401, Some("1")), (500, Some("2")), (502, None)] {
        let response = CLIENT.get(&url).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), status);
        let header = response.headers().get("x-request-id");
        assert_eq!(header.and_then(|value| value.to_str().ok()), number, "{status}");
    }
}

#[tokio::test]
async fn every_way_to_say_how_long_to_wait() {
    let kommo = unlimited().await;
    let url = format!("{}/api/v4/account", kommo.uri());
    for value in ["3", "Wed, 21 Oct 2026 07:28:00 GMT", "1000000000000", "-1", "NaN"] {
        kommo.fail_next(Fault::too_many_requests().retry_after(value));
        let response = CLIENT.get(&url).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 429);
        assert_eq!(response.headers()["retry-after"], value);
    }
    kommo.fail_next(Fault::too_many_requests_json(300));
    let response = CLIENT.get(&url).send().await.expect("an answer");
    assert_eq!(response.headers().get("retry-after"), None);
    let body: Value = serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
    assert_eq!((&body["status"], &body["retry_after"]), (&json!(429), &json!(300)));
}

#[tokio::test]
async fn more_than_seven_in_a_second_are_too_many() {
    let kommo = FakeKommo::start().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    // Whatever the machine's pace: the fake must refuse exactly those that came too soon.
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(patch(&kommo, "leads", &json!([{"id": lead, "price": 1}])).await.status);
    }
    let times: Vec<_> = kommo.requests().iter().map(|request| request.received).collect();
    let second = Duration::from_secs(1);
    for (index, status) in statuses.iter().enumerate() {
        let now = times[index];
        let recent = times[..=index].iter().filter(|at| now.duration_since(**at) < second).count();
        assert_eq!(*status, if recent > 7 { 429 } else { 200 }, "{index}: {recent} in its second");
    }
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!(refused > 0, "40 requests on loopback take less than 6 seconds");
    assert_eq!(kommo.rate_limited(), refused);
    assert_eq!(kommo.ledger().len(), 40 - refused);
}

#[tokio::test]
async fn the_block_answers_everything_until_it_ends() {
    let kommo = FakeKommo::start().await;
    kommo.set_rate_limit(Some(0));
    kommo.set_block_after(Some(2));
    let first = get(&kommo, "account").await;
    assert_eq!((first.status, first.content_type.as_str()), (429, "text/html"));
    assert_eq!(get(&kommo, "account").await.status, 403);
    kommo.set_rate_limit(None);
    let blocked = get(&kommo, "account").await;
    assert_eq!((blocked.status, blocked.content_type.as_str()), (403, "text/html"));
    kommo.unblock();
    assert_eq!(get(&kommo, "account").await.status, 200);
    kommo.block();
    assert_eq!(get(&kommo, "leads").await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn without_a_server_days_pass_in_virtual_time() {
    let fake = FakeKommo::in_memory();
    let lead = fake.add_lead(FakeLead::new("Acme"));
    let token = AccessToken::new(fake.token()).unwrap();
    let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
    let started = tokio::time::Instant::now();
    for _ in 0..70 {
        assert!(client.leads().get(LeadId::new(lead)).await.unwrap().is_some());
    }
    let passed = started.elapsed();
    assert!(passed >= Duration::from_secs(9), "the limit holds in virtual time: {passed:?}");
    assert_eq!(fake.rate_limited(), 0);

    let mut faults = vec![
        (Fault::unreachable(), ErrorKind::Connect, Fate::NotSent),
        (Fault::bad_certificate(), ErrorKind::Certificate, Fate::NotSent),
        (Fault::drop_connection(), ErrorKind::Transport, Fate::Unknown),
        (Fault::hang(Duration::from_secs(600)).applied(), ErrorKind::Timeout, Fate::Unknown),
        (Fault::truncated(), ErrorKind::Decode, Fate::Unknown),
        (Fault::status(503), ErrorKind::Server(503), Fate::Unknown),
    ];
    let mut coming: Vec<_> = faults.iter().map(|(fault, ..)| fault.clone()).rev().collect();
    fake.fail_when(move |method, path, items| {
        assert_eq!((method, path, items), ("POST", "/api/v4/leads/notes", 1));
        coming.pop()
    });
    for (_, kind, fate) in faults.drain(..) {
        let note = [NewNote::common(lead, "x")];
        let error = client.notes(EntityType::Leads).create(&note).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&kind, fate));
    }
    assert_eq!(fake.notes(lead).len(), 2, "the one that hung, and the one that was cut");
}

/// What a row in a shared database would be.
#[derive(Debug, Default)]
struct Row(std::sync::Mutex<Option<tokio::time::Instant>>);

#[async_trait::async_trait]
impl kommo_client::Pacer for Row {
    async fn next_turn(&self, spacing: Duration) -> Option<Duration> {
        let now = tokio::time::Instant::now();
        let mut next = self.0.lock().ok()?;
        let turn = next.map_or(now, |next| next.max(now));
        *next = turn.checked_add(spacing);
        Some(turn.duration_since(now))
    }
}

#[tokio::test(start_paused = true)]
async fn several_processes_share_one_pace() {
    for is_shared in [true, false] {
        let fake = FakeKommo::in_memory();
        let row: std::sync::Arc<Row> = std::sync::Arc::default();
        let process = || {
            let token = AccessToken::new(fake.token()).unwrap();
            let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
            if is_shared { client.paced_by(row.clone()) } else { client }
        };
        let processes = [process(), process(), process()];
        let asking = processes.iter().map(|client| async {
            for _ in 0..20 {
                drop(client.account().get().await);
            }
        });
        futures_util::future::join_all(asking).await;
        assert_eq!(fake.rate_limited() == 0, is_shared, "{} refused", fake.rate_limited());
    }
}

/// A row in a database that does not answer so often.
#[derive(Debug)]
struct Silent(std::sync::atomic::AtomicU32);

#[async_trait::async_trait]
impl kommo_client::Pacer for Silent {
    async fn next_turn(&self, _: Duration) -> Option<Duration> {
        let is_silent = |left: u32| left.checked_sub(1);
        let order = std::sync::atomic::Ordering::SeqCst;
        self.0.fetch_update(order, order, is_silent).is_err().then_some(Duration::ZERO)
    }
}

/// Tells a turn when somebody lets it.
#[derive(Debug)]
struct Asked(tokio::sync::Semaphore);

#[async_trait::async_trait]
impl kommo_client::Pacer for Asked {
    async fn next_turn(&self, _: Duration) -> Option<Duration> {
        self.0.acquire().await.ok()?.forget();
        Some(Duration::ZERO)
    }
}

/// The process is stopped while it waits for its turn. Somebody else may have done its work when it wakes.
#[tokio::test(start_paused = true)]
async fn what_has_slept_through_its_time_is_not_sent() {
    for (slept, leaves) in [(7, true), (300, false)] {
        let fake = FakeKommo::in_memory();
        let token = AccessToken::new(fake.token()).unwrap();
        let asked = std::sync::Arc::new(Asked(tokio::sync::Semaphore::new(0)));
        let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
        let client = client.paced_by(asked.clone()).with_longest_wait(Duration::from_secs(8));
        let account = client.account();
        let mut asking = std::pin::pin!(account.get());
        assert!(futures_util::poll!(asking.as_mut()).is_pending());
        tokio::time::advance(Duration::from_secs(slept)).await;
        asked.0.add_permits(9);
        let answer = asking.await;
        assert_eq!(fake.requests().len(), usize::from(leaves), "{slept}");
        match answer {
            Ok(_) => assert!(leaves),
            Err(error) => assert_eq!(error.fate(), Fate::NotSent, "{error}"),
        }
    }
}

/// A row in which other processes have taken the next turns.
#[derive(Debug, Default)]
struct Taken(std::sync::atomic::AtomicU32);

#[async_trait::async_trait]
impl kommo_client::Pacer for Taken {
    async fn next_turn(&self, _: Duration) -> Option<Duration> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Some(Duration::from_secs(10))
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_takes_no_turn_before_it_has_used_the_one_before() {
    let fake = FakeKommo::in_memory();
    let token = AccessToken::new(fake.token()).unwrap();
    let taken = std::sync::Arc::new(Taken::default());
    let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
    let client = client.paced_by(taken.clone());
    let account = client.account();
    let asking = futures_util::future::join_all((0..5).map(|_| account.get()));
    assert!(tokio::time::timeout(Duration::from_secs(15), asking).await.is_err());
    assert_eq!(taken.0.load(std::sync::atomic::Ordering::SeqCst), 2, "one is used, one waits");
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_while_nobody_tells_the_pace() {
    for (silent, leaves) in [(1, true), (100, false)] {
        let fake = FakeKommo::in_memory();
        let token = AccessToken::new(fake.token()).unwrap();
        let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
        let pacer = std::sync::Arc::new(Silent(silent.into()));
        let account = client.paced_by(pacer).account().get().await;
        assert_eq!(fake.requests().len(), usize::from(leaves), "{silent}");
        match account {
            Ok(_) => assert!(leaves),
            Err(error) => {
                assert_eq!((error.kind(), error.fate()), (&ErrorKind::Busy, Fate::NotSent));
                assert!(!leaves);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_probe_of_a_block_waits_for_its_turn_among_all_and_leaves() {
    let fake = FakeKommo::in_memory();
    let token = AccessToken::new(fake.token()).unwrap();
    let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
    let client = client.paced_by(std::sync::Arc::new(Row::default()));
    fake.block();
    assert_eq!(client.account().get().await.unwrap_err().kind(), &ErrorKind::Blocked);
    fake.unblock();
    tokio::time::sleep(Duration::from_secs(301)).await;
    client.account().get().await.unwrap();
}

/// Lets requests leave until it is told that all would be refused.
#[derive(Debug)]
struct Door(tokio::sync::watch::Receiver<bool>);

#[async_trait::async_trait]
impl kommo_client::Pacer for Door {
    async fn next_turn(&self, _: Duration) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    async fn closed(&self) -> ErrorKind {
        drop(self.0.clone().wait_for(|is_closed| *is_closed).await);
        ErrorKind::Unauthorized
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_turn_hears_at_once_that_nothing_may_leave() {
    let fake = FakeKommo::in_memory();
    let token = AccessToken::new(fake.token()).unwrap();
    let (close, is_closed) = tokio::sync::watch::channel(false);
    let client = Client::builder(&fake.uri(), token).answered_by(&fake).build().unwrap();
    let client = client.paced_by(std::sync::Arc::new(Door(is_closed)));
    client.account().get().await.unwrap();
    let turn = client.turn().await.unwrap();
    let begin = tokio::time::Instant::now();
    let account = client.account();
    let asking = futures_util::future::join_all((0..100).map(|_| account.get()));
    let closing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        close.send(true).unwrap();
    };
    let (answers, ()) = futures_util::future::join(asking, closing).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    let left = fake.requests().len();
    assert!(left < 10, "{left}");
    let is_refused = |error: &kommo_client::Error| {
        (error.kind(), error.fate(), error.status())
            == (&ErrorKind::Unauthorized, Fate::NotSent, None)
    };
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert_eq!(refused.filter(|error| is_refused(error)).count(), 101 - left);
    assert!(is_refused(&client.in_turn(turn).account().get().await.unwrap_err()));
    close.send(false).unwrap();
    client.account().get().await.unwrap();
}
