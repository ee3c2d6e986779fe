//! The languages that reps read.

use serde::{Deserialize, Serialize};

use super::{Text, en, es, pt, ru};

/// The language of what the rep reads. In the configuration by its code: `en`, `es`, `pt` or `ru`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
    /// Portuguese, as in Brazil.
    Pt,
    /// Russian.
    Ru,
}

impl Language {
    /// The template that a text has in this language where the operator has none.
    #[must_use]
    pub const fn template(self, text: Text) -> &'static str {
        match self {
            Self::En => en::template(text),
            Self::Es => es::template(text),
            Self::Pt => pt::template(text),
            Self::Ru => ru::template(text),
        }
    }
}
