use kommo_client::fake::FakeLead;
use serde_json::{Value, json};

use crate::http::{get, unlimited};

#[tokio::test]
async fn the_search_finds_more_than_was_asked_for() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let wanted =
        kommo.add_contact("Ann Example", &["user@example.com", "ann@example.org"], &[lead]);
    let other = kommo.add_contact("Bob", &["superuser@example.com"], &[]);
    let none = kommo.add_contact("Carl", &[], &[]);

    let answer = get(&kommo, "contacts?query=User%40example.com&with=leads").await;
    assert_eq!(answer.ids("contacts"), [wanted, other], "a part of the text is enough");
    let found = &answer.json()["_embedded"]["contacts"][0];
    assert_eq!((&found["first_name"], &found["last_name"]), (&json!("Ann"), &json!("Example")));
    let field = &found["custom_fields_values"][0];
    assert_eq!(
        (&field["field_code"], &field["field_type"]),
        (&json!("EMAIL"), &json!("multitext"))
    );
    assert_eq!(field["values"][1]["value"], "ann@example.org");
    assert_eq!(field["values"][1]["enum_code"], "WORK");
    assert_eq!(found["_embedded"]["leads"][0]["id"], lead);

    assert_eq!(get(&kommo, "contacts?query=nobody").await.status, 204);
    let carl = get(&kommo, &format!("contacts/{none}")).await.json();
    assert_eq!(carl["custom_fields_values"], Value::Null);
    assert_eq!(carl["_embedded"].get("leads"), None, "only with=leads");
    assert_eq!(get(&kommo, "contacts/1").await.status, 204);
    assert_eq!(get(&kommo, "contacts?limit=2&order[id]=desc").await.ids("contacts"), [none, other]);

    let path = format!("contacts?filter[id][]={none}");
    assert_eq!(get(&kommo, &path).await.ids("contacts"), [none]);
    kommo.set_ignore_filters(true);
    assert_eq!(get(&kommo, &path).await.ids("contacts"), [wanted, other, none]);
}

#[tokio::test]
async fn a_trashed_lead_is_not_listed_at_its_contact() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let contact = kommo.add_contact("Ann", &[], &[lead]);
    kommo.remove_lead(lead);
    let read = get(&kommo, &format!("contacts/{contact}?with=leads")).await.json();
    assert_eq!(read["_embedded"]["leads"], json!([]));
}
