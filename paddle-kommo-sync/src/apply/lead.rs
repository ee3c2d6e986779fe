//! Changing a deal: compared before it is set, and never held up by one value that Kommo does not take.

use std::collections::BTreeSet;

use kommo_client::{Error, ErrorKind, FieldWrite, LeadPatch};

use super::{Applier, Stop, Work, failed, fields, parked};
use crate::{
    decide::target,
    outcome::{LeftOut, LeftOutPart, ParkReason},
    plan::{Field, LeadUpdate, StageMove},
    store::EffectRow,
};

impl Applier<'_> {
    pub(super) async fn update_lead(
        &self,
        work: &mut Work,
        row: &EffectRow,
        update: &LeadUpdate,
        fresh: bool,
    ) -> Result<(), Stop> {
        let stage = if fresh { update.stage } else { self.stage_now(work, update).await? };
        let mut fields = self.resolve(work, update).await?;
        loop {
            let mut patch = LeadPatch::new(update.lead);
            if let Some(stage) = stage {
                patch = patch.status(stage.pipeline, stage.to);
            }
            if let Some(price) = update.price {
                patch = patch.price(price);
            }
            for (_, write) in &fields {
                patch = patch.field(write.clone());
            }
            if patch.is_empty() {
                self.store.done(&work.lease, &row.name, None).await?;
                return Ok(());
            }
            self.begin(work, row).await?;
            let answer = self.kommo.leads().update(&[patch]).await;
            let refused = match &answer {
                Err(error) => refused_fields(error),
                Ok(_) => None,
            };
            let Some(refused) = refused else {
                return self.record(work, row, answer.map(|_| Some(update.lead.get()))).await;
            };
            // A field was deleted, or an option is gone, since we asked. Kommo wrote nothing of the deal: what is
            // left out is reported, everything else is sent again.
            self.cache.forget().await;
            let mut index = 0_usize;
            fields.retain(|(field, _)| {
                let why = refused
                    .iter()
                    .find(|refusal| refusal.0 == index)
                    .map(|refusal| refusal.1.clone());
                index = index.saturating_add(1);
                let keep = why.is_none();
                work.left_out
                    .extend(why.map(|why| LeftOut { what: LeftOutPart::Field(*field), why }));
                keep
            });
        }
    }

    /// The move that is still right: time has passed since it was decided.
    async fn stage_now(
        &self,
        work: &mut Work,
        update: &LeadUpdate,
    ) -> Result<Option<StageMove>, Stop> {
        let Some(stage) = update.stage else { return Ok(None) };
        let lead = self.kommo.leads().get(update.lead).await.map_err(failed)?;
        let Some(lead) = lead.filter(|lead| !lead.is_deleted) else {
            return Err(parked(
                ParkReason::DealGone,
                "the deal was deleted: link the event to another deal",
            ));
        };
        match lead.status_id {
            Some(status) if status == stage.from => Ok(Some(stage)),
            Some(status) if status == stage.to => Ok(None),
            _ => {
                let why = "somebody moved the deal to another stage meanwhile".to_owned();
                work.left_out.push(LeftOut { what: LeftOutPart::Stage, why });
                Ok(None)
            }
        }
    }

    /// The values as the account's own fields take them; what it cannot take is left out.
    async fn resolve(
        &self,
        work: &mut Work,
        update: &LeadUpdate,
    ) -> Result<Vec<(Field, FieldWrite)>, Stop> {
        let mut resolved = Vec::new();
        if update.fields.is_empty() {
            return Ok(resolved);
        }
        let definitions = self.cache.fields(self.kommo, self.clock.now()).await.map_err(failed)?;
        for value in &update.fields {
            let target = target(self.config, value.field);
            match fields::write(target, &value.value, &definitions) {
                Ok(write) => resolved.push((value.field, write)),
                Err(why) => {
                    work.left_out.push(LeftOut { what: LeftOutPart::Field(value.field), why })
                }
            }
        }
        Ok(resolved)
    }
}

/// The fields that a refusal names, by their place in the request, if it is about nothing else.
fn refused_fields(error: &Error) -> Option<Vec<(usize, String)>> {
    let ErrorKind::Validation(items) = error.kind() else { return None };
    let mut refused = Vec::new();
    let mut places = BTreeSet::new();
    for error in items.iter().flat_map(|item| &item.errors) {
        let place =
            error.path.strip_prefix("custom_fields_values.")?.split('.').next()?.parse().ok()?;
        if places.insert(place) {
            refused
                .push((place, format!("Kommo does not take it: {} at {}", error.code, error.path)));
        }
    }
    (!refused.is_empty()).then_some(refused)
}
