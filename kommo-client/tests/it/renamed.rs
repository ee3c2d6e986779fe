//! Accounts that were renamed: three servers, one for the old address, one that knows the new one, and the new one.

use std::{num::NonZeroU32, sync::Arc};

use kommo_client::{
    Client, ErrorKind, Fate, MemoryTokenStore, OAuthApp, RetryPolicy, TokenPair, TokenStore,
};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, header, path},
};

use crate::support::{fixture, raw_server, requests, write};

const LOOKUP: &str = "/oauth2/account/current/subdomain";

fn domain(uri: &str) -> String {
    uri.strip_prefix("http://").unwrap().to_owned()
}

/// A pair whose access token says where the address of the account is told.
fn pair(refresh: &str, claims: &Value) -> TokenPair {
    let access = format!("e30.{}.c2ln", base64url(claims.to_string().as_bytes()));
    let json = json!({"access_token": access, "refresh_token": refresh});
    TokenPair::from_json(&json.to_string()).unwrap()
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1)).collect();
    bits.chunks(6)
        .map(|chunk| {
            let digit = (0..6).fold(0, |digit, bit| (digit << 1) | chunk.get(bit).unwrap_or(&0));
            char::from(DIGITS[usize::from(digit)])
        })
        .collect()
}

fn client(uri: &str, app: OAuthApp, pair: TokenPair) -> (Client, Arc<MemoryTokenStore>) {
    let store = Arc::new(MemoryTokenStore::new(Some(pair)));
    let client = Client::oauth(uri, app, store.clone())
        .requests_per_second(NonZeroU32::new(10_000).unwrap())
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    (client, store)
}

fn app() -> OAuthApp {
    OAuthApp::new("the-id", "the-secret", "https://app.example/kommo")
}

/// The address that is no longer the account's: the API says 401, and renewals this.
async fn old_address(renewal: u16) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/oauth2/access_token"))
        .respond_with(ResponseTemplate::new(renewal).set_body_json(json!({"status": renewal})))
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({"status": 401})))
        .mount(&server)
        .await;
    server
}

async fn telling(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path(LOOKUP)).respond_with(answer).mount(&server).await;
    server
}

/// The address of today, which renews `refresh-1` once.
async fn new_address() -> MockServer {
    let server = MockServer::start().await;
    let fresh = json!({"access_token": "access-2", "refresh_token": "refresh-2"});
    Mock::given(path("/oauth2/access_token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(fresh))
        .expect(..=1)
        .mount(&server)
        .await;
    Mock::given(header("authorization", "Bearer access-2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": 500})))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn an_account_is_followed_to_its_new_address() {
    for renewal in [401, 404] {
        let (old, new) = (old_address(renewal).await, new_address().await);
        let answer = json!({"id": 500, "subdomain": "new", "domain": domain(&new.uri()), "top_level_domain": "com"});
        let telling = telling(ResponseTemplate::new(200).set_body_json(answer)).await;
        let claims = json!({"api_domain": domain(&telling.uri()), "account_id": 500});
        let (client, store) = client(&old.uri(), app(), pair("refresh-1", &claims));
        let clone = client.clone();
        client.account().get().await.unwrap();
        assert_eq!(client.base_url(), old.uri());
        assert_eq!(clone.current_base_url(), new.uri(), "all clones move");
        assert!(store.load().await.unwrap().unwrap().expose_json().contains("refresh-2"));

        let [lookup] = <[_; 1]>::try_from(requests(&telling).await).unwrap();
        assert_eq!((lookup.method.as_str(), lookup.url.path()), ("GET", LOOKUP));
        assert_eq!(lookup.headers["x-refresh-token"], "refresh-1");
        assert!(!lookup.headers.contains_key("authorization"));
        let asked = requests(&old).await.len();
        clone.account().get().await.unwrap();
        assert_eq!(requests(&old).await.len(), asked, "nothing goes to the old address any more");
        assert_eq!(requests(&telling).await.len(), 1);
    }
}

#[tokio::test]
async fn an_account_that_moved_nowhere_is_refused_as_before() {
    for (name, answer) in [
        ("a dead token", ResponseTemplate::new(401)),
        ("no JSON", ResponseTemplate::new(200).set_body_string("<html>")),
        ("no domain", ResponseTemplate::new(200).set_body_json(json!({"id": 500}))),
        (
            "another account",
            ResponseTemplate::new(200).set_body_json(json!({"id": 501, "domain": "127.0.0.1:9"})),
        ),
        (
            "a stranger's host",
            ResponseTemplate::new(200)
                .set_body_json(json!({"id": 500, "domain": "kommo.com.evil.example"})),
        ),
        (
            "a path",
            ResponseTemplate::new(200).set_body_json(json!({"id": 500, "domain": "127.0.0.1:9/x"})),
        ),
        ("a redirect", ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:9")),
    ] {
        let (old, telling) = (old_address(401).await, telling(answer).await);
        let claims = json!({"api_domain": domain(&telling.uri()), "account_id": 500});
        let (client, _) = client(&old.uri(), app(), pair("refresh-1", &claims));
        let error = client.account().get().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.fate()),
            (&ErrorKind::Unauthorized, Fate::Refused),
            "{name}"
        );
        assert_eq!(client.current_base_url(), old.uri(), "{name}");
        assert_eq!(requests(&telling).await.len(), 1, "{name}");
        let text = format!("{error:?} {error} {client:?}");
        assert!(!text.contains("refresh-1") && !text.contains("the-secret"), "{text}");
    }
}

#[tokio::test]
async fn who_answers_with_the_old_address_is_not_asked_again_and_again() {
    let old = old_address(404).await;
    let answer = json!({"id": 500, "domain": domain(&old.uri())});
    let telling = telling(ResponseTemplate::new(200).set_body_json(answer)).await;
    let claims = json!({"api_domain": domain(&telling.uri())});
    let (client, _) = client(&old.uri(), app(), pair("refresh-1", &claims));
    let error = client.account().get().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    // The call, the renewal, and no second renewal.
    assert_eq!(requests(&old).await.len(), 2);
}

#[tokio::test]
async fn a_teller_that_hangs_up_changes_nothing() {
    let teller = raw_server(|stream| {
        write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"id\":500,")
    });
    let old = old_address(401).await;
    let claims = json!({"api_domain": domain(&teller)});
    let (client, _) = client(&old.uri(), app(), pair("refresh-1", &claims));
    let error = client.account().get().await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (&ErrorKind::Unauthorized, Some(401)));
    assert_eq!(client.current_base_url(), old.uri());
}

#[tokio::test]
async fn nobody_is_asked_when_there_is_no_reason_to() {
    for (name, renewal, follow, api_domain) in [
        ("switched off", 401, false, None),
        ("the token names a stranger", 401, true, Some("kommo.com.evil.example")),
        ("the token names a path", 401, true, Some("127.0.0.1:9/x")),
        ("the refresh token is refused, not the address", 400, true, None),
        ("the address is out of order", 502, true, None),
    ] {
        let old = old_address(renewal).await;
        let telling = telling(ResponseTemplate::new(500)).await;
        let api_domain = api_domain.map_or_else(|| domain(&telling.uri()), str::to_owned);
        let app = app().follow_renamed_account(follow);
        let (client, _) = client(&old.uri(), app, pair("r", &json!({"api_domain": api_domain})));
        assert!(client.account().get().await.is_err(), "{name}");
        assert!(requests(&telling).await.is_empty(), "{name}");
        assert_eq!(requests(&old).await.len(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_token_of_its_own_follows_nobody() {
    let (old, telling) = (old_address(401).await, telling(ResponseTemplate::new(500)).await);
    let claims = json!({"api_domain": domain(&telling.uri())});
    let token = pair("unused", &claims).access_token().clone();
    let client = Client::builder(&old.uri(), token).retry(RetryPolicy::never()).build().unwrap();
    let error = client.account().get().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unauthorized);
    assert_eq!((requests(&old).await.len(), requests(&telling).await.len()), (1, 0));
}

#[tokio::test]
async fn the_sample_of_the_documentation_is_understood_and_leads_no_test_away() {
    let Some(sample) = fixture("oauth_subdomain_response.json") else { return };
    let old = old_address(401).await;
    let telling = telling(ResponseTemplate::new(200).set_body_string(sample)).await;
    let claims = json!({"api_domain": domain(&telling.uri()), "account_id": 123_456});
    let (client, _) = client(&old.uri(), app(), pair("refresh-1", &claims));
    assert!(client.account().get().await.is_err());
    assert_eq!(requests(&telling).await.len(), 1);
    assert_eq!(client.current_base_url(), old.uri(), "it names a host of amoCRM's");
}
