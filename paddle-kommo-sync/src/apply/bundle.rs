//! What many deals want at the same time goes to Kommo as one request.
//!
//! Kommo takes 7 requests a second, and up to 250 items in each. So a call waits for the next turn together with all
//! others that wait for it, and whoever holds the door sends what has gathered by then: one kind of call, the one with
//! the fullest bundle. A call that is alone goes at once; nothing waits for a bundle to fill.
//!
//! Nothing runs in the background: the callers themselves take turns at the door, and one of a bundle's own sends it.

mod queue;
mod send;

use std::{
    num::NonZeroUsize,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kommo_client::{
    Client, Error, ErrorKind, Fate, Lead, LeadId, LeadPatch, NewLead, NewNote, NewTask, Priority,
    SalesbotId, TaskPatch,
};
use tokio::sync::{Notify, oneshot};

use self::queue::{Answer, Bundle, Item, Queue};
use crate::{
    clock::Clock,
    error::StoreError,
    store::{Lease, Store},
};

/// One call for one deal.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    ReadLead(LeadId),
    UpdateLead(LeadPatch),
    AddNote(NewNote),
    AddLead(NewLead),
    AddTask(NewTask),
    UpdateTask(TaskPatch),
    StartBot(SalesbotId, LeadId),
    /// By its uuid in the drive.
    AttachFile(LeadId, String),
}

/// What must be on disk before a write leaves: under which lease, and which effect of its event.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) lease: Lease,
    pub(crate) effect: String,
    /// How often the effect was looked for in vain.
    pub(crate) absent: u32,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The deal, if there is one.
    Lead(Option<Box<Lead>>),
    /// The write happened: the renewed lease, and the id that Kommo gave.
    Written(Lease, u64),
    /// The write failed, or nobody can tell: the renewed lease, and why.
    Failed(Lease, Failure),
    /// Nothing was sent: the call did not get its turn, or it was a read.
    Refused(Failure),
    /// Nothing was sent: the lease would have ended before the answer.
    TooLate,
    /// Nothing was sent: the intent could not be put on disk.
    NotBegun(StoreError),
    /// Whoever sent it has gone.
    Lost,
}

/// An error of a request, as it concerns one of its items.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    error: Arc<Error>,
    /// The item's own reasons, where Kommo gave them.
    own: Option<ErrorKind>,
    fate: Fate,
}

impl Failure {
    fn of_all(error: &Arc<Error>) -> Self {
        Self { error: Arc::clone(error), own: None, fate: error.fate() }
    }

    pub(crate) fn error(&self) -> &Error {
        &self.error
    }

    pub(crate) fn kind(&self) -> &ErrorKind {
        self.own.as_ref().unwrap_or_else(|| self.error.kind())
    }

    /// Whether this item may have been written.
    pub(crate) fn fate(&self) -> Fate {
        self.fate
    }
}

/// Gathers calls and sends them.
#[derive(Debug)]
pub(crate) struct Bundler {
    queue: Mutex<Queue>,
    /// Who holds it waits for the next turn and takes what has gathered by then.
    door: tokio::sync::Mutex<()>,
    /// Calls went back into the queue.
    returned: Notify,
    /// A call came that is more urgent than those for which the turn is waited for.
    urgent: Notify,
}

/// What is needed to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) bundler: &'a Bundler,
    pub(crate) reading: &'a Client,
    /// Waits for a further turn only so long as the intent allows.
    pub(crate) writing: &'a Client,
    pub(crate) store: &'a dyn Store,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) priority: Priority,
}

impl Bundler {
    /// At most so many writes share a request.
    pub(crate) fn new(most: NonZeroUsize) -> Self {
        Self {
            queue: Mutex::new(Queue::new(most.get())),
            door: tokio::sync::Mutex::default(),
            returned: Notify::new(),
            urgent: Notify::new(),
        }
    }

    /// Tells who waits that calls went back into the queue.
    fn returned(&self, is_urgent: bool) {
        self.returned.notify_waiters();
        if is_urgent {
            self.urgent.notify_waiters();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender<'_> {
    /// Sends this call, with all others that wait for the same turn.
    ///
    /// # Cancel safety
    ///
    /// A call that waits is taken back. Others whose request is under way by this caller hear [`Reply::Lost`].
    pub(crate) async fn call(&self, call: Call, intent: Option<Intent>) -> Reply {
        let (reply, mut answer) = oneshot::channel();
        if self.bundler.queue().push(Item::new(call, intent, self.priority, reply)) {
            self.bundler.urgent.notify_waiters();
        }
        loop {
            let mut returned = pin!(self.bundler.returned.notified());
            // Registered before the look into the queue, or what comes back in between would wait for nobody.
            returned.as_mut().enable();
            let told = tokio::select! {
                biased;
                told = &mut answer => told,
                door = self.bundler.door.lock() => {
                    let gathered = tokio::select! {
                        biased;
                        // Under way already, by another caller: what is left may wait long for its turn.
                        told = &mut answer => Err(told),
                        gathered = self.gather() => Ok(gathered),
                    };
                    drop(door);
                    match gathered {
                        Ok(Some((turn, bundle))) => {
                            bundle.hand_over(turn);
                            continue;
                        }
                        // This call is under way.
                        Ok(None) => tokio::select! {
                            biased;
                            told = &mut answer => told,
                            () = returned => continue,
                        },
                        Err(told) => told,
                    }
                }
            };
            match told {
                Ok(Answer::Reply(reply)) => return reply,
                Ok(Answer::Send(task)) => {
                    answer = task.answer;
                    self.send(task.turn, task.bundle).await;
                }
                Err(_) => return Reply::Lost,
            }
        }
    }

    /// Waits for a turn and takes what has gathered by then; none when there is nothing left to send.
    async fn gather(&self) -> Option<(kommo_client::Turn, Bundle)> {
        loop {
            let mut urgent = pin!(self.bundler.urgent.notified());
            // Registered before it is said what is asked for, or what is pushed in between would not be heard of.
            urgent.as_mut().enable();
            let priority = self.bundler.queue().ask()?;
            let reading = self.reading.with_priority(priority);
            let turn = tokio::select! {
                biased;
                turn = reading.turn() => turn,
                () = urgent => continue,
            };
            match turn {
                Ok(turn) => {
                    // Whoever is ready as well joins: many become so at the same moment, when a large request is answered.
                    tokio::task::yield_now().await;
                    let bundle = self.bundler.queue().take()?;
                    return Some((turn, bundle));
                }
                Err(error) => {
                    let error = Arc::new(error);
                    for item in self.bundler.queue().drain() {
                        item.answer(Reply::Refused(Failure::of_all(&error)));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
