//! What never arrived is found in Paddle's list of events, and goes through the same inbox.

use std::time::Duration;

use paddle_kommo_sync::{
    Alarm, MemoryStore, SweepError,
    fake_paddle::{FakePaddle, Fault},
    paddle::NotificationSettingId,
};
use paddle_webhook::{Environment, Event};

use super::support::{
    WON,
    shop::{DAY, Shop, work},
};

const HOUR: Duration = Duration::from_secs(3_600);
const SECRET: &str = "pdl_ntfset_made_up_for_tests";

#[tokio::test]
async fn the_first_sweep_begins_six_hours_ago() {
    let shop = Shop::open().await;
    let (old, new) = (shop.deal(), shop.deal());
    shop.buy(old);
    shop.advance(7 * HOUR);
    shop.buy(new);
    shop.advance(HOUR);
    // What a payment of a monthly price makes that the rules need: the subscription twice, and the payment.
    assert_eq!(shop.sweep().await, 3);
    shop.work().await;
    let stage = |lead| shop.world.kommo.lead(lead).unwrap()["status_id"].as_u64();
    assert_eq!((stage(new), stage(old) == Some(WON)), (Some(WON), false));
    // And it stays so, however much later.
    shop.advance(DAY);
    assert_eq!(shop.sweep().await, 0);
}

#[tokio::test]
async fn every_gap_is_closed_and_nothing_comes_twice() {
    let shop = Shop::open().await;
    assert_eq!(shop.sweep().await, 0);
    let lead = shop.deal();
    let sale = shop.buy(lead);
    // The endpoint is away for two days; meanwhile only one of all events arrives.
    shop.advance(DAY);
    let arrived = shop.paddle.events().pop().unwrap();
    let arrived = Event::from_trusted(arrived.to_string().as_bytes(), Environment::Live).unwrap();
    shop.world.sync.handle(&arrived).await.unwrap();
    shop.paddle.renew(sale.subscription.as_ref().unwrap()).unwrap();
    shop.paddle.refund(&sale.transaction, Some(10_000)).unwrap();
    shop.paddle.settle_refunds(true);
    shop.advance(DAY);
    let needed = paddle_kommo_sync::Sync::needed_events();
    let events = shop.paddle.events();
    let wanted = events
        .iter()
        .filter(|event| needed.iter().any(|name| event["event_type"] == name.as_str()))
        .count();
    assert_eq!(shop.sweep().await, wanted - 1);
    shop.work().await;
    let notes = shop.world.kommo.note_texts(lead);
    assert_eq!(notes.len(), 3, "paid, renewed, refunded: {notes:?}");
    assert_eq!(shop.sweep().await, 0);

    // Everything arrives after all.
    let writes = shop.world.writes();
    for event in &events {
        let event = Event::from_trusted(event.to_string().as_bytes(), Environment::Live).unwrap();
        shop.world.sync.handle(&event).await.unwrap();
    }
    assert_eq!(shop.world.writes(), writes);
}

#[tokio::test]
async fn what_was_looked_at_is_not_read_for_ever() {
    let shop = Shop::open().await;
    shop.sweep().await;
    let lead = shop.deal();
    shop.buy(lead);
    for _ in 0..2 {
        shop.advance(DAY);
        shop.sweep().await;
    }
    let read = shop.world.sync.sweep(&shop.client).await.unwrap();
    assert_eq!((read.read, read.taken), (0, 0), "all of it is older than six hours");
    let last = shop.paddle.requests().pop().unwrap();
    assert!(last.target.contains("after=evt_"), "{last:?}");
}

#[tokio::test]
async fn what_paddle_lists_late_is_found_for_six_hours() {
    let shop = Shop::open().await;
    shop.sweep().await;
    let lead = shop.deal();
    shop.buy(lead);
    let needed = paddle_kommo_sync::Sync::needed_events();
    let mut listed = shop.paddle.events();
    listed.retain(|event| needed.iter().any(|name| event["event_type"] == name.as_str()));
    // The first one is not in the list yet.
    let page = serde_json::json!({
        "data": listed[1..], "meta": {"pagination": {"next": "x", "has_more": false}},
    });
    shop.paddle.fail_next(Fault::answer(200, page.to_string()).on("GET", "/events"));
    assert_eq!(shop.sweep().await, 2);
    shop.advance(5 * HOUR);
    assert_eq!(shop.sweep().await, 1);
}

#[tokio::test]
async fn a_sweep_that_broke_off_goes_on() {
    let shop = Shop::open().await;
    shop.sweep().await;
    for _ in 0..70 {
        let lead = shop.deal();
        shop.buy(lead);
    }
    shop.advance(7 * HOUR);
    // 210 events are two pages.
    shop.paddle.fail_next(Fault::status(503).on("GET", "/events").skip(1));
    assert!(matches!(shop.world.sync.sweep(&shop.client).await, Err(SweepError::Paddle(_))));
    let after = shop.paddle.requests().len();
    assert_eq!(shop.sweep().await, 10, "the first page is kept");
    assert!(shop.paddle.requests()[after].target.contains("after=evt_"));
}

#[tokio::test]
async fn where_the_last_sweep_ended_may_be_unknown_to_paddle() {
    let shop = Shop::open().await;
    let (before, after) = (shop.deal(), shop.deal());
    shop.buy(before);
    shop.advance(DAY);
    assert_eq!(shop.sweep().await, 0);
    shop.buy(after);
    shop.paddle.fail_next(Fault::status(400).on("GET", "/events"));
    let asked = shop.paddle.requests().len();
    assert_eq!(shop.sweep().await, 3, "what was before the first sweep is left out");
    let requests = shop.paddle.requests();
    let [refused, again] = &requests[asked..] else { panic!("{requests:?}") };
    assert!(refused.target.contains("after=") && !again.target.contains("after="), "{again:?}");
}

#[tokio::test]
async fn two_nodes_sweep_the_same_events_once() {
    let store = MemoryStore::new();
    let shop = Shop::on(store.clone(), |_| {}).await;
    let other = shop.restarted(store).await;
    shop.sweep().await;
    let lead = shop.deal();
    shop.buy(lead);
    let (one, two) = tokio::join!(shop.world.sync.sweep(&shop.client), other.sweep(&shop.client));
    assert_eq!(one.unwrap().taken + two.unwrap().taken, 3);
    tokio::join!(work(&shop.world.sync), work(&other));
    assert_eq!(shop.world.kommo.note_texts(lead).len(), 1);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_does_not_hold_up_the_others() {
    let shop = Shop::open().await;
    shop.sweep().await;
    let lead = shop.deal();
    shop.buy(lead);
    let mut events = shop.paddle.events();
    events.retain(|event| event["event_type"] == "transaction.completed");
    events.insert(0, serde_json::json!({"event_id": "evt_odd", "event_type": 7}));
    let page = serde_json::json!({
        "data": events, "meta": {"pagination": {"next": "x", "has_more": false}},
    });
    shop.paddle.fail_next(Fault::answer(200, page.to_string()).on("GET", "/events"));
    let swept = shop.world.sync.sweep(&shop.client).await.unwrap();
    assert_eq!((swept.read, swept.taken, swept.unreadable), (1, 1, 1));
}

#[tokio::test]
async fn what_is_wrong_with_the_destination_is_said() {
    let shop = Shop::open().await;
    let alarms = async || shop.world.sync.alarms(&shop.client, None).await.unwrap();
    assert_eq!(alarms().await, [Alarm::NoDestination]);

    // Somebody else's destination is not ours once there is one at our path.
    shop.paddle.add_destination("https://example.com/other", SECRET, &["transaction.completed"]);
    assert!(matches!(&alarms().await[..], [Alarm::NotSubscribed { .. }]));
    let ours = shop.paddle.add_destination(
        "https://example.com/paddle/webhook?x=1",
        SECRET,
        FakePaddle::event_types(),
    );
    assert_eq!(alarms().await, []);

    shop.paddle.subscribe(&ours, &["transaction.completed", "adjustment.updated"]);
    let found = alarms().await;
    let [alarm @ Alarm::NotSubscribed { destination, types }] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((destination.as_str(), types.len()), (ours.as_str(), 11));
    assert!(alarm.to_string().contains("subscription.canceled"), "{alarm}");

    shop.paddle.set_destination_active(&ours, false);
    let id = NotificationSettingId::from(ours.as_str());
    assert_eq!(alarms().await, [Alarm::Inactive(id.clone())]);
    let named = shop.world.sync.alarms(&shop.client, Some(&id)).await.unwrap();
    assert_eq!(named, [Alarm::Inactive(id)]);
    let nobody = NotificationSettingId::from("ntfset_nobody");
    let named = shop.world.sync.alarms(&shop.client, Some(&nobody)).await.unwrap();
    assert_eq!(named, [Alarm::NoDestination]);
}

#[tokio::test]
async fn deliveries_that_fail_now_are_an_alarm_and_those_that_failed_once_are_none() {
    let shop = Shop::open().await;
    // Nobody listens there.
    let url = "http://127.0.0.1:1/paddle/webhook";
    let ours = shop.paddle.add_destination(url, SECRET, FakePaddle::event_types());
    let lead = shop.deal();
    shop.buy(lead);
    let failed = shop.paddle.deliver_due().await.len();
    let destination = NotificationSettingId::from(ours.as_str());
    let alarms = async || shop.world.sync.alarms(&shop.client, None).await.unwrap();
    assert_eq!(alarms().await, [Alarm::Failing { destination, events: failed }]);
    shop.advance(2 * HOUR);
    assert_eq!(alarms().await, [], "the last attempt was two hours ago");
}
