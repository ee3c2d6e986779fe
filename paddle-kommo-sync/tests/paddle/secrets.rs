//! Nothing secret or personal prints, whatever goes wrong.

use std::{
    error::Error as StdError,
    fmt::Debug,
    io::Write,
    sync::{Arc, Mutex},
};

use paddle_kommo_sync::{
    CustomerLookup,
    fake_paddle::{FakePaddle, Fault, Purchase},
    paddle::{
        ApiKey, Client, Error, EventFilter, NewTransaction, NotificationFilter,
        TransactionItemRequest, TransactionPatch,
    },
};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{KEY, answering, answering_json, builder, client, page};

/// Every text that must not be seen.
const CANARIES: [&str; 3] = ["canary", "jo@example.com", KEY];

fn check(what: &str, text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{what} says {canary}: {text}");
    }
}

fn check_error(error: &Error) {
    check("Debug", &format!("{error:?}"));
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        check("Display", &error.to_string());
        cause = error.source();
    }
}

fn check_debug(value: &impl Debug) {
    check("Debug", &format!("{value:?} {value:#?}"));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn errors_and_logs_hold_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole binary, since callsites that other tests came by first would stay silent for one thread's.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let refusal = json!({"error": {"code": "bad_request", "detail": "canary",
        "errors": [{"field": "email", "message": "canary jo@example.com"}]}});
    for template in [
        ResponseTemplate::new(400).set_body_json(&refusal),
        ResponseTemplate::new(403).set_body_string("canary"),
        ResponseTemplate::new(429).insert_header("retry-after", "canary"),
        ResponseTemplate::new(500).set_body_string("canary"),
        ResponseTemplate::new(302).insert_header("location", "https://canary.example/"),
        ResponseTemplate::new(200).set_body_string(r#"{"data":"canary"}"#),
        ResponseTemplate::new(200).set_body_string(r#"{"data":{"id":["canary"]}}"#),
        ResponseTemplate::new(200).set_body_string("canary"),
    ] {
        let (_server, client) = answering(template).await;
        check_error(&client.customers().find_by_email("jo@example.com").await.unwrap_err());
        check_error(&client.customers().search("canary").next().await.unwrap_err());
        let lookup = client.email(&"ctm_1".into()).await;
        if let Err(error) = lookup {
            check_debug(&error);
        }
    }
    let nobody = builder("http://127.0.0.1:1", KEY).attempts(1).build().unwrap();
    check_error(&nobody.customers().find_by_email("jo@example.com").await.unwrap_err());

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("paddle request"), "the log was looked at");
    check("the log", &log);
}

#[tokio::test]
async fn values_hold_no_secret_in_their_debug() {
    let key = ApiKey::new(KEY).unwrap();
    check_debug(&key);
    let builder = Client::builder(key).base_url("https://canary:canary@canary.example");
    check_debug(&builder);
    check_debug(&builder.build().unwrap_err());

    let item = TransactionItemRequest::new("pri_1".into(), 1);
    let new = NewTransaction::new([item]).custom_data("x", "canary").checkout_url("https://canary");
    check_debug(&new);
    check_debug(&TransactionPatch::new().custom_data("x", "canary"));

    let customer = json!({"id": "ctm_1", "name": "canary", "email": "jo@example.com"});
    let unreadable = json!({"id": ["canary"], "email": "jo@example.com"});
    let (_server, client) = answering_json(&page(&json!([customer, unreadable]))).await;
    check_debug(&client.customers().search("canary").all().await.unwrap());
    check_debug(&client.customers().search("canary"));

    let event = json!({"event_id": "evt_1", "event_type": "customer.created",
        "occurred_at": "2026-03-01T12:00:00Z", "data": customer});
    let broken = json!({"event_id": "evt_2", "occurred_at": "canary", "data": customer});
    let (_server, client) = answering_json(&page(&json!([event, broken]))).await;
    check_debug(&client.events().list(&EventFilter::new()).all().await.unwrap());

    let notice = json!({"id": "ntf_1", "payload": event});
    let broken = json!({"id": "ntf_1", "times_attempted": "canary", "payload": event});
    let (_server, client) = answering_json(&page(&json!([notice, broken]))).await;
    let filter = NotificationFilter::new();
    check_debug(&client.notifications().list(&filter).unwrap().all().await.unwrap());

    let setting = json!({"id": "ntfset_1", "destination": "https://canary",
        "endpoint_secret_key": "canary"});
    let (_server, client) = answering_json(&page(&json!([setting]))).await;
    check_debug(&client.notification_settings().list().await.unwrap());

    let link = json!({"data": {"url": "https://s3.example/x.pdf?X-Amz-Signature=canary"}});
    let (_server, client) = answering_json(&link).await;
    check_debug(&client.transactions().invoice_pdf(&"txn_1".into()).await.unwrap());
}

#[tokio::test]
async fn the_fake_keeps_its_key_to_itself() {
    let fake = FakePaddle::start().await;
    fake.add_destination("http://127.0.0.1:1/", "canary", &["transaction.completed"]);
    fake.fail_next(Fault::status(500).on("POST", "/transactions"));
    fake.buy(&Purchase::new("jo@example.com"));
    let client = client(&fake);
    let settings = client.notification_settings().list().await.unwrap();
    check_debug(&(&fake, settings));
    assert!(!format!("{fake:?}{client:?}{:?}", fake.requests()).contains(&fake.api_key()));
}
