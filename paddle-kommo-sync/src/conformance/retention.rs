use super::{LEASE, account, at, claim, event, finish, ok};
use crate::store::{Attempt, EventState, Learned, NewEffect, Put, Store, link};

pub(super) async fn payloads_go_and_ids_stay(store: &dyn Store) {
    let account = account(store).await;
    let effects = [NewEffect {
        name: "note".to_owned(),
        marker: "[pk-1]".to_owned(),
        body: "\"Anna\"".to_owned(),
    }];
    for (id, occurred) in [("evt_old", 0), ("evt_older", 1), ("evt_young", 2), ("evt_parked", 3)] {
        ok(store.put(account, &event(id, id, occurred)).await);
        let lease = claim(store, account, id, at(0)).await.lease;
        let learned = Learned {
            links: vec![link(id, kommo_client::LeadId::new(1), "lead_id")],
            known: Vec::new(),
        };
        ok(store.plan(&lease, "\"why\"", &effects, &learned).await);
        let attempt = Attempt { call_id: "call".to_owned(), sent_at: at(1), deadline_at: at(2) };
        let lease = ok(store.begin(&lease, &["note"], &attempt, at(60)).await);
        ok(store.done(&lease, "note", Some(7)).await);
        let (state, ended) = match id {
            "evt_old" => (EventState::Done, at(20)),
            "evt_older" => (EventState::Done, at(10)),
            "evt_young" => (EventState::Done, at(100)),
            _ => (EventState::Parked, at(10)),
        };
        ok(store.finish(&lease, &finish(state, ended)).await);
    }
    ok(store.put(account, &event("evt_open", "lead:9", 0)).await);

    assert_eq!(ok(store.prune(account, at(10), 10).await), 0, "before, not at");
    assert_eq!(ok(store.prune(account, at(100), 1).await), 1, "no more than asked for");
    let payload = async |id: &str| {
        let row = ok(store.event(account, id).await);
        row.map(|row| row.payload.len())
    };
    assert_eq!(payload("evt_older").await, Some(0), "the one that ended first goes first");
    assert_ne!(payload("evt_old").await, Some(0));
    assert_eq!(ok(store.prune(account, at(100), 10).await), 1);
    assert_eq!(ok(store.prune(account, at(100), 10).await), 0, "each once");
    for (id, kept) in
        [("evt_old", false), ("evt_young", true), ("evt_parked", true), ("evt_open", true)]
    {
        assert_eq!(payload(id).await.is_some_and(|length| length > 0), kept, "{id}");
    }

    let again = ok(store.put(account, &event("evt_old", "evt_old", 0)).await);
    assert_eq!(again, Put::Known(EventState::Done), "a replay after a year is still known");
    assert_eq!(payload("evt_old").await, Some(0), "and does not bring the payload back");
    let decision = async |id: &str| ok(store.event(account, id).await).and_then(|row| row.decision);
    assert_eq!(decision("evt_old").await, None, "it holds the texts of its effects");
    assert!(decision("evt_young").await.is_some());
    assert!(
        ok(store.claim_due(account, at(3600), LEASE, 10).await)
            .iter()
            .all(|claimed| claimed.event.event_id == "evt_open"),
        "nor work"
    );
    let row = ok(store.event(account, "evt_old").await);
    assert_eq!(
        row.map(|row| (row.state, row.outcome.is_some(), row.occurred_at)),
        Some((EventState::Done, true, at(0)))
    );
    assert_eq!(ok(store.remote_id(account, "evt_old", "note").await), Some(7), "a fact stays");
    assert_eq!(ok(store.links(account, &["evt_old"]).await).len(), 1, "what it taught stays");
    assert_eq!(ok(store.history(account, "evt_old", 10).await).len(), 1);
    assert_eq!(ok(store.stats(account, at(100)).await).done, 3);

    assert!(ok(store.resume(account, "evt_parked", at(200)).await));
    let resumed = claim(store, account, "evt_parked", at(200)).await;
    assert_eq!(resumed.effects.first().map(|row| row.body.as_str()), Some("\"Anna\""));
}
