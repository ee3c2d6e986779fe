//! Pipelines, users, roles, incoming leads and links of many: what goes over the wire, and what comes of it.

use kommo_client::{
    Access, EntityRights, EntityType, ErrorKind, Fate, FormMetadata, LeadId, LinkTo, NewCompany,
    NewContact, NewLead, NewPipeline, NewRole, NewStatus, NewUnsorted, NewUser, PipelineId,
    PipelinePatch, Rights, RoleId, RolePatch, SipMetadata, StatusId, StatusPatch, StatusRights,
    UserId,
};
use serde_json::{Value, json};
use time::macros::datetime;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use crate::support::{body, client, fixture, query, request, requests};

async fn serving(http_method: &str, at: &str, status: u16, answer: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method(http_method))
        .and(path(at))
        .respond_with(ResponseTemplate::new(status).set_body_string(answer))
        .mount(&server)
        .await;
    server
}

fn created(key: &str, id: u64) -> String {
    json!({"_embedded": {key: [{"id": id, "request_id": "0"}]}}).to_string()
}

#[tokio::test]
async fn pipelines_are_made_changed_and_deleted() {
    let server = serving("POST", "/api/v4/leads/pipelines", 200, &created("pipelines", 5)).await;
    let pipeline = NewPipeline::new("Sales", 20)
        .main()
        .unsorted()
        .status(NewStatus::new("New", 10).color("#fffeb2"))
        .won_name("Paid")
        .lost_name("Gone");
    let made = client(&server).pipelines().create(&[pipeline]).await.unwrap();
    assert_eq!(made[0].id, PipelineId::new(5));
    assert_eq!(
        body(&request(&server).await),
        json!([{"name": "Sales", "sort": 20, "is_main": true, "is_unsorted_on": true,
            "_embedded": {"statuses": [{"name": "New", "sort": 10, "color": "#fffeb2"},
                {"id": 142, "name": "Paid"}, {"id": 143, "name": "Gone"}]},
            "request_id": "0"}])
    );

    let server = serving("POST", "/api/v4/leads/pipelines", 200, &created("pipelines", 6)).await;
    client(&server).pipelines().create(&[NewPipeline::new("Plain", 1)]).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"name": "Plain", "sort": 1, "is_main": false, "is_unsorted_on": false, "request_id": "0"}])
    );

    let server = serving("PATCH", "/api/v4/leads/pipelines/5", 200, "{}").await;
    let patch = PipelinePatch::new(PipelineId::new(5)).name("Deals").sort(3).main().unsorted(false);
    client(&server).pipelines().update(&patch).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!({"name": "Deals", "sort": 3, "is_main": true, "is_unsorted_on": false})
    );

    // Kommo answers with an object, amoCRM with nothing.
    for (status, answer) in [(200, "{}"), (204, "")] {
        let server = serving("DELETE", "/api/v4/leads/pipelines/5", status, answer).await;
        client(&server).pipelines().delete(PipelineId::new(5)).await.unwrap();
        assert!(request(&server).await.body.is_empty());
    }
}

#[tokio::test]
async fn stages_are_listed_made_changed_and_deleted() {
    let pipeline = PipelineId::new(5);
    let at = "/api/v4/leads/pipelines/5/statuses";
    let answer =
        r#"{"_embedded":{"statuses":[{"id":51,"name":"New","sort":10,"type":1},{"id":142}]}}"#;
    let server = serving("GET", at, 200, answer).await;
    let stages = client(&server).pipelines().statuses(pipeline).await.unwrap();
    assert_eq!(
        (stages[0].id.get(), stages[0].is_incoming, stages[1].id),
        (51, true, StatusId::WON)
    );

    let server = serving("POST", at, 200, &created("statuses", 52)).await;
    let stage = NewStatus::new("Offer", 20).color("#fffeb2");
    let made = client(&server).pipelines().create_statuses(pipeline, &[stage]).await.unwrap();
    assert_eq!(made[0].id, StatusId::new(52));
    assert_eq!(
        body(&request(&server).await),
        json!([{"name": "Offer", "sort": 20, "color": "#fffeb2", "request_id": "0"}])
    );

    let server = serving("PATCH", &format!("{at}/52"), 200, "{}").await;
    let patch = StatusPatch::new(StatusId::new(52)).name("Bid").sort(30).color("#ccc8f9");
    client(&server).pipelines().update_status(pipeline, &patch).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!({"name": "Bid", "sort": 30, "color": "#ccc8f9"})
    );

    let server = serving("DELETE", &format!("{at}/52"), 204, "").await;
    client(&server).pipelines().delete_status(pipeline, StatusId::new(52)).await.unwrap();
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn users_are_added() {
    let server = serving("POST", "/api/v4/users", 201, &created("users", 9)).await;
    let mut rights = Rights::same(&Access::Own);
    rights.leads = Some(EntityRights::same(&Access::All));
    rights.mail_access = Some(true);
    rights.status_rights =
        vec![StatusRights::same(PipelineId::new(5), StatusId::new(51), &Access::Denied)];
    let user = NewUser::new("Jo", "jo@b.example", rights).password("canary-Pw1").lang("en");
    assert!(!format!("{user:?}").contains("canary") && !format!("{user:?}").contains("b.example"));
    let made = client(&server).users().create(&[user]).await.unwrap();
    assert_eq!(made[0].id, UserId::new(9));
    let own = json!({"view": "M", "edit": "M", "add": "M", "delete": "M", "export": "M"});
    assert_eq!(
        body(&request(&server).await),
        json!([{"name": "Jo", "email": "jo@b.example", "password": "canary-Pw1", "lang": "en",
            "rights": {
                "leads": {"view": "A", "edit": "A", "add": "A", "delete": "A", "export": "A"},
                "contacts": own, "companies": own, "tasks": {"edit": "M", "delete": "M"},
                "mail_access": true,
                "status_rights": [{"entity_type": "leads", "pipeline_id": 5, "status_id": 51,
                    "rights": {"view": "D", "edit": "D", "delete": "D"}}]},
            "request_id": "0"}])
    );
}

#[tokio::test]
async fn users_are_switched_ten_at_a_time() {
    for (action, status) in [("activate", 202), ("deactivate", 204)] {
        let server = serving("POST", &format!("/api/v4/users/{action}"), status, "").await;
        let users = client(&server).users();
        let ids = [UserId::new(9), UserId::new(10)];
        match action {
            "activate" => users.activate(&ids).await.unwrap(),
            _ => users.deactivate(&ids).await.unwrap(),
        }
        assert_eq!(body(&request(&server).await), json!([{"id": 9}, {"id": 10}]));

        let many = [UserId::new(1); 11];
        let error = users.deactivate(&many).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::InvalidRequest, Fate::NotSent));
        let new = vec![NewUser::new("a", "b", Rights::of_role(RoleId::new(1))); 11];
        let error = users.create(&new).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::InvalidRequest, Fate::NotSent));
        users.activate(&[]).await.unwrap();
        assert_eq!(requests(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn roles_are_read_made_changed_and_deleted() {
    let answer = r#"{"id":7,"name":"Reps","rights":{"leads":{"view":"A","edit":"G","add":"X","delete":null},
        "tasks":{"edit":"A"},"mail_access":false,"status_rights":null}}"#;
    let server = serving("GET", "/api/v4/roles/7", 200, answer).await;
    let role = client(&server).users().role(RoleId::new(7)).await.unwrap().unwrap();
    let leads = role.rights.leads.clone().unwrap();
    assert_eq!((leads.view, leads.edit, leads.add.as_str()), (Access::All, Access::Group, "X"));
    assert_eq!((leads.delete, leads.export), (Access::Denied, Access::Denied));
    assert_eq!((role.rights.mail_access, role.rights.contacts), (Some(false), None));

    let server = serving("GET", "/api/v4/roles/8", 404, "{}").await;
    assert!(client(&server).users().role(RoleId::new(8)).await.unwrap().is_none());

    let server = serving("POST", "/api/v4/roles", 200, &created("roles", 7)).await;
    let rights = Rights::of_role(RoleId::new(3));
    client(&server).users().create_roles(&[NewRole::new("Reps", rights)]).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"name": "Reps", "rights": {"role_id": 3}, "request_id": "0"}])
    );

    let server = serving("PATCH", "/api/v4/roles/7", 200, "{}").await;
    let mut rights = Rights::default();
    rights.tasks = Rights::same(&Access::Group).tasks;
    let patch = RolePatch::new(RoleId::new(7)).name("All").rights(rights);
    client(&server).users().update_role(&patch).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!({"name": "All", "rights": {"tasks": {"edit": "G", "delete": "G"}}})
    );

    let server = serving("DELETE", "/api/v4/roles/7", 204, "").await;
    client(&server).users().delete_role(RoleId::new(7)).await.unwrap();
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn incoming_leads_are_added_from_forms() {
    let answer = r#"{"_embedded":{"unsorted":[
        {"uid":"u-2","request_id":"1","_embedded":{"leads":[{"id":8}]}},
        {"uid":"u-1","request_id":"0","_embedded":{"leads":[{"id":7}],"contacts":[{"id":41}],"companies":[]}}]}}"#;
    let server = serving("POST", "/api/v4/leads/unsorted/forms", 200, answer).await;
    let sent = datetime!(2026-11-24 20:00 UTC);
    let form = || FormMetadata::new("f-1", "Offer", "https://a.example/offer", "192.0.2.7", sent);
    let forms = [
        NewUnsorted::new("s-1", "Site", form().referer("https://b.example"))
            .pipeline(PipelineId::new(5))
            .created_at(sent)
            .lead(NewLead::new().name("Acme").price(10))
            .contact(NewContact::new().first_name("Jo"))
            .company(NewCompany::new().name("Acme Inc.")),
        NewUnsorted::new("s-1", "Site", form()),
    ];
    let made = client(&server).unsorted().create_forms(&forms).await.unwrap();
    assert_eq!((made[0].uid.as_str(), made[1].uid.as_str()), ("u-1", "u-2"));
    assert_eq!((made[0].lead_ids[0], made[0].contact_ids[0].get()), (LeadId::new(7), 41));
    assert_eq!(
        body(&request(&server).await),
        json!([
            {"source_uid": "s-1", "source_name": "Site", "pipeline_id": 5, "created_at": 1_795_550_400,
             "metadata": {"form_id": "f-1", "form_name": "Offer", "form_page": "https://a.example/offer",
                "form_sent_at": 1_795_550_400, "ip": "192.0.2.7", "referer": "https://b.example"},
             "_embedded": {"leads": [{"name": "Acme", "price": 10}], "contacts": [{"first_name": "Jo"}],
                "companies": [{"name": "Acme Inc."}]},
             "request_id": "0"},
            {"source_uid": "s-1", "source_name": "Site",
             "metadata": {"form_id": "f-1", "form_name": "Offer", "form_page": "https://a.example/offer",
                "form_sent_at": 1_795_550_400, "ip": "192.0.2.7"},
             "_embedded": {}, "request_id": "1"},
        ])
    );
}

#[tokio::test]
async fn incoming_leads_are_added_from_calls_and_every_one_is_named() {
    let called = datetime!(2026-11-24 20:00 UTC);
    let call = || {
        let metadata = SipMetadata::new("Exchange", "+15550100", called, 61, "exchange");
        NewUnsorted::new(
            "s-1",
            "Exchange",
            metadata.link("https://calls.example/1").uniq("u-1").with_note(),
        )
    };
    let at = "/api/v4/leads/unsorted/sip";
    let answer = r#"{"_embedded":{"unsorted":[{"uid":"u-1","request_id":"0"}]}}"#;
    let server = serving("POST", at, 200, answer).await;
    let unsorted = client(&server).unsorted();
    assert_eq!(unsorted.create_sip(&[call()]).await.unwrap()[0].uid, "u-1");
    assert_eq!(
        body(&request(&server).await)[0]["metadata"],
        json!({"from": "Exchange", "phone": "+15550100", "called_at": 1_795_550_400, "duration": 61,
            "service_code": "exchange", "link": "https://calls.example/1", "uniq": "u-1",
            "is_call_event_needed": true})
    );
    assert_eq!(unsorted.create_sip(&[]).await.unwrap(), []);
    let error = unsorted.create_sip(&vec![call(); 251]).await.unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent);
    assert_eq!(requests(&server).await.len(), 1);
    let error = unsorted.create_sip(&[call(), call()]).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Decode, Fate::Unknown));

    let twice = r#"{"_embedded":{"unsorted":[{"uid":"u-1","request_id":"0"},{"uid":"u-2","request_id":"0"}]}}"#;
    let server = serving("POST", at, 200, twice).await;
    let error = client(&server).unsorted().create_sip(&[call()]).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Decode, Fate::Unknown));
}

#[tokio::test]
async fn incoming_leads_are_read_and_counted() {
    let server =
        serving("GET", "/api/v4/leads/unsorted/u-1", 200, r#"{"uid":"u-1","category":"sip"}"#)
            .await;
    let lead = client(&server).unsorted().get("u-1").await.unwrap().unwrap();
    assert_eq!((lead.uid.as_str(), lead.category.as_str()), ("u-1", "sip"));
    let server = serving("GET", "/api/v4/leads/unsorted/u-1", 404, "{}").await;
    assert!(client(&server).unsorted().get("u-1").await.unwrap().is_none());
    assert!(client(&server).unsorted().get("../leads").await.is_err());

    let at = "/api/v4/leads/unsorted/summary";
    let answer = r#"{"total":5,"accepted":2,"declined":null,"average_sort_time":60,"categories":{"sip":{"total":3},"new":{}}}"#;
    let server = serving("GET", at, 200, answer).await;
    let summary = client(&server).unsorted().summary().await.unwrap();
    assert_eq!((summary.total, summary.accepted, summary.declined), (Some(5), Some(2), None));
    assert_eq!((summary.categories["sip"].total, summary.categories["new"].total), (Some(3), None));
}

#[tokio::test]
async fn many_are_linked_in_one_request() {
    let answer = json!({"_embedded": {"links": [
        {"entity_id": 7, "to_entity_id": 41, "to_entity_type": "contacts", "metadata": {"main_contact": true}},
        {"entity_id": 8, "to_entity_id": 31, "to_entity_type": "companies", "metadata": null}]}});
    let server = serving("GET", "/api/v4/leads/links", 200, &answer.to_string()).await;
    let links = client(&server).mass_links(EntityType::Leads);
    let found = links.list(&[7, 8]).await.unwrap();
    assert_eq!((found[0].entity_id, found[0].to_entity_id), (7, 41));
    assert_eq!((found[1].entity_id, &found[1].to_entity_type), (8, &EntityType::Companies));
    let want = [("filter[entity_id][]", "7"), ("filter[entity_id][]", "8")];
    let got = query(&request(&server).await);
    assert!(got.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(want), "{got:?}");
    assert_eq!(links.list(&[]).await.unwrap(), []);
    assert_eq!(links.list(&[1; 251]).await.unwrap_err().fate(), Fate::NotSent);
    assert_eq!(requests(&server).await.len(), 1);

    let pairs =
        [(7, LinkTo::new(EntityType::Contacts, 41).main()), (8, LinkTo::catalog_element(1, 2, 3))];
    for action in ["link", "unlink"] {
        let server = serving("POST", &format!("/api/v4/leads/{action}"), 204, "").await;
        let links = client(&server).mass_links(EntityType::Leads);
        match action {
            "link" => links.link(&pairs).await.unwrap(),
            _ => links.unlink(&pairs).await.unwrap(),
        }
        assert_eq!(
            body(&request(&server).await),
            json!([
                {"entity_id": 7, "to_entity_id": 41, "to_entity_type": "contacts", "metadata": {"is_main": true}},
                {"entity_id": 8, "to_entity_id": 2, "to_entity_type": "catalog_elements",
                 "metadata": {"catalog_id": 1, "quantity": 3}},
            ])
        );
        links.link(&[]).await.unwrap();
        assert_eq!(requests(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn the_samples_of_the_documentation_are_understood() {
    let Some(text) = fixture("pipelines_post_response.json") else { return };
    let server =
        serving("POST", "/api/v4/leads/pipelines", 200, &text.replace("\"123\"", "\"0\"")).await;
    let made = client(&server).pipelines().create(&[NewPipeline::new("x", 1)]).await.unwrap();
    assert_eq!(made[0].id.get(), 3_270_358);

    let Some(text) = fixture("pipeline_statuses_list.json") else { return };
    let text =
        ["https://example.amocrm.ru", "https://example.kommo.com", "https://subdomain.kommo.com"]
            .iter()
            .fold(text, |text, host| text.replace(host, ""));
    let server = serving("GET", "/api/v4/leads/pipelines/7/statuses", 200, &text).await;
    assert!(client(&server).pipelines().statuses(PipelineId::new(7)).await.unwrap().len() > 2);

    let Some(text) = fixture("users_post_response_201.json") else { return };
    let server = serving("POST", "/api/v4/users", 201, &text.replace("\"1\"", "\"0\"")).await;
    let user = NewUser::new("x", "y", Rights::default());
    assert_eq!(client(&server).users().create(&[user]).await.unwrap()[0].id.get(), 6_029_791);
    let sample: Value = serde_json::from_str(&text).unwrap();
    let rights: Rights =
        serde_json::from_value(sample["_embedded"]["users"][0]["rights"].clone()).unwrap();
    assert_eq!(rights.leads.as_ref().map(|leads| &leads.export), Some(&Access::Denied));
    assert_eq!(rights.status_rights.len(), 2);

    let Some(text) = fixture("roles_list.json") else { return };
    let sample: Value = serde_json::from_str(&text).unwrap();
    let sample = sample["_embedded"]["roles"][0]["rights"].clone();
    let rights: Rights = serde_json::from_value(sample.clone()).unwrap();
    assert_eq!(serde_json::to_value(&rights).unwrap(), sample, "written as it was read");

    let Some(text) = fixture("unsorted_forms_post_response.json") else { return };
    let at = "/api/v4/leads/unsorted/forms";
    let server = serving("POST", at, 200, &text.replace("\"123\"", "\"0\"")).await;
    let form = FormMetadata::new("f", "n", "p", "192.0.2.7", datetime!(2026-11-24 20:00 UTC));
    let made = client(&server).unsorted().create_forms(&[NewUnsorted::new("s", "n", form)]).await;
    assert_eq!(made.unwrap()[0].lead_ids, [LeadId::new(7_706_511)]);

    let Some(text) = fixture("unsorted_summary.json") else { return };
    let server = serving("GET", "/api/v4/leads/unsorted/summary", 200, &text).await;
    let summary = client(&server).unsorted().summary().await.unwrap();
    assert_eq!((summary.total, summary.categories["chats"].total), (Some(168), Some(69)));

    let Some(text) = fixture("links_mass_list.json") else { return };
    let server = serving("GET", "/api/v4/leads/links", 200, &text).await;
    let links = client(&server).mass_links(EntityType::Leads).list(&[1]).await.unwrap();
    assert_eq!((links.len(), links[3].entity_id), (4, 7_593_305));
}
