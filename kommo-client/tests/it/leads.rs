//! Reading and changing leads.

use kommo_client::{
    ErrorKind, Fate, FieldChoice, FieldId, FieldInput, FieldRef, FieldWrite, LeadId, LeadPatch,
    LossReasonId, PipelineId, StatusId, TagRef, UserId,
};
use serde_json::json;
use time::macros::datetime;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{any, method, path},
};

use crate::support::{body, client, json, query, request, requests};

#[tokio::test]
async fn a_lead_is_read_with_what_is_embedded() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/leads/7"))
        .respond_with(json(
            r#"{"id":7,"name":"Acme","price":1234,"price_with_minor_units":1234.50,"status_id":143,"pipeline_id":5,
            "responsible_user_id":9,"group_id":0,"loss_reason_id":3,"is_deleted":false,"created_at":1686673337,
            "updated_at":1686748504,"closed_at":null,"account_id":11,"custom_fields_values":[
              {"field_id":21,"field_name":"Plan","field_code":"PLAN","field_type":"text","values":[{"value":"Pro"}]}],
            "_embedded":{"tags":[{"id":1,"name":"Ex","color":null}],"companies":[{"id":31}],
              "contacts":[{"id":41,"is_main":false},{"id":42,"is_main":true}],
              "loss_reason":[{"id":3,"name":"Too dear"}]}}"#,
        ))
        .mount(&server)
        .await;
    let lead = client(&server).leads().get(LeadId::new(7)).await.unwrap().unwrap();
    assert_eq!(lead.name.as_deref(), Some("Acme"));
    assert_eq!(lead.price.as_str(), "1234.50");
    assert_eq!(lead.price.units(), Some(1_234));
    assert!(lead.is_lost() && !lead.is_won() && !lead.is_open());
    assert_eq!(lead.updated_at, Some(datetime!(2023-06-14 13:15:04 UTC)));
    assert_eq!(lead.closed_at, None);
    assert_eq!(lead.main_contact().unwrap().get(), 42);
    assert_eq!(lead.companies[0].get(), 31);
    assert_eq!(lead.tags[0].name.as_deref(), Some("Ex"));
    assert_eq!(lead.loss_reason.as_ref().unwrap().name.as_deref(), Some("Too dear"));
    assert_eq!(lead.field(FieldId::new(21)).unwrap().text(), Some("Pro"));
    assert_eq!(lead.field_by_code("PLAN").unwrap().text(), Some("Pro"));
    assert_eq!(lead.field_by_code("plan"), None);
    let request = request(&server).await;
    assert_eq!(query(&request), [("with".to_owned(), "contacts,loss_reason".to_owned())]);
    assert_eq!(request.headers["authorization"], "Bearer made-up-token-of-a-test");
    assert_eq!(request.headers["user-agent"], concat!("kommo-client/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn states_of_a_lead() {
    for (body, open, won, lost) in [
        (r#"{"id":1,"status_id":5}"#, true, false, false),
        (r#"{"id":1,"status_id":142}"#, false, true, false),
        (r#"{"id":1,"status_id":143}"#, false, false, true),
        (r#"{"id":1,"status_id":5,"is_deleted":true}"#, false, false, false),
        (r#"{"id":1,"status_id":142,"is_deleted":true}"#, false, false, false),
        (r#"{"id":1}"#, false, false, false),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(json(body)).mount(&server).await;
        let lead = client(&server).leads().get(LeadId::new(1)).await.unwrap().unwrap();
        assert_eq!((lead.is_open(), lead.is_won(), lead.is_lost()), (open, won, lost), "{body}");
    }
}

#[tokio::test]
async fn k31_a_missing_lead_is_none() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    assert_eq!(client(&server).leads().get(LeadId::new(7)).await.unwrap(), None);
}

#[tokio::test]
async fn no_ids_and_no_patches_make_no_request() {
    let server = MockServer::start().await;
    let leads = client(&server).leads();
    assert_eq!(leads.list_by_ids(&[]).await.unwrap(), []);
    assert_eq!(leads.update(&[]).await.unwrap(), []);
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn many_leads_are_one_request_and_come_in_the_order_asked_for() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/leads"))
        .respond_with(json(r#"{"_embedded":{"leads":[{"id":1},{"id":3}]}}"#))
        .mount(&server)
        .await;
    let ids = [3, 2, 1, 3].map(LeadId::new);
    let leads = client(&server).leads().list_by_ids(&ids).await.unwrap();
    assert_eq!(leads.iter().map(|lead| lead.id.get()).collect::<Vec<_>>(), [3, 1]);
    let request = request(&server).await;
    assert_eq!(
        request.url.query(),
        Some("filter[id][]=1&filter[id][]=2&filter[id][]=3&with=contacts%2Closs_reason&limit=250")
    );
}

#[tokio::test]
async fn more_than_250_ids_are_several_requests() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let ids: Vec<LeadId> = (1..=251).map(LeadId::new).collect();
    assert_eq!(client(&server).leads().list_by_ids(&ids).await.unwrap(), []);
    let counts: Vec<usize> = requests(&server)
        .await
        .iter()
        .map(|request| query(request).iter().filter(|(key, _)| key == "filter[id][]").count())
        .collect();
    assert_eq!(counts, [250, 1]);
}

#[tokio::test]
async fn an_account_that_ignores_filters_gives_only_what_was_asked_for() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/leads"))
        .respond_with(json(r#"{"_embedded":{"leads":[{"id":8},{"id":1},{"id":9}]}}"#))
        .mount(&server)
        .await;
    Mock::given(path("/api/v4/leads/2"))
        .respond_with(json(r#"{"id":2}"#))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/api/v4/leads/3"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let leads = client(&server).leads().list_by_ids(&[1, 2, 3].map(LeadId::new)).await.unwrap();
    assert_eq!(leads.iter().map(|lead| lead.id.get()).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn an_update_is_an_array_with_exactly_what_was_set() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH"))
        .and(path("/api/v4/leads"))
        .respond_with(json(
            r#"{"_embedded":{"leads":[{"id":2,"updated_at":1686732474,"request_id":"1"},
                {"id":1,"updated_at":1686732470,"request_id":"0"}]}}"#,
        ))
        .mount(&server)
        .await;
    let patches = [
        LeadPatch::new(LeadId::new(1))
            .name("Acme")
            .price(2_400)
            .status(PipelineId::new(5), StatusId::WON)
            .responsible_user(UserId::new(9))
            .field(FieldWrite::new(FieldId::new(21), FieldInput::Text("Pro".into())))
            .field(FieldWrite::new(
                FieldRef::Code("NEXT".into()),
                FieldInput::Date(datetime!(2026-12-24 00:00 UTC)),
            ))
            .field(FieldWrite::new(
                FieldId::new(22),
                FieldInput::Select(FieldChoice::Text("A".into())),
            ))
            .field(FieldWrite::new(FieldId::new(23), FieldInput::Clear)),
        LeadPatch::new(LeadId::new(2))
            .status(PipelineId::new(5), StatusId::LOST)
            .loss_reason(LossReasonId::new(3))
            .closed_at(datetime!(2026-11-24 00:00 UTC))
            .add_tag(TagRef::Name("churn".into())),
    ];
    let updated = client(&server).leads().update(&patches).await.unwrap();
    assert_eq!(updated.iter().map(|lead| lead.id.get()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(updated[1].updated_at, Some(datetime!(2023-06-14 08:47:54 UTC)));
    let request = request(&server).await;
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(
        body(&request),
        json!([
            {
                "id": 1, "name": "Acme", "price": 2400, "pipeline_id": 5, "status_id": 142,
                "responsible_user_id": 9, "request_id": "0",
                "custom_fields_values": [
                    {"field_id": 21, "values": [{"value": "Pro"}]},
                    {"field_code": "NEXT", "values": [{"value": "2026-12-24T00:00:00+00:00"}]},
                    {"field_id": 22, "values": [{"value": "A"}]},
                    {"field_id": 23, "values": null},
                ],
            },
            {
                "id": 2, "pipeline_id": 5, "status_id": 143, "loss_reason_id": 3, "closed_at": 1_795_478_400,
                "tags_to_add": [{"name": "churn"}], "request_id": "1",
            },
        ])
    );
}

#[tokio::test]
async fn a_decimal_price_keeps_its_digits_on_the_wire() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(json(r#"{"_embedded":{"leads":[{"id":1}]}}"#))
        .mount(&server)
        .await;
    let patch = LeadPatch::new(LeadId::new(1)).price_decimal("1234.50");
    client(&server).leads().update(&[patch]).await.unwrap();
    let sent = String::from_utf8(request(&server).await.body).unwrap();
    assert_eq!(sent, r#"[{"id":1,"price":1234.50,"request_id":"0"}]"#);
}

#[tokio::test]
async fn a_request_that_cannot_be_written_is_not_sent() {
    let server = MockServer::start().await;
    let patch = LeadPatch::new(LeadId::new(1)).price_decimal("1,5");
    let error = client(&server).leads().update(&[patch]).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::InvalidRequest, Fate::NotSent));
    assert!(requests(&server).await.is_empty());
}

/// Answers an update with the ids it named, as Kommo does.
fn echo(request: &Request) -> ResponseTemplate {
    let items: Vec<serde_json::Value> = serde_json::from_slice(&request.body).unwrap();
    let leads: Vec<_> =
        items.iter().map(|item| json!({"id": item["id"], "updated_at": 1})).collect();
    ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"leads": leads}}))
}

#[tokio::test]
async fn more_than_250_patches_are_several_requests() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH")).respond_with(echo).expect(3).mount(&server).await;
    let patches: Vec<LeadPatch> =
        (1..=501).map(|id| LeadPatch::new(LeadId::new(id)).price(1)).collect();
    let updated = client(&server).leads().update(&patches).await.unwrap();
    assert!(updated.iter().map(|lead| lead.id.get()).eq(1..=501));
    let lengths: Vec<usize> = requests(&server)
        .await
        .iter()
        .map(|request| body(request).as_array().unwrap().len())
        .collect();
    assert_eq!(lengths, [250, 250, 1]);
}

#[tokio::test]
async fn a_refused_item_is_named_by_the_callers_index() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH")).respond_with(echo).up_to_n_times(1).mount(&server).await;
    Mock::given(method("PATCH"))
        .respond_with(ResponseTemplate::new(400).set_body_json(json!({"validation-errors": [
            {"request_id": "3", "errors": [{"code": "NotSupportedChoice", "path": "status_id", "detail": "No."}]},
            {"request_id": "77", "errors": []},
        ], "status": 400})))
        .mount(&server)
        .await;
    let patches: Vec<LeadPatch> =
        (1..=260).map(|id| LeadPatch::new(LeadId::new(id)).price(1)).collect();
    let error = client(&server).leads().update(&patches).await.unwrap_err();
    assert_eq!(error.fate(), Fate::Refused);
    let ErrorKind::Validation(items) = error.kind() else { panic!("{error:?}") };
    assert_eq!(items[0].index, Some(253));
    assert_eq!(items[0].errors[0].path, "status_id");
    assert_eq!(items[1].index, None);
}

#[tokio::test]
async fn a_success_that_does_not_name_every_lead_is_unknown() {
    for body in [
        r#"{"_embedded":{"leads":[{"id":1}]}}"#,
        r#"{"_embedded":{"leads":[]}}"#,
        r#"{"_embedded":{"leads":[{"id":1},{"id":"2"}]}}"#,
        r#"{"_embedded":{"contacts":[{"id":1},{"id":2}]}}"#,
        r#"{"_embedded":{"leads":[{"id":1},{"id":2}]}"#,
        "{}",
        "[]",
        "null",
        "",
        "<html>ok</html>",
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(json(body)).mount(&server).await;
        let patches = [1, 2].map(|id| LeadPatch::new(LeadId::new(id)).price(1));
        let error = client(&server).leads().update(&patches).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::Decode, Fate::Unknown), "{body}");
        assert_eq!(error.status(), Some(200), "{body}");
    }
}
