//! Answers of a Kommo that has changed since: fields dropped, nulled, of another type, added.

use kommo_client::{EntityType, ErrorKind, LeadId, NoteFilter, TaskFilter};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::support::client;

fn lead() -> Value {
    json!({
        "id": 7, "name": "Acme", "price": 10, "price_with_minor_units": 10.5, "responsible_user_id": 9, "group_id": 0,
        "status_id": 5, "pipeline_id": 6, "loss_reason_id": 3, "created_by": 0, "updated_by": 9, "created_at": 1,
        "updated_at": 2, "closed_at": 3, "closest_task_at": 4, "is_deleted": false, "account_id": 11, "score": 1,
        "custom_fields_values": [{"field_id": 1, "field_name": "F", "field_code": "F", "field_type": "select",
            "is_computed": false, "values": [{"value": "A", "enum_id": 2, "enum_code": "a"}]}],
        "_links": {"self": {"href": "x"}},
        "_embedded": {
            "tags": [{"id": 1, "name": "t", "color": null}], "companies": [{"id": 2}],
            "contacts": [{"id": 3, "is_main": true}], "loss_reason": [{"id": 3, "name": "L"}]},
    })
}

fn contact() -> Value {
    json!({
        "id": 7, "name": "N", "first_name": "N", "last_name": "N", "responsible_user_id": 9, "is_deleted": false,
        "created_at": 1, "updated_at": 2,
        "custom_fields_values": [{"field_id": 1, "field_code": "EMAIL", "values": [{"value": "a@b.example"}]}],
        "_embedded": {"leads": [{"id": 1}], "companies": [{"id": 2}]},
    })
}

fn note() -> Value {
    json!({"id": 7, "entity_id": 1, "note_type": "common", "params": {"text": "t"}, "created_by": 9,
        "responsible_user_id": 9, "created_at": 1, "updated_at": 2, "group_id": 0})
}

fn task() -> Value {
    json!({"id": 7, "text": "t", "complete_till": 1, "is_completed": false, "task_type_id": 1, "entity_id": 1,
        "entity_type": "leads", "responsible_user_id": 9, "created_by": 9, "created_at": 1, "updated_at": 2,
        "result": {"text": "r"}})
}

fn field() -> Value {
    json!({"id": 7, "name": "F", "code": "F", "type": "select", "is_api_only": false, "is_computed": false,
        "is_predefined": false, "currency": "USD", "enums": [{"id": 1, "value": "A", "code": "a"}]})
}

fn pipeline() -> Value {
    json!({"id": 7, "name": "P", "is_main": true, "is_archive": false, "_embedded": {"statuses": [
        {"id": 5, "name": "S", "sort": 1, "is_editable": true, "color": "c", "type": 1}]}})
}

fn user() -> Value {
    json!({"id": 7, "name": "U", "email": "u@b.example", "lang": "en", "rights": {
        "is_active": true, "is_admin": true, "is_free": false, "group_id": 1, "role_id": 2}})
}

/// The places of all values in `value`, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(key, child)| (key.to_string(), child)).collect()
        }
        _ => Vec::new(),
    };
    for (key, child) in children {
        let place = format!("{at}/{key}");
        places(child, &place, found);
        found.push(place);
    }
}

/// The value with one place dropped, nulled or of each other type, and with a key that nobody knows.
fn mutations(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    places(value, "", &mut found);
    let mut mutations = vec![];
    for place in found {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let mut dropped = value.clone();
        if let Some(Value::Object(map)) = dropped.pointer_mut(parent) {
            map.remove(key);
            map.insert("brand_new".into(), json!({"a": [1]}));
        }
        mutations.push((place.clone(), dropped));
        for other in [
            json!(null),
            json!(true),
            json!(-1),
            json!(0),
            json!(1.5),
            json!(u64::MAX),
            json!(""),
            json!("brand_new"),
            json!([]),
            json!({}),
            json!([[null]]),
            json!({"0": {"a": 1}}),
        ] {
            let mut changed = value.clone();
            *changed.pointer_mut(&place).unwrap() = other;
            mutations.push((place.clone(), changed));
        }
    }
    mutations
}

/// Only these may make an answer unreadable: what a caller would act upon, and must not act upon wrongly.
const STRICT: [&str; 4] = ["/id", "/status_id", "/pipeline_id", "/responsible_user_id"];

#[tokio::test]
async fn k34_an_answer_is_read_as_far_as_it_can_be() {
    for (key, value) in [
        ("leads", lead()),
        ("contacts", contact()),
        ("notes", note()),
        ("tasks", task()),
        ("custom_fields", field()),
        ("pipelines", pipeline()),
        ("users", user()),
    ] {
        let server = MockServer::start().await;
        let client = client(&server);
        for (place, mutation) in mutations(&value) {
            let strict = STRICT.contains(&place.as_str());
            let ids_intact = mutation["id"] == value["id"];
            server.reset().await;
            let answer = json!({"_embedded": {key: [mutation]}});
            let answer = ResponseTemplate::new(200).set_body_json(answer);
            Mock::given(any()).respond_with(answer).mount(&server).await;
            let outcome = match key {
                "leads" => {
                    client.leads().list_by_ids(&[LeadId::new(7)]).await.map(|list| list.len())
                }
                "contacts" => client.contacts().find_by_email("a@b.example").await.map(|_| 1),
                "notes" => client
                    .notes(EntityType::Leads)
                    .list(1, &NoteFilter::new())
                    .await
                    .map(|list| list.len()),
                "tasks" => client.tasks().list(&TaskFilter::new()).await.map(|list| list.len()),
                "custom_fields" => {
                    client.custom_fields(EntityType::Leads).list().await.map(|list| list.len())
                }
                "pipelines" => client.pipelines().list().await.map(|list| list.len()),
                _ => client.users().list().await.map(|list| list.len()),
            };
            match outcome {
                Ok(count) => {
                    assert!(count == 1 && ids_intact || place == "/id", "{key}{place} {mutation}")
                }
                Err(error) => {
                    assert_eq!(error.kind(), &ErrorKind::Decode, "{key}{place} {mutation}");
                    assert!(strict, "{key}{place} {mutation}");
                }
            }
        }
    }
}
