use kommo_client::fake::{FakeLead, LedgerKind};
use serde_json::{Value, json};

use crate::http::{get, patch, post, unlimited};

#[tokio::test]
async fn the_life_of_a_task() {
    let kommo = unlimited().await;
    kommo.set_time(Some(1_750_000_000));
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let body = json!([{"text": "Call", "complete_till": 1_750_086_400, "entity_id": lead,
                       "entity_type": "leads", "task_type_id": 2, "responsible_user_id": 8_375_358}]);
    let answer = post(&kommo, "tasks", &body).await;
    let id = answer.ids("tasks")[0];
    let item = &answer.json()["_embedded"]["tasks"][0];
    let link = format!("{}/api/v4/tasks/{id}", kommo.uri());
    assert_eq!(*item, json!({"id": id, "request_id": "0", "_links": {"self": {"href": link}}}));
    let read = get(&kommo, &format!("tasks/{id}")).await.json();
    let want = json!({
        "id": id, "created_by": 8_375_357, "updated_by": 8_375_357, "created_at": 1_750_000_000,
        "updated_at": 1_750_000_000, "responsible_user_id": 8_375_358, "group_id": 0,
        "entity_id": lead, "entity_type": "leads", "duration": 0, "is_completed": false,
        "task_type_id": 2, "text": "Call", "result": [], "complete_till": 1_750_086_400,
        "account_id": 31_361_463, "_links": {"self": {"href": link}},
    });
    assert_eq!(read, want);
    assert_eq!(kommo.tasks(lead), [want]);
    assert_eq!(kommo.lead(lead).expect("the lead")["closest_task_at"], 1_750_086_400);

    kommo.set_time(Some(1_750_000_060));
    let done = json!([{"id": id, "is_completed": true, "result": {"text": "Paid"}}]);
    let answer = patch(&kommo, "tasks", &done).await.json();
    let item = &answer["_embedded"]["tasks"][0];
    assert_eq!((&item["id"], &item["updated_at"]), (&json!(id), &json!(1_750_000_060)));
    assert_eq!(item["request_id"], "0");
    let task = &kommo.tasks(lead)[0];
    assert_eq!((&task["is_completed"], &task["result"]), (&json!(true), &json!({"text": "Paid"})));
    assert_eq!(kommo.lead(lead).expect("the lead")["closest_task_at"], Value::Null);
    let kinds: Vec<_> = kommo.ledger().iter().map(|entry| (entry.kind, entry.entity_id)).collect();
    assert_eq!(kinds, [(LedgerKind::TaskAdded, lead), (LedgerKind::TaskUpdated, lead)]);

    let wrapped = patch(&kommo, &format!("tasks/{id}"), &json!({"text": "Call again"})).await;
    assert_eq!(wrapped.ids("tasks"), [id]);
    kommo.set_bare_patch_answers(true);
    let bare = patch(&kommo, &format!("tasks/{id}"), &json!({"duration": 60})).await.json();
    assert_eq!(bare["id"], id);
    assert_eq!(get(&kommo, "tasks/1").await.status, 204);
}

#[tokio::test]
async fn lists_of_tasks() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let contact = kommo.add_contact("Ann", &[], &[]);
    assert_eq!(get(&kommo, "tasks").await.status, 204);
    let mut ids = Vec::new();
    for (time, till, entity) in [
        (100, 900, json!({"entity_type": "leads", "entity_id": lead})),
        (200, 700, json!({"entity_type": "contacts", "entity_id": contact})),
        (300, 800, json!({})),
    ] {
        kommo.set_time(Some(time));
        let mut task = json!({"text": "x", "complete_till": till});
        if let (Value::Object(task), Value::Object(entity)) = (&mut task, entity) {
            task.extend(entity);
        }
        ids.extend(post(&kommo, "tasks", &json!([task])).await.ids("tasks"));
    }
    patch(&kommo, "tasks", &json!([{"id": ids[2], "is_completed": true}])).await.ids("tasks");
    for (query, want) in [
        (String::new(), vec![ids[0], ids[1], ids[2]]),
        (format!("filter[entity_type]=leads&filter[entity_id][]={lead}"), vec![ids[0]]),
        (format!("filter[entity_type]=contacts&filter[entity_id][]={contact}"), vec![ids[1]]),
        ("filter[is_completed]=0".to_owned(), vec![ids[0], ids[1]]),
        ("filter[is_completed]=1".to_owned(), vec![ids[2]]),
        ("filter[updated_at]=200".to_owned(), vec![ids[1], ids[2]]),
        (
            "filter[updated_at][from]=100&filter[updated_at][to]=200".to_owned(),
            vec![ids[0], ids[1]],
        ),
        ("filter[task_type][]=1&order[complete_till]=asc".to_owned(), vec![ids[1], ids[2], ids[0]]),
    ] {
        assert_eq!(get(&kommo, &format!("tasks?{query}")).await.ids("tasks"), want, "{query}");
    }
    assert_eq!(get(&kommo, "tasks?filter[task_type][]=2").await.status, 204);
    assert_eq!(get(&kommo, "tasks?filter[task_type_id][]=1").await.status, 400, "not its name");
}

#[tokio::test]
async fn bad_tasks_are_refused_where_they_stand() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    for (bad, code, path) in [
        (json!({"complete_till": 1}), "FieldMissing", "text"),
        (json!({"text": "x"}), "FieldMissing", "complete_till"),
        (json!({"text": "x", "complete_till": "1"}), "InvalidType", "complete_till"),
        (
            json!({"text": "x", "complete_till": 1, "task_type_id": 9}),
            "NotSupportedChoice",
            "task_type_id",
        ),
        (
            json!({"text": "x", "complete_till": 1, "responsible_user_id": null}),
            "InvalidType",
            "responsible_user_id",
        ),
        (
            json!({"text": "x", "complete_till": 1, "responsible_user_id": 8_375_359}),
            "NotSupportedChoice",
            "responsible_user_id",
        ),
        (
            json!({"text": "x", "complete_till": 1, "entity_id": lead}),
            "FieldMissing",
            "entity_type",
        ),
        (
            json!({"text": "x", "complete_till": 1, "entity_type": "leads"}),
            "FieldMissing",
            "entity_id",
        ),
        (
            json!({"text": "x", "complete_till": 1, "entity_type": "leads", "entity_id": 1}),
            "NotSupportedChoice",
            "entity_id",
        ),
        (
            json!({"text": "x", "complete_till": 1, "entity_type": "lead", "entity_id": lead}),
            "NotSupportedChoice",
            "entity_type",
        ),
        (
            json!({"text": "x", "complete_till": 1, "is_completed": 1}),
            "InvalidType",
            "is_completed",
        ),
        (json!({"text": "x", "complete_till": 1, "result": "done"}), "InvalidType", "result"),
        (
            json!({"text": "x", "complete_till": 1, "result": {"note": "x"}}),
            "FieldMissing",
            "result.text",
        ),
        (json!({"text": "x", "complete_till": 1, "deadline": 2}), "FieldNotExpected", "deadline"),
    ] {
        let problems = post(&kommo, "tasks", &json!([bad])).await.problems();
        let want = ("0".to_owned(), code.to_owned(), path.to_owned());
        assert!(problems.contains(&want), "{bad}: {problems:?}");
    }
    let (code, path) = patch(&kommo, "tasks", &json!([{"id": 1, "text": "x"}])).await.problem();
    assert_eq!((code.as_str(), path.as_str()), ("NotSupportedChoice", "id"));
    assert!(kommo.ledger().is_empty());
}
