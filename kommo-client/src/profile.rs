//! What contacts and companies have in common: how they are made and changed.

use serde::Serialize;

use crate::{
    authorship::{Authorship, TagSet},
    field::FieldWrite,
    id::UserId,
    leads::TagRef,
};

/// The part of a write that is the same for both.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) responsible_user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags_to_add: Vec<TagRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags_to_delete: Vec<TagRef>,
    #[serde(rename = "custom_fields_values", skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<FieldWrite>,
    #[serde(flatten)]
    pub(crate) authorship: Authorship,
    #[serde(rename = "_embedded", skip_serializing_if = "TagSet::is_empty")]
    pub(crate) tags: TagSet,
}

/// The setters that creations and changes of both share.
macro_rules! profile_setters {
    () => {
        /// Sets the name in full.
        pub fn name(mut self, name: impl Into<String>) -> Self {
            self.profile.name = Some(name.into());
            self
        }

        /// Sets the responsible user.
        pub fn responsible_user(mut self, user: $crate::id::UserId) -> Self {
            self.profile.responsible_user_id = Some(user);
            self
        }

        /// Adds a tag; a name that is new makes a new tag.
        pub fn add_tag(mut self, tag: $crate::leads::TagRef) -> Self {
            self.profile.tags_to_add.push(tag);
            self
        }

        /// Writes a custom field, in place of all its values. A second write of the same field takes the place of the
        /// first.
        pub fn field(mut self, write: $crate::field::FieldWrite) -> Self {
            write.put_into(&mut self.profile.fields);
            self
        }

        $crate::authorship::authorship_setters!(profile.authorship);
    };
}

pub(crate) use profile_setters;
