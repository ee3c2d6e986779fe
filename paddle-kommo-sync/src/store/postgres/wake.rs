//! Processes that share the database wake each other, and agree on the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI32, AtomicI64, Ordering},
    },
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_postgres::{
    AsyncMessage, Client, Connection, NoTls,
    tls::MakeTlsConnect,
    {Socket, types::Type},
};

use super::{
    super::AccountKey,
    connect::{Address, Tls, begin},
    rows::micros,
};
use crate::{
    clock::{Clock, SystemClock},
    error::StoreError,
};

const CHANNEL: &str = "paddle_kommo";

/// Others are told at most so often. A `NOTIFY` in every insert would halve the rate of inserts: at the commit all
/// that notify wait for one lock of the server.
const THROTTLE: Duration = Duration::from_millis(50);

/// How often the clock is compared with the server's.
const COMPARE: Duration = Duration::from_secs(60);

/// How long to wait before a lost connection is made anew.
const RECONNECT: Duration = Duration::from_secs(2);

/// The connection that listens, and what it heard. The connection ends when this is dropped.
#[derive(Debug)]
pub(super) struct Wake {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Who waits, by account.
    wakers: Mutex<BTreeMap<i64, Arc<Notify>>>,
    /// Accounts in which we have made something due and have not told anybody.
    untold: Mutex<BTreeSet<i64>>,
    tell: Notify,
    /// The server's process of the connection that listens: what it said itself is no news.
    own: AtomicI32,
    /// By how many microseconds the server's clock is ahead of ours.
    ahead: Arc<AtomicI64>,
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Wake {
    pub(super) fn start(address: Address) -> Self {
        let shared = Arc::<Shared>::default();
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    if let Err(error) = shared.listen(&address).await {
                        tracing::debug!(%error, "the connection that listens was lost");
                    }
                    tokio::time::sleep(RECONNECT).await;
                }
            }
        });
        Self { shared, task }
    }

    /// Others may want to know that something is due in this account.
    pub(super) fn tell(&self, account: AccountKey) {
        lock(&self.shared.untold).insert(account.get());
        self.shared.tell.notify_one();
    }

    pub(super) async fn woken(&self, account: AccountKey) {
        let waker = {
            let mut wakers = lock(&self.shared.wakers);
            // Whoever asks for the first time has missed what was said before.
            let first = || {
                let waker = Notify::new();
                waker.notify_one();
                Arc::new(waker)
            };
            Arc::clone(wakers.entry(account.get()).or_insert_with(first))
        };
        waker.notified().await;
    }

    pub(super) fn clock(&self) -> DatabaseClock {
        DatabaseClock(Arc::clone(&self.shared.ahead))
    }

    /// Compares the clocks now.
    pub(super) async fn compare(&self, client: &Client) -> Result<(), StoreError> {
        self.shared.compare(client).await
    }
}

impl Shared {
    async fn listen(&self, address: &Address) -> Result<(), StoreError> {
        match address.tls() {
            Tls::None => self.listen_with(address, NoTls).await,
            #[cfg(feature = "postgres-rustls")]
            Tls::Rustls(tls) => self.listen_with(address, tls.clone()).await,
        }
    }

    async fn listen_with<T>(&self, address: &Address, tls: T) -> Result<(), StoreError>
    where
        T: MakeTlsConnect<Socket> + Send,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
    {
        let (client, connection) = address.config().connect(tls).await?;
        tokio::select! {
            heard = self.hear(connection) => heard,
            told = self.talk(&client) => told,
        }
    }

    /// Drives the connection and passes on what arrives.
    async fn hear<S>(&self, mut connection: Connection<Socket, S>) -> Result<(), StoreError>
    where
        S: tokio_postgres::tls::TlsStream + Unpin + Send,
    {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(said) = message?
                && said.process_id() != self.own.load(Ordering::Relaxed)
                && let Ok(account) = said.payload().parse()
            {
                // Made if nobody waits yet: a permit is kept for the next one who does.
                lock(&self.wakers).entry(account).or_default().notify_one();
            }
        }
        Ok(())
    }

    async fn talk(&self, client: &Client) -> Result<(), StoreError> {
        begin(client).await?;
        let own = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
        self.own.store(own, Ordering::Relaxed);
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        // What was said while we were away, nobody will say again.
        for waker in lock(&self.wakers).values() {
            waker.notify_one();
        }
        let statement =
            client.prepare_typed("SELECT pg_notify($1, $2)", &[Type::TEXT, Type::TEXT]).await?;
        loop {
            self.compare(client).await?;
            let told = async {
                loop {
                    self.tell.notified().await;
                    let untold = mem::take(&mut *lock(&self.untold));
                    for account in untold {
                        client.query(&statement, &[&CHANNEL, &account.to_string()]).await?;
                    }
                    tokio::time::sleep(THROTTLE).await;
                }
            };
            match tokio::time::timeout(COMPARE, told).await {
                Ok(failed) => return failed,
                Err(_) => continue,
            }
        }
    }

    async fn compare(&self, client: &Client) -> Result<(), StoreError> {
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let before = micros(SystemClock.now());
        let theirs: i64 = client.query_one(sql, &[]).await?.try_get(0)?;
        let after = micros(SystemClock.now());
        let middle = before.midpoint(after);
        self.ahead.store(theirs.saturating_sub(middle), Ordering::Relaxed);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A set or map whose change panicked halfway would still be one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock of the database, for all processes that share it: leases are compared between them, so their own clocks may
/// not differ. Give it to [`SyncBuilder::clock`](crate::SyncBuilder::clock).
///
/// It is the machine's clock with the difference to the server's added, which is measured every minute. So it goes on
/// while the process is stopped, as a deadline needs it to.
#[derive(Clone, Debug)]
pub struct DatabaseClock(Arc<AtomicI64>);

impl Clock for DatabaseClock {
    fn now(&self) -> OffsetDateTime {
        let ahead = time::Duration::microseconds(self.0.load(Ordering::Relaxed));
        SystemClock.now().saturating_add(ahead)
    }
}
