//! Changing a deal: compared before it is set, and never held up by one value that Kommo does not take.

use std::collections::BTreeMap;

use kommo_client::{ErrorKind, FieldWrite, LeadPatch};

use super::{Applier, Call, Failure, Stop, Work, failed, fields};
use crate::{
    outcome::{LeftOut, LeftOutPart},
    plan::{Field, LeadUpdate},
    store::EffectRow,
};

impl Applier<'_> {
    pub(super) async fn update_lead(
        &self,
        work: &mut Work,
        row: &EffectRow,
        update: &LeadUpdate,
    ) -> Result<(), Stop> {
        self.unheard(work, row).await?;
        let mut fields = self.resolve(work, update).await?;
        let mut price = update.price;
        loop {
            let mut patch = LeadPatch::new(update.lead);
            if let Some(stage) = update.stage {
                patch = patch.status(stage.pipeline, stage.to);
            }
            if let Some(price) = price {
                patch = patch.price(price);
            }
            for (_, write) in &fields {
                patch = patch.field(write.clone());
            }
            if patch.is_empty() {
                self.store.done(&work.lease, &row.name, None).await?;
                return Ok(());
            }
            let answer = self.write(work, row, Call::UpdateLead(patch)).await?;
            let refused = answer.as_ref().err().map(refusals).unwrap_or_default();
            let before = (fields.len(), price);
            // A field was deleted, or an option is gone, since we asked. Kommo wrote nothing of the deal: what is
            // left out is reported, everything else is sent again.
            for refusal in refused.iter().rev() {
                let what = match refusal.part {
                    Part::Price => price.take().map(|_| LeftOutPart::Price),
                    Part::Field(place) if place < fields.len() => {
                        Some(LeftOutPart::Field(fields.remove(place).0))
                    }
                    Part::Field(_) => None,
                };
                let why = refusal.why.clone();
                work.left_out.extend(what.map(|what| LeftOut { what, why }));
            }
            if before == (fields.len(), price) {
                return self.record(work, row, answer).await;
            }
            self.cache.forget().await;
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
            let target = self.config.fields.target(value.field);
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

/// A value that Kommo does not take.
struct Refusal {
    part: Part,
    why: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Price,
    /// By its place in the request.
    Field(usize),
}

/// The values that a refusal names, in their order, if it is about nothing else.
fn refusals(failure: &Failure) -> Vec<Refusal> {
    let ErrorKind::Validation(items) = failure.kind() else { return Vec::new() };
    let mut refused: BTreeMap<Part, String> = BTreeMap::new();
    for error in items.iter().flat_map(|item| &item.errors) {
        let part = match error.field_index() {
            Some(place) => Part::Field(place),
            None if error.path == "price" => Part::Price,
            None => return Vec::new(),
        };
        refused.insert(part, format!("Kommo does not take it: {} at {}", error.code, error.path));
    }
    refused.into_iter().map(|(part, why)| Refusal { part, why }).collect()
}
