//! The stores that are measured, each in turn, and a backlog in one of them.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use kommo_client::{AccessToken, Client};
use paddle_kommo_sync::{PostgresStore, SqliteStore, Store};
use paddle_webhook::{SecretKey, Verifier};
use tempfile::TempDir;
use temporary_postgres::Cluster;

use crate::paddle::{SECRET, Topic, body, signature};

/// A kind of store that the service can be told to use.
#[derive(Debug)]
pub enum Backend {
    Sqlite,
    /// A server of our own beside it, whose settings are PostgreSQL's own defaults.
    Postgres(Cluster),
}

/// A new store, and a folder for what else is kept; both are gone with the value.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    url: String,
}

impl Backend {
    /// PostgreSQL, its data on the same disk as everything else; else why there is none here.
    pub fn postgres(parent: &Path) -> Result<Self, String> {
        Cluster::start(parent, |_| {}, &[]).map(Self::Postgres).map_err(|error| error.to_string())
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    pub async fn place(&self, parent: &Path) -> Place {
        let folder = TempDir::new_in(parent).expect("a folder");
        match self {
            Self::Sqlite => {
                let url = format!("sqlite:{}", folder.path().join("service.db").display());
                Place { folder, url }
            }
            Self::Postgres(cluster) => {
                let url = cluster.url(&cluster.database().await.expect("a database"));
                Place { folder, url }
            }
        }
    }
}

impl Place {
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        if self.is_sqlite() { Arc::new(self.sqlite()) } else { Arc::new(self.postgres().await) }
    }

    /// Puts events in as the receiver does, through [`Sync::accept`](paddle_kommo_sync::Sync::accept) after a verified
    /// signature, with no worker beside it.
    pub async fn seed(&self, numbers: std::ops::Range<u64>) {
        if self.is_sqlite() {
            seed(self.sqlite(), numbers).await;
        } else {
            seed(self.postgres().await, numbers).await;
        }
    }

    fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    fn sqlite(&self) -> SqliteStore {
        SqliteStore::open(self.url.trim_start_matches("sqlite:")).expect("a store")
    }

    async fn postgres(&self) -> PostgresStore {
        PostgresStore::connect(&self.url).await.expect("a store")
    }
}

/// Enough for full groups in a commit.
const AT_ONCE: usize = 256;

async fn seed(store: impl Store, numbers: std::ops::Range<u64>) {
    let token = AccessToken::new("made-up-token").expect("a token");
    // Nobody listens there, and nothing is asked.
    let kommo = Client::builder("http://127.0.0.1:9", token).build().expect("a client");
    let sync = paddle_kommo_sync::Sync::builder(kommo, store).build().await.expect("an account");
    let verifier = Arc::new(Verifier::new(SecretKey::new(SECRET).expect("a secret")));
    let numbers = Arc::new(Mutex::new(numbers));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (sync, verifier, numbers) =
                (sync.clone(), Arc::clone(&verifier), Arc::clone(&numbers));
            let next = move || numbers.lock().expect("a number").next();
            tokio::spawn(async move {
                while let Some(number) = next() {
                    let body = body(Topic::Payment, number);
                    let header = signature(&body);
                    let verified =
                        verifier.verify(header.as_bytes(), body.as_bytes()).expect("authentic");
                    sync.accept(&verified).await.expect("stored");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("it ends");
    }
}
