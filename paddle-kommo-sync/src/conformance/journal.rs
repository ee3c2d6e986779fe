use super::{account, at, claim, event, ok};
use crate::{
    error::StoreError,
    store::{Attempt, EffectState, Learned, NewEffect, Store},
};

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

/// Whoever claimed the lane before a fact was recorded does not know of it, and must not send again.
pub(super) async fn a_fact_stays_one(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let old = claim(store, account, "evt_1", at(0)).await.lease;
    ok(store.plan(&old, "\"why\"", &["note", "task"].map(effect), &Learned::default()).await);
    let attempt = Attempt { call_id: "call".to_owned(), sent_at: at(0), deadline_at: at(30) };
    let old = ok(store.begin(&old, &["note"], &attempt, at(60)).await);
    let new = claim(store, account, "evt_1", at(60)).await.lease;
    ok(store.done(&old, "note", Some(5)).await);
    for state in [EffectState::Unknown, EffectState::Planned, EffectState::Parked] {
        let marked = store.mark(&new, "note", state, 1).await;
        assert!(matches!(marked, Err(StoreError::Conflict)), "{state:?}: {marked:?}");
    }
    let begun = store.begin(&new, &["task", "note"], &attempt, at(160)).await;
    assert!(matches!(begun, Err(StoreError::Conflict)), "{begun:?}");
    let third = claim(store, account, "evt_1", at(120)).await;
    let states: Vec<_> = third.effects.iter().map(|row| (row.state, row.remote_id)).collect();
    assert_eq!(states, [(EffectState::Done, Some(5)), (EffectState::Planned, None)]);
}

pub(super) async fn a_later_plan_takes_the_place_of_an_earlier_one(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let lease = claim(store, account, "evt_1", at(0)).await.lease;
    let nothing = Learned::default();
    ok(store.plan(&lease, "\"one\"", &["note", "lead"].map(effect), &nothing).await);
    ok(store.plan(&lease, "\"two\"", &["task", "note"].map(effect), &nothing).await);
    let again = claim(store, account, "evt_1", at(60)).await;
    assert_eq!(again.event.decision.as_deref(), Some("\"two\""));
    let names: Vec<_> = again.effects.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["task", "note"]);
}

pub(super) async fn what_is_not_planned_cannot_be_marked(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let lease = claim(store, account, "evt_1", at(0)).await.lease;
    ok(store.plan(&lease, "\"why\"", &["note"].map(effect), &Learned::default()).await);
    let attempt = Attempt { call_id: "call".to_owned(), sent_at: at(1), deadline_at: at(31) };
    let begun = store.begin(&lease, &["note", "task"], &attempt, at(90)).await;
    assert!(begun.is_err(), "one of two effects is not planned");
    assert!(store.mark(&lease, "task", EffectState::Unknown, 1).await.is_err());
    assert!(store.done(&lease, "task", None).await.is_err());
    let again = claim(store, account, "evt_1", at(60)).await;
    let states: Vec<_> = again.effects.iter().map(|row| (row.state, row.sent_at)).collect();
    assert_eq!(states, [(EffectState::Planned, None)], "a call that failed changed nothing");
}

/// What Kommo or a person said is kept whatever characters it has, if not all of them: work must not end there.
pub(super) async fn free_text_may_hold_anything(store: &dyn Store) {
    let account = account(store).await;
    ok(store.put(account, &event("evt_1", "lead:1", 0)).await);
    let lease = claim(store, account, "evt_1", at(0)).await.lease;
    let odd = "quote ' \" \\ line\n\u{0} \u{202e} \u{1f980}";
    ok(store.retry_at(&lease, at(1), odd).await);
    ok(store.pause(account, at(1), odd).await);
    let claimed = claim(store, account, "evt_1", at(1)).await;
    let error = claimed.event.last_error.unwrap_or_default();
    assert!(error.starts_with("quote ' \" \\ line\n") && error.ends_with('\u{1f980}'), "{error:?}");
    let note = NewEffect { body: odd.to_owned(), ..effect("note") };
    ok(store.plan(&claimed.lease, odd, &[note], &Learned::default()).await);
    let end = super::finish(crate::store::EventState::Parked, at(2));
    let end = crate::store::Finish { outcome: odd.to_owned(), reason: odd.to_owned(), ..end };
    ok(store.finish(&claimed.lease, &end).await);
    assert_eq!(ok(store.parked(account, 10).await).len(), 1);
}
