//! More whole answers as Kommo documents them, where the shared folder is at hand.

use kommo_client::{
    CatalogId, ContactId, EntityType, Error, Fate, FieldType, LeadId, LeadWith, NewField, UserId,
};
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, path},
};

use crate::support::{body, client, fixture, json as answer, request, requests};

/// A server that gives this and nothing else.
async fn serving(text: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer(text)).mount(&server).await;
    server
}

#[tokio::test]
async fn an_incoming_lead_is_declined_or_linked() -> Result<(), Error> {
    let Some(text) = fixture("unsorted_decline_response.json") else { return Ok(()) };
    let server = serving(&text).await;
    let declined = client(&server).unsorted().decline("a", UserId::new(1)).await?;
    assert_eq!((declined.category.as_str(), declined.contact_ids.len()), ("mail", 1));
    let Some(text) = fixture("unsorted_link_response.json") else { return Ok(()) };
    let server = serving(&text).await;
    let unsorted = client(&server).unsorted();
    let linked =
        unsorted.link("a", LeadId::new(7), Some(ContactId::new(8)), UserId::new(1)).await?;
    assert_eq!(linked.lead_ids, [LeadId::new(93_144_801)]);
    assert_eq!(
        body(&request(&server).await),
        json!({"link": {"entity_id": 7, "entity_type": "leads", "metadata": {"contact_id": 8}}, "user_id": 1})
    );
    Ok(())
}

#[tokio::test]
async fn a_new_field_is_told_without_a_request_id() -> Result<(), Error> {
    let Some(text) = fixture("custom_fields_post_response_201.json") else { return Ok(()) };
    let server = MockServer::start().await;
    let created = ResponseTemplate::new(201).set_body_raw(text, "application/hal+json");
    Mock::given(any()).respond_with(created).mount(&server).await;
    let fields = client(&server).custom_fields(EntityType::Leads);
    let new = NewField::new("multi select", FieldType::Multiselect);
    let made = fields.create(std::slice::from_ref(&new)).await?;
    assert_eq!((made[0].id.get(), made[0].index), (4_457_223, 0));
    // Which of two it is nobody can tell.
    let error = fields.create(&[new.clone(), new]).await.unwrap_err();
    assert_eq!(error.fate(), Fate::Unknown);
    Ok(())
}

#[tokio::test]
async fn a_group_and_an_event_by_their_ids() -> Result<(), Error> {
    let Some(text) = fixture("custom_field_groups_list.json") else { return Ok(()) };
    let server = serving(&text).await;
    let group = client(&server).custom_fields(EntityType::Leads).group("leads_1").await?;
    assert_eq!(group.map(|group| (group.sort, group.is_predefined)), Some((Some(3), false)));
    let Some(text) = fixture("event_get.json") else { return Ok(()) };
    let server = serving(&text).await;
    let event = client(&server).events().get("01pz58t6p04ymgsgfbmfyfy1mf").await?;
    assert_eq!(event.map(|event| event.event_type).as_deref(), Some("lead_added"));
    Ok(())
}

#[tokio::test]
async fn a_lead_with_all_that_it_tells_when_asked() -> Result<(), Error> {
    let Some(text) = fixture("lead_get_with_all.json") else { return Ok(()) };
    let server = serving(&text).await;
    let with = [LeadWith::CatalogElements, LeadWith::IsPriceModifiedByRobot, LeadWith::SourceId];
    let lead = client(&server).leads().get_with(LeadId::new(3_912_171), &with).await?.unwrap();
    let element = &lead.catalog_elements[0];
    assert_eq!((element.catalog_id, element.quantity), (Some(CatalogId::new(4_521)), Some(1)));
    assert_eq!((lead.is_price_modified_by_robot, lead.source_id), (Some(false), None));
    assert_eq!(
        request(&server).await.url.query(),
        Some(
            "with=contacts%2Closs_reason%2Ccatalog_elements%2Cis_price_modified_by_robot%2Csource_id"
        )
    );
    Ok(())
}

/// The three answers of an upload, from a drive on this machine.
#[tokio::test]
async fn a_file_goes_up_in_two_parts() -> Result<(), Error> {
    let names =
        ["drive_session_response.json", "drive_part_response.json", "drive_file_complete.json"];
    let [Some(session), Some(part), Some(complete)] = names.map(fixture) else { return Ok(()) };
    let server = MockServer::start().await;
    let here = |text: &str| answer(&text.replace("https://drive-b.amocrm.ru", &server.uri()));
    let account = answer(&format!(r#"{{"id":1,"drive_url":"{}"}}"#, server.uri()));
    Mock::given(path("/api/v4/account")).respond_with(account).mount(&server).await;
    Mock::given(path("/v1.0/sessions")).respond_with(here(&session)).mount(&server).await;
    let upload = || Mock::given(path("/v1.0/sessions/upload/UPLOAD_TOKEN"));
    upload().respond_with(here(&part)).up_to_n_times(1).mount(&server).await;
    upload().respond_with(here(&complete)).mount(&server).await;
    let content = vec![7; 524_289];
    let file = client(&server).files().upload("product.png", "image/png", &content).await?;
    assert_eq!((file.name.as_str(), file.size), ("product", Some(7_526)));
    let sizes: Vec<_> =
        requests(&server).await.iter().skip(2).map(|part| part.body.len()).collect();
    assert_eq!(sizes, [524_288, 1]);
    Ok(())
}
