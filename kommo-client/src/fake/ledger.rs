use std::fmt;
use std::time::Instant;

use serde_json::{Value, json};

/// One write that the fake accepted and applied.
///
/// A batch of five leads makes five entries. What was refused makes none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// The number of the request that wrote this, the same as [`RecordedRequest::at`]. Items of one batch share it.
    pub at: u64,
    /// The method of that request.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// What was written.
    pub kind: LedgerKind,
    /// The id of what was written: of the lead, the note, the task, …; of a link, the id of its far end; of a Salesbot
    /// that was started, the bot's.
    pub id: u64,
    /// The id of the entity it belongs to: of the lead itself, or of the lead that the note, task, file, link or bot is
    /// on. 0 for what is on nothing.
    pub entity_id: u64,
    /// The item as it was sent.
    pub body: Value,
    /// When, in Unix seconds of the fake's clock.
    pub time: i64,
    /// The lead was moved to 142 or 143 by a write that names no `pipeline_id`.
    ///
    /// Those two ids exist in every pipeline, so such a write is ambiguous: a test should find none.
    pub closed_without_pipeline: bool,
}

impl LedgerEntry {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "kind": self.kind.as_str(),
            "id": self.id,
            "entity_id": self.entity_id,
            "body": self.body,
            "time": self.time,
            "closed_without_pipeline": self.closed_without_pipeline,
        })
    }
}

/// What a [`LedgerEntry`] wrote.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LedgerKind {
    /// A lead was created.
    LeadAdded,
    /// A lead was changed.
    LeadUpdated,
    /// A note was added.
    NoteAdded,
    /// A task was created.
    TaskAdded,
    /// A task was changed or completed.
    TaskUpdated,
    /// A note was changed, pinned or unpinned.
    NoteUpdated,
    /// A contact was created.
    ContactAdded,
    /// A contact was changed.
    ContactUpdated,
    /// A company was created.
    CompanyAdded,
    /// A company was changed.
    CompanyUpdated,
    /// Two entities were linked.
    Linked,
    /// A link was cut.
    Unlinked,
    /// A tag was made by itself, not by writing it to an entity.
    TagAdded,
    /// An element was added to a catalog.
    ElementAdded,
    /// An element of a catalog was changed.
    ElementUpdated,
    /// The last part of a file came.
    FileUploaded,
    /// A file of the drive was put into its trash.
    FileTrashed,
    /// A file was attached to an entity.
    FileAttached,
    /// A file was detached from an entity.
    FileDetached,
    /// A Salesbot was started.
    SalesbotStarted,
    /// An incoming lead came.
    UnsortedAdded,
    /// An incoming lead was taken.
    UnsortedAccepted,
    /// An incoming lead was declined.
    UnsortedDeclined,
    /// An incoming chat was put into a lead.
    UnsortedLinked,
    /// Something of the account's settings was made, changed or deleted: the method and the path say what.
    Administered,
}

impl LedgerKind {
    /// The name in lower case, such as `lead_updated`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::LeadAdded => "lead_added",
            Self::LeadUpdated => "lead_updated",
            Self::NoteAdded => "note_added",
            Self::TaskAdded => "task_added",
            Self::TaskUpdated => "task_updated",
            Self::NoteUpdated => "note_updated",
            Self::ContactAdded => "contact_added",
            Self::ContactUpdated => "contact_updated",
            Self::CompanyAdded => "company_added",
            Self::CompanyUpdated => "company_updated",
            Self::Linked => "linked",
            Self::Unlinked => "unlinked",
            Self::TagAdded => "tag_added",
            Self::ElementAdded => "element_added",
            Self::ElementUpdated => "element_updated",
            Self::FileUploaded => "file_uploaded",
            Self::FileTrashed => "file_trashed",
            Self::FileAttached => "file_attached",
            Self::FileDetached => "file_detached",
            Self::SalesbotStarted => "salesbot_started",
            Self::UnsortedAdded => "unsorted_added",
            Self::UnsortedAccepted => "unsorted_accepted",
            Self::UnsortedDeclined => "unsorted_declined",
            Self::UnsortedLinked => "unsorted_linked",
            Self::Administered => "administered",
        }
    }
}

impl fmt::Display for LedgerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request that came to the fake, whatever became of it. It holds no header, so no token.
///
/// What it holds is what was sent; `Debug` leaves out passwords, and the bodies that OAuth's secrets are in.
#[derive(Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The number of the request, from 1.
    pub at: u64,
    /// The method.
    pub method: String,
    /// The path and, after `?`, the query as it was sent.
    pub path: String,
    /// The body: `Null` when there was none, a string when it was no JSON.
    pub body: Value,
    /// The status that was answered; 0 when the connection was dropped without an answer.
    pub status: u16,
    /// When it came, by the clock of the machine, whatever the fake's own clock says.
    pub received: Instant,
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = if self.path.starts_with("/oauth2/") {
            Value::from("[redacted]")
        } else {
            without_passwords(&self.body)
        };
        f.debug_struct("RecordedRequest")
            .field("at", &self.at)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body", &body)
            .field("status", &self.status)
            .field("received", &self.received)
            .finish()
    }
}

fn without_passwords(body: &Value) -> Value {
    match body {
        Value::Array(items) => items.iter().map(without_passwords).collect(),
        Value::Object(map) => {
            let shown = |(key, value): (&String, &Value)| {
                let value =
                    if key == "password" { "[redacted]".into() } else { without_passwords(value) };
                (key.clone(), value)
            };
            map.iter().map(shown).collect()
        }
        other => other.clone(),
    }
}
