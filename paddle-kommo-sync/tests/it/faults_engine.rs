//! Rows of the fault matrix about ourselves that the engine answers for: a store that fails under it (U06), mistakes that
//! panic (U18), clocks that jump (U11), and an event that blocks its deal (U25).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kommo_client::fake::{FakeLead, Fault};
use paddle_kommo_sync::{MemoryStore, Outcome, ParkReason, StoreError, Sync};
use paddle_webhook::Event;
use serde_json::json;
use time::{OffsetDateTime, macros::datetime};

use crate::support::{
    LEAD, NEGOTIATION, NOW, PIPELINE, WON, World,
    events::{event, refund, renewal, subscription, transaction},
    faulty::{Fate, FaultyStore},
};

const LEASE: Duration = Duration::from_secs(120);
const OTHER: u64 = LEAD + 1;

fn payment() -> Event {
    event("transaction.completed", 0, &transaction())
}

/// A payment of somebody else for another deal.
fn other_payment() -> Event {
    let mut data = transaction();
    data["id"] = json!("txn_other");
    data["customer_id"] = json!("ctm_other");
    data["subscription_id"] = json!("sub_other");
    data["custom_data"]["kommo_lead_id"] = json!(OTHER.to_string());
    event("transaction.completed", 0, &data)
}

async fn world() -> (World, FaultyStore) {
    let store = FaultyStore::new(MemoryStore::new());
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    world.kommo.add_lead(FakeLead::new("Other").id(OTHER).stage(PIPELINE, NEGOTIATION));
    (world, store)
}

/// The `nth` of the chosen calls meets this, once; says how often it was met.
fn nth_meets(
    store: &FaultyStore,
    nth: usize,
    chosen: impl Fn(&str) -> bool + Send + std::marker::Sync + 'static,
    fate: Fate,
) -> Arc<AtomicUsize> {
    let (calls, met) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&met);
    store.choose(move |method| {
        if chosen(method) && calls.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            count.fetch_add(1, Ordering::SeqCst);
            return fate.clone();
        }
        Fate::Good
    });
    met
}

/// Tries until the event is done, as the worker does, with time going on.
async fn done_at_last(world: &World, sync: &Sync, event: &Event) -> u32 {
    for tries in 0..200 {
        if let Ok(Outcome::Done(_)) = sync.handle(event).await {
            return tries;
        }
        world.advance(Duration::from_secs(60));
    }
    panic!("{} is never done", event.event_type());
}

fn won_once(world: &World, lead: u64) {
    let stage = world.kommo.lead(lead).unwrap()["status_id"].as_u64();
    assert_eq!((stage, world.kommo.notes(lead).len()), (Some(WON), 1), "deal {lead}");
}

#[tokio::test]
async fn u06_a_disk_that_is_full_when_done_is_recorded_leads_to_a_look_not_to_a_second_note() {
    // The first is of the deal itself, the second of the note.
    for nth in [1, 2] {
        let (world, store) = world().await;
        nth_meets(&store, nth, |method| method == "done", Fate::Fails);
        let payment = payment();
        let failed = world.sync.handle(&payment).await;
        assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
        assert_eq!(world.writes(), nth, "Kommo has it");
        assert_eq!(world.sync.stats().await.unwrap().in_flight, 1, "nobody knows");

        world.advance(LEASE);
        world.done(&payment).await;
        won_once(&world, LEAD);
        let closings = world.kommo.ledger().into_iter();
        let closings = closings.filter(|entry| entry.body.get("status_id").is_some());
        assert_eq!(closings.count(), 1, "the deal is not closed again");
    }
}

#[tokio::test]
async fn u06_a_store_that_fails_once_at_any_call_changes_nothing_in_the_end() {
    let mut calls = 0;
    loop {
        let (world, store) = world().await;
        let met = nth_meets(&store, calls + 1, |_| true, Fate::Fails);
        let payment = payment();
        done_at_last(&world, &world.sync, &payment).await;
        won_once(&world, LEAD);
        if met.load(Ordering::SeqCst) == 0 {
            break;
        }
        calls += 1;
    }
    assert!(calls > 10, "only {calls} calls of the store were tried");
}

/// What the work on one event calls.
fn is_work(method: &str) -> bool {
    !matches!(
        method,
        "account"
            | "put"
            | "put_placed"
            | "claim_due"
            | "stats"
            | "parked"
            | "prune"
            | "next_slot"
            | "learn"
            | "known"
    )
}

#[tokio::test(start_paused = true)]
async fn u18_a_panic_in_the_work_on_one_event_stops_no_other_and_is_made_up_for() {
    let mut places = 0;
    loop {
        let (world, store) = world().await;
        for event in [payment(), other_payment()] {
            // Stored only: the worker does the rest.
            store.choose(|method| if method == "claim_event" { Fate::Fails } else { Fate::Good });
            assert!(world.sync.handle(&event).await.is_err());
        }
        let met = nth_meets(&store, places + 1, is_work, Fate::Panics);
        // Meanwhile the lease of the one that panicked ends; where both shared a request, nobody has heard its answer.
        let scene = async {
            while world.sync.stats().await.unwrap().done < 2 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                world.advance(Duration::from_secs(20));
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(600), world.sync.run(scene)).await;
        assert!(ended.is_ok(), "place {places}: it hangs");
        won_once(&world, LEAD);
        won_once(&world, OTHER);
        if met.load(Ordering::SeqCst) == 0 {
            break;
        }
        places += 1;
    }
    assert!(places >= 10, "only {places} places");
}

#[tokio::test(start_paused = true)]
async fn u18_an_event_that_panics_each_time_is_parked_and_the_others_go_on() {
    let (world, store) = world().await;
    store.choose(|method| if method == "claim_event" { Fate::Fails } else { Fate::Good });
    assert!(world.sync.handle(&payment()).await.is_err());
    store.choose(|method| if method == "links" { Fate::Panics } else { Fate::Good });
    let parked = async {
        while world.sync.stats().await.unwrap().parked.is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            world.advance(Duration::from_secs(60));
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(600), world.sync.run(parked)).await;
    assert!(ended.is_ok(), "it is tried for ever");
    let parked = world.sync.parked(10).await.unwrap();
    assert_eq!(parked[0].parked.reason, ParkReason::Poison);
    store.choose(|_| Fate::Good);
    world.done(&other_payment()).await;
}

#[tokio::test]
async fn u11_whatever_a_clock_did_meanwhile_everything_is_done_once_it_is_right() {
    for (name, wrong) in [
        ("an hour ahead", NOW + time::Duration::HOUR),
        ("an hour behind", NOW - time::Duration::HOUR),
        ("five days ahead", NOW + time::Duration::days(5)),
        ("1970", OffsetDateTime::UNIX_EPOCH),
        ("2100", datetime!(2100-01-01 0:00 UTC)),
    ] {
        let (world, _) = world().await;
        let (payment, renewed) = (payment(), event("transaction.completed", 1, &renewal()));
        let other = other_payment();
        // One answer is lost, and the account is told to pause, both by the wrong clock.
        world.kommo.fail_next(Fault::status(502).applied().on("POST", "/api/v4/leads/notes"));
        world.kommo.fail_next(Fault::too_many_requests().on("PATCH", "/api/v4/leads").nth(2));
        world.set_clock(wrong);
        for event in [&payment, &other, &renewed] {
            let outcome = world.handle(event).await;
            assert!(matches!(outcome, Outcome::Waiting { .. }), "{name}: {outcome}");
        }
        world.set_clock(NOW + time::Duration::minutes(2));
        for event in [&payment, &other, &renewed] {
            let tries = done_at_last(&world, &world.sync, event).await;
            assert!(tries <= 70, "{name}: {tries} minutes");
        }
        won_once(&world, OTHER);
        assert_eq!((world.stage(), world.notes().len()), (WON, 2), "{name}");
    }
}

#[tokio::test]
async fn u11_a_pause_that_began_while_the_clock_was_wrong_begins_anew() {
    let (world, _) = world().await;
    world.kommo.set_token_valid(false);
    world.set_clock(NOW + time::Duration::days(5));
    world.waiting(&payment()).await;
    world.set_clock(NOW);
    let (reason, until) = world.waiting(&other_payment()).await;
    assert_eq!((reason.as_str(), until), ("unauthorized", NOW + time::Duration::MINUTE));
    let paused = world.sync.stats().await.unwrap().paused;
    assert_eq!(paused, Some((until, reason)), "nothing else is tried meanwhile");
}

#[tokio::test]
async fn u11_a_settle_time_that_is_longer_than_any_wait_is_waited_for_in_parts() {
    const SETTLE: Duration = Duration::from_secs(5 * 3600);
    let long = |builder: paddle_kommo_sync::SyncBuilder| builder.settle_time(SETTLE);
    let world = World::built(|_| {}, MemoryStore::new(), long).await;
    world.kommo.fail_next(Fault::status(502).applied().on("POST", "/api/v4/leads/notes"));
    let payment = payment();
    let (_, until) = world.waiting(&payment).await;
    assert_eq!(until, NOW + time::Duration::hours(2));
    let calls = world.kommo.requests().len();
    for _ in 0..4 {
        world.advance(Duration::from_secs(3600));
        world.waiting(&payment).await;
    }
    assert_eq!(world.kommo.requests().len(), calls, "nothing is looked for before");
    world.advance(Duration::from_secs(3600));
    world.done(&payment).await;
    assert_eq!(world.kommo.notes(LEAD).len(), 1);
}

#[tokio::test]
async fn u11_a_clock_that_goes_back_does_not_order_what_happened() {
    let (world, _) = world().await;
    world.done(&event("subscription.updated", 60, &subscription("active"))).await;
    world.set_clock(OffsetDateTime::UNIX_EPOCH);
    let mut canceled = subscription("canceled");
    canceled["updated_at"] = json!(crate::support::events::time(120));
    world.done(&event("subscription.canceled", 120, &canceled)).await;
    world.set_clock(datetime!(2100-01-01 0:00 UTC));
    let mut late = subscription("past_due");
    late["updated_at"] = json!(crate::support::events::time(90));
    world.handle(&event("subscription.updated", 90, &late)).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), "canceled", "by Paddle's time, not by ours");
}

#[tokio::test]
async fn u25_a_parked_event_is_seen_with_its_age_and_does_not_block_its_deal() {
    let (world, _) = world().await;
    world.done(&payment()).await;
    let refusal =
        r#"{"title":"Bad Request","type":"https://httpstatus.es/400","status":400,"detail":"no"}"#;
    world.kommo.fail_next(Fault::answer(400, refusal).on("POST", "/api/v4/leads/notes"));
    let renewed = event("transaction.completed", 1, &renewal());
    assert_eq!(world.parked(&renewed).await.reason, ParkReason::Refused);

    world.advance(Duration::from_secs(3600));
    world.done(&event("subscription.canceled", 2, &subscription("canceled"))).await;
    assert_eq!(world.tasks().len(), 1, "what comes after it goes on");
    let parked = world.sync.parked(10).await.unwrap();
    let happened = NOW + time::Duration::SECOND;
    assert_eq!((parked.len(), parked[0].occurred_at), (1, happened), "how old it is");
    let stats = world.sync.stats().await.unwrap();
    assert_eq!((stats.open, stats.parked), (0, vec![("refused".to_owned(), 1)]));

    // Its cause is mended: it comes back behind what was done meanwhile.
    assert!(world.sync.resume(renewed.id().as_str()).await.unwrap());
    world.done(&renewed).await;
    assert_eq!(world.notes().len(), 2);
}

#[tokio::test]
async fn u25_an_event_that_waits_holds_its_own_deal_only_and_its_age_is_told() {
    let (world, _) = world().await;
    world.kommo.fail_next(Fault::status(503).on("GET", &format!("/api/v4/leads/{LEAD}")).always());
    let waits = payment();
    world.waiting(&waits).await;
    world.advance(Duration::from_secs(1));
    let behind = event("subscription.canceled", 1, &subscription("canceled"));
    world.waiting(&behind).await;
    world.done(&other_payment()).await;
    assert!(world.tasks().is_empty(), "in the order in which it happened");
    let stats = world.sync.stats().await.unwrap();
    assert_eq!((stats.open, stats.oldest_open), (2, Some(NOW)));
}

fn notes_sent(world: &World) -> usize {
    let requests = world.kommo.requests();
    let is_note = |method: &str, path: &str| method == "POST" && path == "/api/v4/leads/notes";
    requests.iter().filter(|request| is_note(&request.method, &request.path)).count()
}

/// Works on a payment whose note hangs in Kommo, and does `meanwhile` when it has been sent.
async fn while_a_note_hangs(
    world: &World,
    payment: &Event,
    meanwhile: impl Future<Output = ()>,
) -> Result<Outcome, StoreError> {
    let late = Fault::hang(Duration::from_secs(60)).applied_later();
    world.kommo.fail_next(late.on("POST", "/api/v4/leads/notes"));
    let scene = async {
        while notes_sent(world) == 0 {
            tokio::task::yield_now().await;
        }
        meanwhile.await;
    };
    tokio::join!(world.sync.handle(payment), scene).0
}

#[tokio::test]
async fn u11_a_clock_that_leaps_does_not_make_a_worker_meet_itself() {
    let (world, _) = world().await;
    let payment = payment();
    let leap = async {
        world.advance(Duration::from_secs(600));
        for _ in 0..4 {
            let outcome = world.handle(&payment).await;
            assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome}");
        }
        assert_eq!(notes_sent(&world), 1, "the first is still under way");
    };
    drop(while_a_note_hangs(&world, &payment, leap).await);
    assert_eq!(world.kommo.apply_held(), 1);
    done_at_last(&world, &world.sync, &payment).await;
    won_once(&world, LEAD);
}

#[tokio::test]
async fn k16_looks_are_a_settle_time_apart_when_another_worker_takes_over_too() {
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    let payment = payment();
    let late = Fault::hang(Duration::from_secs(60)).applied_later();
    world.kommo.fail_next(late.on("POST", "/api/v4/leads/notes"));
    world.dropped_when(|| notes_sent(&world) > 0, world.sync.handle(&payment)).await;
    world.advance(LEASE);
    let other = world.restarted(store).await;
    let outcome = other.handle(&payment).await.unwrap();
    let Outcome::Waiting { until, .. } = outcome else { panic!("{outcome}") };
    assert_eq!(until - NOW, time::Duration::seconds(180), "the first look was at 120");
    // What the first worker has sent comes through only now.
    assert_eq!(world.kommo.apply_held(), 1);
    world.advance(Duration::from_secs(60));
    assert!(matches!(other.handle(&payment).await.unwrap(), Outcome::Done(_)));
    assert_eq!(world.kommo.notes(LEAD).len(), 1);
}

#[tokio::test]
async fn a_caller_that_gives_up_again_and_again_is_no_poison() {
    let (world, _) = world().await;
    let slow = Fault::hang(Duration::from_secs(60)).on("GET", "/api/v4/leads");
    world.kommo.fail_next(slow.times(9));
    let payment = payment();
    for _ in 0..9 {
        world.dropped_when_asked(world.sync.handle(&payment)).await;
        world.advance(LEASE);
    }
    done_at_last(&world, &world.sync, &payment).await;
    won_once(&world, LEAD);
}

#[tokio::test(start_paused = true)]
async fn u03_a_store_that_hangs_does_not_hold_up_the_shutdown() {
    // Work that is cut off, a claim that never ends, and lanes that cannot be given back.
    for hangs in ["links", "claim_due", "retry_at"] {
        let (world, store) = world().await;
        store.choose(|method| if method == "claim_event" { Fate::Fails } else { Fate::Good });
        for event in [payment(), other_payment()] {
            assert!(world.sync.handle(&event).await.is_err());
        }
        let (never, claims) =
            (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&claims);
        store.choose(move |method| {
            seen.fetch_add(usize::from(method == "claim_due"), Ordering::SeqCst);
            if method == hangs { Fate::Waits(Arc::clone(&never)) } else { Fate::Good }
        });
        let asked = async {
            while claims.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        let started = tokio::time::Instant::now();
        world.sync.run(asked).await;
        assert!(started.elapsed() <= Duration::from_secs(10), "{hangs}: {:?}", started.elapsed());
    }
}

/// A refund of a sale that nobody has told of, by a customer who buys again.
fn orphan() -> Event {
    let mut data = refund("approved");
    data["transaction_id"] = json!("txn_unknown");
    data["subscription_id"] = serde_json::Value::Null;
    event("adjustment.created", 5, &data)
}

#[tokio::test]
async fn what_is_being_parked_while_its_deal_is_told_goes_on() {
    let (world, store) = world().await;
    let parking = Arc::new(tokio::sync::Semaphore::new(0));
    let (held, orphan) = (Arc::clone(&parking), orphan());
    let about = nth_meets(&store, 1, |method| method == "finish", Fate::Waits(held));
    let payment = async {
        // The refund is about to be parked: nothing is known of its customer.
        while about.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        world.done(&payment()).await;
        parking.add_permits(1);
    };
    let (first, ()) = tokio::join!(world.handle(&orphan), payment);
    assert!(matches!(first, Outcome::Parked(_)), "{first}");
    world.done(&orphan).await;
}

#[tokio::test]
async fn what_a_stopped_process_did_not_reopen_the_next_one_does() {
    let store = FaultyStore::new(MemoryStore::new());
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    let orphan = orphan();
    assert_eq!(world.parked(&orphan).await.reason, ParkReason::NoDeal);
    nth_meets(&store, 1, |method| method == "history", Fate::Fails);
    let told = event("transaction.created", 1, &transaction());
    assert!(world.sync.handle(&told).await.is_err(), "it stops after it has learned");
    assert_eq!(world.parked(&orphan).await.reason, ParkReason::NoDeal, "nobody looked");
    let process = world.restarted(store).await;
    let done = async {
        while process.stats().await.unwrap().done < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), process.run(done)).await.unwrap();
    world.done(&orphan).await;
}
