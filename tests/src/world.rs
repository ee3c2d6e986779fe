use std::{borrow::Borrow, num::NonZeroU32, path::Path, time::Duration};

use axum_server::settings::Sweeping;
use kommo_client::{
    AccessToken, Client, RetryPolicy,
    fake::{FakeKommo, FakeLead},
};
use paddle_kommo_sync::{
    Clock as _, Config, DealRefKey, SqliteStore, StoreError, SystemClock, paddle,
};
use paddle_webhook::{SecretKey, Verifier, sign};
use serde_json::Value;
use tempfile::TempDir;

use crate::{AheadClock, Kind, Parts, Rep, Server};

/// The deal that the tests are about.
pub const LEAD: u64 = 20_024_930;

/// The secret of the destination.
pub const SECRET: &str = "pdl_ntfset_made_up_for_tests";

/// What opens the operator's routes of the axum server.
pub const ADMIN_TOKEN: &str = "an-admin-token-for-tests";

/// The end of the address that the axum server takes Kommo's webhooks at.
pub const HOOK_SECRET: &str = "made-up-for-tests-0123456789";

/// What the axum server's payment page opens checkouts with.
pub const CLIENT_TOKEN: &str = "live_made0up0for0tests";

/// How long something that happens in the background may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A fake Kommo, a server, and Paddle's side.
pub struct World {
    /// Kommo.
    pub kommo: FakeKommo,
    /// The server under test.
    pub server: Server,
    kind: Kind,
    setup: Setup,
    clock: AheadClock,
    http: reqwest::Client,
    folder: TempDir,
}

/// What the operator has set; the defaults of the service.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The rules of billing.
    pub rules: Config,
    /// The keys of signed references to deals.
    pub deal_ref_keys: Vec<DealRefKey>,
    /// Paddle's own API.
    pub paddle: Option<paddle::Client>,
    /// How often the axum server looks through the payment stage.
    pub look_at_stage: Option<Duration>,
    /// How often the axum server asks Paddle for what never arrived; not at all where there is none.
    pub sweeping: Sweeping,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            rules: Config::default(),
            deal_ref_keys: Vec::new(),
            paddle: None,
            look_at_stage: None,
            // A test says itself when Paddle is asked.
            sweeping: Sweeping { every: None, destination: None },
        }
    }
}

impl World {
    /// Starts everything, with the default rules.
    pub async fn start(kind: Kind) -> Self {
        Self::with(kind, Setup::default()).await
    }

    /// Starts everything.
    pub async fn with(kind: Kind, setup: Setup) -> Self {
        let kommo = FakeKommo::start().await;
        kommo.set_rate_limit(None);
        kommo.add_paddle_fields();
        kommo.add_lead(FakeLead::new("Acme Inc.").id(LEAD));
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        let clock = AheadClock::default();
        let server = serve(kind, &kommo, &folder, &setup, &clock).await;
        let http =
            reqwest::Client::builder().no_proxy().build().unwrap_or_else(|error| panic!("{error}"));
        Self { kommo, server, kind, setup, clock, http, folder }
    }

    /// Ends the server and starts it anew: nothing is left but what is on disk.
    pub async fn restart(self) -> Self {
        let Self { kommo, server, kind, setup, clock, http, folder } = self;
        server.stop().await;
        let server = serve(kind, &kommo, &folder, &setup, &clock).await;
        Self { kommo, server, kind, setup, clock, http, folder }
    }

    /// Moves the clock of the engine ahead, and Kommo's with it. [`Kind::Actix`] only.
    ///
    /// The worker sees that something has come due with the next delivery, as it would by itself within a second.
    pub fn later(&self, by: time::Duration) {
        assert_eq!(self.kind, Kind::Actix, "the other server goes by the machine's clock");
        self.clock.advance(by);
        self.kommo.set_time(Some(self.clock.now().unix_timestamp()));
    }

    /// Somebody who looks at this deal.
    #[must_use]
    pub fn rep(&self, lead: u64) -> Rep {
        Rep::new(self.kommo.clone(), lead)
    }

    /// Delivers what happened, in this order and each event twice, and waits until all of it has ended.
    pub async fn tell(&self, events: impl IntoIterator<Item = impl Borrow<Value>>) {
        self.send_twice(events).await;
        self.settled().await;
    }

    /// Delivers what happened, in this order and each event twice at once.
    pub async fn send_twice(&self, events: impl IntoIterator<Item = impl Borrow<Value>>) {
        for event in events {
            let event = event.borrow();
            let statuses = tokio::join!(self.deliver(event), self.deliver(event));
            assert_eq!(statuses, (200, 200), "{event}");
        }
    }

    /// Delivers a body with a good signature, and returns the status.
    pub async fn deliver(&self, body: &Value) -> u16 {
        let body = body.to_string();
        let header = signature(body.as_bytes());
        self.post(&[("Paddle-Signature", &header)], body.into_bytes()).await.0
    }

    /// Posts anything, and returns status and body.
    pub async fn post(&self, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, String) {
        let mut request = self.http.post(self.server.url("/paddle/webhook")).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"));
        (answer.status().as_u16(), answer.text().await.unwrap_or_default())
    }

    /// Gets a page, and returns status and body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self
            .http
            .get(self.server.url(path))
            .send()
            .await
            .unwrap_or_else(|error| panic!("{error:?}"));
        (answer.status().as_u16(), answer.text().await.unwrap_or_default())
    }

    /// Asks one of the operator's routes, and returns status and body.
    pub async fn admin(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, String) {
        let method = method.parse().unwrap_or(reqwest::Method::GET);
        let mut request = self.http.request(method, self.server.url(path));
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"));
        (answer.status().as_u16(), answer.text().await.unwrap_or_default())
    }

    /// Asks one of the operator's routes as an operator would, and returns status and what the body says.
    pub async fn operator(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let token = format!("Bearer {ADMIN_TOKEN}");
        let (status, text) = self.admin(method, path, Some(&token), body.as_ref()).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Waits until everything that was delivered has ended.
    pub async fn settled(&self) {
        self.until("everything has ended", async || {
            let stats =
                self.server.sync().stats().await.unwrap_or_else(|error| panic!("{error:?}"));
            stats.open == 0
        })
        .await;
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !so().await {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
    }
}

/// The header that Paddle would send with this body now.
#[must_use]
pub fn signature(body: &[u8]) -> String {
    sign(&secret(), body, SystemClock::default().now()).to_string()
}

fn secret() -> SecretKey {
    SecretKey::new(SECRET).unwrap_or_else(|error| panic!("{error}"))
}

fn verifier() -> Verifier {
    Verifier::new(secret())
}

async fn serve(
    kind: Kind,
    kommo: &FakeKommo,
    folder: &TempDir,
    setup: &Setup,
    clock: &AheadClock,
) -> Server {
    let store = open(&folder.path().join("e2e.db")).await;
    let parts = Parts {
        verifier: verifier(),
        kommo: client(kommo),
        store,
        setup: setup.clone(),
        clock: clock.clone(),
    };
    Server::start(kind, parts).await
}

/// Opens the store once nobody has it open. A server that has ended may have it for a moment: actix-web's own threads, which
/// it does not wait for, are the last to let go of what they served.
async fn open(path: &Path) -> SqliteStore {
    let opening = async {
        loop {
            match SqliteStore::open(path) {
                Err(StoreError::Unusable(_)) => tokio::task::yield_now().await,
                opened => break opened,
            }
        }
    };
    match tokio::time::timeout(PATIENCE, opening).await {
        Ok(opened) => opened.unwrap_or_else(|error| panic!("{error:?}")),
        Err(_) => panic!("somebody has {} open for ever", path.display()),
    }
}

fn client(kommo: &FakeKommo) -> Client {
    let token = AccessToken::new(kommo.token()).unwrap_or_else(|error| panic!("{error}"));
    Client::builder(&kommo.uri(), token)
        .requests_per_second(NonZeroU32::MAX)
        .retry(RetryPolicy::new().first_delay(Duration::ZERO))
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}
