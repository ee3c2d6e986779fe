//! The other endpoints: what goes over the wire, and what comes of it.

use kommo_client::{
    CallDirection, CatalogElementId, CatalogElementPatch, CatalogId, CompanyId, CompanyPatch,
    ContactId, ContactPatch, EntityType, ErrorKind, EventFilter, Fate, FieldId, FieldInput,
    FieldWrite, LeadFilter, LeadId, LinkTo, NewCall, NewCatalogElement, NewCompany, NewContact,
    NewField, NewLead, NewSource, NewTag, NoteId, NotePatch, PipelineId, RawMethod, SourceId,
    StatusId, TagRef, UserId,
};
use serde_json::{Value, json};
use time::macros::datetime;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{any, method, path},
};

use crate::support::{body, client, json, query, request, requests};

async fn answering(http_method: &str, at: &str, answer: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method(http_method))
        .and(path(at))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    server
}

fn created(key: &str, ids: &[u64]) -> Value {
    let items: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(index, id)| json!({"id": id, "request_id": index.to_string(), "updated_at": 1}))
        .collect();
    json!({"_embedded": {key: items}})
}

#[tokio::test]
async fn leads_are_listed_by_the_filter() {
    let server =
        answering("GET", "/api/v4/leads", json!({"_embedded": {"leads": [{"id": 1}]}})).await;
    let filter = LeadFilter::new()
        .status(PipelineId::new(5), StatusId::WON)
        .responsible_user(UserId::new(9))
        .updated_from(datetime!(2026-11-24 20:00 UTC))
        .closed_to(datetime!(2026-11-24 20:00 UTC))
        .search("acme & co")
        .only_deleted()
        .by_id();
    let mut pages = client(&server).leads().list(&filter);
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
    assert_eq!(pages.next().await.unwrap(), None);
    let want = [
        ("filter[statuses][0][pipeline_id]", "5"),
        ("filter[statuses][0][status_id]", "142"),
        ("filter[responsible_user_id][]", "9"),
        ("filter[updated_at][from]", "1795550400"),
        ("filter[closed_at][to]", "1795550400"),
        ("query", "acme & co"),
        ("order[id]", "asc"),
        ("with", "contacts,loss_reason,only_deleted"),
        ("limit", "250"),
    ];
    let got = query(&request(&server).await);
    assert!(got.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(want), "{got:?}");
}

#[tokio::test]
async fn leads_are_created() {
    let server = answering("POST", "/api/v4/leads", created("leads", &[71, 72])).await;
    let leads = [
        NewLead::new()
            .name("Acme")
            .price(10)
            .status(PipelineId::new(5), StatusId::new(51))
            .responsible_user(UserId::new(9))
            .created_by(UserId::ROBOT)
            .add_tag(TagRef::Name("t".into()))
            .field(FieldWrite::new(FieldId::new(1), FieldInput::Text("x".into())))
            .contact(ContactId::new(41))
            .contact(ContactId::new(42))
            .company(CompanyId::new(31)),
        NewLead::new(),
    ];
    let made = client(&server).leads().create(&leads).await.unwrap();
    assert_eq!(made.iter().map(|lead| lead.id.get()).collect::<Vec<_>>(), [71, 72]);
    assert_eq!(
        body(&request(&server).await),
        json!([
            {"name": "Acme", "price": 10, "pipeline_id": 5, "status_id": 51, "responsible_user_id": 9,
             "created_by": 0, "tags_to_add": [{"name": "t"}],
             "custom_fields_values": [{"field_id": 1, "values": [{"value": "x"}]}],
             "_embedded": {"contacts": [{"id": 41, "is_main": true}, {"id": 42, "is_main": false}],
                "companies": [{"id": 31}]},
             "request_id": "0"},
            {"request_id": "1"},
        ])
    );
}

#[tokio::test]
async fn leads_are_created_with_their_people() {
    let answer = json!([{"id": 71, "contact_id": 41, "company_id": null, "request_id": ["0", "1"], "merged": true}]);
    let server = answering("POST", "/api/v4/leads/complex", answer).await;
    let leads = [
        NewLead::new()
            .new_contact(NewContact::new().first_name("Jo").email("jo@b.example"))
            .new_company(NewCompany::new().name("Acme")),
        NewLead::new(),
    ];
    let made = client(&server).leads().create_complex(&leads).await.unwrap();
    assert_eq!((made[0].id.get(), made[0].company_id, made[0].merged), (71, None, true));
    assert_eq!(made[0].indexes, [0, 1]);
    assert_eq!(
        body(&request(&server).await)[0],
        json!({"_embedded": {
            "contacts": [{"first_name": "Jo", "custom_fields_values": [
                {"field_code": "EMAIL", "values": [{"value": "jo@b.example", "enum_code": "WORK"}]}]}],
            "companies": [{"name": "Acme"}]}, "request_id": "0"})
    );

    let leads = [NewLead::new(), NewLead::new(), NewLead::new()];
    let error = client(&server).leads().create_complex(&leads).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Decode, Fate::Unknown));
}

#[tokio::test]
async fn contacts_and_companies_are_made_and_changed() {
    let server = answering("POST", "/api/v4/contacts", created("contacts", &[41])).await;
    let contact = NewContact::new().name("Jo").phone("+1").responsible_user(UserId::new(9));
    client(&server).contacts().create(&[contact]).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"name": "Jo", "responsible_user_id": 9, "request_id": "0", "custom_fields_values": [
            {"field_code": "PHONE", "values": [{"value": "+1", "enum_code": "WORK"}]}]}])
    );

    let server = answering("PATCH", "/api/v4/contacts", created("contacts", &[41])).await;
    let patch =
        ContactPatch::new(ContactId::new(41)).last_name("B").delete_tag(TagRef::Name("t".into()));
    client(&server).contacts().update(&[patch]).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"id": 41, "last_name": "B", "tags_to_delete": [{"name": "t"}], "request_id": "0"}])
    );

    let server = answering("PATCH", "/api/v4/companies", created("companies", &[31])).await;
    client(&server)
        .companies()
        .update(&[CompanyPatch::new(CompanyId::new(31)).name("A")])
        .await
        .unwrap();
    assert_eq!(body(&request(&server).await), json!([{"id": 31, "name": "A", "request_id": "0"}]));

    let server = answering("POST", "/api/v4/companies", created("companies", &[31])).await;
    client(&server).companies().create(&[NewCompany::new().name("A")]).await.unwrap();
    assert_eq!(body(&request(&server).await), json!([{"name": "A", "request_id": "0"}]));

    let company = json!({"id": 31, "name": "A", "_embedded": {"leads": [{"id": 71}], "contacts": [{"id": 41}]}});
    let server = answering("GET", "/api/v4/companies/31", company).await;
    let company = client(&server).companies().get(CompanyId::new(31)).await.unwrap().unwrap();
    assert_eq!((company.lead_ids[0].get(), company.contact_ids[0].get()), (71, 41));
}

#[tokio::test]
async fn links_are_made_read_and_cut() {
    let answer = json!({"_embedded": {"links": [
        {"to_entity_id": 41, "to_entity_type": "contacts", "metadata": {"main_contact": true}},
        {"to_entity_id": 31, "to_entity_type": "companies", "metadata": null}]}});
    let server = answering("GET", "/api/v4/leads/7/links", answer).await;
    let links = client(&server).links(EntityType::Leads, 7).list().await.unwrap();
    assert_eq!(links[0].to_entity_type, EntityType::Contacts);
    assert_eq!(links[0].metadata.as_ref().unwrap()["main_contact"], true);
    assert_eq!(links[1].metadata, None);

    let server = answering("POST", "/api/v4/leads/7/link", json!({})).await;
    let to = [LinkTo::new(EntityType::Contacts, 41).main(), LinkTo::catalog_element(1, 2, 3)];
    client(&server).links(EntityType::Leads, 7).link(&to).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([
            {"to_entity_id": 41, "to_entity_type": "contacts", "metadata": {"is_main": true}},
            {"to_entity_id": 2, "to_entity_type": "catalog_elements", "metadata": {"catalog_id": 1, "quantity": 3}},
        ])
    );

    let server = MockServer::start().await;
    Mock::given(path("/api/v4/leads/7/unlink"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let links = client(&server).links(EntityType::Leads, 7);
    links.unlink(&[LinkTo::new(EntityType::Contacts, 41)]).await.unwrap();
    links.unlink(&[]).await.unwrap();
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn tags_fields_and_codes_are_made() {
    let server = answering("POST", "/api/v4/leads/tags", created("tags", &[1])).await;
    client(&server).tags(EntityType::Leads).create(&[NewTag::new("vip")]).await.unwrap();
    assert_eq!(body(&request(&server).await), json!([{"name": "vip", "request_id": "0"}]));

    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v4/leads/custom_fields"))
        .respond_with(ResponseTemplate::new(201).set_body_json(created("custom_fields", &[8, 9])))
        .mount(&server)
        .await;
    let fields = [
        NewField::new("Plan", "text").code("PLAN").api_only(),
        NewField::new("Kind", "select").option("A", Some("a")).option("B", None),
    ];
    client(&server).custom_fields(EntityType::Leads).create(&fields).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([
            {"name": "Plan", "type": "text", "code": "PLAN", "is_api_only": true, "request_id": "0"},
            {"name": "Kind", "type": "select", "enums": [{"value": "A", "sort": 1, "code": "a"},
                {"value": "B", "sort": 2}], "request_id": "1"},
        ])
    );

    let server =
        answering("PATCH", "/api/v4/leads/custom_fields", created("custom_fields", &[8])).await;
    client(&server)
        .custom_fields(EntityType::Leads)
        .set_code(FieldId::new(8), "PLAN")
        .await
        .unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"id": 8, "code": "PLAN", "request_id": "0"}])
    );
}

#[tokio::test]
async fn what_is_asked_for_by_id_may_not_be_there() {
    for status in [404, 204] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_string(r#"{"status":404}"#);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let client = client(&server);
        assert_eq!(client.users().get(UserId::new(9)).await.unwrap(), None);
        assert_eq!(client.notes(EntityType::Leads).get(NoteId::new(9)).await.unwrap(), None);
        assert_eq!(
            client.custom_fields(EntityType::Leads).get(FieldId::new(9)).await.unwrap(),
            None
        );
        if status == 404 {
            assert_eq!(client.pipelines().get(PipelineId::new(9)).await.unwrap(), None);
            assert!(!client.webhooks().unsubscribe("https://a.example/x").await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_pipeline_comes_bare_or_as_a_list() {
    let pipeline = json!({"id": 5, "name": "P", "_embedded": {"statuses": [{"id": 142}]}});
    for answer in [pipeline.clone(), json!({"_embedded": {"pipelines": [pipeline]}})] {
        let server = answering("GET", "/api/v4/leads/pipelines/5", answer).await;
        let pipeline = client(&server).pipelines().get(PipelineId::new(5)).await.unwrap().unwrap();
        assert_eq!(pipeline.statuses[0].id, StatusId::WON);
    }
}

#[tokio::test]
async fn notes_are_changed_and_pinned() {
    let server = answering("PATCH", "/api/v4/leads/notes", created("notes", &[5])).await;
    let patch = NotePatch::common(NoteId::new(5), 7, "new");
    client(&server).notes(EntityType::Leads).update(&[patch]).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"id": 5, "entity_id": 7, "note_type": "common", "params": {"text": "new"}, "request_id": "0"}])
    );
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    client(&server).notes(EntityType::Leads).pin(NoteId::new(5), true).await.unwrap();
    assert_eq!(request(&server).await.url.path(), "/api/v4/leads/notes/5/pin");
}

#[tokio::test]
async fn subscriptions_are_one_object() {
    let answer = json!({"id": 1, "destination": "https://a.example/x", "disabled": false, "settings": ["add_lead"]});
    let server = answering("POST", "/api/v4/webhooks", answer).await;
    let webhook =
        client(&server).webhooks().subscribe("https://a.example/x", &["add_lead"]).await.unwrap();
    assert_eq!(webhook.settings, ["add_lead"]);
    assert_eq!(
        body(&request(&server).await),
        json!({"destination": "https://a.example/x", "settings": ["add_lead"]})
    );
    let server = MockServer::start().await;
    Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    assert!(client(&server).webhooks().unsubscribe("https://a.example/x").await.unwrap());
    assert_eq!(body(&request(&server).await), json!({"destination": "https://a.example/x"}));
}

#[tokio::test]
async fn events_have_text_for_ids() {
    let answer = json!({"_embedded": {"events": [
        {"id": "01pz", "type": "lead_status_changed", "entity_id": 7, "entity_type": "lead", "created_by": 0,
         "created_at": 1, "value_after": [{"lead_status": {"id": 142}}], "value_before": []}]}});
    let server = answering("GET", "/api/v4/events", answer).await;
    let filter = EventFilter::new().event_type("lead_status_changed").entities("lead", &[7]);
    let events = client(&server).events().list(&filter).next().await.unwrap().unwrap();
    assert_eq!(events[0].id, "01pz");
    assert_eq!(events[0].value_after[0]["lead_status"]["id"], 142);
    let got = query(&request(&server).await);
    assert_eq!(got.last().unwrap(), &("limit".to_owned(), "100".to_owned()));
}

#[tokio::test]
async fn incoming_leads_are_taken_and_declined_with_a_body() {
    let answer = json!({"uid": "3cvd", "category": "mail", "pipeline_id": 5, "_embedded": {"leads": [{"id": 7}]}});
    let server = answering("POST", "/api/v4/leads/unsorted/3cvd/accept", answer.clone()).await;
    let unsorted = client(&server).unsorted();
    let lead = unsorted.accept("3cvd", UserId::new(9), Some(StatusId::new(51))).await.unwrap();
    assert_eq!(lead.lead_ids[0].get(), 7);
    assert_eq!(body(&request(&server).await), json!({"user_id": 9, "status_id": 51}));
    let server = answering("DELETE", "/api/v4/leads/unsorted/3cvd/decline", answer).await;
    client(&server).unsorted().decline("3cvd", UserId::new(9)).await.unwrap();
    assert_eq!(body(&request(&server).await), json!({"user_id": 9}));
    let error =
        client(&server).unsorted().decline("../../account", UserId::new(9)).await.unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent);
}

#[tokio::test]
async fn elements_of_catalogs() {
    let server = answering("POST", "/api/v4/catalogs/4/elements", created("elements", &[5])).await;
    let element = NewCatalogElement::new("Pro");
    client(&server).catalogs().create_elements(CatalogId::new(4), &[element]).await.unwrap();
    assert_eq!(body(&request(&server).await), json!([{"name": "Pro", "request_id": "0"}]));
    let server = answering("PATCH", "/api/v4/catalogs/4/elements", created("elements", &[5])).await;
    let patch = CatalogElementPatch::new(CatalogElementId::new(5)).name("Free");
    client(&server).catalogs().update_elements(CatalogId::new(4), &[patch]).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"id": 5, "name": "Free", "request_id": "0"}])
    );
}

#[tokio::test]
async fn a_raw_request_has_the_same_token_and_errors_and_stays_in_the_api() {
    let server = answering("PUT", "/api/v4/leads/7/x", json!({"a": 1})).await;
    let client = client(&server);
    let answer = client
        .raw(RawMethod::Put, "leads/7/x")
        .query("filter[name]", "a b")
        .json(&json!({"b": 2}))
        .send()
        .await
        .unwrap();
    assert_eq!((answer.status(), answer.decode::<Value>().unwrap()), (200, json!({"a": 1})));
    let request = request(&server).await;
    assert_eq!(request.headers["authorization"], "Bearer made-up-token-of-a-test");
    assert_eq!((request.url.query(), body(&request)), (Some("filter[name]=a+b"), json!({"b": 2})));
    let error = client.raw(RawMethod::Get, "nowhere").send().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    for path in [
        "../../oauth2/access_token",
        "leads/..",
        "leads?x=1",
        "leads#x",
        "leads\\x",
        "a/%2e%2e/b",
        "a b",
        "a\nb",
    ] {
        let error = client.raw(RawMethod::Get, path).send().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.fate()),
            (&ErrorKind::InvalidRequest, Fate::NotSent),
            "{path}"
        );
    }
    let error = client.raw(RawMethod::Get, "leads").query("a#b", 1).send().await.unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent);
}

/// A drive that takes parts of 4096 bytes, on the account's own host.
async fn drive() -> MockServer {
    let server = MockServer::start().await;
    let uri = server.uri();
    Mock::given(path("/api/v4/account"))
        .respond_with(json(&format!(r#"{{"id":1,"drive_url":"{uri}"}}"#)))
        .expect(1)
        .mount(&server)
        .await;
    let session = json!({"session_id": 1, "max_part_size": 4096, "max_file_size": 10_000,
        "upload_url": format!("{uri}/v1.0/sessions/upload/TOKEN-1?x=%2Fy")});
    Mock::given(path("/v1.0/sessions"))
        .respond_with(ResponseTemplate::new(200).set_body_json(session))
        .mount(&server)
        .await;
    Mock::given(path("/v1.0/sessions/upload/TOKEN-1"))
        .respond_with(json(&format!(
            r#"{{"session_id":1,"next_url":"{uri}/v1.0/sessions/upload/TOKEN-2"}}"#
        )))
        .mount(&server)
        .await;
    Mock::given(path("/v1.0/sessions/upload/TOKEN-2"))
        .respond_with(json(r#"{"uuid":"u-1","version_uuid":"v-1","name":"invoice","size":5000}"#))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_file_is_uploaded_part_by_part_and_attached() {
    let server = drive().await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(202)).mount(&server).await;
    let files = client(&server).files();
    let content: Vec<u8> = (0..5_000_u32).map(|index| (index % 251) as u8).collect();
    let file = files.upload("invoice.pdf", "application/pdf", &content).await.unwrap();
    assert_eq!((file.uuid.as_str(), file.size), ("u-1", Some(5_000)));
    files.attach(EntityType::Leads, 7, &[&file.uuid]).await.unwrap();
    let seen: Vec<Request> = requests(&server).await;
    assert_eq!(
        body(&seen[1]),
        json!({"file_name": "invoice.pdf", "file_size": 5000, "content_type": "application/pdf"})
    );
    assert_eq!((seen[2].url.query(), seen[2].body.len()), (Some("x=%2Fy"), 4_096));
    assert_eq!([seen[2].body.as_slice(), seen[3].body.as_slice()].concat(), content);
    assert_eq!(seen[3].headers["content-type"], "application/pdf");
    assert_eq!(seen[4].url.path(), "/api/v4/leads/7/files");
    assert_eq!(body(&seen[4]), json!([{"file_uuid": "u-1"}]));
    // The drive is asked for once.
    files.upload("invoice.pdf", "application/pdf", &content).await.unwrap();
    let error = files.upload("big", "text/plain", &[0; 10_001]).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::InvalidRequest, Fate::NotSent));
}

#[tokio::test]
async fn the_token_goes_to_no_drive_that_is_not_kommos() {
    for url in [
        "https://evil.example",
        "https://kommo.com.evil.example",
        "https://evilkommo.com",
        "http://drive-c.kommo.com",
        "https://drive-c.kommo.com:8443",
        "https://user@drive-c.kommo.com",
        "ftp://127.0.0.1",
        "nonsense",
        "",
    ] {
        let answer = json!({"id": 1, "drive_url": url});
        let server = answering("GET", "/api/v4/account", answer).await;
        let error = client(&server).files().upload("a", "text/plain", b"x").await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Decode, "{url}");
    }
}

#[tokio::test]
async fn an_upload_that_leads_elsewhere_or_never_ends_is_stopped() {
    for (url, part) in
        [("https://evil.example/x", 4_096_u64), ("/v1.0/next", 1), ("http://[x", 4_096)]
    {
        let server = MockServer::start().await;
        Mock::given(path("/api/v4/account"))
            .respond_with(json(&format!(r#"{{"id":1,"drive_url":"{}"}}"#, server.uri())))
            .mount(&server)
            .await;
        let session = json!({"max_part_size": part, "upload_url": url});
        Mock::given(path("/v1.0/sessions"))
            .respond_with(ResponseTemplate::new(200).set_body_json(session))
            .mount(&server)
            .await;
        let error = client(&server).files().upload("a", "text/plain", b"x").await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Decode, "{url}");
        assert_eq!(requests(&server).await.len(), 2, "{url}");
    }
}

#[tokio::test]
async fn a_stream_of_many_leads_asks_page_by_page() {
    const PAGES: u64 = 150;
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/leads"))
        .respond_with(|request: &Request| {
            let page = request.url.query_pairs().find(|(key, _)| key == "page");
            let page: u64 = page.map_or(1, |(_, page)| page.parse().unwrap());
            let leads: Vec<_> = (0..3).map(|row| json!({"id": page * 3 + row})).collect();
            let mut answer = json!({"_embedded": {"leads": leads}});
            if page < PAGES {
                answer["_links"] =
                    json!({"next": {"href": format!("/api/v4/leads?page={}", page + 1)}});
            }
            ResponseTemplate::new(200).set_body_json(answer)
        })
        .mount(&server)
        .await;
    let mut pages = client(&server).leads().list(&LeadFilter::new().by_id());
    let mut ids = Vec::new();
    while let Some(leads) = pages.next().await.unwrap() {
        ids.extend(leads.iter().map(|lead| lead.id));
    }
    assert!(ids.iter().map(|id: &LeadId| id.get()).eq(3..3 + PAGES * 3));
    assert_eq!(requests(&server).await.len() as u64, PAGES);
}

#[tokio::test]
async fn calls_may_be_refused_one_by_one() {
    let answer = json!({"_total_items": 1, "errors": [{"request_id": "1"}], "_embedded": {"calls": [
        {"id": 5, "entity_id": 41, "entity_type": "contact", "request_id": "0"}]}});
    let server = answering("POST", "/api/v4/calls", answer).await;
    let calls = [
        NewCall::new(CallDirection::Inbound, "+1", 10, "us")
            .status(4)
            .responsible_user(UserId::new(9)),
        NewCall::new(CallDirection::Outbound, "+2", 0, "us").uniq("u").link("l").result("r"),
    ];
    let outcome = client(&server).calls().create(&calls).await.unwrap();
    assert_eq!(
        (outcome.created[0].index, outcome.created[0].entity_id, outcome.refused),
        (Some(0), Some(41), 1)
    );
    assert_eq!(
        body(&request(&server).await),
        json!([
            {"direction": "inbound", "phone": "+1", "duration": 10, "source": "us", "call_status": 4,
             "call_responsible": 9, "request_id": "0"},
            {"direction": "outbound", "phone": "+2", "duration": 0, "source": "us", "uniq": "u", "link": "l",
             "call_result": "r", "request_id": "1"},
        ])
    );
}

#[tokio::test]
async fn sources_have_ids_of_text() {
    let server = answering("POST", "/api/v4/sources", created("sources", &[5])).await;
    let source = NewSource::new("Site", "7").pipeline(PipelineId::new(5));
    client(&server).sources().create(&[source]).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"name": "Site", "external_id": "7", "pipeline_id": 5, "request_id": "0"}])
    );
    let server = MockServer::start().await;
    Mock::given(method("DELETE"))
        .and(path("/api/v4/sources/5"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    client(&server).sources().delete(SourceId::new(5)).await.unwrap();
}
