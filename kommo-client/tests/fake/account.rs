use kommo_client::fake::FakeKommo;
use reqwest::Method;
use serde_json::json;

use crate::http::{CLIENT, get, patch, post, try_send, unlimited};

#[tokio::test]
async fn the_ordinary_account() {
    let kommo = unlimited().await;
    let account = get(&kommo, "account").await.json();
    assert_eq!((&account["id"], &account["currency"]), (&json!(31_361_463), &json!("USD")));
    assert_eq!(account["current_user_id"], 8_375_357);
    assert_eq!(account["_embedded"], json!({}), "only what with= asks for");
    kommo.set_currency("EUR");
    let account = get(&kommo, "account?with=task_types,drive_url,datetime_settings").await.json();
    assert_eq!((&account["currency"], &account["currency_symbol"]), (&json!("EUR"), &json!("€")));
    assert_eq!(account["_embedded"]["task_types"][0]["code"], "FOLLOW_UP");
    assert_eq!(account["_embedded"]["datetime_settings"]["timezone"], "UTC");
    assert_eq!(account["drive_url"], kommo.uri());

    assert_eq!(get(&kommo, "leads").await.status, 204, "no leads");
    assert_eq!(get(&kommo, "leads/custom_fields").await.status, 204, "no fields");
    let users = get(&kommo, "users?limit=250").await.json();
    let users = users["_embedded"]["users"].as_array().expect("users");
    let users: Vec<_> = users
        .iter()
        .map(|user| (&user["id"], &user["rights"]["is_active"], &user["rights"]["is_admin"]))
        .collect();
    assert_eq!(
        users,
        [
            (&json!(8_375_357), &json!(true), &json!(true)),
            (&json!(8_375_358), &json!(true), &json!(false)),
            (&json!(8_375_359), &json!(false), &json!(false)),
        ]
    );
    assert_eq!(get(&kommo, "users/8375358").await.json()["name"], "Second rep");
    assert_eq!(get(&kommo, "users?limit=2&page=2").await.ids("users"), [8_375_359]);
}

#[tokio::test]
async fn pipelines_with_their_stages() {
    let kommo = unlimited().await;
    let other = kommo.add_pipeline("Partners", &["Talks", "Contract"]);
    let list = get(&kommo, "leads/pipelines").await;
    assert_eq!(list.ids("pipelines"), [6_950_551, other]);
    let sales = list.json()["_embedded"]["pipelines"][0].clone();
    assert_eq!((&sales["name"], &sales["is_main"]), (&json!("Sales"), &json!(true)));
    let stages = sales["_embedded"]["statuses"].as_array().expect("stages");
    let stages: Vec<_> =
        stages.iter().map(|stage| (stage["id"].as_u64(), stage["type"].as_u64())).collect();
    let want =
        [(58_141_803, 1), (58_141_807, 0), (58_141_811, 0), (58_141_815, 0), (142, 0), (143, 0)];
    assert_eq!(stages, want.map(|(id, kind)| (Some(id), Some(kind))));
    let bare = get(&kommo, &format!("leads/pipelines/{other}")).await.json();
    let ids: Vec<_> = bare["_embedded"]["statuses"]
        .as_array()
        .expect("stages")
        .iter()
        .filter_map(|stage| stage["id"].as_u64())
        .collect();
    assert_eq!(ids, [kommo.stage_ids(other), vec![142, 143]].concat());
    let missing = get(&kommo, "leads/pipelines/1").await;
    assert_eq!((missing.status, &missing.json()["detail"]), (404, &json!("Pipeline not found")));
    assert_eq!(get(&kommo, "leads/loss_reasons").await.ids("loss_reasons").len(), 2);
}

#[tokio::test]
async fn only_the_token_opens_the_account() {
    let kommo = unlimited().await;
    let want = json!({"title": "Unauthorized", "type": "https://httpstatus.es/401", "status": 401,
                      "detail": "Invalid user name or password"});
    let body = json!([{"name": "x"}]);
    let longer = format!("{}x", kommo.token());
    for token in ["", "other", &longer] {
        let answer = try_send(&kommo, Method::POST, "leads", Some(&body), token).await;
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, answer.json()), (401, want.clone()), "{token}");
    }
    let none = CLIENT.get(format!("{}/api/v4/account", kommo.uri())).send().await;
    assert_eq!(none.expect("an answer").status().as_u16(), 401);
    kommo.set_token_valid(false);
    assert_eq!(get(&kommo, "account").await.status, 401, "revoked");
    kommo.set_token_valid(true);
    assert_eq!(get(&kommo, "account").await.status, 200);
    assert!(kommo.ledger().is_empty());
}

#[tokio::test]
async fn unknown_paths_and_methods() {
    let kommo = unlimited().await;
    for path in
        ["lead", "lead/1", "company", "leads/x", "leads/1/link/2", "tasks/x", "contacts/1/tasks"]
    {
        let answer = get(&kommo, path).await;
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (404, "application/problem+json"),
            "{path}"
        );
        assert_eq!(answer.json()["title"], "Not Found");
    }
    assert_eq!(post(&kommo, "account", &json!({})).await.status, 405);
    assert_eq!(patch(&kommo, "users", &json!([])).await.status, 405);
}

#[tokio::test]
async fn a_person_can_look_without_a_token() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(kommo_client::fake::FakeLead::new("Acme Inc.").id(20_024_930));
    let note = json!([{"note_type": "common", "params": {"text": "Paid"}}]);
    post(&kommo, &format!("leads/{lead}/notes"), &note).await.ids("notes");
    let look = async |path: &str| {
        let response = CLIENT.get(format!("{}/__fake/{path}", kommo.uri())).send().await;
        let text = response.expect("an answer").text().await.expect("a body");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    let seen = look("leads/20024930").await;
    assert_eq!(seen["lead"]["name"], "Acme Inc.");
    assert_eq!(seen["notes"][0]["params"]["text"], "Paid");
    assert_eq!(seen["tasks"], json!([]));
    let ledger = look("ledger").await;
    assert_eq!((&ledger[0]["kind"], &ledger[0]["entity_id"]), (&json!("note_added"), &json!(lead)));
    assert_eq!(look("leads/1").await["status"], 404);
    assert_eq!(kommo.requests().len(), 1, "looking is not recorded");
}

#[tokio::test]
async fn clones_share_the_account_and_others_do_not() {
    let (one, other) = (FakeKommo::start().await, FakeKommo::start().await);
    one.clone().set_currency("GBP");
    assert_eq!(get(&one, "account").await.json()["currency"], "GBP");
    assert_eq!(get(&other, "account").await.json()["currency"], "USD");
}
