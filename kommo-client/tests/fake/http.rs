//! A few lines of HTTP for the other modules.

use std::{num::NonZeroU32, sync::LazyLock};

use kommo_client::{AccessToken, RetryPolicy, fake::FakeKommo};
use reqwest::{Client, Method};
use serde_json::Value;

/// An answer: the body is `Null` when there was none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// All problems of a refused request: `request_id`, code and path.
    #[track_caller]
    pub(crate) fn problems(&self) -> Vec<(String, String, String)> {
        assert_eq!(self.status, 400, "{self:?}");
        assert_eq!(self.content_type, "application/problem+json");
        let body = self.json();
        assert_eq!(body["detail"], "Request validation failed", "{self:?}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut problems = Vec::new();
        for item in body["validation-errors"].as_array().expect("a list of items") {
            for error in item["errors"].as_array().expect("a list of errors") {
                assert!(error["detail"].is_string(), "{error}");
                problems.push((
                    text(&item["request_id"]),
                    text(&error["code"]),
                    text(&error["path"]),
                ));
            }
        }
        problems
    }

    /// The only problem of a refused request: code and path.
    #[track_caller]
    pub(crate) fn problem(&self) -> (String, String) {
        let mut problems = self.problems();
        assert_eq!(problems.len(), 1, "{self:?}");
        let (_, code, path) = problems.remove(0);
        (code, path)
    }

    /// The ids of the embedded items under `key`.
    #[track_caller]
    pub(crate) fn ids(&self, key: &str) -> Vec<u64> {
        assert_eq!(self.status, 200, "{self:?}");
        let body = self.json();
        let items = body["_embedded"][key].as_array().expect("embedded items");
        items.iter().map(|item| item["id"].as_u64().expect("an id")).collect()
    }
}

/// Making a client is slow. One for all tests must keep no connections, as each test has its own runtime.
pub(crate) static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let builder = Client::builder().no_proxy().pool_max_idle_per_host(0);
    builder.build().expect("a client")
});

/// A fake without a rate limit: most tests are faster than Kommo allows.
pub(crate) async fn unlimited() -> FakeKommo {
    let kommo = FakeKommo::start().await;
    kommo.set_rate_limit(None);
    kommo
}

/// The crate's own client of the fake's account, which waits for nothing.
pub(crate) fn client(kommo: &FakeKommo) -> kommo_client::Client {
    let token = AccessToken::new(kommo.token()).expect("a token");
    kommo_client::Client::builder(&kommo.uri(), token)
        .requests_per_second(NonZeroU32::new(10_000).expect("more than 0"))
        .retry(RetryPolicy::never())
        .build()
        .expect("a client")
}

/// The kinds of the ledger, in order.
pub(crate) fn kinds(kommo: &FakeKommo) -> Vec<&'static str> {
    kommo.ledger().iter().map(|entry| entry.kind.as_str()).collect()
}

pub(crate) async fn get(kommo: &FakeKommo, path: &str) -> Answer {
    send(kommo, Method::GET, path, None).await
}

pub(crate) async fn post(kommo: &FakeKommo, path: &str, body: &Value) -> Answer {
    send(kommo, Method::POST, path, Some(body)).await
}

pub(crate) async fn patch(kommo: &FakeKommo, path: &str, body: &Value) -> Answer {
    send(kommo, Method::PATCH, path, Some(body)).await
}

async fn send(kommo: &FakeKommo, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let token = kommo.token();
    try_send(kommo, method, path, body, token).await.expect("an answer")
}

pub(crate) async fn try_send(
    kommo: &FakeKommo,
    method: Method,
    path: &str,
    body: Option<&Value>,
    token: &str,
) -> Result<Answer, reqwest::Error> {
    let mut request =
        CLIENT.request(method, format!("{}/api/v4/{path}", kommo.uri())).bearer_auth(token);
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let response = request.send().await?;
    let header = response.headers().get("content-type");
    let content_type = header.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let status = response.status().as_u16();
    Ok(Answer { status, content_type, text: response.text().await? })
}
