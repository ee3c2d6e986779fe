//! One machine: it runs the engine, is killed, started again, and stopped for a while.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use kommo_client::{AccessToken, Client, fake::FakeKommo};
use paddle_kommo_sync::{Clock, MemoryStore};
use time::OffsetDateTime;
use tokio::{
    sync::watch,
    time::{Instant, Sleep, sleep, sleep_until},
};

use crate::{
    NOW,
    faulty_store::{FaultyStore, Trouble},
};

/// The clock on the wall, which Kommo's follows with a difference.
#[derive(Clone, Debug)]
pub(crate) struct VirtualClock {
    pub(crate) start: Instant,
    pub(crate) kommo: Arc<KommoClock>,
}

#[derive(Debug)]
pub(crate) struct KommoClock {
    pub(crate) fake: Mutex<Option<FakeKommoOf>>,
    pub(crate) ahead: i64,
}

/// `FakeKommo` is not `Debug` enough for a clock.
pub(crate) struct FakeKommoOf(pub(crate) FakeKommo);

impl std::fmt::Debug for FakeKommoOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeKommo")
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> OffsetDateTime {
        let now = NOW + self.start.elapsed();
        if let Some(fake) = &*self.kommo.fake.lock().unwrap() {
            fake.0.set_time(Some(now.unix_timestamp() + self.kommo.ahead));
        }
        now
    }
}

/// What a node is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) kommo: FakeKommo,
    pub(crate) store: MemoryStore,
    pub(crate) clock: VirtualClock,
    pub(crate) trouble: Trouble,
}

impl Parts {
    /// A process without any trouble of its own.
    pub(crate) async fn sound(&self) -> paddle_kommo_sync::Sync {
        self.built(self.store.clone()).await.unwrap()
    }

    async fn built(&self, store: impl paddle_kommo_sync::Store) -> Option<paddle_kommo_sync::Sync> {
        let token = AccessToken::new(self.kommo.token()).unwrap();
        let client = Client::builder(&self.kommo.uri(), token);
        let client = client.answered_by(&self.kommo).build().unwrap();
        let builder = paddle_kommo_sync::Sync::builder(client, store);
        builder.clock(self.clock.clone()).build().await.ok()
    }

    /// Runs for ever; `current` is the process that lives just now, if any.
    pub(crate) async fn live(self, current: watch::Sender<Option<paddle_kommo_sync::Sync>>) {
        loop {
            let store = FaultyStore { store: self.store.clone(), trouble: self.trouble.clone() };
            let life = async {
                if let Some(sync) = self.built(store).await {
                    current.send_replace(Some(sync.clone()));
                    sync.run(std::future::pending()).await;
                }
            };
            let killed = async {
                if self.trouble.is_over() {
                    std::future::pending::<()>().await;
                }
                sleep(Duration::from_millis(self.trouble.below(600_000) as u64)).await;
                if self.trouble.is_over() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = Stoppable::new(life, self.trouble.clone()) => {}
                () = self.trouble.crashed() => {}
                () = killed => {}
            }
            current.send_replace(None);
            self.trouble.count_crash();
            sleep(Duration::from_millis(2_000 + self.trouble.below(120_000) as u64)).await;
        }
    }
}

/// A process that is stopped now and then, as by SIGSTOP, while the world goes on.
struct Stoppable<F> {
    inner: Pin<Box<F>>,
    trouble: Trouble,
    next: Pin<Box<Sleep>>,
    stopped: bool,
}

impl<F: Future<Output = ()>> Stoppable<F> {
    fn new(inner: F, trouble: Trouble) -> Self {
        let next = Box::pin(sleep(Duration::from_secs(trouble.below(900) as u64)));
        Self { inner: Box::pin(inner), trouble, next, stopped: false }
    }
}

impl<F: Future<Output = ()>> Future for Stoppable<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        while self.next.as_mut().poll(context).is_ready() {
            self.stopped = !self.stopped && !self.trouble.is_over();
            let seconds = if self.stopped { 300 } else { 900 };
            let wait = Duration::from_secs(1 + self.trouble.below(seconds) as u64);
            self.next = Box::pin(sleep_until(Instant::now() + wait));
        }
        if self.stopped { Poll::Pending } else { self.inner.as_mut().poll(context) }
    }
}
