//! A seller's two accounts side by side: a fake Paddle in which things happen, and the ordinary world.

use std::{num::NonZeroU32, time::Duration};

use kommo_client::fake::FakeLead;
use paddle_kommo_sync::{
    Config, MemoryStore,
    fake_paddle::{FakePaddle, Purchase, Sale},
    paddle::{ApiKey, Client},
    reconcile::{Period, Report, Standing},
};
use time::OffsetDateTime;

use super::{NEGOTIATION, NOW, PIPELINE, World, client_within};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// How long an answer of Kommo's may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Shop {
    pub(crate) paddle: FakePaddle,
    pub(crate) client: Client,
    pub(crate) world: World,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(MemoryStore::new(), change).await
    }

    pub(crate) async fn on(store: MemoryStore, change: impl FnOnce(&mut Config)) -> Self {
        // Many deals at once may keep a busy machine from answering for a while, and nobody moves the clock on then.
        let world = World::waiting_for(PATIENCE, change, store, |builder| builder).await;
        let paddle = FakePaddle::start().await;
        paddle.set_time(NOW);
        paddle.set_rate_limit(None);
        let client = Client::builder(ApiKey::new(paddle.api_key()).unwrap())
            .base_url(&paddle.uri())
            .requests_per_minute(NonZeroU32::MAX)
            .first_delay(Duration::ZERO)
            .attempts(1)
            .build()
            .unwrap();
        Self { paddle, client, world }
    }

    /// Another process of the same service.
    pub(crate) async fn restarted(&self, store: MemoryStore) -> paddle_kommo_sync::Sync {
        let client = client_within(&self.world.kommo, PATIENCE);
        let builder = paddle_kommo_sync::Sync::builder(client, store);
        builder.clock(self.world.clock.clone()).build().await.unwrap()
    }

    /// Time goes on everywhere.
    pub(crate) fn advance(&self, by: Duration) {
        self.paddle.advance(by);
        self.world.advance(by);
    }

    /// Adds an open deal, and returns its id.
    pub(crate) fn deal(&self) -> u64 {
        self.world.kommo.add_lead(FakeLead::new("Acme").stage(PIPELINE, NEGOTIATION))
    }

    /// Somebody buys what this deal is about.
    pub(crate) fn buy(&self, lead: u64) -> Sale {
        let purchase = Purchase::new(&format!("{lead}@example.com"));
        self.paddle.buy(&purchase.custom_data("kommo_lead_id", &lead.to_string()))
    }

    /// Everything that is open is worked through.
    pub(crate) async fn work(&self) {
        work(&self.world.sync).await;
    }

    /// The report on everything until now.
    pub(crate) async fn report(&self) -> Report {
        let until = self.paddle.now() + Duration::from_secs(1);
        self.report_on(OffsetDateTime::UNIX_EPOCH, until).await
    }

    pub(crate) async fn report_on(&self, from: OffsetDateTime, to: OffsetDateTime) -> Report {
        let period = Period::new(from, to).unwrap();
        self.world.sync.reconcile(&self.client, period, &mut |_| {}).await.unwrap()
    }

    pub(crate) async fn sweep(&self) -> usize {
        self.world.sync.sweep(&self.client).await.unwrap().taken
    }
}

pub(crate) async fn work(sync: &paddle_kommo_sync::Sync) {
    let ended = async {
        while sync.stats().await.unwrap().open > 0 {
            tokio::task::yield_now().await;
        }
    };
    sync.run(ended).await;
}

/// What became of each entry, as kind and standing, in the order of the report.
pub(crate) fn standings(report: &Report) -> Vec<(&str, Standing)> {
    report.entries.iter().map(|entry| (entry.kind.as_str(), entry.standing)).collect()
}
