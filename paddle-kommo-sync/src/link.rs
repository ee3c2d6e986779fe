//! Which deal is meant: the ladder, and which rung of it answered.

use async_trait::async_trait;
use kommo_client::{Client, LeadId};
use paddle_webhook::{CustomerId, EventData};

use crate::{
    config::Stages,
    decide::custom_data,
    error::LookupError,
    outcome::{ParkReason, Parked},
    store::LinkRow,
};

/// Tells the e-mail address of a Paddle customer. Webhooks carry the customer's id only.
///
/// It is asked when nothing else ties an event to a deal, and no `customer.*` event told the address before.
///
/// # Cancel safety
///
/// The future may be dropped at any point.
#[async_trait]
pub trait CustomerLookup: std::fmt::Debug + Send + Sync + 'static {
    /// The address, or none when Paddle does not know the customer.
    ///
    /// # Errors
    ///
    /// When it cannot be told now; the event waits and asks again.
    async fn email(&self, customer: &CustomerId) -> Result<Option<String>, LookupError>;
}

/// The rung of the ladder that answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// A person said so.
    Person,
    /// `custom_data.kommo_lead_id`.
    LeadId,
    /// An earlier event of the same transaction.
    Transaction,
    /// An earlier event of the same subscription.
    Subscription,
    /// An earlier event of the same customer.
    Customer,
    /// The one open deal of the contact with the customer's e-mail address.
    Email,
}

impl Rung {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::LeadId => "lead_id",
            Self::Transaction => "transaction",
            Self::Subscription => "subscription",
            Self::Customer => "customer",
            Self::Email => "email",
        }
    }
}

/// What an event says about the deal it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct References {
    pub(crate) lead: LeadReference,
    pub(crate) transaction: Option<String>,
    pub(crate) subscription: Option<String>,
    pub(crate) customer: Option<String>,
}

/// `custom_data.kommo_lead_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeadReference {
    Absent,
    Lead(LeadId),
    Unreadable,
}

/// What the ladder says without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rungs {
    Found(LeadId, Rung),
    Parked(Parked),
    /// No rung that needs no question answered.
    Silent,
}

impl References {
    pub(crate) fn of(data: &EventData) -> Self {
        let mut references =
            Self { lead: lead(data), transaction: None, subscription: None, customer: None };
        let text = |id: &str| Some(id.to_owned()).filter(|id| !id.is_empty());
        if let Some(transaction) = data.transaction() {
            references.transaction = text(transaction.id.as_str());
            references.subscription =
                transaction.subscription_id.as_ref().and_then(|id| text(id.as_str()));
            references.customer = transaction.customer_id.as_ref().and_then(|id| text(id.as_str()));
        } else if let Some(subscription) = data.subscription() {
            // Only `subscription.created` names the transaction that began it.
            references.transaction =
                subscription.transaction_id.as_ref().and_then(|id| text(id.as_str()));
            references.subscription = text(subscription.id.as_str());
            references.customer =
                subscription.customer_id.as_ref().and_then(|id| text(id.as_str()));
        } else if let Some(adjustment) = data.adjustment() {
            references.transaction =
                adjustment.transaction_id.as_ref().and_then(|id| text(id.as_str()));
            references.subscription =
                adjustment.subscription_id.as_ref().and_then(|id| text(id.as_str()));
            references.customer = adjustment.customer_id.as_ref().and_then(|id| text(id.as_str()));
        } else if let Some(customer) = data.customer() {
            references.customer = text(customer.id.as_str());
        }
        references
    }

    /// The Paddle entities of the event, the most particular first.
    pub(crate) fn entities(&self) -> Vec<&str> {
        [&self.transaction, &self.subscription, &self.customer]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect()
    }

    /// The rungs that answer from the event and from what is stored.
    pub(crate) fn answer(&self, links: &[LinkRow]) -> Rungs {
        if let Some(link) = links.iter().find(|link| link.rung == Rung::Person.as_str()) {
            return Rungs::Found(link.lead, Rung::Person);
        }
        match self.lead {
            LeadReference::Lead(lead) => return Rungs::Found(lead, Rung::LeadId),
            LeadReference::Unreadable => {
                let detail = "custom_data.kommo_lead_id is not the id of a deal: link the event to the deal by hand";
                return Rungs::Parked(Parked::new(ParkReason::LeadIdUnreadable, detail));
            }
            LeadReference::Absent => {}
        }
        let learned = [
            (&self.transaction, Rung::Transaction),
            (&self.subscription, Rung::Subscription),
            (&self.customer, Rung::Customer),
        ];
        for (entity, rung) in learned {
            let Some(entity) = entity else { continue };
            let leads: Vec<LeadId> =
                links.iter().filter(|link| link.entity == *entity).map(|link| link.lead).collect();
            match leads.as_slice() {
                [] => {}
                [lead] => return Rungs::Found(*lead, rung),
                _ => {
                    let detail = format!(
                        "this {} paid for several deals: say which one is meant",
                        rung.as_str()
                    );
                    return Rungs::Parked(
                        Parked::new(ParkReason::AmbiguousDeal, detail).candidates(leads),
                    );
                }
            }
        }
        Rungs::Silent
    }

    /// The lane of the event: its deal, as far as known, else its customer.
    pub(crate) fn lane(&self, links: &[LinkRow], event_id: &str) -> String {
        match (self.answer(links), &self.customer) {
            (Rungs::Found(lead, _), _) => lane(lead),
            (_, Some(customer)) => customer.clone(),
            // Never one lane for all that have none: they would wait for each other.
            (_, None) => event_id.to_owned(),
        }
    }

    /// What this event teaches once its deal is known: its entities belong to that deal.
    pub(crate) fn links(&self, lead: LeadId, rung: Rung) -> Vec<LinkRow> {
        self.entities()
            .into_iter()
            .map(|entity| crate::store::link(entity, lead, rung.as_str()))
            .collect()
    }
}

/// The lane of a deal.
pub(crate) fn lane(lead: LeadId) -> String {
    format!("lead:{lead}")
}

fn lead(data: &EventData) -> LeadReference {
    let Some(custom_data) = custom_data(data) else { return LeadReference::Absent };
    match custom_data.u64("kommo_lead_id") {
        Ok(None) => LeadReference::Absent,
        // What does not fit a signed number cannot be a row of any database, Kommo's included.
        Ok(Some(id)) if id > 0 && i64::try_from(id).is_ok() => LeadReference::Lead(LeadId::new(id)),
        Ok(Some(_)) | Err(_) => LeadReference::Unreadable,
    }
}

/// The last rung: the contact with exactly this address, and its one open deal.
pub(crate) async fn by_email(
    kommo: &Client,
    email: &str,
    stages: &Stages,
) -> Result<Result<LeadId, Parked>, kommo_client::Error> {
    let contacts = kommo.contacts().find_by_email(email).await?;
    let mut leads: Vec<LeadId> =
        contacts.iter().flat_map(|contact| contact.lead_ids.iter().copied()).collect();
    leads.sort_unstable();
    leads.dedup();
    let read = kommo.leads().list_by_ids(&leads).await?;
    let is_open = |lead: &&kommo_client::Lead| {
        let won = lead.pipeline_id.map(|pipeline| stages.won(pipeline));
        lead.is_open() && (lead.status_id.is_none() || lead.status_id != won)
    };
    let open: Vec<LeadId> = read.iter().filter(is_open).map(|lead| lead.id).collect();
    Ok(match open.as_slice() {
        [lead] => Ok(*lead),
        [] => {
            let detail = "no deal is named, and the customer's contact has no open deal: link the event to a deal by hand";
            Err(Parked::new(ParkReason::NoDeal, detail).candidates(leads))
        }
        _ => {
            let detail = "no deal is named, and the customer's contacts have several open deals: say which one is meant";
            Err(Parked::new(ParkReason::AmbiguousDeal, detail).candidates(open))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(lead: LeadReference) -> References {
        let text = |id: &str| Some(id.to_owned());
        References {
            lead,
            transaction: text("txn_1"),
            subscription: text("sub_1"),
            customer: text("ctm_1"),
        }
    }

    fn row(entity: &str, lead: u64, rung: Rung) -> LinkRow {
        crate::store::link(entity, LeadId::new(lead), rung.as_str())
    }

    #[test]
    fn the_first_rung_that_answers_wins() {
        let learned = [
            row("ctm_1", 5, Rung::Email),
            row("sub_1", 4, Rung::LeadId),
            row("txn_1", 3, Rung::LeadId),
        ];
        let person = [row("ctm_1", 1, Rung::Person), row("txn_1", 3, Rung::LeadId)];
        let named = LeadReference::Lead(LeadId::new(2));
        for (name, lead, links, want) in [
            ("a person", named, &person[..], Rungs::Found(LeadId::new(1), Rung::Person)),
            ("the id in the event", named, &learned, Rungs::Found(LeadId::new(2), Rung::LeadId)),
            (
                "the transaction",
                LeadReference::Absent,
                &learned,
                Rungs::Found(LeadId::new(3), Rung::Transaction),
            ),
            (
                "the subscription",
                LeadReference::Absent,
                &learned[..2],
                Rungs::Found(LeadId::new(4), Rung::Subscription),
            ),
            (
                "the customer",
                LeadReference::Absent,
                &learned[..1],
                Rungs::Found(LeadId::new(5), Rung::Customer),
            ),
            ("nobody", LeadReference::Absent, &[], Rungs::Silent),
        ] {
            assert_eq!(references(lead).answer(links), want, "{name}");
        }
    }

    #[test]
    fn several_deals_of_one_customer_are_candidates() {
        let links = [row("ctm_1", 5, Rung::LeadId), row("ctm_1", 6, Rung::LeadId)];
        let Rungs::Parked(parked) = references(LeadReference::Absent).answer(&links) else {
            panic!("not parked")
        };
        assert_eq!(parked.reason, ParkReason::AmbiguousDeal);
        assert_eq!(parked.candidates, [LeadId::new(5), LeadId::new(6)]);
    }

    #[test]
    fn an_unreadable_id_is_not_replaced_by_a_guess() {
        let links = [row("txn_1", 3, Rung::LeadId)];
        let Rungs::Parked(parked) = references(LeadReference::Unreadable).answer(&links) else {
            panic!("not parked")
        };
        assert_eq!(parked.reason, ParkReason::LeadIdUnreadable);
    }

    #[test]
    fn what_has_no_deal_and_no_customer_has_a_lane_of_its_own() {
        let nothing = References {
            lead: LeadReference::Absent,
            transaction: None,
            subscription: None,
            customer: None,
        };
        assert_eq!(nothing.lane(&[], "evt_1"), "evt_1");
        assert_eq!(references(LeadReference::Absent).lane(&[], "evt_1"), "ctm_1");
        assert_eq!(references(LeadReference::Lead(LeadId::new(7))).lane(&[], "evt_1"), "lead:7");
    }
}
