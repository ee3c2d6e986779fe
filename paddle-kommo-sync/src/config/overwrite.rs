use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::Field;

/// Whether a field that already holds something is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overwrite {
    /// Yes.
    #[default]
    Always,
    /// Only while it holds nothing.
    IfEmpty,
    /// Only while it holds nothing, or what we wrote last: what a person wrote stays.
    IfOurs,
}

/// Whether a field that already holds something is written, per field; "always" where a field is not named.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct OverwriteRules(BTreeMap<Field, Overwrite>);

impl OverwriteRules {
    /// The rule of this field.
    #[must_use]
    pub fn of(&self, field: Field) -> Overwrite {
        self.0.get(&field).copied().unwrap_or_default()
    }

    /// Sets the rule of this field.
    pub fn set(&mut self, field: Field, rule: Overwrite) {
        self.0.insert(field, rule);
    }
}
