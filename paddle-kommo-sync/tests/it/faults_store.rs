//! Rows of the fault matrix that a file of the SQLite store can show from outside. Those that need its connection in hand
//! (U05, U07, U08, U19) are tested beside it.

use std::{collections::BTreeMap, path::Path, time::Duration};

use paddle_kommo_sync::{
    Attempt, EventState, Finish, KnownRow, Learned, LinkRow, NewEffect, NewEvent, Put, Rank,
    SqliteStore, Store as _, StoreError,
};
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-01-15 12:00 UTC);
const MINUTE: Duration = Duration::from_secs(60);

fn event(number: u64) -> NewEvent {
    NewEvent {
        event_id: format!("evt_{number}"),
        kind: "transaction.completed".to_owned(),
        lane: format!("lead:{number}"),
        sandbox: false,
        occurred_at: NOW,
        received_at: NOW,
        rank: Rank::Usual,
        payload: format!("{{\"event_id\":\"evt_{number}\",\"data\":\"{}\"}}", "x".repeat(900))
            .into_bytes(),
        links: Vec::new(),
    }
}

fn ended(state: EventState) -> Finish {
    Finish {
        state,
        outcome: "\"ended\"".to_owned(),
        reason: "deal_gone".to_owned(),
        learned: Learned::default(),
        at: NOW,
    }
}

/// A closed file in which a third of the events is done, a third is parked, and a third is open.
async fn file(path: &Path, events: u64) {
    let store = SqliteStore::open(path).unwrap();
    let account = store.account("default").await.unwrap();
    for number in 0..events {
        store.put(account, &event(number)).await.unwrap();
    }
    let effects = [NewEffect {
        name: "note".to_owned(),
        marker: "[pk-note]".to_owned(),
        body: "\"paid\"".to_owned(),
    }];
    for claimed in store.claim_due(account, NOW, MINUTE, 100).await.unwrap() {
        let number: u64 = claimed.event.event_id.trim_start_matches("evt_").parse().unwrap();
        let entity = format!("txn_{number}");
        let link = LinkRow {
            entity: entity.clone(),
            lead: kommo_client::LeadId::new(number + 1),
            rung: "lead_id".to_owned(),
        };
        let known = KnownRow { entity, state: "{}".to_owned(), version: 0 };
        let learned = Learned { links: vec![link], known: vec![known] };
        store.plan(&claimed.lease, "\"why\"", &effects, &learned).await.unwrap();
        let attempt = Attempt { call_id: "call".to_owned(), sent_at: NOW, deadline_at: NOW };
        store.begin(&claimed.lease, &["note"], &attempt, NOW + MINUTE).await.unwrap();
        match number % 3 {
            0 => store.finish(&claimed.lease, &ended(EventState::Done)).await.unwrap(),
            1 => store.finish(&claimed.lease, &ended(EventState::Parked)).await.unwrap(),
            _ => store.retry_at(&claimed.lease, NOW, "no answer").await.unwrap(),
        }
    }
}

/// A sequence that is the same in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What is wrong with what the store says after damage, if it says anything: every event that was acknowledged must be
/// told as it was, and every open one must be given out. An error is not silent, so it is no loss.
async fn loss(store: &SqliteStore, events: u64) -> Result<Option<String>, StoreError> {
    let account = store.account("default").await?;
    for number in 0..events {
        let want = event(number);
        let Some(row) = store.event(account, &want.event_id).await? else {
            return Ok(Some(format!("{} is gone", want.event_id)));
        };
        let state = match number % 3 {
            0 => EventState::Done,
            1 => EventState::Parked,
            _ => EventState::Open,
        };
        if row.state != state {
            return Ok(Some(format!("{} is {:?}", want.event_id, row.state)));
        }
        if state != EventState::Done && (&row.payload, &row.kind) != (&want.payload, &want.kind) {
            return Ok(Some(format!("{} has become another", want.event_id)));
        }
        if store.put(account, &want).await? != Put::Known(state) {
            return Ok(Some(format!("{} is new again", want.event_id)));
        }
    }
    let mut claimed = BTreeMap::new();
    for given in store.claim_due(account, NOW + MINUTE, MINUTE, 1000).await? {
        claimed.insert(given.event.event_id, given.event.payload);
    }
    let open = (0..events).filter(|number| number % 3 == 2).map(event);
    let want: BTreeMap<_, _> = open.map(|event| (event.event_id, event.payload)).collect();
    Ok((claimed != want)
        .then(|| format!("{} of {} open events are given out", claimed.len(), want.len())))
}

#[tokio::test]
async fn u09_of_2000_flipped_bits_none_panics_or_loses_silently() {
    const EVENTS: u64 = 40;
    // In memory where there is such a place: nothing here is about the disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let sound = folder.path().join("sound.db");
    file(&sound, EVENTS).await;
    let bytes = std::fs::read(&sound).unwrap();
    let (mut draws, mut refused, mut clean) = (Draws(9), 0, 0);
    let path = folder.path().join("events.db");
    for flip in 0..2000 {
        let bit = draws.below(bytes.len() as u64 * 8);
        let mut damaged = bytes.clone();
        damaged[(bit / 8) as usize] ^= 1 << (bit % 8);
        for leftover in ["db-wal", "db-shm"] {
            let _ = std::fs::remove_file(path.with_extension(leftover));
        }
        std::fs::write(&path, &damaged).unwrap();
        match SqliteStore::open(&path) {
            Ok(store) => {
                if let Ok(Some(loss)) = loss(&store, EVENTS).await {
                    panic!("flip {flip}, bit {bit}: {loss}");
                }
                clean += 1;
            }
            Err(error) => {
                assert_eq!(
                    std::fs::read(&path).unwrap(),
                    damaged,
                    "bit {bit}: the file is kept: {error}"
                );
                refused += 1;
            }
        }
    }
    assert!(
        refused > 200 && clean > 200,
        "the flips hit what matters and what does not: {refused}, {clean}"
    );
}

#[tokio::test]
async fn u09_a_damaged_file_is_refused_with_the_way_to_restore_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    file(&path, 30).await;
    let sound = std::fs::read(&path).unwrap();
    let zeros = [vec![0; 100], sound[100..].to_vec()].concat();
    let payload = b"\"evt_2\",\"data\":\"xxxxx";
    let mut other = sound.clone();
    for place in 0..sound.len() - payload.len() {
        if sound[place..].starts_with(payload) {
            // Older copies of the row may lie about in free space.
            other[place + payload.len()] = b'y';
        }
    }
    assert_ne!(other, sound);
    for (name, damaged) in [
        ("a header of zeros", zeros),
        ("cut in half", sound[..sound.len() / 2].to_vec()),
        ("a cut page", sound[..sound.len() - 100].to_vec()),
        ("one other letter in an open event", other),
    ] {
        std::fs::write(&path, &damaged).unwrap();
        let Err(StoreError::Unusable(why)) = SqliteStore::open(&path) else {
            panic!("{name}: it was opened")
        };
        assert!(why.contains("damaged") && why.contains("cp backup.db"), "{name}: {why}");
        assert_eq!(std::fs::read(&path).unwrap(), damaged, "{name}: it is kept as it is");
    }
    std::fs::write(&path, &sound).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(loss(&store, 30).await.unwrap(), None, "and the sound file is whole");
}

#[cfg(unix)]
#[tokio::test]
async fn u23_a_file_of_two_names_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, second) = (folder.path().join("events.db"), folder.path().join("second.db"));
    drop(SqliteStore::open(&path).unwrap());
    std::fs::hard_link(&path, &second).unwrap();
    for name in [&path, &second] {
        let Err(StoreError::Unusable(why)) = SqliteStore::open(name) else {
            panic!("it was opened")
        };
        assert!(why.contains("second name"), "{why}");
    }
    std::fs::remove_file(&second).unwrap();
    std::os::unix::fs::symlink(&path, &second).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let Err(StoreError::Unusable(why)) = SqliteStore::open(&second) else {
        panic!("a symbolic link is the same file")
    };
    assert!(why.contains("another process"), "{why}");
    drop(store);
    assert!(SqliteStore::open(&second).is_ok());
}

#[tokio::test]
async fn u23_what_cannot_be_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(SqliteStore::open(folder.path()).is_err(), "a folder");
    assert!(SqliteStore::open(folder.path().join("no/such/folder.db")).is_err());
}

#[tokio::test]
async fn u24_an_event_of_400_days_ago_is_still_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    file(&path, 3).await;
    let store = SqliteStore::open(&path).unwrap();
    let account = store.account("default").await.unwrap();
    let later = NOW + time::Duration::days(400);
    assert_eq!(store.prune(account, later - time::Duration::days(30), 500).await.unwrap(), 1);
    let again = store.put(account, &NewEvent { received_at: later, ..event(0) }).await.unwrap();
    assert_eq!(again, Put::Known(EventState::Done));
    let row = store.event(account, "evt_0").await.unwrap().unwrap();
    assert!(row.payload.is_empty());
    drop(store);
    assert!(SqliteStore::open(&path).is_ok(), "a pruned event is no damage");
}
