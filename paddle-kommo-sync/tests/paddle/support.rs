//! What the tests share.

use std::time::Duration;

use paddle_kommo_sync::{
    fake_paddle::FakePaddle,
    paddle::{ApiKey, Client, ClientBuilder, Pages, Unread},
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

pub(crate) const KEY: &str = "pdl_live_apikey_01example_made_up";

/// A client that repeats without waiting.
pub(crate) fn builder(uri: &str, key: &str) -> ClientBuilder {
    Client::builder(ApiKey::new(key).unwrap()).base_url(uri).first_delay(Duration::ZERO)
}

pub(crate) fn client(fake: &FakePaddle) -> Client {
    builder(&fake.uri(), &fake.api_key()).build().unwrap()
}

/// A server that answers everything like this, and a client of it that asks once.
pub(crate) async fn answering(template: ResponseTemplate) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    let client = builder(&server.uri(), KEY).attempts(1).build().unwrap();
    (server, client)
}

pub(crate) async fn answering_json(body: &Value) -> (MockServer, Client) {
    answering(ResponseTemplate::new(200).set_body_json(body)).await
}

/// A list of one page.
pub(crate) fn page(items: &Value) -> Value {
    let pagination =
        json!({"per_page": 50, "next": "https://api.paddle.com/x?after=y", "has_more": false});
    json!({"data": items, "meta": {"request_id": "r", "pagination": pagination}})
}

pub(crate) async fn all<T: Send>(pages: Pages<T>) -> Vec<T> {
    let items: Vec<Result<T, Unread>> = pages.all().await.unwrap();
    items.into_iter().map(Result::unwrap).collect()
}

/// The target of the only request.
pub(crate) async fn target(server: &MockServer) -> String {
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let url = &requests[0].url;
    let query: Vec<String> =
        url.query_pairs().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{} {} {}", requests[0].method, url.path(), query.join("&"))
}
