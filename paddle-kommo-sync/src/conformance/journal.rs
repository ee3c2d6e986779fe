use super::{account, at, claim, event, ok};
use crate::store::{Attempt, EffectState, Learned, NewEffect, Store};

fn effect(name: &str) -> NewEffect {
    NewEffect { name: name.to_owned(), marker: format!("[pk-{name}]"), body: format!("\"{name}\"") }
}

pub(super) async fn effects_keep_their_order_and_states(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let claimed = claim(store, account, "evt_1", at(0)).await;
    assert!(
        claimed.effects.is_empty() && claimed.event.decision.is_none(),
        "nothing is planned yet"
    );
    let planned = ["zebra", "ant", "bee", "cow"].map(effect);
    ok(store.plan(&claimed.lease, "\"why\"", &planned, &Learned::default()).await);

    let attempt = Attempt { call_id: "call".to_owned(), sent_at: at(5), deadline_at: at(35) };
    let lease = ok(store.begin(&claimed.lease, &["zebra", "ant"], &attempt, at(65)).await);
    assert_eq!(lease.until, at(65), "the lease is renewed");
    ok(store.done(&lease, "zebra", Some(17)).await);
    assert_eq!(ok(store.remote_id(account, "evt_1", "zebra").await), Some(17));
    assert_eq!(ok(store.remote_id(account, "evt_1", "ant").await), None, "not done");
    assert_eq!(ok(store.remote_id(account, "evt_9", "zebra").await), None);
    ok(store.mark(&lease, "ant", EffectState::Unknown, 1).await);
    ok(store.mark(&lease, "bee", EffectState::Parked, 0).await);
    assert_eq!(ok(store.stats(account, at(6)).await).unknown, 1);
    assert!(
        ok(store.claim_due(account, at(64), super::LEASE, 1).await).is_empty(),
        "until the renewed lease ends"
    );

    let again = claim(store, account, "evt_1", at(65)).await;
    assert_eq!(again.event.decision.as_deref(), Some("\"why\""));
    let states: Vec<_> = again
        .effects
        .iter()
        .map(|row| (row.name.as_str(), row.state, row.sent_at, row.absent, row.remote_id))
        .collect();
    assert_eq!(
        states,
        [
            ("zebra", EffectState::Done, Some(at(5)), 0, Some(17)),
            ("ant", EffectState::Unknown, Some(at(5)), 1, None),
            ("bee", EffectState::Parked, None, 0, None),
            ("cow", EffectState::Planned, None, 0, None),
        ]
    );
    assert_eq!(
        again.effects.first().map(|row| (row.marker.as_str(), row.body.as_str())),
        Some(("[pk-zebra]", "\"zebra\""))
    );

    ok(store.finish(&again.lease, &super::finish(crate::store::EventState::Parked, at(66))).await);
    assert!(ok(store.resume(account, "evt_1", at(67)).await));
    let resumed = claim(store, account, "evt_1", at(67)).await;
    let states: Vec<_> = resumed.effects.iter().map(|row| row.state).collect();
    assert_eq!(
        states,
        [EffectState::Done, EffectState::Unknown, EffectState::Planned, EffectState::Planned]
    );
}

pub(super) async fn a_fact_is_recorded_after_the_lease(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let old = claim(store, account, "evt_1", at(0)).await.lease;
    ok(store.plan(&old, "\"why\"", &[effect("note")], &Learned::default()).await);
    let attempt = Attempt { call_id: "call".to_owned(), sent_at: at(0), deadline_at: at(30) };
    let old = ok(store.begin(&old, &["note"], &attempt, at(60)).await);
    let _new = claim(store, account, "evt_1", at(60)).await;
    ok(store.done(&old, "note", Some(5)).await);
    let third = claim(store, account, "evt_1", at(120)).await;
    let states: Vec<_> = third.effects.iter().map(|row| (row.state, row.remote_id)).collect();
    assert_eq!(states, [(EffectState::Done, Some(5))], "what happened, happened");
}
