//! What only a server can show: other processes, other clocks, other settings, and its end.

use std::{collections::BTreeSet, path::Path, process::Command, time::Duration};

use futures_util::future::join_all;
use paddle_kommo_sync::{
    AccountKey, Clock as _, EventState, Finish, Learned, NewEvent, PostgresStore, Put, Rank,
    Store as _, StoreError,
};
use time::{OffsetDateTime, macros::datetime};

use crate::cluster;

const NOW: OffsetDateTime = datetime!(2026-01-15 12:00 UTC);

/// Long enough for any machine; a test that needs it has failed.
const FOR_EVER: Duration = Duration::from_secs(60);

fn event(id: &str) -> NewEvent {
    NewEvent {
        event_id: id.to_owned(),
        kind: "transaction.completed".to_owned(),
        lane: id.to_owned(),
        sandbox: false,
        occurred_at: NOW,
        received_at: NOW,
        rank: Rank::Usual,
        payload: b"{}".to_vec(),
        links: Vec::new(),
    }
}

/// Claims the one event that is open, and ends it.
async fn finish(store: &PostgresStore, account: AccountKey) {
    let claimed = store.claim_due(account, NOW, FOR_EVER, 1).await.unwrap().pop().unwrap();
    let finish = Finish {
        state: EventState::Done,
        outcome: "{}".to_owned(),
        reason: String::new(),
        learned: Learned::default(),
        at: NOW,
    };
    store.finish(&claimed.lease, &finish).await.unwrap();
}

async fn fresh() -> (String, PostgresStore) {
    let cluster = cluster::shared();
    let url = cluster.url(&cluster.database().await.unwrap());
    let store = PostgresStore::connect(&url).await.unwrap();
    (url, store)
}

#[tokio::test]
async fn another_process_is_woken_by_a_delivery() {
    let (url, one) = fresh().await;
    let two = PostgresStore::connect(&url).await.unwrap();
    let (account, other) =
        (one.account("default").await.unwrap(), one.account("other").await.unwrap());
    tokio::time::timeout(FOR_EVER, async {
        two.woken(account).await;
        two.woken(other).await;
        // One of these may be the connection that listens, which wakes everybody when it stands; not all of them.
        for number in 0..4 {
            one.put(account, &event(&format!("evt_{number}"))).await.unwrap();
            two.woken(account).await;
            one.put(other, &event(&format!("evt_{number}"))).await.unwrap();
            two.woken(other).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_turns_of_two_processes_are_one_row() {
    let (url, one) = fresh().await;
    let two = PostgresStore::connect(&url).await.unwrap();
    let account = one.account("default").await.unwrap();
    let spacing = Duration::from_secs(1);
    let start = OffsetDateTime::now_utc();
    let calls =
        [&one, &two].into_iter().cycle().take(10).map(|store| store.next_slot(account, spacing));
    let mut waits: Vec<Duration> =
        join_all(calls).await.into_iter().map(|wait| wait.unwrap()).collect();
    waits.sort();
    let took = Duration::try_from(OffsetDateTime::now_utc() - start).unwrap();
    assert!(waits[0] <= took, "the first may leave at once: {waits:?}");
    for (place, wait) in (0_u32..).zip(&waits) {
        let turn = spacing * place;
        assert!(*wait <= turn + took, "turn {place} is no later than its place: {waits:?}");
        assert!(*wait + took >= turn, "nor earlier: {waits:?}");
    }
    let other = one.account("other").await.unwrap();
    assert!(one.next_slot(other, spacing).await.unwrap() < spacing, "another account has its own");
}

#[tokio::test]
async fn turns_recover_when_the_servers_clock_was_set_back() {
    let (url, store) = fresh().await;
    let account = store.account("default").await.unwrap();
    let spacing = Duration::from_millis(150);
    store.next_slot(account, spacing).await.unwrap();
    let session = cluster::shared().session(url.rsplit('/').next().unwrap()).await.unwrap();
    session
        .batch_execute("UPDATE paddle_kommo.pace SET slot_at = slot_at + 3600000000")
        .await
        .unwrap();
    assert!(store.next_slot(account, spacing).await.unwrap() < Duration::from_secs(1));
}

#[tokio::test]
async fn processes_that_start_at_once_make_the_tables_once() {
    let cluster = cluster::shared();
    let url = cluster.url(&cluster.database().await.unwrap());
    let starts = join_all((0..6).map(|_| PostgresStore::connect(&url))).await;
    let keys =
        join_all(starts.iter().map(|store| store.as_ref().unwrap().account("default"))).await;
    let keys: BTreeSet<_> = keys.into_iter().map(|key| key.unwrap()).collect();
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn a_process_starts_while_another_hangs_in_the_middle_of_a_change() {
    let (url, store) = fresh().await;
    let account = store.account("default").await.unwrap();
    let session = cluster::shared().session(url.rsplit('/').next().unwrap()).await.unwrap();
    session
        .batch_execute("BEGIN; UPDATE paddle_kommo.account SET checks = checks + 1")
        .await
        .unwrap();
    let other = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(other.account("default").await.unwrap(), account);
}

#[tokio::test]
async fn events_end_while_the_row_of_their_account_is_held() {
    let (url, store) = fresh().await;
    let account = store.account("default").await.unwrap();
    store.put(account, &event("evt_1")).await.unwrap();
    let session = cluster::shared().session(url.rsplit('/').next().unwrap()).await.unwrap();
    session
        .batch_execute("BEGIN; UPDATE paddle_kommo.account SET checks = checks + 1")
        .await
        .unwrap();
    finish(&store, account).await;
    assert_eq!(store.stats(account, NOW).await.unwrap().done, 1);
}

#[tokio::test]
async fn what_an_older_version_counts_is_counted_too() {
    let (url, store) = fresh().await;
    let account = store.account("default").await.unwrap();
    drop(store);
    let session = cluster::shared().session(url.rsplit('/').next().unwrap()).await.unwrap();
    session
        .batch_execute(
            "DROP TABLE paddle_kommo.done; DELETE FROM paddle_kommo.version WHERE number > 3;
             UPDATE paddle_kommo.account SET done = 41",
        )
        .await
        .unwrap();
    let store = PostgresStore::connect(&url).await.unwrap();
    store.put(account, &event("evt_1")).await.unwrap();
    finish(&store, account).await;
    // A process of that version has not been restarted yet.
    session.batch_execute("UPDATE paddle_kommo.account SET done = done + 1").await.unwrap();
    assert_eq!(store.stats(account, NOW).await.unwrap().done, 43);
}

#[tokio::test]
async fn u19_a_newer_database_is_refused_and_left_alone() {
    let (url, store) = fresh().await;
    drop(store);
    let session = cluster::shared().session(url.rsplit('/').next().unwrap()).await.unwrap();
    session.batch_execute("INSERT INTO paddle_kommo.version VALUES(99)").await.unwrap();
    let Err(StoreError::Unusable(why)) = PostgresStore::connect(&url).await else {
        panic!("an unknown schema was opened")
    };
    assert!(why.contains("newer version"), "{why}");
}

#[tokio::test]
async fn u19_a_migration_that_fails_in_the_middle_changes_nothing() {
    let cluster = cluster::shared();
    let name = cluster.database().await.unwrap();
    let session = cluster.session(&name).await.unwrap();
    // One of the later tables is there already, so the step fails after it has made the earlier ones.
    session
        .batch_execute("CREATE SCHEMA paddle_kommo; CREATE TABLE paddle_kommo.link()")
        .await
        .unwrap();
    assert!(PostgresStore::connect(&cluster.url(&name)).await.is_err());
    let tables: i64 = session
        .query_one("SELECT count(*) FROM pg_tables WHERE schemaname = 'paddle_kommo'", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(tables, 1);
    session.batch_execute("DROP TABLE paddle_kommo.link").await.unwrap();
    assert!(PostgresStore::connect(&cluster.url(&name)).await.is_ok());
}

#[tokio::test]
async fn a_database_that_does_not_wait_for_the_disk_is_overruled() {
    // Nothing but a commit that waits for it flushes the log in such a server for 10 s, and nobody else writes to it.
    let cluster = cluster::start(&[
        "-c",
        "synchronous_commit=off",
        "-c",
        "wal_writer_delay=10s",
        "-c",
        "autovacuum=off",
        "-c",
        "wal_level=minimal",
        "-c",
        "max_wal_senders=0",
    ]);
    let store = PostgresStore::connect(&cluster.url("postgres")).await.unwrap();
    let account = store.account("default").await.unwrap();
    let session = cluster.session("postgres").await.unwrap();
    let position = async |which: &str| {
        let asked = format!("SELECT pg_current_wal_{which}_lsn()::text");
        let text: String = session.query_one(&asked, &[]).await.unwrap().get(0);
        let (high, low) = text.split_once('/').unwrap();
        (u64::from_str_radix(high, 16).unwrap() << 32) | u64::from_str_radix(low, 16).unwrap()
    };
    for number in 0..20 {
        let before = position("insert").await;
        store.put(account, &event(&format!("evt_{number}"))).await.unwrap();
        assert!(position("flush").await > before, "put {number} returned before its flush");
    }
}

#[tokio::test]
async fn a_server_without_fsync_is_refused() {
    let cluster = cluster::start(&["-c", "fsync=off"]);
    let Err(StoreError::Unusable(why)) = PostgresStore::connect(&cluster.url("postgres")).await
    else {
        panic!("it was accepted")
    };
    assert!(why.contains("fsync = on"), "{why}");
}

#[tokio::test]
async fn a_server_that_goes_away_is_found_again() {
    let (url, store) = fresh().await;
    let account = store.account("default").await.unwrap();
    assert_eq!(store.put(account, &event("evt_1")).await.unwrap(), Put::New);
    let session = cluster::shared().session("postgres").await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    session.execute(end, &[&name]).await.unwrap();
    let again = tokio::time::timeout(FOR_EVER, async {
        loop {
            match store.put(account, &event("evt_1")).await {
                Ok(put) => break put,
                Err(error) => assert!(matches!(error, StoreError::Database(_)), "{error:?}"),
            }
        }
    })
    .await
    .unwrap();
    assert!(matches!(again, Put::Known(_)), "what was acknowledged is there: {again:?}");
}

#[tokio::test]
async fn the_clock_is_the_databases() {
    let (url, store) = fresh().await;
    let session = cluster::shared().session(url.rsplit('/').next().unwrap()).await.unwrap();
    let before = OffsetDateTime::now_utc();
    let theirs: i64 = session
        .query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", &[])
        .await
        .unwrap()
        .get(0);
    let took = OffsetDateTime::now_utc() - before;
    let ours = (store.clock().now().unix_timestamp_nanos() / 1000) as i64;
    let most = (took.whole_microseconds() + 1_000_000) as i64;
    assert!((ours - theirs).abs() < most, "{ours} {theirs}");
}

#[tokio::test]
async fn a_password_never_prints() {
    let (url, store) = fresh().await;
    let with = url.replace("paddle@", "paddle:hunter2@");
    assert!(!format!("{store:?}").contains("paddle@"));
    assert!(PostgresStore::connect(&with).await.is_ok(), "the server trusts everybody");
    for wrong in [
        with.replace("127.0.0.1:", "127.0.0.1:1"),
        with.replace("/test_", "/no_such_"),
        format!("{with}?sslmode=hunter2"),
        format!("{with}?hunter2=1"),
    ] {
        let error = PostgresStore::connect(&wrong).await.expect_err(&wrong);
        let mut told = format!("{error:?} {error}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            told.push_str(&cause.to_string());
            source = cause.source();
        }
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn required_encryption_is_never_given_up() {
    let (url, _store) = fresh().await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let connected = PostgresStore::connect(&format!("{url}?sslmode={mode}")).await;
        assert!(connected.is_err(), "{mode}: the server speaks plain only");
    }
    for mode in ["disable", "prefer"] {
        let connected = PostgresStore::connect(&format!("{url}?sslmode={mode}")).await;
        assert!(connected.is_ok(), "{mode}: {connected:?}");
    }
}

#[tokio::test]
async fn a_certificate_is_checked_with_its_name() {
    let cluster = cluster::prepared(
        certificate,
        &["-c", "ssl=on", "-c", "ssl_cert_file=../server.crt", "-c", "ssl_key_file=../server.key"],
    );
    let root = cluster.folder().join("server.crt");
    // Ours to read, whoever runs the server.
    let copy = tempfile::tempdir().unwrap();
    let trusted = copy.path().join("root.crt");
    std::fs::copy(&root, &trusted).unwrap();
    let named = cluster.url("postgres").replace("127.0.0.1", "localhost");
    let with = |url: &str, mode: &str| {
        format!("{url}?sslmode={mode}&sslrootcert={}&application_name=check", trusted.display())
    };
    let store = PostgresStore::connect(&with(&named, "verify-full")).await.unwrap();
    store.account("default").await.unwrap();
    let session = cluster.session("postgres").await.unwrap();
    let plain: i64 = session
        .query_one(
            "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING(pid)
             WHERE a.application_name = 'check' AND NOT s.ssl",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(plain, 0, "every session is encrypted, the one that listens too");
    let other = PostgresStore::connect(&with(&cluster.url("postgres"), "require")).await;
    assert!(other.is_err(), "the certificate is for another name");
    let unknown = PostgresStore::connect(&format!("{named}?sslmode=require")).await;
    assert!(unknown.is_err(), "nobody vouches for the certificate");
}

/// A certificate for `localhost`, and the key, which nobody but the server may read.
fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "server.key", "-out", "server.crt"])
        .current_dir(folder)
        .output()
        .expect("this test needs openssl, on which Debian's postgresql depends: apt-get install openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
