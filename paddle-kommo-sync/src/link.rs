//! Which deal is meant: the ladder, and which rung of it answered.

mod email;
mod opened;

use async_trait::async_trait;
use kommo_client::{AccountId, LeadId};
use paddle_webhook::{CustomData, CustomerId, Event, EventData};
use time::OffsetDateTime;

pub(crate) use self::{
    email::{by_email, is_confirmed},
    opened::{is_opened_after, opened_after},
};
use crate::{
    config::UnsignedLinks,
    deal_ref::{self, DealRef, DealRefKey},
    decide::custom_data,
    error::LookupError,
    outcome::{ParkReason, Parked},
    paddle::TransactionReferences,
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
    /// `custom_data.kommo_ref`, signed.
    Signed,
    /// `custom_data.kommo_lead_id`.
    LeadId,
    /// An earlier event of the same transaction.
    Transaction,
    /// An earlier event of the same subscription.
    Subscription,
    /// An earlier event of the same customer.
    Customer,
    /// What Paddle says of the transaction when asked.
    Lookup,
    /// The one open deal of the contact with the customer's e-mail address.
    Email,
}

impl Rung {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Signed => "signed",
            Self::LeadId => "lead_id",
            Self::Transaction => "transaction",
            Self::Subscription => "subscription",
            Self::Customer => "customer",
            Self::Lookup => "lookup",
            Self::Email => "email",
        }
    }
}

/// What an event says about the deal it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct References {
    pub(crate) lead: LeadReference,
    /// `custom_data.kommo_ref` as it came.
    pub(crate) signed: Option<String>,
    /// When a first payment happened, if that is what the event tells: a signed reference may have ended before.
    pub(crate) first_paid_at: Option<OffsetDateTime>,
    pub(crate) transaction: Option<String>,
    pub(crate) subscription: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) source: Source,
}

/// Who tells what the transaction says of its deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The event: it is about the transaction, or has custom data of its own.
    Event,
    /// Nobody so far: the event only names the transaction.
    Nobody,
    /// Paddle, when asked.
    Lookup,
}

/// What `custom_data.kommo_ref` says.
enum Signed {
    /// There is none, or no key to read it with.
    Silent,
    /// None of our keys has signed it.
    Unknown(Rungs),
    Answer(Rungs),
}

/// `custom_data.kommo_lead_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeadReference {
    Absent,
    Lead(LeadId),
    Unreadable,
}

/// What is needed to tell whom to believe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust<'a> {
    /// The keys of signed references. None: everything is believed, as there is nothing better.
    pub(crate) keys: &'a [DealRefKey],
    /// The Kommo account, once it is known.
    pub(crate) account: Option<AccountId>,
    pub(crate) unsigned: UnsignedLinks,
}

/// What the ladder says without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rungs {
    Found(LeadId, Rung),
    /// This one, if the customer's address is that of one of its contacts.
    Confirm(LeadId),
    Parked(Parked),
    /// No rung that needs no question answered.
    Silent,
}

impl References {
    pub(crate) fn of(data: &EventData) -> Self {
        let mut references = Self {
            lead: custom_data(data).map_or(LeadReference::Absent, lead),
            signed: custom_data(data).and_then(|data| data.text(deal_ref::KEY)),
            first_paid_at: None,
            transaction: None,
            subscription: None,
            customer: None,
            source: Source::Event,
        };
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
            references.source = Source::Nobody;
        } else if let Some(customer) = data.customer() {
            references.customer = text(customer.id.as_str());
        }
        references
    }

    /// With what Paddle says of the transaction.
    #[must_use]
    pub(crate) fn looked_up(self, said: &TransactionReferences) -> Self {
        let text = |id: Option<&str>| id.filter(|id| !id.is_empty()).map(str::to_owned);
        let subscription = text(said.subscription_id.as_ref().map(AsRef::as_ref));
        let customer = text(said.customer_id.as_ref().map(AsRef::as_ref));
        Self {
            lead: lead(&said.custom_data),
            signed: said.custom_data.text(deal_ref::KEY),
            subscription: self.subscription.or(subscription),
            customer: self.customer.or(customer),
            source: Source::Lookup,
            ..self
        }
    }

    /// The transaction that Paddle is to be asked of, after an answer like this.
    pub(crate) fn to_look_up(&self, answer: &Rungs) -> Option<&str> {
        let is_open = match answer {
            Rungs::Silent => true,
            // By what the customer bought before; the transaction itself may say which it is.
            Rungs::Parked(parked) => parked.reason == ParkReason::AmbiguousDeal,
            Rungs::Found(..) | Rungs::Confirm(_) => false,
        };
        self.transaction.as_deref().filter(|_| is_open && self.source == Source::Nobody)
    }

    /// The rung of what the transaction says itself.
    pub(crate) fn own(&self, rung: Rung) -> Rung {
        if self.source == Source::Lookup { Rung::Lookup } else { rung }
    }

    /// What an event says, with when it happened.
    pub(crate) fn of_event(event: &Event, data: &EventData) -> Self {
        let is_first = matches!(data, EventData::TransactionCompleted(transaction) if transaction.is_first_payment());
        Self { first_paid_at: is_first.then(|| event.occurred_at()), ..Self::of(data) }
    }

    /// The Paddle entities of the event, the most particular first.
    pub(crate) fn entities(&self) -> Vec<&str> {
        [&self.transaction, &self.subscription, &self.customer]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect()
    }

    /// The rungs that answer from the event and from what is stored.
    pub(crate) fn answer(&self, links: &[LinkRow], trust: Trust<'_>) -> Rungs {
        let person = |link: &&LinkRow| link.rung == Rung::Person.as_str();
        // Of the sale only: what a person said of the customer was said about another sale, perhaps, and must not speak
        // over what this one says of itself. The more particular first.
        let mut sale = [&self.transaction, &self.subscription].into_iter().flatten();
        if let Some(link) = sale.find_map(|entity| of(links, entity).find(person)) {
            return Rungs::Found(link.lead, Rung::Person);
        }
        match self.signed(trust) {
            Signed::Answer(answer) => return answer,
            Signed::Unknown(parked) if self.first_paid_at.is_some() => return parked,
            // Perhaps by a key that was given up since. What it said while it was believed still stands: the buyer cannot
            // change what a subscription carries.
            Signed::Unknown(parked) => return self.taught(links).unwrap_or(parked),
            Signed::Silent => {}
        }
        let believed = trust.keys.is_empty() || trust.unsigned == UnsignedLinks::Accept;
        match self.lead {
            LeadReference::Lead(lead) if believed => {
                return Rungs::Found(lead, self.own(Rung::LeadId));
            }
            LeadReference::Unreadable => {
                let detail = "custom_data.kommo_lead_id is not the id of a deal: link the event to the deal by hand";
                return Rungs::Parked(Parked::new(ParkReason::LeadIdUnreadable, detail));
            }
            LeadReference::Lead(_) | LeadReference::Absent => {}
        }
        let learned = [
            (&self.transaction, Rung::Transaction),
            (&self.subscription, Rung::Subscription),
            (&self.customer, Rung::Customer),
        ];
        // Where an unsigned id is only a hint, what the customer's other purchases taught must not speak over it.
        let hinted = matches!(self.lead, LeadReference::Lead(_));
        for (entity, rung) in
            learned.into_iter().filter(|(_, rung)| !(hinted && *rung == Rung::Customer))
        {
            let Some(entity) = entity else { continue };
            // Only the customer's is left here. It settles which of several deals is meant; what is learned by it is not
            // a person's word on this sale.
            if let Some(link) = of(links, entity).find(person) {
                return Rungs::Found(link.lead, rung);
            }
            let leads: Vec<LeadId> = of(links, entity).map(|link| link.lead).collect();
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
        match (self.lead, trust.unsigned) {
            (LeadReference::Lead(lead), UnsignedLinks::Park) => {
                let detail =
                    "the deal is named without a signature: link the event to the deal by hand";
                Rungs::Parked(
                    Parked::new(ParkReason::LinkNotConfirmed, detail).candidates(vec![lead]),
                )
            }
            (LeadReference::Lead(lead), _) => Rungs::Confirm(lead),
            _ => Rungs::Silent,
        }
    }

    /// The one deal that this very sale was linked to before.
    fn taught(&self, links: &[LinkRow]) -> Option<Rungs> {
        let learned =
            [(&self.transaction, Rung::Transaction), (&self.subscription, Rung::Subscription)];
        learned.into_iter().find_map(|(entity, rung)| {
            let mut leads = of(links, entity.as_ref()?).map(|link| link.lead);
            let lead = leads.next()?;
            leads.next().is_none().then_some(Rungs::Found(lead, rung))
        })
    }

    fn signed(&self, trust: Trust<'_>) -> Signed {
        let signed = self.signed.as_deref();
        let Some(text) = signed.filter(|text| !text.is_empty() && !trust.keys.is_empty()) else {
            return Signed::Silent;
        };
        let parked = |detail: &str| Rungs::Parked(Parked::new(ParkReason::DealRefInvalid, detail));
        let Ok(reference) = DealRef::verify(text, trust.keys) else {
            return Signed::Unknown(parked(
                "custom_data.kommo_ref was not signed by one of our keys: link the event to the deal by hand",
            ));
        };
        if trust.account.is_some_and(|account| account != reference.account()) {
            return Signed::Answer(parked("custom_data.kommo_ref is for another Kommo account"));
        }
        if self.first_paid_at.is_some_and(|at| reference.is_expired_at(at)) {
            return Signed::Answer(parked(
                "custom_data.kommo_ref had expired when the customer paid: link the event to the deal by hand",
            ));
        }
        Signed::Answer(Rungs::Found(reference.lead(), self.own(Rung::Signed)))
    }

    /// The lane of the event: its deal, as far as known, else its customer.
    pub(crate) fn lane(&self, links: &[LinkRow], trust: Trust<'_>, event_id: &str) -> String {
        match (self.answer(links, trust), &self.customer) {
            (Rungs::Found(lead, _) | Rungs::Confirm(lead), _) => lane(lead),
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

/// The links of one entity.
fn of<'l>(links: &'l [LinkRow], entity: &str) -> impl Iterator<Item = &'l LinkRow> {
    links.iter().filter(move |link| link.entity == entity)
}

/// The lane of a deal.
pub(crate) fn lane(lead: LeadId) -> String {
    format!("lead:{lead}")
}

fn lead(custom_data: &CustomData) -> LeadReference {
    match custom_data.u64("kommo_lead_id") {
        Ok(None) => LeadReference::Absent,
        // What does not fit a signed number cannot be a row of any database, Kommo's included.
        Ok(Some(id)) if id > 0 && i64::try_from(id).is_ok() => LeadReference::Lead(LeadId::new(id)),
        Ok(Some(_)) | Err(_) => LeadReference::Unreadable,
    }
}

#[cfg(test)]
mod tests;
