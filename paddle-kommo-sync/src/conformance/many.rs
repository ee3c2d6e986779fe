//! Many callers at once, as many processes or many tasks of one.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;

use super::{LEASE, account, at, claim, event, finish, ok};
use crate::{
    error::StoreError,
    store::{AccountKey, Claim, EventState, KnownRow, Learned, Put, Store},
};

const CALLERS: usize = 12;

/// Lets many callers do the same, each in a task of its own, half of them through either handle.
async fn all<T, F>(
    handles: &[Arc<dyn Store>; 2],
    call: impl Fn(Arc<dyn Store>) -> F,
) -> Vec<Result<T, StoreError>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let callers = (0..CALLERS).zip(handles.iter().cycle());
    let tasks = callers.map(|(_, handle)| tokio::spawn(call(Arc::clone(handle))));
    join_all(tasks)
        .await
        .into_iter()
        .map(|task| task.unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

pub(super) async fn of_many_deliveries_one_is_new(handles: [Arc<dyn Store>; 2]) {
    let [store, _] = &handles;
    let account = account(&**store).await;
    for round in 0..5 {
        let id = format!("evt_{round}");
        let new = event(&id, "lead:1", 0);
        let puts = all(&handles, |store| {
            let new = new.clone();
            async move { store.put(account, &new).await }
        })
        .await;
        let puts: Vec<Put> = puts.into_iter().map(ok).collect();
        let new = puts.iter().filter(|put| **put == Put::New).count();
        assert_eq!(new, 1, "{id}: {puts:?}");
        let known = puts.iter().filter(|put| **put == Put::Known(EventState::Open)).count();
        assert_eq!(known, CALLERS.saturating_sub(1), "{id}: {puts:?}");
    }
    assert_eq!(ok(store.stats(account, at(0)).await).open, 5);
}

pub(super) async fn of_many_claims_one_is_given_the_lane(handles: [Arc<dyn Store>; 2]) {
    let [store, _] = &handles;
    let account = account(&**store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    for round in 0..5 {
        let now = at(100_i64.saturating_mul(round));
        let claims =
            all(
                &handles,
                |store| async move { store.claim_event(account, "evt_1", now, LEASE).await },
            )
            .await;
        let claims: Vec<Claim> = claims.into_iter().map(ok).collect();
        let taken = claims.iter().filter(|claim| matches!(claim, Claim::Taken(_))).count();
        assert_eq!(taken, 1, "round {round}: {claims:?}");
        let others = Claim::NotDue(now.saturating_add(time::Duration::seconds(60)));
        let others = claims.iter().filter(|claim| **claim == others).count();
        assert_eq!(others, CALLERS.saturating_sub(1), "round {round}: {claims:?}");
    }
    let row = ok(store.event(account, "evt_1").await);
    assert_eq!(row.map(|row| row.attempt), Some(5), "one attempt per claim that was given");
}

pub(super) async fn many_workers_do_everything_once_and_in_order(handles: [Arc<dyn Store>; 2]) {
    const LANES: i64 = 15;
    const DEPTH: i64 = 4;
    let [store, _] = &handles;
    let account = account(&**store).await;
    for place in (0..DEPTH).rev() {
        for lane in 0..LANES {
            let new = event(&format!("evt_{lane}_{place}"), &format!("lead:{lane}"), place);
            ok(store.put(account, &new).await);
        }
    }
    let worked = all(&handles, |store| work(store, account)).await;
    let mut ended = BTreeMap::<String, Vec<(i64, String)>>::new();
    for (lane, epoch, event_id) in worked.into_iter().flat_map(ok) {
        ended.entry(lane).or_default().push((epoch, event_id));
    }
    assert_eq!(i64::try_from(ended.len()), Ok(LANES));
    for (lane, mut events) in ended {
        // Epochs rise, so they are the order in which the lane was worked on.
        events.sort();
        let order: Vec<_> = events.iter().map(|(_, event_id)| event_id.clone()).collect();
        let number = lane.trim_start_matches("lead:");
        let want: Vec<_> = (0..DEPTH).map(|place| format!("evt_{number}_{place}")).collect();
        assert_eq!(order, want, "{lane}: each event once, the oldest first");
    }
    let stats = ok(store.stats(account, at(10)).await);
    assert_eq!((stats.open, i64::try_from(stats.done)), (0, Ok(LANES.saturating_mul(DEPTH))));
}

/// Claims and ends until nothing is open; what it ended.
async fn work(
    store: Arc<dyn Store>,
    account: AccountKey,
) -> Result<Vec<(String, i64, String)>, StoreError> {
    let mut ended = Vec::new();
    while store.stats(account, at(10)).await?.open > 0 {
        for claimed in store.claim_due(account, at(10), LEASE, 3).await? {
            store.finish(&claimed.lease, &finish(EventState::Done, at(10))).await?;
            ended.push((claimed.lease.lane, claimed.lease.epoch, claimed.lease.event_id));
        }
        tokio::task::yield_now().await;
    }
    Ok(ended)
}

pub(super) async fn of_many_ends_one_counts(handles: [Arc<dyn Store>; 2]) {
    let [store, _] = &handles;
    let account = account(&**store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    ok(store.put(account, &event("evt_2", "lead:1", 1)).await);
    let lease = claim(&**store, account, "evt_1", at(0)).await.lease;
    let ends = all(&handles, |store| {
        let lease = lease.clone();
        async move { store.finish(&lease, &finish(EventState::Done, at(1))).await }
    })
    .await;
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1, "{ends:?}");
    let lost = ends.iter().filter(|end| matches!(end, Err(StoreError::LeaseLost))).count();
    assert_eq!(lost, CALLERS.saturating_sub(1), "{ends:?}");
    let stats = ok(store.stats(account, at(1)).await);
    assert_eq!((stats.open, stats.done), (1, 1));
    let next = claim(&**store, account, "evt_2", at(1)).await;
    assert_eq!(next.event.event_id, "evt_2", "the lane still knows of its other event");
}

pub(super) async fn of_many_writers_one_has_read_the_newest(handles: [Arc<dyn Store>; 2]) {
    let [store, _] = &handles;
    let account = account(&**store).await;
    for round in 0..5 {
        let read = ok(store.known(account, "ctm_1").await);
        let other = ok(store.known(account, "txn_1").await);
        let learned = Learned {
            links: Vec::new(),
            known: vec![
                KnownRow { state: format!("\"{round}\""), ..read.clone() },
                KnownRow { state: format!("\"{round}\""), ..other },
            ],
        };
        let writes = all(&handles, |store| {
            let learned = learned.clone();
            async move { store.learn(account, &learned).await }
        })
        .await;
        assert_eq!(writes.iter().filter(|write| write.is_ok()).count(), 1, "{writes:?}");
        let late = writes.iter().filter(|write| matches!(write, Err(StoreError::Conflict))).count();
        assert_eq!(late, CALLERS.saturating_sub(1), "{writes:?}");
        assert!(ok(store.known(account, "ctm_1").await).version > read.version);
    }
}

/// Two lanes that hand their events to each other, and are delivered to meanwhile: nobody waits in a circle.
pub(super) async fn lanes_may_hand_over_to_each_other(handles: [Arc<dyn Store>; 2]) {
    let [store, _] = &handles;
    let account = account(&**store).await;
    for round in 0..5 {
        let (one, two) = (format!("evt_{round}_one"), format!("evt_{round}_two"));
        let (left, right) = (format!("lead:{round}1"), format!("lead:{round}2"));
        ok(store.put(account, &event(&one, &left, 0)).await);
        ok(store.put(account, &event(&two, &right, 0)).await);
        let from_left = claim(&**store, account, &one, at(0)).await.lease;
        let from_right = claim(&**store, account, &two, at(0)).await.lease;
        let moved = all(&handles, |store| {
            let (from_left, from_right) = (from_left.clone(), from_right.clone());
            let (left, right) = (left.clone(), right.clone());
            async move {
                let nothing = Learned::default();
                let there = store.move_to(&from_left, &right, &nothing, at(1)).await.is_ok();
                let back = store.move_to(&from_right, &left, &nothing, at(1)).await.is_ok();
                Ok((there, back))
            }
        })
        .await;
        let moved: Vec<(bool, bool)> = moved.into_iter().map(ok).collect();
        assert_eq!(moved.iter().filter(|(there, _)| *there).count(), 1, "{moved:?}");
        assert_eq!(moved.iter().filter(|(_, back)| *back).count(), 1, "{moved:?}");
        for (event_id, lane) in [(&one, &right), (&two, &left)] {
            let claimed = claim(&**store, account, event_id, at(1)).await;
            assert_eq!((&claimed.event.event_id, &claimed.lease.lane), (event_id, lane));
        }
    }
}

/// What one process writes, the other sees; what one has lost, the other may not change.
pub(super) async fn two_handles_are_one_store(handles: [Arc<dyn Store>; 2]) {
    let [here, there] = &handles;
    let account = account(&**here).await;
    assert_eq!(account, ok(there.account("default").await), "one name, one account");
    ok(here.put(account, &event("evt_1", "lead:1", 0)).await);
    assert_eq!(
        ok(there.put(account, &event("evt_1", "lead:1", 0)).await),
        Put::Known(EventState::Open)
    );
    let old = claim(&**here, account, "evt_1", at(0)).await.lease;
    let busy = ok(there.claim_event(account, "evt_1", at(1), LEASE).await);
    assert_eq!(busy, Claim::NotDue(at(60)));
    ok(there.pause(account, at(50), "blocked").await);
    assert_eq!(ok(here.paused(account, at(1)).await), Some((at(50), "blocked".to_owned())));
    let new = claim(&**there, account, "evt_1", at(60)).await.lease;
    let late = here.finish(&old, &finish(EventState::Done, at(61))).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "it was stopped meanwhile: {late:?}");
    ok(there.finish(&new, &finish(EventState::Parked, at(61))).await);
    assert!(ok(here.resume(account, "evt_1", at(62)).await));
    assert!(!ok(there.resume(account, "evt_1", at(62)).await), "it is open already");
    assert_eq!(ok(there.claim_due(account, at(62), LEASE, 5).await).len(), 1);
}
