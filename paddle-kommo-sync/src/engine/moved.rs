//! A person says that a sale belongs to another deal: what was paid of it moves along.

use std::collections::BTreeSet;

use kommo_client::LeadId;

use super::{Sync, reading::row};
use crate::{
    error::StoreError,
    known::{SaleKnown, TransactionKnown},
    link,
    store::{EventState, KnownRow, Learned, LinkRow},
};

impl Sync {
    /// Learns these links to a deal by a person's word, and moves what is known of the payments there, from the deals that
    /// the sale was linked to: all of it or nothing. A win that is only planned stays with the deal of the plan, but for that
    /// of the event that `ends_there`.
    pub(super) async fn link_and_move(
        &self,
        links: Vec<LinkRow>,
        to: LeadId,
        ends_there: Option<&str>,
    ) -> Result<(), StoreError> {
        loop {
            let known = self.moved(&links, to, ends_there).await?;
            let learned = Learned { links: links.clone(), known };
            match self.0.store.learn(self.0.account, &learned).await {
                // An event of one of the deals was worked on meanwhile: all is read anew.
                Err(StoreError::Conflict) => {}
                learned => return learned,
            }
        }
    }

    /// What is known of the deals after the move.
    async fn moved(
        &self,
        links: &[LinkRow],
        to: LeadId,
        ends_there: Option<&str>,
    ) -> Result<Vec<KnownRow>, StoreError> {
        // The customer may have bought something else as well, for another deal.
        let entities = links.iter().map(|link| link.entity.as_str());
        let sold: Vec<&str> = entities.filter(|entity| !entity.starts_with("ctm_")).collect();
        let linked = self.0.store.links(self.0.account, &sold).await?;
        let from: BTreeSet<LeadId> =
            linked.into_iter().map(|link| link.lead).filter(|lead| *lead != to).collect();
        let mut known = Vec::new();
        if from.is_empty() {
            return Ok(known);
        }
        let mut target = self.stored::<SaleKnown>(&link::lane(to)).await?;
        for from in from {
            let mut source = self.stored::<SaleKnown>(&link::lane(from)).await?;
            for entity in &sold {
                source.1.give(entity, &mut target.1);
            }
            if let Some(by) =
                source.1.won_by.clone().filter(|by| target.1.payments.contains_key(by))
            {
                let mut winner = self.stored::<TransactionKnown>(&by).await?;
                let told_by = winner.1.told_by.as_deref();
                let ends = ends_there.is_some() && told_by == ends_there;
                if ends || self.has_ended(told_by).await? {
                    target.1.take_win(&mut source.1);
                    winner.1.won = Some(to);
                    known.push(row(winner)?);
                }
            }
            known.push(row(source)?);
        }
        known.push(row(target)?);
        Ok(known)
    }

    async fn has_ended(&self, event: Option<&str>) -> Result<bool, StoreError> {
        let Some(event) = event else { return Ok(false) };
        let row = self.0.store.event(self.0.account, event).await?;
        Ok(row.is_some_and(|row| row.state == EventState::Done))
    }
}
