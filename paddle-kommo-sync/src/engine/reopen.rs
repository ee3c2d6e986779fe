//! What is parked for want of a deal goes on by itself once something tells which deal is meant.

use paddle_webhook::{CustomerId, Environment, Event};

use super::{Sync, outcome, reading::Stored};
use crate::{
    error::StoreError,
    known::{Account, CustomerKnown},
    link::{References, Rung, Rungs},
    outcome::{Outcome, ParkReason},
    store::{EventRow, EventState, LinkRow},
};

/// As many events are looked through.
const MOST: usize = 1000;

impl Sync {
    /// A deal of this customer is known: it may be the one that is meant by what is parked. Links count even if they are not
    /// new: they were stored when the event came, before it was worked on.
    pub(super) async fn reopen(
        &self,
        references: &References,
        links: &[LinkRow],
    ) -> Result<(), StoreError> {
        match &references.customer {
            Some(customer) if !links.is_empty() => self.reopen_without_deal(customer).await,
            _ => Ok(()),
        }
    }

    /// The address of this customer is known: it may tell the deal, or confirm it.
    pub(super) async fn reopen_by_address(
        &self,
        customer: &CustomerId,
        known: &CustomerKnown,
    ) -> Result<(), StoreError> {
        self.reopen_without_deal(customer.as_str()).await?;
        for event in &known.unconfirmed {
            // It may be parked for something else by now.
            let row = self.0.store.event(self.0.account, event).await?;
            if row.is_some_and(|row| of_link(&row) == Some(ParkReason::LinkNotConfirmed)) {
                self.resume(event).await?;
            }
        }
        Ok(())
    }

    async fn reopen_without_deal(&self, customer: &str) -> Result<(), StoreError> {
        for row in self.0.store.history(self.0.account, customer, MOST).await? {
            if of_link(&row) == Some(ParkReason::NoDeal) {
                self.resume(&row.event_id).await?;
            }
        }
        Ok(())
    }

    /// Something may have told the deal of an event while it was being parked, and not have seen it parked yet. What is parked
    /// for another reason only a person can answer.
    pub(super) async fn reopen_if_told(
        &self,
        stored: &Stored,
        (event_id, reason): (&str, ParkReason),
    ) -> Result<(), StoreError> {
        if self.is_told(&stored.references, reason).await? {
            self.resume(event_id).await?;
        }
        Ok(())
    }

    /// A process that stopped between learning of a deal and looking for what waits for it leaves that to the next one.
    pub(super) async fn reopen_all(&self) -> Result<(), StoreError> {
        for row in self.0.store.parked(self.0.account, MOST).await? {
            let Some(reason) = of_link(&row) else { continue };
            let Some(references) = references(&row) else { continue };
            if self.is_told(&references, reason).await? {
                self.resume(&row.event_id).await?;
            }
        }
        Ok(())
    }

    async fn is_told(
        &self,
        references: &References,
        parked: ParkReason,
    ) -> Result<bool, StoreError> {
        let links = self.0.store.links(self.0.account, &references.entities()).await?;
        let answer = references.answer(&links, self.trust(&Account::default()));
        Ok(match answer {
            Rungs::Found(_, Rung::Person) => true,
            Rungs::Found(..) => parked == ParkReason::NoDeal,
            _ => false,
        })
    }
}

fn references(row: &EventRow) -> Option<References> {
    let environment = if row.sandbox { Environment::Sandbox } else { Environment::Live };
    let event = Event::from_trusted(&row.payload, environment).ok()?;
    let data = event.data().ok()?;
    Some(References::of_event(&event, &data))
}

/// Why it is parked, if it asks which deal is meant. One that is gone is asked about after a person has named it, too.
fn of_link(row: &EventRow) -> Option<ParkReason> {
    let Ok(Outcome::Parked(parked)) = outcome(row) else { return None };
    let is_of_link = matches!(
        parked.reason,
        ParkReason::NoDeal
            | ParkReason::AmbiguousDeal
            | ParkReason::LeadIdUnreadable
            | ParkReason::LinkNotConfirmed
            | ParkReason::DealRefInvalid
    );
    (row.state == EventState::Parked && is_of_link).then_some(parked.reason)
}
