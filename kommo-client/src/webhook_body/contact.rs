//! Contacts and companies in webhooks.

use time::OffsetDateTime;

use super::{
    lead::created,
    values::{WebhookField, fields, number, positive, text, time},
};
use crate::{
    form::FormNode,
    id::{CompanyId, ContactId, LeadId, UserId},
};

/// A contact or company in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookContact {
    /// Its id; that of a company when the event is of one.
    pub id: ContactId,
    /// Its name.
    pub name: Option<String>,
    /// Whose it is.
    pub responsible_user_id: Option<UserId>,
    /// Who changed it.
    pub modified_user_id: Option<UserId>,
    /// Its company.
    pub company_id: Option<CompanyId>,
    /// Its leads.
    pub lead_ids: Vec<LeadId>,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
    /// Its custom fields that have values.
    pub custom_fields: Vec<WebhookField>,
}

pub(super) fn contact(item: &FormNode) -> Option<WebhookContact> {
    // The ids are the names of the children: `linked_leads_id[7][ID]=7`.
    let leads = item.get("linked_leads_id").map(FormNode::children).unwrap_or_default();
    let lead_ids = leads.iter().filter_map(|(id, _)| id.parse().ok()).map(LeadId::new).collect();
    Some(WebhookContact {
        id: ContactId::new(positive(item, "id")?),
        name: text(item, "name"),
        responsible_user_id: number(item, "responsible_user_id").map(UserId::new),
        modified_user_id: number(item, "modified_user_id").map(UserId::new),
        company_id: positive(item, "linked_company_id").map(CompanyId::new),
        lead_ids,
        created_at: created(item),
        updated_at: time(item, "updated_at").or_else(|| time(item, "last_modified")),
        custom_fields: fields(item),
    })
}
