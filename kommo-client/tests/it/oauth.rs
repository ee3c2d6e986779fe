//! Grants, and tokens that are renewed in time.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use kommo_client::{
    Client, EntityType, Error, ErrorKind, Fate, FileTokenStore, MemoryTokenStore, NewNote,
    OAuthApp, RetryPolicy, TokenPair, TokenStore, TokenStoreError,
};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{any, path},
};

use crate::support::{body, requests};

fn pair(number: u32) -> TokenPair {
    let json = json!({"access_token": format!("access-{number}"), "refresh_token": format!("refresh-{number}")});
    TokenPair::from_json(&json.to_string()).unwrap()
}

fn client(server: &MockServer, store: Arc<dyn TokenStore>) -> Client {
    let app = OAuthApp::new("the-id", "the-secret", "https://app.example/kommo");
    Client::oauth(&server.uri(), app, store)
        .requests_per_second(NonZeroU32::new(10_000).unwrap())
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// A Kommo whose tokens are `access-N` and `refresh-N`; each refresh token is taken once.
#[derive(Clone)]
struct Kommo {
    /// The number of the tokens that work; the refresh token of those before has not been used.
    current: Arc<AtomicU32>,
    renewals: Arc<AtomicUsize>,
    delay: Duration,
}

impl Kommo {
    async fn start(delay: Duration) -> (MockServer, Self) {
        let server = MockServer::start().await;
        let kommo = Self { current: Arc::new(AtomicU32::new(1)), renewals: Arc::default(), delay };
        let answering = kommo.clone();
        Mock::given(path("/oauth2/access_token"))
            .respond_with(move |request: &Request| answering.token(request))
            .mount(&server)
            .await;
        let answering = kommo.clone();
        Mock::given(any())
            .respond_with(move |request: &Request| answering.api(request))
            .mount(&server)
            .await;
        (server, kommo)
    }

    fn expire(&self) {
        self.current.fetch_add(1, Ordering::SeqCst);
    }

    fn renewals(&self) -> usize {
        self.renewals.load(Ordering::SeqCst)
    }

    fn token(&self, request: &Request) -> ResponseTemplate {
        self.renewals.fetch_add(1, Ordering::SeqCst);
        let current = self.current.load(Ordering::SeqCst);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let good = match body["grant_type"].as_str() {
            Some("authorization_code") => body["code"] == "good",
            _ => body["refresh_token"] == format!("refresh-{}", current.checked_sub(1).unwrap()),
        };
        if !good {
            let problem = json!({"hint": "Token has been revoked", "title": "T", "status": 401, "detail": "D"});
            return ResponseTemplate::new(401).set_body_json(problem);
        }
        self.expire();
        let number = self.current.load(Ordering::SeqCst);
        ResponseTemplate::new(200).set_delay(self.delay).set_body_json(json!({
            "token_type": "Bearer", "expires_in": 86400, "server_time": 1_751_621_727,
            "access_token": format!("access-{number}"), "refresh_token": format!("refresh-{number}"),
        }))
    }

    fn api(&self, request: &Request) -> ResponseTemplate {
        let wanted = format!("Bearer access-{}", self.current.load(Ordering::SeqCst));
        if request.headers.get("authorization").is_some_and(|bearer| *bearer == *wanted) {
            if request.method.as_str() == "POST" {
                let answer = json!({"_embedded": {"notes": [{"id": 5, "request_id": "0"}]}});
                return ResponseTemplate::new(200).set_body_json(answer);
            }
            return ResponseTemplate::new(200).set_body_json(json!({"id": 1}));
        }
        ResponseTemplate::new(401).set_body_json(json!({"title": "Unauthorized", "status": 401}))
    }
}

fn seen(error: &Error) -> (&ErrorKind, Fate) {
    (error.kind(), error.fate())
}

#[tokio::test]
async fn before_the_grant_nothing_is_sent_and_after_it_all_works() {
    let (server, _) = Kommo::start(Duration::ZERO).await;
    let store = Arc::new(MemoryTokenStore::default());
    let client = client(&server, store.clone());
    let error = client.account().get().await.unwrap_err();
    assert_eq!(seen(&error), (&ErrorKind::Unauthorized, Fate::NotSent));
    let error = client.authorize("bad").await.unwrap_err();
    assert_eq!(seen(&error), (&ErrorKind::Unauthorized, Fate::Refused));
    assert_eq!(error.detail(), Some("Token has been revoked"));
    client.authorize("good").await.unwrap();
    client.account().get().await.unwrap();
    assert!(store.load().await.unwrap().unwrap().is_same(&pair(2)));
    let seen = requests(&server).await;
    assert_eq!(
        body(&seen[1]),
        json!({"client_id": "the-id", "client_secret": "the-secret", "grant_type": "authorization_code",
            "code": "good", "redirect_uri": "https://app.example/kommo"})
    );
    assert!(!seen[1].headers.contains_key("authorization"));
}

#[tokio::test]
async fn k07_fifty_refusals_at_once_make_one_renewal() {
    let (server, kommo) = Kommo::start(Duration::from_millis(50)).await;
    let client = client(&server, Arc::new(MemoryTokenStore::new(Some(pair(1)))));
    client.account().get().await.unwrap();
    kommo.expire();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.account().get().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(kommo.renewals(), 1);
    let renewal = requests(&server)
        .await
        .into_iter()
        .find(|request| request.url.path().starts_with("/oauth2"));
    assert_eq!(
        body(&renewal.unwrap()),
        json!({"client_id": "the-id", "client_secret": "the-secret", "grant_type": "refresh_token",
            "refresh_token": "refresh-1", "redirect_uri": "https://app.example/kommo"})
    );
}

#[tokio::test]
async fn k07_a_creation_goes_again_after_a_complete_refusal() {
    let (server, kommo) = Kommo::start(Duration::ZERO).await;
    let client = client(&server, Arc::new(MemoryTokenStore::new(Some(pair(1)))));
    kommo.expire();
    let notes = [NewNote::common(7, "x")];
    assert_eq!(client.notes(EntityType::Leads).create(&notes).await.unwrap().len(), 1);
    assert_eq!(requests(&server).await.len(), 3);
}

#[tokio::test]
async fn k08_a_refused_renewal_stops_all_until_there_is_a_new_grant() {
    let (server, kommo) = Kommo::start(Duration::ZERO).await;
    let store = Arc::new(MemoryTokenStore::new(Some(pair(1))));
    let client = client(&server, store.clone());
    kommo.expire();
    kommo.expire();
    let error = client.account().get().await.unwrap_err();
    assert_eq!(seen(&error), (&ErrorKind::Unauthorized, Fate::Refused));
    assert_eq!(error.detail(), Some("Token has been revoked"));
    let before = requests(&server).await.len();
    for _ in 0..5 {
        let error = client.account().get().await.unwrap_err();
        assert_eq!(seen(&error), (&ErrorKind::Unauthorized, Fate::NotSent));
    }
    assert_eq!((requests(&server).await.len(), kommo.renewals()), (before, 1));
    // Another process got a new grant.
    assert!(store.replace(Some(&pair(1)), &pair(3)).await.unwrap());
    client.account().get().await.unwrap();
}

#[tokio::test]
async fn k10_who_renews_second_finds_the_pair_of_the_first() {
    let (server, kommo) = Kommo::start(Duration::ZERO).await;
    let store = Arc::new(MemoryTokenStore::new(Some(pair(1))));
    let (first, second) = (client(&server, store.clone()), client(&server, store));
    first.account().get().await.unwrap();
    second.account().get().await.unwrap();
    kommo.expire();
    first.account().get().await.unwrap();
    second.account().get().await.unwrap();
    assert_eq!(kommo.renewals(), 1);
}

/// Stores that do one thing wrong, or tell when they are asked.
#[derive(Debug)]
struct Odd {
    inner: MemoryTokenStore,
    failures: AtomicUsize,
    /// A pair that another process puts in just before the next replacement.
    rival: Mutex<Option<TokenPair>>,
}

impl Odd {
    fn new(failures: usize, rival: Option<TokenPair>) -> Arc<Self> {
        let inner = MemoryTokenStore::new(Some(pair(1)));
        Arc::new(Self { inner, failures: AtomicUsize::new(failures), rival: Mutex::new(rival) })
    }
}

#[async_trait::async_trait]
impl TokenStore for Odd {
    async fn load(&self) -> Result<Option<TokenPair>, TokenStoreError> {
        self.inner.load().await
    }

    async fn replace(
        &self,
        previous: Option<&TokenPair>,
        next: &TokenPair,
    ) -> Result<bool, TokenStoreError> {
        if self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok()
        {
            return Err(TokenStoreError::new("the disk is full"));
        }
        let rival = self.rival.lock().unwrap().take();
        if let Some(rival) = rival {
            self.inner.replace(previous, &rival).await?;
        }
        self.inner.replace(previous, next).await
    }
}

#[tokio::test]
async fn k11_a_pair_is_kept_before_it_is_used_and_never_lost() {
    let (server, kommo) = Kommo::start(Duration::ZERO).await;
    let store = Odd::new(2, None);
    let client = client(&server, store.clone());
    kommo.expire();
    for _ in 0..2 {
        let error = client.account().get().await.unwrap_err();
        assert_eq!(seen(&error), (&ErrorKind::TokenStore, Fate::Refused));
        assert!(store.load().await.unwrap().unwrap().is_same(&pair(1)));
    }
    let used = |requests: Vec<Request>| {
        requests
            .iter()
            .filter(|request| {
                request
                    .headers
                    .get("authorization")
                    .is_some_and(|bearer| bearer == "Bearer access-3")
            })
            .count()
    };
    assert_eq!(used(requests(&server).await), 0);
    client.account().get().await.unwrap();
    assert!(store.load().await.unwrap().unwrap().is_same(&pair(3)));
    assert_eq!((used(requests(&server).await), kommo.renewals()), (1, 1));
}

#[tokio::test]
async fn a_newer_grant_in_the_store_is_not_overwritten() {
    let (server, kommo) = Kommo::start(Duration::ZERO).await;
    let store = Odd::new(0, Some(pair(9)));
    let client = client(&server, store.clone());
    kommo.expire();
    let _ = client.account().get().await;
    assert!(store.load().await.unwrap().unwrap().is_same(&pair(9)));
}

#[tokio::test]
async fn a_renewal_whose_caller_went_away_is_carried_on() {
    let (server, kommo) = Kommo::start(Duration::from_millis(300)).await;
    let store = Arc::new(MemoryTokenStore::new(Some(pair(1))));
    let client = client(&server, store.clone());
    kommo.expire();
    let impatient = tokio::time::timeout(Duration::from_millis(150), client.account().get()).await;
    assert!(impatient.is_err());
    client.account().get().await.unwrap();
    assert_eq!(kommo.renewals(), 1);
    assert!(store.load().await.unwrap().unwrap().is_same(&pair(3)));
}

#[tokio::test]
async fn a_renewal_that_fails_otherwise_is_tried_again_by_the_next_call() {
    let server = MockServer::start().await;
    Mock::given(path("/oauth2/access_token"))
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let fresh = json!({"access_token": "access-2", "refresh_token": "refresh-2"});
    Mock::given(path("/oauth2/access_token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(fresh))
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::header("authorization", "Bearer access-2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": 1})))
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let client = client(&server, Arc::new(MemoryTokenStore::new(Some(pair(1)))));
    let error = client.account().get().await.unwrap_err();
    assert_eq!(seen(&error), (&ErrorKind::Server(502), Fate::Refused));
    client.account().get().await.unwrap();
}

#[tokio::test]
async fn answers_without_tokens_and_what_they_say_do_not_leak() {
    for answer in [
        "",
        "{}",
        "<html>",
        r#"{"access_token":"canary-a b","refresh_token":"canary-r"}"#,
        r#"{"access_token":"canary-a"}"#,
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/oauth2/access_token"))
            .respond_with(ResponseTemplate::new(200).set_body_string(answer))
            .mount(&server)
            .await;
        let client = client(&server, Arc::new(MemoryTokenStore::default()));
        let error = client.authorize("code").await.unwrap_err();
        assert_eq!(seen(&error), (&ErrorKind::Decode, Fate::Unknown), "{answer}");
        let text = format!("{error:?} {error} {client:?}");
        assert!(!text.contains("canary") && !text.contains("the-secret"), "{text}");
    }
}

#[tokio::test]
async fn a_client_with_a_token_of_its_own_has_no_grant() {
    let server = MockServer::start().await;
    let error = crate::support::client(&server).authorize("code").await.unwrap_err();
    assert_eq!(seen(&error), (&ErrorKind::InvalidRequest, Fate::NotSent));
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn a_file_keeps_the_pair_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.json");
    let store = FileTokenStore::new(&file);
    assert!(store.load().await.unwrap().is_none());
    assert!(!store.replace(Some(&pair(1)), &pair(2)).await.unwrap());
    assert!(store.replace(None, &pair(1)).await.unwrap());
    assert!(!store.replace(None, &pair(2)).await.unwrap());
    assert!(store.replace(Some(&pair(1)), &pair(2)).await.unwrap());
    let other = FileTokenStore::new(&file);
    assert!(other.load().await.unwrap().unwrap().is_same(&pair(2)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // What a crash left behind is no hindrance.
    std::fs::write(folder.path().join("tokens.json.new"), "half").unwrap();
    assert!(store.replace(Some(&pair(2)), &pair(3)).await.unwrap());
    std::fs::write(&file, "canary, not JSON").unwrap();
    let error = store.load().await.unwrap_err();
    assert!(!format!("{error:?} {store:?}").contains("canary"));
    assert!(store.replace(None, &pair(4)).await.is_err());
}

#[tokio::test]
async fn of_many_that_replace_the_same_pair_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.json");
    assert!(FileTokenStore::new(&file).replace(None, &pair(1)).await.unwrap());
    let replaced: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (2..10)
            .map(|number| {
                let file = &file;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime
                        .block_on(FileTokenStore::new(file).replace(Some(&pair(1)), &pair(number)))
                        .unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!(replaced, 1);
}

/// A store without a pair whose disk is full or unreadable so often.
#[derive(Debug)]
struct Failing {
    inner: MemoryTokenStore,
    loads: AtomicUsize,
    replacements: AtomicUsize,
}

fn fails(left: &AtomicUsize) -> Result<(), TokenStoreError> {
    match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
        Ok(_) => Err(TokenStoreError::new("the disk is full")),
        Err(_) => Ok(()),
    }
}

#[async_trait::async_trait]
impl TokenStore for Failing {
    async fn load(&self) -> Result<Option<TokenPair>, TokenStoreError> {
        fails(&self.loads)?;
        self.inner.load().await
    }

    async fn replace(
        &self,
        previous: Option<&TokenPair>,
        next: &TokenPair,
    ) -> Result<bool, TokenStoreError> {
        fails(&self.replacements)?;
        self.inner.replace(previous, next).await
    }
}

#[tokio::test]
async fn k11_the_first_pair_of_a_grant_is_never_lost() {
    for (loads, replacements) in [(1, 0), (0, 2)] {
        let (server, _) = Kommo::start(Duration::ZERO).await;
        let store = Arc::new(Failing {
            inner: MemoryTokenStore::default(),
            loads: AtomicUsize::new(loads),
            replacements: AtomicUsize::new(replacements),
        });
        let client = client(&server, store.clone());
        let error = client.authorize("good").await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::TokenStore);
        if loads > 0 {
            assert!(requests(&server).await.is_empty(), "the code is not spent");
            client.authorize("good").await.unwrap();
        } else {
            let error = client.account().get().await.unwrap_err();
            assert_eq!(seen(&error), (&ErrorKind::TokenStore, Fate::NotSent), "the disk is full");
        }
        client.account().get().await.unwrap();
        assert!(store.load().await.unwrap().unwrap().is_same(&pair(2)));
        let grants = requests(&server).await;
        let grants = grants.iter().filter(|request| request.url.path() == "/oauth2/access_token");
        assert_eq!(grants.count(), 1, "the code is good for one exchange");
    }
}

#[tokio::test]
async fn k38_after_a_restart_a_token_is_renewed_in_time_by_the_clock_of_kommo() {
    // Of 9 September 2001, 01:46:40, for a day: our own clock is off by decades.
    let claims = "e30.eyJpYXQiOjEwMDAwMDAwMDAsImV4cCI6MTAwMDA4NjQwMH0.c2ln";
    let stored = json!({"access_token": claims, "refresh_token": "refresh-1"}).to_string();
    for (date, renewals, why) in [
        ("Sun, 09 Sep 2001 18:46:40 GMT", 0, "an hour before three quarters of its life are over"),
        ("Sun, 09 Sep 2001 19:46:40 GMT", 1, "three quarters of its life are over"),
        ("Sun, 09 Sep 2001 20:46:40 GMT", 1, "an hour after that"),
        ("Sun, 02 Sep 2001 00:00:00 GMT", 0, "before it was made"),
        ("yesterday", 0, "no date"),
    ] {
        let server = MockServer::start().await;
        let fresh =
            json!({"access_token": "access-2", "refresh_token": "refresh-2", "expires_in": 86400});
        Mock::given(path("/oauth2/access_token"))
            .respond_with(ResponseTemplate::new(200).set_body_json(fresh))
            .mount(&server)
            .await;
        let answer = ResponseTemplate::new(200).insert_header("date", date);
        Mock::given(any())
            .respond_with(answer.set_body_json(json!({"id": 1})))
            .mount(&server)
            .await;
        let kept = TokenPair::from_json(&stored).unwrap();
        let client = client(&server, Arc::new(MemoryTokenStore::new(Some(kept))));
        for _ in 0..3 {
            client.account().get().await.unwrap();
        }
        let seen = requests(&server).await;
        let asked = seen.iter().filter(|request| request.url.path() == "/oauth2/access_token");
        assert_eq!(asked.count(), renewals, "{why}");
    }
}
