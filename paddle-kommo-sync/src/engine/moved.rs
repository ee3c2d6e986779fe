//! A person says that a sale belongs to another deal: what was paid of it moves along.

use kommo_client::LeadId;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Sync,
    reading::{parsed, written},
};
use crate::{
    error::StoreError,
    known::{SaleKnown, TransactionKnown},
    link,
    store::{KnownRow, Learned},
};

impl Sync {
    /// Moves what is known of the payments of this transaction or subscription here, from the deals that it was linked to.
    pub(super) async fn move_sale(&self, entity: &str, to: LeadId) -> Result<(), StoreError> {
        let links = self.0.store.links(self.0.account, &[entity]).await?;
        for from in links.into_iter().map(|link| link.lead).filter(|lead| *lead != to) {
            // An event of one of the deals may be worked on meanwhile: then both are read anew.
            while matches!(self.move_from(from, entity, to).await, Err(StoreError::Conflict)) {}
        }
        Ok(())
    }

    async fn move_from(&self, from: LeadId, entity: &str, to: LeadId) -> Result<(), StoreError> {
        let mut source = self.stored::<SaleKnown>(&link::lane(from)).await?;
        let mut target = self.stored::<SaleKnown>(&link::lane(to)).await?;
        let won_by = source.1.give(entity, &mut target.1);
        let mut known = vec![row(source)?, row(target)?];
        if let Some(transaction) = won_by {
            let mut winner = self.stored::<TransactionKnown>(&transaction).await?;
            winner.1.won = Some(to);
            known.push(row(winner)?);
        }
        self.0.store.learn(self.0.account, &Learned { links: Vec::new(), known }).await
    }

    async fn stored<T: Default + DeserializeOwned>(
        &self,
        entity: &str,
    ) -> Result<(KnownRow, T), StoreError> {
        let row = self.0.store.known(self.0.account, entity).await?;
        let state = parsed(Some(&row))?;
        Ok((row, state))
    }
}

fn row<T: Default + PartialEq + Serialize>(
    (row, state): (KnownRow, T),
) -> Result<KnownRow, StoreError> {
    Ok(KnownRow { state: written(&state)?, ..row })
}
