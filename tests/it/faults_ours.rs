//! Rows of the fault matrix about ourselves, as they show in an answer over HTTP.

use std::{num::NonZeroU32, sync::Arc};

use axum_server::app::App;
use e2e::{LEAD, SECRET, bodies};
use kommo_client::{
    AccessToken, Client,
    fake::{FakeKommo, FakeLead},
};
use paddle_kommo_sync::{SqliteStore, Sync};
use paddle_webhook::{SecretKey, Verifier};
use tempfile::TempDir;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use crate::faulty::{Fate, FaultyStore};

/// The service on a store that fails on demand.
struct Service {
    kommo: FakeKommo,
    store: FaultyStore,
    sync: Sync,
    url: String,
    http: reqwest::Client,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), String>>,
    _folder: TempDir,
}

impl Service {
    async fn start() -> Self {
        let kommo = FakeKommo::start().await;
        kommo.set_rate_limit(None);
        kommo.add_paddle_fields();
        kommo.add_lead(FakeLead::new("Acme Inc.").id(LEAD));
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("e2e.db")).expect("a store");
        let store = FaultyStore::new(store);
        let client =
            Client::builder(&kommo.uri(), AccessToken::new(kommo.token()).expect("a token"))
                .requests_per_second(NonZeroU32::MAX)
                .build()
                .expect("a client");
        let verifier = Verifier::new(SecretKey::new(SECRET).expect("a secret"));
        let engine = Sync::builder(client.clone(), store.clone());
        let app = App::new(verifier, client, engine).await.expect("an application");
        let sync = app.sync().clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            axum_server::serve::run(listener, app, stopped).await.map_err(|error| error.to_string())
        });
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { kommo, store, sync, url, http, stop, task, _folder: folder }
    }

    async fn deliver(&self, event_id: &str) -> reqwest::Response {
        let body = bodies::payment(event_id, LEAD).to_string();
        let header = e2e::signature(body.as_bytes());
        let url = format!("{}/paddle/webhook", self.url);
        let request = self.http.post(url).header("Paddle-Signature", header).body(body);
        request.send().await.expect("it answers")
    }

    async fn get(&self, path: &str) -> u16 {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await;
        answer.expect("it answers").status().as_u16()
    }

    async fn done(&self, events: u64) {
        let waiting = async {
            while self.sync.stats().await.expect("the store answers").done < events {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(60), waiting).await;
        assert!(ended.is_ok(), "never {events} events done");
    }

    async fn end(self) {
        self.stop.send_replace(true);
        let ended = self.task.await.expect("it does not panic");
        assert_eq!(ended, Ok(()));
    }
}

#[tokio::test]
async fn u05_what_cannot_be_stored_is_a_503_that_says_when_to_come_again() {
    let service = Service::start().await;
    service.store.choose(|method| match method {
        "put_placed" | "check" => Fate::Fails,
        _ => Fate::Good,
    });
    let answer = service.deliver("evt_1").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers().get("retry-after").map(|after| after.as_bytes()), Some(&b"60"[..]));
    assert_eq!(service.get("/health/ready").await, 503, "no load balancer sends more");
    assert_eq!(service.get("/health/live").await, 200, "no supervisor ends it");
    let stats = service.sync.stats().await.expect("the store answers");
    assert_eq!((stats.open, stats.done), (0, 0), "nothing of it is there");

    service.store.choose(|_| Fate::Good);
    assert_eq!(service.get("/health/ready").await, 200, "it recovers by itself");
    assert_eq!(service.deliver("evt_1").await.status(), 200);
    service.done(1).await;
    assert_eq!(service.kommo.notes(LEAD).len(), 1);
    service.end().await;
}

#[tokio::test]
async fn u18_a_panic_in_a_handler_is_a_500_for_that_request_only() {
    let service = Service::start().await;
    service.store.choose(|method| if method == "put_placed" { Fate::Panics } else { Fate::Good });
    for _ in 0..3 {
        assert_eq!(service.deliver("evt_1").await.status(), 500);
        assert_eq!(service.get("/health/live").await, 200, "others are served");
    }
    service.store.choose(|method| if method == "stats" { Fate::Panics } else { Fate::Good });
    assert_eq!(service.get("/metrics").await, 500);
    service.store.choose(|_| Fate::Good);
    assert_eq!(service.deliver("evt_1").await.status(), 200, "and the next delivery is taken in");
    service.done(1).await;
    service.end().await;
}

#[tokio::test]
async fn u22_a_store_that_takes_its_time_holds_up_nobody_who_does_not_need_it() {
    let service = Service::start().await;
    let until = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&until);
    service.store.choose(move |method| match method {
        "put_placed" => Fate::Waits(Arc::clone(&waits)),
        _ => Fate::Good,
    });
    let ids: Vec<String> = (0..50).map(|number| format!("evt_{number}")).collect();
    let deliveries = futures_util::future::join_all(ids.iter().map(|id| service.deliver(id)));
    let healthy = async {
        for _ in 0..10 {
            assert_eq!(service.get("/health/live").await, 200);
            assert_eq!(service.get("/metrics").await, 200);
        }
        until.add_permits(ids.len());
    };
    let (answers, ()) = tokio::join!(deliveries, healthy);
    assert!(answers.iter().all(|answer| answer.status() == 200));
    service.end().await;
}
