//! Whole answers as Kommo documents them, where the shared folder is at hand.

use std::path::PathBuf;

use kommo_client::{
    EntityType, Error, LeadId, LeadPatch, NoteFilter, TaskFilter, TaskId, TaskPatch,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, query_param},
};

use crate::support::client;

/// The text of a fixture; `None` on a clone without the shared folder.
fn fixture(name: &str) -> Option<String> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/kommo"))
        .join(name);
    match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{name}: {error}");
            eprintln!("skipped: {name} is not here");
            None
        }
    }
}

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
