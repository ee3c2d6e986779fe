//! What else is done when a deal is won: once, for the sales it is meant for, and never twice after a lost answer.

use std::time::Duration;

use kommo_client::{
    PipelineId, StatusId,
    fake::{FakeLead, Fault, LedgerKind},
};
use paddle_kommo_sync::{
    Config, MemoryStore, OnWon, OnWonAction, OnWonCondition, OnWonDeal, OnWonTask, Outcome,
    OwnText, ParkReason, Reason, Text,
};
use paddle_webhook::{Currency, Event};
use serde_json::{Value, json};

use crate::support::{
    LEAD, LOST, NEGOTIATION, NOW, PIPELINE, REP, WON, World,
    events::{customer, event, named, renewal, subscription, transaction},
};

const SETTLE: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(120);

fn paid() -> Event {
    event("transaction.completed", 0, &transaction())
}

fn task(text: &str) -> OnWonAction {
    let mut task = OnWonTask::default();
    task.text = Some(OwnText::new(Text::OnWonTask, text).unwrap());
    OnWonAction::AddTask(task)
}

fn tag() -> OnWonAction {
    OnWonAction::AddTag("customer".to_owned())
}

async fn world(actions: impl IntoIterator<Item = OnWonAction>) -> World {
    let on_won: Vec<OnWon> = actions.into_iter().map(OnWon::new).collect();
    World::with(|config| config.on_won = on_won).await
}

/// A world with something in Kommo whose id the configuration needs: the fake's ids count up, so it is the same in every
/// world.
async fn world_of(
    add: impl Fn(&World) -> u64 + Send,
    action: impl Fn(u64) -> OnWonAction + Send,
) -> (World, u64) {
    let probe = World::new().await;
    let id = add(&probe);
    let world = world([action(id)]).await;
    assert_eq!(add(&world), id);
    (world, id)
}

const BOT: u64 = 565;

async fn bot_world() -> (World, u64) {
    let add = |world: &World| {
        world.kommo.add_salesbot(BOT);
        BOT
    };
    world_of(add, OnWonAction::StartSalesbot).await
}

async fn deal_world() -> (World, u64) {
    let deal = |id| OnWonAction::CreateDeal(OnWonDeal::new(PipelineId::new(id)));
    world_of(|world| world.kommo.add_pipeline("Onboarding", &["New", "Trained"]), deal).await
}

fn written(world: &World, kind: LedgerKind) -> Vec<Value> {
    let ledger = world.kommo.ledger();
    ledger.iter().filter(|entry| entry.kind == kind).map(|entry| entry.body.clone()).collect()
}

fn tags(world: &World) -> Vec<String> {
    let tags = world.lead()["_embedded"]["tags"].clone();
    let names = tags.as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap().to_owned());
    names.collect()
}

#[tokio::test]
async fn a_task_is_made() {
    let mut own = OnWonTask::default();
    own.text = Some(OwnText::new(Text::OnWonTask, "Call them · {deal} · {plan} · {sum}").unwrap());
    own.type_id = Some(2);
    own.due_in_hours = Some(2);
    let plain = OnWonAction::AddTask(OnWonTask::default());
    let world = world([OnWonAction::AddTask(own), plain]).await;
    assert_eq!(world.done(&paid()).await, [Reason::FirstPayment, Reason::OnWonTask]);
    assert_eq!(
        world.tasks(),
        [
            "Call them · Acme · Pro, yearly, Set-up · 652.15 USD",
            "Deal won: look after the new customer · Acme · Pro, yearly, Set-up",
        ]
    );
    let tasks = world.kommo.tasks(LEAD);
    let due = |hours: i64| json!(NOW.unix_timestamp() + hours * 3600);
    assert_eq!((&tasks[0]["task_type_id"], &tasks[1]["task_type_id"]), (&json!(2), &json!(1)));
    assert_eq!((&tasks[0]["complete_till"], &tasks[1]["complete_till"]), (&due(2), &due(24)));
    assert_eq!(tasks[0]["responsible_user_id"], REP);
}

#[tokio::test]
async fn a_tag_is_added() {
    let world = world([tag()]).await;
    assert_eq!(world.done(&paid()).await, [Reason::FirstPayment, Reason::OnWonTag]);
    assert_eq!(tags(&world), ["customer"]);
}

#[tokio::test]
async fn a_deal_is_made_in_another_pipeline() {
    let (world, pipeline) = deal_world().await;
    let jo = world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    assert_eq!(world.done(&paid()).await, [Reason::FirstPayment, Reason::OnWonDeal]);
    let made = written(&world, LedgerKind::LeadAdded);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["_embedded"]["contacts"], json!([{"id": jo, "is_main": true}]));
    assert_eq!((made[0].get("price"), made[0].get("custom_fields_values")), (None, None));
    let id =
        world.kommo.ledger().iter().find(|entry| entry.kind == LedgerKind::LeadAdded).unwrap().id;
    let deal = world.kommo.lead(id).unwrap();
    let first = world.kommo.stage_ids(pipeline)[0];
    assert_eq!((&deal["pipeline_id"], &deal["status_id"]), (&json!(pipeline), &json!(first)));
    assert_eq!(deal["name"], "New deal: Acme · Pro, yearly, Set-up");
    assert_eq!(deal["responsible_user_id"], REP);
}

#[tokio::test]
async fn a_deal_can_have_its_own_stage_and_name() {
    let stage_of = |world: &World| {
        let pipeline = world.kommo.add_pipeline("Onboarding", &["New", "Trained"]);
        world.kommo.stage_ids(pipeline)[1]
    };
    let probe = World::new().await;
    let pipeline = probe.kommo.add_pipeline("Onboarding", &["New", "Trained"]);
    let stage = probe.kommo.stage_ids(pipeline)[1];
    let mut deal = OnWonDeal::new(PipelineId::new(pipeline));
    deal.stage = Some(StatusId::new(stage));
    deal.name = Some(OwnText::new(Text::NewDeal, "Onboarding {deal}").unwrap());
    let world = world([OnWonAction::CreateDeal(deal)]).await;
    assert_eq!(stage_of(&world), stage);
    world.done(&paid()).await;
    let id =
        world.kommo.ledger().iter().find(|entry| entry.kind == LedgerKind::LeadAdded).unwrap().id;
    let deal = world.kommo.lead(id).unwrap();
    assert_eq!((&deal["name"], &deal["status_id"]), (&json!("Onboarding Acme"), &json!(stage)));
}

#[tokio::test]
async fn a_salesbot_is_started() {
    let (world, bot) = bot_world().await;
    assert_eq!(world.done(&paid()).await, [Reason::FirstPayment, Reason::OnWonSalesbot]);
    assert_eq!(
        written(&world, LedgerKind::SalesbotStarted),
        [json!({"bot_id": bot, "entity_id": LEAD, "entity_type": 2})]
    );
}

#[tokio::test]
async fn each_is_done_once_per_won_deal_and_never_on_renewals() {
    let world = world([task("Call them"), tag()]).await;
    let payment = paid();
    for _ in 0..3 {
        world.done(&payment).await;
    }
    world.done(&event("transaction.completed", 10, &renewal())).await;
    // A second payment, and the first one told by another event after a person reopened the deal.
    let mut second = transaction();
    second["id"] = json!("txn_second");
    world.done(&event("transaction.completed", 20, &second)).await;
    world.kommo.move_lead(LEAD, PIPELINE, NEGOTIATION);
    assert_eq!(
        world.done(&named("evt_again", "transaction.completed", 30, &transaction())).await,
        [Reason::FirstPayment]
    );
    let calls = world.tasks().iter().filter(|task| *task == "Call them").count();
    assert_eq!((calls, tags(&world).len()), (1, 1));
}

#[tokio::test]
async fn a_lost_deal_and_a_trial_that_are_won_count_too() {
    let world = World::with(|config| {
        config.on_won = vec![OnWon::new(tag())];
        config.lost_deals = paddle_kommo_sync::LostDeals::Win;
        config.trial_conversion = paddle_kommo_sync::TrialConversion::Win;
    })
    .await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    assert_eq!(world.done(&paid()).await, [Reason::LostDealWon, Reason::OnWonTag]);

    let world = World::with(|config| {
        config.on_won = vec![OnWon::new(tag())];
        config.trial_conversion = paddle_kommo_sync::TrialConversion::Win;
    })
    .await;
    world.done(&event("subscription.trialing", 0, &subscription("trialing"))).await;
    assert_eq!(
        world.done(&event("transaction.completed", 10, &renewal())).await,
        [Reason::TrialConverted, Reason::OnWonTag]
    );
}

#[tokio::test]
async fn a_condition_chooses_the_sales() {
    let usd = Currency::new("USD").unwrap();
    let when = |product: Option<&str>, currency: Option<Currency>, minimum: Option<i64>| {
        let mut when = OnWonCondition::default();
        when.product = product.map(str::to_owned);
        (when.currency, when.minimum) = (currency, minimum);
        when
    };
    for (name, when, want) in [
        ("always", when(None, None, None), true),
        ("a product", when(Some("pro_setup"), None, None), true),
        ("a price", when(Some("pri_seat"), None, None), true),
        ("another product", when(Some("pro_team"), None, None), false),
        ("the currency", when(None, Some(usd), None), true),
        ("another currency", when(None, Some(Currency::new("EUR").unwrap()), None), false),
        ("enough", when(None, Some(usd), Some(65_215)), true),
        ("not enough", when(None, Some(usd), Some(65_216)), false),
        ("all of it", when(Some("pro_pro"), Some(usd), Some(1)), true),
        ("not all of it", when(Some("pro_team"), Some(usd), Some(1)), false),
    ] {
        let world = World::with(|config| config.on_won = vec![OnWon::new(tag()).when(when)]).await;
        world.done(&paid()).await;
        assert_eq!(tags(&world).len(), usize::from(want), "{name}");
    }
}

#[tokio::test]
async fn a_lost_answer_makes_nothing_twice() {
    let lost = || [Fault::status(502).applied(), Fault::truncated().applied()];
    for fault in lost() {
        let world = world([task("Call them")]).await;
        world.kommo.fail_next(fault.on("POST", "/api/v4/tasks"));
        let payment = paid();
        world.waiting(&payment).await;
        world.advance(SETTLE);
        world.done(&payment).await;
        assert_eq!(world.tasks(), ["Call them"]);
    }
    for fault in lost() {
        let (world, _) = deal_world().await;
        world.kommo.fail_next(fault.at("POST", "/api/v4/leads"));
        let payment = paid();
        world.waiting(&payment).await;
        world.advance(SETTLE);
        world.done(&payment).await;
        assert_eq!(written(&world, LedgerKind::LeadAdded).len(), 1);
    }
    for fault in lost() {
        let world = world([tag()]).await;
        world.kommo.fail_next(fault.at("PATCH", "/api/v4/leads").nth(2));
        let payment = paid();
        world.waiting(&payment).await;
        assert_eq!(tags(&world), ["customer"]);
        world.advance(SETTLE);
        world.done(&payment).await;
        assert_eq!(tags(&world), ["customer"], "a tag is by its name");
    }
}

#[tokio::test]
async fn a_salesbot_without_an_answer_is_parked_and_started_again_only_by_a_person() {
    for fault in [
        Fault::status(502).applied(),
        Fault::status(502),
        Fault::hang(Duration::from_secs(2)).applied(),
    ] {
        let (world, _) = bot_world().await;
        world.kommo.fail_next(fault.on("POST", "/api/v2/salesbot"));
        let payment = paid();
        let parked = world.parked(&payment).await;
        assert_eq!(parked.reason, ParkReason::Unconfirmed);
        assert!(parked.detail.contains("look whether it has run"), "{}", parked.detail);
        let started = written(&world, LedgerKind::SalesbotStarted).len();
        world.parked(&payment).await;
        assert_eq!(written(&world, LedgerKind::SalesbotStarted).len(), started, "not by itself");
        assert!(world.sync.resume(payment.id().as_str()).await.unwrap());
        world.done(&payment).await;
        assert_eq!(written(&world, LedgerKind::SalesbotStarted).len(), started + 1);
    }
}

#[tokio::test]
async fn a_salesbot_without_an_answer_stays_with_the_person_while_the_rest_is_tried_again() {
    let world = world([OnWonAction::StartSalesbot(BOT), tag()]).await;
    world.kommo.add_salesbot(BOT);
    world.kommo.fail_next(Fault::status(502).applied().on("POST", "/api/v2/salesbot"));
    let slow = Fault::too_many_requests().retry_after("3");
    world.kommo.fail_next(slow.at("PATCH", "/api/v4/leads").nth(2));
    let payment = paid();
    world.waiting(&payment).await;
    world.advance(Duration::from_secs(3));
    assert_eq!(world.parked(&payment).await.reason, ParkReason::Unconfirmed);
    assert_eq!(written(&world, LedgerKind::SalesbotStarted).len(), 1, "not a second time");
    assert_eq!(tags(&world), ["customer"]);
    assert!(world.sync.resume(payment.id().as_str()).await.unwrap());
    world.done(&payment).await;
    assert_eq!(written(&world, LedgerKind::SalesbotStarted).len(), 2, "by a person");
}

/// Who resumes an event says that what it asks about has not happened: it must be what it asks about.
#[tokio::test]
async fn a_salesbot_without_an_answer_is_asked_about_before_all_else() {
    let gone = OnWonAction::CreateDeal(OnWonDeal::new(PipelineId::new(9_999_999)));
    for (actions, refused) in [
        ([gone, OnWonAction::StartSalesbot(BOT)], None),
        ([OnWonAction::StartSalesbot(BOT), task("Call them")], Some("/api/v4/tasks")),
    ] {
        let world = world(actions).await;
        world.kommo.add_salesbot(BOT);
        world.kommo.fail_next(Fault::status(502).applied().on("POST", "/api/v2/salesbot"));
        if let Some(path) = refused {
            world.kommo.fail_next(Fault::status(404).on("POST", path));
        }
        let payment = paid();
        assert_eq!(world.parked(&payment).await.reason, ParkReason::Unconfirmed, "{refused:?}");
        // That the deal is told says nothing about the bot.
        let opened = world.sync.link("ctm_jo", kommo_client::LeadId::new(LEAD)).await.unwrap();
        assert_eq!(opened, Vec::<String>::new());
        assert_eq!(written(&world, LedgerKind::SalesbotStarted).len(), 1);
    }
}

#[tokio::test]
async fn a_process_that_stops_while_it_starts_a_salesbot_leaves_it_to_a_person() {
    let store = MemoryStore::new();
    let change = |config: &mut Config| {
        config.on_won = vec![OnWon::new(OnWonAction::StartSalesbot(BOT)), OnWon::new(tag())];
    };
    let world = World::built(change, store, |builder| builder).await;
    world.kommo.add_salesbot(BOT);
    let hang = Fault::hang(Duration::from_secs(5)).applied();
    world.kommo.fail_next(hang.on("POST", "/api/v2/salesbot"));
    let payment = paid();
    {
        let handling = world.sync.handle(&payment);
        let started = async {
            while written(&world, LedgerKind::SalesbotStarted).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = started => {}
            outcome = handling => panic!("it ended: {outcome:?}"),
        }
    }
    world.advance(LEASE);
    assert_eq!(world.parked(&payment).await.reason, ParkReason::Unconfirmed);
    assert_eq!(written(&world, LedgerKind::SalesbotStarted).len(), 1);
    assert_eq!(tags(&world), ["customer"], "what comes after it is done all the same");
}

#[tokio::test]
async fn a_salesbot_that_kommo_refuses_for_now_is_started_later() {
    let (world, _) = bot_world().await;
    world
        .kommo
        .fail_next(Fault::too_many_requests().retry_after("3").on("POST", "/api/v2/salesbot"));
    let payment = paid();
    world.waiting(&payment).await;
    world.advance(Duration::from_secs(3));
    world.done(&payment).await;
    assert_eq!(written(&world, LedgerKind::SalesbotStarted).len(), 1);
}

#[tokio::test]
async fn what_is_gone_parks_after_everything_else() {
    let gone = OnWonAction::CreateDeal(OnWonDeal::new(PipelineId::new(77)));
    let world = world([OnWonAction::StartSalesbot(77), gone, tag(), task("Call them")]).await;
    let payment = paid();
    let parked = world.parked(&payment).await;
    assert_eq!(parked.reason, ParkReason::Refused);
    assert_eq!((world.stage(), tags(&world).len(), world.tasks().len()), (WON, 1, 1));
    world.sync.resume(payment.id().as_str()).await.unwrap();
    world.parked(&payment).await;
    assert_eq!(world.tasks().len(), 1, "what was done stays done");
}

#[tokio::test]
async fn an_onboarding_deal_is_no_candidate_for_a_payment_without_a_link() {
    let (world, pipeline) = deal_world().await;
    let stage = world.kommo.stage_ids(pipeline)[0];
    world.kommo.add_lead(FakeLead::new("Onboarding").id(7).stage(pipeline, stage));
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD, 7]);
    world.ignored(&event("customer.created", 0, &customer("jo@example.com"))).await;
    let mut data = transaction();
    data["custom_data"] = Value::Null;
    world.done(&event("transaction.completed", 5, &data)).await;
    assert_eq!(world.stage(), WON);
}

#[tokio::test]
async fn a_shadow_tells_it_and_does_nothing() {
    let world = World::with(|config| {
        config.on_won = vec![OnWon::new(tag()), OnWon::new(OnWonAction::StartSalesbot(565))];
        config.mode = paddle_kommo_sync::Mode::Shadow;
    })
    .await;
    let outcome = world.handle(&paid()).await;
    let Outcome::Shadowed { would, .. } = outcome else { panic!("{outcome}") };
    assert!(would.contains(&"+ tag: customer".to_owned()), "{would:?}");
    assert!(would.contains(&"starts Salesbot 565".to_owned()), "{would:?}");
    assert_eq!(world.writes(), 0);
}
