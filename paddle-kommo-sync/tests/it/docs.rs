//! `docs/rules.md` and the code speak of the same reasons, texts and placeholders.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use paddle_kommo_sync::{ParkReason, Placeholder, Reason, Text};

/// The rules before the section about texts, and that section; none where they are not at hand.
fn rules_and_texts() -> Option<(String, String)> {
    // A published crate does not carry the workspace's documentation.
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    if !docs.is_dir() {
        return None;
    }
    let all = std::fs::read_to_string(docs.join("rules.md")).unwrap();
    let (rules, texts) = all.split_once("\n## Texts\n").unwrap();
    Some((rules.to_owned(), texts.to_owned()))
}

#[test]
fn every_reason_is_documented_and_no_other() {
    let Some((rules, _)) = rules_and_texts() else { return };
    // The first cell of a row holds one code, or several of one rule.
    let cells = rules.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('|'));
    let codes = cells
        .flat_map(|(cell, _)| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>());
    let documented: BTreeSet<String> = codes.filter(|code| !code.trim().is_empty()).collect();
    let reasons = Reason::ALL.iter().map(|reason| reason.code());
    let known: BTreeSet<String> = reasons
        .chain(ParkReason::ALL.iter().map(|reason| reason.code()))
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn every_text_is_documented_with_its_placeholders_and_no_other() {
    let Some((_, section)) = rules_and_texts() else { return };
    let quoted = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let (mut texts, mut placeholders) = (BTreeMap::new(), BTreeSet::new());
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.split('|').skip(1);
        let (first, second) = (cells.next().unwrap(), cells.next().unwrap());
        // The one table tells of the keys, which have no braces; the other of the placeholders.
        if first.starts_with(" `{") {
            placeholders.extend(quoted(first));
            continue;
        }
        for key in quoted(first) {
            let before = texts.insert(key.clone(), quoted(second));
            assert_eq!(before, None, "{key} is there twice");
        }
    }
    let braced = |placeholder: &Placeholder| format!("{{{}}}", placeholder.name());
    let known: BTreeMap<String, BTreeSet<String>> = Text::ALL
        .iter()
        .map(|text| (text.key().to_owned(), text.placeholders().iter().map(braced).collect()))
        .collect();
    assert_eq!(texts, known);
    assert_eq!(placeholders, Placeholder::ALL.iter().map(braced).collect::<BTreeSet<_>>());
}
