//! How the fake delivers.

use std::{net::TcpListener, time::Duration};

use paddle_kommo_sync::{
    fake_paddle::{FakePaddle, Order, Purchase},
    paddle::NotificationFilter,
};
use paddle_webhook::{Environment, SecretKey, Verifier};
use time::{OffsetDateTime, macros::datetime};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::{all, client};

const SECRET: &str = "pdl_ntfset_01example_Wq3+x/7";
const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

async fn endpoint(status: u16) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
    server
}

/// The ids of the events that arrived, each of a delivery that verifies.
async fn arrived(server: &MockServer, now: OffsetDateTime) -> Vec<String> {
    let verifier = Verifier::new(SecretKey::new(SECRET).unwrap());
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| {
            let signature = request.headers["paddle-signature"].as_bytes();
            let verified = verifier.verify_at(signature, &request.body, now).unwrap();
            let event = verified.parse().unwrap();
            event.data().unwrap();
            assert!(event.notification_id().is_some());
            assert!(request.body.is_ascii());
            event.id().as_str().to_owned()
        })
        .collect()
}

fn jo() -> Purchase {
    Purchase::new("jo@example.com").name("Jürgen \u{1f600}")
}

#[tokio::test]
async fn what_happens_is_delivered_once_signed_and_in_order() {
    let fake = FakePaddle::start().await;
    fake.set_time(START);
    let server = endpoint(200).await;
    fake.add_destination(&server.uri(), SECRET, FakePaddle::event_types());
    let sale = fake.buy(&jo());
    fake.renew(sale.subscription.as_ref().unwrap()).unwrap();
    fake.fail_card(sale.subscription.as_ref().unwrap()).unwrap();
    assert!(fake.recover(sale.subscription.as_ref().unwrap()));
    fake.refund(&sale.transaction, Some(100)).unwrap();
    fake.settle_refunds(true);
    assert!(fake.cancel_subscription(sale.subscription.as_ref().unwrap()));

    let attempts = fake.deliver_due().await;
    let events = fake.events();
    assert_eq!(attempts.len(), events.len());
    assert!(fake.deliver_due().await.is_empty() && fake.next_delivery().is_none());
    let happened: Vec<_> = events.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    assert_eq!(arrived(&server, START).await, happened);
    let types: Vec<_> =
        events.iter().skip(10).map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            // The renewal.
            "subscription.updated",
            "transaction.created",
            "transaction.ready",
            "transaction.billed",
            "transaction.paid",
            "transaction.updated",
            "transaction.completed",
            // The one that fails.
            "subscription.updated",
            "transaction.created",
            "transaction.ready",
            "transaction.billed",
            "transaction.payment_failed",
            "transaction.updated",
            "transaction.past_due",
            "subscription.past_due",
            "subscription.updated",
            // It is paid after all.
            "transaction.paid",
            "transaction.updated",
            "transaction.completed",
            "subscription.activated",
            "subscription.updated",
            "adjustment.created",
            "adjustment.updated",
            "subscription.updated",
            "subscription.canceled",
        ]
    );
    let times: Vec<_> = events.iter().map(|event| event["occurred_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[tokio::test]
async fn failures_are_tried_again_with_growing_gaps_until_paddle_gives_up() {
    for (environment, attempts) in [(Environment::Sandbox, 4), (Environment::Live, 61)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = FakePaddle::start_on(listener, environment).await;
        fake.set_time(START);
        let server = endpoint(500).await;
        fake.add_destination(&server.uri(), SECRET, &["transaction.completed"]);
        fake.buy(&jo());
        assert_eq!(fake.deliver_all().await, attempts);
        let log = fake.attempts();
        assert!(log.iter().all(|attempt| attempt.status == Some(500)));
        let gaps: Vec<_> =
            log.windows(2).map(|pair| (pair[1].at - pair[0].at).whole_seconds()).collect();
        assert_eq!(gaps[..3], [60, 128, 200]);
        assert!(gaps.is_sorted());
        // Every attempt is signed at its own time, the last one too.
        let last = server.received_requests().await.unwrap().pop().unwrap();
        let verifier = Verifier::new(SecretKey::new(SECRET).unwrap());
        let signature = last.headers["paddle-signature"].as_bytes();
        let at = log.last().unwrap().at;
        assert!(verifier.verify_at(signature, &last.body, at).is_ok());
        let failed = client(&fake).notifications().list(&NotificationFilter::failed()).unwrap();
        assert_eq!(all(failed).await.len(), 1);
    }
}

#[tokio::test]
async fn what_comes_back_up_gets_everything() {
    let fake = FakePaddle::start().await;
    fake.set_time(START);
    let server = MockServer::start().await;
    let down = ResponseTemplate::new(503);
    Mock::given(any()).respond_with(down).up_to_n_times(2).mount(&server).await;
    let up = ResponseTemplate::new(204);
    Mock::given(any()).respond_with(up).mount(&server).await;
    fake.add_destination(&server.uri(), SECRET, &["transaction.completed"]);
    fake.buy(&jo());
    assert!(!fake.deliver_due().await[0].is_delivered());
    assert!(fake.deliver_due().await.is_empty(), "not before its time");
    fake.advance(Duration::from_secs(59));
    assert!(fake.deliver_due().await.is_empty());
    fake.advance(Duration::from_secs(1));
    assert!(!fake.deliver_due().await[0].is_delivered());
    assert_eq!(fake.deliver_all().await, 1);
    let statuses: Vec<_> = fake.attempts().iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(503), Some(503), Some(204)], "any 2xx is enough");
}

#[tokio::test]
async fn redirects_dead_ports_and_lost_answers_are_failures() {
    let fake = FakePaddle::start().await;
    fake.set_time(START);
    let elsewhere = endpoint(200).await;
    let redirecting = MockServer::start().await;
    let redirect = ResponseTemplate::new(307).insert_header("location", elsewhere.uri());
    Mock::given(any()).respond_with(redirect).mount(&redirecting).await;
    fake.add_destination(&redirecting.uri(), SECRET, &["transaction.completed"]);
    fake.add_destination("http://127.0.0.1:1/", SECRET, &["transaction.completed"]);
    fake.buy(&jo());
    let statuses: Vec<_> = fake.deliver_due().await.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(307), None]);
    assert!(elsewhere.received_requests().await.unwrap().is_empty());

    let fake = FakePaddle::start().await;
    fake.set_time(START);
    fake.add_destination(&elsewhere.uri(), SECRET, &["transaction.completed"]);
    fake.buy(&jo());
    fake.lose_answers(1);
    assert_eq!(fake.deliver_all().await, 2, "the endpoint worked, and hears it again");
    let arrived = arrived(&elsewhere, fake.now()).await;
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0], arrived[1]);
}

#[tokio::test]
async fn duplicates_and_replays_are_the_same_event() {
    let fake = FakePaddle::start().await;
    fake.set_time(START);
    let server = endpoint(200).await;
    fake.add_destination(&server.uri(), SECRET, &["transaction.completed"]);
    fake.buy(&jo());
    let first = fake.deliver_due().await.remove(0);
    fake.deliver_again(&first.event_id);
    let second = fake.deliver_due().await.remove(0);
    assert_eq!(second.notification_id, first.notification_id);
    let notifications = client(&fake).notifications();
    let new = notifications.replay(&first.notification_id.as_str().into()).await.unwrap();
    let third = fake.deliver_due().await.remove(0);
    assert_eq!((third.notification_id.as_str(), &third.event_id), (new.as_str(), &first.event_id));
    assert_eq!(arrived(&server, START).await, vec![first.event_id; 3]);
}

#[tokio::test]
async fn the_order_is_what_the_test_says() {
    let mut orders = Vec::new();
    for order in [Order::AsHappened, Order::Reversed, Order::Shuffled(1), Order::Shuffled(1)] {
        let fake = FakePaddle::start().await;
        fake.set_time(START);
        let server = endpoint(200).await;
        fake.add_destination(&server.uri(), SECRET, FakePaddle::event_types());
        fake.set_order(order);
        fake.buy(&jo());
        fake.deliver_due().await;
        orders.push(arrived(&server, START).await);
    }
    let [happened, reversed, shuffled, again] = orders.try_into().unwrap();
    assert!(happened.is_sorted());
    assert!(reversed.iter().rev().eq(&happened));
    assert_ne!(shuffled, happened);
    assert_ne!(shuffled, reversed);
    assert_eq!(shuffled, again);
}

#[tokio::test]
async fn a_destination_gets_its_types_from_when_it_is_there_and_on() {
    let fake = FakePaddle::start().await;
    let server = endpoint(200).await;
    fake.buy(&jo());
    let id = fake.add_destination(&server.uri(), SECRET, &["transaction.completed"]);
    assert_eq!(fake.deliver_all().await, 0);
    fake.buy(&jo());
    assert_eq!(fake.deliver_all().await, 1);
    fake.set_destination_active(&id, false);
    fake.buy(&jo());
    assert_eq!(fake.deliver_all().await, 0);
}

#[tokio::test]
async fn a_clock_that_only_runs_ahead_signs_with_the_machines_time() {
    let fake = FakePaddle::start().await;
    let server = endpoint(200).await;
    fake.add_destination(&server.uri(), SECRET, &["transaction.completed"]);
    fake.advance(Duration::from_secs(86_400));
    fake.buy(&jo());
    fake.deliver_due().await;
    let request = server.received_requests().await.unwrap().remove(0);
    let verifier = Verifier::new(SecretKey::new(SECRET).unwrap());
    let signature = request.headers["paddle-signature"].as_bytes();
    assert!(verifier.verify(signature, &request.body).is_ok());
}
