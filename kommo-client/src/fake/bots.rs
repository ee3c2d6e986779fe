use serde_json::{Map, Value};

use super::answer::Answer;
use super::check::{Batch, Problems, Reader, batch, single};
use super::kind::{Entity, Kind};
use super::ledger::LedgerKind;
use super::routes::{Entry, number};
use super::state::{Call, State};

/// Bots in one request (Kommo docs, launch-salesbot).
const MOST_BOTS: usize = 100;

struct Run {
    body: Value,
    bot: u64,
    on: Entity,
}

impl State {
    /// `POST /api/v2/salesbot/run` (Kommo docs, launch-salesbot), and `POST /api/v4/bots/run`, its younger sister.
    pub(super) fn run_bots(&mut self, call: &Call) -> Result<Answer, Answer> {
        if call.body.as_array().is_some_and(|items| items.len() > MOST_BOTS) {
            return Err(Answer::problem(400, "No more than 100 bots at a time"));
        }
        let Batch { good, .. } =
            batch(&call.body, false, |item, _, problems| self.check_run(None, item, problems))?;
        Ok(self.start(call, good))
    }

    /// `POST /api/v4/bots/{id}/run` (Kommo docs, launch-a-salesbot).
    pub(super) fn run_bot(&mut self, call: &Call, bot: &str) -> Result<Answer, Answer> {
        let Some(bot) = number(bot).filter(|bot| self.bots.contains(bot)) else {
            return Err(Answer::problem(404, "Salesbot not found"));
        };
        let run =
            single(&call.body, |item, _, problems| self.check_run(Some(bot), item, problems))?;
        Ok(self.start(call, vec![run]))
    }

    fn start(&mut self, call: &Call, runs: Vec<Run>) -> Answer {
        for Run { body, bot, on } in runs {
            let entry = Entry::of(LedgerKind::SalesbotStarted, bot, body);
            self.write_down(call, Entry { entity_id: on.id, ..entry });
        }
        Answer { status: 202, ..Answer::nothing() }
    }

    fn check_run(
        &self,
        bot: Option<u64>,
        item: &Map<String, Value>,
        problems: &mut Problems,
    ) -> Option<Run> {
        let mut reader = Reader::new(item, "", problems);
        let own: &[&str] = if bot.is_some() { &[] } else { &["bot_id"] };
        reader.expect_keys(&[&["entity_id", "entity_type"], own].concat());
        for key in own.iter().chain(&["entity_id", "entity_type"]) {
            reader.require(key);
        }
        let bot = match bot {
            Some(bot) => bot,
            None => {
                let bot = reader.id("bot_id")?;
                if !self.bots.contains(&bot) {
                    reader.refuse_choice("bot_id");
                }
                bot
            }
        };
        // Numbers, also as text, in the old method; words in the new one.
        let kind = match reader.get("entity_type").map(plain).as_deref() {
            Some("1" | "contacts") => Kind::Contacts,
            Some("2" | "leads") => Kind::Leads,
            _ => {
                reader.refuse_choice("entity_type");
                return None;
            }
        };
        let on = Entity::new(kind, reader.id("entity_id")?);
        if !self.exists(on) {
            reader.refuse_choice("entity_id");
        }
        Some(Run { body: reader.whole(), bot, on })
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
