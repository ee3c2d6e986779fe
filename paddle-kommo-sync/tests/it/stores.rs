//! Both stores keep the contract; the durable one keeps it across processes.

use paddle_kommo_sync::{MemoryStore, SqliteStore, Store as _, StoreError, conformance};
use tempfile::TempDir;

/// A store in a folder that goes with it.
fn sqlite() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("events.db")).unwrap();
    (folder, store)
}

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    conformance::store(async || MemoryStore::new()).await;
}

#[tokio::test]
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
async fn a_second_process_is_refused() {
    let (folder, store) = sqlite();
    let path = folder.path().join("events.db");
    let Err(StoreError::Unusable(why)) = SqliteStore::open(&path) else {
        panic!("two owners of one file")
    };
    assert!(why.contains("another process"), "{why}");
    drop(store);
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
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Database(_))));
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
