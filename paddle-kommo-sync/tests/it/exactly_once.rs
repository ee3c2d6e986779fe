//! Any number of deliveries, lost answers and stopped processes: each effect once.

use std::{num::NonZeroU32, time::Duration};

use kommo_client::fake::Fault;
use paddle_kommo_sync::{LeftOutPart, MemoryStore, Outcome, ParkReason, Reason};
use paddle_webhook::Event;

use crate::support::{
    LEAD, NEGOTIATION, PIPELINE, REP, WON, World,
    events::{event, subscription, transaction},
};

const SETTLE: Duration = Duration::from_secs(60);

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
async fn a_late_note_is_found_at_the_second_look() {
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
async fn a_process_that_stopped_after_sending_leaves_one_note() {
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
    world.advance(Duration::from_secs(60));
    let outcome = restarted.handle(&payment).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
    assert_eq!((world.notes().len(), world.stage()), (1, WON));
}

#[tokio::test]
async fn a_person_who_moved_the_deal_meanwhile_keeps_the_say() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(503).on("PATCH", "/api/v4/leads"));
    let payment = payment();
    world.waiting(&payment).await;
    move_by_hand(&world, 58_141_815).await;
    world.advance(SETTLE);
    let done = world.done_with_report(&payment).await;
    assert_eq!(done.left_out[0].what, LeftOutPart::Stage);
    assert_eq!(world.stage(), 58_141_815);
    assert_eq!(world.price(), 599, "the rest is written");
}

async fn move_by_hand(world: &World, status: u64) {
    let token = kommo_client::AccessToken::new(world.kommo.token()).unwrap();
    let person = kommo_client::Client::builder(&world.kommo.uri(), token)
        .requests_per_second(NonZeroU32::new(100).unwrap())
        .build()
        .unwrap();
    let patch = kommo_client::LeadPatch::new(kommo_client::LeadId::new(LEAD))
        .status(kommo_client::PipelineId::new(PIPELINE), kommo_client::StatusId::new(status));
    person.leads().update(&[patch]).await.unwrap();
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
async fn an_event_that_stops_its_worker_three_times_is_parked() {
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    world.kommo.fail_next(Fault::hang(Duration::from_secs(60)).on("GET", "/api/v4/leads").always());
    let payment = payment();
    for _ in 0..3 {
        let before = world.kommo.requests().len();
        let asked = async {
            while world.kommo.requests().len() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = asked => {}
            outcome = world.sync.handle(&payment) => panic!("it ended: {outcome:?}"),
        }
        world.advance(Duration::from_secs(60));
    }
    assert_eq!(world.parked(&payment).await.reason, ParkReason::Poison);
}
