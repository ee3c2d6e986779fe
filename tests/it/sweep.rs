//! The sweep beside the worker of the whole service, and what it says on the health page and in the metrics.

use std::{num::NonZeroU32, time::Duration};

use axum_server::settings::Sweeping;
use e2e::{Kind, LEAD, Setup, World};
use paddle_kommo_sync::{
    fake_paddle::{FakePaddle, Purchase},
    paddle::{ApiKey, Client},
};
use serde_json::Value;

async fn world(paddle: &FakePaddle) -> World {
    let key = ApiKey::new(paddle.api_key()).expect("it is a key");
    let client = Client::builder(key)
        .base_url(&paddle.uri())
        .requests_per_minute(NonZeroU32::MAX)
        .attempts(1)
        .build()
        .expect("a client");
    // The first sweep is at the start, and the next one never within a test.
    let sweeping = Sweeping { every: Some(Duration::from_secs(86_400)), destination: None };
    World::with(Kind::Axum, Setup { paddle: Some(client), sweeping, ..Setup::default() }).await
}

async fn health(world: &World) -> Value {
    let (status, text) = world.get("/health/ready").await;
    assert_eq!(status, 200, "deliveries can be stored");
    serde_json::from_str(&text).expect("it is JSON")
}

#[tokio::test]
async fn what_never_arrived_comes_by_itself() {
    let paddle = FakePaddle::start().await;
    let url = "https://example.com/paddle/webhook";
    paddle.add_destination(url, "pdl_ntfset_x", FakePaddle::event_types());
    paddle.buy(&Purchase::new("jo@example.com").custom_data("kommo_lead_id", &LEAD.to_string()));
    let world = world(&paddle).await;
    world.until("the deal is won", async || world.rep(LEAD).stage() == 142).await;
    world
        .until("it was swept", async || health(&world).await["paddle"]["swept_at"].is_string())
        .await;
    assert_eq!(health(&world).await["paddle"]["state"], "ok");
    let (_, metrics) = world.get("/metrics").await;
    assert!(metrics.contains("\npaddle_sweep_taken_total 3\n"), "{metrics}");
    assert!(metrics.contains("\npaddle_alarm{code=\"not_subscribed\"} 0\n"), "{metrics}");
    world.server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_and_receiving_goes_on() {
    let paddle = FakePaddle::start().await;
    let url = "https://example.com/paddle/webhook";
    let types = ["transaction.completed"];
    paddle.add_destination(url, "pdl_ntfset_x", &types);
    let subscribed = world(&paddle).await;
    subscribed
        .until("an alarm", async || health(&subscribed).await["paddle"]["state"] == "alarm")
        .await;
    let page = health(&subscribed).await;
    let text = page["paddle"]["alarms"][0].as_str().expect("a text");
    assert!(
        text.contains("adjustment.updated") && !text.contains("transaction.completed"),
        "{text}"
    );
    let (_, metrics) = subscribed.get("/metrics").await;
    assert!(metrics.contains("\npaddle_alarm{code=\"not_subscribed\"} 1\n"), "{metrics}");
    subscribed.server.stop().await;

    paddle.set_key_valid(false);
    let refused = world(&paddle).await;
    refused.until("an alarm", async || health(&refused).await["paddle"]["state"] == "alarm").await;
    let (_, metrics) = refused.get("/metrics").await;
    assert!(metrics.contains("\npaddle_alarm{code=\"unreachable\"} 1\n"), "{metrics}");
    refused.server.stop().await;
}

#[tokio::test]
async fn without_a_key_it_is_off() {
    let world = World::start(Kind::Axum).await;
    assert_eq!(health(&world).await["paddle"]["state"], "off");
    world.server.stop().await;
}
