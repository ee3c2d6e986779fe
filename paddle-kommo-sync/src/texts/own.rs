use super::{InvalidTemplate, Text, template::Template};

/// A template of the operator's that stands beside what it is for, not under the key of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnText {
    written: String,
    pub(super) template: Template,
}

impl OwnText {
    /// A template for this text; see [`Texts`](super::Texts) for how it is written.
    ///
    /// # Errors
    ///
    /// When it cannot be used. Show its one sentence to whoever wrote it.
    pub fn new(text: Text, template: &str) -> Result<Self, InvalidTemplate> {
        Ok(Self { written: template.to_owned(), template: Template::parse(text, template)? })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}
