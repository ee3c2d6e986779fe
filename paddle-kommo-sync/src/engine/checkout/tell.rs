//! What the deal is told of its checkout.

use kommo_client::Lead;
use paddle_webhook::Transaction;

use crate::{
    checkout::{known::CheckoutKnown, next},
    engine::{Sync, jobs::Planned, text},
    error::StoreError,
    link::Rung,
    plan::{Field, FieldValue, LeadUpdate, NoteDraft, Plan, PlannedEffect, Reason, Value},
    store::{KnownRow, Learned},
    texts::{Placeholder, Text, Values},
};

/// A checkout that is as it should be in Paddle.
pub(super) struct Made {
    pub(super) lead: Lead,
    pub(super) transaction: Transaction,
    pub(super) known: CheckoutKnown,
    pub(super) reason: Reason,
    pub(super) is_shown: bool,
    pub(super) signed: bool,
}

impl Made {
    /// What the deal is told, and what is kept.
    pub(super) fn planned(
        self,
        sync: &Sync,
        row: KnownRow,
        before: &CheckoutKnown,
    ) -> Result<Planned, StoreError> {
        let lead = self.lead.id;
        let mut effects = Vec::new();
        if !self.is_shown {
            let value = Value::Text(self.known.url.clone());
            let fields = vec![FieldValue { field: Field::CheckoutUrl, value }];
            let update = LeadUpdate { lead, stage: None, price: None, fields };
            effects.push(PlannedEffect::new("update_lead", update));
        }
        let told = match self.reason {
            Reason::CheckoutMade => Some(Text::CheckoutLink),
            Reason::CheckoutRevised => Some(Text::CheckoutRevised),
            _ => None,
        };
        if let Some(told) = told {
            let values = Values::new()
                .set(Placeholder::Link, self.known.url.as_str())
                .set(Placeholder::Plan, next::names(&self.transaction))
                .set(Placeholder::Transaction, self.transaction.id.as_str());
            let note = NoteDraft { lead, text: sync.0.texts.render(told, &values) };
            effects.push(PlannedEffect::new("note:checkout", note));
        }
        let rung = if self.signed { Rung::Signed } else { Rung::LeadId };
        // We made it for this deal: that needs no confirmation when it is paid.
        let links = vec![crate::store::link(self.transaction.id.as_str(), lead, rung.as_str())];
        let known = if self.known == *before {
            Vec::new()
        } else {
            vec![KnownRow { state: text(&self.known)?, ..row }]
        };
        let plan = Plan { reasons: vec![self.reason], effects, documents: Vec::new() };
        Ok(Planned::Act(plan, Learned { links, known }))
    }
}
