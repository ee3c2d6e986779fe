//! Incoming leads are taken, declined or linked.

use serde_json::json;

use crate::fake::answer::Answer;
use crate::fake::check::{Reader, single};
use crate::fake::kind::{Entity, Kind};
use crate::fake::ledger::LedgerKind;
use crate::fake::links::LinkMeta;
use crate::fake::routes::{Entry, not_found};
use crate::fake::state::{Call, State};

impl State {
    /// Makes the lead and its people. They go into the named stage, else the first of the pipeline.
    pub(super) fn accept(&mut self, call: &Call, place: usize) -> Result<Answer, Answer> {
        let (user, status) = single(&call.body, |item, _, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.expect_keys(&["user_id", "status_id"]);
            let user = self.check_user(&mut reader, "user_id");
            let status = reader.id("status_id");
            let known = |status| self.pipelines.iter().any(|pipeline| pipeline.has(status));
            if status.is_some_and(|status| !known(status)) {
                reader.refuse_choice("status_id");
            }
            Some((user, status))
        })?;
        if place >= self.unsorted.len() {
            return Err(not_found());
        }
        let mut incoming = self.unsorted.remove(place);
        let answer = self.taken_json(&incoming);
        self.sorted.accepted = self.sorted.accepted.saturating_add(1);
        let parts = std::mem::take(&mut incoming.parts);
        let lead = Entity::new(Kind::Leads, incoming.lead_id);
        self.make_lead(call, lead.id, parts.lead, incoming.pipeline_id, status, user);
        for (kind, id, change) in [
            (Kind::Contacts, incoming.contact_id, parts.contact),
            (Kind::Companies, incoming.company_id, parts.company),
        ] {
            let Some(id) = id else { continue };
            match change {
                Some(change) => drop(self.apply_person_as(call, kind, id, change)),
                None => {
                    let name = incoming.source_name.as_deref().unwrap_or_default();
                    self.add_person_as(kind, id, name);
                }
            }
            self.link(lead, Entity::new(kind, id), LinkMeta::default());
        }
        let entry = Entry::of(LedgerKind::UnsortedAccepted, lead.id, call.body.clone());
        self.write_down(call, Entry { entity_id: lead.id, ..entry });
        Ok(Answer::ok(&answer))
    }

    /// Kommo's page wants the user, amoCRM's does not: the fake wants it.
    pub(super) fn decline(&mut self, call: &Call, place: usize) -> Result<Answer, Answer> {
        single(&call.body, |item, _, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.expect_keys(&["user_id"]);
            reader.require("user_id");
            self.check_user(&mut reader, "user_id")
        })?;
        if place >= self.unsorted.len() {
            return Err(not_found());
        }
        let incoming = self.unsorted.remove(place);
        self.sorted.declined = self.sorted.declined.saturating_add(1);
        let entry = Entry::of(LedgerKind::UnsortedDeclined, incoming.lead_id, call.body.clone());
        self.write_down(call, entry);
        Ok(Answer::ok(&self.taken_json(&incoming)))
    }

    /// Puts a chat into a lead that is there already; only chats can be linked (amoCRM docs, unsorted-api).
    pub(super) fn link_unsorted(&mut self, call: &Call, place: usize) -> Result<Answer, Answer> {
        let lead = single(&call.body, |item, _, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.expect_keys(&["link", "user_id"]);
            reader.require("link");
            self.check_user(&mut reader, "user_id");
            let link = reader.object("link")?;
            let mut reader = reader.nested(link, "link");
            reader.expect_keys(&["entity_id", "entity_type", "metadata"]);
            reader.require("entity_id");
            reader.require("entity_type");
            if reader.text("entity_type") != Some("leads") {
                reader.refuse_choice("entity_type");
            }
            let lead = Entity::new(Kind::Leads, reader.id("entity_id")?);
            if !self.exists(lead) {
                reader.refuse_choice("entity_id");
            }
            if let Some(metadata) = reader.object("metadata") {
                let mut reader = reader.nested(metadata, "metadata");
                reader.expect_keys(&["contact_id"]);
                let contact = reader.id("contact_id");
                if contact.is_some_and(|id| !self.exists(Entity::new(Kind::Contacts, id))) {
                    reader.refuse_choice("contact_id");
                }
            }
            Some(lead)
        })?;
        if self.unsorted.get(place).is_none_or(|own| own.category != "chats") {
            return Err(Answer::problem(400, "Only chats can be linked"));
        }
        let incoming = self.unsorted.remove(place);
        let entry = Entry::of(LedgerKind::UnsortedLinked, lead.id, call.body.clone());
        self.write_down(call, Entry { entity_id: lead.id, ..entry });
        let links = self.links_of(&format!("leads/{}", lead.id));
        Ok(Answer::ok(&json!({
            "uid": incoming.uid,
            "_embedded": {"leads": [{"id": lead.id, "_links": links}]},
        })))
    }
}
