//! Files that belong to a deal: the PDFs of invoices and credit notes.

use kommo_client::LeadId;
use paddle_webhook::{AdjustmentId, TransactionId};
use serde::{Deserialize, Serialize};

use super::{Effect, NoteDraft, PlannedEffect};

/// A PDF that Paddle has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Document {
    /// The invoice of this transaction.
    Invoice(TransactionId),
    /// The credit note of this adjustment.
    CreditNote(AdjustmentId),
}

impl Document {
    /// The id of Paddle's that it belongs to: `txn_…` or `adj_…`.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Invoice(transaction) => transaction.as_str(),
            Self::CreditNote(adjustment) => adjustment.as_str(),
        }
    }
}

/// A file to attach to a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileDraft {
    /// The deal.
    pub lead: LeadId,
    /// Where it comes from.
    pub document: Document,
    /// Its name, without the marker and the ending: `invoice-325-10566`.
    pub name: String,
}

/// A document that belongs into a deal. Fetching it from Paddle is work of its own: nothing else waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DocumentDraft {
    /// The file.
    pub file: FileDraft,
    /// What the rep reads beside it, without the marker.
    pub note: String,
    /// The Paddle entities that it belongs to: a person who links one of them says in which deal it is meant to be.
    pub entities: Vec<String>,
}

impl DocumentDraft {
    /// The writes, in the order in which they are sent: a note about a file that is not there would be a lie.
    pub(crate) fn effects(&self) -> Vec<PlannedEffect> {
        let note = NoteDraft { lead: self.file.lead, text: self.note.clone() };
        vec![
            PlannedEffect::new("file", self.file.clone()),
            PlannedEffect::new("note:document", note),
        ]
    }
}

impl From<FileDraft> for Effect {
    fn from(file: FileDraft) -> Self {
        Self::AttachFile(file)
    }
}
