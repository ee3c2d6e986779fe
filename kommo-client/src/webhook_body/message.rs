//! Messages of chats in webhooks.

use time::OffsetDateTime;

use super::values::{positive, text, time};
use crate::{
    form::FormNode,
    id::{ContactId, TalkId},
};

/// A message of a chat in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookMessage {
    /// Its id: text.
    pub id: String,
    /// Whether it came in or went out: `incoming` or `outgoing`.
    pub message_type: Option<String>,
    /// What it says.
    pub text: Option<String>,
    /// The chat it is in.
    pub chat_id: Option<String>,
    /// The talk it is in.
    pub talk_id: Option<TalkId>,
    /// Whom the chat is with.
    pub contact_id: Option<ContactId>,
    /// What the chat belongs to.
    pub entity_id: Option<u64>,
    /// The kind of that: `lead` on Kommo, a number on amoCRM (1 a contact, 2 a lead, 3 a company).
    pub entity_type: Option<String>,
    /// The id of who wrote it, among the chats: text.
    pub author_id: Option<String>,
    /// The name of who wrote it.
    pub author_name: Option<String>,
    /// Whether a customer wrote it (`external`) or somebody of the account.
    pub author_type: Option<String>,
    /// Where it was written, such as `telegram`.
    pub origin: Option<String>,
    /// The kind of its attachment, such as `picture`.
    pub attachment_type: Option<String>,
    /// Where its attachment is. Whoever wrote the message chose it: do not fetch it unseen.
    pub attachment_link: Option<String>,
    /// When it was written.
    pub created_at: Option<OffsetDateTime>,
}

pub(super) fn message(item: &FormNode) -> Option<WebhookMessage> {
    let below = |node: &str, key: &str| text(item.get(node)?, key);
    Some(WebhookMessage {
        id: text(item, "id")?,
        message_type: text(item, "type"),
        text: text(item, "text"),
        chat_id: text(item, "chat_id"),
        talk_id: positive(item, "talk_id").map(TalkId::new),
        contact_id: positive(item, "contact_id").map(ContactId::new),
        entity_id: positive(item, "entity_id").or_else(|| positive(item, "element_id")),
        entity_type: text(item, "entity_type").or_else(|| text(item, "element_type")),
        author_id: below("author", "id"),
        author_name: below("author", "name"),
        author_type: below("author", "type"),
        origin: text(item, "origin"),
        attachment_type: below("attachment", "type"),
        attachment_link: below("attachment", "link"),
        created_at: time(item, "created_at"),
    })
}
