//! The answers of the documentation that no other module decodes, where the shared folder is at hand.

use std::sync::Arc;

use kommo_client::{
    CatalogId, Client, CompanyPatch, ContactFilter, ContactId, ContactPatch, EntityType, ErrorKind,
    FieldId, FieldPatch, FieldType, ItemOutcome, LeadFilter, LeadId, LinkTo, MemoryTokenStore,
    NewCatalogElement, NewCompany, NewContact, NewLead, NewTag, NoteFilter, NoteId, NotePatch,
    OAuthApp, TagFilter, TaskFilter, TaskId, TaskPatch,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, query_param},
};

use crate::support::{client, fixture};

/// A server that gives the sample with this status, and 204 for any page but the first.
async fn serving(name: &str, status: u16) -> Option<MockServer> {
    let text = fixture(name)?;
    let server = MockServer::start().await;
    let text = ["https://example.amocrm.ru", "https://devteam.kommo.com"]
        .iter()
        .fold(text, |text, host| text.replace(host, &server.uri()));
    for page in ["2", "3"] {
        Mock::given(query_param("page", page))
            .respond_with(ResponseTemplate::new(204))
            .mount(&server)
            .await;
    }
    let kind = if name.ends_with(".html.txt") { "text/html" } else { "application/json" };
    let answer = ResponseTemplate::new(status).set_body_raw(text, kind);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    Some(server)
}

#[tokio::test]
async fn contacts_and_companies() {
    let Some(server) = serving("contact_get_with_leads.json", 200).await else { return };
    let contact = client(&server).contacts().get(ContactId::new(3)).await.unwrap().unwrap();
    assert_eq!((contact.lead_ids.len(), contact.company_ids.len()), (2, 1));
    assert!(contact.phones().eq(["+79123"]));
    for (name, rows) in [("contacts_list.json", 1), ("contacts_list_amocrm_with_next.json", 2)] {
        let Some(server) = serving(name, 200).await else { return };
        let mut pages = client(&server).contacts().list(&ContactFilter::new());
        assert_eq!(pages.next().await.unwrap().unwrap().len(), rows, "{name}");
        assert_eq!(pages.next().await.unwrap(), None, "{name}");
    }
    let Some(server) = serving("contacts_post_response.json", 200).await else { return };
    let new = ["Ann", "Bob"].map(|name| NewContact::new().name(name));
    let made = client(&server).contacts().create(&new).await.unwrap();
    assert_eq!(made[1].id, ContactId::new(963_410));
    let Some(server) = serving("contacts_patch_response.json", 200).await else { return };
    let patch = ContactPatch::new(made[1].id).name("John Doe");
    let changed = client(&server).contacts().update(&[patch]).await.unwrap();
    assert_eq!(changed[0].updated_at.unwrap().unix_timestamp(), 1_687_192_924);
    let Some(server) = serving("companies_post_response.json", 200).await else { return };
    let made = client(&server).companies().create(&[NewCompany::new()]).await.unwrap();
    assert_eq!(made[0].id.get(), 11_090_825);
    let patch = CompanyPatch::new(made[0].id).name("Acme");
    assert_eq!(client(&server).companies().update(&[patch]).await.unwrap()[0].id, made[0].id);
}

#[tokio::test]
async fn leads_and_links() {
    let Some(server) = serving("leads_list_amocrm_with_next.json", 200).await else { return };
    let mut pages = client(&server).leads().list(&LeadFilter::new());
    let leads = pages.next().await.unwrap().unwrap();
    assert_eq!((leads[0].id, leads[0].is_won()), (LeadId::new(19_619), true));
    assert_eq!(pages.next().await.unwrap(), None);
    let Some(server) = serving("leads_complex_response_created.json", 200).await else { return };
    // Its answer is of the second of two leads, and the first is not in it.
    assert!(client(&server).leads().create_complex(&[NewLead::new()]).await.is_err());
    let Some(server) = serving("link_post_response.json", 200).await else { return };
    let links = client(&server).links(EntityType::Leads, 14_158_851);
    links.link(&[LinkTo::new(EntityType::Contacts, 457_282)]).await.unwrap();
}

#[tokio::test]
async fn notes_and_tasks() {
    let Some(server) = serving("notes_list.json", 200).await else { return };
    let notes = client(&server).notes(EntityType::Leads);
    let mut pages = notes.list_all(&NoteFilter::new()).unwrap();
    assert_eq!(pages.next().await.unwrap().unwrap()[0].id, NoteId::new(42_709_325));
    let Some(server) = serving("notes_patch_response.json", 200).await else { return };
    let patch = |id| NotePatch::common(NoteId::new(id), 167_353, "x");
    let patches = [patch(76_610_421), patch(76_610_423)];
    let changed = client(&server).notes(EntityType::Leads).update(&patches).await.unwrap();
    assert_eq!(changed[1].updated_at.unwrap().unix_timestamp(), 1_588_841_241);
    let Some(server) = serving("tasks_list_amocrm.json", 200).await else { return };
    let mut pages = client(&server).tasks().list_pages(&TaskFilter::new());
    let tasks = pages.next().await.unwrap().unwrap();
    assert_eq!((tasks.len(), tasks[0].is_completed), (2, true));
    // One id in the path is answered bare by amoCRM; lists are what the client sends, so this is no answer to it.
    let Some(server) = serving("task_complete_response_bare.json", 200).await else { return };
    let patch = TaskPatch::new(TaskId::new(4_747_929)).complete("x");
    let error = client(&server).tasks().update(&[patch]).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Decode);
}

#[tokio::test]
async fn tags_and_pipelines() {
    let Some(server) = serving("tags_list.json", 200).await else { return };
    let tags = client(&server).tags(EntityType::Leads);
    let tags = tags.list_pages(&TagFilter::new()).unwrap().next().await.unwrap().unwrap();
    assert_eq!((tags[0].color.as_deref(), tags[1].color.as_deref()), (Some("EBEBEB"), None));
    // One of its items has a name that we did not give.
    let Some(server) = serving("tags_post_response.json", 200).await else { return };
    let new = ["Tag 1", "Tag 2", "Tag 3"].map(NewTag::new);
    let made = client(&server).tags(EntityType::Leads).create_each(&new).await;
    let ids: Vec<_> = made.iter().map(|made| made.done().map(|made| made.id.get())).collect();
    assert_eq!(ids, [Some(263_807), None, Some(263_811)]);
    assert_eq!(made[1], ItemOutcome::Unknown(ErrorKind::Decode));
    let Some(server) = serving("pipelines_list_amocrm.json", 200).await else { return };
    let pipelines = client(&server).pipelines().list().await.unwrap();
    assert!(pipelines[0].is_main && pipelines[0].statuses.len() > 2);
}

#[tokio::test]
async fn fields_and_catalogs() {
    let Some(server) = serving("custom_field_get.json", 200).await else { return };
    let fields = client(&server).custom_fields(EntityType::Contacts);
    let phone = fields.get(FieldId::new(3)).await.unwrap().unwrap();
    assert_eq!((phone.field_type, phone.enums.len()), (FieldType::Multitext, 6));
    let Some(server) = serving("custom_fields_list_amocrm.json", 200).await else { return };
    assert_eq!(client(&server).custom_fields(EntityType::Leads).list().await.unwrap().len(), 2);
    let name = "custom_fields_patch_response_catalog.json";
    let Some(server) = serving(name, 200).await else { return };
    let fields = client(&server).catalog_fields(CatalogId::new(1_095));
    let patch = FieldPatch::new(FieldId::new(1_278_898_087)).name("x");
    fields.update(&[patch]).await.unwrap();
    let Some(server) = serving("catalog_elements_post_response.json", 200).await else { return };
    let new = [NewCatalogElement::new("x")];
    let made = client(&server).catalogs().create_elements(CatalogId::new(1_209), &new).await;
    // Its items repeat no `request_id`; where there is one, it is that one.
    assert_eq!(made.unwrap()[0].id.get(), 1_163_197);
}

#[tokio::test]
async fn events_and_files() {
    let Some(server) = serving("event_types_list.json", 200).await else { return };
    let types = client(&server).events().types("ru").await.unwrap();
    let keys: Vec<_> = types.iter().map(|own| own.key.as_str()).collect();
    assert_eq!(keys, ["lead_added", "lead_deleted"]);
    let Some(server) = serving("file_links.json", 200).await else { return };
    let links = client(&server).files().links("5ef222cd-bce4-4df8-8466-3dee7d16e70d").await;
    let links = links.unwrap();
    assert_eq!((&links[0].entity_type, links[0].id), (&EntityType::Leads, 22_859_207));
}

#[tokio::test]
async fn refusals() {
    for (name, status, kind) in [
        ("error_400_users_not_associated.json", 400, Some(ErrorKind::Status(400))),
        ("error_400_validation.json", 400, None),
        ("error_400_invalid_type.json", 400, None),
        ("error_402.json", 402, Some(ErrorKind::PaymentRequired)),
        ("error_403_scope.json", 403, Some(ErrorKind::Forbidden)),
        ("error_403_blocked.html.txt", 403, Some(ErrorKind::Blocked)),
        ("error_404_custom_field.json", 404, Some(ErrorKind::NotFound)),
        ("error_429_json.json", 429, Some(ErrorKind::RateLimited)),
        ("error_429_gateway.html.txt", 429, Some(ErrorKind::RateLimited)),
    ] {
        let Some(server) = serving(name, status).await else { return };
        let error = client(&server).leads().create(&[NewLead::new()]).await.unwrap_err();
        match kind {
            Some(kind) => assert_eq!(error.kind(), &kind, "{name}"),
            None => assert!(
                matches!(error.kind(), ErrorKind::Validation(items) if items[0].index == Some(0)),
                "{name}"
            ),
        }
        let told = error.retry_after().map(|wait| wait.as_secs());
        assert_eq!(told, (name == "error_429_json.json").then_some(300), "{name}");
    }
}

#[tokio::test]
async fn grants() {
    for (name, status, hint) in [
        ("oauth_token_response.json", 200, None),
        ("oauth_error_400_code_expired.json", 400, Some("Authorization code has expired")),
        ("oauth_error_400_invalid_refresh.json", 400, Some("Invalid refresh token")),
        ("oauth_error_401_revoked.json", 401, Some("Token has been revoked")),
    ] {
        let Some(server) = serving(name, status).await else { return };
        let app = OAuthApp::new("id", "secret", "https://app.example/kommo");
        let store = Arc::new(MemoryTokenStore::new(None));
        let client = Client::oauth(&server.uri(), app, store).build().unwrap();
        let granted = client.authorize("code").await;
        let detail = granted.as_ref().err().and_then(|error| error.detail());
        assert_eq!((granted.is_ok(), detail), (hint.is_none(), hint), "{name}");
        if let Err(error) = granted {
            assert_eq!(error.kind(), &ErrorKind::Unauthorized, "{name}");
        }
    }
}
