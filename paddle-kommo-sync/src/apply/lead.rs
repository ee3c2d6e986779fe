//! Changing a deal: compared before it is set, and never held up by one value that Kommo does not take.

use std::collections::BTreeMap;

use kommo_client::{ErrorKind, FieldWrite, LeadPatch};

use super::{Applier, Call, Failure, Stop, Work, failed, fields};
use crate::{
    outcome::{LeftOut, LeftOutPart},
    plan::{Field, FieldValue, LeadUpdate, Price, Value},
    store::EffectRow,
    zone::Zone,
};

impl Applier<'_> {
    pub(super) async fn update_lead(
        &self,
        work: &mut Work,
        row: &EffectRow,
        update: &LeadUpdate,
    ) -> Result<(), Stop> {
        self.unheard(work, row).await?;
        let mut fields = self.resolve(work, &update.fields).await?;
        let mut price = update.price;
        loop {
            let mut patch = LeadPatch::new(update.lead);
            if let Some(stage) = update.stage {
                patch = patch.status(stage.pipeline, stage.to);
            }
            if let Some(price) = price {
                patch = match price.units() {
                    Some(units) => patch.price(units),
                    None => patch.price_decimal(&price.to_string()),
                };
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
                    Part::Price => without_decimals(&mut price),
                    Part::Field(place) if place < fields.len() => {
                        Some(LeftOutPart::Field(fields.remove(place).0))
                    }
                    // A change of a deal sends neither.
                    Part::Field(_) | Part::Contact(_) | Part::Responsible => None,
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
    pub(super) async fn resolve(
        &self,
        work: &mut Work,
        values: &[FieldValue],
    ) -> Result<Vec<(Field, FieldWrite)>, Stop> {
        let mut resolved = Vec::new();
        if values.is_empty() {
            return Ok(resolved);
        }
        let definitions = self.cache.fields(&self.kommo, self.clock.now()).await.map_err(failed)?;
        let has_date = values.iter().any(|value| matches!(value.value, Value::Date(_)));
        let zone = if has_date {
            self.cache.account(&self.kommo, self.clock.now()).await.map_err(failed)?.zone
        } else {
            Zone::UTC
        };
        for value in values {
            let target = self.config.fields.target(value.field);
            match fields::write(target, &value.value, &definitions, &zone) {
                Ok(write) => resolved.push((value.field, write)),
                Err(why) => {
                    work.left_out.push(LeftOut { what: LeftOutPart::Field(value.field), why })
                }
            }
        }
        Ok(resolved)
    }
}

/// After Kommo refused a price: one with decimals is rounded first, as the account may take whole units only.
pub(super) fn without_decimals(price: &mut Option<Price>) -> Option<LeftOutPart> {
    if price.is_some_and(|price| price.units().is_none()) {
        *price = price.map(Price::rounded);
        return Some(LeftOutPart::Decimals);
    }
    price.take().map(|_| LeftOutPart::Price)
}

/// A value that Kommo does not take.
pub(super) struct Refusal {
    pub(super) part: Part,
    pub(super) why: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Price,
    /// By its place in the request.
    Field(usize),
    /// Of a new deal, likewise.
    Contact(usize),
    /// Of a new deal.
    Responsible,
}

/// The values that a refusal names, in their order, if it is about nothing else.
pub(super) fn refusals(failure: &Failure) -> Vec<Refusal> {
    let ErrorKind::Validation(items) = failure.kind() else { return Vec::new() };
    let mut refused: BTreeMap<Part, String> = BTreeMap::new();
    for error in items.iter().flat_map(|item| &item.errors) {
        let part = match error.field_index() {
            Some(place) => Part::Field(place),
            None if error.path == "price" => Part::Price,
            None if error.path == "responsible_user_id" => Part::Responsible,
            None => match contact(&error.path) {
                Some(place) => Part::Contact(place),
                None => return Vec::new(),
            },
        };
        refused.insert(part, format!("Kommo does not take it: {} at {}", error.code, error.path));
    }
    refused.into_iter().map(|(part, why)| Refusal { part, why }).collect()
}

/// The place of the contact in `_embedded.contacts.N.id`.
fn contact(path: &str) -> Option<usize> {
    path.strip_prefix("_embedded.contacts.")?.split('.').next()?.parse().ok()
}
