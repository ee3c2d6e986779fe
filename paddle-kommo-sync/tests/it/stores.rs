//! Both stores keep the contract; the durable one keeps it across processes.

use paddle_kommo_sync::{
    MemoryStore, NewEvent, Rank, SqliteStore, Store as _, StoreError, conformance,
};
use tempfile::TempDir;

/// A store in a folder that goes with it.
fn sqlite() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("events.db")).unwrap();
    (folder, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_keeps_the_contract() {
    conformance::store(async || MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_keeps_the_contract() {
    let folders = std::sync::Mutex::new(Vec::new());
    conformance::store(async || {
        let (folder, store) = sqlite();
        folders.lock().unwrap().push(folder);
        store
    })
    .await;
}

#[tokio::test]
async fn u13_a_second_process_is_refused() {
    let (folder, store) = sqlite();
    let path = folder.path().join("events.db");
    let Err(StoreError::Unusable(why)) = SqliteStore::open(&path) else {
        panic!("two owners of one file")
    };
    assert!(why.contains("another process"), "{why}");
    drop(store);
}

#[tokio::test]
async fn a_restart_goes_on_at_once_where_the_dead_process_was() {
    let (folder, store) = sqlite();
    let path = folder.path().join("events.db");
    let now = time::macros::datetime!(2026-01-15 12:00 UTC);
    let minute = std::time::Duration::from_secs(60);
    let new = |id: &str, lane: &str| NewEvent {
        event_id: id.to_owned(),
        kind: "transaction.completed".to_owned(),
        lane: lane.to_owned(),
        sandbox: false,
        occurred_at: now,
        received_at: now,
        rank: Rank::Usual,
        payload: b"{}".to_vec(),
        links: Vec::new(),
    };
    let account = store.account("default").await.unwrap();
    store.put(account, &new("evt_worked_on", "lead:1")).await.unwrap();
    store.put(account, &new("evt_waiting", "lead:2")).await.unwrap();
    for claimed in store.claim_due(account, now, minute, 10).await.unwrap() {
        if claimed.event.event_id == "evt_waiting" {
            store.retry_at(&claimed.lease, now + minute, "no answer").await.unwrap();
        }
    }
    drop(store);
    assert!(!path.with_extension("db-wal").exists(), "the file is closed: a copy of it is whole");

    let store = SqliteStore::open(&path).unwrap();
    let due = store.claim_due(account, now, minute, 10).await.unwrap();
    let due: Vec<_> = due.iter().map(|claimed| claimed.event.event_id.as_str()).collect();
    assert_eq!(due, ["evt_worked_on"], "and what was told to wait still waits");
}

#[tokio::test]
async fn a_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    let Err(StoreError::Unusable(why)) = SqliteStore::open(&path) else {
        panic!("an unknown schema was opened")
    };
    assert!(why.contains("newer version"), "{why}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    std::fs::write(&path, "not a database, but somebody's only copy of something".repeat(100))
        .unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Unusable(_))));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store) = sqlite();
    store.account("default").await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            entry.file_name()
        );
    }
}
