//! What the guide says of the tests is so.

use std::{collections::BTreeSet, fs, path::Path};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_sample_that_the_guide_names_is_used_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = read(&folder.join("GUIDE.md"));
    let tests: String = ["tests/it", "tests/fake"]
        .iter()
        .flat_map(|tests| fs::read_dir(folder.join(tests)).unwrap())
        .map(|entry| read(&entry.unwrap().path()))
        .collect();
    let table = guide.split("\n## ").find(|part| part.starts_with("Endpoint,")).unwrap();
    let samples: BTreeSet<_> =
        quoted(table).filter(|word| word.ends_with(".json") || word.ends_with(".txt")).collect();
    assert!(samples.len() > 40, "{samples:?}");
    for sample in samples {
        assert!(tests.contains(&format!("\"{sample}\"")), "{sample} is in no test");
    }
}

#[test]
fn every_file_that_the_guide_names_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = read(&folder.join("GUIDE.md"));
    let files: Vec<_> = quoted(&guide).filter(|word| word.starts_with("src/")).collect();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        assert!(folder.join(file).is_file(), "{file}");
    }
}

#[test]
fn every_endpoint_of_the_guide_is_tried_against_the_fake() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = read(&folder.join("GUIDE.md"));
    let table = guide.split("\n## ").find(|part| part.starts_with("Endpoint,")).unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 50, "{}", rows.len());
    for row in rows {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let files: Vec<_> = quoted(last).collect();
        assert!(!files.is_empty() || last.contains("none: the fake"), "{row}");
        for file in files {
            assert!(folder.join(format!("tests/fake/{file}.rs")).is_file(), "{row}");
        }
    }
}

/// The crate page and the guide name the same methods, and all of them.
#[test]
fn the_guide_and_the_crate_page_name_the_same_methods() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = read(&folder.join("GUIDE.md"));
    let page = read(&folder.join("src/lib.rs"));
    for line in page.lines().filter(|line| line.starts_with("//! | ")) {
        for method in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let name = method.rsplit("::").next().unwrap();
            let named =
                guide.contains(&format!("`{name}`")) || guide.contains(&format!("::{name}`"));
            assert!(named, "{method} is not in the guide");
        }
    }
}

#[test]
fn the_guide_names_every_method_that_asks_kommo() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = read(&folder.join("GUIDE.md"));
    let mut files: Vec<_> =
        fs::read_dir(folder.join("src")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for below in ["users", "pipelines", "unsorted", "custom_fields"] {
        let below = fs::read_dir(folder.join("src").join(below)).unwrap();
        files.extend(below.map(|entry| entry.unwrap().path()));
    }
    let mut count = 0;
    for file in files.iter().filter(|file| file.is_file()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        // What these ask for is told in other words.
        if matches!(name, "client.rs" | "auth.rs" | "oauth.rs" | "page.rs" | "raw.rs" | "fake.rs") {
            continue;
        }
        for line in read(file).lines() {
            let Some(rest) = line.trim().strip_prefix("pub async fn ") else { continue };
            let method = rest.split(['(', '<']).next().unwrap();
            let named =
                guide.contains(&format!("`{method}`")) || guide.contains(&format!("::{method}`"));
            assert!(named, "{method} of {name} is not in the guide");
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}
