//! Paddle's own samples, where they are beside the checkout.

use std::path::Path;

use paddle_kommo_sync::paddle::{
    EventFilter, NotificationFilter, SubscriptionFilter, TransactionFilter,
};
use serde_json::Value;
use wiremock::ResponseTemplate;

use crate::support::{answering, answering_json};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/paddle/api");

fn sample(name: &str) -> Option<Value> {
    if !Path::new(SAMPLES).is_dir() {
        eprintln!("skipped: the fixtures are not beside the checkout");
        return None;
    }
    let text = std::fs::read_to_string(Path::new(SAMPLES).join(format!("{name}.json")));
    let text = text.unwrap_or_else(|error| panic!("{name}: {error}"));
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Reads the first page of a list, whose items must all be readable, and compares how many they are.
macro_rules! lists {
    ($($name:literal => |$client:ident| $pages:expr;)+) => { $({
        let Some(mut body) = sample($name) else { return };
        // Where more follows, it is at a host of Paddle's.
        body["meta"]["pagination"]["has_more"] = false.into();
        let (_server, $client) = answering_json(&body).await;
        let items = $pages.next().await.unwrap_or_else(|error| panic!("{}: {error:?}", $name));
        let items = items.unwrap();
        for item in &items {
            assert!(item.is_ok(), "{}: {:?}", $name, item.as_ref().err());
        }
        assert_eq!(items.len(), body["data"].as_array().unwrap().len(), "{}", $name);
    })+ };
}

#[tokio::test]
async fn lists() {
    lists! {
        "customers_list" => |client| client.customers().search("x");
        "transactions_list" => |client| client.transactions().list(&TransactionFilter::new()).unwrap();
        "transactions_list_page2_py" => |client| client.transactions().list(&TransactionFilter::new()).unwrap();
        "subscriptions_list" => |client| client.subscriptions().list(&SubscriptionFilter::new());
        "adjustments_list" => |client| client.adjustments().list();
        "events_list" => |client| client.events().list(&EventFilter::new());
        "events_list_py" => |client| client.events().list(&EventFilter::new());
        "notifications_list" => |client| client.notifications().list(&NotificationFilter::new()).unwrap();
    }
}

#[tokio::test]
async fn single_objects() {
    for name in [
        "transaction_get",
        "transaction_get_automatic_py",
        "transaction_get_with_includes_py",
        "transaction_get_go",
        "transaction_create_201_manual",
        "transaction_create_201_minimal_py",
    ] {
        let Some(body) = sample(name) else { return };
        let (_server, client) = answering_json(&body).await;
        let read = client.transactions().get(&"txn_1".into()).await.unwrap().unwrap();
        assert_eq!(read.id.as_str(), body["data"]["id"], "{name}");
    }
    for name in ["subscription_get", "subscription_get_with_includes_py"] {
        let Some(body) = sample(name) else { return };
        let (_server, client) = answering_json(&body).await;
        let read = client.subscriptions().get(&"sub_1".into()).await.unwrap().unwrap();
        assert_eq!(read.id.as_str(), body["data"]["id"], "{name}");
    }
    for name in ["price_get", "price_get_paid_trial_py"] {
        let Some(body) = sample(name) else { return };
        let (_server, client) = answering_json(&body).await;
        let read = client.prices().get(&"pri_1".into()).await.unwrap().unwrap();
        assert_eq!(read.id.as_str(), body["data"]["id"], "{name}");
    }
    let Some(body) = sample("customer_get") else { return };
    let (_server, client) = answering_json(&body).await;
    let read = client.customers().get(&"ctm_1".into()).await.unwrap().unwrap();
    assert_eq!(read.email.as_deref(), body["data"]["email"].as_str());
}

#[tokio::test]
async fn what_is_neither_list_nor_entity() {
    let Some(body) = sample("transaction_invoice_pdf") else { return };
    let (_server, client) = answering_json(&body).await;
    let link = client.transactions().invoice_pdf(&"txn_1".into()).await.unwrap();
    assert_eq!(link.as_str(), body["data"]["url"]);

    let Some(body) = sample("adjustment_credit_note") else { return };
    let (_server, client) = answering_json(&body).await;
    let link = client.adjustments().credit_note_pdf(&"adj_1".into()).await.unwrap();
    assert_eq!(link.as_str(), body["data"]["url"]);

    let Some(body) = sample("notification_replay_202") else { return };
    let (_server, client) = answering(ResponseTemplate::new(202).set_body_json(&body)).await;
    let new = client.notifications().replay(&"ntf_1".into()).await.unwrap();
    assert_eq!(new.as_str(), body["data"]["notification_id"]);

    for name in ["event_types_list", "event_types_list_go"] {
        let Some(body) = sample(name) else { return };
        let (_server, client) = answering_json(&body).await;
        let types = client.events().types().await.unwrap();
        assert_eq!(types.len(), body["data"].as_array().unwrap().len(), "{name}");
    }

    let Some(body) = sample("notification_settings_list") else { return };
    let (_server, client) = answering_json(&body).await;
    let settings = client.notification_settings().list().await.unwrap();
    let count = body["data"][0]["subscribed_events"].as_array().unwrap().len();
    assert_eq!(settings[0].as_ref().unwrap().subscribed_events.len(), count);

    let Some(body) = sample("ips") else { return };
    let (_server, client) = answering_json(&body).await;
    assert_eq!(client.webhook_addresses().await.unwrap().len(), 3);
}

#[tokio::test]
async fn refusals() {
    for (name, status, code, fields) in [
        ("errors/400_bad_request_validation", 400, "bad_request", 1),
        ("errors/400_address_location_not_allowed", 400, "address_location_not_allowed", 0),
        ("errors/404_not_found", 404, "not_found", 0),
        ("errors/429_too_many_requests", 429, "too_many_requests", 0),
        ("errors/429_too_many_requests_docs", 429, "too_many_requests", 0),
    ] {
        let Some(body) = sample(name) else { return };
        let (_server, client) = answering(ResponseTemplate::new(status).set_body_json(&body)).await;
        let error = client.webhook_addresses().await.unwrap_err();
        assert_eq!((error.status(), error.code()), (Some(status), Some(code)), "{name}");
        assert_eq!(error.request_id(), body["meta"]["request_id"].as_str(), "{name}");
        assert_eq!(error.fields().len(), fields, "{name}");
    }
}
