//! What is parked for want of a deal goes on by itself once something tells which deal is meant.

use paddle_webhook::{Environment, Event};

use super::{Sync, outcome, reading::Stored};
use crate::{
    error::StoreError,
    known::Account,
    link::{References, Rungs},
    outcome::{Outcome, ParkReason},
    store::{EventRow, EventState},
};

/// As many events are looked through.
const MOST: usize = 1000;

impl Sync {
    /// What was just learned of a customer may tell which deal is meant by what is parked.
    pub(super) async fn reopen(
        &self,
        tells_a_deal: bool,
        stored: &Stored,
    ) -> Result<(), StoreError> {
        let (true, Some(customer)) = (tells_a_deal, &stored.references.customer) else {
            return Ok(());
        };
        for row in self.0.store.history(self.0.account, customer, MOST).await? {
            if has_no_deal(&row) {
                self.resume(&row.event_id).await?;
            }
        }
        Ok(())
    }

    /// Something may have told the deal of an event while it was being parked, and not have seen it parked yet.
    pub(super) async fn reopen_if_told(
        &self,
        stored: &Stored,
        event_id: &str,
    ) -> Result<(), StoreError> {
        if self.is_told(&stored.references).await? {
            self.resume(event_id).await?;
        }
        Ok(())
    }

    /// A process that stopped between learning of a deal and looking for what waits for it leaves that to the next one.
    pub(super) async fn reopen_all(&self) -> Result<(), StoreError> {
        for row in self.0.store.parked(self.0.account, MOST).await? {
            let environment = if row.sandbox { Environment::Sandbox } else { Environment::Live };
            let (true, Ok(event)) =
                (has_no_deal(&row), Event::from_trusted(&row.payload, environment))
            else {
                continue;
            };
            let Ok(data) = event.data() else { continue };
            if self.is_told(&References::of_event(&event, &data)).await? {
                self.resume(&row.event_id).await?;
            }
        }
        Ok(())
    }

    async fn is_told(&self, references: &References) -> Result<bool, StoreError> {
        let links = self.0.store.links(self.0.account, &references.entities()).await?;
        let answer = references.answer(&links, self.trust(&Account::default()));
        Ok(matches!(answer, Rungs::Found(..)))
    }
}

fn has_no_deal(row: &EventRow) -> bool {
    row.state == EventState::Parked
        && matches!(outcome(row), Ok(Outcome::Parked(parked)) if parked.reason == ParkReason::NoDeal)
}
