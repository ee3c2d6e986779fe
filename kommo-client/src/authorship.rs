//! Who made and changed an entity and when, as a writer may have it.

use serde::Serialize;
use time::OffsetDateTime;

use crate::{id::UserId, leads::TagRef, wire::write_timestamp};

/// The part of a write that says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Authorship {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_timestamp")]
    pub(crate) created_at: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_timestamp")]
    pub(crate) updated_at: Option<OffsetDateTime>,
}

macro_rules! authorship_setters {
    ($($to:tt)+) => {
        /// Names who made it; [`UserId::ROBOT`](crate::UserId::ROBOT) for nobody. Kommo refuses users that are unknown or
        /// deactivated.
        pub fn created_by(mut self, user: $crate::id::UserId) -> Self {
            self.$($to)+.created_by = Some(user);
            self
        }

        /// Names who changed it; as [`created_by`](Self::created_by).
        pub fn updated_by(mut self, user: $crate::id::UserId) -> Self {
            self.$($to)+.updated_by = Some(user);
            self
        }

        /// Says when it was made: for what is brought over from elsewhere.
        pub fn created_at(mut self, time: ::time::OffsetDateTime) -> Self {
            self.$($to)+.created_at = Some(time);
            self
        }

        /// Says when it was changed. What an older time than the one that is there does is not documented.
        pub fn updated_at(mut self, time: ::time::OffsetDateTime) -> Self {
            self.$($to)+.updated_at = Some(time);
            self
        }
    };
}

pub(crate) use authorship_setters;

/// All tags of an entity, in the place of those it has.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct TagSet {
    // Outside it is whether to send it, inside null: no tags at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Option<Vec<TagRef>>>,
}

impl TagSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.tags.is_none()
    }
}

macro_rules! tag_set_setters {
    ($($to:tt)+) => {
        /// Sets all tags, in the place of those it has.
        pub fn tags(mut self, tags: impl IntoIterator<Item = $crate::leads::TagRef>) -> Self {
            self.$($to)+.tags = Some(Some(tags.into_iter().collect()));
            self
        }

        /// Takes all tags off.
        pub fn without_tags(mut self) -> Self {
            self.$($to)+.tags = Some(None);
            self
        }
    };
}

pub(crate) use tag_set_setters;
