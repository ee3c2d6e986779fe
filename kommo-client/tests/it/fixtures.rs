//! Whole answers as Kommo documents them, where the shared folder is at hand.

use kommo_client::{
    CallDirection, CatalogId, CompanyFilter, EntityType, Error, EventFilter, FieldId, LeadFilter,
    LeadId, LeadPatch, NewCall, NewLead, NoteFilter, NoteId, PipelineId, TaskFilter, TaskId,
    TaskPatch, UnsortedFilter, UserId, WebhookBody, WebhookData,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, query_param},
};

use crate::support::{client, fixture};

/// A server that gives the fixture, and 204 for any page after the first.
async fn serving(name: &str) -> Option<MockServer> {
    let text = fixture(name)?;
    let server = MockServer::start().await;
    // The hosts of the documentation's accounts are not this one.
    let text =
        ["https://example.kommo.com", "https://example.amocrm.ru", "https://subdomain.kommo.com"]
            .iter()
            .fold(text, |text, host| text.replace(host, &server.uri()));
    Mock::given(query_param("page", "2"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let status = if name.contains("_201") { 201 } else { 200 };
    Mock::given(any())
        .respond_with(ResponseTemplate::new(status).set_body_string(text))
        .mount(&server)
        .await;
    Some(server)
}

#[tokio::test]
async fn leads() {
    for (name, id, price, open) in [
        ("lead_get.json", 152_464, "20000", true),
        ("lead_get_minor_units.json", 20_024_931, "1234.56", true),
        ("lead_get_with_all.json", 3_912_171, "12", false),
    ] {
        let Some(server) = serving(name).await else { return };
        let lead = client(&server).leads().get(LeadId::new(id)).await.unwrap().unwrap();
        assert_eq!(
            (lead.id.get(), lead.price.as_str(), lead.is_open()),
            (id, price, open),
            "{name}"
        );
        if name == "lead_get_with_all.json" {
            assert_eq!(lead.loss_reason.unwrap().id.get(), 4_203_748);
            assert_eq!(lead.contacts[0].id.get(), 10_971_465);
            assert_eq!(lead.companies[0].get(), 10_971_463);
        }
    }
}

#[tokio::test]
async fn updates_of_leads() {
    for (name, ids) in [
        ("leads_patch_response.json", [152_464, 152_462]),
        ("leads_patch_response_amocrm.json", [54_886, 54_884]),
    ] {
        let Some(server) = serving(name).await else { return };
        let patches = ids.map(|id| LeadPatch::new(LeadId::new(id)).price(1));
        let updated = client(&server).leads().update(&patches).await.unwrap();
        assert_eq!(updated.iter().map(|lead| lead.id.get()).collect::<Vec<_>>(), ids, "{name}");
    }
}

#[tokio::test]
async fn tasks_and_notes() {
    let Some(server) = serving("tasks_patch_response.json").await else { return };
    let patches = [4_745_251, 4_747_929].map(|id| TaskPatch::new(TaskId::new(id)).complete("x"));
    assert_eq!(client(&server).tasks().update(&patches).await.unwrap().len(), 2);
    let Some(server) = serving("tasks_list.json").await else { return };
    let tasks = client(&server).tasks().list(&TaskFilter::new()).await.unwrap();
    assert_eq!(tasks[0].text.as_deref(), Some("Send an invitation"));
    let Some(server) = serving("notes_list_for_lead.json").await else { return };
    let notes = client(&server).notes(EntityType::Leads).list(26_050_861, &NoteFilter::new()).await;
    assert_eq!(notes.unwrap().len(), 2);
}

#[tokio::test]
async fn definitions() -> Result<(), Error> {
    let Some(server) = serving("custom_fields_list.json").await else { return Ok(()) };
    assert_eq!(client(&server).custom_fields(EntityType::Leads).list().await?.len(), 2);
    let Some(server) = serving("custom_fields_patch_response_enums_object.json").await else {
        return Ok(());
    };
    let fields = client(&server).custom_fields(EntityType::Leads).list().await?;
    assert_eq!(fields[0].enums.len(), 2);
    let Some(server) = serving("pipelines_list.json").await else { return Ok(()) };
    assert!(!client(&server).pipelines().list().await?[0].statuses.is_empty());
    let Some(server) = serving("users_list.json").await else { return Ok(()) };
    assert_eq!(client(&server).users().list().await?.len(), 2);
    let Some(server) = serving("account_get_with_all.json").await else { return Ok(()) };
    let account = client(&server).account().get().await?;
    assert_eq!(account.timezone.as_deref(), Some("Europe/Moscow"));
    assert_eq!(account.task_types.len(), 2);
    Ok(())
}

#[tokio::test]
async fn contacts() {
    let Some(server) = serving("contacts_search_with_leads.json").await else { return };
    let contacts = client(&server).contacts().find_by_email("second@example.com").await.unwrap();
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].lead_ids.len(), 2);
}

#[test]
fn webhooks() {
    for (name, entity, action) in [
        ("webhook_lead_add.txt", "leads", "add"),
        ("webhook_lead_status.txt", "leads", "status"),
        ("webhook_lead_status_plain_values.txt", "leads", "status"),
        ("webhook_lead_status_unencoded.txt", "leads", "status"),
        ("webhook_lead_status_digital_pipeline.txt", "leads", "status"),
        ("webhook_lead_delete.txt", "leads", "delete"),
        ("webhook_lead_responsible.txt", "leads", "responsible"),
        ("webhook_lead_note.txt", "leads", "note"),
        ("webhook_contact_add.txt", "contacts", "add"),
        ("webhook_contact_note_scalar_and_nested.txt", "contacts", "note"),
        ("webhook_company_add.txt", "companies", "add"),
        ("webhook_task_add.txt", "task", "add"),
        ("webhook_task_update_closed.txt", "task", "update"),
        ("webhook_message_add.txt", "message", "add"),
        ("webhook_unsorted_accept.txt", "unsorted", "delete"),
        ("webhook_unsorted_decline.txt", "unsorted", "delete"),
    ] {
        let Some(text) = fixture(name) else { return };
        let delivery = WebhookBody::parse(text.as_bytes()).unwrap();
        let [event] = delivery.events.as_slice() else { panic!("{name}: {delivery:?}") };
        assert_eq!((event.entity.as_str(), event.action.as_str()), (entity, action), "{name}");
        assert_ne!(event.data, WebhookData::Unknown, "{name}");
    }
}

#[tokio::test]
async fn the_other_endpoints() -> Result<(), Error> {
    let Some(server) = serving("leads_complex_response_merged.json").await else { return Ok(()) };
    // Its answer is of the third of three leads, and says so.
    assert!(client(&server).leads().create_complex(&[NewLead::new()]).await.is_err());
    let Some(server) = serving("links_list.json").await else { return Ok(()) };
    assert_eq!(client(&server).links(EntityType::Leads, 7).list().await?.len(), 4);
    let Some(server) = serving("webhooks_list.json").await else { return Ok(()) };
    assert!(client(&server).webhooks().list().await?[1].disabled);
    let Some(server) = serving("webhook_post_response.json").await else { return Ok(()) };
    assert_eq!(client(&server).webhooks().subscribe("x", &[]).await?.settings, ["add_lead"]);
    let Some(server) = serving("unsorted_accept_response.json").await else { return Ok(()) };
    assert_eq!(
        client(&server).unsorted().accept("a", UserId::new(1), None).await?.contact_ids.len(),
        1
    );
    let Some(server) = serving("unsorted_list.json").await else { return Ok(()) };
    assert_eq!(
        client(&server)
            .unsorted()
            .list(&UnsortedFilter::new())
            .next()
            .await?
            .map(|page| page.len()),
        Some(1)
    );
    let Some(server) = serving("catalogs_list.json").await else { return Ok(()) };
    assert!(client(&server).catalogs().list().await?.len() > 1);
    let Some(server) = serving("catalog_elements_list.json").await else { return Ok(()) };
    let elements = client(&server).catalogs().elements(CatalogId::new(4_521)).next().await?;
    assert!(!elements.unwrap_or_default().is_empty());
    let Some(server) = serving("lead_files_list.json").await else { return Ok(()) };
    assert_eq!(client(&server).files().attached(EntityType::Leads, 7).await?.len(), 2);
    let Some(server) = serving("note_get.json").await else { return Ok(()) };
    assert!(client(&server).notes(EntityType::Leads).get(NoteId::new(42_709_325)).await?.is_some());
    let Some(server) = serving("task_get.json").await else { return Ok(()) };
    assert!(client(&server).tasks().get(TaskId::new(7_087)).await?.is_some());
    let Some(server) = serving("user_get.json").await else { return Ok(()) };
    assert!(client(&server).users().get(UserId::new(1)).await?.is_some());
    let Some(server) = serving("pipeline_get_bare.json").await else { return Ok(()) };
    let pipeline = client(&server).pipelines().get(PipelineId::new(3_177_727)).await?;
    assert!(pipeline.is_some_and(|pipeline| pipeline.is_main));
    let Some(server) = serving("custom_field_created_select.json").await else { return Ok(()) };
    let field =
        client(&server).custom_fields(EntityType::Leads).get(FieldId::new(1_016_236)).await?;
    assert_eq!(field.map(|field| field.enums.len()), Some(3));
    let Some(server) = serving("events_list.json").await else { return Ok(()) };
    assert!(client(&server).events().list(&EventFilter::new()).next().await?.is_some());
    let Some(server) = serving("companies_list.json").await else { return Ok(()) };
    assert!(client(&server).companies().list(&CompanyFilter::new()).next().await?.is_some());
    let Some(server) = serving("loss_reasons_list.json").await else { return Ok(()) };
    assert!(!client(&server).leads().loss_reasons().await?.is_empty());
    let Some(server) = serving("roles_list.json").await else { return Ok(()) };
    assert_eq!(client(&server).users().roles().await?.len(), 1);
    let Some(server) = serving("sources_list.json").await else { return Ok(()) };
    assert_eq!(client(&server).sources().list().await?.len(), 2);
    let Some(server) = serving("calls_post_response.json").await else { return Ok(()) };
    let call = NewCall::new(CallDirection::Inbound, "1", 1, "x");
    assert_eq!(client(&server).calls().create(&[call]).await?.created.len(), 1);
    let Some(server) = serving("leads_list.json").await else { return Ok(()) };
    assert!(client(&server).leads().list(&LeadFilter::new()).next().await?.is_some());
    Ok(())
}
