//! Many deals at once: what goes as one request, and what becomes of each when that request fails.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use kommo_client::{
    AccessToken, Client,
    fake::{FakeLead, Fault},
};
use paddle_kommo_sync::{MemoryStore, Outcome, ParkReason, Reason, Store};
use paddle_webhook::Event;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::{
    NEGOTIATION, PIPELINE, WON, World,
    events::{event, subscription, transaction},
    faulty::{Fate, FaultyStore},
};

const FIRST: u64 = 31_000_000;
const SETTLE: Duration = Duration::from_secs(60);

/// So many deals, and a client that has to wait for its turns: 20 a second, so that it does not take long.
async fn crowd(deals: u64) -> World {
    crowd_on(MemoryStore::new(), deals).await
}

async fn crowd_on(store: impl Store, deals: u64) -> World {
    let world = World::new().await;
    for index in 0..deals {
        world.kommo.add_lead(FakeLead::new("Acme").id(FIRST + index).stage(PIPELINE, NEGOTIATION));
    }
    let token = AccessToken::new(world.kommo.token()).unwrap();
    let client = Client::builder(&world.kommo.uri(), token)
        .answered_by(&world.kommo)
        .requests_per_second(NonZeroU32::new(20).unwrap())
        .timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    world.with_client(client, store).await
}

fn payment(index: u64) -> Event {
    let mut data = transaction();
    data["id"] = json!(format!("txn_{index}"));
    data["customer_id"] = json!(format!("ctm_{index}"));
    data["subscription_id"] = json!(format!("sub_{index}"));
    data["custom_data"]["kommo_lead_id"] = json!((FIRST + index).to_string());
    event("transaction.completed", 0, &data)
}

fn payments(deals: u64) -> Vec<Event> {
    (0..deals).map(payment).collect()
}

async fn all(world: &World, events: &[Event]) -> Vec<Outcome> {
    join_all(events.iter().map(|event| world.handle(event))).await
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done(done) if done.reasons == [Reason::FirstPayment])
}

/// How many requests of this kind Kommo saw.
fn requests(world: &World, method: &str, path: &str) -> usize {
    let requests = world.kommo.requests();
    requests.iter().filter(|request| request.method == method && request.path == path).count()
}

fn stage(world: &World, index: u64) -> u64 {
    world.kommo.lead(FIRST + index).unwrap()["status_id"].as_u64().unwrap()
}

fn notes(world: &World, index: u64) -> usize {
    world.kommo.notes(FIRST + index).len()
}

#[tokio::test]
async fn a_hundred_payments_share_a_few_requests() {
    let world = crowd(100).await;
    let outcomes = all(&world, &payments(100)).await;
    assert!(outcomes.iter().all(is_done), "{outcomes:?}");
    for index in 0..100 {
        assert_eq!((stage(&world, index), notes(&world, index)), (WON, 1), "deal {index}");
    }
    // One is read alone, since nothing waits for others; two bundles of 50 are the least, a little more is the start.
    assert!(requests(&world, "PATCH", "/api/v4/leads") <= 4);
    assert!(requests(&world, "POST", "/api/v4/leads/notes") <= 4);
    let all = world.kommo.requests().len();
    assert!(all <= 14, "{all} requests for 100 payments");
}

#[tokio::test]
async fn a_payment_that_is_alone_goes_at_once() {
    let world = crowd(1).await;
    assert!(is_done(&world.handle(&payment(0)).await));
    let of_deals = |path: &&str| path.starts_with("/api/v4/leads") && !path.contains("fields");
    let requests = world.kommo.requests();
    let paths = requests.iter().filter_map(|request| request.path.split('?').next());
    let asked: Vec<_> = paths.filter(of_deals).collect();
    let lead = format!("/api/v4/leads/{FIRST}");
    assert_eq!(
        asked,
        [lead.as_str(), "/api/v4/leads", "/api/v4/leads/notes"],
        "read, changed, noted"
    );
}

/// The second payment is decided only while the intent of the first goes to disk.
#[tokio::test(start_paused = true)]
async fn who_is_ready_while_the_intents_go_to_disk_comes_along() {
    let store = FaultyStore::new(MemoryStore::new());
    let world = crowd_on(store.clone(), 2).await;
    let [is_begun, may_plan, may_begin] = std::array::from_fn(|_| Arc::new(Semaphore::new(0)));
    let (plans, begins) = (AtomicU32::new(0), AtomicU32::new(0));
    let is_nth = |count: &AtomicU32, nth| count.fetch_add(1, Ordering::Relaxed) == nth;
    let (begun, plan, begin) = (is_begun.clone(), may_plan.clone(), may_begin.clone());
    store.choose(move |method| match method {
        "plan" if is_nth(&plans, 1) => Fate::Waits(plan.clone()),
        "begin" if is_nth(&begins, 0) => {
            begun.add_permits(1);
            Fate::Waits(begin.clone())
        }
        _ => Fate::Good,
    });
    let disk = async {
        is_begun.acquire().await.unwrap().forget();
        may_plan.add_permits(1);
        // Time stands still until nobody has anything to do.
        tokio::time::sleep(Duration::from_millis(1)).await;
        may_begin.add_permits(1);
    };
    let events = payments(2);
    let (outcomes, ()) = tokio::join!(all(&world, &events), disk);
    assert!(outcomes.iter().all(is_done), "{outcomes:?}");
    assert_eq!(requests(&world, "PATCH", "/api/v4/leads"), 1);
}

/// Of two payments in one request, the second's intent goes to disk only after the leases have ended.
#[tokio::test(start_paused = true)]
async fn who_was_stopped_while_its_intents_went_to_disk_sends_nothing() {
    let store = FaultyStore::new(MemoryStore::new());
    let world = crowd_on(store.clone(), 2).await;
    let [is_begun, may_begin] = std::array::from_fn(|_| Arc::new(Semaphore::new(0)));
    let begins = AtomicU32::new(0);
    let (begun, begin) = (is_begun.clone(), may_begin.clone());
    store.choose(move |method| {
        if method == "begin" && begins.fetch_add(1, Ordering::Relaxed) == 1 {
            begun.add_permits(1);
            return Fate::Waits(begin.clone());
        }
        Fate::Good
    });
    let stop = async {
        is_begun.acquire().await.unwrap().forget();
        world.advance(Duration::from_secs(120));
        may_begin.add_permits(1);
    };
    let events = payments(2);
    let (outcomes, ()) = tokio::join!(all(&world, &events), stop);
    assert!(!outcomes.iter().any(is_done), "{outcomes:?}");
    assert_eq!(requests(&world, "PATCH", "/api/v4/leads"), 0);
    world.advance(SETTLE);
    assert!(all(&world, &events).await.iter().all(is_done));
    assert_eq!(requests(&world, "PATCH", "/api/v4/leads"), 1);
}

#[tokio::test]
async fn an_item_that_is_refused_is_parked_alone() {
    let world = crowd(30).await;
    // Kommo reads a bundle of changes and does not like the first of them.
    let refused = r#"{"status":400,"validation-errors":[{"request_id":"0","errors":[{"code":"NotSupportedChoice","path":"status_id","detail":"no"}]}]}"#;
    let fault = Fault::answer(400, refused).on("PATCH", "/api/v4/leads").batches_over(5);
    world.kommo.fail_next(fault);
    let outcomes = all(&world, &payments(30)).await;
    let parked: Vec<_> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Parked(parked) if parked.reason == ParkReason::Refused))
        .map(|(index, _)| index as u64)
        .collect();
    assert_eq!(parked.len(), 1, "{outcomes:?}");
    for index in 0..30 {
        let want = if parked.contains(&index) { (NEGOTIATION, 0) } else { (WON, 1) };
        assert_eq!((stage(&world, index), notes(&world, index)), want, "deal {index}");
    }
}

#[tokio::test]
async fn a_refusal_that_names_nobody_is_narrowed_down() {
    let world = crowd(20).await;
    // Whatever holds more than three deals is refused, and Kommo does not say why.
    let fault = Fault::answer(400, r#"{"status":400,"detail":"no"}"#);
    world.kommo.fail_next(fault.on("PATCH", "/api/v4/leads").batches_over(3).always());
    let outcomes = all(&world, &payments(20)).await;
    assert!(outcomes.iter().all(is_done), "{outcomes:?}");
    assert!((0..20).all(|index| notes(&world, index) == 1));
}

#[tokio::test]
async fn a_right_that_is_missing_for_one_deal_does_not_hold_up_the_others() {
    for status in [403, 404, 409] {
        let world = crowd(8).await;
        let refused = Fault::answer(status, r#"{"title":"Forbidden","status":403,"detail":""}"#);
        world.kommo.fail_next(refused.on("PATCH", "/api/v4/leads").batches_over(1).always());
        let outcomes = all(&world, &payments(8)).await;
        assert!(outcomes.iter().all(is_done), "{status}: {outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_refused_parks_nothing_that_can_be_read_alone() {
    for status in [400, 404, 413, 414] {
        let world = crowd(20).await;
        let refused = Fault::answer(status, r#"{"status":400,"detail":"no"}"#);
        world.kommo.fail_next(refused.at("GET", "/api/v4/leads").always());
        let outcomes = all(&world, &payments(20)).await;
        assert!(outcomes.iter().all(is_done), "{status}: {outcomes:?}");
    }
}

/// What is behind the gateway may go on with a request that was too large for it, so nothing of it goes again before that
/// must be over.
#[tokio::test]
async fn a_request_that_is_too_large_for_the_gateway_goes_in_halves_later() {
    let world = crowd(40).await;
    let fault = Fault::status(504).on("PATCH", "/api/v4/leads").batches_over(10).always();
    world.kommo.fail_next(fault);
    let events = payments(40);
    let mut waiting = Vec::new();
    loop {
        let outcomes = all(&world, &events).await;
        waiting.push(outcomes.iter().filter(|outcome| !is_done(outcome)).count());
        if waiting.last() == Some(&0) {
            break;
        }
        assert!(waiting.len() < 5, "{waiting:?}");
        world.advance(SETTLE);
    }
    assert!(waiting[0] > 10, "the whole request waits: {waiting:?}");
    let changes = requests(&world, "PATCH", "/api/v4/leads");
    assert!(changes < 12, "not one by one: {changes}");
}

#[tokio::test]
async fn notes_whose_answer_was_lost_are_each_looked_for() {
    let world = crowd(30).await;
    let lost = Fault::status(502).applied().on("POST", "/api/v4/leads/notes").batches_over(5);
    world.kommo.fail_next(lost);
    let events = payments(30);
    let outcomes = all(&world, &events).await;
    let waiting =
        outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Waiting { .. })).count();
    assert!(waiting > 5, "all of that request: {waiting}");
    world.advance(SETTLE);
    let outcomes = all(&world, &events).await;
    assert!(outcomes.iter().all(is_done), "{outcomes:?}");
    for index in 0..30 {
        assert_eq!(notes(&world, index), 1, "deal {index}");
    }
}

#[tokio::test]
async fn a_refused_creation_is_not_believed_to_have_written_nothing() {
    let world = crowd(10).await;
    let refused = r#"{"status":400,"validation-errors":[{"request_id":"0","errors":[{"code":"InvalidType","path":"params.text","detail":"no"}]}]}"#;
    let fault = Fault::answer(400, refused).on("POST", "/api/v4/leads/notes").batches_over(5);
    world.kommo.fail_next(fault);
    let events = payments(10);
    let outcomes = all(&world, &events).await;
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    assert_eq!(count(|outcome| matches!(outcome, Outcome::Parked(_))), 1, "{outcomes:?}");
    assert!(count(|outcome| matches!(outcome, Outcome::Waiting { .. })) >= 5, "{outcomes:?}");
    for _ in 0..2 {
        world.advance(SETTLE);
        all(&world, &events).await;
    }
    assert_eq!((0..10).filter(|index| notes(&world, *index) == 1).count(), 9);
}

#[tokio::test]
async fn an_unknown_note_is_sent_again_alone() {
    let world = crowd(10).await;
    // Kommo takes no request with several of these notes, and says nothing about why.
    let fault = Fault::answer(400, r#"{"status":400,"detail":"no"}"#);
    world.kommo.fail_next(fault.on("POST", "/api/v4/leads/notes").batches_over(1).always());
    let events = payments(10);
    all(&world, &events).await;
    for _ in 0..2 {
        world.advance(SETTLE);
        all(&world, &events).await;
    }
    assert_eq!((0..10).filter(|index| notes(&world, *index) == 1).count(), 10);
}

#[tokio::test]
async fn who_sent_for_others_and_was_stopped_leaves_no_second_note() {
    let world = crowd(10).await;
    let lost = Fault::hang(Duration::from_millis(400)).applied().on("POST", "/api/v4/leads/notes");
    world.kommo.fail_next(lost.batches_over(5));
    let events = payments(10);
    {
        // All of them are dropped while a request for several is under way.
        let written = async {
            while (0..10).all(|index| notes(&world, index) == 0) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = written => {}
            outcomes = all(&world, &events) => assert!(!outcomes.is_empty()),
        }
    }
    // The leases of what was stopped, and then the time to look.
    world.advance(Duration::from_secs(120));
    for _ in 0..3 {
        all(&world, &events).await;
        world.advance(SETTLE);
    }
    for index in 0..10 {
        assert_eq!((stage(&world, index), notes(&world, index)), (WON, 1), "deal {index}");
    }
}

#[tokio::test]
async fn tasks_of_many_deals_share_requests_too() {
    let world = crowd(40).await;
    let events: Vec<_> = (0..40)
        .map(|index| {
            let mut data = subscription("canceled");
            data["id"] = json!(format!("sub_{index}"));
            data["customer_id"] = json!(format!("ctm_{index}"));
            data["custom_data"]["kommo_lead_id"] = json!((FIRST + index).to_string());
            event("subscription.canceled", 0, &data)
        })
        .collect();
    all(&world, &events).await;
    assert!((0..40).all(|index| world.kommo.tasks(FIRST + index).len() == 1));
    assert!(requests(&world, "POST", "/api/v4/tasks") <= 3);
}
