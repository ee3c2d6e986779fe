//! Faults that only somebody with the connection in hand can bring about.

use std::path::Path;

use futures_util::future::join_all;
use rusqlite::{Connection, ffi};
use tempfile::TempDir;
use time::macros::datetime;

use super::*;
use crate::store::Rank;

const NOW: OffsetDateTime = datetime!(2026-01-15 12:00 UTC);
const MINUTE: Duration = Duration::from_secs(60);

fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    (folder, path)
}

fn event(number: usize, size: usize) -> NewEvent {
    NewEvent {
        event_id: format!("evt_{number}"),
        kind: "transaction.completed".to_owned(),
        lane: format!("lead:{number}"),
        sandbox: false,
        occurred_at: NOW,
        received_at: NOW,
        rank: Rank::Usual,
        payload: vec![b'x'; size],
        links: Vec::new(),
    }
}

async fn pragma(store: &SqliteStore, text: &'static str) {
    let set = move |connection: &Connection| Ok(connection.query_row(text, [], |_| Ok(()))?);
    store.run(set).await.unwrap();
}

#[tokio::test]
async fn u05_a_full_disk_takes_nothing_and_recovers_by_itself() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    pragma(&store, "PRAGMA max_page_count = 60").await;
    let mut taken = Vec::new();
    let error = loop {
        match store.put(account, &event(taken.len(), 3000)).await {
            Ok(put) => taken.push(put),
            Err(error) => break error,
        }
    };
    assert!(taken.len() > 5, "there was room at first: {}", taken.len());
    assert!(matches!(error, StoreError::Database(_)), "it may pass: {error:?}");
    let refused = event(taken.len(), 3000);
    assert!(store.put(account, &refused).await.is_err(), "still full");
    assert_eq!(
        store.event(account, &refused.event_id).await.unwrap(),
        None,
        "no half of it is there"
    );
    assert_eq!(store.stats(account, NOW).await.unwrap().open, taken.len() as u64);

    pragma(&store, "PRAGMA max_page_count = 100000").await;
    assert_eq!(store.put(account, &refused).await.unwrap(), Put::New, "nobody had to restart it");
    let claimed = store.claim_due(account, NOW, MINUTE, 1000).await.unwrap();
    assert_eq!(claimed.len(), taken.len() + 1);
}

#[tokio::test]
async fn u07_after_a_failed_fsync_nothing_is_acknowledged() {
    for code in [
        ffi::SQLITE_IOERR_FSYNC,
        ffi::SQLITE_IOERR_WRITE,
        ffi::SQLITE_IOERR_READ,
        ffi::SQLITE_CORRUPT,
    ] {
        let (_folder, path) = folder();
        let store = SqliteStore::open(&path).unwrap();
        let account = store.account("default").await.unwrap();
        let failure = move || rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let (one, two) = (event(1, 10), event(2, 10));
        let (before, failed, after) = tokio::join!(
            store.put(account, &one),
            store.run(move |_| Err::<(), _>(failure().into())),
            store.put(account, &two),
        );
        assert!(matches!(failed, Err(StoreError::Broken(_))), "{code}: {failed:?}");
        assert!(matches!(after, Err(StoreError::Broken(_))), "{code}: {after:?}");
        for _ in 0..3 {
            let put = store.put(account, &event(3, 10)).await;
            assert!(matches!(put, Err(StoreError::Broken(_))), "{code}: {put:?}");
        }
        let check = store.check(account).await;
        assert!(matches!(check, Err(StoreError::Broken(_))), "{code}: {check:?}");
        drop(store);
        let store = SqliteStore::open(&path).unwrap();
        let found = store.event(account, "evt_1").await.unwrap();
        assert!(found.is_some() || before.is_err(), "{code}: what was acknowledged is there");
        assert_eq!(store.put(account, &event(3, 10)).await.unwrap(), Put::New, "{code}");
    }
}

#[tokio::test]
async fn u07_no_room_for_the_shared_memory_is_a_full_disk() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    let failure = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_SHMSIZE), None);
    let failed = store.run(move |_| Err::<(), _>(failure.into())).await;
    assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
    assert_eq!(store.put(account, &event(1, 10)).await.unwrap(), Put::New);
}

#[tokio::test]
async fn u08_a_foreign_lock_fails_the_call_and_leaves_nothing_half_done() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    pragma(&store, "PRAGMA busy_timeout = 0").await;
    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
    let put = store.put(account, &event(1, 10)).await;
    assert!(matches!(put, Err(StoreError::Database(_))), "{put:?}");
    foreign.execute_batch("COMMIT").unwrap();
    assert_eq!(store.put(account, &event(1, 10)).await.unwrap(), Put::New, "it left no trace");
}

/// A commit, which ends when it is told to; and what tells that it is under way. What comes in meanwhile shares the next one.
fn a_commit(
    store: &SqliteStore,
) -> (
    impl Future<Output = ()> + use<>,
    tokio::sync::oneshot::Receiver<()>,
    std::sync::mpsc::Sender<()>,
) {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, all_are_there) = std::sync::mpsc::channel();
    let store = store.clone();
    let commit = async move {
        let wait = move |_: &Connection| {
            begun.send(()).unwrap();
            all_are_there.recv().unwrap();
            Ok(())
        };
        store.run(wait).await.unwrap();
    };
    (commit, has_begun, go_on)
}

/// Two deliveries with `between` in one commit.
async fn in_one_commit(
    between: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
) -> (SqliteStore, AccountKey, [bool; 3], TempDir) {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    let (commit, has_begun, go_on) = a_commit(&store);
    let (first, last) = (event(1, 10), event(2, 10));
    let shared = async {
        has_begun.await.unwrap();
        tokio::join!(
            biased;
            store.put(account, &first),
            store.run_light(between),
            store.put(account, &last),
            async { go_on.send(()).unwrap() },
        )
    };
    let ((), (before, between, after, ())) = tokio::join!(commit, shared);
    (store, account, [before.is_ok(), between.is_ok(), after.is_ok()], folder)
}

async fn is_there(store: &SqliteStore, account: AccountKey) -> [bool; 2] {
    let event = async |id| store.event(account, id).await.unwrap().is_some();
    [event("evt_1").await, event("evt_2").await]
}

const NOBODY: StoreError = StoreError::Corrupt("made up");

#[tokio::test]
async fn light_work_that_fails_once_it_has_written_takes_its_commit_with_it() {
    let (store, account, answers, _folder) = in_one_commit(|connection| {
        connection.execute("INSERT INTO account(name) VALUES('half')", []).unwrap();
        Err(NOBODY)
    })
    .await;
    assert_eq!(answers, [false; 3], "nobody is told that anything was stored");
    assert_eq!(is_there(&store, account).await, [false; 2]);
    let halves: i64 = store
        .run(|connection| {
            let count = "SELECT count(*) FROM account WHERE name = 'half'";
            Ok(connection.query_row(count, [], |row| row.get(0)).unwrap())
        })
        .await
        .unwrap();
    assert_eq!(halves, 0);
    assert_eq!(store.put(account, &event(1, 10)).await.unwrap(), Put::New, "the next is stored");
}

#[tokio::test]
async fn light_work_that_fails_before_it_has_written_fails_alone() {
    let (store, account, answers, _folder) = in_one_commit(|_| Err(NOBODY)).await;
    assert_eq!(answers, [true, false, true]);
    assert_eq!(is_there(&store, account).await, [true; 2]);
}

/// As SQLite does by itself after some failures, a full disk among them.
#[tokio::test]
async fn after_a_transaction_that_sqlite_took_back_nobody_goes_on_without_one() {
    let (store, account, answers, _folder) = in_one_commit(|connection| {
        connection.execute_batch("ROLLBACK").unwrap();
        Err(NOBODY)
    })
    .await;
    assert_eq!(answers, [false; 3]);
    assert_eq!(is_there(&store, account).await, [false; 2]);
    assert_eq!(store.put(account, &event(2, 10)).await.unwrap(), Put::New, "the next is stored");
}

#[tokio::test]
async fn who_shares_a_commit_depends_on_no_other_caller() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    let (commit, has_begun, go_on) = a_commit(&store);
    let events: Vec<NewEvent> = (1..4).map(|number| event(number, 10)).collect();
    let shared = async {
        has_begun.await.unwrap();
        let mut puts: Vec<_> = events.iter().map(|event| store.put(account, event)).collect();
        for put in &mut puts {
            assert!(futures_util::poll!(put).is_pending());
        }
        go_on.send(()).unwrap();
        // Whichever of them is told first, it is not looked at again before the second has heard.
        let second = puts.remove(1);
        let told = tokio::time::timeout(MINUTE, second).await;
        assert!(matches!(told, Ok(Ok(Put::New))), "{told:?}");
        drop(puts);
    };
    tokio::join!(commit, shared);
    assert_eq!(store.stats(account, NOW).await.unwrap().open, 3);
}

#[tokio::test]
async fn u08_a_reader_that_stays_does_not_make_the_log_grow_for_ever() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    let length = || std::fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len());
    let groups = writer::CHECKPOINT_JOBS / 60 + 1;
    let round = async |round: usize| {
        for group in round * groups..(round + 1) * groups {
            let events: Vec<NewEvent> =
                (group * 60..(group + 1) * 60).map(|number| event(number, 2000)).collect();
            join_all(events.iter().map(|event| store.put(account, event))).await;
        }
        length()
    };
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM inbox").unwrap();
    let held = round(0).await;
    assert!(held > CHECKED, "the log had to wait for the reader: {held}");
    reader.execute_batch("COMMIT").unwrap();
    drop(reader);
    let mut later = 0;
    for number in 1..ROUNDS {
        later = round(number).await;
    }
    assert!(later < 3 * held, "it is used again from its beginning: {held}, {later}");
    let open = store.stats(account, NOW).await.unwrap().open;
    assert_eq!(open, u64::try_from(ROUNDS * groups * 60).unwrap());
}

/// Twice as many as the log may be long at the end.
const ROUNDS: usize = 6;

/// More than what is carried over at once.
const CHECKED: u64 = 1024 * 1024;

/// A file as the first version left it, with one open event.
fn first_version(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(schema::VERSION_1).unwrap();
    connection
        .execute_batch(
            "PRAGMA user_version = 1; INSERT INTO account(id, name) VALUES(1, 'default');
             INSERT INTO lane(account, key, pending, due_at) VALUES(1, 'lead:1', 1, 0);
             INSERT INTO inbox(account, event_id, key, kind, sandbox, occurred_at, received_at, payload)
             VALUES(1, 'evt_1', 'lead:1', 'transaction.completed', 0, 5, 6, x'7b7d')",
        )
        .unwrap();
    connection
}

#[tokio::test]
async fn u19_a_file_of_the_first_version_is_brought_up_to_date() {
    let (_folder, path) = folder();
    drop(first_version(&path));
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    let claimed = store.claim_due(account, NOW, MINUTE, 10).await.unwrap();
    let told: Vec<_> = claimed
        .iter()
        .map(|claimed| (claimed.event.event_id.as_str(), claimed.event.payload.as_slice()))
        .collect();
    assert_eq!(told, [("evt_1", &b"{}"[..])]);
    assert_eq!(store.put(account, &event(2, 10)).await.unwrap(), Put::New);
    drop(store);
    assert!(SqliteStore::open(&path).is_ok(), "and once is enough");
}

#[tokio::test]
async fn u19_a_migration_that_fails_in_the_middle_changes_nothing() {
    let (_folder, path) = folder();
    let connection = first_version(&path);
    // The step adds a column first, and then wants to drop this.
    connection.execute_batch("DROP INDEX inbox_prune").unwrap();
    drop(connection);
    assert!(SqliteStore::open(&path).is_err());
    let connection = Connection::open(&path).unwrap();
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
    assert!(connection.prepare("SELECT digest FROM inbox").is_err(), "the column is gone again");
    connection.execute_batch("CREATE INDEX inbox_prune ON inbox(finished_at)").unwrap();
    drop(connection);
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    assert!(store.event(account, "evt_1").await.unwrap().is_some());
}

#[tokio::test]
async fn u07_the_engine_ends_with_its_store() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let kommo = kommo_client::fake::FakeKommo::in_memory();
    let token = kommo_client::AccessToken::new(kommo.token()).unwrap();
    let client = kommo_client::Client::builder(&kommo.uri(), token);
    let client = client.answered_by(&kommo).build().unwrap();
    let sync = crate::Sync::builder(client, store.clone()).build().await.unwrap();
    let failure = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None);
    let failed = store.run(move |_| Err::<(), _>(failure.into())).await;
    assert!(matches!(failed, Err(StoreError::Broken(_))), "{failed:?}");
    let ended = tokio::time::timeout(MINUTE, sync.run(std::future::pending())).await;
    assert!(ended.is_ok(), "nobody has asked it to, and it ends");
    assert!(sync.check_store().await.is_err());
}
