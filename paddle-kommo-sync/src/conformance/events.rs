use super::{LEASE, account, at, claim, event, finish, ok};
use crate::store::{Claim, EventState, Put, Store};

pub(super) async fn an_event_is_taken_in_once(store: &dyn Store) {
    let account = account(store).await;
    let first = event("evt_1", "lead:1", 0);
    assert_eq!(ok(store.put(account, &first).await), Put::New);
    let mut again = event("evt_1", "lead:2", 5);
    again.payload = b"other bytes".to_vec();
    assert_eq!(
        ok(store.put(account, &again).await),
        Put::Known(EventState::Open),
        "the same id again"
    );

    let claimed = claim(store, account, "evt_1", at(0)).await;
    assert_eq!(claimed.event.payload, first.payload, "the first body stays, byte for byte");
    assert_eq!(claimed.event.lane, "lead:1");
    assert_eq!(claimed.event.occurred_at, first.occurred_at, "microseconds are kept");
    assert_eq!((claimed.event.attempt, claimed.event.sandbox), (1, false));
    ok(store.finish(&claimed.lease, &finish(EventState::Done, at(1))).await);

    assert_eq!(ok(store.put(account, &first).await), Put::Known(EventState::Done), "after its end");
    let Claim::Ended(row) = ok(store.claim_event(account, "evt_1", at(2), LEASE).await) else {
        panic!("a done event was given out again");
    };
    assert_eq!((row.state, row.outcome.as_deref()), (EventState::Done, Some("\"ended\"")));
    assert!(
        ok(store.claim_due(account, at(3600), LEASE, 10).await).is_empty(),
        "its lane has nothing open"
    );
    assert_eq!(ok(store.claim_event(account, "evt_9", at(0), LEASE).await), Claim::Missing);
    assert_eq!(ok(store.event(account, "evt_9").await), None);
}

pub(super) async fn an_unreadable_delivery_is_parked(store: &dyn Store) {
    let account = account(store).await;
    let mut bytes = event("body_1", "body_1", 0);
    bytes.payload = vec![0xff, 0x00, b'{'];
    bytes.kind = "unreadable".to_owned();
    assert_eq!(ok(store.put_parked(account, &bytes, "\"why\"").await), Put::New);
    assert_eq!(
        ok(store.put_parked(account, &bytes, "\"why\"").await),
        Put::Known(EventState::Parked)
    );
    assert!(ok(store.claim_due(account, at(10), LEASE, 10).await).is_empty(), "nothing to work on");
    let parked = ok(store.parked(account, 10).await);
    assert_eq!(parked.len(), 1);
    assert_eq!(parked.first().map(|row| row.payload.as_slice()), Some(&[0xff, 0x00, b'{'][..]));
    assert_eq!(ok(store.stats(account, at(0)).await).parked, [("unreadable".to_owned(), 1)]);
}

pub(super) async fn accounts_do_not_see_each_other(store: &dyn Store) {
    let (one, two) = (ok(store.account("one").await), ok(store.account("two").await));
    assert_ne!(one, two);
    assert_eq!(one, ok(store.account("one").await), "the same name is the same account");
    assert_eq!(ok(store.put(one, &event("evt_1", "lead:1", 0)).await), Put::New);
    assert_eq!(
        ok(store.put(two, &event("evt_1", "lead:1", 0)).await),
        Put::New,
        "event ids are per account"
    );
    ok(store.pause(one, at(100), "blocked").await);
    assert_eq!(ok(store.paused(two, at(0)).await), None);
    let claimed = claim(store, two, "evt_1", at(0)).await;
    ok(store.finish(&claimed.lease, &finish(EventState::Done, at(1))).await);
    let row = ok(store.event(one, "evt_1").await);
    assert_eq!(row.map(|row| row.state), Some(EventState::Open));
}

pub(super) async fn a_parked_event_can_be_opened_again(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    assert!(!ok(store.resume(account, "evt_1", at(0)).await), "it is open");
    let claimed = claim(store, account, "evt_1", at(0)).await;
    ok(store.finish(&claimed.lease, &finish(EventState::Parked, at(1))).await);
    assert!(
        ok(store.claim_due(account, at(3600), LEASE, 10).await).is_empty(),
        "parked means: not by itself"
    );
    assert!(ok(store.resume(account, "evt_1", at(3601)).await));
    let claimed = claim(store, account, "evt_1", at(3601)).await;
    assert_eq!((claimed.event.outcome, claimed.strikes), (None, 1));
    assert!(!ok(store.resume(account, "evt_9", at(0)).await), "there is no such event");
}

pub(super) async fn counts_and_ages_are_right(store: &dyn Store) {
    let account = account(store).await;
    for number in 1..=3 {
        let mut new = event(&format!("evt_{number}"), &format!("lead:{number}"), 0);
        new.received_at = at(number);
        ok(store.put(account, &new).await);
    }
    let one = claim(store, account, "evt_1", at(5)).await;
    ok(store.finish(&one.lease, &finish(EventState::Done, at(5))).await);
    let two = claim(store, account, "evt_2", at(5)).await;
    ok(store.finish(&two.lease, &finish(EventState::Parked, at(5))).await);
    let stats = ok(store.stats(account, at(6)).await);
    assert_eq!((stats.open, stats.done), (1, 1));
    assert_eq!(stats.oldest_open, Some(at(3)), "the oldest that is still open");
    assert_eq!(stats.parked, [("deal_gone".to_owned(), 1)]);
    assert_eq!((stats.in_flight, stats.unknown, stats.paused), (0, 0, None));
}

pub(super) async fn a_lane_has_a_history(store: &dyn Store) {
    let account = account(store).await;
    for (id, lane, occurred) in [
        ("evt_c", "lead:1", 3),
        ("evt_a", "lead:1", 1),
        ("evt_x", "lead:2", 2),
        ("evt_b", "lead:1", 1),
    ] {
        ok(store.put(account, &event(id, lane, occurred)).await);
    }
    let claimed = claim(store, account, "evt_a", at(5)).await;
    ok(store.finish(&claimed.lease, &finish(EventState::Done, at(5))).await);
    let history = ok(store.history(account, "lead:1", 10).await);
    let told: Vec<_> = history.iter().map(|row| (row.event_id.as_str(), row.state)).collect();
    assert_eq!(
        told,
        [("evt_a", EventState::Done), ("evt_b", EventState::Open), ("evt_c", EventState::Open)],
        "by time, then by arrival, whatever their state"
    );
    assert_eq!(ok(store.history(account, "lead:1", 2).await).len(), 2);
}
