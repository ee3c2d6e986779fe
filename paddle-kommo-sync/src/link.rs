//! Which deal is meant: the ladder, and which rung of it answered.

use async_trait::async_trait;
use kommo_client::{AccountId, Client, Contact, Lead, LeadId};
use paddle_webhook::{CustomData, CustomerId, Event, EventData};
use time::OffsetDateTime;

use crate::{
    config::{Config, UnsignedLinks},
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
        if let Some(answer) = self.signed(trust) {
            return answer;
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

    /// What a signed reference says; nothing where there is none, or no key to read it with.
    fn signed(&self, trust: Trust<'_>) -> Option<Rungs> {
        let text =
            self.signed.as_deref().filter(|text| !text.is_empty() && !trust.keys.is_empty())?;
        let parked =
            |detail: &str| Some(Rungs::Parked(Parked::new(ParkReason::DealRefInvalid, detail)));
        let Ok(reference) = DealRef::verify(text, trust.keys) else {
            return parked(
                "custom_data.kommo_ref was not signed by one of our keys: link the event to the deal by hand",
            );
        };
        if trust.account.is_some_and(|account| account != reference.account()) {
            return parked("custom_data.kommo_ref is for another Kommo account");
        }
        if self.first_paid_at.is_some_and(|at| reference.is_expired_at(at)) {
            return parked(
                "custom_data.kommo_ref had expired when the customer paid: link the event to the deal by hand",
            );
        }
        Some(Rungs::Found(reference.lead(), self.own(Rung::Signed)))
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

/// Whether the customer with this address is a contact of the deal that an unsigned id names.
pub(crate) async fn is_confirmed(
    kommo: &Client,
    email: &str,
    lead: LeadId,
) -> Result<bool, kommo_client::Error> {
    let contacts = kommo.contacts().find_by_email(email).await?;
    Ok(contacts.iter().any(|contact| contact.lead_ids.contains(&lead)))
}

/// The last rung: the contact with exactly this address, and its one open deal.
pub(crate) async fn by_email(
    kommo: &Client,
    email: &str,
    config: &Config,
) -> Result<Result<LeadId, Parked>, kommo_client::Error> {
    let contacts = kommo.contacts().find_by_email(email).await?;
    let mut leads: Vec<LeadId> =
        contacts.iter().flat_map(|contact| contact.lead_ids.iter().copied()).collect();
    leads.sort_unstable();
    leads.dedup();
    let read = kommo.leads().list_by_ids(&leads).await?;
    let open: Vec<LeadId> = read
        .iter()
        .filter(|lead| standing(lead, config) == Standing::Open)
        .map(|lead| lead.id)
        .collect();
    let why = |candidates: &[LeadId]| why(candidates, &read, &contacts, config);
    Ok(match open.as_slice() {
        [lead] => Ok(*lead),
        [] => {
            let detail = format!(
                "no deal is named, and the customer's contact has no open deal{}: link the event to a deal by hand",
                why(&leads)
            );
            Err(Parked::new(ParkReason::NoDeal, detail).candidates(leads))
        }
        _ => {
            let detail = format!(
                "no deal is named, and the customer's contacts have several open deals{}: say which one is meant",
                why(&open)
            );
            Err(Parked::new(ParkReason::AmbiguousDeal, detail).candidates(open))
        }
    })
}

/// Whether a deal of the customer may be the one that was paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Won,
    Lost,
    /// What was made for a sale, for those who look after the customer, is not what the customer buys next.
    MadeForASale,
    Gone,
}

fn standing(lead: &Lead, config: &Config) -> Standing {
    let won = lead.pipeline_id.map(|pipeline| config.stages.won(pipeline));
    if lead.is_won() || (lead.status_id.is_some() && lead.status_id == won) {
        Standing::Won
    } else if lead.is_lost() {
        Standing::Lost
    } else if !lead.is_open() {
        Standing::Gone
    } else if lead.pipeline_id.is_some_and(|pipeline| config.makes_deals_in(pipeline)) {
        Standing::MadeForASale
    } else {
        Standing::Open
    }
}

/// Of each candidate how it stands, and by which contact it came up. Ids only: this ends up in logs.
fn why(candidates: &[LeadId], leads: &[Lead], contacts: &[Contact], config: &Config) -> String {
    const MOST: usize = 10;
    let each = candidates.iter().take(MOST).map(|id| {
        let lead = leads.iter().find(|lead| lead.id == *id);
        let standing = match lead.map_or(Standing::Gone, |lead| standing(lead, config)) {
            Standing::Open => "open",
            Standing::Won => "won",
            Standing::Lost => "lost",
            Standing::MadeForASale => "made for an earlier sale",
            Standing::Gone => "gone",
        };
        let of = contacts.iter().filter(|contact| contact.lead_ids.contains(id));
        let of: Vec<String> = of.map(|contact| contact.id.to_string()).collect();
        format!("deal {id} is {standing}, of contact {}", of.join(" and "))
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(lead: LeadReference) -> References {
        let text = |id: &str| Some(id.to_owned());
        References {
            lead,
            signed: None,
            first_paid_at: None,
            transaction: text("txn_1"),
            subscription: text("sub_1"),
            customer: text("ctm_1"),
            source: Source::Event,
        }
    }

    const EVERYTHING: Trust<'_> =
        Trust { keys: &[], account: None, unsigned: UnsignedLinks::ConfirmByEmail };

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
        let sale = [row("txn_1", 1, Rung::Person), row("sub_1", 6, Rung::Person)];
        let of_customer = [
            row("ctm_1", 5, Rung::LeadId),
            row("ctm_1", 7, Rung::Person),
            row("sub_1", 4, Rung::LeadId),
        ];
        let named = LeadReference::Lead(LeadId::new(2));
        for (name, lead, links, want) in [
            ("a person, of the sale", named, &sale[..], Rungs::Found(LeadId::new(1), Rung::Person)),
            (
                "a person, of the subscription",
                named,
                &sale[1..],
                Rungs::Found(LeadId::new(6), Rung::Person),
            ),
            (
                "the id in the event, whatever a person said of the customer",
                named,
                &of_customer,
                Rungs::Found(LeadId::new(2), Rung::LeadId),
            ),
            (
                "the subscription, whatever a person said of the customer",
                LeadReference::Absent,
                &of_customer,
                Rungs::Found(LeadId::new(4), Rung::Subscription),
            ),
            (
                "a person, of a customer with several deals",
                LeadReference::Absent,
                &of_customer[..2],
                Rungs::Found(LeadId::new(7), Rung::Customer),
            ),
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
            assert_eq!(references(lead).answer(links, EVERYTHING), want, "{name}");
        }
    }

    #[test]
    fn several_deals_of_one_customer_are_candidates() {
        let links = [row("ctm_1", 5, Rung::LeadId), row("ctm_1", 6, Rung::LeadId)];
        let Rungs::Parked(parked) = references(LeadReference::Absent).answer(&links, EVERYTHING)
        else {
            panic!("not parked")
        };
        assert_eq!(parked.reason, ParkReason::AmbiguousDeal);
        assert_eq!(parked.candidates, [LeadId::new(5), LeadId::new(6)]);
    }

    #[test]
    fn an_unreadable_id_is_not_replaced_by_a_guess() {
        let links = [row("txn_1", 3, Rung::LeadId)];
        let Rungs::Parked(parked) =
            references(LeadReference::Unreadable).answer(&links, EVERYTHING)
        else {
            panic!("not parked")
        };
        assert_eq!(parked.reason, ParkReason::LeadIdUnreadable);
    }

    #[test]
    fn with_keys_an_unsigned_id_is_only_a_hint() {
        let keys = [DealRefKey::new("k".repeat(40)).unwrap()];
        let trust = |unsigned| Trust { keys: &keys, account: Some(AccountId::new(31)), unsigned };
        let named = || references(LeadReference::Lead(LeadId::new(2)));
        let by_customer = [row("ctm_1", 5, Rung::Signed)];
        let by_person = [row("ctm_1", 5, Rung::Person)];
        let by_transaction = [row("txn_1", 6, Rung::Signed)];
        assert_eq!(
            named().answer(&[], trust(UnsignedLinks::Accept)),
            Rungs::Found(LeadId::new(2), Rung::LeadId)
        );
        for customer in [&by_customer, &by_person] {
            assert_eq!(
                named().answer(customer, trust(UnsignedLinks::ConfirmByEmail)),
                Rungs::Confirm(LeadId::new(2))
            );
        }
        assert_eq!(
            named().answer(&by_transaction, trust(UnsignedLinks::ConfirmByEmail)),
            Rungs::Found(LeadId::new(6), Rung::Transaction)
        );
        let Rungs::Parked(parked) = named().answer(&[], trust(UnsignedLinks::Park)) else {
            panic!("not parked")
        };
        assert_eq!(
            (parked.reason, parked.candidates),
            (ParkReason::LinkNotConfirmed, vec![LeadId::new(2)])
        );
    }

    #[test]
    fn a_signed_reference_counts_more_than_any_number() {
        let keys = [DealRefKey::new("k".repeat(40)).unwrap()];
        let end = time::macros::datetime!(2026-03-01 00:00 UTC);
        let reference = DealRef::new(LeadId::new(9), AccountId::new(31)).expires(end);
        let signed = |first_paid_at| References {
            signed: Some(reference.sign(&keys[0])),
            first_paid_at,
            ..references(LeadReference::Lead(LeadId::new(2)))
        };
        let trust = |account| Trust {
            keys: &keys,
            account: Some(AccountId::new(account)),
            unsigned: UnsignedLinks::Accept,
        };
        let found = Rungs::Found(LeadId::new(9), Rung::Signed);
        assert_eq!(
            signed(Some(end.saturating_sub(time::Duration::SECOND))).answer(&[], trust(31)),
            found
        );
        assert_eq!(signed(None).answer(&[], trust(31)), found, "a renewal after its end");
        let mut forged = signed(None);
        forged.signed = forged.signed.map(|text| text.replace("k1.9.", "k1.8."));
        for (name, answer) in [
            ("expired", signed(Some(end)).answer(&[], trust(31))),
            ("another account's", signed(None).answer(&[], trust(32))),
            ("forged", forged.answer(&[], trust(31))),
        ] {
            let Rungs::Parked(parked) = answer else { panic!("{name} is not parked") };
            assert_eq!(parked.reason, ParkReason::DealRefInvalid, "{name}");
        }
        assert_eq!(
            forged.answer(&[], EVERYTHING),
            Rungs::Found(LeadId::new(2), Rung::LeadId),
            "without keys"
        );
    }

    #[test]
    fn paddle_is_asked_of_a_transaction_that_nobody_has_told_of() {
        let adjustment =
            || References { source: Source::Nobody, ..references(LeadReference::Absent) };
        let answer = |links: &[LinkRow]| adjustment().answer(links, EVERYTHING);
        let ambiguous = [row("ctm_1", 5, Rung::LeadId), row("ctm_1", 6, Rung::LeadId)];
        for (name, references, links, want) in [
            ("nobody", adjustment(), &[][..], Some("txn_1")),
            ("the customer, of two deals", adjustment(), &ambiguous, Some("txn_1")),
            ("the customer", adjustment(), &ambiguous[..1], None),
            ("the event is the transaction's", references(LeadReference::Absent), &[], None),
            ("no transaction", References { transaction: None, ..adjustment() }, &[], None),
        ] {
            assert_eq!(references.to_look_up(&answer(links)), want, "{name}");
        }
    }

    #[test]
    fn what_paddle_says_of_a_transaction_is_a_rung_of_its_own() {
        let adjustment = References {
            source: Source::Nobody,
            subscription: None,
            ..references(LeadReference::Absent)
        };
        let said = TransactionReferences {
            custom_data: serde_json::from_str(r#"{"kommo_lead_id": "2"}"#).unwrap(),
            subscription_id: Some("sub_9".into()),
            customer_id: Some("ctm_9".into()),
        };
        let links = [row("ctm_1", 5, Rung::LeadId), row("ctm_1", 6, Rung::LeadId)];
        let asked = adjustment.looked_up(&said);
        assert_eq!(asked.answer(&links, EVERYTHING), Rungs::Found(LeadId::new(2), Rung::Lookup));
        assert_eq!(asked.entities(), ["txn_1", "sub_9", "ctm_1"], "the event's own word first");
        let person = [row("txn_1", 1, Rung::Person)];
        assert_eq!(asked.answer(&person, EVERYTHING), Rungs::Found(LeadId::new(1), Rung::Person));
        assert_eq!(asked.to_look_up(&Rungs::Silent), None, "once");
        let keys = [DealRefKey::new("k".repeat(40)).unwrap()];
        let trust = Trust { keys: &keys, ..EVERYTHING };
        assert_eq!(asked.answer(&[], trust), Rungs::Confirm(LeadId::new(2)), "it is unsigned");
    }

    #[test]
    fn what_has_no_deal_and_no_customer_has_a_lane_of_its_own() {
        let nothing = References {
            transaction: None,
            subscription: None,
            customer: None,
            ..references(LeadReference::Absent)
        };
        let lane = |references: References| references.lane(&[], EVERYTHING, "evt_1");
        assert_eq!(lane(nothing), "evt_1");
        assert_eq!(lane(references(LeadReference::Absent)), "ctm_1");
        assert_eq!(lane(references(LeadReference::Lead(LeadId::new(7)))), "lead:7");
    }
}
