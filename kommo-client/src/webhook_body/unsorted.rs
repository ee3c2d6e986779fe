//! Incoming leads in webhooks.

use time::OffsetDateTime;

use super::values::{ids, number, positive, text, time};
use crate::{
    form::FormNode,
    id::{CompanyId, ContactId, LeadId, PipelineId, UserId},
    open_enum::open_enum,
};

open_enum! {
    /// What became of an incoming lead.
    pub enum WebhookDecision {
        /// Somebody took it.
        Accepted = "accept",
        /// Somebody declined it.
        Declined = "decline",
    }
}

/// An incoming lead in a webhook.
///
/// Taking and declining it come as [`WebhookAction::Delete`](crate::WebhookAction::Delete):
/// [`decision`](Self::decision) tells them apart.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookUnsorted {
    /// Its id while it is incoming.
    pub uid: String,
    /// Where it came from: `sip`, `mail`, `forms` or `chats`.
    pub category: Option<String>,
    /// What became of it; `None` while it is incoming.
    pub decision: Option<WebhookDecision>,
    /// Its pipeline.
    pub pipeline_id: Option<PipelineId>,
    /// Where it came from, in words.
    pub source: Option<String>,
    /// Who took or declined it.
    pub modified_user_id: Option<UserId>,
    /// The leads it holds, or became.
    pub lead_ids: Vec<LeadId>,
    /// The contacts it holds, or became.
    pub contact_ids: Vec<ContactId>,
    /// The companies it holds, or became.
    pub company_ids: Vec<CompanyId>,
    /// When it came.
    pub created_at: Option<OffsetDateTime>,
}

pub(super) fn unsorted(item: &FormNode) -> Option<WebhookUnsorted> {
    let held = ["accept_result", "decline_result", "data"].iter().find_map(|key| item.get(key));
    Some(WebhookUnsorted {
        uid: text(item, "uid")?,
        category: text(item, "category"),
        decision: item.text_of("action").map(WebhookDecision::from),
        pipeline_id: positive(item, "pipeline_id").map(PipelineId::new),
        source: text(item, "source"),
        modified_user_id: number(item, "modified_user_id").map(UserId::new),
        lead_ids: ids(held, "leads").into_iter().map(LeadId::new).collect(),
        contact_ids: ids(held, "contacts").into_iter().map(ContactId::new).collect(),
        company_ids: ids(held, "companies").into_iter().map(CompanyId::new).collect(),
        created_at: time(item, "created_at"),
    })
}
