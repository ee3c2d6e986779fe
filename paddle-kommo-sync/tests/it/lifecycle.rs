//! The life of a subscription after the sale: failed payments, cancellations, pauses, chargebacks.

use paddle_kommo_sync::Reason;
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::support::{
    LEAD, WON, World,
    events::{event, moment, refund, renewal, subscription, time, transaction},
};

/// A deal that was won, with a running subscription.
async fn sold() -> World {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    world.done(&event("subscription.activated", 1, &subscription("active"))).await;
    world
}

fn failed(kind: &str, seconds: i64) -> Event {
    let mut data = renewal();
    data["status"] = json!("past_due");
    data["payments"] = json!([{"status": "error", "error_code": "declined", "amount": "32662"}]);
    event(kind, seconds, &data)
}

fn changed(kind: &str, seconds: i64, change: impl FnOnce(&mut Value)) -> Event {
    let mut data = subscription("active");
    data["updated_at"] = json!(time(seconds));
    change(&mut data);
    event(kind, seconds, &data)
}

#[tokio::test]
async fn a_past_due_spell_is_one_task_that_ends_with_the_payment() {
    let world = sold().await;
    assert_eq!(world.done(&failed("transaction.payment_failed", 100)).await, [Reason::PastDue]);
    assert_eq!(world.done(&failed("transaction.past_due", 101)).await, [Reason::StillPastDue]);
    let past_due = changed("subscription.past_due", 102, |data| data["status"] = json!("past_due"));
    world.advance(std::time::Duration::from_secs(3600));
    assert_eq!(world.done(&past_due).await, [Reason::StillPastDue]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("past_due"));
    let tasks = world.kommo.tasks(LEAD);
    assert_eq!(tasks.len(), 1, "one task for the whole spell: {:?}", world.tasks());
    assert_eq!(
        tasks[0]["complete_till"].as_i64(),
        Some(moment(25 * 3600).unix_timestamp()),
        "it was refreshed"
    );
    assert_eq!(tasks[0]["is_completed"], json!(false));
    let notes = world.notes().len();

    let paid = event("transaction.completed", 200, &renewal());
    assert_eq!(world.done(&paid).await, [Reason::RenewalKeepsStage, Reason::PaymentRecovered]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
    let tasks = world.kommo.tasks(LEAD);
    assert_eq!((tasks.len(), &tasks[0]["is_completed"]), (1, &json!(true)));
    assert_eq!(world.notes().len(), notes + 2, "the renewal and the recovery");
    let active = changed("subscription.updated", 201, |data| {
        data["next_billed_at"] = json!("2026-04-15T12:00:00Z")
    });
    assert_eq!(world.done(&active).await, [Reason::SubscriptionChanged], "it ended once");
    assert_eq!((world.stage(), world.price()), (WON, 599));

    assert_eq!(
        world.done(&failed("transaction.payment_failed", 300)).await,
        [Reason::PastDue],
        "another spell"
    );
    assert_eq!(world.kommo.tasks(LEAD).len(), 2);
}

#[tokio::test]
async fn the_task_of_a_spell_says_since_when_in_either_order() {
    const DAY: i64 = 86_400;
    let attempt = |days| failed("transaction.payment_failed", days * DAY);
    for order in [[1, 3], [3, 1]] {
        let world = sold().await;
        for days in order {
            world.done(&attempt(days)).await;
        }
        let task = &world.tasks()[0];
        assert!(task.starts_with("Payment past due since 2026-01-16: "), "{task}");
        // Another spell begins anew.
        world.done(&event("transaction.completed", 5 * DAY, &renewal())).await;
        world.done(&attempt(7)).await;
        let task = &world.tasks()[1];
        assert!(task.starts_with("Payment past due since 2026-01-22: "), "{task}");
    }
}

#[tokio::test]
async fn the_task_of_a_spell_goes_to_whom_the_sale_names() {
    let wanted = |mut data: Value| {
        data["custom_data"]["kommo_responsible_id"] = json!("8375358");
        data
    };
    let mut past_due = renewal();
    past_due["status"] = json!("past_due");
    for event in [
        event("transaction.payment_failed", 100, &wanted(past_due)),
        event("subscription.past_due", 100, &wanted(subscription("past_due"))),
    ] {
        let world = sold().await;
        world.done(&event).await;
        let task = &world.kommo.tasks(LEAD)[0];
        assert_eq!(task["responsible_user_id"], json!(8_375_358), "{}", event.event_type());
    }
}

fn failed_of(origin: &str, kind: &str, seconds: i64) -> Event {
    let mut data = renewal();
    data["id"] = json!(format!("txn_{origin}"));
    data["origin"] = json!(origin);
    data["status"] = json!("billed");
    data["payments"] = json!([{"status": "error", "error_code": "declined", "amount": "32662"}]);
    event(kind, seconds, &data)
}

#[tokio::test]
async fn only_a_renewal_that_fails_begins_a_spell_by_itself() {
    for origin in ["subscription_update", "subscription_charge", "brand_new"] {
        let world = sold().await;
        let failed = |seconds| failed_of(origin, "transaction.payment_failed", seconds);
        assert_eq!(world.done(&failed(100)).await, [Reason::ChargeFailed], "{origin}");
        assert_eq!(world.ignored(&failed(101)).await, Reason::ChargeFailed, "{origin}: once");
        assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"), "{origin}");
        assert_eq!(world.tasks(), [""; 0], "{origin}");
        let told = format!(
            "Charge failed, the subscription goes on · 326.62 USD · declined · Pro, yearly, Set-up · txn_{origin}"
        );
        assert_eq!(world.notes()[1..], [told]);
        let other = failed_of("subscription_recurring", "transaction.payment_failed", 200);
        assert_eq!(world.done(&other).await, [Reason::PastDue], "{origin}");
        assert_eq!(world.done(&failed(300)).await, [Reason::StillPastDue], "{origin}");
        assert_eq!((world.tasks().len(), world.notes().len()), (1, 2), "{origin}");

        // Paddle says itself that it is past due.
        let world = sold().await;
        let past_due = failed_of(origin, "transaction.past_due", 100);
        assert_eq!(world.done(&past_due).await, [Reason::PastDue], "{origin}");

        // It was paid in the end, which was heard of first.
        let world = sold().await;
        let mut paid: Value = serde_json::from_str(failed(100).raw_data()).unwrap();
        paid["status"] = json!("completed");
        world.done(&event("transaction.completed", 200, &paid)).await;
        assert_eq!(world.ignored(&failed(100)).await, Reason::ChargeFailed, "{origin}");
    }
    let card = "subscription_payment_method_change";
    for before in [None, Some(failed("transaction.payment_failed", 50))] {
        let world = sold().await;
        if let Some(before) = &before {
            world.done(before).await;
        }
        let writes = world.writes();
        let failed = failed_of(card, "transaction.payment_failed", 100);
        assert_eq!(world.ignored(&failed).await, Reason::CardChange);
        assert_eq!(world.writes(), writes);
    }
}

#[tokio::test]
async fn a_spell_also_ends_when_paddle_says_that_the_subscription_is_active() {
    for kind in ["subscription.activated", "subscription.updated", "subscription.resumed"] {
        let world = sold().await;
        world.done(&failed("transaction.past_due", 100)).await;
        let reasons = world.done(&changed(kind, 200, |_| {})).await;
        assert!(reasons.contains(&Reason::PaymentRecovered), "{kind}: {reasons:?}");
        assert_eq!(world.kommo.tasks(LEAD)[0]["is_completed"], json!(true), "{kind}");
    }
}

#[tokio::test]
async fn a_failure_that_is_older_than_the_payment_starts_no_spell() {
    let world = sold().await;
    world.done(&event("transaction.completed", 200, &renewal())).await;
    assert_eq!(world.ignored(&failed("transaction.payment_failed", 100)).await, Reason::Stale);
    assert!(world.tasks().is_empty());
}

#[tokio::test]
async fn a_task_that_the_rep_completed_stays_as_the_rep_left_it() {
    let world = sold().await;
    world.done(&failed("transaction.payment_failed", 100)).await;
    let id = world.kommo.tasks(LEAD)[0]["id"].as_u64().unwrap();
    let patch = kommo_client::TaskPatch::new(kommo_client::TaskId::new(id)).complete("called them");
    crate::support::client(&world.kommo).tasks().update(&[patch]).await.unwrap();
    world.done(&failed("transaction.past_due", 101)).await;
    world.done(&event("transaction.completed", 200, &renewal())).await;
    let tasks = world.kommo.tasks(LEAD);
    assert_eq!((tasks.len(), &tasks[0]["result"]["text"]), (1, &json!("called them")));
}

#[tokio::test]
async fn a_failed_checkout_is_told_once_and_makes_no_task() {
    let world = World::new().await;
    let mut data = transaction();
    data["status"] = json!("ready");
    data["payments"] = json!([{"status": "error", "error_code": "not_enough_balance"}]);
    assert_eq!(
        world.done(&event("transaction.payment_failed", 0, &data)).await,
        [Reason::CheckoutFailed]
    );
    assert_eq!(
        world.ignored(&event("transaction.payment_failed", 1, &data)).await,
        Reason::CheckoutFailed
    );
    assert_eq!((world.notes().len(), world.tasks().len()), (1, 0));
    assert!(world.notes()[0].contains("not enough balance"), "{:?}", world.notes());
    world.done(&event("transaction.completed", 2, &transaction())).await;
    assert_eq!(world.stage(), WON, "the second try succeeds");
}

#[tokio::test]
async fn a_scheduled_cancellation_asks_the_rep_at_once_and_only_once() {
    let world = sold().await;
    let cancel = |data: &mut Value| {
        data["scheduled_change"] =
            json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z", "resume_at": null});
    };
    assert_eq!(
        world.done(&changed("subscription.updated", 100, cancel)).await,
        [Reason::SubscriptionChanged, Reason::CancelScheduled]
    );
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceling"));
    assert_eq!(world.tasks().len(), 1);
    assert!(world.notes()[1].contains("2026-02-15"), "{:?}", world.notes());
    assert_eq!(
        world.ignored(&changed("subscription.updated", 100, cancel)).await,
        Reason::NothingToDo,
        "nothing new"
    );

    let ended = changed("subscription.canceled", 200, |data| {
        data["status"] = json!("canceled");
        data["next_billed_at"] = Value::Null;
        data["canceled_at"] = json!("2026-02-15T12:00:00Z");
    });
    assert_eq!(world.done(&ended).await, [Reason::AlreadyAsked]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
    assert_eq!(world.tasks().len(), 1, "not a second one");
}

/// Paddle tells the end by `subscription.updated` too, and nothing is scheduled any more then.
#[tokio::test]
async fn a_cancellation_that_has_come_is_not_withdrawn() {
    let world = sold().await;
    let cancel = changed("subscription.updated", 100, |data| {
        data["scheduled_change"] =
            json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    });
    world.done(&cancel).await;
    let ended = changed("subscription.updated", 200, |data| data["status"] = json!("canceled"));
    assert_eq!(world.done(&ended).await, [Reason::SubscriptionChanged]);
    assert_eq!(world.kommo.tasks(LEAD)[0]["is_completed"], json!(false));
}

#[tokio::test]
async fn a_cancellation_that_is_withdrawn_completes_its_task() {
    let world = sold().await;
    let cancel = changed("subscription.updated", 100, |data| {
        data["scheduled_change"] =
            json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
    });
    world.done(&cancel).await;
    let stays = changed("subscription.updated", 200, |_| {});
    assert_eq!(world.done(&stays).await, [Reason::SubscriptionChanged, Reason::CancelWithdrawn]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
    assert_eq!(world.kommo.tasks(LEAD)[0]["is_completed"], json!(true));

    let ended = changed("subscription.canceled", 300, |data| data["status"] = json!("canceled"));
    assert_eq!(
        world.done(&ended).await,
        [Reason::SubscriptionCanceled],
        "a later cancellation asks anew"
    );
    assert_eq!(world.tasks().len(), 2);
}

#[tokio::test]
async fn whatever_shows_that_it_is_not_to_end_completes_the_task() {
    for (kind, status) in [
        ("subscription.paused", "paused"),
        ("subscription.resumed", "active"),
        ("subscription.activated", "active"),
        ("subscription.past_due", "past_due"),
    ] {
        let world = sold().await;
        let cancel = changed("subscription.updated", 100, |data| {
            data["scheduled_change"] =
                json!({"action": "cancel", "effective_at": "2026-02-15T12:00:00Z"});
        });
        world.done(&cancel).await;
        let shows = changed(kind, 200, |data| data["status"] = json!(status));
        let reasons = world.done(&shows).await;
        assert!(reasons.contains(&Reason::CancelWithdrawn), "{kind}: {reasons:?}");
        assert_eq!(world.kommo.tasks(LEAD)[0]["is_completed"], json!(true), "{kind}");
    }
}

#[tokio::test]
async fn changed_items_are_told() {
    let world = sold().await;
    let more =
        changed("subscription.updated", 100, |data| data["items"][0]["quantity"] = json!(25));
    assert_eq!(world.done(&more).await, [Reason::SubscriptionChanged, Reason::ItemsChanged]);
    assert!(
        world.notes()[1].contains("10 × Pro, yearly")
            && world.notes()[1].contains("25 × Pro, yearly")
    );
    assert_eq!((world.stage(), world.price()), (WON, 599));
}

#[tokio::test]
async fn a_pause_and_its_end_are_told() {
    let world = sold().await;
    let paused = changed("subscription.paused", 100, |data| {
        data["status"] = json!("paused");
        data["next_billed_at"] = Value::Null;
    });
    assert_eq!(world.done(&paused).await, [Reason::Paused]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("paused"));
    assert_eq!(world.field("NEXT_BILLING_DATE"), Value::Null);
    assert_eq!(world.done(&changed("subscription.resumed", 200, |_| {})).await, [Reason::Resumed]);
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
    assert_eq!(world.notes().len(), 3);
}

#[tokio::test]
async fn a_second_subscription_on_one_deal_is_looked_at() {
    let world = sold().await;
    let other = changed("subscription.created", 100, |data| data["id"] = json!("sub_other"));
    assert_eq!(world.done(&other).await, [Reason::SubscriptionStarted, Reason::SecondSubscription]);
    assert_eq!(world.tasks().len(), 1);
}

fn adjustment(id: &str, action: &str, status: &str, seconds: i64) -> Event {
    let mut data = refund(status);
    data["id"] = json!(id);
    data["action"] = json!(action);
    data["updated_at"] = json!(time(seconds));
    event("adjustment.created", seconds, &data)
}

#[tokio::test]
async fn a_chargeback_is_a_note_and_a_task_until_it_is_turned_back() {
    let world = sold().await;
    assert_eq!(
        world.done(&adjustment("adj_w", "chargeback_warning", "approved", 10)).await,
        [Reason::ChargebackWarning]
    );
    assert_eq!(world.field("PAYMENT_STATUS"), json!("paid"), "a warning takes no money");
    assert_eq!(
        world.done(&adjustment("adj_c", "chargeback", "approved", 20)).await,
        [Reason::Chargeback]
    );
    assert_eq!(world.field("PAYMENT_STATUS"), json!("charged_back"));
    assert_eq!(
        world.ignored(&adjustment("adj_c", "chargeback", "approved", 21)).await,
        Reason::AlreadyTold
    );
    assert_eq!((world.notes().len(), world.tasks().len()), (3, 2));
    assert_eq!((world.stage(), world.price()), (WON, 599));

    assert_eq!(
        world.done(&adjustment("adj_r", "chargeback_reverse", "approved", 30)).await,
        [Reason::ChargebackReversed]
    );
    assert_eq!(world.field("PAYMENT_STATUS"), json!("paid"));
    assert!(world.kommo.tasks(LEAD).iter().all(|task| task["is_completed"] == json!(true)));
    // The original turns as well, sooner or later.
    assert_eq!(
        world.ignored(&adjustment("adj_c", "chargeback", "reversed", 31)).await,
        Reason::NothingToDo
    );
}

/// How the tasks begin that are still to be done.
fn open_tasks(world: &World) -> Vec<String> {
    let tasks = world.kommo.tasks(LEAD);
    let texts = world.tasks().into_iter().zip(&tasks);
    let open = texts.filter(|(_, task)| task["is_completed"] == json!(false));
    open.map(|(text, _)| text.split(':').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_warning_that_came_to_nothing_is_no_money_that_is_back() {
    let world = sold().await;
    world.done(&adjustment("adj_w", "chargeback_warning", "approved", 10)).await;
    world.done(&adjustment("adj_c", "chargeback", "approved", 20)).await;
    let ended = adjustment("adj_calm", "chargeback_warning_reverse", "approved", 30);
    assert_eq!(world.done(&ended).await, [Reason::ChargebackWarningEnded]);
    assert_eq!(
        world.notes()[3],
        "Chargeback warning withdrawn, the payment stands: 100.00 USD · seats not used · adj_calm · txn_first"
    );
    assert_eq!(world.field("PAYMENT_STATUS"), json!("charged_back"), "no money moved");
    assert_eq!(open_tasks(&world), ["Chargeback of 100.00 USD"], "that one is not over");
    assert_eq!(
        world.kommo.tasks(LEAD)[0]["result"]["text"],
        json!("Chargeback warning withdrawn, the payment stands: 100.00 USD · adj_calm")
    );
    let back = adjustment("adj_r", "chargeback_reverse", "approved", 40);
    assert_eq!(world.done(&back).await, [Reason::ChargebackReversed]);
    assert_eq!(open_tasks(&world), [""; 0]);
}

#[tokio::test]
async fn a_case_that_only_its_own_status_turns_is_over_too() {
    let world = sold().await;
    world.done(&adjustment("adj_w", "chargeback_warning", "approved", 10)).await;
    world.done(&adjustment("adj_c", "chargeback", "approved", 20)).await;
    let calm = adjustment("adj_w", "chargeback_warning", "reversed", 30);
    assert_eq!(world.done(&calm).await, [Reason::ChargebackWarningEnded], "the status stays");
    assert_eq!(open_tasks(&world), ["Chargeback of 100.00 USD"]);
    let turned = adjustment("adj_c", "chargeback", "reversed", 40);
    assert_eq!(world.done(&turned).await, [Reason::ChargebackReversed]);
    assert_eq!((world.field("PAYMENT_STATUS"), open_tasks(&world).len()), (json!("paid"), 0));
    assert_eq!(world.notes().len(), 3, "its reversal tells of it, if one comes");
}

/// Every action and status that Paddle has, and what is written.
#[tokio::test]
async fn every_adjustment_does_what_the_table_says() {
    for (action, when_approved) in [
        ("refund", Some(Reason::Refunded)),
        ("credit", Some(Reason::Credited)),
        ("chargeback", Some(Reason::Chargeback)),
        ("chargeback_reverse", Some(Reason::ChargebackReversed)),
        ("chargeback_warning", Some(Reason::ChargebackWarning)),
        ("chargeback_warning_reverse", Some(Reason::ChargebackWarningEnded)),
        ("credit_reverse", Some(Reason::CreditReversed)),
        ("brand_new", None),
    ] {
        for status in ["pending_approval", "approved", "rejected", "reversed", "brand_new"] {
            let world = sold().await;
            let writes = world.writes();
            let event = adjustment("adj_x", action, status, 10);
            match when_approved.filter(|_| status == "approved") {
                Some(reason) => {
                    assert_eq!(world.done(&event).await, [reason], "{action} {status}");
                    assert_eq!((world.stage(), world.price()), (WON, 599), "{action} {status}");
                }
                None => {
                    world.ignored(&event).await;
                    assert_eq!(world.writes(), writes, "{action} {status}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_ended_while_it_was_past_due_leaves_no_task_to_run_after_the_payment() {
    let world = sold().await;
    world.done(&failed("transaction.payment_failed", 100)).await;
    let ended = changed("subscription.canceled", 200, |data| data["status"] = json!("canceled"));
    assert_eq!(world.done(&ended).await, [Reason::SubscriptionCanceled]);
    let is_completed = || -> Vec<bool> {
        let tasks = world.kommo.tasks(LEAD);
        tasks.iter().map(|task| task["is_completed"] == json!(true)).collect()
    };
    assert_eq!(is_completed(), [true, false], "the win-back task is open: {:?}", world.tasks());
    assert_eq!(
        world.kommo.tasks(LEAD)[0]["result"]["text"]
            .as_str()
            .map(|text| text.starts_with("The subscription has ended · sub_seats")),
        Some(true)
    );
    assert_eq!(
        world.ignored(&failed("transaction.payment_failed", 150)).await,
        Reason::Stale,
        "told late"
    );
    assert_eq!(is_completed(), [true, false]);
}

#[tokio::test]
async fn an_invoice_that_is_not_paid_in_time_is_one_task_until_it_is() {
    let mut invoice = transaction();
    (invoice["origin"], invoice["status"]) = (json!("api"), json!("past_due"));
    let with_subscription = event("transaction.past_due", 100, &invoice);
    invoice["subscription_id"] = Value::Null;
    let past_due = event("transaction.past_due", 100, &invoice);
    let again = event("transaction.past_due", 200, &invoice);
    invoice["status"] = json!("completed");
    let paid = event("transaction.completed", 300, &invoice);

    let world = World::new().await;
    assert_eq!(world.ignored(&with_subscription).await, Reason::NothingToDo, "that tells itself");
    assert_eq!(world.done(&past_due).await, [Reason::InvoicePastDue]);
    assert_eq!(world.ignored(&again).await, Reason::InvoicePastDue);
    let tasks = world.tasks();
    assert_eq!((tasks.len(), world.notes().len()), (1, 0), "{tasks:?}");
    assert!(
        tasks[0].starts_with("Invoice past due: talk to the customer · 652.15 USD"),
        "{tasks:?}"
    );
    assert_eq!(world.done(&paid).await, [Reason::FirstPayment]);
    assert_eq!(world.kommo.tasks(LEAD)[0]["is_completed"], json!(true));

    let world = World::new().await;
    world.done(&paid).await;
    assert_eq!(world.ignored(&past_due).await, Reason::InvoicePastDue, "told late");
}

/// The later one was heard of first; what the earlier one tells afterwards is newer than what it told before.
#[tokio::test]
async fn a_subscription_that_takes_its_fields_back_goes_on_with_them() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let told = |kind: &str, status: &str, began: i64, seconds: i64| {
        let mut data = subscription(status);
        (data["created_at"], data["updated_at"]) = (json!(time(began)), json!(time(seconds)));
        if began == 20 {
            data["id"] = json!("sub_later");
        }
        event(kind, seconds, &data)
    };
    world.done(&told("subscription.created", "active", 20, 20)).await;
    world.done(&told("subscription.created", "active", 10, 10)).await;
    assert_eq!(world.field("PADDLE_SUB_ID"), json!("sub_seats"));
    world.done(&told("subscription.paused", "paused", 10, 15)).await;
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("paused"));
}

#[tokio::test]
async fn an_invoice_that_is_canceled_needs_nobody_any_more() {
    let world = World::new().await;
    let mut invoice = transaction();
    (invoice["status"], invoice["subscription_id"]) = (json!("past_due"), Value::Null);
    let past_due = event("transaction.past_due", 100, &invoice);
    invoice["status"] = json!("canceled");
    let canceled = event("transaction.canceled", 200, &invoice);
    world.done(&past_due).await;
    assert_eq!(world.done(&canceled).await, [Reason::InvoiceCanceled]);
    let task = &world.kommo.tasks(LEAD)[0];
    assert_eq!(task["is_completed"], json!(true));
    assert!(task["result"]["text"].as_str().unwrap().starts_with("The invoice was canceled"));

    let world = World::new().await;
    assert_eq!(world.ignored(&canceled).await, Reason::NothingToDo);
    assert_eq!(world.ignored(&past_due).await, Reason::InvoicePastDue, "told late");
    assert!(world.tasks().is_empty());
}
