//! Leads to create.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use time::OffsetDateTime;

use super::TagRef;
use crate::{
    authorship::{Authorship, authorship_setters},
    companies::NewCompany,
    contacts::NewContact,
    field::FieldWrite,
    id::{CompanyId, ContactId, LeadId, LossReasonId, PipelineId, StatusId, UserId},
    price::PriceInput,
    wire::{elements, or_default, write_timestamp},
};

/// A lead to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct NewLead {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<PriceInput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<PipelineId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_id: Option<StatusId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responsible_user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_reason_id: Option<LossReasonId>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_timestamp")]
    closed_at: Option<OffsetDateTime>,
    #[serde(flatten)]
    authorship: Authorship,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags_to_add: Vec<TagRef>,
    #[serde(rename = "custom_fields_values", skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldWrite>,
    #[serde(rename = "_embedded", skip_serializing_if = "Embedded::is_empty")]
    embedded: Embedded,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Embedded {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    companies: Vec<Company>,
}

impl Embedded {
    fn is_empty(&self) -> bool {
        self.contacts.is_empty() && self.companies.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Contact {
    Known(ContactId, bool),
    New(Box<NewContact>),
}

impl Serialize for Contact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(id, is_main) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("id", id)?;
                map.serialize_entry("is_main", is_main)?;
                map.end()
            }
            Self::New(contact) => contact.serialize(serializer),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Company {
    Known(CompanyId),
    New(Box<NewCompany>),
}

impl Serialize for Company {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(id) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("id", id)?;
                map.end()
            }
            Self::New(company) => company.serialize(serializer),
        }
    }
}

impl NewLead {
    /// A lead whose name Kommo chooses, in the first stage of the main pipeline.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the price, in whole units of the account's currency.
    pub fn price(mut self, units: i64) -> Self {
        self.price = Some(PriceInput::whole(units));
        self
    }

    /// Sets the price to a decimal; see [`LeadPatch::price_decimal`](super::LeadPatch::price_decimal).
    pub fn price_decimal(mut self, decimal: &str) -> Self {
        self.price = Some(PriceInput::decimal(decimal));
        self
    }

    /// Puts it in the first stage of this pipeline.
    pub fn pipeline(mut self, pipeline: PipelineId) -> Self {
        self.pipeline_id = Some(pipeline);
        self
    }

    /// Puts it in this stage.
    pub fn status(mut self, pipeline: PipelineId, status: StatusId) -> Self {
        self.pipeline_id = Some(pipeline);
        self.status_id = Some(status);
        self
    }

    /// Sets the responsible user; left out, it is the token's user.
    pub fn responsible_user(mut self, user: UserId) -> Self {
        self.responsible_user_id = Some(user);
        self
    }

    authorship_setters!(authorship);

    /// Says why it was lost. Kommo takes it only together with the status [`StatusId::LOST`].
    pub fn loss_reason(mut self, reason: LossReasonId) -> Self {
        self.loss_reason_id = Some(reason);
        self
    }

    /// Says when it was closed; left out, Kommo sets it itself.
    pub fn closed_at(mut self, time: OffsetDateTime) -> Self {
        self.closed_at = Some(time);
        self
    }

    /// Adds a tag; a name that is new makes a new tag.
    pub fn add_tag(mut self, tag: TagRef) -> Self {
        self.tags_to_add.push(tag);
        self
    }

    /// Writes a custom field. A second write of the same field takes the place of the first.
    pub fn field(mut self, write: FieldWrite) -> Self {
        write.put_into(&mut self.fields);
        self
    }

    /// Links a contact that exists; the first is the main one.
    pub fn contact(mut self, id: ContactId) -> Self {
        let is_main = self.embedded.contacts.is_empty();
        self.embedded.contacts.push(Contact::Known(id, is_main));
        self
    }

    /// Links a company that exists.
    pub fn company(mut self, id: CompanyId) -> Self {
        self.embedded.companies = vec![Company::Known(id)];
        self
    }

    /// Creates a contact with the lead. Only [`Leads::create_complex`](super::Leads::create_complex) can, and with one.
    pub fn new_contact(mut self, contact: NewContact) -> Self {
        self.embedded.contacts = vec![Contact::New(Box::new(contact))];
        self
    }

    /// Creates a company with the lead. Only [`Leads::create_complex`](super::Leads::create_complex) can.
    pub fn new_company(mut self, company: NewCompany) -> Self {
        self.embedded.companies = vec![Company::New(Box::new(company))];
        self
    }
}

/// What Kommo made of a lead with its contact and company.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ComplexCreated {
    /// The lead.
    pub id: LeadId,
    /// The contact, if there is one.
    pub contact_id: Option<ContactId>,
    /// The company, if there is one.
    pub company_id: Option<CompanyId>,
    /// Whether the duplicate control merged it with what was there.
    pub merged: bool,
    /// The positions of the items that became this lead: more than one where Kommo merged them.
    pub indexes: Vec<usize>,
}

#[derive(Deserialize)]
pub(super) struct ComplexWire {
    id: LeadId,
    #[serde(default)]
    contact_id: Option<ContactId>,
    #[serde(default)]
    company_id: Option<CompanyId>,
    #[serde(default, deserialize_with = "or_default")]
    merged: bool,
    #[serde(default)]
    request_id: Value,
}

impl ComplexWire {
    pub(super) fn into_created(self) -> ComplexCreated {
        // Documented as an array of texts; a bare one would mean the same.
        let texts: Vec<String> = match self.request_id {
            Value::String(text) => vec![text],
            value => elements(value),
        };
        ComplexCreated {
            id: self.id,
            contact_id: self.contact_id,
            company_id: self.company_id,
            merged: self.merged,
            indexes: texts.iter().filter_map(|text| text.parse().ok()).collect(),
        }
    }
}
