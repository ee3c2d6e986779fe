//! Tasks.

use kommo_client::{LeadId, NewTask, TaskFilter, TaskId, TaskPatch, TaskTypeId, UserId};
use serde_json::json;
use time::macros::datetime;
use wiremock::{
    Mock, MockServer,
    matchers::{any, method, path},
};

use crate::support::{body, client, json, query, request};

#[tokio::test]
async fn a_task_is_added() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v4/tasks"))
        .respond_with(json(r#"{"_embedded":{"tasks":[{"id":5,"request_id":"0"}]}}"#))
        .mount(&server)
        .await;
    let task = NewTask::new("Call", datetime!(2026-11-25 20:00 UTC))
        .lead(LeadId::new(7))
        .task_type(TaskTypeId::new(1))
        .responsible_user(UserId::new(9));
    let created = client(&server).tasks().create(&[task]).await.unwrap();
    assert_eq!((created[0].index, created[0].id), (0, TaskId::new(5)));
    assert_eq!(
        body(&request(&server).await),
        json!([{"text": "Call", "complete_till": 1_795_636_800, "entity_id": 7, "entity_type": "leads",
            "task_type_id": 1, "responsible_user_id": 9, "request_id": "0"}])
    );
}

#[tokio::test]
async fn a_task_is_completed() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH"))
        .and(path("/api/v4/tasks"))
        .respond_with(json(
            r#"{"_embedded":{"tasks":[{"id":5,"updated_at":1588760725,"request_id":"0"}]}}"#,
        ))
        .mount(&server)
        .await;
    let patch = TaskPatch::new(TaskId::new(5)).complete("Paid.");
    let updated = client(&server).tasks().update(&[patch]).await.unwrap();
    assert_eq!(updated[0].id, TaskId::new(5));
    assert_eq!(
        body(&request(&server).await),
        json!([{"id": 5, "is_completed": true, "result": {"text": "Paid."}, "request_id": "0"}])
    );
}

#[tokio::test]
async fn tasks_are_listed_by_the_filter_even_where_it_is_ignored() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(json(
            r#"{"_embedded":{"tasks":[
                {"id":1,"entity_id":7,"entity_type":"leads","is_completed":false,"text":"a","result":[]},
                {"id":2,"entity_id":7,"entity_type":"contacts","is_completed":false},
                {"id":3,"entity_id":8,"entity_type":"leads","is_completed":false},
                {"id":4,"entity_id":7,"entity_type":"leads","is_completed":true,"result":{"text":"done"}},
                {"id":5}]}}"#,
        ))
        .mount(&server)
        .await;
    let filter = TaskFilter::new()
        .lead(LeadId::new(7))
        .completed(false)
        .task_type(TaskTypeId::new(2))
        .updated_from(datetime!(2026-11-24 20:00 UTC));
    let tasks = client(&server).tasks().list(&filter).await.unwrap();
    assert_eq!(tasks.iter().map(|task| task.id.get()).collect::<Vec<_>>(), [1]);
    assert_eq!(tasks[0].result_text(), None);
    let want = [
        ("filter[entity_type]", "leads"),
        ("filter[entity_id][]", "7"),
        ("filter[is_completed]", "0"),
        ("filter[task_type][]", "2"),
        ("filter[updated_at][from]", "1795550400"),
        ("order[id]", "asc"),
        ("limit", "250"),
    ];
    let got = query(&request(&server).await);
    assert!(got.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(want), "{got:?}");
}
