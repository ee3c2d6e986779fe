//! The only writer to Kommo. It knows the journal, uncertain answers and refused values, and nothing of billing.

mod bundle;
mod deals;
mod fields;
mod files;
mod lead;
mod probe;
mod tasks;

use std::time::Duration;

use kommo_client::{Client, Error, Fate, Lead, LeadId, NewNote, Priority};
use time::OffsetDateTime;

use self::bundle::{Call, Failure, Intent, Reply, Sender};
pub(crate) use self::{bundle::Bundler, probe::unsettled};
use crate::{
    cache::Cache,
    clock::Clock,
    config::{Config, FieldTarget},
    documents::DocumentSource,
    error::StoreError,
    failure::{Reaction, reaction, reaction_to},
    outcome::{LeftOut, LeftOutPart, ParkReason, Parked},
    plan::{Effect, Field, NoteDraft, Value},
    store::{EffectRow, EffectState, Lease, Store},
    zone::Zone,
};

/// The longest that a call waits for its turn after its intent was put on disk: a later send could meet another worker
/// who has looked for it in vain meanwhile.
pub(crate) const TURN: Duration = Duration::from_secs(8);

/// The longest that one call may take, from the intent to the answer: its turn, and the client's own time-out of 20 s.
/// A lease must outlast it.
const CALL: Duration = Duration::from_secs(30);

/// A lane is held for this long from the last step of its work.
pub(crate) const LEASE: Duration = Duration::from_secs(120);

/// A lease is renewed so often while something takes long.
const RENEWED: Duration = Duration::from_secs(20);

/// What came of an attempt at the effects of an event.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) applied: Applied,
    /// What Kommo does not take.
    pub(crate) left_out: Vec<LeftOut>,
    /// The fields of the deal that this attempt was to write, and has not written.
    pub(crate) unwritten: Vec<Field>,
}

/// How the effects of an event went.
#[derive(Debug)]
pub(crate) enum Applied {
    /// All are in Kommo, but for what it does not take.
    Done,
    /// Not yet: again at `until`.
    Wait { until: OffsetDateTime, why: String },
    /// A call failed.
    Failed(Reaction),
}

/// What the writer works with.
#[derive(Debug)]
pub(crate) struct Applier<'a> {
    /// Reads, as urgent as the event.
    pub(crate) kommo: Client,
    /// Writes, which must not wait long for a further turn.
    pub(crate) writing: &'a Client,
    pub(crate) bundler: &'a Bundler,
    /// How urgent the event is.
    pub(crate) priority: Priority,
    pub(crate) store: &'a dyn Store,
    pub(crate) cache: &'a Cache,
    pub(crate) config: &'a Config,
    pub(crate) clock: &'a dyn Clock,
    /// Where PDFs come from, if from anywhere.
    pub(crate) documents: Option<&'a dyn DocumentSource>,
    /// The name of the account, which markers depend on.
    pub(crate) account: &'a str,
    /// How long a lost answer may still become true in Kommo. Not before does a look tell anything.
    pub(crate) settle: Duration,
    /// When the event occurred.
    pub(crate) occurred_at: OffsetDateTime,
    /// Its effects may have been written without this journal knowing.
    pub(crate) in_doubt: bool,
}

/// The work on one event: its lease, renewed with every step, and what had to be left out.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) lease: Lease,
    pub(crate) left_out: Vec<LeftOut>,
}

/// Why the work stops before the last effect.
pub(crate) enum Stop {
    Store(StoreError),
    Because(Applied),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Applier<'_> {
    /// Sends what is not done yet, in order.
    pub(crate) async fn apply(
        &self,
        lease: Lease,
        effects: &[(EffectRow, Effect)],
    ) -> Result<Ran, StoreError> {
        let mut work = Work { lease, left_out: Vec::new() };
        let mut unwritten = Vec::new();
        let applied = self.send(&mut work, effects, &mut unwritten).await?;
        Ok(Ran { applied, left_out: work.left_out, unwritten })
    }

    async fn send(
        &self,
        work: &mut Work,
        effects: &[(EffectRow, Effect)],
        unwritten: &mut Vec<Field>,
    ) -> Result<Applied, StoreError> {
        let mut left = None;
        for (row, effect) in effects.iter().filter(|(row, _)| row.state != EffectState::Done) {
            let step = match effect {
                // Left to a person before, while others of the event had to wait: it is not sent by itself any more.
                _ if row.state == EffectState::Parked => {
                    Err(parked(deals::unconfirmed(row, effect)))
                }
                Effect::UpdateLead(update) => {
                    let updated = self.update_lead(work, row, update).await;
                    match &updated {
                        Ok(()) => unwritten.extend(work.left_out.iter().filter_map(field)),
                        // Kommo took none of it.
                        Err(Stop::Because(Applied::Failed(_))) => {
                            unwritten.extend(update.fields.iter().map(|value| value.field));
                        }
                        Err(_) => {}
                    }
                    updated
                }
                Effect::AddNote(note) => self.add_note(work, row, note).await,
                Effect::AddTask(task) => self.add_task(work, row, task).await,
                Effect::RefreshTask(refresh) => self.refresh_task(work, row, refresh).await,
                Effect::CompleteTask(completion) => self.complete_task(work, row, completion).await,
                Effect::CreateLead(draft) => self.create_lead(work, row, draft).await,
                Effect::NameLead(naming) => self.name_lead(work, row, naming).await,
                Effect::AddTag(tag) => self.add_tag(work, row, tag).await,
                Effect::StartBot(bot) => self.start_bot(work, row, bot).await,
                Effect::AttachFile(file) => self.attach_file(work, row, file).await,
            };
            match step {
                Ok(()) => {}
                // What is done beyond the deal itself does not depend on each other: a pipeline that is gone must not
                // hold up a task. The event is parked at the end, for what is missing.
                Err(Stop::Because(Applied::Failed(Reaction::Park(parked)))) => {
                    let is_first = left.is_none();
                    // Resuming the event says that it did not happen: nobody may do that without having been asked.
                    if is_first || parked.reason == ParkReason::Unconfirmed {
                        left = Some(parked);
                    }
                    if !is_independent(effect) {
                        break;
                    }
                }
                Err(Stop::Because(applied)) => return Ok(applied),
                Err(Stop::Store(error)) => return Err(error),
            }
        }
        Ok(match left {
            Some(parked) => Applied::Failed(Reaction::Park(parked)),
            None => Applied::Done,
        })
    }

    async fn add_note(
        &self,
        work: &mut Work,
        row: &EffectRow,
        note: &NoteDraft,
    ) -> Result<(), Stop> {
        if self.is_there_already(work, row, note.lead, probe::Kind::Note).await? {
            return Ok(());
        }
        let text = format!("{} {}", note.text, row.marker);
        let new = NewNote::common(note.lead.get(), text);
        let note = if note.quiet { new.without_triggers() } else { new };
        let answer = self.write(work, row, Call::AddNote(note)).await?;
        self.record(work, row, answer).await
    }

    /// Reads a deal; none when there is none.
    pub(crate) async fn read_lead(&self, lead: LeadId) -> Result<Option<Box<Lead>>, Reaction> {
        match self.sender().call(Call::ReadLead(lead), None).await {
            Reply::Lead(lead) => Ok(lead),
            Reply::Refused(failure) | Reply::Failed(_, failure) => Err(failure.reaction()),
            _ => Err(Reaction::Retry("the request was given up".to_owned())),
        }
    }

    /// Sends one write when its turn comes, its intent on disk before. From then on it may have happened, until its answer
    /// is recorded.
    async fn write(
        &self,
        work: &mut Work,
        row: &EffectRow,
        call: Call,
    ) -> Result<Result<u64, Failure>, Stop> {
        let intent =
            Intent { lease: work.lease.clone(), effect: row.name.clone(), absent: row.absent };
        match self.sender().call(call, Some(intent)).await {
            Reply::Written(lease, id) => {
                work.lease = lease;
                Ok(Ok(id))
            }
            Reply::Failed(lease, failure) => {
                work.lease = lease;
                Ok(Err(failure))
            }
            Reply::Refused(failure) => Err(Stop::Because(Applied::Failed(failure.reaction()))),
            Reply::NotBegun(error) => Err(Stop::Store(error)),
            Reply::TooLate => {
                let why = "the lease ends too soon".to_owned();
                Err(Stop::Because(Applied::Wait { until: self.clock.now(), why }))
            }
            Reply::Lost | Reply::Lead(_) => {
                self.store.mark(&work.lease, &row.name, EffectState::Unknown, 0).await?;
                let why = "the request was given up before its answer".to_owned();
                Err(Stop::Because(Applied::Wait {
                    until: after(self.clock.now(), self.settle),
                    why,
                }))
            }
        }
    }

    /// Puts on disk what became of a call.
    async fn record(
        &self,
        work: &Work,
        row: &EffectRow,
        answer: Result<u64, Failure>,
    ) -> Result<(), Stop> {
        let failure = match answer {
            Ok(id) => {
                self.store.done(&work.lease, &row.name, Some(id)).await?;
                tracing::debug!(effect = row.name, id, "written");
                return Ok(());
            }
            Err(failure) => failure,
        };
        if failure.fate() == Fate::Unknown {
            self.store.mark(&work.lease, &row.name, EffectState::Unknown, 0).await?;
            let until = after(self.clock.now(), self.settle);
            let why = format!("no answer from Kommo: {}", crate::failure::chain(failure.error()));
            return Err(Stop::Because(Applied::Wait { until, why }));
        }
        self.store.mark(&work.lease, &row.name, EffectState::Planned, row.absent).await?;
        Err(Stop::Because(Applied::Failed(failure.reaction())))
    }

    /// Whether it happened nobody can tell: a person looks, and says so by resuming the event.
    async fn leave_to_a_person(&self, work: &Work, row: &EffectRow, why: Parked) -> Stop {
        let marked = self.store.mark(&work.lease, &row.name, EffectState::Parked, row.absent).await;
        marked.map_or_else(Stop::Store, |()| parked(why))
    }

    const fn sender(&self) -> Sender<'_> {
        Sender {
            bundler: self.bundler,
            reading: &self.kommo,
            writing: self.writing,
            store: self.store,
            clock: self.clock,
            priority: self.priority,
        }
    }
}

impl Failure {
    fn reaction(&self) -> Reaction {
        reaction_to(self.kind(), self.error())
    }
}

/// Which of the configured fields these definitions cannot take, and why.
pub(crate) fn missing(
    config: &Config,
    definitions: &[kommo_client::FieldDefinition],
) -> Vec<LeftOut> {
    let check = |field: &Field| {
        let why =
            fields::write(config.fields.target(*field), &Value::Empty, definitions, &Zone::UTC)
                .err()?;
        Some(LeftOut { what: LeftOutPart::Field(*field), why })
    };
    let wanted = |field: &&Field| *config.fields.target(**field) != FieldTarget::Off;
    Field::ALL.iter().filter(wanted).filter_map(check).collect()
}

/// Whether other effects of the event make sense without this one.
const fn is_independent(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::CreateLead(_) | Effect::NameLead(_) | Effect::AddTag(_) | Effect::StartBot(_)
    )
}

const fn field(left_out: &LeftOut) -> Option<Field> {
    match left_out.what {
        LeftOutPart::Field(field) => Some(field),
        _ => None,
    }
}

fn parked(parked: Parked) -> Stop {
    Stop::Because(Applied::Failed(Reaction::Park(parked)))
}

/// A failed call that changed nothing.
fn failed(error: Error) -> Stop {
    Stop::Because(Applied::Failed(reaction(&error)))
}

/// Does something during which the lease is kept. One that is lost is noticed by whoever writes next: a request that is
/// under way for others goes on.
pub(crate) async fn kept<T: Send>(
    store: &dyn Store,
    clock: &dyn Clock,
    lease: &Lease,
    doing: impl Future<Output = T> + Send,
) -> T {
    let keeping = async {
        loop {
            let error = renewing(store, clock, lease).await;
            tracing::debug!(error = crate::failure::chain(&error), "a lease was not renewed");
        }
    };
    tokio::select! {
        biased;
        done = doing => done,
        never = keeping => never,
    }
}

/// Does something that may take longer than the lease, which is kept meanwhile.
pub(crate) async fn held<T: Send>(
    store: &dyn Store,
    clock: &dyn Clock,
    lease: &Lease,
    doing: impl Future<Output = T> + Send,
) -> Result<T, StoreError> {
    tokio::select! {
        biased;
        done = doing => Ok(done),
        error = renewing(store, clock, lease) => Err(error),
    }
}

/// Renews a lease until that fails.
async fn renewing(store: &dyn Store, clock: &dyn Clock, lease: &Lease) -> StoreError {
    loop {
        tokio::time::sleep(RENEWED).await;
        if let Err(error) = store.renew(lease, after(clock.now(), LEASE)).await {
            return error;
        }
    }
}

pub(crate) fn after(at: OffsetDateTime, wait: Duration) -> OffsetDateTime {
    at.saturating_add(wait.try_into().unwrap_or(time::Duration::MAX))
}
