//! What is to be done in Kommo: data only. `decide` makes it, `apply` carries it out.

mod deals;
mod document;
mod marker;
mod price;
mod reason;

use kommo_client::{LeadId, PipelineId, StatusId, UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub(crate) use self::marker::{Marker, OPENING as MARKER_OPENING, core as marker_core};
pub use self::{
    deals::{BotStart, LeadDraft, LeadNaming, TagDraft},
    document::{Document, DocumentDraft, FileDraft},
    price::Price,
    reason::Reason,
};

/// What one event is to change in Kommo, and why. The same event, knowledge, configuration and time give the same
/// plan, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The rules that answered.
    pub reasons: Vec<Reason>,
    /// The writes, in the order in which they are sent.
    pub effects: Vec<PlannedEffect>,
    /// Documents that are to follow when all writes are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentDraft>,
}

/// One write with the name under which it is journalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedEffect {
    /// Unique within the event, for example `note:payment`.
    pub name: String,
    /// What to write.
    pub effect: Effect,
}

impl PlannedEffect {
    pub(crate) fn new(name: &str, effect: impl Into<Effect>) -> Self {
        Self { name: name.to_owned(), effect: effect.into() }
    }
}

/// One write to Kommo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Change a deal: its stage, price and fields.
    UpdateLead(LeadUpdate),
    /// Add a note to a deal.
    AddNote(NoteDraft),
    /// Add a task to a deal.
    AddTask(TaskDraft),
    /// Give a task of ours that is still open another text and due date.
    RefreshTask(TaskRefresh),
    /// Complete a task of ours, if a person has not done so.
    CompleteTask(TaskCompletion),
    /// Create a deal. Until it is known to be there, its name ends with the marker.
    CreateLead(LeadDraft),
    /// Take the marker off the name of a deal of ours.
    NameLead(LeadNaming),
    /// Add a tag to a deal.
    AddTag(TagDraft),
    /// Start a Salesbot on a deal.
    StartBot(BotStart),
    /// Attach a file to a deal.
    AttachFile(FileDraft),
}

/// A change of a deal. Sending it twice is harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeadUpdate {
    /// The deal.
    pub lead: LeadId,
    /// The stage to move it to.
    pub stage: Option<StageMove>,
    /// Its price in the account's currency.
    pub price: Option<Price>,
    /// Its custom fields.
    pub fields: Vec<FieldValue>,
}

/// A move to another stage of the same pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StageMove {
    /// The pipeline. Kommo needs it with 142 and 143, which every pipeline has.
    pub pipeline: PipelineId,
    /// Where the deal was when this was decided. One that a person has moved since is won in the pipeline where it is by
    /// then; where it is closed already, it stays.
    pub from: StatusId,
    /// Where it goes.
    pub to: StatusId,
}

/// Kommo refuses longer values of `text` fields through its API, and with them the whole deal.
pub(crate) const LONGEST_TEXT: usize = 256;

/// A value for one of the fields of [`Fields`](crate::Fields).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldValue {
    /// Which one.
    pub field: Field,
    /// What it becomes.
    pub value: Value,
}

/// The fields that can be written, named as in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it; their meaning stands with `Fields`")]
pub enum Field {
    TransactionId,
    InvoiceNumber,
    PlanName,
    PaymentCurrency,
    SubscriptionId,
    NextBillingDate,
    SubscriptionStatus,
    PaymentStatus,
    LastPaymentDate,
    SubscriptionEnds,
    AmountPaid,
    TaxPaid,
    TotalPaid,
    TotalRefunded,
    TotalNet,
    MonthlyRecurringRevenue,
    CheckoutUrl,
}

impl Field {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::TransactionId,
        Self::InvoiceNumber,
        Self::PlanName,
        Self::PaymentCurrency,
        Self::SubscriptionId,
        Self::NextBillingDate,
        Self::SubscriptionStatus,
        Self::PaymentStatus,
        Self::LastPaymentDate,
        Self::SubscriptionEnds,
        Self::AmountPaid,
        Self::TaxPaid,
        Self::TotalPaid,
        Self::TotalRefunded,
        Self::TotalNet,
        Self::MonthlyRecurringRevenue,
        Self::CheckoutUrl,
    ];

    /// Whether it tells of everything that is known, not of one event: then the newest knowledge counts, whichever
    /// event brought it.
    pub(crate) const fn is_derived(self) -> bool {
        matches!(self, Self::PaymentStatus | Self::TotalPaid | Self::TotalRefunded | Self::TotalNet)
    }

    /// Whether it tells of a subscription, as it is now.
    pub(crate) const fn is_of_subscription(self) -> bool {
        matches!(
            self,
            Self::SubscriptionId
                | Self::SubscriptionStatus
                | Self::PlanName
                | Self::NextBillingDate
                | Self::SubscriptionEnds
                | Self::MonthlyRecurringRevenue
        )
    }

    /// Whether it holds a day.
    pub(crate) const fn is_date(self) -> bool {
        matches!(self, Self::NextBillingDate | Self::LastPaymentDate | Self::SubscriptionEnds)
    }

    /// The key of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransactionId => "transaction_id",
            Self::InvoiceNumber => "invoice_number",
            Self::PlanName => "plan_name",
            Self::PaymentCurrency => "payment_currency",
            Self::SubscriptionId => "subscription_id",
            Self::NextBillingDate => "next_billing_date",
            Self::SubscriptionStatus => "subscription_status",
            Self::PaymentStatus => "payment_status",
            Self::LastPaymentDate => "last_payment_date",
            Self::SubscriptionEnds => "subscription_ends",
            Self::AmountPaid => "amount_paid",
            Self::TaxPaid => "tax_paid",
            Self::TotalPaid => "total_paid",
            Self::TotalRefunded => "total_refunded",
            Self::TotalNet => "total_net",
            Self::MonthlyRecurringRevenue => "monthly_recurring_revenue",
            Self::CheckoutUrl => "checkout_url",
        }
    }
}

/// What a field becomes; how it is written depends on the type that the field has in Kommo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Value {
    /// A text.
    Text(String),
    /// A sum, as people write it, without its currency.
    Amount(String),
    /// A moment.
    Date(#[serde(with = "time::serde::rfc3339")] OffsetDateTime),
    /// Nothing: the field is emptied.
    Empty,
}

impl Value {
    /// As it is remembered, to be compared with.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Text(text) | Self::Amount(text) => text.clone(),
            Self::Date(at) => at.unix_timestamp().to_string(),
            Self::Empty => String::new(),
        }
    }
}

/// A note, without its marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoteDraft {
    /// The deal.
    pub lead: LeadId,
    /// What the rep reads.
    pub text: String,
    /// Whether it fires no trigger of Kommo's digital pipeline: what happened long ago is no reason to write to the
    /// customer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
}

/// A task, without its marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskDraft {
    /// The deal.
    pub lead: LeadId,
    /// What the rep reads.
    pub text: String,
    /// Kommo's task type.
    pub type_id: u64,
    /// When it is due.
    #[serde(with = "time::serde::rfc3339")]
    pub due_at: OffsetDateTime,
    /// Who may get it, the best first. The first that is an active user does; none: the token's user.
    pub responsible: Vec<UserId>,
}

/// A task of ours that goes on, with another text, without its marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskRefresh {
    /// The deal.
    pub lead: LeadId,
    /// The event that made the task.
    pub event_id: String,
    /// The effect that made it.
    pub effect: String,
    /// What the rep reads from now on; none: what it says already.
    pub text: Option<String>,
    /// When it is due from now on.
    #[serde(with = "time::serde::rfc3339")]
    pub due_at: OffsetDateTime,
}

/// The end of a task of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskCompletion {
    /// The deal.
    pub lead: LeadId,
    /// The event that made the task.
    pub event_id: String,
    /// The effect that made it.
    pub effect: String,
    /// Its result.
    pub result: String,
}

impl From<LeadUpdate> for Effect {
    fn from(update: LeadUpdate) -> Self {
        Self::UpdateLead(update)
    }
}

impl From<NoteDraft> for Effect {
    fn from(note: NoteDraft) -> Self {
        Self::AddNote(note)
    }
}

impl From<TaskDraft> for Effect {
    fn from(task: TaskDraft) -> Self {
        Self::AddTask(task)
    }
}

impl From<TaskRefresh> for Effect {
    fn from(refresh: TaskRefresh) -> Self {
        Self::RefreshTask(refresh)
    }
}

impl From<TaskCompletion> for Effect {
    fn from(completion: TaskCompletion) -> Self {
        Self::CompleteTask(completion)
    }
}

impl Effect {
    /// Another deal is meant.
    pub(crate) const fn move_to(&mut self, meant: LeadId) {
        let lead = match self {
            Self::UpdateLead(update) => &mut update.lead,
            Self::AddNote(note) => &mut note.lead,
            Self::AddTask(task) => &mut task.lead,
            Self::RefreshTask(task) => &mut task.lead,
            Self::CompleteTask(task) => &mut task.lead,
            Self::CreateLead(draft) => &mut draft.lead,
            Self::NameLead(naming) => &mut naming.lead,
            Self::AddTag(tag) => &mut tag.lead,
            Self::StartBot(bot) => &mut bot.lead,
            Self::AttachFile(file) => &mut file.lead,
        };
        *lead = meant;
    }

    /// The deal it changes; of a new deal, the one that was paid for.
    #[must_use]
    pub const fn lead(&self) -> LeadId {
        match self {
            Self::UpdateLead(update) => update.lead,
            Self::AddNote(note) => note.lead,
            Self::AddTask(task) => task.lead,
            Self::RefreshTask(task) => task.lead,
            Self::CompleteTask(task) => task.lead,
            Self::CreateLead(draft) => draft.lead,
            Self::NameLead(naming) => naming.lead,
            Self::AddTag(tag) => tag.lead,
            Self::StartBot(bot) => bot.lead,
            Self::AttachFile(file) => file.lead,
        }
    }
}
