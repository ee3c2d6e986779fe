//! What was sold before the service was there, through the operator's route.

use std::{num::NonZeroU32, time::Duration};

use e2e::{ADMIN_TOKEN, Kind, Setup, World};
use kommo_client::fake::FakeLead;
use paddle_kommo_sync::{
    fake_paddle::{FakePaddle, Purchase},
    paddle::{ApiKey, Client},
};
use serde_json::Value;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

#[tokio::test]
async fn a_year_of_history_comes_into_the_deals_without_a_task() {
    let paddle = FakePaddle::start().await;
    paddle.set_behind(YEAR);
    let key = ApiKey::new(paddle.api_key()).expect("it is a key");
    let client = Client::builder(key)
        .base_url(&paddle.uri())
        .requests_per_minute(NonZeroU32::MAX)
        .build()
        .expect("a client");
    let setup = Setup { paddle: Some(client), ..Setup::default() };
    let world = World::with(Kind::Axum, setup).await;
    let mut leads = Vec::new();
    for number in 0..12 {
        let lead = world.kommo.add_lead(FakeLead::new(&format!("Deal {number}")));
        let purchase = Purchase::new(&format!("buyer{number}@example.com"));
        let sale = paddle.buy(&purchase.custom_data("kommo_lead_id", &lead.to_string()));
        paddle.advance(YEAR / 13);
        if number % 3 == 0 {
            paddle.cancel_subscription(&sale.subscription.expect("it is recurring"));
        }
        leads.push(lead);
    }
    let token = format!("Bearer {ADMIN_TOKEN}");
    let lines = async |method: &str| -> Vec<Value> {
        let path = "/admin/backfill?since=2020-01-01";
        let (status, text) = world.admin(method, path, Some(&token), None).await;
        assert_eq!(status, 200, "{text}");
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    };
    let said = lines("GET").await;
    let previews = said.iter().filter(|line| line.get("preview").is_some()).count();
    let filled = said.last().expect("a line").clone();
    assert_eq!((previews, &filled["backfilled"]["taken"]), (24, &24.into()), "{filled}");
    assert_eq!(world.kommo.ledger().len(), 0, "it was only said");

    let filled = lines("POST").await.pop().expect("a line");
    assert_eq!(filled["backfilled"]["taken"], 24);
    world.settled().await;
    for (number, lead) in leads.iter().enumerate() {
        let deal = world.kommo.lead(*lead).expect("the deal is there");
        assert_eq!((&deal["status_id"], &deal["price"]), (&142.into(), &599.into()), "{number}");
        let notes = world.kommo.note_texts(*lead);
        assert_eq!(notes.len(), 2, "paid, and its invoice: {notes:?}");
        assert_eq!(world.kommo.tasks(*lead).len(), 0, "{number}");
    }
    let requests = world.kommo.requests();
    let notes: Vec<&Value> = requests
        .iter()
        .filter(|request| request.method == "POST" && request.path.ends_with("/notes"))
        .filter_map(|request| request.body.as_array())
        .flatten()
        .collect();
    assert_eq!(notes.len(), 24);
    let is_quiet = |note: &&Value| note["is_need_to_trigger_digital_pipeline"] == false;
    assert!(notes.iter().all(is_quiet), "no note starts an automation");
    let writes = world.kommo.ledger().len();
    let again = lines("POST").await.pop().expect("a line");
    assert_eq!(
        (&again["backfilled"]["taken"], &again["backfilled"]["known"]),
        (&0.into(), &24.into())
    );
    world.settled().await;
    assert_eq!(world.kommo.ledger().len(), writes);
    world.server.stop().await;
}
