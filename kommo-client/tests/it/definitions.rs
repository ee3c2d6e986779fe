//! Custom fields, pipelines, users and the account.

use kommo_client::{AccountWith, EntityType, FieldType, StatusId, UserId};
use wiremock::{Mock, MockServer, matchers::path};

use crate::support::{client, json, query, request};

#[tokio::test]
async fn fields_are_listed_with_their_options_in_either_shape() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/leads/custom_fields"))
        .respond_with(json(
            r#"{"_embedded":{"custom_fields":[
                {"id":1,"name":"Plan","code":"PLAN","type":"select","enums":[{"id":11,"value":"Pro","code":"pro"}]},
                {"id":2,"name":"Old","code":null,"type":"select","enums":{"1":{"id":22,"value":"B"},"0":{"id":21,"value":"A"}}},
                {"id":3,"name":"Sum","type":"brand_new","enums":null,"is_api_only":true,"is_computed":true}]}}"#,
        ))
        .mount(&server)
        .await;
    let fields = client(&server).custom_fields(EntityType::Leads).list().await.unwrap();
    assert_eq!(fields[0].code.as_deref(), Some("PLAN"));
    assert_eq!(fields[0].field_type, FieldType::Select);
    assert_eq!(fields[0].enums[0].value, "Pro");
    let values: Vec<_> = fields[1].enums.iter().map(|option| option.value.as_str()).collect();
    assert_eq!(values, ["A", "B"]);
    assert_eq!(fields[2].field_type.as_str(), "brand_new");
    assert!(fields[2].is_api_only && fields[2].is_computed);
    assert_eq!(query(&request(&server).await), [("limit".to_owned(), "250".to_owned())]);
}

#[tokio::test]
async fn pipelines_have_stages() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/leads/pipelines"))
        .respond_with(json(
            r#"{"_total_items":1,"_embedded":{"pipelines":[{"id":5,"name":"Sales","is_main":true,"is_archive":false,
                "_embedded":{"statuses":[{"id":51,"name":"Incoming","type":1,"sort":10,"is_editable":false},
                {"id":142,"name":"Won","type":0,"color":"CCFF66"}]}}]}}"#,
        ))
        .mount(&server)
        .await;
    let pipelines = client(&server).pipelines().list().await.unwrap();
    assert!(pipelines[0].is_main);
    assert!(pipelines[0].statuses[0].is_incoming);
    assert_eq!(pipelines[0].statuses[1].id, StatusId::WON);
    assert!(!pipelines[0].statuses[1].is_incoming);
}

#[tokio::test]
async fn users_have_rights() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/users"))
        .respond_with(json(
            r#"{"_embedded":{"users":[{"id":9,"name":"Rep","email":"rep@acme.example","lang":"en",
                "rights":{"is_admin":true,"is_active":true,"is_free":false,"group_id":3,"role_id":null}},
                {"id":10,"name":"Gone","rights":{"is_active":false}},{"id":11}]}}"#,
        ))
        .mount(&server)
        .await;
    let users = client(&server).users().list().await.unwrap();
    let active: Vec<_> = users.iter().map(|user| (user.is_active, user.is_admin)).collect();
    assert_eq!(active, [(true, true), (false, false), (false, false)]);
    assert_eq!(users[0].group_id, Some(3));
}

#[tokio::test]
async fn the_account_tells_more_when_asked() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/account"))
        .respond_with(json(
            r#"{"id":31361463,"name":"Acme","subdomain":"acme","currency":"USD","current_user_id":9,
                "is_api_filter_enabled":false,"drive_url":"https://drive-c.kommo.com","_embedded":{
                "task_types":[{"id":1,"name":"Follow-up","code":"FOLLOW_UP"}],
                "datetime_settings":{"timezone":"Europe/Berlin","timezone_offset":"+01:00"}}}"#,
        ))
        .mount(&server)
        .await;
    let with = [AccountWith::TaskTypes, AccountWith::DatetimeSettings];
    let account = client(&server).account().get_with(&with).await.unwrap();
    assert_eq!(account.currency.as_deref(), Some("USD"));
    assert_eq!(account.current_user_id, Some(UserId::new(9)));
    assert_eq!(account.task_types[0].code.as_deref(), Some("FOLLOW_UP"));
    assert_eq!(account.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(account.is_api_filter_enabled, Some(false));
    let want = [("with".to_owned(), "task_types,datetime_settings".to_owned())];
    assert_eq!(query(&request(&server).await), want);
}
