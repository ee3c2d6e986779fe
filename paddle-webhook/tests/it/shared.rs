//! Test data that is not part of this repository: a folder `shared` beside the checkout.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The path inside that folder, or `None` on a lone clone.
pub(crate) fn path(inside: &str) -> Option<PathBuf> {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    if shared.is_dir() {
        return Some(shared.join(inside));
    }
    eprintln!("skipped: the folder `shared` is missing beside the checkout");
    None
}

pub(crate) fn text(inside: &str) -> Option<String> {
    path(inside)
        .map(|path| fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display())))
}

/// Every `.json` below these folders, by name, in a fixed order.
pub(crate) fn json_files(folders: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in folders {
        let Some(path) = path(folder) else { return Vec::new() };
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let name = format!("{folder}/{}", path.file_name().unwrap().to_string_lossy());
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The 56 bodies by type, the same types with newer fields, captured ones, and a simulated one.
pub(crate) fn events() -> Vec<(String, String)> {
    json_files(&[
        "fixtures/paddle/events",
        "fixtures/paddle/events-variants/python-sdk",
        "fixtures/paddle/events-variants/event-stream",
        "fixtures/paddle/events-variants/simulated",
    ])
}
