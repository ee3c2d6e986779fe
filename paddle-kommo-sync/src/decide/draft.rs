//! A plan in the making: what every rule puts together in the same way.

use std::collections::BTreeMap;

use kommo_client::UserId;
use paddle_webhook::{CustomData, Money};
use time::{Duration, OffsetDateTime};

use super::{Decision, Facts, overwrite::may_write};
use crate::{
    config::Overwrite,
    known::{Deal, Known, TaskRef, Written},
    plan::{
        Document, DocumentDraft, Effect, Field, FieldValue, FileDraft, LeadUpdate, NoteDraft, Plan,
        PlannedEffect, Reason, TaskCompletion, TaskDraft, TaskRefresh, Value,
    },
    texts::{Text, Values, clean::clean},
};

pub(super) struct Draft {
    pub(super) deal: Deal,
    pub(super) reasons: Vec<Reason>,
    pub(super) update: LeadUpdate,
    notes: Vec<PlannedEffect>,
    tasks: Vec<PlannedEffect>,
    /// What goes beyond the deal, in its order.
    further: Vec<PlannedEffect>,
    documents: Vec<DocumentDraft>,
    /// Since when the value of a field is so.
    since: BTreeMap<Field, OffsetDateTime>,
    /// The subscription that the fields tell of, where it is not that of the event.
    tells_of: Option<String>,
}

impl Draft {
    pub(super) fn new(deal: Deal, reason: Reason) -> Self {
        let update = LeadUpdate { lead: deal.lead, stage: None, price: None, fields: Vec::new() };
        Self {
            deal,
            reasons: vec![reason],
            update,
            notes: Vec::new(),
            tasks: Vec::new(),
            further: Vec::new(),
            documents: Vec::new(),
            since: BTreeMap::new(),
            tells_of: None,
        }
    }

    /// What is written into fields from now on tells of this subscription.
    pub(super) fn tell_of(&mut self, subscription: &str) {
        self.tells_of = Some(subscription.to_owned());
    }

    fn subscription<'d>(&'d self, facts: &'d Facts<'_>) -> Option<&'d str> {
        self.tells_of.as_deref().or(facts.references.subscription.as_deref())
    }

    pub(super) fn because(&mut self, reason: Reason) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Writes a text, if the configuration wants it. One that is not known leaves the field alone.
    pub(super) fn text<'t>(
        &mut self,
        facts: &Facts<'_>,
        field: Field,
        text: impl Into<Option<&'t str>>,
    ) {
        if let Some(text) = text.into().map(clean).filter(|text| !text.is_empty()) {
            self.value(facts, field, Value::Text(text));
        }
    }

    /// Writes a text that is so since `at`, whenever this event happened.
    pub(super) fn text_at(
        &mut self,
        facts: &Facts<'_>,
        field: Field,
        text: &str,
        at: OffsetDateTime,
    ) {
        let text = clean(text);
        if !text.is_empty() {
            self.value_at(facts, field, Value::Text(text), at);
        }
    }

    /// Writes a sum. One that is not known, or whose currency's decimals are not, leaves the field alone.
    pub(super) fn amount(&mut self, facts: &Facts<'_>, field: Field, money: Option<Money>) {
        if let Some(decimal) = money.and_then(|money| money.to_decimal()) {
            self.value(facts, field, Value::Amount(decimal));
        }
    }

    /// Writes a date; none leaves the field alone.
    pub(super) fn date(&mut self, facts: &Facts<'_>, field: Field, at: Option<OffsetDateTime>) {
        if let Some(at) = at {
            self.value(facts, field, Value::Date(at));
        }
    }

    pub(super) fn value(&mut self, facts: &Facts<'_>, field: Field, value: Value) {
        self.value_at(facts, field, value, facts.event.occurred_at());
    }

    /// Writes what is so since `at`, whenever this event happened.
    pub(super) fn value_at(
        &mut self,
        facts: &Facts<'_>,
        field: Field,
        value: Value,
        at: OffsetDateTime,
    ) {
        let config = facts.config;
        if !config.fields.is_written(field) {
            return;
        }
        let written = facts.known.sale.written.get(&field);
        let own = self.subscription(facts);
        let is_older = written
            .is_some_and(|written| written.at > at && !gives_way(facts, own, field, written));
        if is_older && !field.is_derived() {
            self.because(Reason::Stale);
            return;
        }
        let ours = written.and_then(Written::ours);
        let (now, zone) = (self.deal.field(field), &facts.known.account.zone);
        let may = may_write(config.overwrite.of(field), (field, now), ours, zone);
        if may {
            self.since.insert(field, at);
            self.update.fields.push(FieldValue { field, value });
        } else {
            self.because(Reason::PersonsValueStays);
        }
    }

    pub(super) fn note(&mut self, facts: &Facts<'_>, name: &str, text: Text, values: &Values) {
        let (lead, text) = (self.deal.lead, facts.texts.render(text, values));
        self.notes.push(PlannedEffect::new(
            &format!("note:{name}"),
            NoteDraft { lead, text, quiet: false },
        ));
    }

    /// Who is to do something: whoever the payment names, whoever has the deal, the configured user.
    pub(super) fn responsible(
        &self,
        facts: &Facts<'_>,
        wanted: Option<&CustomData>,
    ) -> Vec<UserId> {
        let user = |id: u64| Some(id).filter(|id| *id > 0).map(UserId::new);
        let wanted = wanted.and_then(|data| data.u64("kommo_responsible_id").ok().flatten());
        let fallback = user(facts.config.tasks.fallback_user_id);
        let mut responsible = Vec::new();
        for candidate in [wanted.and_then(user), self.deal.responsible, fallback] {
            responsible.extend(candidate.filter(|user| !responsible.contains(user)));
        }
        responsible
    }

    /// Something beyond the deal itself, done after everything else.
    pub(super) fn further(&mut self, name: &str, effect: impl Into<Effect>) {
        self.further.push(PlannedEffect::new(name, effect));
    }

    /// A PDF of Paddle's, to follow in its own time.
    pub(super) fn document(
        &mut self,
        document: Document,
        name: &str,
        note: String,
        entities: Vec<String>,
    ) {
        self.because(match document {
            Document::Invoice(_) => Reason::Invoice,
            Document::CreditNote(_) => Reason::CreditNote,
        });
        let file = FileDraft { lead: self.deal.lead, document, name: file_name(name) };
        self.documents.push(DocumentDraft { file, note, entities, quiet: false });
    }

    /// A task for the rep.
    pub(super) fn task(
        &mut self,
        facts: &Facts<'_>,
        name: &str,
        text: Text,
        values: &Values,
        wanted: Option<&CustomData>,
    ) -> TaskRef {
        let effect = format!("task:{name}");
        let task = TaskDraft {
            lead: self.deal.lead,
            text: facts.texts.render(text, values),
            type_id: facts.config.tasks.type_id,
            due_at: due_at(facts),
            responsible: self.responsible(facts, wanted),
        };
        self.tasks.push(PlannedEffect::new(&effect, task));
        TaskRef { event_id: facts.event.id().as_str().to_owned(), effect }
    }

    pub(super) fn refresh_task(&mut self, facts: &Facts<'_>, task: &TaskRef, text: Option<String>) {
        let refresh = TaskRefresh {
            lead: self.deal.lead,
            event_id: task.event_id.clone(),
            effect: task.effect.clone(),
            text,
            due_at: due_at(facts),
        };
        self.tasks.push(PlannedEffect::new(&format!("refresh:{}", task.effect), refresh));
    }

    pub(super) fn complete_task(
        &mut self,
        facts: &Facts<'_>,
        task: &TaskRef,
        result: Text,
        values: &Values,
    ) {
        let completion = TaskCompletion {
            lead: self.deal.lead,
            event_id: task.event_id.clone(),
            effect: task.effect.clone(),
            result: facts.texts.render(result, values),
        };
        // Tasks of several events may have been made by effects of one name.
        let name = format!("complete:{}:{}", task.effect, task.event_id);
        self.tasks.push(PlannedEffect::new(&name, completion));
    }

    /// The deal first, then what tells of it: a note about a deal that did not close would be a lie.
    pub(super) fn act(self, facts: &Facts<'_>, mut known: Known) -> Decision {
        let update = &self.update;
        let occurred_at = facts.event.occurred_at();
        let mut effects = Vec::new();
        for FieldValue { field, value } in &update.fields {
            let text = value.to_text();
            let before = known.sale.written.get(field);
            let own = self.subscription(facts);
            let before = before.filter(|written| !gives_way(facts, own, *field, written));
            let since = self.since.get(field).copied().unwrap_or(occurred_at);
            let at = before.map_or(since, |before| before.at.max(since));
            let of = own.map(str::to_owned);
            let is_looked_at = facts.config.overwrite.of(*field) == Overwrite::IfOurs;
            let now = self.deal.field(*field).filter(|_| is_looked_at);
            let before = now.filter(|now| !now.is_empty()).map(str::to_owned);
            let written = Written { text, at, of, before, is_unwritten: false };
            known.sale.written.insert(*field, written);
        }
        known.sale.price = update.price.or(known.sale.price);
        if update.stage.is_some() || update.price.is_some() || !update.fields.is_empty() {
            effects.push(PlannedEffect::new("lead", self.update));
        }
        effects.extend(self.notes);
        effects.extend(self.tasks);
        effects.extend(self.further);
        let plan = Plan { reasons: self.reasons, effects, documents: self.documents };
        Decision::Act { plan, known: Box::new(known) }
    }
}

/// Whether what a field tells of another subscription gives way to this one: that was heard of first, and began later; or it
/// has ended, and this one is shown.
pub(super) fn gives_way(
    facts: &Facts<'_>,
    own: Option<&str>,
    field: Field,
    written: &Written,
) -> bool {
    let (Some(own), Some(other)) = (own, written.of.as_deref()) else { return false };
    let sale = &facts.known.sale;
    let has_ended = || own != other && !sale.shows_another(own) && sale.has_ended(other);
    sale.shows_before(own, other) || (field.is_of_subscription() && has_ended())
}

/// What every drive takes as it stands, whatever Paddle's number has in it.
fn file_name(name: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    name.chars().take(LONGEST).map(|letter| if plain(letter) { letter } else { '_' }).collect()
}

fn due_at(facts: &Facts<'_>) -> OffsetDateTime {
    facts.now.saturating_add(Duration::hours(i64::from(facts.config.tasks.due_in_hours)))
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_file_name_leads_nowhere() {
        for (name, want) in [
            ("invoice-325-10566", "invoice-325-10566"),
            ("invoice-../../etc/passwd", "invoice-.._.._etc_passwd"),
            ("invoice-№ 7\n\u{202e}\"", "invoice-__7___"),
        ] {
            assert_eq!(file_name(name), want);
        }
        assert_eq!(file_name(&"ж".repeat(300)), "_".repeat(80));
    }
}
