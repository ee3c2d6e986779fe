//! Notes in webhooks.

use time::OffsetDateTime;

use super::values::{positive, text, time};
use crate::{form::FormNode, id::NoteId};

/// A note in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookNote {
    /// Its id.
    pub id: Option<NoteId>,
    /// What it is a note of.
    pub element_id: Option<u64>,
    /// Its kind, by number: 4 is text of a person, 5 a file.
    pub note_type: Option<u64>,
    /// Its text.
    pub text: Option<String>,
    /// The name of its file.
    pub attachment: Option<String>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
}

pub(super) fn note(item: &FormNode) -> WebhookNote {
    WebhookNote {
        id: positive(item, "id").map(NoteId::new),
        element_id: positive(item, "element_id"),
        note_type: positive(item, "note_type").or_else(|| positive(item, "type")),
        text: text(item, "text"),
        // Spelled so on Kommo's page; the right spelling is read too, should it come.
        attachment: text(item, "attachement").or_else(|| text(item, "attachment")),
        updated_at: time(item, "updated_at"),
    }
}
