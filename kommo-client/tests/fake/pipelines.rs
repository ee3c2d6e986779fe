use kommo_client::{
    ErrorKind, LeadId, NewPipeline, NewStatus, PipelineId, PipelinePatch, StatusId, StatusPatch,
    fake::FakeLead,
};
use serde_json::json;

use crate::http::{client, patch, post, unlimited};

#[tokio::test]
async fn a_pipeline_is_made_changed_and_deleted() {
    let kommo = unlimited().await;
    let pipelines = client(&kommo).pipelines();
    let new = NewPipeline::new("Partners", 20)
        .unsorted()
        .status(NewStatus::new("Talks", 20).color("#fffeb2"))
        .status(NewStatus::new("Contract", 30))
        .won_name("Signed");
    let made = pipelines.create(&[new]).await.expect("made");
    let read = pipelines.get(made[0].id).await.expect("an answer").expect("a pipeline");
    let names: Vec<_> = read.statuses.iter().map(|stage| stage.name.as_deref()).collect();
    let want = ["Incoming leads", "Talks", "Contract", "Signed", "Closed - lost"];
    assert_eq!(names, want.map(Some));
    assert_eq!((read.name.as_deref(), read.is_main), (Some("Partners"), false));

    let change = PipelinePatch::new(made[0].id).name("Channel").main().unsorted(false);
    pipelines.update(&change).await.expect("changed");
    let all = pipelines.list().await.expect("a list");
    let seen: Vec<_> = all.iter().map(|own| (own.is_main, own.statuses.len())).collect();
    assert_eq!(seen, [(false, 6), (true, 4)], "one is the main one");

    let lead = kommo.add_lead(FakeLead::new("Acme").stage(made[0].id.get(), 142));
    let error = pipelines.delete(made[0].id).await.expect_err("it has a lead");
    assert_eq!(error.kind(), &ErrorKind::Status(422));
    kommo.remove_lead(lead);
    pipelines.delete(made[0].id).await.expect("deleted");
    assert_eq!(pipelines.get(made[0].id).await.expect("an answer"), None);
    let error = pipelines.delete(PipelineId::new(6_950_551)).await.expect_err("the last one");
    assert_eq!(error.status(), Some(422));
}

#[tokio::test]
async fn stages_are_made_changed_and_deleted_and_leads_move_on() {
    let kommo = unlimited().await;
    let pipelines = client(&kommo).pipelines();
    let sales = PipelineId::new(6_950_551);
    let made = pipelines.create_statuses(sales, &[NewStatus::new("Demo", 25)]).await.expect("made");
    let stages = pipelines.statuses(sales).await.expect("a list");
    assert_eq!(stages[2].id, made[0].id, "in its place");
    let change = StatusPatch::new(made[0].id).name("Trial").sort(35).color("#ff8f92");
    pipelines.update_status(sales, &change).await.expect("changed");
    let stages = pipelines.statuses(sales).await.expect("a list");
    assert_eq!((stages[3].id, stages[3].name.as_deref()), (made[0].id, Some("Trial")));
    pipelines
        .update_status(sales, &StatusPatch::new(StatusId::WON).name("Paid"))
        .await
        .expect("named");
    let stages = pipelines.statuses(sales).await.expect("a list");
    let won = stages.iter().find(|stage| stage.id == StatusId::WON).expect("won");
    assert_eq!(won.name.as_deref(), Some("Paid"));

    let lead = kommo.add_lead(FakeLead::new("Acme").stage(sales.get(), made[0].id.get()));
    pipelines.delete_status(sales, made[0].id).await.expect("deleted");
    let lead =
        client(&kommo).leads().get(LeadId::new(lead)).await.expect("an answer").expect("a lead");
    assert_eq!(
        lead.status_id,
        Some(StatusId::new(58_141_807)),
        "the first that is not for incoming leads"
    );
    for id in [142, 58_141_803] {
        let error =
            pipelines.delete_status(sales, StatusId::new(id)).await.expect_err("a system's own");
        assert_eq!(error.status(), Some(400));
    }
    let error = pipelines.delete_status(sales, StatusId::new(1)).await.expect_err("there is none");
    assert_eq!(error.kind(), &ErrorKind::NotFound);
}

#[tokio::test]
async fn what_no_pipeline_takes_is_refused() {
    let kommo = unlimited().await;
    let missing = post(&kommo, "leads/pipelines", &json!([{"name": "A"}])).await.problems();
    let missing: Vec<_> = missing.into_iter().map(|row| row.2).collect();
    assert_eq!(missing, ["sort", "is_main", "is_unsorted_on"]);
    let with = |status| {
        json!([{"name": "A", "sort": 1, "is_main": false, "is_unsorted_on": false,
        "_embedded": {"statuses": [status]}}])
    };
    for (status, path) in [
        (json!({"id": 7, "name": "B"}), "_embedded.statuses.0.id"),
        (json!({"name": " "}), "_embedded.statuses.0.name"),
        (json!({"name": "B", "color": "red"}), "_embedded.statuses.0.color"),
        (json!({"name": "B", "type": 1}), "_embedded.statuses.0.type"),
    ] {
        assert_eq!(post(&kommo, "leads/pipelines", &with(status)).await.problem().1, path);
    }
    let answer = patch(&kommo, "leads/pipelines/6950551", &json!({"is_archive": true})).await;
    assert_eq!(answer.problem().1, "is_archive");
    let answer = post(&kommo, "leads/pipelines/6950551/statuses", &json!([{"name": "B"}])).await;
    assert_eq!(answer.problem().1, "sort");
    assert_eq!(kommo.ledger().len(), 0);
}
