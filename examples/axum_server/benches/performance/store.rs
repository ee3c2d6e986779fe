//! The stores that are measured, and a backlog in one of them.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use kommo_client::{AccessToken, Client};
use paddle_kommo_sync::{SqliteStore, Store};
use paddle_webhook::{SecretKey, Verifier};

use crate::paddle::{SECRET, Topic, body, signature};

/// A store that the service can be told to use. Another one is a variant more: its `url`, and its line in `seed`.
#[derive(Clone, Debug)]
pub enum Backend {
    Sqlite,
}

impl Backend {
    pub fn all() -> Vec<Self> {
        vec![Self::Sqlite]
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
        }
    }

    /// `DATABASE_URL`, for a store of its own per folder.
    pub fn url(&self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite:{}", file(folder).display()),
        }
    }

    /// Puts events in as the receiver does, through [`Sync::accept`](paddle_kommo_sync::Sync::accept) after a verified
    /// signature, with no worker beside it.
    pub async fn seed(&self, folder: &Path, numbers: std::ops::Range<u64>) {
        match self {
            Self::Sqlite => seed(open_sqlite(folder), numbers).await,
        }
    }
}

/// Enough for full groups in a commit.
const AT_ONCE: usize = 256;

pub fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("service.db")
}

pub fn open_sqlite(folder: &Path) -> SqliteStore {
    SqliteStore::open(file(folder)).expect("a store")
}

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
