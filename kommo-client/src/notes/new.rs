//! Notes to add.

use serde::Serialize;
use serde_json::{Value, json};

use super::{CashierStatus, NoteType};
use crate::{
    calls::{CallDirection, NewCall},
    id::UserId,
};

/// A note to add.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewNote {
    entity_id: u64,
    note_type: NoteType,
    params: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responsible_user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_need_to_trigger_digital_pipeline: Option<bool>,
}

impl NewNote {
    /// Text, which may have several lines.
    pub fn common(entity_id: u64, text: impl Into<String>) -> Self {
        Self::raw(entity_id, NoteType::Common, json!({ "text": text.into() }))
    }

    /// One line in the name of a service; Kommo shows no line breaks in it.
    pub fn service_message(
        entity_id: u64,
        service: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let params = json!({ "service": service.into(), "text": text.into() });
        Self::raw(entity_id, NoteType::ServiceMessage, params)
    }

    /// A longer text in the name of a service.
    pub fn extended_service_message(
        entity_id: u64,
        service: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let params = json!({ "service": service.into(), "text": text.into() });
        Self::raw(entity_id, NoteType::ExtendedServiceMessage, params)
    }

    /// A file that was uploaded before.
    pub fn attachment(
        entity_id: u64,
        file_uuid: impl Into<String>,
        file_name: impl Into<String>,
    ) -> Self {
        let params = json!({ "file_uuid": file_uuid.into(), "file_name": file_name.into() });
        Self::raw(entity_id, NoteType::Attachment, params)
    }

    /// A file that was uploaded before, in this version of it.
    pub fn attachment_version(
        entity_id: u64,
        file_uuid: impl Into<String>,
        version_uuid: impl Into<String>,
        file_name: impl Into<String>,
    ) -> Self {
        let params = json!({
            "file_uuid": file_uuid.into(), "version_uuid": version_uuid.into(), "file_name": file_name.into(),
        });
        Self::raw(entity_id, NoteType::Attachment, params)
    }

    /// A call: `call_out` when its direction is outbound, else `call_in`.
    ///
    /// Unlike [`Calls::create`](crate::Calls::create), which finds the entity by the number, it names the entity. For
    /// Kommo's analytics set both [`created_by`](Self::created_by) and [`responsible_user`](Self::responsible_user) to
    /// who made or took it.
    pub fn call(entity_id: u64, call: &NewCall) -> Self {
        let note_type = match call.direction() {
            CallDirection::Outbound => NoteType::CallOut,
            _ => NoteType::CallIn,
        };
        Self::raw(entity_id, note_type, call.to_params())
    }

    /// A text message that came in from this number.
    pub fn sms_in(entity_id: u64, phone: impl Into<String>, text: impl Into<String>) -> Self {
        let params = json!({ "text": text.into(), "phone": phone.into() });
        Self::raw(entity_id, NoteType::SmsIn, params)
    }

    /// A text message that went out to this number.
    pub fn sms_out(entity_id: u64, phone: impl Into<String>, text: impl Into<String>) -> Self {
        let params = json!({ "text": text.into(), "phone": phone.into() });
        Self::raw(entity_id, NoteType::SmsOut, params)
    }

    /// A place, with its coordinates in degrees as decimal text, such as `"-33.865143"`.
    pub fn geolocation(
        entity_id: u64,
        text: impl Into<String>,
        address: impl Into<String>,
        latitude: impl Into<String>,
        longitude: impl Into<String>,
    ) -> Self {
        let params = json!({
            "text": text.into(), "address": address.into(),
            "longitude": longitude.into(), "latitude": latitude.into(),
        });
        Self::raw(entity_id, NoteType::Geolocation, params)
    }

    /// A message for the cashier; only amoCRM has it.
    pub fn message_cashier(entity_id: u64, status: CashierStatus, text: impl Into<String>) -> Self {
        let params = json!({ "status": status, "text": text.into() });
        Self::raw(entity_id, NoteType::MessageCashier, params)
    }

    /// Says that an invoice was paid, and fires no trigger.
    ///
    /// Unverified: the vendor's own PHP client can write it, no page of the API mentions it.
    pub fn invoice_paid(
        entity_id: u64,
        service: impl Into<String>,
        text: impl Into<String>,
        icon_url: impl Into<String>,
    ) -> Self {
        let params = invoice(service.into(), text.into(), icon_url.into());
        Self::raw(entity_id, NoteType::InvoicePaid, params)
    }

    /// Says that an invoice was paid, and fires the trigger "invoice paid".
    ///
    /// Unverified, as [`invoice_paid`](Self::invoice_paid).
    pub fn bill_paid(
        entity_id: u64,
        service: impl Into<String>,
        text: impl Into<String>,
        icon_url: impl Into<String>,
    ) -> Self {
        let params = invoice(service.into(), text.into(), icon_url.into());
        Self::raw(entity_id, NoteType::BillPaid, params)
    }

    /// A note of any kind, with `params` as Kommo documents them for it.
    pub fn raw(entity_id: u64, note_type: impl Into<NoteType>, params: Value) -> Self {
        Self {
            entity_id,
            note_type: note_type.into(),
            params,
            created_by: None,
            responsible_user_id: None,
            is_need_to_trigger_digital_pipeline: None,
        }
    }

    /// In whose name; 0 is Kommo itself. Left out, it is the token's user.
    pub fn created_by(mut self, user: UserId) -> Self {
        self.created_by = Some(user);
        self
    }

    /// Sets the responsible user.
    pub fn responsible_user(mut self, user: UserId) -> Self {
        self.responsible_user_id = Some(user);
        self
    }

    /// Lets no trigger of the digital pipeline fire for this note.
    pub fn without_triggers(mut self) -> Self {
        self.is_need_to_trigger_digital_pipeline = Some(false);
        self
    }
}

fn invoice(service: String, text: String, icon_url: String) -> Value {
    json!({ "service": service, "text": text, "icon_url": icon_url })
}
