//! The table of fault rows, and those that fit nowhere else.

use std::{fs, path::Path};

use kommo_client::{
    EntityType, FieldDefinition, FieldSet, NewNote, NoteId, NotePatch, SetFieldError,
};
use serde_json::json;
use wiremock::MockServer;

use crate::support::{body, client, requests};

fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_row_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&folder.join("src"), &mut text);
    sources(&folder.join("tests/it"), &mut text);
    let tests: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().split_once("fn k")?.1.split('(').next())
        .collect();
    let table = include_str!("main.rs");
    for number in 1..=40 {
        let start = format!("//! | K{number:02} |");
        let row = table.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("K{number:02} has no row"));
        let answer = row.split(" | ").nth(3).unwrap();
        let id = format!("{number:02}");
        let tested = tests.iter().any(|name| {
            name.split('_')
                .take_while(|part| part.trim_start_matches('k').parse::<u8>().is_ok())
                .any(|part| part.trim_start_matches('k') == id)
        });
        if answer.starts_with("elsewhere: ") {
            assert!(!tested, "K{id} is said to be elsewhere, and there is a test of it here");
        } else {
            assert!(answer.starts_with(&format!("`k{id}`")), "{row}");
            assert!(tested, "K{id} has no test");
        }
    }
}

#[tokio::test]
async fn k39_a_note_goes_whole_and_a_value_that_is_too_long_is_refused_before() {
    let server = MockServer::start().await;
    let text = "é\n".repeat(500_000);
    let notes = client(&server).notes(EntityType::Leads);
    // What the server says does not matter here: it says 404.
    let _ = notes.create(&[NewNote::common(7, text.as_str())]).await;
    let _ = notes.update(&[NotePatch::common(NoteId::new(1), 7, text.as_str())]).await;
    for sent in requests(&server).await {
        assert_eq!(body(&sent)[0]["params"]["text"], text.as_str());
    }
    assert_eq!(requests(&server).await.len(), 2);

    let definition = json!({"id": 21, "name": "Plan", "code": "PLAN", "type": "text"});
    let definition: FieldDefinition = serde_json::from_value(definition).unwrap();
    let fields = FieldSet::new(vec![definition]);
    // Characters are counted, not bytes.
    assert!(fields.set("PLAN", "é".repeat(256)).is_ok());
    let error = fields.set("PLAN", "é".repeat(257)).unwrap_err();
    assert!(matches!(error, SetFieldError::TooLong { .. }), "{error:?}");
}
