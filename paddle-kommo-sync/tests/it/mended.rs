//! What Kommo refused because of the configuration goes on once that is mended.

use kommo_client::{
    PipelineId, StatusId,
    fake::{FakeLead, LedgerKind},
};
use paddle_kommo_sync::{
    AgreedPrice, Config, LeftOutPart, MemoryStore, OnWon, OnWonAction, OnWonDeal, OnWonTask,
    Outcome, ParkReason, Reason,
};
use serde_json::json;

use crate::{
    products::made,
    support::{
        LEAD, NEGOTIATION, PIPELINE, WON, World,
        events::{event, transaction},
    },
};

/// A world in which the payment was refused, and then carried out by the mended configuration.
async fn mended(wrong: impl FnOnce(&mut Config), right: impl FnOnce(&mut Config)) -> World {
    mended_deal(FakeLead::new("Acme"), wrong, right).await
}

async fn mended_deal(
    deal: FakeLead,
    wrong: impl FnOnce(&mut Config),
    right: impl FnOnce(&mut Config),
) -> World {
    let store = MemoryStore::new();
    let world = World::built(wrong, store.clone(), |builder| builder).await;
    world.kommo.add_lead(deal.id(LEAD).stage(PIPELINE, NEGOTIATION));
    world.kommo.add_salesbot(565);
    let payment = event("transaction.completed", 0, &transaction());
    assert_eq!(world.parked(&payment).await.reason, ParkReason::Refused);
    let mut config = Config::default();
    right(&mut config);
    let sync = world.restarted_with(store, |builder| builder.config(config)).await;
    assert!(sync.resume(payment.id().as_str()).await.unwrap());
    let outcome = sync.handle(&payment).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
    world
}

fn no_such_stage(config: &mut Config) {
    config.stages.set_won(PipelineId::new(PIPELINE), StatusId::new(777));
}

fn on_won(actions: impl IntoIterator<Item = OnWonAction>) -> impl FnOnce(&mut Config) {
    let on_won = actions.into_iter().map(OnWon::new).collect();
    |config: &mut Config| config.on_won = on_won
}

fn deal_in(pipeline: u64) -> OnWonAction {
    OnWonAction::CreateDeal(OnWonDeal::new(PipelineId::new(pipeline)))
}

#[tokio::test]
async fn a_stage_that_does_not_exist() {
    let world = mended(no_such_stage, |_| {}).await;
    assert_eq!((world.stage(), world.price(), world.notes().len()), (WON, 599, 1));
}

#[tokio::test]
async fn a_pipeline_of_on_won_that_does_not_exist() {
    let world = mended(on_won([deal_in(77)]), on_won([deal_in(PIPELINE)])).await;
    let made = made(&world);
    assert_eq!((made.len(), world.notes().len()), (1, 1));
    let name = world.kommo.lead(made[0]).unwrap()["name"].to_string();
    assert!(!name.contains("[pk-"), "it has its own name: {name}");
}

#[tokio::test]
async fn a_tag_that_is_called_otherwise_by_now() {
    let tag = |name: &str| on_won([OnWonAction::AddTag(name.to_owned())]);
    let before = |config: &mut Config| {
        no_such_stage(config);
        tag("old")(config);
    };
    let world = mended(before, tag("new")).await;
    let tags = &world.lead()["_embedded"]["tags"];
    assert_eq!(tags.as_array().map(Vec::len), Some(1), "{tags}");
    assert_eq!(tags[0]["name"], "new");
}

#[tokio::test]
async fn a_bot_that_does_not_exist() {
    let start = |bot| on_won([OnWonAction::StartSalesbot(bot)]);
    let world = mended(start(77), start(565)).await;
    let started = world.kommo.ledger();
    let started = started.iter().filter(|entry| entry.kind == LedgerKind::SalesbotStarted);
    assert_eq!(started.count(), 1);
}

#[tokio::test]
async fn what_is_not_wanted_any_more_is_not_done() {
    let tag = |name: &str| OnWonAction::AddTag(name.to_owned());
    let before = [deal_in(77), tag("old"), deal_in(77)];
    for after in [vec![], vec![tag("new")], vec![tag("new"), tag("new"), tag("new")]] {
        let world = mended(on_won(before.clone()), on_won(after)).await;
        assert_eq!((made(&world).len(), world.notes().len()), (0, 1));
        let tags = &world.lead()["_embedded"]["tags"];
        assert_eq!(tags.as_array().map(Vec::len), Some(1), "what was done before: {tags}");
    }
}

#[tokio::test]
async fn types_of_tasks_follow_too() {
    let own = |type_id| {
        let mut task = OnWonTask::default();
        task.type_id = type_id;
        OnWonAction::AddTask(task)
    };
    for (type_id, want) in [(None, 2), (Some(1), 1)] {
        let wrong = |config: &mut Config| {
            no_such_stage(config);
            on_won([own(None)])(config);
        };
        let right = |config: &mut Config| {
            config.tasks.type_id = 2;
            on_won([own(type_id)])(config);
        };
        let world = mended(wrong, right).await;
        assert_eq!(world.kommo.tasks(LEAD)[0]["task_type_id"], want);
    }
}

/// The price was agreed upon: beside the win a person is asked to look at it.
#[tokio::test]
async fn the_type_of_the_rules_own_tasks_follows_too() {
    let warn = |config: &mut Config| {
        config.agreed_price = AgreedPrice::Warn;
        no_such_stage(config);
    };
    let world = mended_deal(FakeLead::new("Agreed").price(1_000), warn, |config| {
        config.tasks.type_id = 2;
    })
    .await;
    assert_eq!(world.kommo.tasks(LEAD)[0]["task_type_id"], 2);
}

/// Without it the rest would never be done: a task has a type of Kommo's own as well.
#[tokio::test]
async fn a_type_of_tasks_that_does_not_exist_is_left_out() {
    let world = World::with(|config| config.tasks.type_id = 99).await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let mut second = transaction();
    (second["id"], second["subscription_id"]) = (json!("txn_second"), json!(null));
    let done = world.done_with_report(&event("transaction.completed", 5, &second)).await;
    assert_eq!(done.reasons, [Reason::AnotherPayment]);
    let left_out: Vec<_> = done.left_out.iter().map(|left_out| left_out.what).collect();
    assert_eq!(left_out, [LeftOutPart::TaskType]);
    assert_eq!(world.kommo.tasks(LEAD)[0]["task_type_id"], 1);
}
