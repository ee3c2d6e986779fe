//! A small world: a fake Kommo with one open deal, a store, a clock that is moved by hand, and events in our words.

pub(crate) mod events;
pub(crate) mod faulty;
pub(crate) mod shop;
pub(crate) mod stopping;
pub(crate) mod story;

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use kommo_client::{
    AccessToken, Client, LeadId,
    fake::{FakeKommo, FakeLead},
};
use paddle_kommo_sync::{
    Clock, Config, Done, MemoryStore, Outcome, Parked, Reason, Store, StoreError, SyncBuilder,
};
use paddle_webhook::Event;
use serde_json::Value;
use time::{OffsetDateTime, macros::datetime};

/// The deal that most tests are about: open, in "Negotiation", of user 8375357.
pub(crate) const LEAD: u64 = 20_024_930;
pub(crate) const PIPELINE: u64 = 6_950_551;
pub(crate) const NEGOTIATION: u64 = 58_141_811;
pub(crate) const WON: u64 = 142;
pub(crate) const LOST: u64 = 143;
pub(crate) const REP: u64 = 8_375_357;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-01-15 12:00 UTC);

/// How long the client of most tests waits for an answer.
const TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<Mutex<OffsetDateTime>>);

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

pub(crate) struct World {
    pub(crate) kommo: FakeKommo,
    pub(crate) sync: paddle_kommo_sync::Sync,
    pub(crate) clock: TestClock,
}

impl World {
    /// The ordinary world.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The ordinary world with another configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::built(change, MemoryStore::new(), |builder| builder).await
    }

    /// Any world.
    pub(crate) async fn built(
        change: impl FnOnce(&mut Config),
        store: impl Store,
        build: impl FnOnce(SyncBuilder) -> SyncBuilder,
    ) -> Self {
        Self::waiting_for(TIMEOUT, change, store, build).await
    }

    /// Any world, whose client waits this long for an answer.
    async fn waiting_for(
        timeout: Duration,
        change: impl FnOnce(&mut Config),
        store: impl Store,
        build: impl FnOnce(SyncBuilder) -> SyncBuilder,
    ) -> Self {
        let kommo = FakeKommo::in_memory();
        kommo.set_rate_limit(None);
        kommo.set_time(Some(NOW.unix_timestamp()));
        kommo.add_paddle_fields();
        kommo
            .add_lead(FakeLead::new("Acme").id(LEAD).stage(PIPELINE, NEGOTIATION).responsible(REP));
        let mut config = Config::default();
        change(&mut config);
        let clock = TestClock(Arc::new(Mutex::new(NOW)));
        let client = client_within(&kommo, timeout);
        let builder =
            paddle_kommo_sync::Sync::builder(client, store).config(config).clock(clock.clone());
        let sync = build(builder).build().await.unwrap();
        Self { kommo, sync, clock }
    }

    /// The same world, seen through another client and with another store.
    pub(crate) async fn with_client(self, client: Client, store: impl Store) -> Self {
        let builder = paddle_kommo_sync::Sync::builder(client, store);
        let sync = builder.clock(self.clock.clone()).build().await.unwrap();
        Self { sync, ..self }
    }

    /// Another process on the same account and with the same clock.
    pub(crate) async fn restarted(&self, store: impl Store) -> paddle_kommo_sync::Sync {
        self.restarted_with(store, |builder| builder).await
    }

    pub(crate) async fn restarted_with(
        &self,
        store: impl Store,
        build: impl FnOnce(SyncBuilder) -> SyncBuilder,
    ) -> paddle_kommo_sync::Sync {
        let builder = paddle_kommo_sync::Sync::builder(client(&self.kommo), store);
        build(builder.clock(self.clock.clone())).build().await.unwrap()
    }

    /// Begins this work, and drops it as soon as something is so: a caller that gives up, or a process that is killed.
    pub(crate) async fn dropped_when(
        &self,
        so: impl Fn() -> bool + Send + Sync,
        work: impl Future<Output = Result<Outcome, StoreError>> + Send,
    ) {
        let so = async {
            while !so() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = so => {}
            outcome = work => panic!("it ended: {outcome:?}"),
        }
    }

    /// The same, when Kommo is asked once more.
    pub(crate) async fn dropped_when_asked(
        &self,
        work: impl Future<Output = Result<Outcome, StoreError>> + Send,
    ) {
        let before = self.kommo.requests().len();
        self.dropped_when(|| self.kommo.requests().len() > before, work).await;
    }

    pub(crate) async fn handle(&self, event: &Event) -> Outcome {
        self.sync.handle(event).await.unwrap()
    }

    /// Handles an event that must be done, and says by which rules.
    pub(crate) async fn done(&self, event: &Event) -> Vec<Reason> {
        match self.handle(event).await {
            Outcome::Done(done) => done.reasons,
            other => panic!("{} is not done but {other}", event.event_type()),
        }
    }

    pub(crate) async fn done_with_report(&self, event: &Event) -> Done {
        match self.handle(event).await {
            Outcome::Done(done) => done,
            other => panic!("{} is not done but {other}", event.event_type()),
        }
    }

    /// Handles an event that must be ignored, and says why.
    pub(crate) async fn ignored(&self, event: &Event) -> Reason {
        match self.handle(event).await {
            Outcome::Ignored { reason } => reason,
            other => panic!("{} is not ignored but {other}", event.event_type()),
        }
    }

    /// Handles an event that must be parked.
    pub(crate) async fn parked(&self, event: &Event) -> Parked {
        match self.handle(event).await {
            Outcome::Parked(parked) => parked,
            other => panic!("{} is not parked but {other}", event.event_type()),
        }
    }

    /// Handles an event that must wait.
    pub(crate) async fn waiting(&self, event: &Event) -> (String, OffsetDateTime) {
        match self.handle(event).await {
            Outcome::Waiting { reason, until } => (reason, until),
            other => panic!("{} does not wait but {other}", event.event_type()),
        }
    }

    /// Time goes on, here and in Kommo.
    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.clock.0.lock().unwrap();
        *now += by;
        self.kommo.set_time(Some(now.unix_timestamp()));
    }

    /// Our clock is set, right or wrong; Kommo's goes on.
    pub(crate) fn set_clock(&self, at: OffsetDateTime) {
        *self.clock.0.lock().unwrap() = at;
    }

    pub(crate) fn lead(&self) -> Value {
        self.kommo.lead(LEAD).unwrap()
    }

    pub(crate) fn stage(&self) -> u64 {
        self.lead()["status_id"].as_u64().unwrap()
    }

    pub(crate) fn price(&self) -> i64 {
        self.lead()["price"].as_i64().unwrap()
    }

    pub(crate) fn field(&self, code: &str) -> Value {
        self.kommo.field_value(LEAD, code).unwrap_or(Value::Null)
    }

    /// The texts of the deal's notes, without their markers.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.kommo.note_texts(LEAD).iter().map(|text| without_marker(text)).collect()
    }

    /// The texts of the deal's tasks, without their markers.
    pub(crate) fn tasks(&self) -> Vec<String> {
        self.kommo
            .tasks(LEAD)
            .iter()
            .map(|task| without_marker(task["text"].as_str().unwrap()))
            .collect()
    }

    /// How many writes Kommo accepted.
    pub(crate) fn writes(&self) -> usize {
        self.kommo.ledger().len()
    }
}

pub(crate) fn client(kommo: &FakeKommo) -> Client {
    client_within(kommo, TIMEOUT)
}

fn client_within(kommo: &FakeKommo, timeout: Duration) -> Client {
    let token = AccessToken::new(kommo.token()).unwrap();
    Client::builder(&kommo.uri(), token)
        .answered_by(kommo)
        .requests_per_second(NonZeroU32::new(10_000).unwrap())
        .timeout(timeout)
        .build()
        .unwrap()
}

fn without_marker(text: &str) -> String {
    let (text, marker) =
        text.rsplit_once(" [pk-").unwrap_or_else(|| panic!("no marker at the end of {text:?}"));
    assert!(marker.len() == 14 && marker.ends_with(']'), "not a marker: {marker}");
    text.to_owned()
}

pub(crate) fn lead_ids(ids: &[u64]) -> Vec<LeadId> {
    ids.iter().copied().map(LeadId::new).collect()
}
