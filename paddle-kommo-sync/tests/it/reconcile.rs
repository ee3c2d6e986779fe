//! What Paddle has is found here, payment by payment, or said to be missing.

use paddle_kommo_sync::{
    OnWon, OnWonAction, Outcome, Reason, Unlinked,
    fake_paddle::{Fault, Purchase},
    reconcile::{Period, Repaired, Report, Standing},
};
use paddle_webhook::{Environment, Event};
use serde_json::{Value, json};

use super::support::{
    LEAD, WON, World,
    events::{named, refund, renewal, subscription, transaction},
    shop::{DAY, Shop, standings},
};

/// Delivers what has happened so far, but for what is left out.
async fn deliver(shop: &Shop, wanted: fn(&Value) -> bool) {
    for event in shop.paddle.events().iter().filter(|event| wanted(event)) {
        let event = Event::from_trusted(event.to_string().as_bytes(), Environment::Live).unwrap();
        shop.world.sync.handle(&event).await.unwrap();
    }
}

fn sum(report: &Report, kind: &str) -> i128 {
    report.sums.iter().filter(|sum| sum.kind == kind).map(|sum| sum.paddle.minor).sum()
}

#[tokio::test]
async fn everything_is_listed_with_what_became_of_it() {
    let shop = Shop::with(|config| config.unlinked = Unlinked::Ignore).await;
    let (won, lost, missed) = (shop.deal(), shop.deal(), shop.deal());
    let first = shop.buy(won);
    shop.buy(lost);
    shop.world.kommo.move_lead(lost, 6_950_551, 143);
    shop.paddle.buy(&Purchase::new("nobody@example.com"));
    shop.paddle.refund(&first.transaction, Some(10_000)).unwrap();
    shop.paddle.settle_refunds(true);
    shop.paddle.refund(&first.transaction, Some(5_000)).unwrap();
    deliver(&shop, |_| true).await;
    let sale = shop.buy(missed);

    let report = shop.report().await;
    assert_eq!(
        standings(&report),
        [
            ("payment", Standing::Done),
            ("payment", Standing::Parked),
            ("payment", Standing::NotOurs),
            ("refund", Standing::Done),
            ("payment", Standing::Missing),
        ],
        "the refund that waits for approval is none yet"
    );
    let [done, parked, not_ours, refunded, missing] = &report.entries[..] else { panic!() };
    assert_eq!((done.lead.unwrap().get(), done.detail.as_str()), (won, "first_payment"));
    assert!(parked.detail.starts_with("deal_lost: "), "{}", parked.detail);
    assert_eq!(not_ours.detail, "not_linked");
    assert_eq!(refunded.transaction_id.as_deref(), Some(first.transaction.as_str()));
    assert_eq!(missing.id, sale.transaction.as_str());
    assert!(missing.event_id.as_deref().unwrap().starts_with("evt_"), "Paddle still tells it");
    assert!(!report.is_explained());
    assert_eq!((sum(&report, "payment"), sum(&report, "refund")), (4 * 65_890, 10_000));
    let [payments, _] = &report.sums[..] else { panic!("{:?}", report.sums) };
    assert_eq!(payments.by_standing[&Standing::Missing].minor, 65_890);
    assert_eq!(payments.paddle.in_currency("USD"), "2635.60");

    let text = serde_json::to_string(&report).unwrap();
    let read: Report = serde_json::from_str(&text).unwrap();
    assert_eq!((read.entries, read.sums), (report.entries, report.sums));
}

#[tokio::test]
async fn what_is_missing_is_taken_in_and_what_was_mended_goes_on() {
    let shop = Shop::open().await;
    let (missed, lost) = (shop.deal(), shop.deal());
    shop.buy(lost);
    shop.world.kommo.move_lead(lost, 6_950_551, 143);
    deliver(&shop, |_| true).await;
    shop.buy(missed);
    shop.world.kommo.move_lead(lost, 6_950_551, 58_141_811);

    let before = shop.report().await;
    let sync = &shop.world.sync;
    let (done, ended) = tokio::sync::oneshot::channel::<()>();
    let repairing = async {
        let repaired = sync.repair(&before, &mut |_| {}).await.unwrap();
        drop(done);
        repaired
    };
    let running = sync.run(async { drop(ended.await) });
    let (repaired, ()) = tokio::join!(repairing, running);
    assert_eq!((repaired.taken.len(), repaired.resumed.len()), (1, 1));
    let after = shop.report().await;
    assert_eq!(standings(&after), [("payment", Standing::Done); 2]);
    assert!(after.is_explained());
    assert_eq!(sum(&after, "payment"), sum(&before, "payment"));
    let again = sync.repair(&after, &mut |_| {}).await.unwrap();
    assert_eq!(again, Repaired::default());
}

#[tokio::test]
async fn that_a_payment_was_heard_of_does_not_mean_that_it_was_told() {
    let shop = Shop::open().await;
    let lead = shop.deal();
    shop.buy(lead);
    // `transaction.updated` says that it is completed, a moment before `transaction.completed`.
    deliver(&shop, |event| event["event_type"] != "transaction.completed").await;
    assert_eq!(standings(&shop.report().await), [("payment", Standing::Missing)]);
    shop.advance(91 * DAY);
    assert_eq!(standings(&shop.report().await), [("payment", Standing::Missing)]);
}

#[tokio::test]
async fn what_is_older_than_paddles_events_is_made_from_what_it_has() {
    let shop = Shop::open().await;
    let (known, missed) = (shop.deal(), shop.deal());
    shop.buy(known);
    deliver(&shop, |_| true).await;
    let sale = shop.buy(missed);
    shop.paddle.refund(&sale.transaction, None).unwrap();
    shop.paddle.settle_refunds(true);
    shop.advance(100 * DAY);
    assert_eq!(shop.client.events().list(&Default::default()).all().await.unwrap().len(), 0);

    let report = shop.report().await;
    let want = [
        ("payment", Standing::Done),
        ("payment", Standing::Missing),
        ("refund", Standing::Missing),
    ];
    assert_eq!(standings(&report), want);
    assert_eq!(report.entries[0].detail, "known_from_before");
    assert_eq!(report.entries[0].lead.unwrap().get(), known);
    let made = format!("history_{}_completed", sale.transaction);
    assert_eq!(report.entries[1].event_id.as_deref(), Some(made.as_str()));

    let (done, ended) = tokio::sync::oneshot::channel::<()>();
    let repairing = async {
        drop(shop.world.sync.repair(&report, &mut |_| {}).await.unwrap());
        drop(done);
    };
    tokio::join!(repairing, shop.world.sync.run(async { drop(ended.await) }));
    let report = shop.report().await;
    assert!(report.entries.iter().all(|entry| entry.standing == Standing::Done), "{report:?}");
    let lead = shop.world.kommo.lead(missed).unwrap();
    assert_eq!((lead["status_id"].as_u64(), lead["price"].as_i64()), (Some(WON), Some(599)));
    let status = shop.world.kommo.field_value(missed, "PAYMENT_STATUS");
    assert_eq!(status, Some(json!("refunded")));
    assert_eq!(shop.world.kommo.tasks(missed).len(), 0);
}

/// Paddle's own event, and the one made from what Paddle says later: whichever comes first tells it, and the other is
/// silent.
#[tokio::test]
async fn history_and_paddles_own_event_tell_a_payment_once() {
    let mut bought = renewal();
    bought["id"] = json!("txn_second");
    bought["origin"] = json!("web");
    let mut ending = subscription("active");
    ending["scheduled_change"] =
        json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    let cases = [
        ("a first payment", vec![transaction()], "transaction.completed", "completed"),
        ("a renewal", vec![transaction(), renewal()], "transaction.completed", "completed"),
        ("another payment", vec![transaction(), bought], "transaction.completed", "completed"),
        ("a refund", vec![transaction(), refund("approved")], "adjustment.updated", "approved"),
        ("a cancellation", vec![transaction(), ending], "subscription.updated", "1"),
    ];
    for (name, before, kind, suffix) in cases {
        let (told, before) = before.split_last().unwrap();
        let made = format!("history_{}_{suffix}", told["id"].as_str().unwrap());
        let own = named("evt_own", kind, 100, told);
        let made = named(&made, kind, 99, told);
        for (order, events) in [("own first", [&own, &made]), ("history first", [&made, &own])] {
            let world = World::new().await;
            for (second, data) in (0..).zip(before) {
                world.done(&named("evt_before", "transaction.completed", second, data)).await;
            }
            world.handle(events[0]).await;
            let state = |world: &World| (world.stage(), world.price(), world.notes());
            let once = state(&world);
            assert_eq!(once.2.len(), before.len() + 1, "{name}, {order}: {:?}", once.2);
            let second = world.handle(events[1]).await;
            assert_eq!(state(&world), once, "{name}, {order}");
            let silent = match &second {
                Outcome::Ignored { reason } => {
                    [Reason::AlreadyTold, Reason::NothingToDo, Reason::Stale].contains(reason)
                }
                Outcome::Done(done) => done.reasons.contains(&Reason::RefundAlreadyTold),
                _ => false,
            };
            assert!(silent, "{name}, {order}: {second}");
        }
    }
}

/// A deal that was won and has moved on is not won again by history.
#[tokio::test]
async fn history_does_not_win_a_deal_again() {
    for own_first in [true, false] {
        let world = World::new().await;
        let own = named("evt_own", "transaction.completed", 100, &transaction());
        let made =
            named("history_txn_first_completed", "transaction.completed", 99, &transaction());
        let (first, second) = if own_first { (&own, &made) } else { (&made, &own) };
        world.handle(first).await;
        assert_eq!(world.stage(), WON);
        world.kommo.move_lead(LEAD, 6_950_551, 58_141_811);
        assert_eq!(world.ignored(second).await, Reason::AlreadyTold);
        assert_eq!(world.stage(), 58_141_811);
    }
}

#[tokio::test]
async fn a_report_is_about_its_period() {
    let shop = Shop::open().await;
    let start = shop.paddle.now();
    for _ in 0..3 {
        let lead = shop.deal();
        let sale = shop.buy(lead);
        shop.paddle.refund(&sale.transaction, Some(1_000)).unwrap();
        shop.paddle.settle_refunds(true);
        shop.advance(DAY);
    }
    let of_day = async |day: u32| {
        let report = shop.report_on(start + day * DAY, start + (day + 1) * DAY).await;
        (standings(&report).len(), sum(&report, "payment"), sum(&report, "refund"))
    };
    for day in 0..3 {
        assert_eq!(of_day(day).await, (2, 65_890, 1_000), "day {day}");
    }
    assert_eq!(of_day(3).await, (0, 0, 0));
    assert_eq!(Period::new(start, start), None);
}

#[tokio::test]
async fn what_paddle_says_and_nobody_can_read_is_not_explained() {
    let shop = Shop::open().await;
    let page = json!({
        "data": [{"id": "txn_odd", "items": 7}, []],
        "meta": {"pagination": {"next": "x", "has_more": false}},
    });
    shop.paddle.fail_next(Fault::answer(200, page.to_string()).on("GET", "/transactions"));
    let report = shop.report().await;
    assert_eq!(report.unreadable, ["txn_odd", "without an id"]);
    assert!(!report.is_explained());
}

/// Resuming it would say that the Salesbot has not run, which nobody here knows.
#[tokio::test]
async fn what_only_a_person_can_say_is_not_repaired() {
    const BOT: u64 = 565;
    let start = OnWon::new(OnWonAction::StartSalesbot(BOT));
    let shop = Shop::with(|config| config.on_won = vec![start]).await;
    shop.world.kommo.add_salesbot(BOT);
    let lost = kommo_client::fake::Fault::status(502).applied().on("POST", "/api/v2/salesbot");
    shop.world.kommo.fail_next(lost);
    shop.buy(shop.deal());
    deliver(&shop, |_| true).await;
    let report = shop.report().await;
    assert_eq!(standings(&report), [("payment", Standing::Parked)]);
    assert!(report.entries[0].detail.starts_with("unconfirmed: "), "{}", report.entries[0].detail);
    let sync = &shop.world.sync;
    let mut listener = |_| {};
    tokio::select! {
        repaired = sync.repair(&report, &mut listener) => {
            assert_eq!(repaired.unwrap(), Repaired::default());
        }
        () = sync.run(std::future::pending()) => {}
    }
}
