//! `--name value` pairs and flags.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub(crate) struct Arguments(BTreeMap<String, String>);

impl Arguments {
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut given = BTreeMap::new();
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("not an option: {word}"))?;
            let value = words.next_if(|next| !next.starts_with("--")).unwrap_or_default();
            given.insert(name.to_owned(), value);
        }
        Ok(Self(given))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, String> {
        self.optional(name).ok_or_else(|| format!("--{name} is missing"))
    }

    /// Numbers with commas in between.
    pub(crate) fn numbers(&self, name: &str) -> Result<BTreeSet<usize>, String> {
        let text = self.optional(name).unwrap_or_default();
        let numbers = text.split(',').filter(|part| !part.is_empty());
        numbers.map(|part| part.parse().map_err(|_| format!("not a number: {part}"))).collect()
    }
}
