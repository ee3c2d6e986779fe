//! What becomes of the deal.

use e2e::{Kind, LEAD, World, bodies};
use serde_json::json;

const BOTH: [Kind; 2] = [Kind::Axum, Kind::Actix];

#[tokio::test]
async fn a_payment_closes_the_deal_and_ten_deliveries_are_one_note() {
    for kind in BOTH {
        let world = World::start(kind).await;
        for _ in 0..10 {
            assert_eq!(world.deliver(&bodies::payment("evt_1", LEAD)).await, 200, "{kind:?}");
        }
        world.settled().await;
        let lead = world.kommo.lead(LEAD).expect("the deal is there");
        assert_eq!((&lead["status_id"], &lead["price"]), (&json!(142), &json!(599)), "{kind:?}");
        assert_eq!(world.kommo.field_value(LEAD, "PADDLE_TXN_ID"), Some(json!("txn_of_evt_1")));
        let ledger = world.kommo.ledger();
        assert_eq!(ledger.len(), 2, "{kind:?}: {ledger:?}");
        assert!(ledger.iter().all(|entry| !entry.closed_without_pipeline));
    }
}

#[tokio::test]
async fn paddles_own_examples_tell_a_whole_sale() {
    for kind in BOTH {
        let world = World::start(kind).await;
        let story = [
            "transaction.created",
            "customer.created",
            "transaction.ready",
            "transaction.paid",
            "subscription.created",
            "subscription.activated",
            "transaction.completed",
            "subscription.canceled",
        ];
        for event_type in story {
            let Some(body) = bodies::official(event_type, LEAD) else { return };
            assert_eq!(world.deliver(&body).await, 200, "{kind:?}: {event_type}");
            world.settled().await;
        }
        let lead = world.kommo.lead(LEAD).expect("the deal is there");
        assert_eq!((&lead["status_id"], &lead["price"]), (&json!(142), &json!(599)), "{kind:?}");
        for (code, want) in [
            ("PADDLE_TXN_ID", json!("txn_01hv8wptq8987qeep44cyrewp9")),
            ("INVOICE_NUMBER", json!("325-10566")),
            // Paddle's example of the cancellation has one more addon than that of the start.
            (
                "PLAN_NAME",
                json!("Monthly (per seat), Monthly (recurring addon), Monthly (recurring addon)"),
            ),
            ("PAYMENT_CURRENCY", json!("USD")),
            ("PADDLE_SUB_ID", json!("sub_01hv8x29kz0t586xy6zn1a62ny")),
            ("SUBSCRIPTION_STATUS", json!("canceled")),
            ("PAYMENT_STATUS", json!("paid")),
        ] {
            assert_eq!(world.kommo.field_value(LEAD, code), Some(want), "{kind:?}: {code}");
        }
        assert_eq!(
            world.kommo.notes(LEAD).len(),
            1,
            "{kind:?}: {:?}",
            world.kommo.note_texts(LEAD)
        );
        assert_eq!(world.kommo.tasks(LEAD).len(), 1, "{kind:?}: win the customer back");
    }
}

#[tokio::test]
async fn every_official_event_is_accepted_and_ends() {
    let Ok(folder) = std::fs::read_dir(bodies::OFFICIAL) else {
        eprintln!("skipped: the fixtures are not beside the checkout");
        return;
    };
    let world = World::start(Kind::Axum).await;
    let mut count = 0;
    for file in folder {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        let body = bodies::official(name.trim_end_matches(".json"), LEAD).expect("it was listed");
        assert_eq!(world.deliver(&body).await, 200, "{name}");
        count += 1;
    }
    assert_eq!(count, 56);
    world.settled().await;
    let stats = world.server.sync().stats().await.expect("the store answers");
    assert!(
        stats.parked.iter().all(|(reason, _)| reason != "unexpected_shape"),
        "{:?}",
        stats.parked
    );
}
