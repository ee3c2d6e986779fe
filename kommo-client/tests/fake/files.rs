use kommo_client::{
    EntityType, ErrorKind, Fate, NewNote,
    fake::{FakeLead, Fault},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::{client, get, kinds, try_send, unlimited};

#[tokio::test]
async fn a_file_is_uploaded_in_parts_attached_listed_and_detached() {
    let kommo = unlimited().await;
    kommo.set_part_size(4_096);
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let files = client(&kommo).files();
    let content: Vec<u8> = (0..10_000_u32).map(|index| (index % 251) as u8).collect();
    let file = files.upload("invoice.pdf", "application/pdf", &content).await.expect("uploaded");
    assert_eq!((file.name.as_str(), file.size), ("invoice", Some(10_000)));
    assert_eq!(kommo.file_content(&file.uuid), Some(content), "part for part as it was");
    let parts = kommo.requests().iter().filter(|request| request.path.contains("/upload/")).count();
    assert_eq!(parts, 3);

    files.attach(EntityType::Leads, lead, &[&file.uuid]).await.expect("attached");
    files.attach(EntityType::Leads, lead, &[&file.uuid]).await.expect("twice is harmless");
    let attached = files.attached(EntityType::Leads, lead).await.expect("a list");
    assert_eq!((attached.len(), &attached[0].file_uuid), (1, &file.uuid));
    assert_eq!(kommo.file_names(lead), ["invoice.pdf"]);
    assert_eq!(files.get(&file.uuid).await.expect("an answer"), Some(file.clone()));
    assert_eq!(files.get("nobody-knows").await.expect("an answer"), None);
    let note = NewNote::attachment(lead, &file.uuid, "invoice.pdf");
    client(&kommo).notes(EntityType::Leads).create(&[note]).await.expect("a note");
    files.detach(EntityType::Leads, lead, &[&file.uuid]).await.expect("detached");
    assert_eq!(files.attached(EntityType::Leads, lead).await.expect("a list"), []);
    assert_eq!(kinds(&kommo), ["file_uploaded", "file_attached", "note_added", "file_detached"]);
    assert_eq!(kommo.ledger()[0].body, json!({"file_name": "invoice.pdf", "file_size": 10_000}));
    assert_eq!(kommo.ledger()[1].entity_id, lead);
}

#[tokio::test]
async fn the_drive_is_strict() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let files = client(&kommo).files();
    let error =
        files.attach(EntityType::Leads, lead, &["nobody-knows"]).await.expect_err("refused");
    assert!(matches!(error.kind(), ErrorKind::Validation(_)), "{error:?}");
    let error = files.attach(EntityType::Leads, 1, &["x"]).await.expect_err("no such lead");
    assert_eq!(error.kind(), &ErrorKind::NotFound);

    let open = |body: Value| {
        let kommo = kommo.clone();
        async move { drive(&kommo, Method::POST, "sessions", Some(&body)).await }
    };
    for (body, path) in [
        (json!({"file_size": 1}), "file_name"),
        (json!({"file_name": "a"}), "file_size"),
        (json!({"file_name": "a", "file_size": 0}), "file_size"),
        (json!({"file_name": "a", "file_size": 314_572_801}), "file_size"),
        (json!({"file_name": "a", "file_size": "1"}), "file_size"),
        (json!({"file_name": "a", "file_size": 1, "lead": 1}), "lead"),
    ] {
        let answer = open(body.clone()).await;
        assert!(answer.1.contains(path) && answer.0 == 400, "{body}: {answer:?}");
    }
    let (status, session) = open(json!({"file_name": "a", "file_size": 4})).await;
    let session: Value = serde_json::from_str(&session).expect("JSON");
    assert_eq!((status, &session["max_part_size"]), (200, &json!(524_288)));
    let id = session["session_id"].as_u64().expect("an id");
    let part = json!(12);
    let upload = |part: u64| format!("sessions/upload/{id}-{part}");
    assert_eq!(drive(&kommo, Method::POST, &upload(1), Some(&part)).await.0, 404, "not its turn");
    assert_eq!(drive(&kommo, Method::POST, &upload(0), None).await.0, 400, "an empty part");
    assert_eq!(drive(&kommo, Method::POST, &upload(0), Some(&part)).await.0, 200);
    assert_eq!(
        drive(&kommo, Method::POST, &upload(0), Some(&part)).await.0,
        404,
        "its turn is over"
    );
    assert_eq!(drive(&kommo, Method::POST, &upload(1), Some(&json!(123))).await.0, 400, "too much");
    assert_eq!(kommo.ledger().len(), 0);

    kommo.set_files_scope(false);
    let error = files.upload("a", "text/plain", b"x").await.expect_err("no right");
    assert_eq!((error.kind(), error.fate()), (&ErrorKind::Forbidden, Fate::Refused));
    assert_eq!(get(&kommo, "account").await.status, 200, "the rest of the API goes on");
}

#[tokio::test]
async fn a_lost_answer_to_the_last_part_leaves_a_file() {
    let kommo = unlimited().await;
    kommo.fail_next(Fault::status(502).on("POST", "/v1.0/sessions/upload").applied());
    let files = client(&kommo).files();
    let error = files.upload("a.txt", "text/plain", b"abc").await.expect_err("lost");
    assert_eq!(error.fate(), Fate::Unknown);
    assert_eq!(kinds(&kommo), ["file_uploaded"]);
}

async fn drive(
    kommo: &kommo_client::fake::FakeKommo,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> (u16, String) {
    let path = format!("../../v1.0/{path}");
    let answer = try_send(kommo, method, &path, body, kommo.token()).await.expect("an answer");
    (answer.status, answer.text)
}
