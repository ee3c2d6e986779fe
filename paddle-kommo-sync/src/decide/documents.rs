//! The PDFs that belong into the deal: one for every payment with money in it, one for every refund and credit.

use paddle_webhook::{Adjustment, Transaction};

use super::{Draft, Facts, say};
use crate::{
    link::References,
    plan::Document,
    texts::{Placeholder, Text},
};

/// The invoice of a payment. Paddle makes none for a total of zero.
pub(super) fn invoice(facts: &Facts<'_>, transaction: &Transaction, draft: &mut Draft) {
    if !facts.wants_documents || facts.event.is_simulated() {
        return;
    }
    let number = transaction.invoice_number.as_deref().filter(|number| !number.is_empty());
    let name = format!("invoice-{}", number.unwrap_or(transaction.id.as_str()));
    let values = say::transaction(facts, transaction)
        .set(Placeholder::Date, say::optional_day(facts, transaction.billed_at));
    let note = facts.texts.render(Text::Invoice, &values);
    let document = Document::Invoice(transaction.id.clone());
    draft.document(document, &name, note, entities(facts));
}

/// The credit note of a refund or credit.
pub(super) fn credit_note(facts: &Facts<'_>, adjustment: &Adjustment, draft: &mut Draft) {
    if !facts.wants_documents || facts.event.is_simulated() {
        return;
    }
    let note = facts.texts.render(Text::CreditNote, &say::adjustment(facts, adjustment));
    let name = format!("credit-note-{}", adjustment.id);
    let document = Document::CreditNote(adjustment.id.clone());
    draft.document(document, &name, note, entities(facts));
}

/// By what a person can say where it is meant to be: of the sale only, as for the event itself.
fn entities(facts: &Facts<'_>) -> Vec<String> {
    let References { transaction, subscription, .. } = &facts.references;
    [transaction, subscription].into_iter().flatten().cloned().collect()
}
