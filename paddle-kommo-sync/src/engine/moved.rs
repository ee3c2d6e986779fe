//! A person says that a sale belongs to another deal: what was paid of it moves along.

use std::collections::BTreeSet;

use kommo_client::LeadId;

use super::{Sync, reading::row};
use crate::{
    error::StoreError,
    known::{SaleKnown, TransactionKnown},
    link,
    store::{EventState, Learned},
};

impl Sync {
    /// The deals to which one of these was linked.
    pub(super) async fn deals_of(
        &self,
        entities: &[String],
    ) -> Result<BTreeSet<LeadId>, StoreError> {
        let entities: Vec<&str> = entities.iter().map(String::as_str).collect();
        let links = self.0.store.links(self.0.account, &entities).await?;
        Ok(links.into_iter().map(|link| link.lead).collect())
    }

    /// Moves what is known of the payments of this transaction or subscription from one of these deals to another.
    pub(super) async fn move_sale(
        &self,
        entity: &str,
        from: &BTreeSet<LeadId>,
        to: LeadId,
    ) -> Result<(), StoreError> {
        for from in from.iter().filter(|lead| **lead != to) {
            loop {
                match self.move_from(*from, entity, to).await {
                    // An event of one of the deals was worked on meanwhile: both are read anew.
                    Err(StoreError::Conflict) => {}
                    moved => break moved?,
                }
            }
        }
        Ok(())
    }

    async fn move_from(&self, from: LeadId, entity: &str, to: LeadId) -> Result<(), StoreError> {
        let mut source = self.stored::<SaleKnown>(&link::lane(from)).await?;
        let mut target = self.stored::<SaleKnown>(&link::lane(to)).await?;
        let mut known = Vec::new();
        if let Some(transaction) = source.1.give(entity, &mut target.1) {
            let mut winner = self.stored::<TransactionKnown>(&transaction).await?;
            if self.has_ended(winner.1.told_by.as_deref()).await? {
                winner.1.won = Some(to);
                known.push(row(winner)?);
            } else {
                // It was planned only, and is decided anew for the other deal.
                target.1.forget_win(&transaction);
            }
        }
        known.extend([row(source)?, row(target)?]);
        self.0.store.learn(self.0.account, &Learned { links: Vec::new(), known }).await
    }

    async fn has_ended(&self, event: Option<&str>) -> Result<bool, StoreError> {
        let Some(event) = event else { return Ok(false) };
        let row = self.0.store.event(self.0.account, event).await?;
        Ok(row.is_some_and(|row| row.state == EventState::Done))
    }
}
