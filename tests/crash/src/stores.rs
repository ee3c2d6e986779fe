//! The stores of the trials, and the one PostgreSQL server that they share.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;
use temporary_postgres::Cluster;

use crate::arguments::Arguments;

/// Where the state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
}

impl StoreKind {
    const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Every trial on PostgreSQL takes a few new sessions of the server, so it has fewer.
    pub(crate) fn fewest_points(self) -> u32 {
        match self {
            Self::Sqlite => 2_000,
            Self::Postgres => 1_000,
        }
    }

    /// The one of `--store`, or all.
    pub(crate) fn chosen(arguments: &Arguments) -> Result<Vec<Self>, String> {
        let Some(name) = arguments.optional("store") else { return Ok(Self::ALL.to_vec()) };
        let chosen: Vec<Self> = Self::ALL.into_iter().filter(|kind| kind.name() == name).collect();
        if chosen.is_empty() { Err(format!("no such store: {name}")) } else { Ok(chosen) }
    }
}

/// Gives every trial an empty place.
#[derive(Debug)]
pub(crate) struct Stores {
    cluster: Option<Cluster>,
    /// Databases that no trial uses just now. A trial has one for itself: what others tell through a database would be
    /// system calls of its processes as well.
    free: Mutex<Vec<String>>,
    accounts: AtomicU32,
}

/// The place of one trial.
#[derive(Debug)]
pub(crate) struct Home<'a> {
    /// The store, for the processes.
    pub(crate) address: String,
    /// The account of the store.
    pub(crate) account: String,
    database: Option<(&'a Stores, String)>,
    /// Held for its drop, which removes it.
    _folder: Option<TempDir>,
}

impl Stores {
    /// Starts what these need.
    ///
    /// The server keeps its data in memory where that is possible. It is as durable as any (the store insists on it), but its
    /// flushes cost nothing there; and nobody kills the server itself, only our processes. Starting sessions is most of its
    /// work, and faster with small buffers.
    pub(crate) fn start(kinds: &[StoreKind]) -> Result<Self, String> {
        let cluster = if kinds.contains(&StoreKind::Postgres) {
            let started = Cluster::start(
                &memory(),
                |_| {},
                &["-c", "autovacuum_naptime=5s", "-c", "shared_buffers=16MB"],
            );
            Some(started.map_err(|error| error.to_string())?)
        } else {
            None
        };
        Ok(Self { cluster, free: Mutex::default(), accounts: AtomicU32::new(0) })
    }

    /// A place without any state; for `makes_tables` also without tables.
    pub(crate) async fn home(
        &self,
        kind: StoreKind,
        makes_tables: bool,
    ) -> Result<Home<'_>, String> {
        let cluster = match (kind, &self.cluster) {
            (StoreKind::Postgres, Some(cluster)) => cluster,
            (StoreKind::Postgres, None) => return Err("no PostgreSQL server".to_owned()),
            (StoreKind::Sqlite, _) => {
                let folder = tempfile::tempdir_in(memory()).map_err(|error| error.to_string())?;
                return Ok(Home {
                    address: format!("sqlite:{}", folder.path().join("store.db").display()),
                    account: "default".to_owned(),
                    database: None,
                    _folder: Some(folder),
                });
            }
        };
        let free = self.free().pop();
        let database = match free {
            Some(database) => database,
            None => cluster.database().await.map_err(|error| error.to_string())?,
        };
        let home = Home {
            address: cluster.url(&database),
            account: format!("trial_{}", self.accounts.fetch_add(1, Ordering::Relaxed)),
            database: Some((self, database)),
            _folder: None,
        };
        if makes_tables && let Some((_, database)) = &home.database {
            let session = cluster.session(database).await.map_err(|error| error.to_string())?;
            let dropped = session.batch_execute("DROP SCHEMA IF EXISTS paddle_kommo CASCADE").await;
            dropped.map_err(|error| error.to_string())?;
        }
        Ok(home)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Home<'_> {
    fn drop(&mut self) {
        if let Some((stores, database)) = self.database.take() {
            stores.free().push(database);
        }
    }
}

/// In memory where that is possible: a killed process leaves there what it leaves on a disk.
fn memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}
