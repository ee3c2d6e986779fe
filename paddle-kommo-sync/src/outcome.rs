//! What became of an event.

use std::fmt;

use kommo_client::LeadId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::plan::{Field, Reason};

/// What became of an event. Kept with it for ever; a later delivery of the same event gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
#[non_exhaustive]
pub enum Outcome {
    /// All its effects are in Kommo.
    Done(Done),
    /// It was decided in shadow mode: nothing is written.
    Shadowed {
        /// The deal.
        lead: LeadId,
        /// The rules that answered.
        reasons: Vec<Reason>,
        /// What would have been written, one line for each difference.
        would: Vec<String>,
    },
    /// It has no effects in Kommo.
    Ignored {
        /// Why.
        reason: Reason,
    },
    /// It is durable and goes on by itself, at the earliest at `until`: [`Sync::run`](crate::Sync::run) does that.
    Waiting {
        /// Why.
        reason: String,
        /// Not before.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
    },
    /// It needs a person. What was done before stays done.
    Parked(Parked),
    /// Something stands in the way of what a call asked for. The caller was told; nothing waits for a person.
    Refused(Parked),
}

/// An event whose effects are all in Kommo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Done {
    /// The deal it concerned.
    pub lead: Option<LeadId>,
    /// The rules that answered.
    pub reasons: Vec<Reason>,
    /// Values that could not be written, and why. They never hold up the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// A value that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// What was left out.
    pub what: LeftOutPart,
    /// Why, in words for the operator.
    pub why: String,
}

/// What can be left out of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftOutPart {
    /// A custom field.
    Field(Field),
    /// The price.
    Price,
    /// The decimals of the price: it was rounded to whole units.
    Decimals,
    /// The user that a task or a new deal was meant for.
    Responsible,
    /// A contact of a new deal.
    Contact,
    /// The type that a task was meant to have: it has Kommo's own.
    TaskType,
}

impl fmt::Display for LeftOutPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Field(field) => field.as_str(),
            Self::Price => "price",
            Self::Decimals => "decimals of the price",
            Self::Responsible => "responsible user",
            Self::Contact => "contact",
            Self::TaskType => "task type",
        })
    }
}

/// An event that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parked {
    /// What is wrong.
    pub reason: ParkReason,
    /// What Kommo or we can say about it, and the way out. Holds no payload and no e-mail address.
    pub detail: String,
    /// Deals that may be meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<LeadId>,
}

impl Parked {
    pub(crate) fn new(reason: ParkReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), candidates: Vec::new() }
    }

    pub(crate) fn deal_gone(lead: LeadId) -> Self {
        let detail =
            format!("deal {lead} does not exist (any more): link the event to another deal");
        Self::new(ParkReason::DealGone, detail).candidates(vec![lead])
    }

    pub(crate) fn candidates(self, candidates: Vec<LeadId>) -> Self {
        Self { candidates, ..self }
    }
}

/// Why an event needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ParkReason {
    /// `custom_data.kommo_lead_id` is not the id of a lead.
    LeadIdUnreadable,
    /// No deal is named, and none can be found.
    NoDeal,
    /// More than one deal may be meant.
    AmbiguousDeal,
    /// The deal does not exist in Kommo (any more).
    DealGone,
    /// The deal is lost, and the configuration does not let a payment win it.
    DealLost,
    /// What was paid is not what the deal says: less, another currency, or another plan.
    PriceDiffers,
    /// The signed reference to the deal is not valid, or has expired.
    DealRefInvalid,
    /// The deal is named without a signature, and nothing confirms that it is the customer's.
    LinkNotConfirmed,
    /// The body is authentic, but not an event.
    Unreadable,
    /// The event is of a known type, but its data has an unexpected shape.
    UnexpectedShape,
    /// Kommo refuses a write for a reason that a retry cannot mend.
    Refused,
    /// A write got no answer, and Kommo cannot be asked whether it happened.
    Unconfirmed,
    /// Paddle has no such invoice or credit note, or what it gave cannot be one.
    NoDocument,
    /// A deal cannot get its checkout link: what it sells is not told, or Paddle does not take it.
    CheckoutNotPossible,
    /// The event stopped its worker several times.
    Poison,
}

impl ParkReason {
    /// All reasons, in the order of the documentation.
    pub const ALL: &[Self] = &[
        Self::NoDeal,
        Self::AmbiguousDeal,
        Self::LeadIdUnreadable,
        Self::DealGone,
        Self::DealLost,
        Self::PriceDiffers,
        Self::DealRefInvalid,
        Self::LinkNotConfirmed,
        Self::UnexpectedShape,
        Self::Unreadable,
        Self::Refused,
        Self::Unconfirmed,
        Self::NoDocument,
        Self::CheckoutNotPossible,
        Self::Poison,
    ];

    /// The stable code, for example `deal_gone`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LeadIdUnreadable => "lead_id_unreadable",
            Self::NoDeal => "no_deal",
            Self::AmbiguousDeal => "ambiguous_deal",
            Self::DealGone => "deal_gone",
            Self::DealLost => "deal_lost",
            Self::PriceDiffers => "price_differs",
            Self::DealRefInvalid => "deal_ref_invalid",
            Self::LinkNotConfirmed => "link_not_confirmed",
            Self::Unreadable => "unreadable",
            Self::UnexpectedShape => "unexpected_shape",
            Self::Refused => "refused",
            Self::Unconfirmed => "unconfirmed",
            Self::NoDocument => "no_document",
            Self::CheckoutNotPossible => "checkout_not_possible",
            Self::Poison => "poison",
        }
    }
}

impl fmt::Display for ParkReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(done) => {
                f.write_str("done:")?;
                done.reasons.iter().try_for_each(|reason| write!(f, " {reason}"))
            }
            Self::Shadowed { reasons, .. } => {
                f.write_str("shadowed:")?;
                reasons.iter().try_for_each(|reason| write!(f, " {reason}"))
            }
            Self::Ignored { reason } => write!(f, "ignored: {reason}"),
            Self::Waiting { reason, .. } => write!(f, "waiting: {reason}"),
            Self::Parked(parked) => write!(f, "parked: {} ({})", parked.reason, parked.detail),
            Self::Refused(parked) => write!(f, "refused: {} ({})", parked.reason, parked.detail),
        }
    }
}

/// Answer to [`Sync::accept`](crate::Sync::accept): the delivery is on disk, whatever it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepted {
    /// The event is new.
    New,
    /// The event was taken in before, and nothing happens twice.
    Duplicate,
    /// The body is authentic, but not an event: it was kept for a person to look at.
    Unreadable,
}
