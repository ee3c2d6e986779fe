use kommo_client::fake::{FakeLead, LedgerKind};
use serde_json::{Value, json};

use crate::http::{get, patch, post, unlimited};

const PIPELINE: u64 = 6_950_551;
const REP: u64 = 8_375_357;
const GONE: u64 = 8_375_359;
const LOSS_REASON: u64 = 16_823_701;

#[tokio::test]
async fn a_lead_reads_like_one_of_kommo() {
    let kommo = unlimited().await;
    kommo.set_time(Some(1_750_000_000));
    let id = kommo.add_lead(FakeLead::new("Acme Inc.").id(20_024_930).price(1_200));
    assert_eq!(id, 20_024_930);
    let answer = get(&kommo, "leads/20024930").await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/hal+json"));
    let link = format!("{}/api/v4/leads/20024930", kommo.uri());
    let want = json!({
        "id": 20_024_930, "name": "Acme Inc.", "price": 1200, "responsible_user_id": REP,
        "group_id": 0, "status_id": 58_141_811, "pipeline_id": PIPELINE, "loss_reason_id": null,
        "created_by": REP, "updated_by": REP, "created_at": 1_750_000_000,
        "updated_at": 1_750_000_000, "closed_at": null, "closest_task_at": null,
        "is_deleted": false, "custom_fields_values": [], "score": null,
        "account_id": 31_361_463, "labor_cost": null, "is_price_computed": false,
        "_links": {"self": {"href": link}}, "_embedded": {"tags": [], "companies": []},
    });
    assert_eq!(answer.json(), want);
    assert_eq!(kommo.lead(id), Some(want));
}

#[tokio::test]
async fn a_missing_lead_is_204() {
    let kommo = unlimited().await;
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    assert_eq!(get(&kommo, &format!("leads/{id}")).await.status, 200);
    kommo.remove_lead(id);
    let answer = get(&kommo, &format!("leads/{id}")).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(get(&kommo, "leads").await.status, 204);
    let trash = get(&kommo, "leads?with=only_deleted").await.json();
    assert_eq!(trash["_embedded"]["leads"][0]["is_deleted"], true);
    let write = patch(&kommo, "leads", &json!([{"id": id, "price": 1}])).await;
    assert_eq!(write.problem(), ("NotSupportedChoice".to_owned(), "id".to_owned()));
}

#[tokio::test]
async fn closing_sets_closed_at_and_reopening_clears_it() {
    let kommo = unlimited().await;
    kommo.set_time(Some(1_750_000_000));
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    kommo.set_time(Some(1_750_000_060));
    let lost = json!([{"id": id, "pipeline_id": PIPELINE, "status_id": 143, "loss_reason_id": LOSS_REASON}]);
    let answer = patch(&kommo, "leads", &lost).await;
    let link = format!("{}/api/v4/leads/{id}", kommo.uri());
    let item = json!({"id": id, "updated_at": 1_750_000_060, "_links": {"self": {"href": link}}});
    assert_eq!(answer.json()["_embedded"], json!({"leads": [item]}), "thin");
    let lead = kommo.lead(id).expect("the lead");
    assert_eq!(
        (&lead["closed_at"], &lead["loss_reason_id"]),
        (&json!(1_750_000_060), &json!(LOSS_REASON))
    );
    let with = get(&kommo, &format!("leads/{id}?with=loss_reason")).await.json();
    assert_eq!(with["_embedded"]["loss_reason"][0]["id"], LOSS_REASON);

    kommo.set_time(Some(1_750_000_120));
    patch(&kommo, &format!("leads/{id}"), &json!({"status_id": 58_141_815})).await.ids("leads");
    let lead = kommo.lead(id).expect("the lead");
    assert_eq!((&lead["closed_at"], &lead["loss_reason_id"]), (&Value::Null, &Value::Null));
    assert_eq!(lead["updated_at"], 1_750_000_120);

    let won = json!({"pipeline_id": PIPELINE, "status_id": 142, "closed_at": 1_740_000_000});
    patch(&kommo, &format!("leads/{id}"), &won).await.ids("leads");
    assert_eq!(kommo.lead(id).expect("the lead")["closed_at"], 1_740_000_000);
    patch(&kommo, &format!("leads/{id}"), &json!({"price": 5})).await.ids("leads");
    assert_eq!(kommo.lead(id).expect("the lead")["closed_at"], 1_740_000_000, "stays");
}

#[tokio::test]
async fn closing_without_a_pipeline_is_flagged() {
    let kommo = unlimited().await;
    let other = kommo.add_pipeline("Partners", &["Talks"]);
    let stage = kommo.stage_ids(other)[0];
    let id = kommo.add_lead(FakeLead::new("Acme Inc.").stage(other, stage));
    patch(&kommo, "leads", &json!([{"id": id, "status_id": 142}])).await.ids("leads");
    let lead = kommo.lead(id).expect("the lead");
    assert_eq!((&lead["pipeline_id"], &lead["status_id"]), (&json!(other), &json!(142)));
    patch(&kommo, "leads", &json!([{"id": id, "status_id": 142, "pipeline_id": other}])).await;
    patch(&kommo, "leads", &json!([{"id": id, "status_id": 58_141_811}])).await;
    assert_eq!(kommo.lead(id).expect("the lead")["pipeline_id"], PIPELINE, "the stage implies it");
    let flags: Vec<bool> =
        kommo.ledger().iter().map(|entry| entry.closed_without_pipeline).collect();
    assert_eq!(flags, [true, false, false]);
}

#[tokio::test]
async fn bad_values_are_refused_where_they_stand() {
    let kommo = unlimited().await;
    let other = kommo.add_pipeline("Partners", &["Talks"]);
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    let before = kommo.lead(id);
    for (bad, code, path) in [
        (json!({"sale": 100}), "FieldNotExpected", "sale"),
        (json!({"price": "100"}), "InvalidType", "price"),
        (json!({"price": 99.5}), "InvalidType", "price"),
        (json!({"price": null}), "InvalidType", "price"),
        (json!({"name": 5}), "InvalidType", "name"),
        (json!({"status_id": "142"}), "InvalidType", "status_id"),
        (json!({"status_id": 1}), "NotSupportedChoice", "status_id"),
        (json!({"status_id": 58_141_811, "pipeline_id": other}), "NotSupportedChoice", "status_id"),
        (json!({"status_id": 142, "pipeline_id": 1}), "NotSupportedChoice", "pipeline_id"),
        (json!({"responsible_user_id": GONE}), "NotSupportedChoice", "responsible_user_id"),
        (json!({"responsible_user_id": 0}), "NotSupportedChoice", "responsible_user_id"),
        (json!({"created_by": 1}), "NotSupportedChoice", "created_by"),
        (json!({"updated_by": GONE}), "NotSupportedChoice", "updated_by"),
        (json!({"closed_at": "now"}), "InvalidType", "closed_at"),
        (json!({"loss_reason_id": 1, "status_id": 143}), "NotSupportedChoice", "loss_reason_id"),
        (json!({"custom_fields_values": null}), "InvalidType", "custom_fields_values"),
        (json!({"tags_to_add": [{"id": 1}]}), "NotSupportedChoice", "tags_to_add.0.id"),
        (json!({"_embedded": {"contacts": [{"id": 1}]}}), "FieldNotExpected", "_embedded.contacts"),
        (json!({"request_id": 7}), "InvalidType", "request_id"),
    ] {
        let answer = patch(&kommo, &format!("leads/{id}"), &bad).await;
        assert_eq!(answer.problem(), (code.to_owned(), path.to_owned()), "{bad}");
    }
    assert_eq!(kommo.lead(id), before);
    assert!(kommo.ledger().is_empty());
}

#[tokio::test]
async fn a_deactivated_user_is_refused_from_then_on() {
    let kommo = unlimited().await;
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    let body = json!([{"id": id, "responsible_user_id": 8_375_358, "updated_by": 0}]);
    patch(&kommo, "leads", &body).await.ids("leads");
    assert_eq!(kommo.lead(id).expect("the lead")["updated_by"], 0, "the robot may be named");
    kommo.deactivate_user(8_375_358);
    let (code, path) = patch(&kommo, "leads", &body).await.problem();
    assert_eq!((code.as_str(), path.as_str()), ("NotSupportedChoice", "responsible_user_id"));
}

#[tokio::test]
async fn a_loss_reason_needs_143() {
    let kommo = unlimited().await;
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    let body = json!([{"id": id, "loss_reason_id": LOSS_REASON}]);
    let answer = patch(&kommo, "leads", &body).await;
    assert_eq!(
        answer.json(),
        json!({
            "errors": {id.to_string(): "Loss reason can be specified only for lost lead"},
            "title": "Bad Request", "type": "https://httpstatus.es/400", "status": 400,
            "detail": "Invalid request body",
        })
    );
    assert_eq!(answer.status, 400);
    kommo.move_lead(id, PIPELINE, 143);
    patch(&kommo, "leads", &body).await.ids("leads");
    assert_eq!(kommo.ledger().len(), 1);
}

#[tokio::test]
async fn one_bad_item_refuses_the_batch_and_all_bad_ones_are_named() {
    let kommo = unlimited().await;
    let ids: Vec<u64> = (0..4).map(|_| kommo.add_lead(FakeLead::new("Acme Inc."))).collect();
    let body = json!([
        {"id": ids[0], "price": "1"},
        {"id": ids[1], "price": 2},
        {"id": ids[2], "status_id": 1, "request_id": "third"},
        {"id": 1, "price": 4},
        {"price": 5},
    ]);
    let answer = patch(&kommo, "leads", &body).await;
    let problems = answer.problems();
    let problems: Vec<_> = problems
        .iter()
        .map(|(id, code, path)| (id.as_str(), code.as_str(), path.as_str()))
        .collect();
    assert_eq!(
        problems,
        [
            ("0", "InvalidType", "price"),
            ("third", "NotSupportedChoice", "status_id"),
            ("3", "NotSupportedChoice", "id"),
            ("4", "FieldMissing", "id"),
        ]
    );
    assert!(kommo.ledger().is_empty());
    assert_eq!(kommo.lead(ids[1]).expect("the lead")["price"], 0);

    kommo.set_partial_batches(true);
    assert_eq!(patch(&kommo, "leads", &body).await.problems().len(), 4);
    assert_eq!(kommo.lead(ids[1]).expect("the lead")["price"], 2);
    assert_eq!(kommo.ledger().len(), 1);
}

#[tokio::test]
async fn collections_take_arrays_and_ids_take_objects() {
    let kommo = unlimited().await;
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    let many: Value = (0..251).map(|_| json!({"id": id, "price": 1})).collect();
    let full: Value = (0..250).map(|_| json!({"id": id, "price": 1})).collect();
    assert_eq!(patch(&kommo, "leads", &json!({"id": id, "price": 1})).await.status, 400);
    assert_eq!(post(&kommo, "leads", &json!({"name": "One"})).await.status, 400);
    assert_eq!(post(&kommo, "leads", &json!([])).await.status, 400);
    assert_eq!(patch(&kommo, "leads", &many).await.status, 400);
    assert_eq!(patch(&kommo, "leads", &json!([5])).await.status, 400);
    assert_eq!(patch(&kommo, &format!("leads/{id}"), &json!([{"price": 1}])).await.status, 400);
    assert!(kommo.ledger().is_empty());
    assert_eq!(patch(&kommo, "leads", &full).await.status, 200);
    assert_eq!(kommo.ledger().len(), 250);
}

#[tokio::test]
async fn a_patch_of_one_id_answers_wrapped_or_bare() {
    let kommo = unlimited().await;
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    let path = format!("leads/{id}");
    let wrapped = patch(&kommo, &path, &json!({"id": id, "price": 1})).await.json();
    assert_eq!(wrapped["_embedded"]["leads"][0]["id"], id);
    kommo.set_bare_patch_answers(true);
    let bare = patch(&kommo, &path, &json!({"price": 1})).await.json();
    assert_eq!(bare["id"], id);
    let (code, at) = patch(&kommo, &path, &json!({"id": 1})).await.problem();
    assert_eq!(
        (code.as_str(), at.as_str()),
        ("NotSupportedChoice", "id"),
        "another id than the path's"
    );
}

#[tokio::test]
async fn creating_leads() {
    let kommo = unlimited().await;
    let contact = kommo.add_contact("Ann Example", &["ann@example.com"], &[]);
    let body = json!([
        {"name": "First", "price": 10, "_embedded": {"contacts": [{"id": contact, "is_main": true}]}},
        {"request_id": "mine", "status_id": 142, "pipeline_id": PIPELINE, "tags_to_add": [{"name": "paid"}]},
    ]);
    let answer = post(&kommo, "leads", &body).await;
    let ids = answer.ids("leads");
    assert!(ids[0] < ids[1]);
    let items = &answer.json()["_embedded"]["leads"];
    assert_eq!((&items[0]["request_id"], &items[1]["request_id"]), (&json!("0"), &json!("mine")));
    assert_eq!(items[0].as_object().map(serde_json::Map::len), Some(3), "id, request_id, links");

    let first = get(&kommo, &format!("leads/{}?with=contacts", ids[0])).await.json();
    assert_eq!((&first["name"], &first["price"]), (&json!("First"), &json!(10)));
    assert_eq!(first["status_id"], 58_141_807, "the first stage that is not for incoming leads");
    assert_eq!(first["_embedded"]["contacts"][0]["id"], contact);
    let second = kommo.lead(ids[1]).expect("the lead");
    assert_eq!(second["name"], format!("Lead #{}", ids[1]));
    assert!(second["closed_at"].is_i64());
    assert_eq!(second["_embedded"]["tags"][0]["name"], "paid");
    let kinds: Vec<_> = kommo.ledger().iter().map(|entry| (entry.kind, entry.id)).collect();
    assert_eq!(kinds, [(LedgerKind::LeadAdded, ids[0]), (LedgerKind::LeadAdded, ids[1])]);

    let again = post(&kommo, "leads", &body).await.ids("leads");
    assert!(again[0] > ids[1], "request_id makes nothing idempotent");
    let bad = json!([{"_embedded": {"contacts": [{"id": 1}]}}]);
    assert_eq!(post(&kommo, "leads", &bad).await.problem().1, "_embedded.contacts.0.id");
}

#[tokio::test]
async fn tags_are_added_taken_and_replaced() {
    let kommo = unlimited().await;
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    let path = format!("leads/{id}");
    for (body, want) in [
        (json!({"tags_to_add": [{"name": "a"}, {"name": "b"}]}), vec!["a", "b"]),
        (json!({"tags_to_delete": [{"name": "a"}]}), vec!["b"]),
        (json!({"tags_to_add": [{"name": "c"}]}), vec!["b", "c"]),
        (json!({"_embedded": {"tags": [{"name": "d"}]}}), vec!["d"]),
        (json!({"_embedded": {"tags": null}}), vec![]),
    ] {
        patch(&kommo, &path, &body).await.ids("leads");
        let lead = kommo.lead(id).expect("the lead");
        let tags = lead["_embedded"]["tags"].as_array().expect("tags");
        let names: Vec<_> = tags.iter().filter_map(|tag| tag["name"].as_str()).collect();
        assert_eq!(names, want, "{body}");
    }
}

#[tokio::test]
async fn decimals_only_where_the_account_has_them() {
    let kommo = unlimited().await;
    kommo.set_minor_units(true);
    let id = kommo.add_lead(FakeLead::new("Acme Inc.").price(7));
    assert_eq!(kommo.lead(id).expect("the lead")["price_with_minor_units"], 7);
    patch(&kommo, "leads", &json!([{"id": id, "price": 199.05}])).await.ids("leads");
    let lead = kommo.lead(id).expect("the lead");
    assert_eq!(lead["price"], 199, "truncated");
    assert_eq!(lead["price_with_minor_units"].to_string(), "199.05");
    assert_eq!(
        patch(&kommo, "leads", &json!([{"id": id, "price": 1.001}])).await.problem().1,
        "price"
    );
    kommo.set_minor_units(false);
    assert_eq!(kommo.lead(id).expect("the lead").get("price_with_minor_units"), None);
}

#[tokio::test]
async fn lists_filter_sort_and_page() {
    let kommo = unlimited().await;
    let mut ids = Vec::new();
    for (time, price, status) in [(100, 10, 58_141_811), (300, 20, 58_141_815), (200, 30, 142)] {
        kommo.set_time(Some(time));
        let lead = FakeLead::new(&format!("Lead {price}")).price(price).stage(PIPELINE, status);
        ids.push(kommo.add_lead(lead.responsible(if price == 10 { 8_375_358 } else { REP })));
    }
    let [a, b, c] = [ids[0], ids[1], ids[2]];
    for (query, want) in [
        (format!("filter[id][]={a}&filter[id][]={c}"), vec![a, c]),
        (format!("filter%5Bid%5D%5B0%5D={a}&filter%5Bid%5D%5B1%5D={b}"), vec![a, b]),
        (format!("filter[id]={b}"), vec![b]),
        ("filter[updated_at][from]=200".to_owned(), vec![b, c]),
        ("filter[updated_at][from]=200&filter[updated_at][to]=299".to_owned(), vec![c]),
        (
            format!(
                "filter[statuses][0][pipeline_id]={PIPELINE}&filter[statuses][0][status_id]=142"
            ),
            vec![c],
        ),
        ("filter[responsible_user_id][]=8375358".to_owned(), vec![a]),
        ("order[updated_at]=desc".to_owned(), vec![b, c, a]),
        ("order[id]=desc&limit=2".to_owned(), vec![c, b]),
        ("order[id]=desc&limit=2&page=2".to_owned(), vec![a]),
        ("query=lead%202".to_owned(), vec![b]),
    ] {
        assert_eq!(get(&kommo, &format!("leads?{query}")).await.ids("leads"), want, "{query}");
    }
    for query in ["filter[id][]=1", "page=2", "query=nobody"] {
        assert_eq!(get(&kommo, &format!("leads?{query}")).await.status, 204, "{query}");
    }
    for query in
        ["filter[ids][]=1", "order[price]=asc", "order[id]=up", "page=0", "limit=x", "sort=id"]
    {
        assert_eq!(get(&kommo, &format!("leads?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn next_is_there_only_when_there_is_more() {
    let kommo = unlimited().await;
    for _ in 0..251 {
        kommo.add_lead(FakeLead::new("Acme Inc."));
    }
    let first = get(&kommo, "leads?limit=500&order[id]=asc").await.json();
    assert_eq!(first["_embedded"]["leads"].as_array().map(Vec::len), Some(250), "the cap");
    assert_eq!(first["_page"], 1);
    assert_eq!(first.get("_total_items"), None, "never on leads");
    let next = first["_links"]["next"]["href"].as_str().expect("a next page");
    let rest = next.strip_prefix(&format!("{}/api/v4/", kommo.uri())).expect("the same host");
    let second = get(&kommo, rest).await.json();
    assert_eq!(second["_embedded"]["leads"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["_links"].get("next"), None);
    assert_eq!(get(&kommo, "leads").await.ids("leads").len(), 50, "the default");
}

#[tokio::test]
async fn filters_can_be_ignored() {
    let kommo = unlimited().await;
    let ids: Vec<u64> = (0..3).map(|_| kommo.add_lead(FakeLead::new("Acme Inc."))).collect();
    kommo.set_ignore_filters(true);
    let path = format!("leads?filter[id][]={}", ids[1]);
    assert_eq!(get(&kommo, &path).await.ids("leads"), ids);
    let account = get(&kommo, "account?with=is_api_filter_enabled").await.json();
    assert_eq!(account["is_api_filter_enabled"], false);
}

#[tokio::test]
async fn the_ledger_holds_what_was_written_and_nothing_else() {
    let kommo = unlimited().await;
    kommo.set_time(Some(1_750_000_000));
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    get(&kommo, "leads").await;
    patch(&kommo, "leads", &json!([{"id": id, "price": "1"}])).await;
    patch(&kommo, "leads?x=1", &json!([{"id": id, "price": 1}])).await;
    let ledger = kommo.ledger();
    assert_eq!(ledger.len(), 1);
    let entry = &ledger[0];
    assert_eq!((entry.at, entry.kind.as_str(), entry.time), (3, "lead_updated", 1_750_000_000));
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("PATCH", "/api/v4/leads"));
    assert_eq!((entry.id, entry.entity_id, &entry.body), (id, id, &json!({"id": id, "price": 1})));
    let requests = kommo.requests();
    let seen: Vec<_> = requests.iter().map(|request| (request.at, request.status)).collect();
    assert_eq!(seen, [(1, 200), (2, 400), (3, 200)]);
    assert_eq!(requests[2].path, "/api/v4/leads?x=1");
    assert!(!format!("{requests:?}{kommo:?}").contains(kommo.token()));
}

#[tokio::test]
async fn a_pipeline_without_a_status() {
    let kommo = unlimited().await;
    let other = kommo.add_pipeline("Partners", &["Talks", "Contract"]);
    let id = kommo.add_lead(FakeLead::new("Acme Inc."));
    let path = format!("leads/{id}");
    for (pipeline, stage) in
        [(PIPELINE, 58_141_811), (other, kommo.stage_ids(other)[0]), (PIPELINE, 58_141_807)]
    {
        patch(&kommo, &path, &json!({"pipeline_id": pipeline})).await.ids("leads");
        let lead = kommo.lead(id).expect("the lead");
        assert_eq!((&lead["pipeline_id"], &lead["status_id"]), (&json!(pipeline), &json!(stage)));
    }
}

#[tokio::test]
async fn new_ids_go_around_those_that_are_taken() {
    let kommo = unlimited().await;
    let first = kommo.add_lead(FakeLead::new("First"));
    let taken = kommo.add_lead(FakeLead::new("Taken").id(first + 2));
    let next = kommo.add_lead(FakeLead::new("Next"));
    assert!(next > taken);
    assert_eq!(kommo.lead(taken).expect("the lead")["name"], "Taken");
    kommo.add_lead(FakeLead::new("Largest").id(u64::MAX));
    assert!(kommo.add_lead(FakeLead::new("After")) > next);
}
