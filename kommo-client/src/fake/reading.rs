//! What is in the account, and what came.

use serde_json::Value;

use super::FakeKommo;
use super::kind::{Entity, Kind, Owner};
use super::ledger::{LedgerEntry, LedgerKind, RecordedRequest};

impl FakeKommo {
    /// How many requests were more than the rate limit allows.
    #[must_use]
    pub fn rate_limited(&self) -> usize {
        self.state().gate.refused
    }

    /// The ids of the stages of a pipeline in their order, without 142 and 143.
    #[must_use]
    pub fn stage_ids(&self, pipeline: u64) -> Vec<u64> {
        let state = self.state();
        state.pipeline(pipeline).map_or_else(Vec::new, |pipeline| {
            pipeline.stages.iter().map(|stage| stage.id).collect()
        })
    }

    /// The lead as `GET /api/v4/leads/{id}` would answer it.
    #[must_use]
    pub fn lead(&self, id: u64) -> Option<Value> {
        let state = self.state();
        state.leads.get(&id).map(|lead| state.lead_json(lead, &[]))
    }

    /// The first value of a lead's custom field, as it reads back: text, bool, or Unix seconds.
    #[must_use]
    pub fn field_value(&self, lead: u64, code: &str) -> Option<Value> {
        let state = self.state();
        let field = state.field_by_code(Owner::All(Kind::Leads), code)?;
        state.leads.get(&lead)?.fields.get(&field.id)?.first()?.get("value").cloned()
    }

    /// The notes of a lead as GET would answer them, oldest first.
    #[must_use]
    pub fn notes(&self, lead: u64) -> Vec<Value> {
        self.state().notes_of(Entity::new(Kind::Leads, lead))
    }

    /// The `params.text` of the notes of a lead, oldest first.
    #[must_use]
    pub fn note_texts(&self, lead: u64) -> Vec<String> {
        let notes = self.notes(lead);
        let texts = notes.iter().filter_map(|note| note.pointer("/params/text")?.as_str());
        texts.map(str::to_owned).collect()
    }

    /// The tasks on a lead as GET would answer them, oldest first.
    #[must_use]
    pub fn tasks(&self, lead: u64) -> Vec<Value> {
        self.state().tasks_of(lead)
    }

    /// Every write that was accepted and applied, in order.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.state().ledger.clone()
    }

    /// Every request that came, in order, whatever was answered. Those to `/__fake` are left out.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    /// The contact as `GET /api/v4/contacts/{id}?with=leads` would answer it.
    #[must_use]
    pub fn contact(&self, id: u64) -> Option<Value> {
        self.state().person(Kind::Contacts, id)
    }

    /// The company as `GET /api/v4/companies/{id}?with=leads,contacts` would answer it.
    #[must_use]
    pub fn company(&self, id: u64) -> Option<Value> {
        self.state().person(Kind::Companies, id)
    }

    /// The names of the tags of a lead, in their order.
    #[must_use]
    pub fn tags(&self, lead: u64) -> Vec<String> {
        let state = self.state();
        let ids = state.leads.get(&lead).map(|lead| lead.tags.iter());
        let tags = ids.into_iter().flatten().filter_map(|id| state.tags.get(id));
        tags.map(|tag| tag.name.clone()).collect()
    }

    /// The elements linked with a lead, as `_embedded.catalog_elements` shows them: `id` and `metadata`.
    #[must_use]
    pub fn elements(&self, lead: u64) -> Vec<Value> {
        let elements = self.state().linked_elements_json(Entity::new(Kind::Leads, lead));
        elements.as_array().cloned().unwrap_or_default()
    }

    /// The names of the files attached to a lead, oldest first.
    #[must_use]
    pub fn file_names(&self, lead: u64) -> Vec<String> {
        self.state().drive.names_at(Entity::new(Kind::Leads, lead))
    }

    /// What was uploaded as the file with this uuid.
    #[must_use]
    pub fn file_content(&self, uuid: &str) -> Option<Vec<u8>> {
        self.state().drive.content(uuid)
    }

    /// The destinations of the webhooks, each with its events.
    #[must_use]
    pub fn webhooks(&self) -> Vec<(String, Vec<String>)> {
        let state = self.state();
        let hooks = state.hooks.iter();
        hooks.map(|hook| (hook.destination.clone(), hook.settings.clone())).collect()
    }

    /// The Salesbots that were started, in order: the bot, and the id of the lead or contact it runs on.
    #[must_use]
    pub fn salesbots(&self) -> Vec<(u64, u64)> {
        let state = self.state();
        let started = state.ledger.iter().filter(|entry| entry.kind == LedgerKind::SalesbotStarted);
        started.map(|entry| (entry.id, entry.entity_id)).collect()
    }
}
