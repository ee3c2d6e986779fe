//! Rows of the fault matrix between us and Kommo that the engine answers for, not the client.

use std::{num::NonZeroU32, time::Duration};

use kommo_client::{
    AccessToken, Client,
    fake::{FakeLead, Fault},
};
use paddle_kommo_sync::{Clock as _, MemoryStore, Outcome};
use paddle_webhook::Event;
use serde_json::json;

use crate::support::{
    LEAD, NEGOTIATION, NOW, PIPELINE, WON, World,
    events::{customer, event, transaction},
};

const HOUR: Duration = Duration::from_secs(3600);
const SETTLE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn k16_a_note_that_lists_show_late_is_not_written_again() {
    let world = World::new().await;
    world.kommo.fail_next(Fault::status(504).applied().on("POST", "/api/v4/leads/notes"));
    let payment = event("transaction.completed", 0, &transaction());
    world.waiting(&payment).await;
    // The first look does not see it, the second one does.
    world.kommo.set_read_lag(1);
    world.advance(SETTLE);
    let (why, _) = world.waiting(&payment).await;
    assert!(why.contains("looked for once more"), "{why}");
    world.advance(SETTLE);
    world.done(&payment).await;
    assert_eq!(world.kommo.notes(LEAD).len(), 1);
}

#[tokio::test]
async fn k37_three_days_without_kommo_lose_nothing_and_end_by_themselves() {
    const DEALS: u64 = 72;
    let world = World::new().await;
    let payment = |number: u64| -> Event {
        let mut data = transaction();
        data["id"] = json!(format!("txn_{number}"));
        data["customer_id"] = json!(format!("ctm_{number}"));
        data["subscription_id"] = json!(format!("sub_{number}"));
        data["custom_data"]["kommo_lead_id"] = json!((LEAD + 1 + number).to_string());
        event("transaction.completed", i64::try_from(number).unwrap() * 3600, &data)
    };
    world.kommo.fail_next(Fault::unreachable().on("GET", "/").always());
    let mut events = Vec::new();
    for number in 0..DEALS {
        let lead = FakeLead::new("Acme").id(LEAD + 1 + number);
        world.kommo.add_lead(lead.stage(PIPELINE, NEGOTIATION));
        events.push(payment(number));
        world.waiting(&events[events.len() - 1]).await;
        world.advance(HOUR);
    }
    let stats = world.sync.stats().await.unwrap();
    assert_eq!((stats.open, stats.parked), (DEALS, vec![]), "none of it needs a person");
    assert!(world.sync.trouble().is_some(), "and it is told");

    world.kommo.clear_faults();
    world.advance(HOUR);
    let all = async {
        while world.sync.stats().await.unwrap().open > 0 {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(Duration::from_secs(60), world.sync.run(all)).await.unwrap();
    for (number, event) in (0..).zip(&events) {
        let outcome = world.handle(event).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{number}: {outcome}");
        let lead = world.kommo.lead(LEAD + 1 + number).unwrap();
        assert_eq!(lead["status_id"], WON, "{number}");
        assert_eq!(world.kommo.notes(LEAD + 1 + number).len(), 1, "{number}");
    }
}

#[tokio::test]
async fn k09_an_account_that_is_gone_or_closed_waits() {
    for status in [402, 410, 451] {
        let world = World::new().await;
        world.kommo.fail_next(Fault::status(status).on("GET", "/api/v4/leads").always());
        let payment = event("transaction.completed", 0, &transaction());
        world.waiting(&payment).await;
        let (until, reason) = world.sync.stats().await.unwrap().paused.unwrap();
        let want = if status == 402 { "payment_required" } else { "account_closed" };
        assert_eq!((until - NOW, reason.as_str()), (time::Duration::MINUTE, want), "{status}");
    }
}

/// A payment of this customer for this deal, or, without one, for whichever deal the customer's address tells.
fn payment_of(number: u64, lead: Option<u64>) -> Event {
    let mut data = transaction();
    data["id"] = json!(format!("txn_{number}"));
    data["customer_id"] = json!(format!("ctm_{number}"));
    data["subscription_id"] = json!(format!("sub_{number}"));
    data["custom_data"] = lead.map_or(json!({}), |lead| json!({"kommo_lead_id": lead.to_string()}));
    event("transaction.completed", 0, &data)
}

/// Half of the payments name their deals, which are read together; for the others Kommo is asked one by one.
#[tokio::test(start_paused = true)]
async fn k08_a_dead_token_is_probed_once_a_minute_however_much_waits() {
    const DEALS: u64 = 200;
    let world = World::new().await;
    let client =
        Client::builder(&world.kommo.uri(), AccessToken::new(world.kommo.token()).unwrap())
            .answered_by(&world.kommo)
            .requests_per_second(NonZeroU32::new(7).unwrap())
            .build()
            .unwrap();
    let world = world.with_client(client, MemoryStore::new()).await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    for number in 0..DEALS {
        let mut data = customer(&format!("jo{number}@example.com"));
        data["id"] = json!(format!("ctm_{number}"));
        world.handle(&event("customer.created", 0, &data)).await;
        let lead = LEAD + 1 + number;
        world.kommo.add_lead(FakeLead::new("Acme").id(lead).stage(PIPELINE, NEGOTIATION));
    }
    // What is known of the account is too old by then.
    world.advance(HOUR);
    world.kommo.set_token_valid(false);
    for number in 0..DEALS {
        let lead = (number % 2 == 0).then_some(LEAD + 1 + number);
        world.waiting(&payment_of(number, lead)).await;
    }
    let before = world.kommo.requests().len();
    let hour = async {
        for _ in 0..HOUR.as_secs() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            world.advance(Duration::from_secs(1));
        }
    };
    world.sync.run(hour).await;
    let calls = world.kommo.requests().len() - before;
    assert!((55..=65).contains(&calls), "{calls} calls in an hour");
    let stats = world.sync.stats().await.unwrap();
    assert_eq!((stats.open, stats.parked), (DEALS, vec![]), "none of it needs a person");
}

/// It was tried once a minute for half a day, and goes on as soon as a first failure of its own is over.
#[tokio::test(start_paused = true)]
async fn k08_what_has_waited_for_a_token_has_not_failed() {
    let store = MemoryStore::new();
    let world = World::built(|_| {}, store.clone(), |builder| builder).await;
    let payment = event("transaction.completed", 0, &transaction());
    let wait_for_a_token = async || {
        world.kommo.clear_faults();
        world.kommo.set_token_valid(false);
        for _ in 0..720 {
            world.waiting(&payment).await;
            world.advance(Duration::from_secs(60));
        }
        world.kommo.set_token_valid(true);
        world.kommo.fail_next(Fault::status(503).on("GET", "/").always());
    };
    wait_for_a_token().await;
    for most in [2, 4, 8] {
        let (_, until) = world.waiting(&payment).await;
        let wait = until - world.clock.now();
        assert!(wait <= time::Duration::seconds(most), "{wait} of {most} seconds");
        world.advance(wait.unsigned_abs());
    }
    wait_for_a_token().await;
    let restarted = world.restarted(store).await;
    let outcome = restarted.handle(&payment).await.unwrap();
    let Outcome::Waiting { until, .. } = outcome else { panic!("{outcome}") };
    assert!(until - world.clock.now() <= time::Duration::seconds(2), "{until}");
}
