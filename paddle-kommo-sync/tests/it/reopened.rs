//! What waits for want of a deal goes on once the deal is known, whoever stops in between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use paddle_kommo_sync::{MemoryStore, ParkReason, Reason};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::{
    links::paid_by,
    support::{
        World,
        events::{event, transaction},
        faulty::{Fate, FaultyStore},
    },
};

/// What waits for want of a deal, while whoever learned of the deal was stopped before it looked for that.
async fn left_parked() -> (World, Event, Event) {
    let store = FaultyStore::new(MemoryStore::new());
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    let (waits, mut told) = (paid_by(&Value::Null), transaction());
    (told["id"], told["subscription_id"]) = (json!("txn_told"), json!("sub_told"));
    let told = event("transaction.completed", 20, &told);
    assert_eq!(world.parked(&waits).await.reason, ParkReason::NoDeal);
    store.choose(|method| if method == "history" { Fate::Fails } else { Fate::Good });
    world.sync.handle(&told).await.unwrap_err();
    store.choose(|_| Fate::Good);
    (world, waits, told)
}

#[tokio::test]
async fn what_waits_for_a_deal_goes_on_after_a_crash_as_well() {
    let (world, waits, told) = left_parked().await;
    world.advance(Duration::from_secs(120));
    world.done(&told).await;
    assert_eq!(world.done(&waits).await, [Reason::AnotherPayment]);
}

#[tokio::test(start_paused = true)]
async fn what_was_left_waiting_is_looked_for_every_hour() {
    let store = FaultyStore::new(MemoryStore::new());
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    assert_eq!(world.parked(&paid_by(&Value::Null)).await.reason, ParkReason::NoDeal);
    let has_looked = Arc::new(AtomicBool::new(false));
    let looks = Arc::clone(&has_looked);
    store.choose(move |method| {
        looks.fetch_or(method == "prune", Ordering::SeqCst);
        Fate::Good
    });
    let story = async {
        while !has_looked.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        store.choose(|method| if method == "history" { Fate::Fails } else { Fate::Good });
        world.sync.handle(&event("transaction.created", 20, &transaction())).await.unwrap_err();
        store.choose(|_| Fate::Good);
        assert_eq!(world.sync.parked(10).await.unwrap().len(), 1);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        while !world.sync.parked(10).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    world.sync.run(story).await;
}
