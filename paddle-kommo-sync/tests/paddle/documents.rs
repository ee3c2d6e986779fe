//! PDFs: where a link may lead, and what may come from there.

use std::{sync::Arc, time::Duration};

use paddle_kommo_sync::{
    DocumentError, DocumentSource,
    fake_paddle::{FakePaddle, Fault, Purchase},
    paddle::{Client, ErrorKind},
    plan::Document,
};
use paddle_webhook::{Environment, TransactionId};
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path},
};

use crate::support::{KEY, builder, client};

#[tokio::test]
async fn documents_are_fetched_by_links_that_end() {
    let fake = FakePaddle::start().await;
    let sale = fake.buy(&Purchase::new("jo@example.com"));
    let refund = fake.refund(&sale.transaction, None).unwrap();
    fake.settle_refunds(true);
    let client = client(&fake);
    let link = client.transactions().invoice_pdf(&sale.transaction).await.unwrap();
    assert!(client.download(&link).await.unwrap().starts_with(b"%PDF-"));
    fake.advance(Duration::from_secs(3_601));
    let error = client.download(&link).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Status(403), Some(403)));

    let source: Arc<dyn DocumentSource> = Arc::new(client);
    for document in [Document::Invoice(sale.transaction), Document::CreditNote(refund)] {
        assert!(source.pdf(&document).await.unwrap().starts_with(b"%PDF-"), "{document:?}");
    }
    assert!(source.is_for(Environment::Live) && !source.is_for(Environment::Sandbox));
}

#[tokio::test]
async fn what_may_come_yet_is_told_from_what_is_not_there() {
    let fake = FakePaddle::start().await;
    let sale = fake.buy(&Purchase::new("jo@example.com"));
    let source = builder(&fake.uri(), &fake.api_key()).attempts(1).build().unwrap();
    for id in ["txn_none", "ctm_1", "../x", ""] {
        let error = source.pdf(&Document::Invoice(id.into())).await.unwrap_err();
        assert!(matches!(error, DocumentError::Missing(_)), "{id}: {error:?}");
    }
    let forbidden = json!({"error": {"code": "forbidden", "detail": "no"}}).to_string();
    for (fault, missing) in [
        (Fault::answer(403, forbidden), true),
        (Fault::answer(200, "{}"), true),
        (Fault::html(200), true),
        (Fault::html(403), false),
        (Fault::status(503), false),
        (Fault::too_many_requests("1"), false),
        (Fault::drop_connection(), false),
    ] {
        let said = format!("{fault:?}");
        fake.fail_next(fault);
        let error = source.pdf(&Document::Invoice(sale.transaction.clone())).await.unwrap_err();
        assert_eq!(matches!(error, DocumentError::Missing(_)), missing, "{said}: {error:?}");
    }
    fake.set_key_valid(false);
    let error = source.pdf(&Document::Invoice(sale.transaction)).await.unwrap_err();
    assert!(matches!(error, DocumentError::Unavailable(_)), "{error:?}");
}

/// An API whose only link leads to `url`, in which `HERE` is its own address.
async fn linking_to(url: &str) -> (MockServer, Client) {
    let server = MockServer::start().await;
    let url = url.replace("HERE", &server.uri());
    let answer = ResponseTemplate::new(200).set_body_json(json!({"data": {"url": url}}));
    Mock::given(path("/transactions/txn_1/invoice")).respond_with(answer).mount(&server).await;
    let client = builder(&server.uri(), KEY).attempts(1).build().unwrap();
    (server, client)
}

async fn fetched(client: &Client) -> Result<Vec<u8>, ErrorKind> {
    let link = client.transactions().invoice_pdf(&TransactionId::from("txn_1")).await.unwrap();
    client.download(&link).await.map_err(|error| error.kind())
}

#[tokio::test]
async fn a_link_to_a_foreign_host_is_not_followed() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for url in [
        format!("{}/a.pdf", elsewhere.uri()),
        "https://evil.example/a.pdf".to_owned(),
        "file:///etc/passwd".to_owned(),
        "a.pdf".to_owned(),
    ] {
        let (_server, client) = linking_to(&url).await;
        assert_eq!(fetched(&client).await, Err(ErrorKind::Decode), "{url}");
    }
}

#[tokio::test]
async fn a_document_that_leads_on_is_too_large_or_is_not_there_is_told() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    let redirect =
        |status| ResponseTemplate::new(status).insert_header("location", elsewhere.uri());
    for (answer, want) in [
        (redirect(302), Err(ErrorKind::Redirect)),
        (redirect(307), Err(ErrorKind::Redirect)),
        (ResponseTemplate::new(404), Err(ErrorKind::NotFound)),
        (ResponseTemplate::new(403), Err(ErrorKind::Status(403))),
        (ResponseTemplate::new(429), Err(ErrorKind::Status(429))),
        (ResponseTemplate::new(503), Err(ErrorKind::Server(503))),
        (
            ResponseTemplate::new(200).set_body_bytes(vec![b' '; (16 << 20) + 1]),
            Err(ErrorKind::TooLarge),
        ),
        (ResponseTemplate::new(200).set_body_string("%PDF-1.7"), Ok(b"%PDF-1.7".to_vec())),
    ] {
        let (server, client) = linking_to("HERE/a.pdf?signature=secret").await;
        Mock::given(path("/a.pdf")).respond_with(answer).expect(1).mount(&server).await;
        assert_eq!(fetched(&client).await, want);
        let requests = server.received_requests().await.unwrap();
        assert!(requests[0].headers.contains_key("authorization"), "the API gets the key");
        assert!(!requests[1].headers.contains_key("authorization"), "the storage does not");
        // The storage's 429 is none of the API's.
        assert!(client.transactions().invoice_pdf(&"txn_1".into()).await.is_ok());
    }
}

#[tokio::test]
async fn no_link_is_told_by_an_error() {
    let (_server, client) = linking_to("HERE/a.pdf?signature=secret").await;
    let link = client.transactions().invoice_pdf(&"txn_1".into()).await.unwrap();
    let error = client.download(&link).await.unwrap_err();
    let source = client.pdf(&Document::Invoice("txn_1".into())).await.unwrap_err();
    for said in [format!("{error:?} {error}"), format!("{source:?} {source}"), format!("{link:?}")]
    {
        assert!(!said.contains("signature") && !said.contains("a.pdf"), "{said}");
    }
}
