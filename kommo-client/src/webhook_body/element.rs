//! Elements of catalogs, and customers, in webhooks.

use time::OffsetDateTime;

use super::{
    lead::created,
    values::{WebhookField, fields, number, positive, text, time},
};
use crate::{
    form::FormNode,
    id::{CatalogElementId, CatalogId, UserId},
};

/// An element of a catalog in a webhook.
///
/// No page of Kommo's shows its fields: these are what receivers have seen.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookElement {
    /// Its id.
    pub id: CatalogElementId,
    /// Its catalog.
    pub catalog_id: Option<CatalogId>,
    /// Its name.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
    /// Its custom fields that have values; those whose values are made of parts, such as the items of an invoice, are only
    /// in [`WebhookEvent::form`](crate::WebhookEvent::form).
    pub custom_fields: Vec<WebhookField>,
}

/// A customer in a webhook. Only amoCRM has them, and no page shows their fields: these are what all entities share.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookCustomer {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: Option<String>,
    /// Whose it is.
    pub responsible_user_id: Option<UserId>,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
    /// Its custom fields that have values.
    pub custom_fields: Vec<WebhookField>,
}

pub(super) fn element(item: &FormNode) -> Option<WebhookElement> {
    Some(WebhookElement {
        id: CatalogElementId::new(positive(item, "id")?),
        catalog_id: positive(item, "catalog_id").map(CatalogId::new),
        name: text(item, "name"),
        created_at: created(item),
        updated_at: time(item, "updated_at").or_else(|| time(item, "last_modified")),
        custom_fields: fields(item),
    })
}

pub(super) fn customer(item: &FormNode) -> Option<WebhookCustomer> {
    Some(WebhookCustomer {
        id: positive(item, "id")?,
        name: text(item, "name"),
        responsible_user_id: number(item, "responsible_user_id").map(UserId::new),
        created_at: created(item),
        updated_at: time(item, "updated_at").or_else(|| time(item, "last_modified")),
        custom_fields: fields(item),
    })
}
