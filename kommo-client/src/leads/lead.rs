//! A lead as it is read.

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

use crate::{
    field::FieldValues,
    id::{
        AccountId, CatalogElementId, CatalogId, CompanyId, ContactId, FieldId, LeadId,
        LossReasonId, PipelineId, SourceId, StatusId, TagId, UserId,
    },
    page::{Row, RowKey},
    price::Price,
    wire::{Linked, ids, lenient, list, one_or_first, optional_id, or_default, timestamp},
};

/// A lead, with what Kommo keeps under `_embedded` beside the rest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// Its name.
    pub name: Option<String>,
    /// What it is worth, in units of the account's currency.
    pub price: Price,
    /// Whether the account's prices have decimals, as far as this lead shows: `price_with_minor_units` came with it, and is
    /// what [`price`](Self::price) holds. The account itself does not say.
    pub has_minor_units: bool,
    /// Whether its products make the price.
    pub is_price_computed: Option<bool>,
    /// With [`LeadWith::IsPriceModifiedByRobot`](super::LeadWith::IsPriceModifiedByRobot): whether an automation wrote the
    /// price last.
    pub is_price_modified_by_robot: Option<bool>,
    /// Whose it is.
    pub responsible_user_id: Option<UserId>,
    /// The group of the responsible user.
    pub group_id: Option<u64>,
    /// Its stage. 142 and 143 are the same in every pipeline.
    pub status_id: Option<StatusId>,
    /// Its pipeline.
    pub pipeline_id: Option<PipelineId>,
    /// Why it was lost.
    pub loss_reason_id: Option<LossReasonId>,
    /// Why it was lost, in full.
    pub loss_reason: Option<LossReason>,
    /// Whether it is in the trash.
    pub is_deleted: bool,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// Who changed it last.
    pub updated_by: Option<UserId>,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed last.
    pub updated_at: Option<OffsetDateTime>,
    /// When it was won or lost.
    pub closed_at: Option<OffsetDateTime>,
    /// When its next task is due.
    pub closest_task_at: Option<OffsetDateTime>,
    /// The custom fields that have values.
    pub custom_fields_values: Vec<FieldValues>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Its contacts.
    pub contacts: Vec<LeadContact>,
    /// Its companies: at most one.
    pub companies: Vec<CompanyId>,
    /// With [`LeadWith::CatalogElements`](super::LeadWith::CatalogElements): its products and other elements of catalogs.
    pub catalog_elements: Vec<LeadElement>,
    /// With [`LeadWith::SourceId`](super::LeadWith::SourceId): where it came from. Some answers hold it unasked.
    pub source_id: Option<SourceId>,
    /// With [`LeadWith::Source`](super::LeadWith::Source): where it came from, by name.
    pub source: Option<LeadSource>,
    /// Its account.
    pub account_id: Option<AccountId>,
}

impl Lead {
    /// Whether it was won.
    #[must_use]
    pub fn is_won(&self) -> bool {
        self.status_id == Some(StatusId::WON) && !self.is_deleted
    }

    /// Whether it was lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.status_id == Some(StatusId::LOST) && !self.is_deleted
    }

    /// Whether it is in a stage, and that is neither 142 nor 143, and it is not in the trash.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status_id.is_some_and(|status| status != StatusId::WON && status != StatusId::LOST)
            && !self.is_deleted
    }

    /// The values of a custom field; `None` when it has none.
    #[must_use]
    pub fn field(&self, id: FieldId) -> Option<&FieldValues> {
        self.custom_fields_values.iter().find(|values| values.field_id == id)
    }

    /// The values of a custom field by its code.
    #[must_use]
    pub fn field_by_code(&self, code: &str) -> Option<&FieldValues> {
        self.custom_fields_values.iter().find(|values| values.field_code.as_deref() == Some(code))
    }

    /// The contact that is marked as the main one, else the only one.
    #[must_use]
    pub fn main_contact(&self) -> Option<ContactId> {
        let main = self.contacts.iter().find(|contact| contact.is_main);
        main.or(match self.contacts.as_slice() {
            [only] => Some(only),
            _ => None,
        })
        .map(|contact| contact.id)
    }
}

impl Row for Lead {
    const KEY: &'static str = "leads";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

impl Row for LossReason {
    const KEY: &'static str = "loss_reasons";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

/// A contact of a lead.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct LeadContact {
    /// The contact.
    pub id: ContactId,
    /// Whether it is the main one of this lead.
    #[serde(default, deserialize_with = "or_default")]
    pub is_main: bool,
}

/// An element of a catalog, such as a product, that a lead, contact or company is linked with.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LeadElement {
    /// The element.
    pub id: CatalogElementId,
    /// Its catalog.
    pub catalog_id: Option<CatalogId>,
    /// How many of it; `None` when Kommo gave no whole number.
    pub quantity: Option<u64>,
    /// Which of its prices.
    pub price_id: Option<u64>,
}

#[derive(Deserialize)]
struct ElementWire {
    id: CatalogElementId,
    #[serde(default, deserialize_with = "or_default")]
    metadata: ElementMetadata,
}

#[derive(Default, Deserialize)]
struct ElementMetadata {
    #[serde(default, deserialize_with = "lenient")]
    catalog_id: Option<CatalogId>,
    #[serde(default, deserialize_with = "lenient")]
    quantity: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    price_id: Option<u64>,
}

impl<'de> Deserialize<'de> for LeadElement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ElementWire { id, metadata } = ElementWire::deserialize(deserializer)?;
        let ElementMetadata { catalog_id, quantity, price_id } = metadata;
        Ok(Self { id, catalog_id, quantity, price_id })
    }
}

/// Where a lead came from.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct LeadSource {
    /// The source.
    pub id: SourceId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
}

/// A reason for losing a lead.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct LossReason {
    /// Its id.
    pub id: LossReasonId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
}

/// A tag.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Tag {
    /// Its id.
    pub id: TagId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Its colour, in hex without a `#`.
    #[serde(default, deserialize_with = "lenient")]
    pub color: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: LeadId,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default)]
    price: Price,
    #[serde(default)]
    price_with_minor_units: Price,
    #[serde(default, deserialize_with = "lenient")]
    is_price_computed: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    is_price_modified_by_robot: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    source_id: Option<SourceId>,
    #[serde(default, deserialize_with = "optional_user")]
    responsible_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "lenient")]
    group_id: Option<u64>,
    #[serde(default, deserialize_with = "optional_id")]
    status_id: Option<StatusId>,
    #[serde(default, deserialize_with = "optional_id")]
    pipeline_id: Option<PipelineId>,
    #[serde(default, deserialize_with = "lenient")]
    loss_reason_id: Option<LossReasonId>,
    #[serde(default, deserialize_with = "or_default")]
    is_deleted: bool,
    #[serde(default, deserialize_with = "lenient")]
    created_by: Option<UserId>,
    #[serde(default, deserialize_with = "lenient")]
    updated_by: Option<UserId>,
    #[serde(default, deserialize_with = "timestamp")]
    created_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "timestamp")]
    updated_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "timestamp")]
    closed_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "timestamp")]
    closest_task_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "list")]
    custom_fields_values: Vec<FieldValues>,
    #[serde(default, deserialize_with = "lenient")]
    account_id: Option<AccountId>,
    #[serde(default, rename = "_embedded", deserialize_with = "or_default")]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "list")]
    tags: Vec<Tag>,
    #[serde(default, deserialize_with = "list")]
    contacts: Vec<LeadContact>,
    #[serde(default, deserialize_with = "list")]
    companies: Vec<Linked<CompanyId>>,
    #[serde(default, deserialize_with = "one_or_first")]
    loss_reason: Option<LossReason>,
    #[serde(default, deserialize_with = "list")]
    catalog_elements: Vec<LeadElement>,
    #[serde(default, deserialize_with = "one_or_first")]
    source: Option<LeadSource>,
}

/// A lead always has a responsible user or says null; 0 here is Kommo itself.
fn optional_user<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UserId>, D::Error> {
    Option::deserialize(deserializer)
}

impl<'de> Deserialize<'de> for Lead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        // `price` is cut to whole units where the other exists.
        let exact = !wire.price_with_minor_units.as_str().is_empty();
        Ok(Self {
            id: wire.id,
            name: wire.name,
            price: if exact { wire.price_with_minor_units } else { wire.price },
            has_minor_units: exact,
            is_price_computed: wire.is_price_computed,
            is_price_modified_by_robot: wire.is_price_modified_by_robot,
            responsible_user_id: wire.responsible_user_id,
            group_id: wire.group_id,
            status_id: wire.status_id,
            pipeline_id: wire.pipeline_id,
            loss_reason_id: wire.loss_reason_id,
            loss_reason: wire.embedded.loss_reason,
            is_deleted: wire.is_deleted,
            created_by: wire.created_by,
            updated_by: wire.updated_by,
            created_at: wire.created_at,
            updated_at: wire.updated_at,
            closed_at: wire.closed_at,
            closest_task_at: wire.closest_task_at,
            custom_fields_values: wire.custom_fields_values,
            tags: wire.embedded.tags,
            contacts: wire.embedded.contacts,
            companies: ids(wire.embedded.companies),
            catalog_elements: wire.embedded.catalog_elements,
            source_id: wire.source_id,
            source: wire.embedded.source,
            account_id: wire.account_id,
        })
    }
}
