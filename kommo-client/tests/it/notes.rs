//! Adding and listing notes.

use kommo_client::{EntityType, ErrorKind, Fate, NewNote, NoteFilter, NoteType, UserId};
use serde_json::json;
use time::macros::datetime;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, method, path},
};

use crate::support::{body, client, json, query, request, requests};

#[tokio::test]
async fn notes_are_added_in_one_request_and_answers_mapped_back() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v4/leads/notes"))
        .respond_with(json(
            r#"{"_embedded":{"notes":[{"id":12,"entity_id":7,"request_id":"2"},
                {"id":10,"entity_id":7,"request_id":"0"},{"id":11,"entity_id":8,"request_id":1},
                {"id":99,"entity_id":8,"request_id":"ours?"}]}}"#,
        ))
        .mount(&server)
        .await;
    let notes = [
        NewNote::common(7, "Paid.\n[mark]").without_triggers(),
        NewNote::service_message(8, "Billing", "Paid."),
        NewNote::attachment(7, "uuid", "invoice.pdf").created_by(UserId::ROBOT),
    ];
    let created = client(&server).notes(EntityType::Leads).create(&notes).await.unwrap();
    let got: Vec<_> = created.iter().map(|note| (note.index, note.id.get())).collect();
    assert_eq!(got, [(0, 10), (1, 11), (2, 12)]);
    assert_eq!(
        body(&request(&server).await),
        json!([
            {"entity_id": 7, "note_type": "common", "params": {"text": "Paid.\n[mark]"},
             "is_need_to_trigger_digital_pipeline": false, "request_id": "0"},
            {"entity_id": 8, "note_type": "service_message",
             "params": {"service": "Billing", "text": "Paid."}, "request_id": "1"},
            {"entity_id": 7, "note_type": "attachment",
             "params": {"file_uuid": "uuid", "file_name": "invoice.pdf"}, "created_by": 0, "request_id": "2"},
        ])
    );
}

#[tokio::test]
async fn k20_k21_k23_k29_a_creation_that_is_not_confirmed_for_every_item_is_unknown() {
    for (name, status, body) in [
        ("K29 one is missing", 200, r#"{"_embedded":{"notes":[{"id":1,"request_id":"0"}]}}"#),
        (
            "K29 one is named twice",
            200,
            r#"{"_embedded":{"notes":[{"id":1,"request_id":"0"},{"id":2,"request_id":"0"}]}}"#,
        ),
        ("no request ids", 200, r#"{"_embedded":{"notes":[{"id":1},{"id":2}]}}"#),
        ("K21 id as text", 200, r#"{"_embedded":{"notes":[{"id":"1","request_id":"0"}]}}"#),
        ("K21 id 0", 200, r#"{"_embedded":{"notes":[{"id":0,"request_id":"0"}]}}"#),
        ("K21 no id", 200, r#"{"_embedded":{"notes":[{"request_id":"0"}]}}"#),
        ("K23 no content", 204, ""),
        ("K23 accepted", 202, ""),
        ("K20 HTML", 200, "<html>maintenance</html>"),
        ("K20 array", 200, "[]"),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_raw(body, "application/hal+json");
        Mock::given(any()).respond_with(answer).expect(1).mount(&server).await;
        let notes = [NewNote::common(7, "a"), NewNote::common(7, "b")];
        let error = client(&server).notes(EntityType::Leads).create(&notes).await.unwrap_err();
        assert_eq!((error.kind(), error.fate()), (&ErrorKind::Decode, Fate::Unknown), "{name}");
        assert_eq!(error.status(), Some(status), "{name}");
    }
}

#[tokio::test]
async fn no_notes_make_no_request_and_too_many_neither() {
    let server = MockServer::start().await;
    let notes = client(&server).notes(EntityType::Leads);
    assert_eq!(notes.create(&[]).await.unwrap(), []);
    let many: Vec<NewNote> = (0..251).map(|index| NewNote::common(7, index.to_string())).collect();
    let error = notes.create(&many).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::InvalidRequest, Fate::NotSent));
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn notes_are_listed_by_the_filter() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/leads/7/notes"))
        .respond_with(json(
            r#"{"_embedded":{"notes":[
                {"id":2,"entity_id":7,"note_type":"common","params":{"text":"Paid."},"created_at":1540407495},
                {"id":1,"entity_id":7,"note_type":"brand_new","params":null}]}}"#,
        ))
        .mount(&server)
        .await;
    let filter = NoteFilter::new()
        .note_type("common")
        .note_type(NoteType::ServiceMessage)
        .updated_from(datetime!(2026-11-24 20:00 UTC))
        .newest_first();
    let notes = client(&server).notes(EntityType::Leads).list(7, &filter).await.unwrap();
    assert_eq!(notes[0].text(), Some("Paid."));
    assert_eq!(notes[0].note_type, NoteType::Common);
    assert_eq!(notes[0].created_at, Some(datetime!(2018-10-24 18:58:15 UTC)));
    assert_eq!(notes[1].note_type.as_str(), "brand_new");
    assert_eq!(notes[1].text(), None);
    let want = [
        ("filter[note_type][]", "common"),
        ("filter[note_type][]", "service_message"),
        ("filter[updated_at][from]", "1795550400"),
        ("order[id]", "desc"),
        ("limit", "250"),
    ];
    let got = query(&request(&server).await);
    assert!(got.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(want), "{got:?}");
}

#[tokio::test]
async fn an_entity_type_cannot_change_the_path() {
    let server = MockServer::start().await;
    let notes = client(&server).notes(EntityType::from("../../oauth2"));
    let error = notes.list(7, &NoteFilter::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::InvalidRequest, Fate::NotSent));
    assert!(requests(&server).await.is_empty());
}
