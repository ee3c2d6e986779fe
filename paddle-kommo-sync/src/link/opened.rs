//! What it says that a deal was opened after a sale: it is about what the customer buys next.

use kommo_client::{Lead, LeadId};
use time::{Duration, OffsetDateTime};

use crate::{
    config::Unlinked,
    outcome::{ParkReason, Parked},
};

/// A deal may be opened for a sale that has just begun, by a form or by an automation. One that is opened later than so long
/// after is about something else.
const OPENED_FOR: Duration = Duration::days(1);

pub(crate) fn is_opened_after(lead: &Lead, began: OffsetDateTime) -> bool {
    lead.created_at.is_some_and(|at| at > began.saturating_add(OPENED_FOR))
}

/// The customer's other purchases lead to a deal that was opened after this sale: a person has to say that it is about this
/// one as well.
pub(crate) fn opened_after(lead: LeadId, unlinked: Unlinked) -> Parked {
    let reason = match unlinked {
        // Not to be looked for again when that deal is heard of: it is known.
        Unlinked::Park => ParkReason::AmbiguousDeal,
        Unlinked::Ignore => ParkReason::NoDeal,
    };
    let detail = format!(
        "no deal is named, and the customer's deal {lead} was opened after this sale: say which one is meant"
    );
    Parked::new(reason, detail).candidates(vec![lead])
}
