use kommo_client::fake::{FakeLead, LedgerKind};
use serde_json::json;

use crate::http::{get, post, unlimited};

#[tokio::test]
async fn notes_are_posted_to_the_collection_or_to_the_lead() {
    let kommo = unlimited().await;
    kommo.set_time(Some(1_750_000_000));
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let body = json!([
        {"entity_id": lead, "note_type": "common", "params": {"text": "One"}},
        {"entity_id": lead, "note_type": "service_message", "request_id": "b",
         "params": {"service": "Billing", "text": "Two"}, "created_by": 0},
    ]);
    let answer = post(&kommo, "leads/notes", &body).await;
    let ids = answer.ids("notes");
    let items = &answer.json()["_embedded"]["notes"];
    let link = format!("{}/api/v4/leads/{lead}/notes/{}", kommo.uri(), ids[1]);
    let want = json!({"id": ids[1], "entity_id": lead, "request_id": "b", "_links": {"self": {"href": link}}});
    assert_eq!(items[1], want);
    assert_eq!(items[0]["request_id"], "0");
    let body = json!([{"note_type": "common", "params": {"text": "Three"}}]);
    post(&kommo, &format!("leads/{lead}/notes"), &body).await.ids("notes");

    assert_eq!(kommo.note_texts(lead), ["One", "Two", "Three"]);
    let note = &kommo.notes(lead)[1];
    assert_eq!(get(&kommo, &format!("leads/notes/{}", ids[1])).await.json(), *note);
    assert_eq!((&note["created_by"], &note["created_at"]), (&json!(0), &json!(1_750_000_000)));
    assert_eq!((&note["entity_id"], &note["note_type"]), (&json!(lead), &json!("service_message")));
    let entry = &kommo.ledger()[0];
    assert_eq!((entry.kind, entry.id, entry.entity_id), (LedgerKind::NoteAdded, ids[0], lead));
    let ledger = kommo.ledger();
    assert_eq!((ledger.len(), ledger[0].at, ledger[1].at), (3, 1, 1), "one batch, one number");
}

#[tokio::test]
async fn lists_of_notes() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let other = kommo.add_lead(FakeLead::new("Other"));
    assert_eq!(get(&kommo, &format!("leads/{lead}/notes")).await.status, 204);
    let mut ids = Vec::new();
    for (time, entity, note_type) in
        [(100, lead, "common"), (200, lead, "service_message"), (300, other, "common")]
    {
        kommo.set_time(Some(time));
        let params = match note_type {
            "common" => json!({"text": "x"}),
            _ => json!({"text": "x", "service": "y"}),
        };
        let body = json!([{"entity_id": entity, "note_type": note_type, "params": params}]);
        ids.extend(post(&kommo, "leads/notes", &body).await.ids("notes"));
    }
    for (path, want) in [
        ("leads/notes".to_owned(), vec![ids[0], ids[1], ids[2]]),
        (format!("leads/{lead}/notes"), vec![ids[0], ids[1]]),
        (format!("leads/{lead}/notes?filter[note_type][]=common"), vec![ids[0]]),
        ("leads/notes?filter[updated_at][from]=200".to_owned(), vec![ids[1], ids[2]]),
        (format!("leads/notes?filter[entity_id][]={other}"), vec![ids[2]]),
        (format!("leads/{lead}/notes?order[id]=desc&limit=1"), vec![ids[1]]),
        (format!("leads/{lead}/notes?order[updated_at]=desc&limit=1&page=2"), vec![ids[0]]),
    ] {
        assert_eq!(get(&kommo, &path).await.ids("notes"), want, "{path}");
    }
    assert_eq!(get(&kommo, "leads/notes?filter[text]=x").await.status, 400, "no text filter");
    assert_eq!(get(&kommo, "leads/notes?query=x").await.status, 400, "no search");
}

#[tokio::test]
async fn bad_notes_are_refused_where_they_stand() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let text = json!({"text": "x"});
    for (bad, code, path) in [
        (json!({"note_type": "common", "params": text}), "FieldMissing", "entity_id"),
        (
            json!({"entity_id": 1, "note_type": "common", "params": text}),
            "NotSupportedChoice",
            "entity_id",
        ),
        (
            json!({"entity_id": lead, "note_type": "chat", "params": text}),
            "NotSupportedChoice",
            "note_type",
        ),
        (json!({"entity_id": lead, "params": text}), "FieldMissing", "note_type"),
        (json!({"entity_id": lead, "note_type": "common"}), "FieldMissing", "params"),
        (
            json!({"entity_id": lead, "note_type": "common", "params": {}}),
            "FieldMissing",
            "params.text",
        ),
        (
            json!({"entity_id": lead, "note_type": "common", "params": {"text": ""}}),
            "NotBlank",
            "params.text",
        ),
        (
            json!({"entity_id": lead, "note_type": "common", "params": {"text": 1}}),
            "InvalidType",
            "params.text",
        ),
        (
            json!({"entity_id": lead, "note_type": "service_message", "params": text}),
            "FieldMissing",
            "params.service",
        ),
        (
            json!({"entity_id": lead, "note_type": "common", "params": {"text": "x", "service": "y"}}),
            "FieldNotExpected",
            "params.service",
        ),
        (
            json!({"entity_id": lead, "note_type": "common", "params": text, "text": "x"}),
            "FieldNotExpected",
            "text",
        ),
        (
            json!({"entity_id": lead, "note_type": "common", "params": text, "created_by": 8_375_359}),
            "NotSupportedChoice",
            "created_by",
        ),
    ] {
        let answer = post(&kommo, "leads/notes", &json!([bad])).await;
        assert_eq!(answer.problem(), (code.to_owned(), path.to_owned()), "{bad}");
    }
    let body = json!([{"entity_id": 1, "note_type": "common", "params": text}]);
    let answer = post(&kommo, &format!("leads/{lead}/notes"), &body).await;
    assert_eq!(answer.problem().1, "entity_id", "another lead than the path's");
    let good = json!({"entity_id": lead, "note_type": "common", "params": text});
    assert_eq!(post(&kommo, "leads/notes", &good).await.status, 400, "no array");
    assert!(kommo.ledger().is_empty());
    assert!(kommo.notes(lead).is_empty());
}

#[tokio::test]
async fn the_read_side_can_lag() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    kommo.set_read_lag(2);
    let body = json!([{"note_type": "common", "params": {"text": "x"}}]);
    let path = format!("leads/{lead}/notes");
    post(&kommo, &path, &body).await.ids("notes");
    assert_eq!(kommo.notes(lead).len(), 1);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(&kommo, &path).await.status);
    }
    assert_eq!(statuses, [204, 204, 200, 200]);
    kommo.set_read_lag(1);
    post(&kommo, "tasks", &json!([{"text": "x", "complete_till": 1}])).await.ids("tasks");
    assert_eq!(get(&kommo, "tasks").await.status, 204);
    assert_eq!(get(&kommo, "tasks").await.status, 200);
}

#[tokio::test]
async fn notes_of_any_kind_of_entity_are_made_changed_and_pinned() {
    use kommo_client::{EntityType, NewNote, NoteFilter, NotePatch};

    use crate::http::{client, kinds};

    let kommo = unlimited().await;
    let ann = kommo.add_contact("Ann", &[], &[]);
    let acme = kommo.add_company("Acme", &[]);
    for (kind, id) in [(EntityType::Contacts, ann), (EntityType::Companies, acme)] {
        let notes = client(&kommo).notes(kind.clone());
        let made = notes.create(&[NewNote::common(id, "first")]).await.expect("made");
        notes.update(&[NotePatch::common(made[0].id, id, "second")]).await.expect("changed");
        notes.pin(made[0].id, true).await.expect("pinned");
        notes.pin(made[0].id, false).await.expect("unpinned");
        let read = notes.get(made[0].id).await.expect("an answer").expect("a note");
        assert_eq!(read.text(), Some("second"));
        let filter = NoteFilter::new().id(made[0].id);
        assert_eq!(notes.list(id, &filter).await.expect("a list"), [read]);
        let other = client(&kommo).notes(EntityType::Leads);
        assert_eq!(other.get(made[0].id).await.expect("an answer"), None, "not one of a lead");
        let error = notes.update(&[NotePatch::common(made[0].id, id + 1, "x")]).await;
        error.expect_err("a note of another");
    }
    assert_eq!(kinds(&kommo).len(), 8);
    assert_eq!(kinds(&kommo)[..4], ["note_added", "note_updated", "note_updated", "note_updated"]);
}
