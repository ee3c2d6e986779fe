//! The billing table, row by row.

use kommo_client::fake::FakeLead;
use paddle_kommo_sync::{
    LostDeals, OnWon, OnWonAction, ParkReason, Reason, RefundedDeal, TrialConversion, Unlinked,
};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::support::{
    LEAD, LOST, NEGOTIATION, PIPELINE, REP, WON, World,
    events::{customer, event, moment, refund, renewal, subscription, transaction},
    lead_ids,
};

pub(crate) fn paid(data: &Value) -> Event {
    event("transaction.completed", 0, data)
}

/// A transaction with another total, currency or origin.
pub(crate) fn changed(path: &[&str], value: Value) -> Value {
    let mut data = transaction();
    let mut place = &mut data;
    for key in path {
        place = &mut place[*key];
    }
    *place = value;
    data
}

#[tokio::test]
async fn a_first_payment_wins_the_deal() {
    let world = World::new().await;
    assert_eq!(world.done(&paid(&transaction())).await, [Reason::FirstPayment]);

    assert_eq!((world.stage(), world.lead()["pipeline_id"].as_u64()), (WON, Some(PIPELINE)));
    assert_eq!(world.price(), 599, "net: total minus tax, in whole units");
    for (code, want) in [
        ("PADDLE_TXN_ID", json!("txn_first")),
        ("INVOICE_NUMBER", json!("325-10566")),
        ("PLAN_NAME", json!("Pro, yearly, Set-up")),
        ("PAYMENT_CURRENCY", json!("USD")),
        ("PAYMENT_STATUS", json!("paid")),
    ] {
        assert_eq!(world.field(code), want, "{code}");
    }
    assert_eq!(
        world.notes(),
        [
            "Paid 652.15 USD (net 599.00 + tax 53.15) · Pro, yearly, Set-up · invoice 325-10566 · txn_first"
        ]
    );
    assert!(world.tasks().is_empty());
    let ledger = world.kommo.ledger();
    assert!(
        ledger.iter().all(|entry| !entry.closed_without_pipeline),
        "142 is ambiguous without its pipeline"
    );
}

#[tokio::test]
async fn a_deal_that_this_transaction_won_is_left_alone() {
    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    let writes = world.writes();
    assert_eq!(
        world.ignored(&paid(&transaction())).await,
        Reason::AlreadyWonByThis,
        "another event of it"
    );
    assert_eq!(world.writes(), writes);
}

#[tokio::test]
async fn a_deal_that_says_it_was_won_by_this_transaction_is_left_alone() {
    // A fresh database: what we did before is only known to Kommo.
    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    let writes = world.writes();
    let fresh = world.restarted(paddle_kommo_sync::MemoryStore::new()).await;
    let outcome = fresh.handle(&paid(&transaction())).await.unwrap();
    assert_eq!(outcome.to_string(), "ignored: already_won_by_this");
    assert_eq!(world.writes(), writes);
}

#[tokio::test]
async fn another_payment_on_a_won_deal_is_told_and_checked() {
    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    let mut second = transaction();
    second["id"] = json!("txn_second");
    second["invoice_number"] = json!("325-99999");
    second["details"]["totals"]["total"] = json!("100000");
    let before = world.lead();
    assert_eq!(world.done(&paid(&second)).await, [Reason::AnotherPayment]);
    assert_eq!(world.lead()["price"], before["price"]);
    assert_eq!(
        world.lead()["custom_fields_values"],
        before["custom_fields_values"],
        "nothing is overwritten"
    );
    assert!(
        world.notes()[1]
            .starts_with("Another payment on a deal that was already won: paid 1000.00 USD")
    );
    assert_eq!(
        world.tasks(),
        ["Second payment on a won deal: check whether it belongs here · 1000.00 USD · txn_second"]
    );

    let world = World::with(|config| config.tasks.second_payment = false).await;
    world.done(&paid(&transaction())).await;
    world.done(&paid(&second)).await;
    assert!(world.tasks().is_empty());
}

#[tokio::test]
async fn a_lost_deal_waits_for_a_person_unless_configured() {
    let world = World::new().await;
    world.kommo.add_lead(FakeLead::new("Lost").id(7).stage(PIPELINE, LOST));
    let lost = changed(&["custom_data", "kommo_lead_id"], json!(7));
    let parked = world.parked(&paid(&lost)).await;
    assert_eq!((parked.reason, parked.candidates), (ParkReason::DealLost, lead_ids(&[7])));
    assert_eq!(world.writes(), 0);

    let world = World::with(|config| config.lost_deals = LostDeals::Win).await;
    world.kommo.add_lead(FakeLead::new("Lost").id(7).stage(PIPELINE, LOST));
    assert_eq!(world.done(&paid(&lost)).await, [Reason::LostDealWon]);
    assert_eq!(world.kommo.lead(7).unwrap()["status_id"], 142);
}

#[tokio::test]
async fn a_deal_that_was_won_and_then_lost_follows_the_same_rule() {
    let mut again = transaction();
    again["id"] = json!("txn_again");
    again["details"]["totals"]["total"] = json!("105315");
    let again = event("transaction.completed", 10, &again);

    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    let parked = world.parked(&again).await;
    assert_eq!((parked.reason, parked.candidates), (ParkReason::DealLost, lead_ids(&[LEAD])));
    assert_eq!((world.stage(), world.price()), (LOST, 599));

    let world = World::with(|config| {
        config.lost_deals = LostDeals::Win;
        config.refunds.deal = RefundedDeal::LowerPrice;
        config.on_won = vec![OnWon::new(OnWonAction::AddTag("customer".to_owned()))];
    })
    .await;
    assert_eq!(world.done(&paid(&transaction())).await, [Reason::FirstPayment, Reason::OnWonTag]);
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    assert_eq!(world.done(&again).await, [Reason::LostDealWon], "and nothing is started again");
    assert_eq!((world.stage(), world.price()), (WON, 1000));
    assert_eq!(world.field("PADDLE_TXN_ID"), json!("txn_again"));
    world.done(&event("adjustment.updated", 20, &refund("approved"))).await;
    assert_eq!(world.price(), 1000, "the price is that of the other sale");
}

/// A trial's checkout, the trial, and its end with money.
async fn trial(world: &World) -> Vec<Reason> {
    let mut checkout = transaction();
    checkout["details"]["totals"]["total"] = json!("0");
    checkout["id"] = json!("txn_checkout");
    world.ignored(&event("transaction.completed", 1, &checkout)).await;
    world.done(&event("subscription.trialing", 2, &subscription("trialing"))).await;
    assert_eq!(world.stage(), NEGOTIATION, "nothing was paid yet");
    world.done(&event("transaction.completed", 100, &renewal())).await
}

#[tokio::test]
async fn the_first_charge_after_a_trial_wins_the_deal_if_configured() {
    let world = World::new().await;
    assert_eq!(trial(&world).await, [Reason::RenewalKeepsStage]);
    assert_eq!(world.stage(), NEGOTIATION);

    let win = |config: &mut paddle_kommo_sync::Config| {
        config.trial_conversion = TrialConversion::Win;
    };
    let world = World::with(win).await;
    assert_eq!(trial(&world).await, [Reason::TrialConverted]);
    assert_eq!((world.stage(), world.price()), (142, 300));
    assert_eq!(world.field("PADDLE_TXN_ID"), "txn_renewal");

    let mut next = renewal();
    next["id"] = json!("txn_next");
    let told = world.done(&event("transaction.completed", 200, &next)).await;
    assert_eq!(told, [Reason::RenewalKeepsStage], "the second charge");
    world.kommo.move_lead(LEAD, PIPELINE, NEGOTIATION);
    next["id"] = json!("txn_third");
    let told = world.done(&event("transaction.completed", 300, &next)).await;
    assert_eq!(told, [Reason::RenewalKeepsStage], "a person reopened what was won by the first");
    assert_eq!(world.stage(), NEGOTIATION);

    let world = World::with(win).await;
    let told = world.done(&event("transaction.completed", 100, &renewal())).await;
    assert_eq!(told, [Reason::RenewalKeepsStage], "a renewal without a trial");

    // A coupon has paid for the first period.
    let world = World::with(win).await;
    let mut free = transaction();
    free["details"]["totals"]["total"] = json!("0");
    world.ignored(&event("transaction.completed", 1, &free)).await;
    world.done(&event("subscription.created", 2, &subscription("active"))).await;
    let told = world.done(&event("transaction.completed", 100, &renewal())).await;
    assert_eq!(told, [Reason::TrialConverted]);

    let world = World::with(win).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    world.done(&event("subscription.trialing", 2, &subscription("trialing"))).await;
    let told = world.done(&event("transaction.completed", 100, &renewal())).await;
    assert_eq!(told, [Reason::RenewalKeepsStage], "a lost deal");
}

#[tokio::test]
async fn a_parked_payment_goes_on_when_its_cause_is_mended() {
    let world = World::new().await;
    world.kommo.remove_lead(LEAD);
    let payment = paid(&transaction());
    assert_eq!(world.parked(&payment).await.reason, ParkReason::DealGone);
    assert_eq!(
        world.parked(&payment).await.reason,
        ParkReason::DealGone,
        "another delivery changes nothing"
    );
    world.kommo.add_lead(FakeLead::new("Acme").id(LEAD).stage(PIPELINE, NEGOTIATION));
    assert!(world.sync.resume(payment.id().as_str()).await.unwrap());
    assert_eq!(world.done(&payment).await, [Reason::FirstPayment]);
    assert_eq!(world.stage(), WON);
}

#[tokio::test]
async fn a_total_of_zero_moves_nothing() {
    for total in ["0", "-100"] {
        let world = World::new().await;
        assert_eq!(
            world.ignored(&paid(&changed(&["details", "totals", "total"], json!(total)))).await,
            Reason::ZeroTotal
        );
        assert_eq!(world.writes(), 0);
    }
}

#[tokio::test]
async fn a_completed_transaction_without_a_total_needs_a_person() {
    let world = World::new().await;
    let parked = world.parked(&paid(&changed(&["details"], Value::Null))).await;
    assert_eq!(parked.reason, ParkReason::UnexpectedShape);
    let parked =
        world.parked(&paid(&changed(&["details", "totals", "total"], json!("much")))).await;
    assert_eq!(parked.reason, ParkReason::UnexpectedShape);
    assert!(parked.detail.contains("details.totals.total"), "it says where: {}", parked.detail);
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn a_renewal_never_touches_the_stage_or_the_price() {
    for status in [NEGOTIATION, WON, LOST] {
        let world =
            World::with(|config| config.fields.last_payment_date = "LAST_PAYMENT".into()).await;
        world.kommo.add_field(Some("LAST_PAYMENT"), "Last payment", "date_time");
        world.kommo.add_lead(FakeLead::new("Renewing").id(7).price(1234).stage(PIPELINE, status));
        let mut data = renewal();
        data["custom_data"]["kommo_lead_id"] = json!("7");
        assert_eq!(world.done(&paid(&data)).await, [Reason::RenewalKeepsStage]);
        let lead = world.kommo.lead(7).unwrap();
        assert_eq!(
            (lead["status_id"].as_u64(), lead["price"].as_i64()),
            (Some(status), Some(1234))
        );
        assert_eq!(world.kommo.field_value(7, "INVOICE_NUMBER"), Some(json!("325-20001")));
        assert_eq!(
            world.kommo.field_value(7, "LAST_PAYMENT"),
            Some(json!(moment(0).unix_timestamp()))
        );
        assert_eq!(
            world.kommo.field_value(7, "PADDLE_TXN_ID"),
            None,
            "the deal was not won by a renewal"
        );
        let notes = world.kommo.note_texts(7);
        assert!(
            notes[0].starts_with(
                "Renewal paid 326.62 USD (net 300.00 + tax 26.62) · Pro, yearly, Set-up · 2026-02-15 to 2026-03-15 · \
                 invoice 325-20001 · txn_renewal"
            ),
            "{notes:?}"
        );
    }
}

#[tokio::test]
async fn other_payments_after_the_sale_are_told_and_keep_the_stage() {
    for (origin, want, heading) in [
        ("subscription_update", Reason::PlanChanged, "Plan change paid 652.15 USD"),
        ("subscription_charge", Reason::OneTimeCharge, "One-time charge paid 652.15 USD"),
        ("brand_new_origin", Reason::UnknownOrigin, "Paid 652.15 USD"),
    ] {
        let world = World::new().await;
        assert_eq!(world.done(&paid(&changed(&["origin"], json!(origin)))).await, [want]);
        assert_eq!((world.stage(), world.price()), (NEGOTIATION, 0), "{origin}");
        assert!(world.notes()[0].starts_with(heading), "{origin}: {:?}", world.notes());
    }
    let world = World::new().await;
    let card = changed(&["origin"], json!("subscription_payment_method_change"));
    assert_eq!(world.ignored(&paid(&card)).await, Reason::CardChange);
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn a_configured_stage_means_won() {
    let payment = 58_141_815;
    let world = World::with(|config| {
        config
            .stages
            .set_won(kommo_client::PipelineId::new(PIPELINE), kommo_client::StatusId::new(payment));
    })
    .await;
    world.done(&paid(&transaction())).await;
    assert_eq!(world.stage(), payment);
    let mut second = transaction();
    second["id"] = json!("txn_second");
    assert_eq!(
        world.done(&paid(&second)).await,
        [Reason::AnotherPayment],
        "a deal in that stage is won"
    );
    for by_hand in [payment, WON] {
        let world = World::with(|config| {
            let (pipeline, stage) =
                (kommo_client::PipelineId::new(PIPELINE), kommo_client::StatusId::new(payment));
            config.stages.set_won(pipeline, stage);
        })
        .await;
        world.kommo.move_lead(LEAD, PIPELINE, by_hand);
        assert_eq!(world.done(&paid(&transaction())).await, [Reason::AnotherPayment], "{by_hand}");
        assert_eq!(world.stage(), by_hand, "it stays where a person put it");
    }
}

#[tokio::test]
async fn a_subscription_shows_on_the_deal() {
    for kind in ["subscription.created", "subscription.activated"] {
        let world = World::new().await;
        assert_eq!(
            world.done(&event(kind, 0, &subscription("active"))).await,
            [Reason::SubscriptionStarted]
        );
        assert_eq!(world.field("PADDLE_SUB_ID"), json!("sub_seats"));
        assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
        // 2026-02-15 12:00 UTC, as a date field gives it back.
        assert_eq!(world.field("NEXT_BILLING_DATE"), json!(1_771_156_800));
        assert_eq!((world.stage(), world.notes().len()), (NEGOTIATION, 0));
    }
}

#[tokio::test]
async fn a_trial_is_told_once() {
    let world = World::new().await;
    assert_eq!(
        world.done(&event("subscription.created", 0, &subscription("trialing"))).await,
        [Reason::TrialStarted]
    );
    assert_eq!(
        world.done(&event("subscription.trialing", 1, &subscription("trialing"))).await,
        [Reason::SubscriptionStarted]
    );
    assert_eq!(
        world.notes(),
        ["Trial started, first charge on 2026-02-15 · Pro, yearly · sub_seats"]
    );
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("trialing"));
    assert_eq!(world.stage(), NEGOTIATION, "a trial is not a sale");
}

#[tokio::test]
async fn a_canceled_subscription_asks_the_rep_to_win_the_customer_back() {
    let world = World::with(|config| config.fields.subscription_ends = "ENDS".into()).await;
    world.kommo.add_field(Some("ENDS"), "Ends", "date_time");
    world.done(&event("subscription.activated", 0, &subscription("active"))).await;
    let mut ended = subscription("canceled");
    ended["next_billed_at"] = Value::Null;
    ended["canceled_at"] = json!("2026-01-20T08:00:00Z");
    assert_eq!(
        world.done(&event("subscription.canceled", 60, &ended)).await,
        [Reason::SubscriptionCanceled]
    );

    assert_eq!(
        world.tasks(),
        ["Subscription canceled: win the customer back · Pro, yearly · sub_seats"]
    );
    let task = &world.kommo.tasks(LEAD)[0];
    assert_eq!(
        task["complete_till"].as_i64(),
        Some(moment(24 * 3600).unix_timestamp()),
        "24 hours from now"
    );
    assert_eq!(
        (task["responsible_user_id"].as_u64(), task["task_type_id"].as_u64()),
        (Some(REP), Some(1))
    );
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("canceled"));
    assert_eq!(world.field("NEXT_BILLING_DATE"), Value::Null, "nothing is charged any more");
    assert_eq!(world.field("ENDS"), json!(1_768_896_000));

    assert_eq!(
        world.done(&event("subscription.canceled", 61, &ended)).await,
        [Reason::AlreadyAsked]
    );
    assert_eq!(world.tasks().len(), 1);
}

#[tokio::test]
async fn a_task_goes_to_whom_the_sale_names_if_that_user_is_active() {
    for (wanted, fallback, want) in [
        (json!("8375358"), 0, 8_375_358),
        (json!(8_375_359), 0, REP),
        (json!("nobody"), 0, REP),
        (Value::Null, 1, REP),
    ] {
        let world = World::with(|config| config.tasks.fallback_user_id = fallback).await;
        let mut data = subscription("canceled");
        data["custom_data"]["kommo_responsible_id"] = wanted.clone();
        world.done(&event("subscription.canceled", 0, &data)).await;
        assert_eq!(
            world.kommo.tasks(LEAD)[0]["responsible_user_id"].as_u64(),
            Some(want),
            "{wanted}"
        );
    }
}

#[tokio::test]
async fn most_events_change_nothing_in_kommo() {
    let world = World::new().await;
    for (kind, data) in [
        ("transaction.created", changed(&["status"], json!("draft"))),
        ("transaction.updated", transaction()),
        ("transaction.paid", changed(&["status"], json!("paid"))),
        ("customer.created", customer("jo@example.com")),
        ("product.updated", json!({"id": "pro_pro"})),
        ("brand.new", json!({"whatever": [1, 2, 3]})),
        ("brand.new", json!(null)),
    ] {
        assert_eq!(world.ignored(&event(kind, 0, &data)).await, Reason::NothingToDo, "{kind}");
    }
    assert_eq!(world.writes(), 0);
    assert!(world.kommo.requests().is_empty(), "and nothing is asked of it");
}

#[tokio::test]
async fn a_sale_without_a_deal_is_parked_or_not_ours() {
    let self_serve = changed(&["custom_data"], Value::Null);
    let world = World::new().await;
    assert_eq!(world.parked(&paid(&self_serve)).await.reason, ParkReason::NoDeal);
    let world = World::with(|config| config.unlinked = Unlinked::Ignore).await;
    assert_eq!(world.ignored(&paid(&self_serve)).await, Reason::NotLinked);
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn a_second_sale_does_not_win_a_deal_again_that_moved_on() {
    let world = World::with(|config| {
        config.stages.set_won(
            kommo_client::PipelineId::new(PIPELINE),
            kommo_client::StatusId::new(58_141_815),
        )
    })
    .await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    // The rep moves the paid deal on to the next stage, still open in Kommo's sense.
    world.kommo.move_lead(LEAD, PIPELINE, NEGOTIATION);
    let mut second = transaction();
    second["id"] = json!("txn_second");
    second["details"]["totals"]["total"] = json!("100000");
    let reasons = world.done(&event("transaction.completed", 10, &second)).await;
    assert_eq!(reasons, [Reason::AnotherPayment], "price {}", world.price());
}
