//! What lists ask for, word by word.

use kommo_client::{
    AccountWith, CatalogElementId, CatalogId, CompanyFilter, CompanyId, CompanyWith, ContactFilter,
    ContactId, ContactWith, EntityType, ErrorKind, FieldType, FileFilter, LeadFilter, LeadWith,
    LossReasonId, NewCatalog, NoteFilter, NoteWith, SourceId, TagFilter, TagId, TaskFilter, TaskId,
    UnsortedFilter, UserId,
};
use serde_json::json;
use time::macros::datetime;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, method, path},
};

use crate::support::{body, client, query, request, requests};

const AT: time::OffsetDateTime = datetime!(2026-11-24 20:00 UTC);

async fn empty() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    server
}

#[track_caller]
fn assert_query(got: &[(String, String)], want: &[(&str, &str)]) {
    let got: Vec<_> = got.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(got, want);
}

#[tokio::test]
async fn leads() {
    let server = empty().await;
    let filter = LeadFilter::new()
        .name("Acme")
        .price(2400)
        .created_by(UserId::ROBOT)
        .updated_by(UserId::new(9))
        .closest_task_from(AT)
        .closest_task_to(AT)
        .with(LeadWith::Source)
        .last_created_first();
    assert_eq!(client(&server).leads().list(&filter).next().await.unwrap(), None);
    assert_query(
        &query(&request(&server).await),
        &[
            ("filter[name][]", "Acme"),
            ("filter[price]", "2400"),
            ("filter[created_by][]", "0"),
            ("filter[updated_by][]", "9"),
            ("filter[closest_task_at][from]", "1795550400"),
            ("filter[closest_task_at][to]", "1795550400"),
            ("order[created_at]", "desc"),
            ("with", "contacts,loss_reason,source"),
            ("limit", "250"),
        ],
    );
}

#[tokio::test]
async fn contacts_and_companies() {
    let server = empty().await;
    let filter = ContactFilter::new()
        .created_by(UserId::new(8))
        .updated_by(UserId::new(9))
        .closest_task_from(AT)
        .closest_task_to(AT)
        .with(ContactWith::CatalogElements)
        .newest_first();
    client(&server).contacts().list(&filter).next().await.unwrap();
    let filter = CompanyFilter::new().with(CompanyWith::CatalogElements).last_updated_first();
    client(&server).companies().list(&filter).next().await.unwrap();
    let with = [ContactWith::CatalogElements];
    client(&server).contacts().get_with(ContactId::new(4), &with).await.unwrap();
    let with = [CompanyWith::CatalogElements];
    client(&server).companies().get_with(CompanyId::new(3), &with).await.unwrap();
    let came = requests(&server).await;
    assert_query(
        &query(&came[0]),
        &[
            ("filter[created_by][]", "8"),
            ("filter[updated_by][]", "9"),
            ("filter[closest_task_at][from]", "1795550400"),
            ("filter[closest_task_at][to]", "1795550400"),
            ("with", "leads,catalog_elements"),
            ("order[id]", "desc"),
            ("limit", "250"),
        ],
    );
    let want = [
        ("with", "leads,contacts,catalog_elements"),
        ("order[updated_at]", "desc"),
        ("limit", "250"),
    ];
    assert_query(&query(&came[1]), &want);
    assert_query(&query(&came[2]), &[("with", "leads,catalog_elements")]);
    assert_query(&query(&came[3]), &[("with", "leads,contacts,catalog_elements")]);
}

#[tokio::test]
async fn notes_and_tasks() {
    let server = empty().await;
    let filter = NoteFilter::new().entity(7).with(NoteWith::IsPinned).last_updated_first();
    let mut pages = client(&server).notes(EntityType::Leads).list_all(&filter).unwrap();
    pages.next().await.unwrap();
    let filter = TaskFilter::new().id(TaskId::new(3)).updated_to(AT).first_due_first();
    client(&server).tasks().list_pages(&filter).next().await.unwrap();
    let filter = TaskFilter::new().last_created_first();
    client(&server).tasks().list_pages(&filter).next().await.unwrap();
    let came = requests(&server).await;
    let want = [
        ("filter[entity_id][]", "7"),
        ("with", "is_pinned"),
        ("order[updated_at]", "desc"),
        ("limit", "250"),
    ];
    assert_query(&query(&came[0]), &want);
    let want = [
        ("filter[id][]", "3"),
        ("filter[updated_at][to]", "1795550400"),
        ("order[complete_till]", "asc"),
        ("limit", "250"),
    ];
    assert_query(&query(&came[1]), &want);
    assert_query(&query(&came[2]), &[("order[created_at]", "desc"), ("limit", "250")]);
}

#[tokio::test]
async fn tags_fields_and_incoming_leads() {
    let server = empty().await;
    let filter = TagFilter::new().id(TagId::new(1)).name("vip").search("v & p");
    let mut pages = client(&server).tags(EntityType::Leads).list_pages(&filter).unwrap();
    pages.next().await.unwrap();
    let fields = client(&server).custom_fields(EntityType::Leads);
    assert_eq!(fields.list_of(&[FieldType::Select, FieldType::Text]).await.unwrap(), []);
    let filter = UnsortedFilter::new().uid("u-1").last_updated_first();
    client(&server).unsorted().list(&filter).next().await.unwrap();
    let came = requests(&server).await;
    let want =
        [("filter[id][]", "1"), ("filter[name][]", "vip"), ("query", "v & p"), ("limit", "250")];
    assert_query(&query(&came[0]), &want);
    let want = [
        ("filter[type][]", "select"),
        ("filter[type][]", "text"),
        ("order[sort]", "asc"),
        ("limit", "250"),
    ];
    assert_query(&query(&came[1]), &want);
    let want = [("filter[uid][]", "u-1"), ("order[updated_at]", "desc"), ("limit", "250")];
    assert_query(&query(&came[2]), &want);
    let nowhere = client(&server).tags(EntityType::from("../account"));
    assert!(nowhere.list_pages(&TagFilter::new()).is_err());
}

#[tokio::test]
async fn one_of_its_kind() {
    let server = empty().await;
    let client = client(&server);
    assert_eq!(client.leads().loss_reason(LossReasonId::new(5)).await.unwrap(), None);
    assert_eq!(client.sources().get(SourceId::new(6)).await.unwrap(), None);
    assert_eq!(client.webhooks().get("https://app.example/k?a=1&b").await.unwrap(), None);
    assert_eq!(client.events().types("en").await.unwrap(), []);
    assert_eq!(client.companies().list_by_ids(&[CompanyId::new(3)]).await.unwrap(), []);
    let wanted = [CatalogElementId::new(8)];
    let elements = client.catalogs().elements_by_ids(CatalogId::new(2), &wanted).await;
    assert_eq!(elements.unwrap(), []);
    let paths: Vec<_> = requests(&server).await.iter().map(|came| came.url.to_string()).collect();
    let paths: Vec<_> = paths.iter().map(|url| url.split_once("/api/v4/").unwrap().1).collect();
    assert_eq!(
        paths,
        [
            "leads/loss_reasons/5",
            "sources/6",
            "webhooks?filter[destination]=https%3A%2F%2Fapp.example%2Fk%3Fa%3D1%26b",
            "events/types?language_code=en",
            "companies?filter[id][]=3&with=leads%2Ccontacts&limit=250",
            "catalogs/2/elements?filter[id][]=8&limit=250",
        ]
    );
}

#[tokio::test]
async fn what_nobody_asked_for_is_dropped_and_what_is_missing_asked_for() {
    // An account without the API filter: it gives what it likes.
    let server = MockServer::start().await;
    let page = json!({"_embedded": {"companies": [{"id": 1}, {"id": 3}]}});
    for (at, answer) in [
        ("/api/v4/companies", ResponseTemplate::new(200).set_body_json(page)),
        ("/api/v4/companies/2", ResponseTemplate::new(200).set_body_json(json!({"id": 2}))),
        ("/api/v4/companies/4", ResponseTemplate::new(204)),
    ] {
        Mock::given(path(at)).respond_with(answer).expect(1).mount(&server).await;
    }
    let wanted = [4, 3, 2, 3].map(CompanyId::new);
    let found = client(&server).companies().list_by_ids(&wanted).await.unwrap();
    let ids: Vec<_> = found.iter().map(|company| company.id.get()).collect();
    assert_eq!(ids, [3, 2]);
}

#[tokio::test]
async fn a_catalog_says_what_it_is_for() {
    let server = MockServer::start().await;
    let made = json!({"_embedded": {"catalogs": [{"id": 5, "request_id": "0"}]}});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(made))
        .mount(&server)
        .await;
    let new = NewCatalog::new("Plans")
        .catalog_type("products")
        .sort(3)
        .can_add_elements(true)
        .can_show_in_cards(false)
        .can_link_multiple(true);
    client(&server).catalogs().create(&[new]).await.unwrap();
    assert_eq!(
        body(&request(&server).await),
        json!([{"name": "Plans", "type": "products", "sort": 3, "can_add_elements": true,
            "can_show_in_cards": false, "can_link_multiple": true, "request_id": "0"}])
    );
}

/// An account whose drive is at the same server.
async fn with_drive(files: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let account = json!({"id": 1, "drive_url": server.uri()});
    Mock::given(path("/api/v4/account"))
        .respond_with(ResponseTemplate::new(200).set_body_json(account))
        .mount(&server)
        .await;
    Mock::given(path("/v1.0/files")).respond_with(files).mount(&server).await;
    server
}

#[tokio::test]
async fn files_are_looked_for_in_the_drive() {
    let page = json!({"_embedded": {"files": [{"uuid": "u-1", "name": "a", "type": "document",
        "size": 7, "is_trashed": true, "created_at": 1_795_550_400}]}});
    let server = with_drive(ResponseTemplate::new(200).set_body_json(page)).await;
    let filter = FileFilter::new()
        .uuid("u-1")
        .uuid("u-2")
        .name("a")
        .search("b & c")
        .extension("pdf")
        .only_deleted();
    let mut pages = client(&server).files().list(&filter).await.unwrap();
    let file = pages.next().await.unwrap().unwrap().remove(0);
    assert_eq!(
        (file.uuid.as_str(), file.file_type.as_str(), file.size),
        ("u-1", "document", Some(7))
    );
    assert_eq!((file.is_trashed, file.created_at), (true, Some(AT)));
    assert_eq!(pages.next().await.unwrap(), None);
    let came = requests(&server).await;
    let want = [
        ("filter[uuid]", "u-1,u-2"),
        ("filter[name]", "a"),
        ("filter[term]", "b & c"),
        ("filter[extensions][]", "pdf"),
        ("filter[deleted]", "1"),
        ("limit", "250"),
    ];
    assert_query(&query(&came[1]), &want);
    client(&server).files().delete(&["u-1"]).await.unwrap();
    assert_eq!(body(&requests(&server).await[3]), json!([{"uuid": "u-1"}]));
    let error = client(&server).files().get("../account").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn k35_pages_of_the_drive_stay_there() {
    for next in ["https://evil.example/v1.0/files?page=2", "/api/v4/account?page=2", "?limit=250"] {
        let page = json!({"_links": {"next": {"href": next}},
            "_embedded": {"files": [{"uuid": "u-1"}]}});
        let server = with_drive(ResponseTemplate::new(200).set_body_json(page)).await;
        let mut pages = client(&server).files().list(&FileFilter::new()).await.unwrap();
        let error = pages.next().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Pagination, "{next}");
    }
}

#[tokio::test]
async fn k35_attached_files_come_to_an_end() {
    let server = MockServer::start().await;
    // A whole page, whatever was asked for: one would read it for ever.
    let files: Vec<_> = (0..250).map(|id| json!({"file_uuid": "u", "id": 1000 - id})).collect();
    Mock::given(any())
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"_embedded": {"files": files}})),
        )
        .mount(&server)
        .await;
    let files = client(&server).files();
    let error = files.attached(EntityType::Leads, 7).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Pagination);
    let came = requests(&server).await;
    assert_eq!(came.len(), 2);
    assert_query(&query(&came[1]), &[("limit", "250"), ("before_id", "751")]);
}

#[tokio::test]
async fn an_account_tells_its_groups() {
    let server = MockServer::start().await;
    let groups = json!([{"id": 0, "name": "Sales"}, {"id": 7, "name": "Support"}]);
    let account = json!({"id": 1, "_embedded": {"users_groups": groups}});
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(account))
        .mount(&server)
        .await;
    let account = client(&server).account().get_with(&[AccountWith::UsersGroups]).await.unwrap();
    let groups: Vec<_> =
        account.users_groups.iter().map(|own| (own.id, own.name.as_deref())).collect();
    assert_eq!(groups, [(0, Some("Sales")), (7, Some("Support"))]);
    assert_query(&query(&request(&server).await), &[("with", "users_groups")]);
}
