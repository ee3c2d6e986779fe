//! `docs/rules.md` and the code speak of the same reasons.

use std::{collections::BTreeSet, path::Path};

use paddle_kommo_sync::{ParkReason, Reason};

#[test]
fn every_reason_is_documented_and_no_other() {
    // A published crate does not carry the workspace's documentation.
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    if !docs.is_dir() {
        return;
    }
    let rules = std::fs::read_to_string(docs.join("rules.md")).unwrap();
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
