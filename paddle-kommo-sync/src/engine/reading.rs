//! What a rule needs to know: from the store, and of the deal from Kommo.

use kommo_client::{Client, LeadId, Priority};
use paddle_webhook::{CustomerId, Event, EventData, TransactionId};
use serde::{Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use super::{Sync, decided::Lesson, text};
use crate::{
    config::{FieldTarget, SandboxEvents},
    error::{LookupError, StoreError},
    failure::{Reaction, chain, reaction},
    known::{Account, Deal, Known, SaleKnown},
    link::{self, References, Rung, Rungs, Trust},
    outcome::{ParkReason, Parked},
    plan::{Field, Price},
    store::{KnownRow, Learned, LinkRow},
};

/// What is stored about the entities of an event, as it was read.
pub(super) struct Stored {
    pub(super) references: References,
    pub(super) links: Vec<LinkRow>,
    pub(super) known: Known,
    /// The rung that answered, once the deal was found.
    pub(super) rung: Option<Rung>,
    /// When the sale began.
    began: OffsetDateTime,
    transaction: Option<KnownRow>,
    subscription: Option<KnownRow>,
    customer: Option<KnownRow>,
    sale: Option<KnownRow>,
}

/// Where the search for the deal led.
pub(super) enum Found {
    Deal(Box<Deal>, Rung),
    /// The transaction is marked as a test.
    Test,
    Parked(Parked),
    Failed(Reaction),
}

impl Sync {
    pub(super) fn trust(&self, account: &Account) -> Trust<'_> {
        Trust {
            keys: &self.0.deal_ref_keys,
            account: account.id,
            unsigned: self.0.config.unsigned_links,
        }
    }

    /// Everything that is known before Kommo is asked.
    pub(super) async fn read_stored(
        &self,
        event: &Event,
        data: &EventData,
    ) -> Result<Stored, StoreError> {
        let store = &self.0.store;
        let references = References::of_event(event, data);
        let links = store.links(self.0.account, &references.entities()).await?;
        let mut known = Known::default();
        let mut rows = [None, None, None];
        let entities = [&references.transaction, &references.subscription, &references.customer];
        for (row, entity) in rows.iter_mut().zip(entities) {
            if let Some(entity) = entity {
                *row = Some(store.known(self.0.account, entity).await?);
            }
        }
        let [transaction, subscription, customer] = rows;
        known.transaction = parsed(transaction.as_ref())?;
        known.subscription = parsed(subscription.as_ref())?;
        known.customer = parsed(customer.as_ref())?;
        let began = known.sale_began(event, data);
        Ok(Stored {
            references,
            links,
            known,
            rung: None,
            began,
            transaction,
            subscription,
            customer,
            sale: None,
        })
    }

    /// Finds the deal by the ladder, reads it, and what is known of it.
    pub(super) async fn find_deal(
        &self,
        stored: &mut Stored,
        priority: Priority,
    ) -> Result<Found, StoreError> {
        match self.account().await {
            Ok(account) => stored.known.account = account,
            Err(error) => return Ok(Found::Failed(reaction(&error))),
        }
        let trust = self.trust(&stored.known.account);
        let mut answer = stored.references.answer(&stored.links, trust);
        match self.look_up(stored, &answer).await? {
            Ok(Told::Nothing) => {}
            Ok(Told::More) => answer = stored.references.answer(&stored.links, trust),
            Ok(Told::Test) => return Ok(Found::Test),
            Err(reaction) => return Ok(Found::Failed(reaction)),
        }
        let kommo = self.0.kommo.with_priority(priority);
        let (lead, rung) = match answer {
            Rungs::Found(lead, rung) => (lead, rung),
            Rungs::Parked(parked) => return Ok(Found::Parked(parked)),
            Rungs::Confirm(lead) => match self.confirm(stored, lead, &kommo).await {
                Ok(Ok(())) => (lead, stored.references.own(Rung::LeadId)),
                Ok(Err(parked)) => return Ok(Found::Parked(parked)),
                Err(reaction) => return Ok(Found::Failed(reaction)),
            },
            Rungs::Silent => match self.find_by_email(stored, &kommo).await {
                Ok(Ok(lead)) => (lead, Rung::Email),
                Ok(Err(parked)) => return Ok(Found::Parked(parked)),
                Err(reaction) => return Ok(Found::Failed(reaction)),
            },
        };
        let deal = match self.applier(priority).read_lead(lead).await {
            Ok(Some(read)) if !read.is_deleted => {
                if rung == Rung::Customer && stored.precedes(&read) {
                    let parked = link::opened_after(lead, self.0.config.unlinked);
                    return Ok(Found::Parked(parked));
                }
                self.deal(&read)
            }
            Ok(_) => return Ok(Found::Parked(Parked::deal_gone(lead))),
            Err(reaction) => return Ok(Found::Failed(reaction)),
        };
        self.0.health.recovered();
        let Some(deal) = deal else {
            return Ok(Found::Failed(Reaction::Retry("Kommo's answer names no stage".to_owned())));
        };
        let row = self.0.store.known(self.0.account, &link::lane(lead)).await?;
        stored.known.sale = parsed(Some(&row))?;
        stored.sale = Some(row);
        stored.rung = Some(rung);
        Ok(Found::Deal(Box::new(deal), rung))
    }

    /// What is known of a deal.
    pub(super) async fn sale(&self, lead: LeadId) -> Result<SaleKnown, StoreError> {
        parsed(Some(&self.0.store.known(self.0.account, &link::lane(lead)).await?))
    }

    /// What is stored under this name, and what it says.
    pub(super) async fn stored<T: Default + DeserializeOwned>(
        &self,
        entity: &str,
    ) -> Result<(KnownRow, T), StoreError> {
        let row = self.0.store.known(self.0.account, entity).await?;
        let state = parsed(Some(&row))?;
        Ok((row, state))
    }

    /// The Kommo account, as it was asked lately.
    pub(super) async fn account(&self) -> Result<Account, kommo_client::Error> {
        self.0.cache.account(&self.0.kommo, self.now()).await
    }

    /// What the transaction says, if nothing else has told the deal and Paddle can be asked.
    async fn look_up(
        &self,
        stored: &mut Stored,
        answer: &Rungs,
    ) -> Result<Result<Told, Reaction>, StoreError> {
        let (Some(lookup), Some(id)) = (&self.0.transactions, stored.references.to_look_up(answer))
        else {
            return Ok(Ok(Told::Nothing));
        };
        let Ok(_permit) = self.0.lookups_at_once.try_acquire() else { return Ok(Err(crowded())) };
        let said = match lookup.transaction(&TransactionId::from(id)).await {
            Ok(Some(said)) => said,
            Ok(None) => return Ok(Ok(Told::Nothing)),
            Err(error) => return Ok(Err(not_told("transaction", &error))),
        };
        let is_test = said.custom_data.bool("test") == Some(true);
        if is_test && self.0.config.sandbox == SandboxEvents::Log {
            return Ok(Ok(Told::Test));
        }
        stored.references = stored.references.clone().looked_up(&said);
        let entities = stored.references.entities();
        stored.links = self.0.store.links(self.0.account, &entities).await?;
        Ok(Ok(Told::More))
    }

    /// An unsigned id is believed when the customer is a contact of that deal.
    async fn confirm(
        &self,
        stored: &mut Stored,
        lead: LeadId,
        kommo: &Client,
    ) -> Result<Result<(), Parked>, Reaction> {
        let parked =
            |detail: &str| Parked::new(ParkReason::LinkNotConfirmed, detail).candidates(vec![lead]);
        let Some(email) = self.email(stored).await? else {
            return Ok(Err(parked(
                "the deal is named without a signature, and the customer's e-mail address is not known: link it by hand",
            )));
        };
        match link::is_confirmed(kommo, &email, lead).await {
            Ok(true) => Ok(Ok(())),
            Ok(false) => Ok(Err(parked(
                "the deal is named without a signature, and the customer is none of its contacts: link it by hand",
            ))),
            Err(error) => Err(reaction(&error)),
        }
    }

    async fn find_by_email(
        &self,
        stored: &mut Stored,
        kommo: &Client,
    ) -> Result<Result<LeadId, Parked>, Reaction> {
        let Some(email) = self.email(stored).await? else {
            let detail = "no deal is named, and the customer's e-mail address is not known: link the event to a deal by hand";
            return Ok(Err(Parked::new(ParkReason::NoDeal, detail)));
        };
        let sale = (&self.0.config, stored.began);
        link::by_email(kommo, &email, sale).await.map_err(|error| reaction(&error))
    }

    /// The customer's address: from an event, or as it was told before, else from the application.
    async fn email(&self, stored: &mut Stored) -> Result<Option<String>, Reaction> {
        if let Some(email) = &stored.known.customer.email {
            return Ok(Some(email.clone()));
        }
        match (&self.0.customers, &stored.references.customer) {
            (Some(lookup), Some(customer)) => {
                let customer = CustomerId::from(customer.as_str());
                let _permit = self.0.lookups_at_once.try_acquire().map_err(|_| crowded())?;
                let told = lookup.email(&customer).await;
                let email = told.map_err(|error| not_told("customer", &error))?;
                // Kept with whatever else is learned: the next event of this customer asks nobody.
                stored.known.customer.email.clone_from(&email);
                Ok(email)
            }
            _ => Ok(None),
        }
    }

    /// A deal as the rules see it; none when Kommo does not say where it stands.
    pub(super) fn deal(&self, lead: &kommo_client::Lead) -> Option<Deal> {
        let mut fields = Vec::new();
        for field in Field::ALL.iter().copied() {
            let values = match self.0.config.fields.target(field) {
                FieldTarget::Off => None,
                FieldTarget::Code(code) => lead.field_by_code(code),
                FieldTarget::Id(id) => lead.field(*id),
            };
            let Some(value) = values.and_then(|values| values.values.first()) else { continue };
            let text = value
                .as_str()
                .map(str::to_owned)
                .or_else(|| value.as_time().map(|at| at.unix_timestamp().to_string()));
            fields.extend(text.map(|text| (field, text)));
        }
        let mut contacts: Vec<_> = lead.contacts.iter().map(|contact| contact.id).collect();
        contacts.sort_by_key(|contact| Some(*contact) != lead.main_contact());
        Some(Deal {
            lead: lead.id,
            pipeline: lead.pipeline_id?,
            status: lead.status_id?,
            responsible: lead.responsible_user_id,
            name: lead.name.clone().unwrap_or_default(),
            contacts,
            price: Price::parse(lead.price.as_str()),
            has_decimals: lead.has_minor_units,
            fields,
        })
    }
}

/// What a look-up brought.
enum Told {
    /// Nothing, or nobody was asked.
    Nothing,
    /// The transaction names more than the event does.
    More,
    /// The transaction is marked as a test.
    Test,
}

fn crowded() -> Reaction {
    Reaction::Queue("others are looked up first".to_owned())
}

/// Paddle, or whoever is asked in its place, does not answer: that says nothing of Kommo.
fn not_told(what: &str, error: &LookupError) -> Reaction {
    let why = std::error::Error::source(error).map(chain).unwrap_or_default();
    Reaction::Wait(format!("the {what} cannot be looked up: {why}"))
}

impl Stored {
    /// What to keep: the links, and whatever of the knowledge has changed.
    pub(super) fn learned(
        &self,
        after: &Known,
        links: Vec<LinkRow>,
    ) -> Result<Learned, StoreError> {
        let mut learned = Learned { links, known: Vec::new() };
        let mut keep = |row: &Option<KnownRow>, state: String| {
            if let Some(row) = row.as_ref().filter(|row| row.state != state) {
                learned.known.push(KnownRow { state, ..row.clone() });
            }
        };
        keep(&self.transaction, written(&after.transaction)?);
        keep(&self.subscription, written(&after.subscription)?);
        keep(&self.customer, written(&after.customer)?);
        keep(&self.sale, written::<SaleKnown>(&after.sale)?);
        Ok(learned)
    }

    /// Whether this deal was opened after the sale, and no person has said that it is the customer's for all that.
    fn precedes(&self, lead: &kommo_client::Lead) -> bool {
        let is_persons =
            |link: &LinkRow| link.lead == lead.id && link.rung == Rung::Person.as_str();
        link::is_opened_after(lead, self.began) && !self.links.iter().any(is_persons)
    }

    /// The links to the deal that was found, if one was.
    pub(super) fn links_found(&self) -> Vec<LinkRow> {
        match (&self.known.deal, self.rung) {
            (Some(deal), Some(rung)) => self.references.links(deal.lead, rung),
            _ => Vec::new(),
        }
    }

    /// What of this is new, for whoever has to take it back. A customer's address is one whatever becomes of the sale.
    pub(super) fn lessons(&self, learned: &Learned) -> Result<Vec<Lesson>, StoreError> {
        let stored = [&self.transaction, &self.subscription, &self.sale];
        let mut lessons = Vec::new();
        for before in stored.into_iter().flatten() {
            let after = learned.known.iter().find(|after| after.entity == before.entity);
            let lesson = after.map(|after| Lesson::between(before, after)).transpose()?;
            lessons.extend(lesson.flatten());
        }
        Ok(lessons)
    }

    /// What was decided by the knowledge of the customer is not so any more if that has changed, even where nothing new is
    /// to be kept of it.
    pub(super) fn insist_on_customer(&self, learned: &mut Learned) {
        let is_kept = |row: &KnownRow| learned.known.iter().any(|kept| kept.entity == row.entity);
        let row = self.customer.clone().filter(|row| !is_kept(row));
        learned.known.extend(row);
    }
}

/// The row of what was [stored](Sync::stored), as it is now.
pub(super) fn row<T: Default + PartialEq + Serialize>(
    (row, state): (KnownRow, T),
) -> Result<KnownRow, StoreError> {
    Ok(KnownRow { state: written(&state)?, ..row })
}

/// What is stored for a state; nothing for a state that says nothing.
pub(super) fn written<T: Default + PartialEq + Serialize>(state: &T) -> Result<String, StoreError> {
    if *state == T::default() { Ok(String::new()) } else { text(state) }
}

pub(super) fn parsed<T: Default + DeserializeOwned>(
    row: Option<&KnownRow>,
) -> Result<T, StoreError> {
    match row {
        Some(row) if !row.state.is_empty() => super::parse(&row.state),
        _ => Ok(T::default()),
    }
}
