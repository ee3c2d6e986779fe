//! Contacts to create and to change.

use serde::Serialize;

use crate::{
    field::{FieldInput, FieldWrite},
    id::ContactId,
    profile::{Profile, profile_setters},
};

/// A contact to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct NewContact {
    #[serde(flatten)]
    profile: Profile,
}

impl NewContact {
    /// A contact without a name.
    pub fn new() -> Self {
        Self::default()
    }

    profile_setters!();

    /// Sets the first name; Kommo makes the name in full of both.
    pub fn first_name(mut self, name: impl Into<String>) -> Self {
        self.profile.first_name = Some(name.into());
        self
    }

    /// Sets the last name; Kommo makes the name in full of both.
    pub fn last_name(mut self, name: impl Into<String>) -> Self {
        self.profile.last_name = Some(name.into());
        self
    }

    /// Sets the only e-mail address, for work.
    pub fn email(self, email: impl Into<String>) -> Self {
        self.multitext("EMAIL", email.into())
    }

    /// Sets the only phone number, for work.
    pub fn phone(self, phone: impl Into<String>) -> Self {
        self.multitext("PHONE", phone.into())
    }

    fn multitext(self, code: &str, text: String) -> Self {
        let input = FieldInput::Multitext(vec![(text, Some("WORK".to_owned()))]);
        self.field(FieldWrite::new(code, input))
    }
}

/// A change of one contact. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct ContactPatch {
    id: ContactId,
    #[serde(flatten)]
    profile: Profile,
}

impl ContactPatch {
    /// A change of the contact `id` that changes nothing yet.
    pub fn new(id: ContactId) -> Self {
        Self { id, profile: Profile::default() }
    }

    profile_setters!();

    /// Sets the first name.
    pub fn first_name(mut self, name: impl Into<String>) -> Self {
        self.profile.first_name = Some(name.into());
        self
    }

    /// Sets the last name.
    pub fn last_name(mut self, name: impl Into<String>) -> Self {
        self.profile.last_name = Some(name.into());
        self
    }

    crate::authorship::tag_set_setters!(profile.tags);

    /// Takes a tag off the contact.
    pub fn delete_tag(mut self, tag: crate::leads::TagRef) -> Self {
        self.profile.tags_to_delete.push(tag);
        self
    }

    /// The contact that is changed.
    #[must_use]
    pub fn id(&self) -> ContactId {
        self.id
    }
}
