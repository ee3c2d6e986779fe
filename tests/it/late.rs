//! What was parked, overtaken or cut off is told in the end.

use e2e::{ADMIN_TOKEN, Kind, LEAD, Story, World};
use kommo_client::fake::FakeLead;
use serde_json::{Value, json};

const SURVIVOR: u64 = 20_025_000;

/// A sale whose deal was merged away; what happened next waits, and is linked to the survivor.
async fn after_a_merge(
    before: fn(&mut Story) -> Vec<Value>,
    then: fn(&mut Story) -> Value,
) -> (Vec<String>, String) {
    let world = World::start(Kind::Axum).await;
    let mut story = Story::of(LEAD);
    let mut sale = vec![story.first_payment(), story.subscription("subscription.created", |_| {})];
    sale.extend(before(&mut story));
    world.tell(&sale).await;
    world.kommo.remove_lead(LEAD);
    world.kommo.add_lead(FakeLead::new("Acme").id(SURVIVOR).price(599).stage(6_950_551, 142));
    let mut rep = world.rep(SURVIVOR);
    world.tell([then(&mut story)]).await;
    let token = format!("Bearer {ADMIN_TOKEN}");
    let link = json!({"what": "sub_seats", "lead": SURVIVOR});
    world.admin("POST", "/admin/link", Some(&token), Some(&link)).await;
    world.settled().await;
    let explained =
        world.admin("GET", &format!("/admin/explain/{LEAD}"), Some(&token), None).await.1;
    (rep.news(), explained)
}

#[tokio::test]
async fn a_plan_change_that_was_parked_is_told_once_linked() {
    let (news, explained) = after_a_merge(
        |_| vec![],
        |story| {
            story.subscription("subscription.updated", |data| {
                data["items"][0]["quantity"] = json!(20)
            })
        },
    )
    .await;
    assert!(
        news.iter().any(|line| line.starts_with("note: Subscription changed")),
        "{news:#?}\n{explained}"
    );
}

#[tokio::test]
async fn a_scheduled_cancellation_that_was_parked_is_told_once_linked() {
    let (news, explained) = after_a_merge(
        |_| vec![],
        |story| {
            story.subscription("subscription.updated", |data| {
                data["scheduled_change"] =
                    json!({"action": "cancel", "effective_at": "2030-02-15T12:00:00Z"});
            })
        },
    )
    .await;
    assert!(
        news.iter().any(|line| line.starts_with("task: Subscription will end")),
        "{news:#?}\n{explained}"
    );
}

#[tokio::test]
async fn a_recovery_that_was_parked_is_told_once_linked() {
    let (news, explained) = after_a_merge(
        |story| vec![story.failed_charge("second")],
        |story| story.charge("second", "subscription_recurring", "325-2"),
    )
    .await;
    assert!(
        news.iter().any(|line| line.starts_with("note: Payment recovered")),
        "{news:#?}\n{explained}"
    );
}

/// The same where the deal was never known: an unlinked subscription.
#[tokio::test]
async fn a_scheduled_cancellation_without_a_deal_is_told_once_linked() {
    let world = World::start(Kind::Axum).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD).with_custom_data(Value::Null);
    let cancel = |data: &mut Value| {
        data["scheduled_change"] =
            json!({"action": "cancel", "effective_at": "2030-02-15T12:00:00Z"});
    };
    world
        .tell([
            story.first_payment(),
            story.subscription("subscription.created", |_| {}),
            story.subscription("subscription.updated", cancel),
        ])
        .await;
    let token = format!("Bearer {ADMIN_TOKEN}");
    let link = json!({"what": "sub_seats", "lead": LEAD});
    world.admin("POST", "/admin/link", Some(&token), Some(&link)).await;
    world.settled().await;
    let news = rep.news();
    assert!(news.iter().any(|line| line.starts_with("task: Subscription will end")), "{news:#?}");
}

/// A newer state of the subscription came first, so the recovery that an overtaken update tells is swallowed, and the
/// charge that comes after it sees no spell any more: the dunning task stays open for ever.
#[tokio::test]
async fn an_overtaken_update_that_tells_the_recovery_ends_the_spell() {
    let world = World::start(Kind::Axum).await;
    let rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let sale = story.first_payment();
    let created = story.subscription("subscription.created", |_| {});
    let failed = story.failed_charge("third");
    let paid = story.charge("third", "subscription_recurring", "325-3");
    let active = story.subscription("subscription.updated", |_| {});
    let canceled =
        story.subscription("subscription.canceled", |data| data["status"] = json!("canceled"));
    for event in [sale, created, failed, canceled, active, paid] {
        world.tell([event]).await;
    }
    let open = rep.open_tasks();
    assert!(!open.iter().any(|task| task.starts_with("Payment past due")), "{open:#?}");
}

/// The card fails at the end of a trial, then is charged: the deal is won, and the dunning task must be completed.
#[tokio::test]
async fn a_trial_that_converts_after_a_failed_card_ends_the_spell() {
    let mut rules = paddle_kommo_sync::Config::default();
    rules.trial_conversion = paddle_kommo_sync::TrialConversion::Win;
    let world = World::with(Kind::Axum, e2e::Setup { rules, ..e2e::Setup::default() }).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let trialing = |data: &mut Value| data["status"] = json!("trialing");
    world.tell([story.subscription("subscription.created", trialing)]).await;
    world
        .tell([
            story.failed_charge("first"),
            story.subscription("subscription.past_due", |data| data["status"] = json!("past_due")),
        ])
        .await;
    world
        .tell([
            story.charge("first", "subscription_recurring", "325-1"),
            story.subscription("subscription.activated", |_| {}),
        ])
        .await;
    assert_eq!(rep.stage(), 142);
    let open = rep.open_tasks();
    assert!(open.is_empty(), "{open:#?}\n{:#?}", rep.news());
}

/// A completed transaction without money in it (a change of plan that costs nothing) ends the spell in `known`, but
/// nobody completes the task.
#[tokio::test]
async fn a_completed_transaction_of_zero_does_not_lose_the_end_of_the_spell() {
    for origin in ["subscription_update", "subscription_payment_method_change"] {
        let world = World::start(Kind::Axum).await;
        let mut rep = world.rep(LEAD);
        let mut story = Story::of(LEAD);
        world
            .tell([
                story.first_payment(),
                story.subscription("subscription.created", |_| {}),
                story.failed_charge("second"),
            ])
            .await;
        world
            .tell([story.transaction("transaction.completed", "zero", |data| {
                e2e::story::pays(data, ["0", "0", "0"]);
                data["origin"] = json!(origin);
            })])
            .await;
        world
            .tell([
                story.charge("second", "subscription_recurring", "325-2"),
                story.subscription("subscription.updated", |_| {}),
            ])
            .await;
        let open = rep.open_tasks();
        assert!(open.is_empty(), "{origin}: {open:#?}\n{:#?}", rep.news());
    }
}

/// The official sequence ends with `subscription.past_due`, whose refresh takes sum, reason and card out of the task.
#[tokio::test]
async fn the_dunning_task_keeps_the_sum_and_the_reason() {
    let world = World::start(Kind::Axum).await;
    let rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    world.tell([story.first_payment(), story.subscription("subscription.created", |_| {})]).await;
    let failed = story.transaction("transaction.payment_failed", "second", |data| {
        data["origin"] = json!("subscription_recurring");
        data["status"] = json!("past_due");
        data["payments"] = json!([{"status": "error", "error_code": "declined", "method_details": {"type": "card", "card": {"last4": "0002"}}}]);
    });
    world.tell([failed]).await;
    assert!(
        rep.open_tasks()[0].contains("652.15 USD · declined · card …0002"),
        "{:?}",
        rep.open_tasks()
    );
    world
        .tell([
            story.subscription("subscription.past_due", |data| data["status"] = json!("past_due"))
        ])
        .await;
    assert!(
        rep.open_tasks()[0].contains("652.15 USD · declined · card …0002"),
        "{:?}",
        rep.open_tasks()
    );
}

/// The deal is deleted between the plan and its write: the event is parked with "link the event to another deal", and
/// linking it does not help, as the plan of the deleted deal is gone on with.
#[tokio::test]
async fn an_event_whose_deal_was_deleted_after_its_plan_can_be_linked_elsewhere() {
    let world = World::start(Kind::Actix).await;
    world.kommo.add_lead(FakeLead::new("Acme Inc., anew").id(SURVIVOR));
    let mut story = Story::of(LEAD);
    let payment = story.first_payment();
    world.kommo.fail_next(kommo_client::fake::Fault::status(503).at("PATCH", "/api/v4/leads"));
    world.send_twice(std::slice::from_ref(&payment)).await;
    let sync = world.server.sync().clone();
    world
        .until("it waits", async || {
            sync.explain(&LEAD.to_string())
                .await
                .unwrap()
                .iter()
                .any(|chapter| chapter.last_error.is_some())
        })
        .await;
    world.kommo.remove_lead(LEAD);
    world.later(time::Duration::minutes(2));
    world.tell([&payment]).await;
    assert_eq!(sync.parked(9).await.unwrap().len(), 1);
    sync.link("txn_first", kommo_client::LeadId::new(SURVIVOR)).await.unwrap();
    world.settled().await;
    let parked = sync.parked(9).await.unwrap();
    assert!(parked.is_empty(), "{parked:#?}");
    assert_eq!(world.rep(SURVIVOR).stage(), 142);
}

/// Two tasks of one payment are open, a warning's and a chargeback's: both completions have the name
/// `complete:task:chargeback`, the journal refuses the second, the event fails at every claim and ends as poison.
#[tokio::test]
async fn a_reversal_after_a_warning_and_a_chargeback_completes_both_tasks() {
    let world = World::start(Kind::Axum).await;
    let rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let bank = |story: &mut Story, id: &str, action: &str| {
        story.adjustment("adjustment.created", "first", |data| {
            data["id"] = json!(id);
            data["action"] = json!(action);
        })
    };
    world.tell([story.first_payment()]).await;
    world.tell([bank(&mut story, "adj_warning", "chargeback_warning")]).await;
    world.tell([bank(&mut story, "adj_taken", "chargeback")]).await;
    assert_eq!(rep.open_tasks().len(), 2);
    world.tell([bank(&mut story, "adj_back", "chargeback_reverse")]).await; // never ends: 60 s, then red
    assert!(rep.open_tasks().is_empty());
}
