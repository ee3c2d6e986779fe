use super::answer::Answer;
use super::check::single;
use super::ledger::LedgerKind;
use super::routes::{Entry, not_found, number};
use super::state::{Call, State};

impl State {
    /// One bot, on one lead: 202 without a word about it later
    /// (<https://developers.kommo.com/reference/launch-a-salesbot>).
    pub(super) fn run_bot(&mut self, call: &Call, id: &str) -> Result<Answer, Answer> {
        let Some(id) = number(id).filter(|id| self.bots.contains(id)) else {
            return Err(not_found());
        };
        let lead = single(&call.body, |item, _, problems| {
            let mut reader = super::check::Reader::new(item, "", problems);
            reader.expect_keys(&["entity_id", "entity_type"]);
            reader.require("entity_id");
            reader.require("entity_type");
            if reader.text("entity_type").is_some_and(|entity_type| entity_type != "leads") {
                reader.refuse_choice("entity_type");
            }
            let lead = reader.id("entity_id");
            if lead.is_some_and(|lead| !self.leads.contains_key(&lead)) {
                reader.refuse_choice("entity_id");
            }
            lead
        })?;
        let (kind, body) = (LedgerKind::BotStarted, call.body.clone());
        self.write_down(
            call,
            Entry { kind, id, entity_id: lead, body, closed_without_pipeline: false },
        );
        Ok(Answer::raw(202, "text/html", b"Accepted".to_vec()))
    }
}
