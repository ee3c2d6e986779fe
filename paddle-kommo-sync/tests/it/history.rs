//! What was sold before the service saw anything comes into the deals, and nobody is asked to do anything about it.

use paddle_kommo_sync::{
    Backfilled, MemoryStore, OnWon, OnWonAction, Preview, Reason,
    fake_paddle::{Fault, Sale},
    plan::{Effect, PlannedEffect},
};
use serde_json::json;
use time::OffsetDateTime;

use super::support::{
    LEAD, LOST, NOW, PIPELINE, WON, World,
    events::{event, named, refund, renewal, subscription, time, transaction},
    shop::{DAY, Shop, work},
};

async fn backfill(shop: &Shop, since: OffsetDateTime) -> Backfilled {
    shop.world.sync.backfill(&shop.client, since, &mut |_| {}).await.unwrap()
}

/// Somebody bought a year ago, renewed, got a part back, and ended it.
fn story(shop: &Shop, lead: u64) -> Sale {
    let sale = shop.buy(lead);
    let subscription = sale.subscription.as_ref().unwrap();
    shop.advance(30 * DAY);
    shop.paddle.renew(subscription).unwrap();
    shop.paddle.refund(&sale.transaction, Some(10_000)).unwrap();
    shop.paddle.settle_refunds(true);
    shop.advance(200 * DAY);
    shop.paddle.cancel_subscription(subscription);
    sale
}

#[tokio::test]
async fn history_comes_into_the_deals_quietly_and_once() {
    let tag = OnWon::new(OnWonAction::AddTag("starred".to_owned()));
    let shop = Shop::with(|config| config.on_won = vec![tag]).await;
    let lead = shop.deal();
    let sale = story(&shop, lead);
    let filled = backfill(&shop, NOW).await;
    assert_eq!((filled.read, filled.taken, filled.known), (4, 4, 0));
    shop.work().await;

    let kommo = &shop.world.kommo;
    let deal = kommo.lead(lead).unwrap();
    assert_eq!((deal["status_id"].as_u64(), deal["price"].as_i64()), (Some(WON), Some(599)));
    let field = |code| kommo.field_value(lead, code).unwrap_or_default();
    assert_eq!(field("PADDLE_TXN_ID"), json!(sale.transaction));
    assert_eq!(field("PAYMENT_STATUS"), json!("partially_refunded"));
    assert_eq!(field("SUBSCRIPTION_STATUS"), json!("canceled"));
    let notes = kommo.note_texts(lead);
    assert_eq!(notes.len(), 3, "paid, renewed, refunded: {notes:?}");
    assert_eq!(kommo.tasks(lead).len(), 0);
    let ledger = kommo.ledger();
    let tags = ledger.iter().filter(|entry| entry.body.to_string().contains("starred"));
    assert_eq!(tags.count(), 0, "nothing of [[on_won]] is started");
    let requests = kommo.requests();
    let sent: Vec<_> = requests
        .iter()
        .filter(|request| request.method == "POST" && request.path.ends_with("/notes"))
        .filter_map(|request| request.body.as_array())
        .flatten()
        .collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|note| note["is_need_to_trigger_digital_pipeline"] == false));

    let writes = shop.world.writes();
    let again = backfill(&shop, NOW).await;
    assert_eq!((again.read, again.taken, again.known), (4, 0, 4));
    shop.work().await;
    assert_eq!(shop.world.writes(), writes);
    assert!(shop.report().await.is_explained());
}

#[tokio::test]
async fn a_deal_that_a_person_won_gets_its_fields_and_keeps_the_rest() {
    let shop = Shop::open().await;
    let lead = shop.deal();
    let sale = shop.buy(lead);
    shop.world.kommo.move_lead(lead, PIPELINE, WON);
    backfill(&shop, NOW).await;
    shop.work().await;
    let deal = shop.world.kommo.lead(lead).unwrap();
    assert_eq!((deal["status_id"].as_u64(), deal["price"].as_i64()), (Some(WON), Some(0)));
    let named = shop.world.kommo.field_value(lead, "PADDLE_TXN_ID");
    assert_eq!(named, Some(json!(sale.transaction)));
    let notes = shop.world.kommo.note_texts(lead);
    assert!(matches!(&notes[..], [note] if note.starts_with("Paid 658.90 USD")), "{notes:?}");
    let story = shop.world.sync.explain(&lead.to_string()).await.unwrap();
    let told = serde_json::to_string(&story).unwrap();
    assert!(told.contains(Reason::WonBefore.code()), "{told}");
    assert_eq!(shop.world.kommo.tasks(lead).len(), 0);

    // What is bought later is another payment, as ever.
    shop.advance(DAY);
    shop.sweep().await;
    let next = shop.buy(lead);
    shop.sweep().await;
    shop.work().await;
    assert_eq!(shop.world.kommo.tasks(lead).len(), 2, "second payment, second subscription");
    let named = shop.world.kommo.field_value(lead, "PADDLE_TXN_ID");
    assert_ne!(named, Some(json!(next.transaction)));
}

#[tokio::test]
async fn what_was_asked_of_nobody_may_be_asked_later() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let mut ending = subscription("active");
    ending["scheduled_change"] =
        json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    let told = world.done(&named("history_sub_seats_1", "subscription.updated", 10, &ending)).await;
    assert!(told.contains(&Reason::CancelScheduled), "{told:?}");
    assert_eq!((world.notes().len(), world.tasks().len()), (2, 0));
    let mut canceled = subscription("canceled");
    canceled["updated_at"] = json!(time(20));
    let told = world.done(&event("subscription.canceled", 20, &canceled)).await;
    assert_eq!(told, [Reason::SubscriptionCanceled]);
    assert_eq!(world.tasks().len(), 1);
}

#[tokio::test]
async fn a_backfill_goes_on_where_it_was() {
    let store = MemoryStore::new();
    let shop = Shop::on(store.clone(), |_| {}).await;
    for _ in 0..70 {
        let lead = shop.deal();
        shop.buy(lead);
    }
    // Transactions come 30 a page: the third breaks off, and the process ends.
    shop.paddle.fail_next(Fault::status(503).on("GET", "/transactions").skip(2));
    shop.world.sync.backfill(&shop.client, NOW, &mut |_| {}).await.unwrap_err();
    let asked = shop.paddle.requests().len();
    let restarted = shop.restarted(store).await;
    let filled = restarted.backfill(&shop.client, NOW, &mut |_| {}).await.unwrap();
    assert_eq!(
        (filled.read, filled.taken),
        (80, 80),
        "10 transactions are left, and 70 subscriptions"
    );
    let next = &shop.paddle.requests()[asked];
    assert!(next.target.contains("after=txn_"), "{next:?}");
    work(&restarted).await;
    assert!(shop.report().await.is_explained());
    // With another date it begins anew.
    let all = restarted.backfill(&shop.client, NOW - DAY, &mut |_| {}).await.unwrap();
    assert_eq!((all.read, all.taken), (140, 0));
}

#[tokio::test]
async fn a_preview_says_what_would_be_and_does_nothing() {
    let shop = Shop::open().await;
    let (open, lost) = (shop.deal(), shop.deal());
    shop.buy(open);
    shop.buy(lost);
    shop.world.kommo.move_lead(lost, PIPELINE, LOST);
    let mut told = Vec::new();
    let mut each = |event: &paddle_webhook::Event, preview: &Preview| {
        told.push((event.event_type().as_str().to_owned(), preview.clone()));
    };
    let filled = shop.world.sync.preview_backfill(&shop.client, NOW, &mut each).await.unwrap();
    assert_eq!((filled.read, filled.taken, shop.world.writes()), (4, 4, 0));
    assert_eq!(shop.world.sync.stats().await.unwrap().open, 0);
    let [(kind, first), (_, second), ..] = &told[..] else { panic!("{told:?}") };
    assert_eq!(kind, "transaction.completed");
    let Preview::Plan { lead, changes, .. } = first else { panic!("{first:?}") };
    assert_eq!(lead.get(), open);
    assert!(changes.contains(&"price 0 → 599".to_owned()), "{changes:?}");
    assert!(matches!(second, Preview::Parked(_)), "the deal is lost: {second:?}");
}

/// What history tells makes no task; that it is over is told all the same.
/// The payment itself was never heard of, and a person closed the deal.
#[tokio::test]
async fn an_invoice_that_history_says_is_paid_is_past_due_no_more() {
    let world = World::new().await;
    let mut invoice = transaction();
    (invoice["origin"], invoice["status"]) = (json!("api"), json!("past_due"));
    invoice["subscription_id"] = json!(null);
    world.done(&event("transaction.past_due", 10, &invoice)).await;
    world.kommo.move_lead(LEAD, PIPELINE, WON);
    invoice["status"] = json!("completed");
    let told = named("history_txn_first_completed", "transaction.completed", 20, &invoice);
    assert_eq!(world.done(&told).await, [Reason::WonBefore]);
    assert_eq!(world.kommo.tasks(LEAD)[0]["is_completed"], json!(true));
}

#[tokio::test]
async fn a_spell_that_began_in_history_ends_with_a_payment() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let past_due = subscription("past_due");
    world.done(&named("history_sub_seats_past_due", "subscription.past_due", 10, &past_due)).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("past_due"));
    assert_eq!(world.tasks(), Vec::<String>::new());
    let paid = event("transaction.completed", 20, &renewal());
    assert_eq!(world.done(&paid).await, [Reason::RenewalKeepsStage, Reason::PaymentRecovered]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
}

/// What history asked for nobody was asked for: the next failure asks.
#[tokio::test]
async fn a_spell_that_began_in_history_gets_its_task_with_the_next_failure() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let past_due = subscription("past_due");
    world.done(&named("history_sub_seats_past_due", "subscription.past_due", 10, &past_due)).await;
    let mut failed = renewal();
    failed["status"] = json!("past_due");
    let failed = event("transaction.payment_failed", 20, &failed);
    assert_eq!(world.done(&failed).await, [Reason::PastDue]);
    assert_eq!(world.tasks().len(), 1);
}

/// The chargeback of history made no task, so its reversal completes none.
#[tokio::test]
async fn a_chargeback_that_history_told_is_turned_back_without_a_task() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let of = |action: &str| {
        let mut data = refund("approved");
        (data["id"], data["action"]) = (json!(format!("adj_{action}")), json!(action));
        data
    };
    let told = named("history_adj_chargeback", "adjustment.created", 10, &of("chargeback"));
    assert_eq!(world.done(&told).await, [Reason::Chargeback]);
    let turned = event("adjustment.created", 20, &of("chargeback_reverse"));
    let Preview::Plan { plan, .. } = world.sync.preview(&turned).await.unwrap() else { panic!() };
    let completes = |effect: &PlannedEffect| matches!(effect.effect, Effect::CompleteTask(_));
    assert!(!plan.effects.iter().any(completes), "{plan:?}");
    assert_eq!(world.done(&turned).await, [Reason::ChargebackReversed]);
}
