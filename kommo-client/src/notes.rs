//! Notes of leads, contacts and companies.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    entity::EntityType,
    error::Error,
    id::{NoteId, UserId},
    open_enum::open_enum,
    page::{self, Pages, Row, RowKey},
    path,
    query::Query,
    transport::{Method, Request},
    wire::{lenient, or_default, timestamp},
};

mod content;
mod filter;
mod new;

pub use content::{
    AttachmentContent, CallContent, CallResponsible, CashierContent, CashierStatus,
    GeolocationContent, InvoiceContent, NoteContent, RawContent, ServiceContent, SmsContent,
    TextContent,
};
pub use filter::{NoteFilter, NoteWith};
pub use new::NewNote;

open_enum! {
    /// The kind of a note.
    pub enum NoteType {
        /// Text of a person.
        Common = "common",
        /// One line of an integration.
        ServiceMessage = "service_message",
        /// A longer text of an integration, folded in the user interface.
        ExtendedServiceMessage = "extended_service_message",
        /// A call that came in.
        CallIn = "call_in",
        /// A call that went out.
        CallOut = "call_out",
        /// A text message that came in.
        SmsIn = "sms_in",
        /// A text message that went out.
        SmsOut = "sms_out",
        /// A place.
        Geolocation = "geolocation",
        /// A file.
        Attachment = "attachment",
        /// A message for the cashier; only amoCRM has it.
        MessageCashier = "message_cashier",
        /// An invoice was paid.
        InvoicePaid = "invoice_paid",
        /// An invoice was paid, and the trigger for it is to fire.
        BillPaid = "bill_paid",
        /// A visit of a web site. This kind and those below are Kommo's own: they are read, not written.
        SiteVisit = "site_visit",
        /// Came into the audience of an advertisement.
        TargetingIn = "targeting_in",
        /// Left the audience of an advertisement.
        TargetingOut = "targeting_out",
        /// A purchase of a customer.
        Transaction = "transaction",
        /// A meeting in Zoom.
        ZoomMeeting = "zoom_meeting",
        /// A file in Dropbox.
        DropboxAttachment = "dropbox_attachment",
        /// A link was followed.
        LinkFollowed = "link_followed",
        /// A letter.
        AmomailMessage = "amomail_message",
        /// A chat.
        Chat = "chat",
        /// What an assistant made of the conversation.
        AiResult = "ai_result",
    }
}

/// The notes of one kind of entity; from [`Client::notes`].
#[derive(Clone, Debug)]
pub struct Notes {
    client: Client,
    of: EntityType,
}

impl Notes {
    pub(crate) fn new(client: Client, of: EntityType) -> Self {
        Self { client, of }
    }

    /// Adds notes, up to 250, in one request. The answers come in the order of the notes; no notes, no request.
    ///
    /// # Errors
    ///
    /// Kommo has no idempotency key. After [`Fate::Unknown`](crate::Fate::Unknown) look with [`Notes::list`] for what
    /// should be there before sending it again. More than 250 notes are
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, notes: &[NewNote]) -> Result<Vec<Created<NoteId>>, Error> {
        let path = path::of(&[self.of.as_str(), "notes"])?;
        batch::create(&self.client, &path, Note::KEY, notes).await
    }

    /// Adds notes, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order.
    ///
    /// Nothing is sent twice: when Kommo refuses some of a request, the others of it are [`ItemOutcome::Unknown`].
    /// A failure that is not about items ends the work, and what was still to be sent is [`ItemOutcome::NotDone`].
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, notes: &[NewNote]) -> Vec<ItemOutcome<Created<NoteId>>> {
        let Ok(path) = path::of(&[self.of.as_str(), "notes"]) else {
            return batch::not_written(notes.len());
        };
        batch::create_each(&self.client, &path, Note::KEY, notes).await
    }

    /// Changes what notes say, up to 250 in one request, and more in several. The answers come in the order of the
    /// patches.
    ///
    /// # Errors
    ///
    /// As [`Leads::update`](crate::Leads::update): when a later request fails, the patches of earlier ones (250 each) may
    /// have been written, whatever the error's fate.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[NotePatch]) -> Result<Vec<Updated<NoteId>>, Error> {
        let path = path::of(&[self.of.as_str(), "notes"])?;
        batch::update(&self.client, &path, Note::KEY, patches, |patch| patch.id).await
    }

    /// Changes what notes say, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in the
    /// order of the patches: as [`Leads::update_each`](crate::Leads::update_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_each(&self, patches: &[NotePatch]) -> Vec<ItemOutcome<Updated<NoteId>>> {
        let Ok(path) = path::of(&[self.of.as_str(), "notes"]) else {
            return batch::not_written(patches.len());
        };
        batch::update_each(&self.client, &path, Note::KEY, patches, |patch| patch.id).await
    }

    /// The note with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: NoteId) -> Result<Option<Note>, Error> {
        let path = path::of(&[self.of.as_str(), "notes", &id.to_string()])?;
        match self.client.find(path, Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// Pins a note to the top, or unpins it.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn pin(&self, id: NoteId, pinned: bool) -> Result<(), Error> {
        let action = if pinned { "pin" } else { "unpin" };
        let path = path::of(&[self.of.as_str(), "notes", &id.to_string(), action])?;
        self.client.send(&Request::new(Method::Post, path)).await.map(drop)
    }

    /// All notes of one entity that pass the filter.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self, entity_id: u64, filter: &NoteFilter) -> Result<Vec<Note>, Error> {
        let path = path::of(&[self.of.as_str(), &entity_id.to_string(), "notes"])?;
        page::all(&self.client, path, filter.to_query()).await
    }

    /// The notes of all entities of this kind that pass the filter, page by page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when the kind is a word that no path can hold.
    pub fn list_all(&self, filter: &NoteFilter) -> Result<Pages<Note>, Error> {
        let path = path::of(&[self.of.as_str(), "notes"])?;
        Ok(Pages::new(self.client.clone(), path, filter.to_query()))
    }
}

/// A change of one note.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NotePatch {
    id: NoteId,
    entity_id: u64,
    note_type: NoteType,
    params: Value,
}

impl NotePatch {
    /// Replaces the text of a `common` note of the entity.
    pub fn common(id: NoteId, entity_id: u64, text: impl Into<String>) -> Self {
        Self::raw(id, entity_id, NoteType::Common, json!({ "text": text.into() }))
    }

    /// Replaces the `params` of a note of any kind.
    pub fn raw(id: NoteId, entity_id: u64, note_type: impl Into<NoteType>, params: Value) -> Self {
        Self { id, entity_id, note_type: note_type.into(), params }
    }
}

/// A note.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// What it is a note of.
    #[serde(default, deserialize_with = "lenient")]
    pub entity_id: Option<u64>,
    /// Its kind.
    #[serde(default, deserialize_with = "or_default")]
    pub note_type: NoteType,
    /// What it says, as Kommo sends it for this kind; null for some old ones.
    #[serde(default)]
    pub params: Value,
    /// Who made it.
    #[serde(default, deserialize_with = "lenient")]
    pub created_by: Option<UserId>,
    /// With [`NoteWith::IsPinned`]: whether it is pinned to the top.
    #[serde(default, deserialize_with = "lenient")]
    pub is_pinned: Option<bool>,
    /// Who is responsible for it.
    #[serde(default, deserialize_with = "lenient")]
    pub responsible_user_id: Option<UserId>,
    /// When it was made.
    #[serde(default, deserialize_with = "timestamp")]
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed last.
    #[serde(default, deserialize_with = "timestamp")]
    pub updated_at: Option<OffsetDateTime>,
}

impl Note {
    /// Its text, for the kinds that have one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.params.get("text")?.as_str()
    }
}

impl Row for Note {
    const KEY: &'static str = "notes";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}
