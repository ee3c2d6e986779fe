//! Answers that mean harm.

use std::time::Duration;

use paddle_kommo_sync::paddle::{ErrorKind, EventFilter, Fate, TransactionFilter};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{KEY, answering, answering_json, builder};

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for status in [301, 302, 303, 307, 308] {
        let redirect = ResponseTemplate::new(status).insert_header("location", elsewhere.uri());
        let (_server, client) = answering(redirect).await;
        let error = client.webhook_addresses().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Redirect, Some(status)));
    }
}

fn with_next(items: &Value, next: &str) -> Value {
    json!({"data": items, "meta": {"pagination": {"next": next, "has_more": true}}})
}

#[tokio::test]
async fn the_key_never_goes_where_next_leads_to_elsewhere() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for next in [
        format!("{}/transactions?after=a", elsewhere.uri()),
        "https://api.paddle.com.evil.example/transactions?after=a".to_owned(),
        "//evil.example/transactions?after=a".to_owned(),
        "/customers?after=a".to_owned(),
        "/transactions/../customers?after=a".to_owned(),
        "http://[".to_owned(),
        "javascript:1".to_owned(),
        "http://evil.example:PORT/transactions?after=a".to_owned(),
        "https://127.0.0.1:PORT/transactions?after=a".to_owned(),
    ] {
        let server = MockServer::start().await;
        let next = next.replace("PORT", &server.address().port().to_string());
        let answer = with_next(&json!([{"id": "txn_1"}]), &next);
        let answer = ResponseTemplate::new(200).set_body_json(answer);
        Mock::given(any()).respond_with(answer).expect(1).mount(&server).await;
        let client = builder(&server.uri(), KEY).attempts(1).build().unwrap();
        let mut pages = client.transactions().list(&TransactionFilter::new()).unwrap();
        let error = pages.next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Pagination, "{next}");
    }
}

#[tokio::test]
async fn pages_that_go_round_or_never_end_are_told() {
    // It links to itself.
    let (server, client) = answering_json(&with_next(&json!([{}]), "/events?after=a")).await;
    let mut pages = client.events().list(&EventFilter::new());
    assert!(pages.next().await.is_ok());
    let error = pages.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pagination);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    // Nothing comes, and there is more of it.
    let (_server, client) = answering_json(&with_next(&json!([]), "/events?after=a")).await;
    let error = client.events().list(&EventFilter::new()).next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pagination);
    // There is more, and nobody says where.
    let body = json!({"data": [{}], "meta": {"pagination": {"has_more": true, "next": null}}});
    let (_server, client) = answering_json(&body).await;
    let error = client.events().list(&EventFilter::new()).next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pagination);
}

#[tokio::test]
async fn a_list_ends_where_no_more_is_said_whatever_next_says() {
    for meta in [
        json!({"pagination": {"has_more": false, "next": "https://api.paddle.com/events?after=z"}}),
        json!({"pagination": null}),
        json!({}),
    ] {
        let (_server, client) = answering_json(&json!({"data": [], "meta": meta})).await;
        let mut pages = client.events().list(&EventFilter::new());
        assert!(pages.next().await.unwrap().is_some());
        assert!(pages.next().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn what_is_no_list_is_not_an_empty_one() {
    for body in [
        json!({}),
        json!(null),
        json!([]),
        json!({"data": []}),
        json!([[], {}]),
        json!({"data": null, "meta": {}}),
        json!({"data": {"id": "x"}, "meta": {}}),
        json!({"data": [], "meta": {"pagination": {}}}),
        json!({"error": {"code": "not_found"}, "meta": {}}),
    ] {
        let (_server, client) = answering_json(&body).await;
        let error = client.events().list(&EventFilter::new()).next().await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (ErrorKind::Decode, Fate::Unknown), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_object_is_none() {
    for data in [json!(null), json!(["ctm_1"]), json!("ctm_1"), json!({}), json!({"id": null})] {
        let (_server, client) = answering_json(&json!({"data": data})).await;
        let error = client.customers().get(&"ctm_1".into()).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(200)), "{data}");
    }
}

#[tokio::test]
async fn only_paddles_own_word_says_that_there_is_none() {
    let not_found = json!({"error": {"code": "not_found"}});
    let answer = ResponseTemplate::new(404).set_body_json(&not_found);
    let (_server, client) = answering(answer).await;
    assert_eq!(client.transactions().get(&"txn_1".into()).await.unwrap(), None);
    for body in [r#"{"error":{"code":"invalid_url"}}"#, "<html>", "", "{}"] {
        let answer = ResponseTemplate::new(404).set_body_string(body);
        let (_server, client) = answering(answer).await;
        assert!(client.transactions().get(&"txn_1".into()).await.is_err(), "{body}");
    }
}

#[tokio::test]
async fn ids_cannot_lead_to_other_paths() {
    let (server, client) = answering_json(&json!({"data": {"id": "x"}})).await;
    for id in ["", "..", "../customers/ctm_1", "txn_1/invoice", "txn_1?x", "txn%2f1", "tx n", "ñ"]
    {
        let error = client.transactions().get(&id.into()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.fate()),
            (ErrorKind::InvalidRequest, Fate::NotSent),
            "{id}"
        );
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn bodies_without_end_are_cut() {
    let (_server, client) =
        answering(ResponseTemplate::new(200).set_body_bytes(vec![b' '; (16 << 20) + 1])).await;
    let error = client.webhook_addresses().await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::TooLarge, Fate::Unknown));
    // A refusal may be as large as it likes: its status has come.
    let (_server, client) =
        answering(ResponseTemplate::new(403).set_body_bytes(vec![b' '; 1 << 20])).await;
    let error = client.webhook_addresses().await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Status(403), Fate::Refused));
}

#[tokio::test]
async fn deep_nesting_in_one_item_costs_only_that_item() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!(
        r#"{{"data":[{{"id":"ctm_1"}},{{"id":"ctm_2","custom_data":null,"import_meta":{deep}}}],
            "meta":{{"pagination":{{"has_more":false}}}}}}"#
    );
    let (_server, client) = answering(ResponseTemplate::new(200).set_body_string(body)).await;
    let read = client.customers().search("x").all().await.unwrap();
    assert!(read[0].is_ok() && read[1].is_err());
}

/// Reads a request, answers these bytes, and then says nothing more.
async fn falls_silent_after(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4_096]).await;
        socket.write_all(bytes).await.unwrap();
        std::future::pending::<()>().await;
    });
    uri
}

#[tokio::test]
async fn an_answer_that_falls_silent_is_not_waited_for() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":";
    let uri = falls_silent_after(bytes).await;
    let builder = builder(&uri, KEY).attempts(1).idle_timeout(Duration::from_millis(50));
    let error = builder.build().unwrap().webhook_addresses().await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Timeout, Fate::Unknown));
    // Of a refusal the status is enough.
    let uri = falls_silent_after(b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\n{").await;
    let builder = crate::support::builder(&uri, KEY).attempts(1);
    let client = builder.idle_timeout(Duration::from_millis(50)).build().unwrap();
    let error = client.customers().get(&"ctm_1".into()).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Status(404), Fate::Refused));
}
