//! What Kommo did not take of a deal: its fields hold what they held before.

use kommo_client::LeadId;

use super::{Sync, reading::row};
use crate::{
    config::Overwrite, error::StoreError, known::SaleKnown, link, plan::Field, store::Learned,
};

impl Sync {
    /// Keeps whether what was decided for these fields could not be written: where a person's value stays, ours must be known
    /// from it.
    pub(super) async fn set_unwritten(
        &self,
        lead: LeadId,
        fields: &[Field],
        is_unwritten: bool,
    ) -> Result<(), StoreError> {
        let is_looked_at = |field: &Field| self.0.config.overwrite.of(*field) == Overwrite::IfOurs;
        let fields: Vec<Field> = fields.iter().copied().filter(is_looked_at).collect();
        while !fields.is_empty() {
            let (stored, mut sale) = self.stored::<SaleKnown>(&link::lane(lead)).await?;
            if !sale.set_unwritten(&fields, is_unwritten) {
                break;
            }
            let known = vec![row((stored, sale))?];
            match self.0.store.learn(self.0.account, &Learned { links: Vec::new(), known }).await {
                // Another event of the deal was worked on meanwhile.
                Err(StoreError::Conflict) => {}
                learned => return learned,
            }
        }
        Ok(())
    }
}
