//! What notes say, by their kind.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Note, NoteType};
use crate::{id::UserId, open_enum::open_enum, wire::lenient};

/// What a note says; from [`Note::content`].
///
/// What Kommo leaves out is `None`; only a note whose `params` are no object at all, or whose kind has no type here, is
/// [`Raw`](Self::Raw). Keys without a field here are still in [`Note::params`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NoteContent {
    /// Text of a person.
    Common(TextContent),
    /// One line of an integration.
    ServiceMessage(ServiceContent),
    /// A longer text of an integration.
    ExtendedServiceMessage(ServiceContent),
    /// A call that came in.
    CallIn(CallContent),
    /// A call that went out.
    CallOut(CallContent),
    /// A text message that came in.
    SmsIn(SmsContent),
    /// A text message that went out.
    SmsOut(SmsContent),
    /// A place.
    Geolocation(GeolocationContent),
    /// A file.
    Attachment(AttachmentContent),
    /// A message for the cashier; only amoCRM has it.
    MessageCashier(CashierContent),
    /// An invoice was paid.
    InvoicePaid(InvoiceContent),
    /// An invoice was paid, and the trigger for it fired.
    BillPaid(InvoiceContent),
    /// A note of another kind, or of another shape.
    Raw(RawContent),
}

/// Text of a person.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct TextContent {
    /// The text; it may have several lines.
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
}

/// Text of an integration.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServiceContent {
    /// The name of the integration.
    #[serde(default, deserialize_with = "lenient")]
    pub service: Option<String>,
    /// The text.
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
}

/// A call.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct CallContent {
    /// The integration's own id of the call.
    #[serde(default, deserialize_with = "lenient")]
    pub uniq: Option<String>,
    /// How long it was, in seconds.
    #[serde(default, deserialize_with = "lenient")]
    pub duration: Option<u64>,
    /// The name of the integration.
    #[serde(default, deserialize_with = "lenient")]
    pub source: Option<String>,
    /// Where the recording is.
    #[serde(default, deserialize_with = "lenient")]
    pub link: Option<String>,
    /// The number on the other side.
    #[serde(default, deserialize_with = "lenient")]
    pub phone: Option<String>,
    /// Who made or took it.
    #[serde(default, deserialize_with = "lenient")]
    pub call_responsible: Option<CallResponsible>,
    /// What came of it, in words.
    #[serde(default, deserialize_with = "lenient")]
    pub call_result: Option<String>,
    /// What came of it, by number; see [`NewCall::status`](crate::NewCall::status).
    #[serde(default, deserialize_with = "lenient")]
    pub call_status: Option<u64>,
}

/// Who made or took a call. Kommo documents both forms and no other.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "a number or a text; what else comes is no value")]
pub enum CallResponsible {
    /// A user.
    User(UserId),
    /// Somebody by name.
    Name(String),
}

/// A text message.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct SmsContent {
    /// The text.
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
    /// The number on the other side.
    #[serde(default, deserialize_with = "lenient")]
    pub phone: Option<String>,
}

/// A place. The coordinates are text on the wire and stay so: nothing is lost by rounding.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct GeolocationContent {
    /// What is said of it.
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
    /// Its address.
    #[serde(default, deserialize_with = "lenient")]
    pub address: Option<String>,
    /// Degrees to the east.
    #[serde(default, deserialize_with = "decimal")]
    pub longitude: Option<String>,
    /// Degrees to the north.
    #[serde(default, deserialize_with = "decimal")]
    pub latitude: Option<String>,
}

/// A file. Which keys it has depends on how the file came: from the drive, or before there was one.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct AttachmentContent {
    /// The file in the drive.
    #[serde(default, deserialize_with = "lenient")]
    pub file_uuid: Option<String>,
    /// The version of it.
    #[serde(default, deserialize_with = "lenient")]
    pub version_uuid: Option<String>,
    /// Its name in the drive.
    #[serde(default, deserialize_with = "lenient")]
    pub file_name: Option<String>,
    /// The name it was uploaded with.
    #[serde(default, deserialize_with = "lenient")]
    pub original_name: Option<String>,
    /// The name an old file is stored under.
    #[serde(default, deserialize_with = "lenient")]
    pub attachment: Option<String>,
    /// What is shown of it.
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
    /// Whether it is in the drive; old ones are not, and do not say.
    #[serde(default, deserialize_with = "lenient")]
    pub is_drive_attachment: Option<bool>,
}

open_enum! {
    /// What became of a message for the cashier.
    pub enum CashierStatus {
        /// It waits for the cashier.
        Created = "created",
        /// The cashier saw it.
        Shown = "shown",
        /// It is withdrawn.
        Canceled = "canceled",
    }
}

/// A message for the cashier.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct CashierContent {
    /// What became of it.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<CashierStatus>,
    /// The text.
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
}

/// A paid invoice.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvoiceContent {
    /// The name of the integration.
    #[serde(default, deserialize_with = "lenient")]
    pub service: Option<String>,
    /// The text.
    #[serde(default, deserialize_with = "lenient")]
    pub text: Option<String>,
    /// Where the integration's picture is.
    #[serde(default, deserialize_with = "lenient")]
    pub icon_url: Option<String>,
}

/// A note that has no type here.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RawContent {
    /// Its kind.
    pub note_type: NoteType,
    /// Its `params`, as they came.
    pub params: Value,
}

impl Note {
    /// What it says, by its kind.
    ///
    /// ```
    /// use kommo_client::{Note, NoteContent};
    ///
    /// let wire = r#"{"id":1,"note_type":"sms_in","params":{"text":"Yes!","phone":"+15550100"}}"#;
    /// let note: Note = serde_json::from_str(wire)?;
    /// let NoteContent::SmsIn(message) = note.content() else { unreachable!() };
    /// assert_eq!(message.phone.as_deref(), Some("+15550100"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn content(&self) -> NoteContent {
        self.typed().unwrap_or_else(|| {
            let (note_type, params) = (self.note_type.clone(), self.params.clone());
            NoteContent::Raw(RawContent { note_type, params })
        })
    }

    fn typed(&self) -> Option<NoteContent> {
        Some(match self.note_type {
            NoteType::Common => NoteContent::Common(self.read()?),
            NoteType::ServiceMessage => NoteContent::ServiceMessage(self.read()?),
            NoteType::ExtendedServiceMessage => NoteContent::ExtendedServiceMessage(self.read()?),
            NoteType::CallIn => NoteContent::CallIn(self.read()?),
            NoteType::CallOut => NoteContent::CallOut(self.read()?),
            NoteType::SmsIn => NoteContent::SmsIn(self.read()?),
            NoteType::SmsOut => NoteContent::SmsOut(self.read()?),
            NoteType::Geolocation => NoteContent::Geolocation(self.read()?),
            NoteType::Attachment => NoteContent::Attachment(self.read()?),
            NoteType::MessageCashier => NoteContent::MessageCashier(self.read()?),
            NoteType::InvoicePaid => NoteContent::InvoicePaid(self.read()?),
            NoteType::BillPaid => NoteContent::BillPaid(self.read()?),
            _ => return None,
        })
    }

    /// An array would be read as an object without names.
    fn read<T: DeserializeOwned>(&self) -> Option<T> {
        self.params.is_object().then(|| T::deserialize(&self.params).ok())?
    }
}

/// Text, or a number as it is written.
fn decimal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}
