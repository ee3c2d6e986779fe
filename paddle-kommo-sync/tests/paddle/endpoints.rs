//! Every endpoint, against the fake.

use std::{collections::BTreeSet, time::Duration};

use paddle_kommo_sync::{
    fake_paddle::{FakePaddle, PRO_MONTHLY, Purchase, SETUP_ONCE},
    paddle::{
        ErrorKind, EventFilter, Fate, NewCustomer, NewTransaction, NotificationFilter,
        NotificationSettingId, SubscriptionFilter, TransactionFilter, TransactionItemRequest,
        TransactionOrder, TransactionPatch,
    },
};
use paddle_webhook::{
    AdjustmentStatus, Environment, EventType, SubscriptionStatus, TransactionId, TransactionOrigin,
    TransactionStatus,
};
use time::macros::datetime;

use crate::support::{all, client};

fn jo() -> Purchase {
    Purchase::new("jo@example.com").name("Jo").custom_data("kommo_lead_id", "7")
}

fn seats(quantity: u32) -> TransactionItemRequest {
    TransactionItemRequest::new(PRO_MONTHLY.into(), quantity)
}

#[tokio::test]
async fn customers_are_got_found_and_searched() {
    let fake = FakePaddle::start().await;
    let jo = fake.add_customer("jo@example.com", Some("Jo Brown"));
    let other = fake.add_customer("al+x@example.com", None);
    let customers = client(&fake).customers();

    let found = customers.get(&jo).await.unwrap().unwrap();
    assert_eq!(found.email.as_deref(), Some("jo@example.com"));
    assert_eq!(found.name.as_deref(), Some("Jo Brown"));
    assert_eq!(customers.get(&"ctm_none".into()).await.unwrap(), None);

    let found = customers.find_by_email("al+x@example.com").await.unwrap();
    assert_eq!(found.into_iter().map(|found| found.unwrap().id).collect::<Vec<_>>(), [other]);
    assert!(customers.find_by_email("nobody@example.com").await.unwrap().is_empty());
    for email in ["", "a@b.example,c@d.example"] {
        let error = customers.find_by_email(email).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (ErrorKind::InvalidRequest, Fate::NotSent));
    }

    let found = all(customers.search("Brown")).await;
    assert_eq!(found.into_iter().map(|found| found.id).collect::<Vec<_>>(), [jo]);
}

#[tokio::test]
async fn a_customer_is_made_once() {
    let fake = FakePaddle::start().await;
    let customers = client(&fake).customers();
    let made =
        customers.create(&NewCustomer::new("jo@example.com").name("Jo Brown")).await.unwrap();
    assert_eq!(customers.get(&made.id).await.unwrap().unwrap().name.as_deref(), Some("Jo Brown"));
    for (email, code) in
        [("jo@example.com", "customer_already_exists"), ("jo@nowhere", "customer_email_invalid")]
    {
        let new = NewCustomer::new(email);
        assert_eq!(format!("{new:?}"), "NewCustomer([redacted])");
        let error = customers.create(&new).await.unwrap_err();
        assert_eq!((error.code(), error.fate()), (Some(code), Fate::Refused));
    }
    let found = customers.find_by_email("jo@example.com").await.unwrap();
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn a_transaction_is_made_revised_canceled_and_listed() {
    let fake = FakePaddle::start().await;
    let transactions = client(&fake).transactions();
    let new = NewTransaction::new([seats(2)]).custom_data("kommo_lead_id", "7");

    let made = transactions.create(&new).await.unwrap();
    assert_eq!(made.status, TransactionStatus::Draft);
    assert_eq!(made.origin, TransactionOrigin::Api);
    assert_eq!(made.custom_data.u64("kommo_lead_id").unwrap(), Some(7));
    // 2 × 599.00, and 10 % tax.
    assert_eq!(made.total().unwrap().to_string(), "1317.80 USD");
    let url = made.checkout.unwrap().url.unwrap();
    assert_eq!(url, format!("https://pay.example.com/?_ptxn={}", made.id));

    let revised =
        transactions.update(&made.id, &TransactionPatch::new().items([seats(3)])).await.unwrap();
    assert_eq!(revised.items[0].quantity, Some(3));
    assert_eq!(revised.total().unwrap().to_string(), "1976.70 USD");
    assert_eq!(revised.custom_data.u64("kommo_lead_id").unwrap(), Some(7), "it stays");

    let canceled = transactions.cancel(&made.id).await.unwrap();
    assert_eq!(canceled.status, TransactionStatus::Canceled);
    let error = transactions.cancel(&made.id).await.unwrap_err();
    assert_eq!(error.code(), Some("transaction_immutable"));
    assert_eq!((error.kind(), error.fate()), (ErrorKind::Refused, Fate::Refused));

    let got = transactions.get(&made.id).await.unwrap().unwrap();
    assert_eq!(got.status, TransactionStatus::Canceled);
    assert_eq!(transactions.get(&"txn_none".into()).await.unwrap(), None);
}

#[tokio::test]
async fn transactions_are_listed_by_what_they_are() {
    let fake = FakePaddle::start().await;
    fake.set_time(datetime!(2026-03-01 12:00 UTC));
    let first = fake.buy(&jo());
    fake.advance(Duration::from_secs(3_600));
    let second = fake.buy(&Purchase::new("al@example.com"));
    let renewal = fake.renew(first.subscription.as_ref().unwrap()).unwrap();
    let transactions = client(&fake).transactions();
    let ids = async |filter: TransactionFilter| {
        let listed = all(transactions.list(&filter).unwrap()).await;
        listed.into_iter().map(|transaction| transaction.id).collect::<Vec<_>>()
    };

    let filter = TransactionFilter::new;
    let (one, two, three) = (&first.transaction, &second.transaction, &renewal);
    let eq = async |filter, want: &[&TransactionId]| {
        assert_eq!(ids(filter).await.iter().collect::<Vec<_>>(), want);
    };
    eq(filter(), &[one, two, three]).await;
    eq(filter().customer(&first.customer), &[one, three]).await;
    eq(filter().id(two), &[two]).await;
    eq(filter().subscription(first.subscription.as_ref().unwrap()), &[one, three]).await;
    eq(filter().origin(TransactionOrigin::SubscriptionRecurring), &[three]).await;
    eq(filter().status(TransactionStatus::Draft), &[]).await;
    let since = datetime!(2026-03-01 13:00 UTC);
    let later = filter().created_from(since).order(TransactionOrder::UpdatedAt);
    eq(later, &[two, three]).await;
    eq(filter().created_before(since), &[one]).await;
    let number = fake.transaction(one).unwrap()["invoice_number"].as_str().unwrap().to_owned();
    eq(filter().invoice_number(&number), &[one]).await;
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let fake = FakePaddle::start().await;
    for _ in 0..65 {
        fake.buy(&jo().price(SETUP_ONCE));
    }
    let client = client(&fake);
    let listed = all(client.transactions().list(&TransactionFilter::new()).unwrap()).await;
    assert_eq!(listed.len(), 65);
    assert_eq!(fake.requests().len(), 3, "30 a page");
    let events = all(client.events().list(&EventFilter::new())).await;
    assert_eq!(events.len(), fake.events().len());
    let ids: BTreeSet<_> = events.iter().map(|event| event.id().as_str().to_owned()).collect();
    assert_eq!(ids.len(), events.len());
}

#[tokio::test]
async fn documents_are_linked_for_an_hour() {
    let fake = FakePaddle::start().await;
    let sale = fake.buy(&jo());
    let client = client(&fake);
    let refund = fake.refund(&sale.transaction, None).unwrap();
    let error = client.adjustments().credit_note_pdf(&refund).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "not yet approved");
    fake.settle_refunds(true);

    let invoice = client.transactions().invoice_pdf(&sale.transaction).await.unwrap();
    let credit_note = client.adjustments().credit_note_pdf(&refund).await.unwrap();
    for link in [&invoice, &credit_note] {
        let pdf = reqwest::get(link.as_str()).await.unwrap();
        assert_eq!(pdf.headers()["content-type"], "application/pdf");
        assert!(pdf.bytes().await.unwrap().starts_with(b"%PDF-"));
    }
    fake.advance(Duration::from_secs(3_601));
    assert_eq!(reqwest::get(invoice.as_str()).await.unwrap().status(), 403);

    let open = client.transactions().create(&NewTransaction::new([seats(1)])).await.unwrap();
    let error = client.transactions().invoice_pdf(&open.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn subscriptions_and_adjustments_are_found() {
    let fake = FakePaddle::start().await;
    let sale = fake.buy(&jo());
    let subscription = sale.subscription.unwrap();
    let client = client(&fake);

    let got = client.subscriptions().get(&subscription).await.unwrap().unwrap();
    assert_eq!(got.status, SubscriptionStatus::Active);
    assert_eq!(got.custom_data.u64("kommo_lead_id").unwrap(), Some(7), "inherited");
    assert_eq!(client.subscriptions().get(&"sub_none".into()).await.unwrap(), None);
    fake.fail_card(&subscription).unwrap();
    let filter =
        SubscriptionFilter::new().customer(&sale.customer).status(SubscriptionStatus::PastDue);
    assert_eq!(all(client.subscriptions().list(&filter)).await.len(), 1);
    assert!(fake.recover(&subscription));
    assert!(all(client.subscriptions().list(&filter)).await.is_empty());

    let part = fake.refund(&sale.transaction, Some(10_000)).unwrap();
    fake.settle_refunds(false);
    let rest = fake.refund(&sale.transaction, None).unwrap();
    fake.settle_refunds(true);
    let of = all(client.adjustments().of_transaction(&sale.transaction)).await;
    let of: Vec<_> = of.into_iter().map(|adjustment| (adjustment.id, adjustment.status)).collect();
    assert_eq!(
        of,
        [(part.clone(), AdjustmentStatus::Rejected), (rest, AdjustmentStatus::Approved)]
    );
    let got = client.adjustments().get(&part).await.unwrap().unwrap();
    assert_eq!(got.transaction_id, Some(sale.transaction));
    assert_eq!(client.adjustments().get(&"adj_none".into()).await.unwrap(), None);
    assert_eq!(all(client.adjustments().list()).await.len(), 2);
}

#[tokio::test]
async fn events_come_in_order_after_a_cursor_and_by_type() {
    let fake = FakePaddle::start().await;
    fake.buy(&jo());
    let events = client(&fake).events();
    let listed = all(events.list(&EventFilter::new())).await;
    let types: Vec<_> = listed.iter().map(|event| event.event_type().as_str()).collect();
    assert_eq!(
        types,
        [
            "transaction.created",
            "customer.created",
            "address.created",
            "transaction.updated",
            "transaction.ready",
            "transaction.paid",
            "subscription.created",
            "subscription.activated",
            "transaction.updated",
            "transaction.completed",
        ]
    );
    let of_api = &listed[0];
    assert_eq!((of_api.notification_id(), of_api.environment()), (None, Environment::Live));
    for event in &listed {
        event.data().unwrap();
    }

    let later = all(events.list(&EventFilter::new().after(listed[7].id()))).await;
    assert_eq!(later.len(), 2);
    assert!(all(events.list(&EventFilter::new().after(later[1].id()))).await.is_empty());
    let filter = EventFilter::new()
        .event_type(EventType::TransactionCompleted)
        .event_type(EventType::CustomerCreated);
    assert_eq!(all(events.list(&filter)).await.len(), 2);

    let types = events.types().await.unwrap();
    assert!(types.contains(&EventType::TransactionCompleted));
}

#[tokio::test]
async fn notifications_fail_and_are_replayed() {
    let fake = FakePaddle::start().await;
    // Nobody listens there.
    let setting = fake.add_destination("http://127.0.0.1:1/", "secret", &["transaction.completed"]);
    let setting = NotificationSettingId::from(setting.as_str());
    let sale = fake.buy(&jo());
    let notifications = client(&fake).notifications();
    let failed = NotificationFilter::failed().setting(&setting);

    let waiting = all(notifications.list(&NotificationFilter::new()).unwrap()).await;
    assert_eq!(waiting[0].status.as_deref(), Some("not_attempted"));
    assert!(!waiting[0].can_be_replayed());
    let error = notifications.replay(&waiting[0].id).await.unwrap_err();
    assert_eq!(error.code(), Some("notification_cannot_replay"));

    fake.deliver_all().await;
    let found = all(notifications.list(&failed).unwrap()).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].is_failed() && found[0].can_be_replayed());
    assert_eq!(found[0].times_attempted, Some(61));
    assert_eq!(found[0].event_type, Some(EventType::TransactionCompleted));
    assert_eq!(found[0].notification_setting_id.as_ref(), Some(&setting));
    let event = found[0].event(Environment::Live).unwrap().unwrap();
    assert_eq!(event.notification_id(), Some(&found[0].id));

    let replayed = notifications.replay(&found[0].id).await.unwrap();
    assert_ne!(replayed, found[0].id);
    let about = NotificationFilter::new().about(sale.transaction.as_str());
    let both = all(notifications.list(&about).unwrap()).await;
    assert_eq!(both[1].origin.as_deref(), Some("replay"));
    assert_eq!(both[1].event(Environment::Live).unwrap().unwrap().id(), event.id());
    fake.deliver_all().await;
    let error = notifications.replay(&replayed).await.unwrap_err();
    assert_eq!(error.code(), Some("notification_replay_invalid_origin_type"));
}

#[tokio::test]
async fn destinations_say_what_they_deliver() {
    let fake = FakePaddle::start().await;
    let id = fake.add_destination("https://a.example/hook", "secret", &["transaction.completed"]);
    let settings = client(&fake).notification_settings();
    let needed = [EventType::TransactionCompleted, EventType::AdjustmentUpdated];

    let all = settings.list().await.unwrap();
    let setting = all[0].as_ref().unwrap();
    assert_eq!(setting.destination.as_deref(), Some("https://a.example/hook"));
    assert_eq!(setting.missing(&needed), [&EventType::AdjustmentUpdated]);

    fake.set_destination_active(&id, false);
    let setting = settings.get(&id.as_str().into()).await.unwrap().unwrap();
    assert_eq!(setting.missing(&needed).len(), 2, "it is switched off");
    assert!(settings.get(&"ntfset_none".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn prices_currencies_and_addresses_are_told() {
    let fake = FakePaddle::start().await;
    let added = fake.add_price("Max", 99_900, "EUR", Some("year"));
    let client = client(&fake);

    let price = client.prices().get(&added).await.unwrap().unwrap();
    assert_eq!(price.name.as_deref(), Some("Max"));
    assert_eq!(price.unit_price.unwrap().amount.unwrap().minor(), 99_900);
    assert_eq!(client.prices().get(&"pri_none".into()).await.unwrap(), None);
    assert_eq!(all(client.prices().list(None)).await.len(), 3);
    let of_product = all(client.prices().list(price.product_id.as_ref())).await;
    assert_eq!(of_product.into_iter().map(|price| price.id).collect::<Vec<_>>(), [added]);

    let currencies = client.currencies().await.unwrap();
    let places = |code: &str| {
        let found = currencies.iter().find(|currency| currency.code.code() == code);
        found.unwrap().decimal_places
    };
    assert_eq!((places("USD"), places("JPY"), places("HUF")), (2, 0, 2));
    assert!(client.webhook_addresses().await.unwrap().contains(&"34.232.58.13/32".to_owned()));
}
