//! One request for many calls: intents on disk, deadlines looked at, sent, and the answer told to each.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use kommo_client::{Client, EntityType, Error, ErrorKind, Fate, Turn};
use tokio::time::Instant;

use super::{
    super::{CALL, LEASE, after},
    Call, Failure, Reply, Sender,
    queue::{Bundle, Item, Kind},
};
use crate::{
    failure::{Reaction, reaction_to},
    store::{Attempt, EffectState, Lease},
};

/// For so long, from its turn on, a write takes along who becomes ready. Longer would bring it near the next one.
const TOGETHER: Duration = Duration::from_millis(10);

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
        let kind = bundle.kind;
        let (items, leases) = self.begin(bundle).await;
        if items.is_empty() {
            return;
        }
        let client = self.writing.in_turn(turn);
        let written = match kind {
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
                self.bundler.queue().grow(kind);
                for ((item, lease), id) in items.into_iter().zip(leases).zip(ids) {
                    item.answer(Reply::Written(lease, id));
                }
            }
            Err(error) => self.failed(kind, items, leases, error),
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
                self.bundler.queue().grow(Kind::ReadLeads);
                let found: BTreeMap<_, _> = leads.into_iter().map(|lead| (lead.id, lead)).collect();
                for (item, id) in items.into_iter().zip(ids) {
                    item.answer(Reply::Lead(found.get(&id).cloned().map(Box::new)));
                }
            }
            Err(error) => self.not_read(items, error),
        }
    }

    /// One deal must not keep the others from being read: only what was read alone hears what is wrong with it.
    fn not_read(&self, items: Vec<Item>, error: Error) {
        let size = items.len();
        let is_too_much = size > 1 && is_too_much(error.kind());
        let is_riddle = size > 1 && is_about_items(error.kind(), &error);
        let mut queue = self.bundler.queue();
        if is_too_much {
            queue.shrink(Kind::ReadLeads, size);
        }
        let error = Arc::new(error);
        let mut is_urgent = false;
        for item in items {
            if is_too_much || is_riddle {
                is_urgent |= queue.push_again(item, size.div_ceil(2));
            } else {
                item.answer(Reply::Refused(Failure::of_all(&error)));
            }
        }
        drop(queue);
        self.bundler.returned(is_urgent);
    }

    /// Puts all intents on disk. Who becomes ready meanwhile comes along: it is as many requests fewer.
    async fn begin(&self, mut bundle: Bundle) -> (Vec<Item>, Vec<Lease>) {
        let until = Instant::now().checked_add(TOGETHER);
        let first = bundle.items.iter().find_map(|item| item.intent.as_ref());
        let call_id = first.map_or_else(String::new, |intent| {
            format!("{}:{}:{}", intent.lease.event_id, intent.effect, intent.lease.epoch)
        });
        let mut leases = Vec::new();
        loop {
            let fresh = bundle.items.split_off(leases.len());
            for (item, lease) in self.put_on_disk(fresh, &call_id).await {
                bundle.items.push(item);
                leases.push(lease);
            }
            let has_time = until.is_some_and(|until| Instant::now() < until);
            if !has_time || self.bundler.queue().fill(&mut bundle) == 0 {
                break;
            }
        }
        // The process may have been stopped since: then somebody else has the lanes by now, or soon.
        let answered_by = after(self.clock.now(), CALL);
        if leases.iter().all(|lease| answered_by <= lease.until) {
            return (bundle.items, leases);
        }
        let unsent = bundle.items.into_iter().zip(leases).map(|(item, lease)| async move {
            let Some(intent) = &item.intent else { return };
            let state = EffectState::Planned;
            let marked = self.store.mark(&lease, &intent.effect, state, intent.absent).await;
            item.answer(marked.map_or_else(Reply::NotBegun, |()| Reply::TooLate));
        });
        join_all(unsent).await;
        (Vec::new(), Vec::new())
    }

    /// Those whose intents are on disk, under their renewed leases.
    async fn put_on_disk(&self, items: Vec<Item>, call_id: &str) -> Vec<(Item, Lease)> {
        let sent_at = self.clock.now();
        let deadline_at = after(sent_at, CALL);
        let attempt = &Attempt { call_id: call_id.to_owned(), sent_at, deadline_at };
        let begun = items.into_iter().map(|item| async move {
            // A write without an intent would be a mistake of ours: it is not sent.
            let Some(intent) = &item.intent else {
                item.answer(Reply::TooLate);
                return None;
            };
            let effects = [intent.effect.as_str()];
            match self.store.begin(&intent.lease, &effects, attempt, after(sent_at, LEASE)).await {
                Ok(lease) => Some((item, lease)),
                Err(error) => {
                    item.answer(Reply::NotBegun(error));
                    None
                }
            }
        });
        join_all(begun).await.into_iter().flatten().collect()
    }

    /// Who is at fault hears it; the others go again where that does no harm, or may have been written.
    fn failed(&self, kind: Kind, items: Vec<Item>, leases: Vec<Lease>, error: Error) {
        let error = Arc::new(error);
        let is_repeatable = matches!(kind, Kind::UpdateLeads | Kind::UpdateTasks);
        let size = items.len();
        let named = named(&error, &items);
        let is_too_large = size > 1 && matches!(error.kind(), ErrorKind::Server(504));
        // It is about the items, and does not say about which.
        let is_riddle = size > 1 && named.is_empty() && is_about_items(error.kind(), &error);
        let mut queue = self.bundler.queue();
        if is_too_large {
            queue.shrink(kind, size);
        }
        let half = size.div_ceil(2);
        let mut is_urgent = false;
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
                None if !named.is_empty() && is_repeatable => {
                    is_urgent |= queue.push_again(item, usize::MAX);
                }
                None if is_riddle && (is_repeatable || error.fate() == Fate::NotSent) => {
                    is_urgent |= queue.push_again(item, half);
                }
                // That Kommo wrote none of a refused creation is the common reading, but nobody has it in writing.
                None if !named.is_empty() || is_riddle => {
                    item.answer(Reply::Failed(lease, Failure { fate: Fate::Unknown, ..failure }));
                }
                None => item.answer(Reply::Failed(lease, failure)),
            }
        }
        drop(queue);
        self.bundler.returned(is_urgent);
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

/// Whether fewer deals may be read where so many could not, be it only without the one whose answer nobody can read.
const fn is_too_much(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Server(504)
            | ErrorKind::Status(413 | 414)
            | ErrorKind::TooLarge
            | ErrorKind::Decode
    )
}

/// Whether other items may fare better: the error would park its event.
fn is_about_items(kind: &ErrorKind, error: &Error) -> bool {
    matches!(reaction_to(kind, error), Reaction::Park(_))
}
