//! A database that does not know what was written to Kommo: one that was restored from a backup, and one that is new
//! (U21, O14), and two of them for one account (U15).

use std::{path::Path, time::Duration};

use kommo_client::fake::{Fault, LedgerKind};
use paddle_kommo_sync::{MemoryStore, Outcome, SqliteStore, Sync};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::support::{
    LEAD, WON, World,
    events::{event, refund, renewal, subscription, transaction},
};

const HOUR: Duration = Duration::from_secs(3600);

fn at(hours: i64, kind: &str, mut data: Value) -> Event {
    let seconds = hours * 3600;
    data["updated_at"] = json!(crate::support::events::time(seconds));
    event(kind, seconds, &data)
}

fn store(path: &Path) -> SqliteStore {
    SqliteStore::open(path).unwrap()
}

/// How many notes and tasks were written, and what else a person sees of the deal.
fn seen(world: &World) -> (usize, Vec<String>, Vec<String>, u64, Value) {
    let added = |kind: &LedgerKind| matches!(kind, LedgerKind::NoteAdded | LedgerKind::TaskAdded);
    let writes = world.kommo.ledger().iter().filter(|entry| added(&entry.kind)).count();
    (writes, world.notes(), world.tasks(), world.stage(), world.field("SUBSCRIPTION_STATUS"))
}

async fn is_done(sync: &Sync, event: &Event) {
    let outcome = sync.handle(event).await.unwrap();
    assert!(
        matches!(outcome, Outcome::Done(_) | Outcome::Ignored { .. }),
        "{}: {outcome}",
        event.event_type()
    );
}

/// What happens on the first two days, 10 hours apart: one note or task each.
fn days() -> [Event; 4] {
    [
        at(0, "transaction.completed", transaction()),
        at(10, "transaction.completed", renewal()),
        at(20, "adjustment.updated", refund("approved")),
        at(30, "subscription.canceled", subscription("canceled")),
    ]
}

#[tokio::test]
async fn u21_after_a_restore_what_was_written_since_the_backup_is_found_not_written_again() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("events.db"), folder.path().join("backup.db"));
    let [payment, renewal, refund, end] = days();
    let sync = world.restarted(store(&path)).await;
    is_done(&sync, &payment).await;
    // At the hour of the backup the note of the renewal is planned and not sent.
    world.advance(10 * HOUR);
    world.kommo.fail_next(Fault::too_many_requests().on("POST", "/api/v4/leads/notes"));
    let outcome = sync.handle(&renewal).await.unwrap();
    assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome}");
    drop(sync);
    std::fs::copy(&path, &backup).unwrap();

    let sync = world.restarted(store(&path)).await;
    for event in [&renewal, &refund, &end] {
        world.advance(10 * HOUR);
        is_done(&sync, event).await;
    }
    drop(sync);
    let before = seen(&world);
    assert_eq!((before.1.len(), before.2.len(), before.3), (3, 1, WON), "{before:?}");

    world.advance(HOUR);
    for round in 0..2 {
        // Once more: the row that says since when this database can know must itself outlive a restart.
        let sync = world.restarted(store(&backup)).await;
        for event in [&payment, &renewal, &refund, &end] {
            is_done(&sync, event).await;
        }
        drop(sync);
        assert_eq!(seen(&world), before, "round {round}");
    }
    // What happens from now on is written as ever.
    let sync = world.restarted(store(&backup)).await;
    let mut again = crate::support::events::renewal();
    again["id"] = json!("txn_again");
    is_done(&sync, &at(42, "transaction.completed", again)).await;
    assert_eq!(world.notes().len(), 4);
}

#[tokio::test]
async fn u21_a_restart_between_the_restore_and_a_replay_changes_nothing() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("events.db"), folder.path().join("backup.db"));
    let [payment, renewal, ..] = days();
    let sync = world.restarted(store(&path)).await;
    is_done(&sync, &payment).await;
    drop(sync);
    std::fs::copy(&path, &backup).unwrap();
    let sync = world.restarted(store(&path)).await;
    world.advance(10 * HOUR);
    is_done(&sync, &renewal).await;
    drop(sync);

    world.advance(HOUR);
    drop(world.restarted(store(&backup)).await);
    world.advance(Duration::from_secs(60));
    let sync = world.restarted(store(&backup)).await;
    is_done(&sync, &renewal).await;
    assert_eq!(world.notes().len(), 2);
}

#[tokio::test]
async fn u21_a_service_that_never_stopped_for_long_looks_for_nothing() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let [payment, ..] = days();
    is_done(&world.restarted(store(&path)).await, &payment).await;
    world.advance(Duration::from_secs(600));
    // Of an hour before the start: a delivery that came late, or a backlog.
    let sync = world.restarted(store(&path)).await;
    let before = world.kommo.requests().len();
    let mut data = crate::support::events::renewal();
    data["updated_at"] = json!(crate::support::events::time(60));
    is_done(&sync, &event("transaction.completed", 60, &data)).await;
    let asked: Vec<_> = world.kommo.requests().split_off(before);
    assert!(
        !asked.iter().any(|request| request.method == "GET" && request.path.contains("notes")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn u21_o14_a_new_database_finds_what_an_earlier_one_has_written() {
    let world = World::new().await;
    let days = days();
    for event in &days {
        is_done(&world.sync, event).await;
        world.advance(10 * HOUR);
    }
    let before = seen(&world);
    let sync = world.restarted(MemoryStore::new()).await;
    for event in &days {
        is_done(&sync, event).await;
    }
    assert_eq!(seen(&world), before);
}

#[tokio::test]
async fn u15_a_second_database_closes_no_deal_twice_and_finds_what_was_before_it() {
    let world = World::new().await;
    let [payment, renewal, ..] = days();
    is_done(&world.sync, &payment).await;
    world.advance(10 * HOUR);
    is_done(&world.sync, &renewal).await;
    world.advance(HOUR);
    // It is told the same, and so has the same markers.
    let second = world.restarted(MemoryStore::new()).await;
    is_done(&second, &payment).await;
    is_done(&second, &renewal).await;
    assert_eq!((world.notes().len(), world.stage()), (2, WON));
    assert_eq!(world.kommo.notes(LEAD).len(), 2);
    // Of what happens while both run the deal itself tells one thing: who has closed it.
    let mut data = transaction();
    data["id"] = json!("txn_first");
    is_done(&second, &at(11, "transaction.completed", data)).await;
    assert_eq!((world.notes().len(), world.stage()), (2, WON), "won by this transaction already");
}
