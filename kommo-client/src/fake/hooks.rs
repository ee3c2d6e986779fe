use serde_json::{Value, json};

use super::answer::Answer;
use super::check::{Reader, single};
use super::ledger::LedgerKind;
use super::query::{Filter, Filters, Query};
use super::routes::{Entry, not_found};
use super::state::{Call, Hook, State};

const FILTERS: Filters = &[("destination", Filter::OneOf("destination"))];

/// Subscriptions of an account (Kommo docs, add-webhooks).
const MOST_HOOKS: usize = 100;

/// What can be subscribed to (amoCRM docs, webhooks-api; Kommo docs, webhook-events). Kommo's page leaves out
/// `update_task`, which is taken here as its general page tells of it.
const EVENTS: [&str; 32] = [
    "add_lead",
    "update_lead",
    "delete_lead",
    "restore_lead",
    "status_lead",
    "responsible_lead",
    "note_lead",
    "add_contact",
    "update_contact",
    "delete_contact",
    "restore_contact",
    "responsible_contact",
    "note_contact",
    "add_company",
    "update_company",
    "delete_company",
    "restore_company",
    "responsible_company",
    "note_company",
    "add_task",
    "update_task",
    "delete_task",
    "responsible_task",
    "add_talk",
    "update_talk",
    "add_message",
    "add_chat_template_review",
    "add_customer",
    "update_customer",
    "delete_customer",
    "responsible_customer",
    "note_customer",
];

impl State {
    pub(super) fn list_hooks(&self, call: &Call) -> Result<Answer, Answer> {
        let query = Query::read(call)?;
        let mut rows: Vec<Value> = self.hooks.iter().map(|hook| self.hook_json(hook)).collect();
        query.filter(&mut rows, FILTERS)?;
        Ok(self.page(call, &query, "webhooks", rows, true))
    }

    /// One object, not a list. A destination that is known already gets these settings in place of its own.
    pub(super) fn set_hook(&mut self, call: &Call) -> Result<Answer, Answer> {
        let (destination, settings) = single(&call.body, |item, _, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.expect_keys(&["destination", "settings", "sort"]);
            reader.require("destination");
            reader.require("settings");
            reader.int("sort");
            let destination = reader.filled_text("destination")?;
            if url::Url::parse(destination).is_err() || !destination.is_ascii() {
                reader.refuse_choice("destination");
            }
            let mut settings = Vec::new();
            for (index, event) in reader.array("settings")?.iter().enumerate() {
                match event.as_str() {
                    Some(event) if EVENTS.contains(&event) => settings.push(event.to_owned()),
                    _ => reader.refuse_choice(&format!("settings.{index}")),
                }
            }
            Some((destination.to_owned(), settings))
        })?;
        let now = self.now();
        let known = self.hooks.iter().position(|hook| hook.destination == destination);
        let place = match known {
            Some(place) => place,
            None if self.hooks.len() >= MOST_HOOKS => {
                return Err(Answer::problem(
                    400,
                    "The account has as many webhooks as it may have",
                ));
            }
            None => {
                let id = self.next_id();
                let (settings, place) = (Vec::new(), self.hooks.len());
                self.hooks.push(Hook {
                    id,
                    destination,
                    settings,
                    created_at: now,
                    updated_at: now,
                });
                place
            }
        };
        let Some(hook) = self.hooks.get_mut(place) else { return Err(not_found()) };
        hook.settings = settings;
        hook.updated_at = now;
        let hook = hook.clone();
        self.write_down(call, Entry::of(LedgerKind::Administered, hook.id, call.body.clone()));
        Ok(Answer::ok(&self.hook_json(&hook)))
    }

    pub(super) fn remove_hook(&mut self, call: &Call) -> Result<Answer, Answer> {
        let destination = single(&call.body, |item, _, problems| {
            let mut reader = Reader::new(item, "", problems);
            reader.expect_keys(&["destination"]);
            reader.require("destination");
            reader.text("destination").map(str::to_owned)
        })?;
        let Some(place) = self.hooks.iter().position(|hook| hook.destination == destination) else {
            return Err(Answer::problem(404, "Webhook not found"));
        };
        let hook = self.hooks.remove(place);
        self.write_down(call, Entry::of(LedgerKind::Administered, hook.id, call.body.clone()));
        Ok(Answer::nothing())
    }

    fn hook_json(&self, hook: &Hook) -> Value {
        let sort = self.hooks.iter().position(|own| own.id == hook.id);
        json!({
            "id": hook.id,
            "destination": hook.destination,
            "created_at": hook.created_at,
            "updated_at": hook.updated_at,
            "account_id": self.account_id,
            "created_by": self.token_user,
            "sort": sort.map(|place| place.saturating_add(1)),
            "disabled": false,
            "settings": hook.settings,
        })
    }
}
