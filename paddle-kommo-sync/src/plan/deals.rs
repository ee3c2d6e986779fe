//! Effects that go beyond the deal that was paid for: further deals, and what else is done when a deal is won.

use kommo_client::{ContactId, LeadId, PipelineId, StatusId, UserId};
use serde::{Deserialize, Serialize};

use super::{Effect, FieldValue, Price};

/// A deal to create, without the marker in its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeadDraft {
    /// The deal that was paid for, because of which this one is made.
    pub lead: LeadId,
    /// What the rep reads.
    pub name: String,
    /// Its pipeline.
    pub pipeline: PipelineId,
    /// Its stage; none: the first of the pipeline.
    pub stage: Option<StatusId>,
    /// Its price in the account's currency.
    pub price: Option<Price>,
    /// Its custom fields.
    pub fields: Vec<FieldValue>,
    /// Its contacts, the main one first.
    pub contacts: Vec<ContactId>,
    /// Who may get it, the best first. The first that is an active user does; none: the token's user.
    pub responsible: Vec<UserId>,
}

/// The name of a deal of ours once its marker is no longer needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeadNaming {
    /// The deal that was paid for.
    pub lead: LeadId,
    /// The effect of the same event that made the new deal.
    pub effect: String,
    /// Its name from now on. One that a person gave it meanwhile stays.
    pub name: String,
}

/// A tag. Adding it twice is harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TagDraft {
    /// The deal.
    pub lead: LeadId,
    /// The tag; one that is new is made.
    pub tag: String,
}

/// The start of a Salesbot. Kommo does not tell whether one has started, so it is never repeated without a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BotStart {
    /// The deal.
    pub lead: LeadId,
    /// The Salesbot.
    pub bot: u64,
}

impl From<LeadDraft> for Effect {
    fn from(draft: LeadDraft) -> Self {
        Self::CreateLead(draft)
    }
}

impl From<LeadNaming> for Effect {
    fn from(naming: LeadNaming) -> Self {
        Self::NameLead(naming)
    }
}

impl From<TagDraft> for Effect {
    fn from(tag: TagDraft) -> Self {
        Self::AddTag(tag)
    }
}

impl From<BotStart> for Effect {
    fn from(bot: BotStart) -> Self {
        Self::StartBot(bot)
    }
}
