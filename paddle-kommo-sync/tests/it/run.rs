//! The receiving side and the worker, as a server uses them.

use std::time::Duration;

use paddle_kommo_sync::{Accepted, MemoryStore, ParkReason, SqliteStore, Store as _};
use paddle_webhook::{SecretKey, Verifier, sign};

use crate::support::{
    LEAD, NOW, WON, World,
    events::{body, transaction},
};

fn secret() -> SecretKey {
    SecretKey::new("pdl_ntfset_made_up").unwrap()
}

async fn accept(world: &World, body: &[u8]) -> Accepted {
    let header = sign(&secret(), body, NOW).to_string();
    let verified = Verifier::new(secret()).verify_at(header.as_bytes(), body, NOW).unwrap();
    world.sync.accept(&verified).await.unwrap()
}

#[tokio::test]
async fn what_was_accepted_is_worked_through_until_the_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("events.db")).unwrap();
    let world = World::built(|_| {}, store, |builder| builder).await;
    let bytes = body("evt_1", "transaction.completed", 0, &transaction()).to_string();
    assert_eq!(accept(&world, bytes.as_bytes()).await, Accepted::New);
    assert_eq!(accept(&world, bytes.as_bytes()).await, Accepted::Duplicate);
    assert!(world.kommo.requests().is_empty(), "accepting asks nobody");

    let done = async {
        while world.sync.stats().await.unwrap().done == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), world.sync.run(done)).await.unwrap();
    assert_eq!((world.stage(), world.kommo.notes(LEAD).len()), (WON, 1));
}

#[tokio::test]
async fn authentic_bytes_that_are_no_event_are_kept_and_parked() {
    let world = World::new().await;
    for bytes in [&b"hello"[..], b"", b"[]", b"{}", b"\xff\xfe", b"{\"event_id\":7}"] {
        assert_eq!(accept(&world, bytes).await, Accepted::Unreadable, "{bytes:?}");
        assert_eq!(accept(&world, bytes).await, Accepted::Unreadable, "again: {bytes:?}");
    }
    let parked = world.sync.parked(10).await.unwrap();
    assert_eq!(parked.len(), 6, "each once");
    assert!(parked.iter().all(|event| event.parked.reason == ParkReason::Unreadable));
    let stats = world.sync.stats().await.unwrap();
    assert_eq!(stats.parked, [(ParkReason::Unreadable.code().to_owned(), 6)]);
}

#[tokio::test]
async fn bodies_of_what_ended_long_ago_are_forgotten_and_their_ids_are_not() {
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    let bytes = body("evt_1", "transaction.completed", 0, &transaction()).to_string();
    accept(&world, bytes.as_bytes()).await;
    let account = store.account("default").await.unwrap();
    let kept = async || !store.event(account, "evt_1").await.unwrap().unwrap().payload.is_empty();
    let done = async {
        while world.sync.stats().await.unwrap().done == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), world.sync.run(done)).await.unwrap();
    assert!(kept().await);
    world.advance(Duration::from_secs(31 * 86_400));
    let pruned = async {
        while kept().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), world.sync.run(pruned)).await.unwrap();
    assert_eq!(accept(&world, bytes.as_bytes()).await, Accepted::Duplicate, "it is known for ever");
}
