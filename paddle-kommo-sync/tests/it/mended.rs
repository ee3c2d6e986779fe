//! What Kommo refused because of the configuration goes on once that is mended.

use kommo_client::{PipelineId, StatusId};
use paddle_kommo_sync::{
    Config, LeftOutPart, MemoryStore, OnWon, OnWonAction, OnWonDeal, Outcome, ParkReason, Reason,
};
use serde_json::json;

use crate::{
    products::made,
    support::{
        LEAD, PIPELINE, WON, World,
        events::{event, transaction},
    },
};

/// A world in which the payment was refused, and then carried out by the mended configuration.
async fn mended(wrong: impl FnOnce(&mut Config), right: impl FnOnce(&mut Config)) -> World {
    let store = MemoryStore::new();
    let world = World::built(wrong, store.clone(), |builder| builder).await;
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

#[tokio::test]
async fn a_stage_that_does_not_exist() {
    let wrong = |config: &mut Config| {
        config.stages.set_won(PipelineId::new(PIPELINE), StatusId::new(777));
    };
    let world = mended(wrong, |_| {}).await;
    assert_eq!((world.stage(), world.price(), world.notes().len()), (WON, 599, 1));
}

#[tokio::test]
async fn a_pipeline_of_on_won_that_does_not_exist() {
    let onboarding = |pipeline| {
        move |config: &mut Config| {
            let deal = OnWonDeal::new(PipelineId::new(pipeline));
            config.on_won = vec![OnWon::new(OnWonAction::CreateDeal(deal))];
        }
    };
    let world = mended(onboarding(77), onboarding(PIPELINE)).await;
    assert_eq!((made(&world).len(), world.notes().len()), (1, 1));
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
