//! Talks in webhooks.

use time::OffsetDateTime;

use super::values::{flag, positive, text, time};
use crate::{
    form::FormNode,
    id::{ContactId, TalkId},
};

/// A talk in a webhook.
///
/// Kommo's pages name the subscriptions (`add_talk`, `update_talk`) but not the fields: these are what receivers have
/// seen. The rest is in [`WebhookEvent::form`](crate::WebhookEvent::form).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookTalk {
    /// Its id, called `talk_id`.
    pub id: TalkId,
    /// Whom it is with.
    pub contact_id: Option<ContactId>,
    /// The chat it is a part of.
    pub chat_id: Option<String>,
    /// What it belongs to.
    pub entity_id: Option<u64>,
    /// The kind of that, in the singular: `lead`.
    pub entity_type: Option<String>,
    /// Whether somebody still has to answer.
    pub is_in_work: Option<bool>,
    /// Whether its messages were read.
    pub is_read: Option<bool>,
    /// Where it takes place, such as `telegram`.
    pub origin: Option<String>,
    /// When it began.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
}

pub(super) fn talk(item: &FormNode) -> Option<WebhookTalk> {
    Some(WebhookTalk {
        id: TalkId::new(positive(item, "talk_id")?),
        contact_id: positive(item, "contact_id").map(ContactId::new),
        chat_id: text(item, "chat_id"),
        entity_id: positive(item, "entity_id"),
        entity_type: text(item, "entity_type"),
        is_in_work: flag(item, "is_in_work"),
        is_read: flag(item, "is_read"),
        origin: text(item, "origin"),
        created_at: time(item, "created_at"),
        updated_at: time(item, "updated_at"),
    })
}
