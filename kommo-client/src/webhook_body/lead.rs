//! Leads in webhooks.

use time::OffsetDateTime;

use super::values::{WebhookField, fields, number, positive, text, time};
use crate::{
    form::FormNode,
    id::{LeadId, PipelineId, StatusId, TagId, UserId},
    price::Price,
};

/// A lead in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookLead {
    /// Its id.
    pub id: LeadId,
    /// Its name.
    pub name: Option<String>,
    /// Its stage.
    pub status_id: Option<StatusId>,
    /// Its stage before.
    pub old_status_id: Option<StatusId>,
    /// Its pipeline.
    pub pipeline_id: Option<PipelineId>,
    /// Its pipeline before.
    pub old_pipeline_id: Option<PipelineId>,
    /// What it is worth.
    pub price: Price,
    /// Whose it is.
    pub responsible_user_id: Option<UserId>,
    /// Whose it was.
    pub old_responsible_user_id: Option<UserId>,
    /// Who changed it. Compare it with the token's user to pass over what you wrote yourself.
    pub modified_user_id: Option<UserId>,
    /// Who made it.
    pub created_user_id: Option<UserId>,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
    /// Its tags.
    pub tags: Vec<WebhookTag>,
    /// Its custom fields that have values.
    pub custom_fields: Vec<WebhookField>,
}

/// A tag in a webhook.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct WebhookTag {
    /// Its id, where one is told.
    pub id: Option<TagId>,
    /// Its name.
    pub name: String,
}

pub(super) fn lead(item: &FormNode) -> Option<WebhookLead> {
    let price = text(item, "price_with_minor_units").or_else(|| text(item, "price"));
    Some(WebhookLead {
        id: LeadId::new(positive(item, "id")?),
        name: text(item, "name"),
        status_id: positive(item, "status_id").map(StatusId::new),
        old_status_id: positive(item, "old_status_id").map(StatusId::new),
        pipeline_id: positive(item, "pipeline_id").map(PipelineId::new),
        old_pipeline_id: positive(item, "old_pipeline_id").map(PipelineId::new),
        price: price.and_then(|price| Price::parse(&price)).unwrap_or_default(),
        responsible_user_id: number(item, "responsible_user_id").map(UserId::new),
        old_responsible_user_id: number(item, "old_responsible_user_id").map(UserId::new),
        modified_user_id: number(item, "modified_user_id").map(UserId::new),
        created_user_id: number(item, "created_user_id").map(UserId::new),
        created_at: created(item),
        updated_at: time(item, "updated_at").or_else(|| time(item, "last_modified")),
        tags: tags(item),
        custom_fields: fields(item),
    })
}

/// The older name of it is `date_create`.
pub(super) fn created(item: &FormNode) -> Option<OffsetDateTime> {
    time(item, "created_at").or_else(|| time(item, "date_create"))
}

/// `tags[0][name]`; incoming leads have a single text.
fn tags(item: &FormNode) -> Vec<WebhookTag> {
    let Some(tags) = item.get("tags") else { return Vec::new() };
    let tag = |tag: &FormNode| {
        let name = text(tag, "name")?;
        Some(WebhookTag { id: positive(tag, "id").map(TagId::new), name })
    };
    tags.children().into_iter().filter_map(|(_, own)| tag(own)).collect()
}
