//! What the link ladder asks Paddle.

use std::sync::Arc;

use kommo_client::{
    AccessToken,
    fake::{FakeKommo, FakeLead},
};
use paddle_kommo_sync::{
    CustomerLookup, MemoryStore, Outcome,
    fake_paddle::{FakePaddle, Fault, Purchase},
    paddle::TransactionLookup,
};
use paddle_webhook::{Environment, Event};

use crate::support::{KEY, builder, client};

#[tokio::test]
async fn a_customers_address_is_told() {
    let fake = FakePaddle::start().await;
    let jo = fake.add_customer("jo@example.com", None);
    let lookup: Arc<dyn CustomerLookup> = Arc::new(client(&fake));
    assert_eq!(lookup.email(&jo).await.unwrap().as_deref(), Some("jo@example.com"));
    // Unknown, of another kind, and no id at all: nobody, and no reason to wait.
    for id in ["ctm_none", "txn_1", "../x", ""] {
        assert_eq!(lookup.email(&id.into()).await.unwrap(), None, "{id}");
    }
    for fault in [Fault::status(503), Fault::html(404), Fault::status(403), Fault::html(200)] {
        fake.fail_next(fault.always());
        lookup.email(&jo).await.unwrap_err();
        fake.clear_faults();
    }
}

#[tokio::test]
async fn a_transaction_tells_its_deal() {
    let fake = FakePaddle::start().await;
    let sale = fake.buy(&Purchase::new("jo@example.com").custom_data("kommo_lead_id", "20024930"));
    let lookup: Arc<dyn TransactionLookup> = Arc::new(client(&fake));
    let told = lookup.transaction(&sale.transaction).await.unwrap().unwrap();
    assert_eq!(told.custom_data.u64("kommo_lead_id").unwrap(), Some(20_024_930));
    assert_eq!(told.subscription_id, sale.subscription);
    assert_eq!(told.customer_id, Some(sale.customer));
    for id in ["txn_none", "ctm_1", "../x", ""] {
        assert_eq!(lookup.transaction(&id.into()).await.unwrap(), None, "{id}");
    }
    fake.set_key_valid(false);
    lookup.transaction(&sale.transaction).await.unwrap_err();
}

#[test]
fn the_environment_of_key_and_secrets_is_compared() {
    let client = builder("http://127.0.0.1:1", KEY).build().unwrap();
    assert_eq!(client.environment(), Environment::Live);
    assert!(client.check_environment(Environment::Live).is_ok());
    let error = client.check_environment(Environment::Sandbox).unwrap_err();
    assert_eq!(error.to_string(), "the API key is for live, the webhook secrets are not");
}

#[tokio::test]
async fn a_payment_that_names_no_deal_finds_it_by_the_customers_address() {
    let paddle = FakePaddle::start().await;
    let kommo = FakeKommo::in_memory();
    kommo.add_paddle_fields();
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    kommo.add_contact("Jo", &["jo@example.com"], &[lead]);
    let token = AccessToken::new(kommo.token()).unwrap();
    let client_of_kommo =
        kommo_client::Client::builder(&kommo.uri(), token).answered_by(&kommo).build().unwrap();
    let sync = paddle_kommo_sync::Sync::builder(client_of_kommo, MemoryStore::new())
        .customers(client(&paddle))
        .build()
        .await
        .unwrap();
    paddle.buy(&Purchase::new("jo@example.com"));
    for event in paddle.events() {
        // Nothing but the payment: the address is in none of its fields.
        if event["event_type"] == "transaction.completed" {
            let event = Event::from_trusted(event.to_string().as_bytes(), Environment::Live);
            let outcome = sync.handle(&event.unwrap()).await.unwrap();
            assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
        }
    }
    assert_eq!(kommo.lead(lead).unwrap()["status_id"], 142);
}
