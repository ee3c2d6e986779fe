//! What is sent, and what comes of bodies that are not as the documentation has them.

use paddle_kommo_sync::paddle::{
    ErrorKind, EventFilter, NewTransaction, NotificationFilter, NotificationSettingId,
    SubscriptionFilter, TransactionFilter, TransactionItemRequest, TransactionOrder,
};
use paddle_webhook::{
    Environment, EventType, SubscriptionStatus, TransactionOrigin, TransactionStatus,
};
use serde_json::{Value, json};
use time::macros::datetime;
use wiremock::ResponseTemplate;

use crate::support::{KEY, answering, answering_json, page, target};

#[tokio::test]
async fn every_list_asks_for_the_most_its_kind_allows() {
    let since = datetime!(2026-03-01 12:00:00.5 +1);
    let empty = page(&json!([]));

    let (server, client) = answering_json(&empty).await;
    let filter = TransactionFilter::new()
        .customer(&"ctm_1".into())
        .status(TransactionStatus::Draft)
        .status(TransactionStatus::Ready)
        .origin(TransactionOrigin::Api)
        .created_from(since)
        .order(TransactionOrder::CreatedAt);
    client.transactions().list(&filter).unwrap().all().await.unwrap();
    assert_eq!(
        target(&server).await,
        "GET /transactions customer_id=ctm_1&status=draft,ready&origin=api&\
         created_at[GTE]=2026-03-01T11:00:00.5Z&order_by=created_at[ASC]&per_page=30"
    );

    let (server, client) = answering_json(&empty).await;
    client.adjustments().of_transaction(&"txn_1".into()).all().await.unwrap();
    assert_eq!(
        target(&server).await,
        "GET /adjustments transaction_id=txn_1&order_by=id[ASC]&per_page=50"
    );

    let (server, client) = answering_json(&empty).await;
    let filter = EventFilter::new().after(&"evt_1".into()).event_type(EventType::CustomerCreated);
    client.events().list(&filter).all().await.unwrap();
    assert_eq!(
        target(&server).await,
        "GET /events after=evt_1&event_type=customer.created&order_by=id[ASC]&per_page=200"
    );

    let (server, client) = answering_json(&empty).await;
    let filter = NotificationFilter::failed()
        .setting(&NotificationSettingId::from("ntfset_1"))
        .from(since)
        .to(since)
        .about("txn_1");
    client.notifications().list(&filter).unwrap().all().await.unwrap();
    assert_eq!(
        target(&server).await,
        "GET /notifications notification_setting_id=ntfset_1&status=failed&\
         from=2026-03-01T11:00:00.5Z&to=2026-03-01T11:00:00.5Z&filter=txn_1&\
         order_by=id[ASC]&per_page=200"
    );

    let (server, client) = answering_json(&empty).await;
    let filter =
        SubscriptionFilter::new().customer(&"ctm_1".into()).status(SubscriptionStatus::Active);
    client.subscriptions().list(&filter).all().await.unwrap();
    assert_eq!(
        target(&server).await,
        "GET /subscriptions customer_id=ctm_1&status=active&order_by=id[ASC]&per_page=200"
    );

    let (server, client) = answering_json(&empty).await;
    client.customers().find_by_email("a+b@c.example").await.unwrap();
    assert_eq!(
        target(&server).await,
        "GET /customers email=a+b@c.example&status=active,archived&per_page=200"
    );
}

#[tokio::test]
async fn a_request_says_who_asks_and_in_which_version() {
    let (server, client) = answering_json(&json!({"data": {"id": "txn_1"}})).await;
    let item = TransactionItemRequest::new("pri_1".into(), 1);
    client.transactions().create(&NewTransaction::new([item])).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let header = |name: &str| requests[0].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(header("paddle-version"), "1");
    assert_eq!(header("content-type"), "application/json");
    assert!(header("user-agent").starts_with("paddle-kommo-sync/"));
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(
        body,
        json!({"items": [{"price_id": "pri_1", "quantity": 1}], "collection_mode": "automatic"})
    );
}

#[tokio::test]
async fn a_replay_is_asked_for_without_a_body() {
    let answer = json!({"data": {"notification_id": "ntf_2"}, "meta": {"request_id": "r"}});
    let (server, client) = answering(ResponseTemplate::new(202).set_body_json(answer)).await;
    let new = client.notifications().replay(&"ntf_1".into()).await.unwrap();
    assert_eq!(new, "ntf_2");
    assert_eq!(target(&server).await, "POST /notifications/ntf_1/replay ");
    assert!(server.received_requests().await.unwrap()[0].body.is_empty());
}

#[tokio::test]
async fn an_item_that_cannot_be_read_does_not_take_its_page_along() {
    let items = json!([
        {"id": "ctm_1", "email": "jo@example.com", "status": "new status", "new key": [1.5]},
        {"email": "without id"},
        {"id": "ctm_3", "marketing_consent": "not a boolean"},
        ["ctm_4"],
        null,
        {"id": "ctm_5"},
    ]);
    let (_server, client) = answering_json(&page(&items)).await;
    let read = client.customers().search("x").all().await.unwrap();
    let ids: Vec<_> = read
        .iter()
        .map(|item| match item {
            Ok(customer) => format!("ok {}", customer.id),
            Err(unread) => format!("unread {:?}", unread.id()),
        })
        .collect();
    assert_eq!(
        ids,
        [
            "ok ctm_1",
            "unread None",
            "unread Some(\"ctm_3\")",
            "unread None",
            "unread None",
            "ok ctm_5"
        ]
    );
    let Err(unread) = &read[2] else { panic!() };
    assert_eq!(serde_json::from_str::<Value>(unread.raw()).unwrap(), items[2]);
}

#[tokio::test]
async fn events_of_tomorrow_and_broken_ones_stand_side_by_side() {
    let items = json!([
        {"event_id": "evt_1", "event_type": "moon.landed", "occurred_at": "2026-03-01T12:00:00Z",
         "data": {"currency_code": "XXX"}},
        {"event_id": "evt_2", "event_type": "transaction.completed", "data": {}},
        {"event_id": "evt_3", "event_type": "transaction.completed",
         "occurred_at": "2026-03-01T12:00:00.123456Z",
         "data": {"id": "txn_1", "currency_code": "QQQ", "status": "half_paid"}},
    ]);
    let (_server, client) = answering_json(&page(&items)).await;
    let read = client.events().list(&EventFilter::new()).all().await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().event_type().as_str(), "moon.landed");
    assert_eq!(read[1].as_ref().unwrap_err().id().as_deref(), Some("evt_2"));
    let third = read[2].as_ref().unwrap();
    assert_eq!(third.environment(), Environment::Live);
    third.data().unwrap();
}

#[tokio::test]
async fn destinations_are_read_with_names_or_objects_and_without_the_secret() {
    let items = json!([{
        "id": "ntfset_1", "active": true, "traffic_source": "all",
        "subscribed_events": [{"name": "transaction.completed"}, "customer.created", 7],
        "endpoint_secret_key": "pdl_ntfset_canary",
    }, {
        "id": "ntfset_2", "active": true, "traffic_source": "simulation",
        "subscribed_events": [{"name": "transaction.completed"}],
    }, {"id": "ntfset_3", "subscribed_events": null}]);
    let (_server, client) = answering_json(&page(&items)).await;
    let read = client.notification_settings().list().await.unwrap();
    let delivers =
        |position: usize, event_type| read[position].as_ref().unwrap().delivers(&event_type);
    assert!(delivers(0, EventType::TransactionCompleted));
    assert!(delivers(0, EventType::CustomerCreated));
    assert!(!delivers(1, EventType::TransactionCompleted), "real events do not go there");
    assert!(!delivers(2, EventType::TransactionCompleted));
    assert!(!format!("{:?}", read[0]).contains("canary"));
}

#[tokio::test]
async fn currencies_are_read_one_by_one() {
    let data = json!([
        {"code": "USD", "decimal_places": 2, "name": "US Dollar"},
        {"code": "JPY", "decimal_places": "0"},
        {"code": "usd", "decimal_places": 2},
        {"code": "EUR"},
        {"code": "GBP", "decimal_places": -1},
        7,
    ]);
    let (_server, client) = answering_json(&json!({"data": data, "meta": {}})).await;
    let read = client.currencies().await.unwrap();
    let read: Vec<_> = read
        .iter()
        .map(|currency| (currency.code.code().to_owned(), currency.decimal_places))
        .collect();
    assert_eq!(read, [("USD".to_owned(), 2), ("JPY".to_owned(), 0)]);
}

#[tokio::test]
async fn an_adjustment_that_was_not_asked_for_is_no_answer() {
    let (_server, client) = answering_json(&page(&json!([{"id": "adj_2"}]))).await;
    let error = client.adjustments().get(&"adj_1".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}
