use super::{LEASE, account, at, claim, event, finish, ok};
use crate::{
    error::StoreError,
    store::{Attempt, Claim, EffectState, EventState, Learned, NewEffect, NewEvent, Rank, Store},
};

pub(super) async fn one_claim_at_a_time(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    ok(store.put(account, &event("evt_2", "lead:1", 1)).await);
    let first = ok(store.claim_due(account, at(1), LEASE, 10).await);
    assert_eq!(first.len(), 1, "one lane, one claim");
    assert!(
        ok(store.claim_due(account, at(59), LEASE, 10).await).is_empty(),
        "while the lease holds"
    );
    let busy = ok(store.claim_event(account, "evt_2", at(59), LEASE).await);
    assert_eq!(busy, Claim::NotDue(at(61)), "until the lease ends");

    let second = claim(store, account, "evt_1", at(61)).await;
    let first = first.first().map(|claimed| claimed.lease.epoch);
    assert!(first < Some(second.lease.epoch), "a claim raises the epoch");
    assert_eq!(second.event.attempt, 2);
}

pub(super) async fn a_lane_goes_by_time_then_by_arrival(store: &dyn Store) {
    let account = account(store).await;
    for (id, occurred) in [("evt_late", 9), ("evt_a", 5), ("evt_b", 5), ("evt_early", 1)] {
        ok(store.put(account, &event(id, "lead:1", occurred)).await);
    }
    let mut order = Vec::new();
    for _ in 0..4 {
        let claimed = claim(store, account, "evt_late", at(10)).await;
        ok(store.finish(&claimed.lease, &finish(EventState::Done, at(10))).await);
        order.push(claimed.event.event_id);
    }
    assert_eq!(order, ["evt_early", "evt_a", "evt_b", "evt_late"]);
}

pub(super) async fn lanes_do_not_wait_for_each_other(store: &dyn Store) {
    let account = account(store).await;
    for lane in 1..=5 {
        ok(store.put(account, &event(&format!("evt_{lane}"), &format!("lead:{lane}"), 0)).await);
    }
    let stuck = claim(store, account, "evt_3", at(0)).await;
    ok(store.retry_at(&stuck.lease, at(1000), "no answer").await);
    assert_eq!(
        ok(store.claim_due(account, at(1), LEASE, 3).await).len(),
        3,
        "no more than asked for"
    );
    assert_eq!(
        ok(store.claim_due(account, at(1), LEASE, 3).await).len(),
        1,
        "all but the one that waits"
    );
}

pub(super) async fn the_most_urgent_lane_goes_first(store: &dyn Store) {
    let account = account(store).await;
    let put = async |id: &str, lane: &str, rank, received| {
        let event = NewEvent { rank, received_at: at(received), ..event(id, lane, received) };
        ok(store.put(account, &event).await);
    };
    let next = async || {
        let claimed = ok(store.claim_due(account, at(100), LEASE, 1).await);
        let claimed = claimed.into_iter().next().map(|claimed| (claimed.event, claimed.lease));
        claimed.unwrap_or_else(|| panic!("something is due"))
    };
    put("evt_old", "lead:1", Rank::History, 0).await;
    put("evt_older", "lead:2", Rank::History, 1).await;
    put("evt_usual", "lead:3", Rank::Usual, 2).await;
    put("evt_paid", "lead:4", Rank::Payment, 3).await;
    put("evt_paid_too", "lead:2", Rank::Payment, 4).await;
    put("evt_later", "lead:4", Rank::History, 5).await;
    let mut order = Vec::new();
    for ended in 50..56 {
        let (event, lease) = next().await;
        // Whoever comes in front of a payment is as urgent as the payment.
        ok(store.finish(&lease, &finish(EventState::Done, at(ended))).await);
        order.push((event.event_id, event.rank));
    }
    let order: Vec<_> = order.iter().map(|(id, rank)| (id.as_str(), *rank)).collect();
    assert_eq!(
        order,
        [
            ("evt_older", Rank::History),
            ("evt_paid", Rank::Payment),
            ("evt_paid_too", Rank::Payment),
            ("evt_later", Rank::History),
            ("evt_usual", Rank::Usual),
            ("evt_old", Rank::History),
        ]
    );

    // An empty lane has no rank left.
    put("evt_old_1", "lead:4", Rank::History, 6).await;
    put("evt_usual_1", "lead:5", Rank::Usual, 7).await;
    assert_eq!(next().await.0.event_id, "evt_usual_1");
    let (event, lease) = next().await;
    assert_eq!(event.event_id, "evt_old_1");

    // The rank goes along to another lane, and comes back with what is resumed.
    put("evt_paid_2", "ctm_1", Rank::Payment, 8).await;
    let (event, paid) = next().await;
    assert_eq!(event.event_id, "evt_paid_2");
    ok(store.move_to(&paid, "lead:6", &Learned::default(), at(90)).await);
    put("evt_usual_2", "lead:7", Rank::Usual, 9).await;
    let (event, paid) = next().await;
    assert_eq!((event.event_id.as_str(), event.rank), ("evt_paid_2", Rank::Payment));
    ok(store.finish(&paid, &finish(EventState::Parked, at(91))).await);
    ok(store.finish(&lease, &finish(EventState::Done, at(92))).await);
    assert!(ok(store.resume(account, "evt_paid_2", at(93)).await));
    assert_eq!(next().await.0.event_id, "evt_paid_2");
    assert_eq!(next().await.0.event_id, "evt_usual_2");
}

pub(super) async fn a_lane_that_waits_is_not_given_out(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let claimed = claim(store, account, "evt_1", at(0)).await;
    ok(store.retry_at(&claimed.lease, at(30), "no answer").await);
    ok(store.put(account, &event("evt_2", "lead:1", 1)).await);
    assert!(
        ok(store.claim_due(account, at(29), LEASE, 10).await).is_empty(),
        "a new event does not end the wait"
    );
    let claimed = claim(store, account, "evt_2", at(30)).await;
    assert_eq!(claimed.event.event_id, "evt_1", "the order stays");
    assert_eq!(claimed.event.last_error.as_deref(), Some("no answer"));
    assert_eq!(claimed.strikes, 1, "waiting is an outcome");
}

pub(super) async fn a_lost_lease_changes_nothing(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let old = claim(store, account, "evt_1", at(0)).await.lease;
    let effects =
        [NewEffect { name: "lead".to_owned(), marker: "m".to_owned(), body: "{}".to_owned() }];
    ok(store.plan(&old, "\"plan\"", &effects, &Learned::default()).await);
    let new = claim(store, account, "evt_1", at(60)).await.lease;

    let lost = |result: Result<(), StoreError>, what: &str| {
        assert!(
            matches!(result, Err(StoreError::LeaseLost)),
            "{what} under a lost lease: {result:?}"
        );
    };
    let attempt = Attempt { call_id: "call".to_owned(), sent_at: at(60), deadline_at: at(90) };
    lost(store.plan(&old, "\"other\"", &[], &Learned::default()).await, "plan");
    lost(store.begin(&old, &["lead"], &attempt, at(120)).await.map(drop), "begin");
    lost(store.renew(&old, at(600)).await, "renew");
    lost(store.mark(&old, "lead", EffectState::Unknown, 1).await, "mark");
    lost(store.finish(&old, &finish(EventState::Done, at(60))).await, "finish");
    lost(store.retry_at(&old, at(600), "late").await, "retry_at");
    lost(store.move_to(&old, "lead:2", &Learned::default(), at(60)).await, "move_to");

    let row = ok(store.event(account, "evt_1").await);
    assert_eq!(
        row.map(|row| (row.state, row.lane, row.decision, row.last_error)),
        Some((EventState::Open, "lead:1".to_owned(), Some("\"plan\"".to_owned()), None))
    );
    let busy = ok(store.claim_event(account, "evt_1", at(61), LEASE).await);
    assert_eq!(busy, Claim::NotDue(at(120)), "the newer lease ends when it would have");
    ok(store.finish(&new, &finish(EventState::Done, at(61))).await);
}

/// Every method, under a lease whose event has ended or has left the lane, and under one that was never given.
pub(super) async fn a_lease_ends_with_its_event(store: &dyn Store) {
    let account = account(store).await;
    for id in ["evt_ended", "evt_moved", "evt_free"] {
        ok(store.put(account, &event(id, id, 0)).await);
    }
    let ended = claim(store, account, "evt_ended", at(0)).await.lease;
    ok(store.finish(&ended, &finish(EventState::Done, at(1))).await);
    let moved = claim(store, account, "evt_moved", at(0)).await.lease;
    ok(store.move_to(&moved, "lead:1", &Learned::default(), at(1)).await);
    let mut forged = claim(store, account, "evt_free", at(0)).await.lease;
    forged.epoch = forged.epoch.saturating_add(1);
    for lease in [ended, moved, forged] {
        let lost = |result: Result<(), StoreError>, what: &str| {
            let is_lost = matches!(result, Err(StoreError::LeaseLost));
            assert!(is_lost, "{what} under {lease:?}: {result:?}");
        };
        let nothing = Learned::default();
        let attempt = Attempt { call_id: "call".to_owned(), sent_at: at(2), deadline_at: at(3) };
        lost(store.plan(&lease, "\"late\"", &[], &nothing).await, "plan");
        lost(store.begin(&lease, &[], &attempt, at(120)).await.map(drop), "begin");
        lost(store.renew(&lease, at(600)).await, "renew");
        lost(store.mark(&lease, "lead", EffectState::Unknown, 1).await, "mark");
        lost(store.finish(&lease, &finish(EventState::Parked, at(2))).await, "finish");
        lost(store.retry_at(&lease, at(600), "late").await, "retry_at");
        lost(store.move_to(&lease, "lead:2", &nothing, at(2)).await, "move_to");
    }
    let told = ok(store.event(account, "evt_ended").await);
    assert_eq!(told.map(|row| (row.state, row.decision)), Some((EventState::Done, None)));
    assert_eq!(claim(store, account, "evt_moved", at(1)).await.lease.lane, "lead:1");
    let stats = ok(store.stats(account, at(2)).await);
    assert_eq!((stats.open, stats.done, stats.parked.len()), (2, 1, 0));
}

pub(super) async fn the_longest_waiting_goes_first(store: &dyn Store) {
    let account = account(store).await;
    for (id, received) in [("evt_c", 3), ("evt_a", 1), ("evt_d", 4), ("evt_b", 2)] {
        let mut new = event(id, id, 0);
        new.received_at = at(received);
        ok(store.put(account, &new).await);
    }
    let mut order = Vec::new();
    for limit in [2, 1, 1] {
        for claimed in ok(store.claim_due(account, at(4), LEASE, limit).await) {
            order.push(claimed.event.event_id);
        }
    }
    assert_eq!(order, ["evt_a", "evt_b", "evt_c", "evt_d"]);
    assert!(ok(store.claim_due(account, at(4), LEASE, 0).await).is_empty());
}

pub(super) async fn a_lease_can_be_renewed(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let claimed = claim(store, account, "evt_1", at(0)).await;
    ok(store.renew(&claimed.lease, at(90)).await);
    assert!(ok(store.claim_due(account, at(89), LEASE, 10).await).is_empty());
    let busy = ok(store.claim_event(account, "evt_1", at(89), LEASE).await);
    assert_eq!(busy, Claim::NotDue(at(90)));
    let again = claim(store, account, "evt_1", at(90)).await;
    assert_eq!(again.strikes, 2, "renewing is no outcome");
}

pub(super) async fn a_pause_does_not_stop_what_is_in_hand(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    ok(store.put(account, &event("evt_2", "lead:1", 1)).await);
    let lease = claim(store, account, "evt_1", at(0)).await.lease;
    ok(store.pause(account, at(100), "rate_limited").await);
    let effects =
        [NewEffect { name: "lead".to_owned(), marker: "m".to_owned(), body: "{}".to_owned() }];
    ok(store.plan(&lease, "\"plan\"", &effects, &Learned::default()).await);
    ok(store.finish(&lease, &finish(EventState::Done, at(1))).await);
    ok(store.put(account, &event("evt_3", "lead:3", 0)).await);
    assert!(ok(store.claim_due(account, at(99), LEASE, 10).await).is_empty(), "but nothing new");
    let stats = ok(store.stats(account, at(99)).await);
    assert_eq!((stats.open, stats.paused), (2, Some((at(100), "rate_limited".to_owned()))));
    ok(store.pause(account, at(150), "blocked").await);
    assert_eq!(
        ok(store.paused(account, at(149)).await),
        Some((at(150), "blocked".to_owned())),
        "a longer one takes its place"
    );
    assert_eq!(ok(store.claim_due(account, at(150), LEASE, 10).await).len(), 2);
}

pub(super) async fn an_event_moves_to_another_lane(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "ctm_1", 5)).await);
    ok(store.put(account, &event("evt_2", "ctm_1", 6)).await);
    ok(store.put(account, &event("evt_3", "lead:1", 1)).await);
    let claimed = claim(store, account, "evt_1", at(10)).await;
    ok(store.move_to(&claimed.lease, "lead:1", &Learned::default(), at(10)).await);
    let due = ok(store.claim_due(account, at(10), LEASE, 10).await);
    let mut heads: Vec<(&str, &str)> = due
        .iter()
        .map(|claimed| (claimed.lease.lane.as_str(), claimed.event.event_id.as_str()))
        .collect();
    heads.sort_unstable();
    assert_eq!(
        heads,
        [("ctm_1", "evt_2"), ("lead:1", "evt_3")],
        "it stands behind what its new lane has open"
    );
    for claimed in &due {
        ok(store.finish(&claimed.lease, &finish(EventState::Done, at(11))).await);
    }
    assert_eq!(claim(store, account, "evt_1", at(11)).await.lease.lane, "lead:1");
}

pub(super) async fn a_paused_account_is_not_worked_on(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    ok(store.pause(account, at(100), "unauthorized").await);
    ok(store.pause(account, at(50), "rate_limited").await);
    assert_eq!(ok(store.paused(account, at(99)).await), Some((at(100), "unauthorized".to_owned())));
    assert!(ok(store.claim_due(account, at(99), LEASE, 10).await).is_empty());
    assert_eq!(
        ok(store.claim_event(account, "evt_1", at(99), LEASE).await),
        Claim::NotDue(at(100))
    );
    assert_eq!(ok(store.paused(account, at(100)).await), None, "it ends by itself");
    assert_eq!(ok(store.claim_due(account, at(100), LEASE, 10).await).len(), 1);
}

pub(super) async fn the_longest_wait_is_kept(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let claimed = claim(store, account, "evt_1", at(0)).await;
    let (two_hours, before) = (at(2 * 3_600), at(2 * 3_600 - 1));
    ok(store.retry_at(&claimed.lease, two_hours, "no answer").await);
    ok(store.pause(account, two_hours, "blocked").await);
    for now in [at(0), before] {
        assert!(ok(store.paused(account, now).await).is_some());
        assert!(ok(store.claim_due(account, now, LEASE, 10).await).is_empty());
    }
    assert_eq!(ok(store.claim_due(account, two_hours, LEASE, 10).await).len(), 1);
}

pub(super) async fn a_clock_that_was_wrong_stops_nothing_for_ever(store: &dyn Store, ahead: i64) {
    let wrong = at(ahead);
    let account = account(store).await;
    for (id, lane) in [("evt_1", "lead:1"), ("evt_2", "lead:2")] {
        ok(store.put(account, &event(id, lane, 0)).await);
    }
    let claimed = ok(store.claim_due(account, wrong, LEASE, 10).await);
    assert_eq!(claimed.len(), 2);
    if let Some(first) = claimed.first() {
        ok(store.retry_at(&first.lease, wrong, "no answer").await);
    }
    ok(store.pause(account, wrong, "blocked").await);

    assert_eq!(ok(store.paused(account, at(1)).await), None, "it is over");
    ok(store.pause(account, at(5), "rate_limited").await);
    assert_eq!(ok(store.paused(account, at(1)).await), Some((at(5), "rate_limited".to_owned())));
    assert_eq!(ok(store.claim_due(account, at(5), LEASE, 1).await).len(), 1);
    let mut given = Vec::new();
    for id in ["evt_1", "evt_2"] {
        if let Claim::Taken(_) = ok(store.claim_event(account, id, at(5), LEASE).await) {
            given.push(id);
        }
    }
    assert_eq!(given.len(), 1, "the other one of the two: {given:?}");
}

/// Whoever ended two workers may end the next, and must not take the many along that were only beside it.
pub(super) async fn what_ended_two_workers_is_given_out_alone(store: &dyn Store) {
    let account = account(store).await;
    for lane in ["a", "b", "c"] {
        ok(store.put(account, &event(&format!("evt_{lane}"), lane, 0)).await);
    }
    let due = async |now| {
        let claimed = ok(store.claim_due(account, at(now), LEASE, 10).await);
        claimed.into_iter().map(|claimed| (claimed.lease.lane, claimed.strikes)).collect::<Vec<_>>()
    };
    assert_eq!(due(0).await.len(), 3, "nothing is known of them");
    assert_eq!(due(100).await.len(), 3, "any of them may have ended the first worker");
    ok(store.put(account, &event("evt_d", "d", 150)).await);
    let mut alone = due(200).await;
    alone.sort();
    let [(suspect, 3), (fresh, 1)] = alone.as_slice() else { panic!("{alone:?}") };
    assert_eq!(fresh, "d", "what did nothing does not wait");
    assert!(due(201).await.is_empty(), "one at a time");
    let named = ok(store.claim_event(account, &format!("evt_{suspect}"), at(201), LEASE).await);
    assert_eq!(named, Claim::NotDue(at(260)));
    // Its worker ends as well: it is seen to be at fault before another is tried.
    let again = claim(store, account, &format!("evt_{suspect}"), at(300)).await;
    assert_eq!(again.strikes, 4);
    ok(store.finish(&again.lease, &finish(EventState::Parked, at(301))).await);
    let other = ok(store.claim_due(account, at(302), LEASE, 10).await);
    let other = other.iter().find(|claimed| claimed.lease.lane != "d").map(|claimed| {
        assert_eq!(claimed.strikes, 3);
        &claimed.lease
    });
    let Some(other) = other else { panic!("the next one has its turn") };
    ok(store.finish(other, &finish(EventState::Done, at(303))).await);
    let last = ok(store.claim_due(account, at(304), LEASE, 10).await);
    assert_eq!(last.len(), 1, "and the last");
}

pub(super) async fn strikes_count_claims_without_an_outcome(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    for strike in 1..=3_u32 {
        let now = at(i64::from(strike).saturating_mul(100));
        assert_eq!(
            claim(store, account, "evt_1", now).await.strikes,
            strike,
            "counted before the work"
        );
    }
}
