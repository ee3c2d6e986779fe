//! Any number of deliveries, lost answers and stopped processes: each effect once.

use std::time::Duration;

use kommo_client::fake::{FakeLead, Fault};
use paddle_kommo_sync::{LeftOutPart, MemoryStore, Outcome, ParkReason, Reason, SqliteStore};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::support::{
    LEAD, LOST, NEGOTIATION, NOW, PIPELINE, REP, WON, World,
    events::{event, subscription, transaction},
};

const SETTLE: Duration = Duration::from_secs(60);

/// How long a deal is held by a worker that does not come back.
const LEASE: Duration = Duration::from_secs(120);

fn payment() -> Event {
    event("transaction.completed", 0, &transaction())
}

#[tokio::test]
async fn ten_deliveries_are_one_note() {
    let world = World::new().await;
    let payment = payment();
    for delivery in 0..10 {
        assert_eq!(world.done(&payment).await, [Reason::FirstPayment], "delivery {delivery}");
    }
    assert_eq!(world.writes(), 2, "one change of the deal, one note");
}

#[tokio::test]
async fn deliveries_at_the_same_time_are_one_note() {
    let world = World::new().await;
    let payment = payment();
    let all = (0..16).map(|_| world.sync.handle(&payment));
    for outcome in futures_util::future::join_all(all).await {
        let outcome = outcome.unwrap();
        assert!(matches!(outcome, Outcome::Done(_) | Outcome::Waiting { .. }), "{outcome}");
    }
    assert_eq!(world.writes(), 2);
}

#[tokio::test]
async fn a_note_whose_answer_was_lost_is_found_not_written_again() {
    for fault in [
        Fault::status(502).applied(),
        Fault::truncated().applied(),
        Fault::hang(Duration::from_secs(2)).applied(),
    ] {
        let world = World::new().await;
        world.kommo.fail_next(fault.on("POST", "/api/v4/leads/notes"));
        let payment = payment();
        let (_, until) = world.waiting(&payment).await;
        assert_eq!(
            until,
            crate::support::NOW + SETTLE,
            "not before the answer may have become true"
        );
        assert_eq!(world.notes().len(), 1, "it was written");
        assert_eq!(world.stage(), WON);

        world.waiting(&payment).await;
        assert_eq!(world.notes().len(), 1, "too early to look");
        world.advance(SETTLE);
        world.done(&payment).await;
        assert_eq!(world.notes().len(), 1);
    }
}

#[tokio::test]
async fn a_task_whose_answer_was_lost_is_found_not_written_again() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(504).applied().on("POST", "/api/v4/tasks"));
    let canceled = event("subscription.canceled", 0, &subscription("canceled"));
    world.waiting(&canceled).await;
    world.advance(SETTLE);
    world.done(&canceled).await;
    assert_eq!(world.tasks().len(), 1);
}

#[tokio::test]
async fn a_note_that_was_not_written_is_sent_again_after_two_looks() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(502).on("POST", "/api/v4/leads/notes"));
    let payment = payment();
    world.waiting(&payment).await;
    world.advance(SETTLE);
    let (reason, _) = world.waiting(&payment).await;
    assert!(reason.contains("looked for once more"), "{reason}");
    assert!(world.notes().is_empty(), "one look is not enough: lists may lag");
    world.advance(SETTLE);
    world.done(&payment).await;
    assert_eq!(world.notes().len(), 1);
}

#[tokio::test]
async fn k15_a_late_note_is_found_at_the_second_look() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(504).applied_later().on("POST", "/api/v4/leads/notes"));
    let payment = payment();
    world.waiting(&payment).await;
    world.advance(SETTLE);
    world.waiting(&payment).await;
    assert_eq!(world.kommo.apply_held(), 1, "Kommo commits only now");
    world.advance(SETTLE);
    world.done(&payment).await;
    assert_eq!(world.notes().len(), 1);
}

#[tokio::test]
async fn a_refused_call_is_repeated_without_a_look() {
    let world = World::new().await;
    world
        .kommo
        .fail_next(Fault::too_many_requests().retry_after("3").on("POST", "/api/v4/leads/notes"));
    let payment = payment();
    let (reason, until) = world.waiting(&payment).await;
    assert_eq!(
        (reason.as_str(), until),
        ("rate_limited", crate::support::NOW + Duration::from_secs(3))
    );
    assert_eq!(world.waiting(&payment).await.0, "rate_limited", "the account pauses");
    world.advance(Duration::from_secs(3));
    let before = world.kommo.requests().len();
    world.done(&payment).await;
    assert_eq!(world.kommo.requests().len(), before + 1, "the note, nothing else");
    assert_eq!(world.notes().len(), 1);
}

#[tokio::test]
async fn a_dead_token_parks_nothing_and_goes_on_by_itself() {
    let world = World::new().await;
    world.kommo.set_token_valid(false);
    let payment = payment();
    let (reason, until) = world.waiting(&payment).await;
    assert_eq!(
        (reason.as_str(), until),
        ("unauthorized", crate::support::NOW + Duration::from_secs(60))
    );
    let calls = world.kommo.requests().len();
    world.waiting(&event("subscription.created", 5, &subscription("active"))).await;
    assert_eq!(world.kommo.requests().len(), calls, "no other event is tried meanwhile");
    world.kommo.set_token_valid(true);
    world.advance(Duration::from_secs(60));
    world.done(&payment).await;
    assert_eq!(world.sync.trouble(), None, "it is over");
}

#[tokio::test]
async fn a_block_stops_every_call_and_outlives_the_process() {
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    world.kommo.block();
    let payment = payment();
    let (reason, until) = world.waiting(&payment).await;
    assert_eq!(
        (reason.as_str(), until),
        ("blocked", crate::support::NOW + Duration::from_secs(300))
    );
    assert_eq!(world.kommo.requests().len(), 1, "the one that met it");
    world.kommo.unblock();
    world.advance(Duration::from_secs(299));
    let restarted = world.restarted(store).await;
    for sync in [&world.sync, &restarted] {
        let outcome = sync.handle(&payment).await.unwrap();
        assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome}");
    }
    assert_eq!(
        world.kommo.requests().len(),
        1,
        "nobody asks before its time, not even a new process"
    );
    world.advance(Duration::from_secs(1));
    let outcome = restarted.handle(&payment).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "it goes on by itself: {outcome}");
}

#[tokio::test]
async fn k30_a_process_that_stopped_after_sending_leaves_one_note() {
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    world
        .kommo
        .fail_next(Fault::hang(Duration::from_secs(5)).applied().on("POST", "/api/v4/leads/notes"));
    let payment = payment();
    {
        // Dropped while Kommo has the note and we have no answer, like a process that is killed.
        let handling = world.sync.handle(&payment);
        let written = async {
            while world.kommo.notes(LEAD).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = written => {}
            outcome = handling => panic!("it ended: {outcome:?}"),
        }
    }
    let restarted = world.restarted(store).await;
    let outcome = restarted.handle(&payment).await.unwrap();
    assert!(
        matches!(outcome, Outcome::Waiting { .. }),
        "the lease of the dead process holds: {outcome}"
    );
    world.advance(LEASE);
    let outcome = restarted.handle(&payment).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
    assert_eq!((world.notes().len(), world.stage()), (1, WON));
}

#[tokio::test]
async fn a_change_that_nobody_heard_of_is_waited_for_after_a_restart() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let store = || SqliteStore::open(folder.path().join("events.db")).unwrap();
    world.kommo.fail_next(
        Fault::hang(Duration::from_secs(5)).on("PATCH", "/api/v4/leads").applied_later(),
    );
    let patches =
        || world.kommo.requests().iter().filter(|request| request.method == "PATCH").count();
    let payment = payment();
    let killed = world.restarted(store()).await;
    let sent = async {
        while patches() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = sent => {}
        outcome = killed.handle(&payment) => panic!("it ended: {outcome:?}"),
    }
    drop(killed);

    let restarted = world.restarted(store()).await;
    let outcome = restarted.handle(&payment).await.unwrap();
    assert!(
        matches!(outcome, Outcome::Waiting { until, .. } if until == NOW + SETTLE),
        "{outcome}"
    );
    assert_eq!(
        patches(),
        1,
        "a second one could be overwritten by the first, and with it what follows"
    );
    world.kommo.apply_held();
    world.advance(SETTLE);
    let outcome = restarted.handle(&payment).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
    assert_eq!((world.stage(), world.notes().len()), (WON, 1));
}

#[tokio::test]
async fn a_deal_that_went_while_we_waited_is_parked() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
    let payment = payment();
    world.waiting(&payment).await;
    world.kommo.remove_lead(LEAD);
    world.advance(SETTLE);
    assert_eq!(world.parked(&payment).await.reason, ParkReason::DealGone);
    assert!(world.kommo.notes(LEAD).is_empty(), "no note about a deal that did not close");
}

#[tokio::test]
async fn what_a_retry_cannot_mend_is_parked_with_what_kommo_said() {
    let world = World::with(|config| {
        config
            .stages
            .set_won(kommo_client::PipelineId::new(PIPELINE), kommo_client::StatusId::new(999));
    })
    .await;
    let parked = world.parked(&payment()).await;
    assert_eq!(parked.reason, ParkReason::Refused);
    assert!(parked.detail.contains("status_id"), "it names what is wrong: {}", parked.detail);
    assert_eq!((world.stage(), world.notes().len()), (NEGOTIATION, 0));
}

#[tokio::test]
async fn a_user_who_was_deactivated_meanwhile_does_not_hold_up_the_task() {
    let world = World::new().await;
    let canceled = |id: &str, seconds| {
        let mut data = subscription("canceled");
        data["id"] = serde_json::json!(id);
        event("subscription.canceled", seconds, &data)
    };
    world.done(&canceled("sub_one", 0)).await;
    world.kommo.deactivate_user(REP);
    let done = world.done_with_report(&canceled("sub_two", 1)).await;
    assert_eq!(done.left_out[0].what, LeftOutPart::Responsible);
    assert_eq!(world.tasks().len(), 2);
}

#[tokio::test]
async fn u18_an_event_that_stops_its_worker_three_times_is_parked() {
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    world.kommo.fail_next(Fault::hang(Duration::from_secs(60)).on("GET", "/api/v4/leads").always());
    let payment = payment();
    for _ in 0..3 {
        let process = world.restarted(store.clone()).await;
        world.dropped_when_asked(process.handle(&payment)).await;
        world.advance(LEASE);
    }
    assert_eq!(world.parked(&payment).await.reason, ParkReason::Poison);
}

#[tokio::test]
async fn a_deal_that_moved_along_the_open_stages_is_won_all_the_same() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
    let payment = event("transaction.completed", 0, &transaction());
    world.waiting(&payment).await;
    world.kommo.move_lead(LEAD, PIPELINE, 58_141_815);
    world.advance(Duration::from_secs(60));
    let outcome = world.handle(&payment).await;
    assert_eq!(
        world.stage(),
        WON,
        "an open deal with a first payment, {outcome}, {:?}",
        world.notes()
    );
}

#[tokio::test]
async fn k33_a_deal_that_was_lost_while_we_waited_needs_a_person() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
    let payment = event("transaction.completed", 0, &transaction());
    world.waiting(&payment).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    world.advance(Duration::from_secs(60));
    let outcome = world.handle(&payment).await;
    assert!(
        matches!(outcome, Outcome::Parked(_)),
        "{outcome}; price {}, {:?}",
        world.price(),
        world.notes()
    );
}

#[tokio::test]
async fn a_refusal_that_names_nothing_of_ours_ends() {
    let world = World::new().await;
    let body = r#"{"validation-errors":[{"request_id":"0","errors":[{"code":"NotSupportedChoice","path":"custom_fields_values.99.field_id","detail":"x"}]}],"title":"Bad Request","type":"https://httpstatus.es/400","status":400,"detail":"Request validation failed"}"#;
    world.kommo.fail_next(Fault::answer(400, body).on("PATCH", "/api/v4/leads").always());
    let ended = tokio::time::timeout(
        Duration::from_secs(3),
        world.handle(&event("transaction.completed", 0, &transaction())),
    )
    .await;
    let patches = world.kommo.requests().iter().filter(|r| r.method == "PATCH").count();
    assert!(ended.is_ok(), "still at it after 3 s, {patches} PATCHes");
}

/// First payments of several deals.
fn payments_of(world: &World, deals: std::ops::RangeInclusive<u64>) -> Vec<Event> {
    let payment = |id: u64| {
        world.kommo.add_lead(FakeLead::new("x").id(id).stage(PIPELINE, NEGOTIATION));
        let mut data = transaction();
        data["id"] = json!(format!("txn_{id}"));
        data["customer_id"] = json!(format!("ctm_{id}"));
        data["subscription_id"] = Value::Null;
        data["custom_data"]["kommo_lead_id"] = json!(id);
        event("transaction.completed", 0, &data)
    };
    deals.map(payment).collect()
}

#[tokio::test]
async fn a_block_that_several_deals_meet_is_one_block() {
    let world = World::new().await;
    world.kommo.block();
    let payments = payments_of(&world, 1..=4);
    futures_util::future::join_all(payments.iter().map(|p| world.sync.handle(p))).await;
    let (until, _) = world.sync.stats().await.unwrap().paused.unwrap();
    assert_eq!(until - NOW, time::Duration::seconds(300), "the first probe after 5 minutes");
}

#[tokio::test]
async fn k02_a_429_that_many_deals_share_is_one() {
    let world = World::new().await;
    // So that nothing else is asked for any more.
    world.done(&event("transaction.completed", 0, &transaction())).await;
    world.kommo.fail_next(Fault::too_many_requests().at("PATCH", "/api/v4/leads"));
    let payments = payments_of(&world, 1..=20);
    let outcomes =
        futures_util::future::join_all(payments.iter().map(|p| world.sync.handle(p))).await;
    let limited = |outcome: &Outcome| matches!(outcome, Outcome::Waiting { reason, .. } if reason == "rate_limited");
    let limited = outcomes.iter().filter(|outcome| limited(outcome.as_ref().unwrap())).count();
    assert!(limited > 10, "they shared a request: {limited}");
    let (until, _) = world.sync.stats().await.unwrap().paused.unwrap();
    assert_eq!(until - NOW, time::Duration::seconds(1), "the first pause");
}

#[tokio::test]
async fn a_dead_token_does_not_lengthen_a_later_pause() {
    let world = World::new().await;
    world.kommo.set_token_valid(false);
    let payment = event("transaction.completed", 0, &transaction());
    for _ in 0..9 {
        world.waiting(&payment).await;
        world.advance(Duration::from_secs(60));
    }
    world.kommo.set_token_valid(true);
    world.kommo.fail_next(Fault::too_many_requests().on("PATCH", "/api/v4/leads"));
    let (reason, _) = world.waiting(&payment).await;
    let (until, _) = world.sync.stats().await.unwrap().paused.unwrap();
    assert!(
        until - NOW - time::Duration::minutes(9) <= time::Duration::seconds(2),
        "{reason}: {}",
        until - NOW - time::Duration::minutes(9)
    );
}
