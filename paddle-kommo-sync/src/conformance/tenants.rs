use super::{LEASE, at, claim, event, finish, ok};
use crate::store::{Claim, EventState, KnownRow, Learned, NewEffect, Store, link};

/// Accounts that hold the same ids share nothing, whatever is asked.
pub(super) async fn no_method_reaches_into_another_account(store: &dyn Store) {
    let (one, two) = (ok(store.account("one").await), ok(store.account("two").await));
    for account in [one, two] {
        ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
        ok(store.put(account, &event("evt_2", "lead:2", 0)).await);
    }
    let effects =
        [NewEffect { name: "note".to_owned(), marker: "m".to_owned(), body: "{}".to_owned() }];
    let learned = Learned {
        links: vec![link("txn_1", kommo_client::LeadId::new(5), "lead_id")],
        known: vec![KnownRow { entity: "txn_1".to_owned(), state: "1".to_owned(), version: 0 }],
    };
    let lease = claim(store, one, "evt_1", at(0)).await.lease;
    ok(store.plan(&lease, "\"why\"", &effects, &learned).await);
    ok(store.done(&lease, "note", Some(7)).await);
    ok(store.finish(&lease, &finish(EventState::Done, at(1))).await);
    let lease = claim(store, one, "evt_2", at(0)).await.lease;
    ok(store.finish(&lease, &finish(EventState::Parked, at(1))).await);

    assert!(ok(store.links(two, &["txn_1"]).await).is_empty());
    assert_eq!(ok(store.known(two, "txn_1").await).version, 0);
    assert_eq!(ok(store.remote_id(two, "evt_1", "note").await), None);
    assert!(ok(store.parked(two, 10).await).is_empty());
    assert!(!ok(store.resume(two, "evt_2", at(2)).await));
    assert_eq!(ok(store.prune(two, at(100), 10).await), 0);
    let states: Vec<_> = ok(store.history(two, "lead:1", 10).await)
        .iter()
        .map(|row| (row.state, row.attempt, row.decision.clone()))
        .collect();
    assert_eq!(states, [(EventState::Open, 0, None)]);
    let stats = ok(store.stats(two, at(5)).await);
    assert_eq!((stats.open, stats.done, stats.parked.len()), (2, 0, 0));
    ok(store.learn(two, &learned).await);
    assert_eq!(
        ok(store.known(one, "txn_1").await).version,
        ok(store.known(two, "txn_1").await).version
    );
    assert_eq!(ok(store.prune(one, at(100), 10).await), 1);
}

/// A backlog, leases in hand and a pause of one account are nothing to another.
pub(super) async fn a_noisy_account_does_not_starve_another(store: &dyn Store) {
    let (noisy, quiet) = (ok(store.account("noisy").await), ok(store.account("quiet").await));
    for number in 0..200 {
        let new = event(&format!("evt_{number}"), &format!("lead:{number}"), 0);
        ok(store.put(noisy, &new).await);
    }
    let mut last = event("evt_1", "lead:1", 0);
    last.received_at = at(5);
    ok(store.put(quiet, &last).await);
    assert_eq!(ok(store.claim_due(noisy, at(5), LEASE, 50).await).len(), 50);
    let mine = ok(store.claim_due(quiet, at(5), LEASE, 50).await);
    let mine: Vec<_> = mine.iter().map(|claimed| claimed.lease.account).collect();
    assert_eq!(mine, [quiet], "it is the youngest of all, and the first of its own");
    ok(store.pause(noisy, at(1000), "rate_limited").await);
    ok(store.put(quiet, &event("evt_2", "lead:2", 0)).await);
    assert!(matches!(ok(store.claim_event(quiet, "evt_2", at(6), LEASE).await), Claim::Taken(_)));
    assert!(ok(store.claim_due(noisy, at(6), LEASE, 50).await).is_empty());
}
