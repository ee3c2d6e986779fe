//! A contact as it is read.

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

use crate::{
    field::{FieldValue, FieldValues},
    id::{CompanyId, ContactId, LeadId, UserId},
    leads::{LeadElement, Tag},
    page::{Row, RowKey},
    wire::{Linked, ids, lenient, list, or_default, timestamp},
};

/// A contact, with what Kommo keeps under `_embedded` beside the rest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Its name in full.
    pub name: Option<String>,
    /// Its first name.
    pub first_name: Option<String>,
    /// Its last name.
    pub last_name: Option<String>,
    /// Whose it is.
    pub responsible_user_id: Option<UserId>,
    /// The group of the responsible user.
    pub group_id: Option<u64>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// Who changed it last.
    pub updated_by: Option<UserId>,
    /// Whether it is in the trash.
    pub is_deleted: bool,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed last.
    pub updated_at: Option<OffsetDateTime>,
    /// When its next task is due.
    pub closest_task_at: Option<OffsetDateTime>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The custom fields that have values; phones and e-mail addresses are among them.
    pub custom_fields_values: Vec<FieldValues>,
    /// Its leads.
    pub lead_ids: Vec<LeadId>,
    /// Its companies.
    pub company_ids: Vec<CompanyId>,
    /// With [`ContactWith::CatalogElements`](super::ContactWith::CatalogElements): the elements of catalogs that it is linked with.
    pub catalog_elements: Vec<LeadElement>,
}

impl Contact {
    /// Its e-mail addresses, as written in Kommo.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.texts_of("EMAIL")
    }

    /// Its phone numbers, as written in Kommo.
    pub fn phones(&self) -> impl Iterator<Item = &str> {
        self.texts_of("PHONE")
    }

    fn texts_of(&self, code: &'static str) -> impl Iterator<Item = &str> {
        self.custom_fields_values
            .iter()
            .filter(move |field| field.field_code.as_deref() == Some(code))
            .flat_map(|field| field.values.iter().filter_map(FieldValue::as_str))
    }
}

impl Row for Contact {
    const KEY: &'static str = "contacts";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

#[derive(Deserialize)]
struct Wire {
    id: ContactId,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    responsible_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "lenient")]
    group_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    created_by: Option<UserId>,
    #[serde(default, deserialize_with = "lenient")]
    updated_by: Option<UserId>,
    #[serde(default, deserialize_with = "or_default")]
    is_deleted: bool,
    #[serde(default, deserialize_with = "timestamp")]
    created_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "timestamp")]
    updated_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "timestamp")]
    closest_task_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "list")]
    custom_fields_values: Vec<FieldValues>,
    #[serde(default, rename = "_embedded", deserialize_with = "or_default")]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "list")]
    tags: Vec<Tag>,
    #[serde(default, deserialize_with = "list")]
    catalog_elements: Vec<LeadElement>,
    #[serde(default, deserialize_with = "list")]
    leads: Vec<Linked<LeadId>>,
    #[serde(default, deserialize_with = "list")]
    companies: Vec<Linked<CompanyId>>,
}

impl<'de> Deserialize<'de> for Contact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self {
            id: wire.id,
            name: wire.name,
            first_name: wire.first_name,
            last_name: wire.last_name,
            responsible_user_id: wire.responsible_user_id,
            group_id: wire.group_id,
            created_by: wire.created_by,
            updated_by: wire.updated_by,
            is_deleted: wire.is_deleted,
            created_at: wire.created_at,
            updated_at: wire.updated_at,
            closest_task_at: wire.closest_task_at,
            tags: wire.embedded.tags,
            catalog_elements: wire.embedded.catalog_elements,
            custom_fields_values: wire.custom_fields_values,
            lead_ids: ids(wire.embedded.leads),
            company_ids: ids(wire.embedded.companies),
        })
    }
}
