//! Why a template is refused.

use super::{Placeholder, Text};

/// A template of the configuration cannot be used. `Display` is one sentence that names the text and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTemplate {
    /// No text has this key: correct the key.
    #[error("there is no text {key:?}")]
    UnknownText {
        /// As it was written.
        key: String,
    },
    /// Nothing would be said: write the template, or leave its key out for the default.
    #[error("the template of the text {:?} is empty", text.key())]
    Empty {
        /// Whose template.
        text: Text,
    },
    /// A placeholder that no text has: correct its name.
    #[error("the template of the text {:?} has the unknown placeholder {name:?}; it can use {}", text.key(), names(*text))]
    UnknownPlaceholder {
        /// Whose template.
        text: Text,
        /// As it was written between the braces.
        name: String,
    },
    /// A placeholder that is never filled in here: use another.
    #[error("the text {:?} never gets the placeholder {:?}; it can use {}", text.key(), placeholder.name(), names(*text))]
    NeverFilled {
        /// Whose template.
        text: Text,
        /// Which placeholder.
        placeholder: Placeholder,
    },
    /// A brace without its partner: close it, or write `{{` or `}}` for a brace to be read.
    #[error("the template of the text {:?} has a brace without its partner near {near:?}", text.key())]
    UnbalancedBrace {
        /// Whose template.
        text: Text,
        /// The segment with the brace.
        near: String,
    },
    /// A bracket without its partner in the same segment: close it before the next ` · `.
    #[error("the template of the text {:?} has a bracket without its partner near {near:?}", text.key())]
    UnbalancedBracket {
        /// Whose template.
        text: Text,
        /// The segment with the bracket.
        near: String,
    },
    /// `[pk-` opens the marker by which our own notes are recognised: write something else.
    #[error("the template of the text {:?} has \"[pk-\", which is reserved", text.key())]
    Reserved {
        /// Whose template.
        text: Text,
    },
}

fn names(text: Text) -> String {
    let names: Vec<_> = text.placeholders().iter().map(|placeholder| placeholder.name()).collect();
    names.join(", ")
}
