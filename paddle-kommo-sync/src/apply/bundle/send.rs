//! One request for many calls: intents on disk, deadlines looked at, sent, and the answer told to each.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;
use kommo_client::{Client, EntityType, Error, ErrorKind, Fate, Turn};

use super::{
    super::{CALL, LEASE, after},
    Call, Failure, Reply, Sender,
    queue::{Bundle, Item, Kind},
};
use crate::store::{Attempt, EffectState, Lease};

/// The calls of one variant, in their order.
macro_rules! calls {
    ($items:expr, $variant:ident) => {
        $items
            .iter()
            .filter_map(|item| match &item.call {
                Call::$variant(call) => Some(call.clone()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
}

impl Sender<'_> {
    pub(super) async fn send(&self, turn: Turn, bundle: Bundle) {
        if bundle.kind == Kind::ReadLeads {
            return self.read(&self.reading.in_turn(turn), bundle.items).await;
        }
        let (items, leases) = self.begin(bundle.items).await;
        if items.is_empty() {
            return;
        }
        let client = self.writing.in_turn(turn);
        let written = match bundle.kind {
            Kind::AddNotes => {
                let notes = client.notes(EntityType::Leads);
                notes
                    .create(&calls!(items, AddNote))
                    .await
                    .map(|made| ids(&made, |made| made.id.get()))
            }
            Kind::AddLeads => client
                .leads()
                .create(&calls!(items, AddLead))
                .await
                .map(|made| ids(&made, |made| made.id.get())),
            Kind::AddTasks => client
                .tasks()
                .create(&calls!(items, AddTask))
                .await
                .map(|made| ids(&made, |made| made.id.get())),
            Kind::UpdateTasks => client
                .tasks()
                .update(&calls!(items, UpdateTask))
                .await
                .map(|done| ids(&done, |done| done.id.get())),
            Kind::StartBots => self.start_bots(&client, &items).await,
            Kind::AttachFiles => self.attach_files(&client, &items).await,
            Kind::UpdateLeads | Kind::ReadLeads => client
                .leads()
                .update(&calls!(items, UpdateLead))
                .await
                .map(|done| ids(&done, |done| done.id.get())),
        };
        match written {
            Ok(ids) => {
                self.bundler.queue().grow(bundle.kind);
                for ((item, lease), id) in items.into_iter().zip(leases).zip(ids) {
                    item.answer(Reply::Written(lease, id));
                }
            }
            Err(error) => self.failed(bundle.kind, items, leases, error),
        }
    }

    /// Kommo gives no id for the start of a bot, so it is the bot's own.
    async fn start_bots(&self, client: &Client, items: &[Item]) -> Result<Vec<u64>, Error> {
        let mut started = Vec::new();
        for item in items {
            if let Call::StartBot(bot, lead) = item.call {
                client.salesbots().run(bot, EntityType::Leads, &[lead.get()]).await?;
                started.push(bot.get());
            }
        }
        Ok(started)
    }

    /// Kommo gives no id for it either, so it is the deal's.
    async fn attach_files(&self, client: &Client, items: &[Item]) -> Result<Vec<u64>, Error> {
        let mut attached = Vec::new();
        for item in items {
            if let Call::AttachFile(lead, uuid) = &item.call {
                client.files().attach(EntityType::Leads, lead.get(), &[uuid]).await?;
                attached.push(lead.get());
            }
        }
        Ok(attached)
    }

    async fn read(&self, client: &Client, items: Vec<Item>) {
        let ids = calls!(items, ReadLead);
        let leads = match ids.as_slice() {
            [id] => client.leads().get(*id).await.map(|lead| lead.into_iter().collect()),
            ids => client.leads().list_by_ids(ids).await,
        };
        match leads {
            Ok(leads) => {
                let found: BTreeMap<_, _> = leads.into_iter().map(|lead| (lead.id, lead)).collect();
                for (item, id) in items.into_iter().zip(ids) {
                    item.answer(Reply::Lead(found.get(&id).cloned().map(Box::new)));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for item in items {
                    item.answer(Reply::Refused(Failure::of_all(&error)));
                }
            }
        }
    }

    /// Puts all intents on disk, and leaves out what may not be sent any more.
    async fn begin(&self, items: Vec<Item>) -> (Vec<Item>, Vec<Lease>) {
        let sent_at = self.clock.now();
        let intents: Vec<_> = items.iter().map(|item| item.intent.clone()).collect();
        let call_id = intents.iter().flatten().next().map_or_else(String::new, |intent| {
            format!("{}:{}:{}", intent.lease.event_id, intent.effect, intent.lease.epoch)
        });
        let attempt = Attempt { call_id, sent_at, deadline_at: after(sent_at, CALL) };
        let begun = join_all(intents.iter().map(|intent| async {
            let Some(intent) = intent else { return None };
            let effects = [intent.effect.as_str()];
            Some(self.store.begin(&intent.lease, &effects, &attempt, after(sent_at, LEASE)).await)
        }))
        .await;
        // The process may have been stopped since: then somebody else has the lanes by now, or soon.
        let answered_by = after(self.clock.now(), CALL);
        let mut ready = (Vec::new(), Vec::new());
        for ((item, intent), begun) in items.into_iter().zip(intents).zip(begun) {
            match (begun, intent) {
                (Some(Ok(lease)), _) if answered_by <= lease.until => {
                    ready.0.push(item);
                    ready.1.push(lease);
                }
                (Some(Ok(lease)), Some(intent)) => {
                    let state = EffectState::Planned;
                    let marked =
                        self.store.mark(&lease, &intent.effect, state, intent.absent).await;
                    item.answer(marked.map_or_else(Reply::NotBegun, |()| Reply::TooLate));
                }
                (Some(Err(error)), _) => item.answer(Reply::NotBegun(error)),
                // A write without an intent would be a mistake of ours: it is not sent.
                (_, None) | (None, _) => item.answer(Reply::TooLate),
            }
        }
        ready
    }

    /// Who is at fault hears it; the others go again where that does no harm, or may have been written.
    fn failed(&self, kind: Kind, items: Vec<Item>, leases: Vec<Lease>, error: Error) {
        let error = Arc::new(error);
        let is_repeatable = matches!(kind, Kind::UpdateLeads | Kind::UpdateTasks);
        let size = items.len();
        let named = named(&error, &items);
        let is_too_large = size > 1 && matches!(error.kind(), ErrorKind::Server(504));
        // It is about the items, and does not say about which.
        let is_riddle = size > 1 && named.is_empty() && is_about_items(error.kind());
        let mut queue = self.bundler.queue();
        if is_too_large {
            queue.shrink(kind, size);
        }
        let half = size.div_ceil(2);
        for (place, (item, lease)) in items.into_iter().zip(leases).enumerate() {
            let failure = Failure::of_all(&error);
            match named.get(&place) {
                Some(own) => {
                    let own = Some(own.clone());
                    item.answer(Reply::Failed(
                        lease,
                        Failure { own, fate: Fate::Refused, ..failure },
                    ));
                }
                None if !named.is_empty() && is_repeatable => queue.push_again(item, usize::MAX),
                None if is_too_large && is_repeatable => queue.push_again(item, half),
                None if is_riddle && (is_repeatable || error.fate() == Fate::NotSent) => {
                    queue.push_again(item, half);
                }
                // That Kommo wrote none of a refused creation is the common reading, but nobody has it in writing.
                None if !named.is_empty() || is_riddle => {
                    item.answer(Reply::Failed(lease, Failure { fate: Fate::Unknown, ..failure }));
                }
                None => item.answer(Reply::Failed(lease, failure)),
            }
        }
        drop(queue);
        self.bundler.returned.notify_waiters();
    }
}

fn ids<T>(answers: &[T], id: impl Fn(&T) -> u64) -> Vec<u64> {
    answers.iter().map(id).collect()
}

/// The items that a refusal names, by their place, each with its own reasons.
fn named(error: &Error, items: &[Item]) -> BTreeMap<usize, ErrorKind> {
    match error.kind() {
        ErrorKind::Validation(errors) => {
            let own = errors.iter().filter_map(|error| {
                let place = error.index.filter(|place| *place < items.len())?;
                Some((place, ErrorKind::Validation(vec![error.clone()])))
            });
            own.collect()
        }
        // By the id of what was to be changed.
        ErrorKind::Rule(sentences) => {
            let own = items.iter().enumerate().filter_map(|(place, item)| {
                let (id, sentence) = sentences.get_key_value(&item.call.changes()?.to_string())?;
                Some((place, ErrorKind::Rule(BTreeMap::from([(id.clone(), sentence.clone())]))))
            });
            own.collect()
        }
        _ => BTreeMap::new(),
    }
}

/// Whether other items may fare better.
fn is_about_items(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Validation(_)
            | ErrorKind::Rule(_)
            | ErrorKind::Status(400 | 413 | 422)
            | ErrorKind::InvalidRequest
    )
}
