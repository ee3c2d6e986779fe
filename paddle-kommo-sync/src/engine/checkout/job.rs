//! The job: what is kept of a wish until it is carried out.

use kommo_client::{AccountId, LeadId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::checkout::{Checkout, known, next::Again};

/// A checkout link is wanted for a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct CheckoutJob {
    pub(super) wanted: Wanted,
    /// When it was asked for, or the deal was changed, in nanoseconds or seconds: two wishes of one deal differ by it.
    at: i128,
}

/// Who wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    /// Whoever called, and waits for the answer.
    ByCall(Checkout),
    /// The deal came to the stage, as Kommo says without a signature.
    ByStage {
        lead: LeadId,
        /// The account that it claims to be of.
        account: Option<AccountId>,
        /// What a look saw that it sells: Kommo counts changes by the second, and two may fall into one.
        #[serde(default)]
        seen: String,
    },
}

impl CheckoutJob {
    /// A call, at this moment.
    pub(super) fn by_call(checkout: Checkout, now: OffsetDateTime) -> Self {
        Self { wanted: Wanted::ByCall(checkout), at: now.unix_timestamp_nanos() }
    }

    /// A deal that was changed at this moment, by Kommo's clock, as a webhook tells.
    pub(super) fn by_webhook(
        lead: LeadId,
        account: Option<AccountId>,
        changed_at: OffsetDateTime,
    ) -> Self {
        let wanted = Wanted::ByStage { lead, account, seen: String::new() };
        Self { wanted, at: changed_at.unix_timestamp().into() }
    }

    /// The same as a look at the stage has seen it.
    pub(super) fn by_look(lead: LeadId, changed_at: OffsetDateTime, fingerprint: String) -> Self {
        let wanted = Wanted::ByStage { lead, account: None, seen: fingerprint };
        Self { wanted, at: changed_at.unix_timestamp().into() }
    }

    /// The deal.
    pub(in crate::engine) fn lead(&self) -> LeadId {
        match &self.wanted {
            Wanted::ByCall(checkout) => checkout.lead,
            Wanted::ByStage { lead, .. } => *lead,
        }
    }

    /// Whether nobody waits for the answer.
    pub(super) fn is_by_stage(&self) -> bool {
        matches!(self.wanted, Wanted::ByStage { .. })
    }

    pub(super) fn again(&self) -> Again {
        match &self.wanted {
            Wanted::ByCall(checkout) if checkout.anew => Again::IfPaid,
            Wanted::ByCall(_) => Again::No,
            Wanted::ByStage { .. } => Again::IfCanceled,
        }
    }

    /// The id of the job after its kind. One change of a deal is one wish, however often it is told; two calls are two.
    pub(in crate::engine) fn id(&self) -> String {
        let lead = self.lead();
        match &self.wanted {
            Wanted::ByStage { seen, .. } if seen.is_empty() => format!("{lead}:{}", self.at),
            Wanted::ByStage { seen, .. } => format!("{lead}:{}:{seen}", self.at),
            Wanted::ByCall(checkout) => {
                let mut hash = Sha256::new();
                for item in &checkout.items {
                    hash.update(format!("{} {};", item.price, item.quantity));
                }
                hash.update([u8::from(checkout.anew)]);
                let digest = hex::encode(hash.finalize().get(..4).unwrap_or_default());
                format!("{lead}:call:{}:{digest}", self.at)
            }
        }
    }
}

/// The lane of the checkouts of a deal.
pub(in crate::engine) fn lane(lead: LeadId) -> String {
    known::entity(lead)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_change_told_twice_is_one_job_and_two_calls_are_two() {
        let lead = LeadId::new(7);
        let at = datetime!(2026-01-15 12:00:00.5 UTC);
        let stage = |account, at| CheckoutJob::by_webhook(lead, account, at).id();
        assert_eq!(
            stage(None, at),
            stage(Some(AccountId::new(5)), datetime!(2026-01-15 12:00 UTC))
        );
        assert_ne!(stage(None, at), stage(None, datetime!(2026-01-15 12:00:01 UTC)));
        let call = |checkout: Checkout, at| CheckoutJob::by_call(checkout, at).id();
        let plain = || Checkout::for_lead(lead);
        assert_ne!(call(plain(), at), call(plain(), datetime!(2026-01-15 12:00:00.6 UTC)));
        assert_ne!(call(plain(), at), call(plain().item("pri_1".into(), 1), at));
        assert_ne!(call(plain(), at), call(plain().anew(), at));
        assert_ne!(call(plain(), at), stage(None, at));
        let look = |seen: &str| CheckoutJob::by_look(lead, at, seen.to_owned()).id();
        assert_eq!(look("a"), look("a"));
        assert_ne!(look("a"), look("b"));
    }
}
