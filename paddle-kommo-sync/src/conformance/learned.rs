use kommo_client::LeadId;

use super::{account, at, claim, event, finish, ok};
use crate::{
    error::StoreError,
    store::{EventState, Finish, KnownRow, Learned, LinkRow, NewEvent, Place, Put, Store, link},
};

fn links(rows: &[LinkRow]) -> Vec<(&str, u64, &str)> {
    rows.iter().map(|row| (row.entity.as_str(), row.lead.get(), row.rung.as_str())).collect()
}

pub(super) async fn links_keep_their_first_rung_unless_a_person_speaks(store: &dyn Store) {
    let account = account(store).await;
    let teach = async |event_id: &str, rows: Vec<LinkRow>| {
        ok(store.put(account, &event(event_id, event_id, 0)).await);
        let lease = claim(store, account, event_id, at(0)).await.lease;
        let learned = Learned { links: rows, known: Vec::new() };
        ok(store.finish(&lease, &Finish { learned, ..finish(EventState::Done, at(0)) }).await);
    };
    teach(
        "evt_1",
        vec![link("txn_1", LeadId::new(1), "lead_id"), link("ctm_1", LeadId::new(1), "lead_id")],
    )
    .await;
    teach(
        "evt_2",
        vec![link("ctm_1", LeadId::new(2), "email"), link("txn_1", LeadId::new(1), "email")],
    )
    .await;
    let found = ok(store.links(account, &["txn_1", "ctm_1"]).await);
    let mut rows = links(&found);
    rows.sort_unstable();
    assert_eq!(rows, [("ctm_1", 1, "lead_id"), ("ctm_1", 2, "email"), ("txn_1", 1, "lead_id")]);
    teach("evt_3", vec![link("txn_1", LeadId::new(1), "person")]).await;
    assert_eq!(links(&ok(store.links(account, &["txn_1"]).await)), [("txn_1", 1, "person")]);
    assert!(ok(store.links(account, &["txn_2"]).await).is_empty());

    let by_hand = |lead| Learned {
        links: vec![link("txn_1", LeadId::new(lead), "person")],
        known: Vec::new(),
    };
    ok(store.learn(account, &by_hand(7)).await);
    let found = ok(store.links(account, &["txn_1"]).await);
    assert_eq!(
        links(&found),
        [("txn_1", 7, "person")],
        "a person's later word takes the place of the earlier one"
    );
}

pub(super) async fn knowledge_is_replaced_only_by_who_has_read_it(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    ok(store.put(account, &event("evt_2", "lead:2", 0)).await);
    let (one, two) =
        (claim(store, account, "evt_1", at(0)).await, claim(store, account, "evt_2", at(0)).await);
    let read = ok(store.known(account, "ctm_1").await);
    assert_eq!((read.state.as_str(), read.version), ("", 0), "nothing is known yet");

    let learned = |state: &str| Learned {
        links: vec![link("ctm_1", LeadId::new(1), "lead_id")],
        known: vec![KnownRow { state: state.to_owned(), ..read.clone() }],
    };
    ok(store.plan(&one.lease, "\"why\"", &[], &learned("\"one\"")).await);
    let late = store.plan(&two.lease, "\"why\"", &[], &learned("\"two\"")).await;
    assert!(
        matches!(late, Err(StoreError::Conflict)),
        "it was read before the other wrote: {late:?}"
    );
    let stored = ok(store.known(account, "ctm_1").await);
    assert_eq!(stored.state, "\"one\"");
    assert!(stored.version > read.version);
    let planned = ok(store.event(account, "evt_2").await);
    assert_eq!(planned.and_then(|row| row.decision), None, "a conflict changes nothing");

    let fresh = ok(store.known(account, "txn_1").await);
    let half = Learned {
        links: Vec::new(),
        known: vec![KnownRow { state: "\"half\"".to_owned(), ..fresh }, read.clone()],
    };
    let late = store.plan(&two.lease, "\"why\"", &[], &half).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "the second of two rows: {late:?}");
    assert_eq!(ok(store.known(account, "txn_1").await).state, "", "and the first stays as it was");

    let after = Learned {
        links: Vec::new(),
        known: vec![KnownRow { state: "\"two\"".to_owned(), ..stored }],
    };
    ok(store.plan(&two.lease, "\"why\"", &[], &after).await);
    assert_eq!(ok(store.known(account, "ctm_1").await).state, "\"two\"");
}

pub(super) async fn a_delivery_teaches_its_links_once(store: &dyn Store) {
    let account = account(store).await;
    let with = |id: &str, rows: Vec<LinkRow>| {
        let mut new = event(id, "lead:1", 0);
        new.links = rows;
        new
    };
    let taught = vec![
        link("txn_1", LeadId::new(1), "lead_id"),
        link("ctm_1", LeadId::new(1), "lead_id"),
        link("txn_1", LeadId::new(1), "email"),
    ];
    ok(store.put(account, &with("evt_1", taught)).await);
    ok(store.put(account, &with("evt_1", vec![link("sub_1", LeadId::new(2), "lead_id")])).await);
    let parked = with("evt_2", vec![link("sub_2", LeadId::new(3), "lead_id")]);
    ok(store.put_parked(account, &parked, "\"why\"").await);
    let found = ok(store.links(account, &["txn_1", "ctm_1", "sub_1", "sub_2"]).await);
    let mut rows = links(&found);
    rows.sort_unstable();
    assert_eq!(
        rows,
        [("ctm_1", 1, "lead_id"), ("txn_1", 1, "lead_id")],
        "only what is new and can be worked on teaches"
    );
    ok(store.put(account, &with("evt_3", vec![link("txn_1", LeadId::new(9), "person")])).await);
    ok(store.put(account, &with("evt_4", vec![link("txn_1", LeadId::new(8), "person")])).await);
    let found = ok(store.links(account, &["txn_1"]).await);
    let mut rows = links(&found);
    rows.sort_unstable();
    assert_eq!(rows, [("txn_1", 1, "lead_id"), ("txn_1", 8, "person")]);
}

pub(super) async fn an_event_is_placed_by_what_is_linked(store: &dyn Store) {
    let account = account(store).await;
    let other = ok(store.account("other").await);
    let row = |entity: &str, lead| link(entity, LeadId::new(lead), "lead_id");
    let taught = Learned { links: vec![row("txn_1", 7), row("txn_2", 8)], known: Vec::new() };
    ok(store.learn(account, &taught).await);
    let strange = Learned { links: vec![row("ctm_1", 9)], known: Vec::new() };
    ok(store.learn(other, &strange).await);
    let place = || -> Place {
        Box::new(|stored: &[LinkRow]| {
            assert_eq!(
                links(stored),
                [("txn_1", 7, "lead_id")],
                "of these entities and this account"
            );
            let links = vec![link("ctm_1", LeadId::new(7), "lead_id")];
            NewEvent { links, ..event("evt_1", "lead:7", 0) }
        })
    };
    assert_eq!(ok(store.put_placed(account, &["ctm_1", "txn_1"], place()).await), Put::New);
    let claimed = claim(store, account, "evt_1", at(0)).await;
    assert_eq!(claimed.lease.lane, "lead:7");
    assert_eq!(links(&ok(store.links(account, &["ctm_1"]).await)), [("ctm_1", 7, "lead_id")]);
    let known = Put::Known(EventState::Open);
    assert_eq!(ok(store.put_placed(account, &["txn_1"], place()).await), known);
    assert_eq!(ok(store.history(account, "lead:7", 10).await).len(), 1);
}

/// Whatever else a call with stale knowledge wanted, it is not done.
pub(super) async fn a_conflict_changes_nothing(store: &dyn Store) {
    let account = account(store).await;
    let stale = Learned {
        links: vec![link("txn_1", LeadId::new(1), "lead_id")],
        known: vec![KnownRow { entity: "ctm_1".to_owned(), state: "\"x\"".to_owned(), version: 7 }],
    };
    ok(store.put(account, &event("evt_1", "ctm_1", 0)).await);
    let lease = claim(store, account, "evt_1", at(0)).await.lease;
    let refused = |result: Result<(), StoreError>, what: &str| {
        assert!(matches!(result, Err(StoreError::Conflict)), "{what}: {result:?}");
    };
    refused(store.plan(&lease, "\"why\"", &[], &stale).await, "plan");
    let end = Finish { learned: stale.clone(), ..finish(EventState::Done, at(1)) };
    refused(store.finish(&lease, &end).await, "finish");
    refused(store.move_to(&lease, "lead:1", &stale, at(1)).await, "move_to");
    refused(store.learn(account, &stale).await, "learn");
    assert!(ok(store.links(account, &["txn_1"]).await).is_empty());
    let row = ok(store.event(account, "evt_1").await);
    assert_eq!(
        row.map(|row| (row.state, row.lane, row.decision)),
        Some((EventState::Open, "ctm_1".to_owned(), None))
    );
    ok(store.finish(&lease, &finish(EventState::Done, at(1))).await);
}
