//! What the link ladder asks Paddle.

use std::sync::Arc;

use paddle_kommo_sync::{
    CustomerLookup,
    fake_paddle::{FakePaddle, Fault, Purchase},
    paddle::TransactionLookup,
};
use paddle_webhook::Environment;

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
