//! What 429, blocks and failures do to the calls after them.

use std::time::{Duration, Instant};

use kommo_client::{Client, EntityType, ErrorKind, Fate, LeadId, LeadPatch, NewNote, RetryPolicy};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, method},
};

use crate::support::{builder, json, raw_server, requests, write};

fn quick() -> RetryPolicy {
    RetryPolicy::new().first_delay(Duration::from_millis(1))
}

fn client(server: &MockServer, retry: RetryPolicy) -> Client {
    builder(&server.uri()).retry(retry).build().unwrap()
}

/// Fails with these statuses, one after the other, then answers every read.
async fn failing(statuses: &[u16]) -> MockServer {
    let server = MockServer::start().await;
    for status in statuses {
        Mock::given(any())
            .respond_with(ResponseTemplate::new(*status).set_body_string("<html>"))
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(method("GET")).respond_with(json(r#"{"id":1}"#)).mount(&server).await;
    Mock::given(method("PATCH"))
        .respond_with(json(r#"{"_embedded":{"leads":[{"id":1}]}}"#))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn k12_reads_are_repeated_and_nothing_else_by_default() {
    let server = failing(&[500, 502]).await;
    assert!(client(&server, quick()).leads().get(LeadId::new(1)).await.unwrap().is_some());
    assert_eq!(requests(&server).await.len(), 3);

    let server = failing(&[500, 502, 503]).await;
    let error = client(&server, quick()).leads().get(LeadId::new(1)).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Server(503));

    let patch = [LeadPatch::new(LeadId::new(1)).price(1)];
    let server = failing(&[500]).await;
    let error = client(&server, quick()).leads().update(&patch).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Server(500), Fate::Unknown));
    let server = failing(&[500]).await;
    client(&server, quick().updates(true)).leads().update(&patch).await.unwrap();
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn k12_k18_a_creation_is_never_sent_twice() {
    let notes = [NewNote::common(7, "x")];
    for status in [429, 500, 502, 503, 504] {
        let server = failing(&[status]).await;
        let client = client(&server, quick().updates(true));
        client.notes(EntityType::Leads).create(&notes).await.unwrap_err();
        assert_eq!(requests(&server).await.len(), 1, "{status}");
    }
    // A connection that the server closes just as it is used again.
    let (sender, receiver) = std::sync::mpsc::channel();
    let uri = raw_server(move |stream| {
        sender.send(()).unwrap();
        write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"id\":1}");
        let mut byte = [0; 1];
        // The first byte of the second request is read, and never answered.
        let _ = std::io::Read::read(stream, &mut byte);
    });
    let client = builder(&uri).retry(quick().updates(true)).build().unwrap();
    client.leads().get(LeadId::new(1)).await.unwrap();
    let error = client.notes(EntityType::Leads).create(&notes).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Transport, Fate::Unknown));
    assert_eq!(receiver.try_iter().count(), 1);
}

#[tokio::test]
async fn k01_all_clones_keep_a_pause() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(429).insert_header("retry-after", "1"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(json(r#"{"id":1}"#)).mount(&server).await;
    let client = client(&server, RetryPolicy::never());
    let error = client.account().get().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::RateLimited);
    let started = Instant::now();
    client.clone().account().get().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(990), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_pause_beyond_patience_fails_at_once_and_unsent() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(429).set_body_string(r#"{"retry_after":300}"#))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server, quick());
    // The repeat of the first call meets the pause already.
    for _ in 0..2 {
        let error = client.account().get().await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::RateLimited, Fate::NotSent));
        let wait = error.retry_after().unwrap();
        assert!((290..=301).contains(&wait.as_secs()), "{wait:?}");
    }
}

#[tokio::test]
async fn k05_a_block_stops_all_clones() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(403).set_body_string("<html>403 nginx</html>"))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server, quick());
    let error = client.account().get().await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Blocked, Fate::Refused));
    for _ in 0..20 {
        let error = client.clone().account().get().await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::Blocked, Fate::NotSent));
        let wait = error.retry_after().unwrap();
        assert!((290..=300).contains(&wait.as_secs()), "{wait:?}");
    }
}

#[tokio::test]
async fn k06_a_lack_of_rights_stops_nobody() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(403).set_body_string(r#"{"status":403}"#))
        .expect(3)
        .mount(&server)
        .await;
    let client = client(&server, quick());
    for _ in 0..3 {
        let error = client.account().get().await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::Forbidden, Fate::Refused));
    }
}

#[tokio::test]
async fn a_call_whose_turn_does_not_come_in_time_is_not_sent() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let client =
        builder(&server.uri()).requests_per_second(std::num::NonZeroU32::MIN).build().unwrap();
    let hasty = client.with_longest_wait(Duration::from_millis(50));
    assert!(client.leads().get(LeadId::new(1)).await.unwrap().is_none(), "the one of this second");
    let error = hasty.leads().get(LeadId::new(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Busy, Fate::NotSent));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_turn_that_is_held_serves_one_request() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let one_a_second = builder(&server.uri()).requests_per_second(std::num::NonZeroU32::MIN);
    let client = one_a_second.build().unwrap().with_longest_wait(Duration::from_millis(50));
    let in_turn = client.in_turn(client.turn().await.unwrap());
    let error = client.leads().get(LeadId::new(1)).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Busy, "the only place of this second is held");
    assert!(in_turn.leads().get(LeadId::new(1)).await.unwrap().is_none());
    let error = in_turn.leads().get(LeadId::new(1)).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Busy, "it is used up");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}
