//! Reconciliation: what Paddle has, entity by entity, against what became of it here.

use std::collections::{BTreeMap, BTreeSet};

use kommo_client::LeadId;
use paddle_webhook::{Event, EventData, EventType, Money, TransactionStatus};
use time::{Duration, OffsetDateTime};

use super::{Sync, outcome};
use crate::{
    error::StoreError,
    known::TransactionKnown,
    outcome::{Outcome, ParkReason},
    paddle::{self, EventFilter, History, Pages, TransactionFilter, TransactionOrder},
    plan::Reason,
    reconcile::{self, Entry, Listener, Period, Progress, Repaired, Report, Standing},
    store::{EventRow, EventState},
    sweep::SweepError,
};

/// As many parked events are looked through for what has no event at Paddle any more.
const PARKED: usize = 100_000;

/// Paddle's ids are nearly in the order of time: so much further back an adjustment of the period cannot be.
const DISORDER: Duration = Duration::days(1);

/// How often what is being repaired is looked at.
const POLL: std::time::Duration = std::time::Duration::from_secs(1);

/// The kind of what is no adjustment.
const PAYMENT: &str = "payment";

/// The types of events that tell of what is listed.
const TELLING: [&str; 3] = ["transaction.completed", "adjustment.created", "adjustment.updated"];

/// What became of something, and how it is known.
struct Became {
    standing: Standing,
    detail: String,
    event_id: Option<String>,
    lead: Option<LeadId>,
}

/// Something that Paddle has, and what was found of it so far.
struct Item {
    entry: Entry,
    /// The event that is made of it, where Paddle has none any more.
    made: Event,
    became: Option<Became>,
    /// Paddle's own event, which never arrived.
    never_came: Option<Event>,
}

impl Sync {
    /// Every completed transaction that was billed in this period, and every approved adjustment that was made in it, with
    /// what became of it, and the sums.
    ///
    /// It writes nothing. What happened in the last 90 days is found by Paddle's own events; what is older by what is known
    /// of it. The calls leave room for others. The key needs the permissions `transaction.read`, `adjustment.read` and
    /// `notification.read`.
    ///
    /// # Errors
    ///
    /// When Paddle or the store fails.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn reconcile(
        &self,
        paddle: &paddle::Client,
        period: Period,
        listener: Listener<'_>,
    ) -> Result<Report, SweepError> {
        let paddle = paddle.in_background();
        let mut unreadable = Vec::new();
        let mut items = read_items(&paddle, period, &mut unreadable, listener).await?;
        self.follow_events(&paddle, &mut items, &mut unreadable, listener).await?;
        let parked = self.parked_entities().await?;
        let (mut entries, mut missing) = (Vec::new(), Vec::new());
        for item in items.into_values() {
            let Item { mut entry, made, became, never_came } = item;
            let became = match became {
                Some(became) => Some(became),
                None => {
                    let is_old = never_came.is_none();
                    self.by_what_is_known(&entry, made.id().as_str(), &parked, is_old).await?
                }
            };
            let became = became.unwrap_or_else(|| {
                let event = never_came.unwrap_or(made);
                let event_id = Some(event.id().as_str().to_owned());
                missing.push(event);
                let detail = "never_arrived".to_owned();
                Became { standing: Standing::Missing, detail, event_id, lead: None }
            });
            entry.standing = became.standing;
            entry.detail = became.detail;
            entry.event_id = became.event_id;
            entry.lead = became.lead;
            entries.push(entry);
        }
        entries.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let sums = reconcile::sums(&entries);
        Ok(Report { period, entries, sums, unreadable, missing })
    }

    /// Paddle's own events that tell of the items, each looked up here.
    async fn follow_events(
        &self,
        paddle: &paddle::Client,
        items: &mut BTreeMap<String, Item>,
        unreadable: &mut Vec<String>,
        listener: Listener<'_>,
    ) -> Result<(), SweepError> {
        if items.is_empty() {
            return Ok(());
        }
        let filter = TELLING
            .into_iter()
            .fold(EventFilter::new(), |filter, name| filter.event_type(EventType::from(name)));
        let mut pages = paddle.events().list(&filter);
        let mut read: usize = 0;
        while let Some(page) = pages.next().await? {
            read = read.saturating_add(page.len());
            listener(Progress::new("events", read, None));
            for event in readable(page, unreadable) {
                let Some(item) = told_of(&event).and_then(|id| items.get_mut(&id)) else {
                    continue;
                };
                if item.became.is_some() {
                    continue;
                }
                match self.0.store.event(self.0.account, event.id().as_str()).await? {
                    Some(row) => item.became = Some(became(&row)?),
                    None => item.never_came = item.never_came.take().or(Some(event)),
                }
            }
        }
        Ok(())
    }

    /// What became of something that no event of Paddle's tells of any more, or none that arrived.
    async fn by_what_is_known(
        &self,
        entry: &Entry,
        made: &str,
        parked: &BTreeMap<String, EventRow>,
        is_old: bool,
    ) -> Result<Option<Became>, StoreError> {
        if let Some(row) = self.0.store.event(self.0.account, made).await? {
            return became(&row).map(Some);
        }
        if !is_old {
            return Ok(None);
        }
        if let Some(row) = parked.get(&entry.id) {
            return became(row).map(Some);
        }
        if entry.kind == PAYMENT && entry.money.is_some_and(|money| money.is_zero()) {
            let (standing, detail) = (Standing::Done, Reason::ZeroTotal.code().to_owned());
            return Ok(Some(Became { standing, detail, event_id: None, lead: None }));
        }
        let transaction = entry.transaction_id.as_deref().unwrap_or(&entry.id);
        if !self.knows(transaction, &entry.id).await? {
            return Ok(None);
        }
        let links = self.0.store.links(self.0.account, &[transaction]).await?;
        let lead = links.first().map(|link| link.lead);
        let standing = if lead.is_some() { Standing::Done } else { Standing::NotOurs };
        let detail = "known_from_before".to_owned();
        Ok(Some(Became { standing, detail, event_id: None, lead }))
    }

    /// Whether an event told of this transaction's completion, or of the approval of this adjustment of it. (That the
    /// transaction was paid may be known from an event that told nothing, such as `transaction.updated`.)
    pub(super) async fn knows(&self, transaction: &str, id: &str) -> Result<bool, StoreError> {
        let row = self.0.store.known(self.0.account, transaction).await?;
        if row.state.is_empty() {
            return Ok(false);
        }
        let known: TransactionKnown = super::parse(&row.state)?;
        Ok(if transaction == id {
            known.told_by.is_some() || known.won.is_some()
        } else {
            let is_approved = |status: &str| matches!(status, "approved" | "reversed");
            known.adjustments.get(id).is_some_and(|known| is_approved(&known.status))
        })
    }

    /// What is parked, by the transaction or adjustment that it tells of.
    pub(super) async fn parked_entities(&self) -> Result<BTreeMap<String, EventRow>, StoreError> {
        let mut parked = BTreeMap::new();
        for row in self.0.store.parked(self.0.account, PARKED).await? {
            let environment = paddle_webhook::Environment::Live;
            let event = Event::from_trusted(&row.payload, environment).ok();
            if let Some(id) = event.as_ref().and_then(told_of) {
                parked.insert(id, row);
            }
        }
        Ok(parked)
    }

    /// Takes in what a report says is missing, and opens again what is parked and may fare better now. Then waits until
    /// each of those events has ended, or been tried: [`run`](Self::run) must be running, here or in another process.
    ///
    /// What Paddle's own events tell no more is made from what its entities say now; such an event makes no task.
    ///
    /// # Errors
    ///
    /// When the store fails. To repair again does no harm.
    ///
    /// # Cancel safety
    ///
    /// What was taken in stays so, and is worked on.
    pub async fn repair(
        &self,
        report: &Report,
        listener: Listener<'_>,
    ) -> Result<Repaired, StoreError> {
        let mut repaired = Repaired::default();
        for event in &report.missing {
            if self.take_in(event).await? {
                repaired.taken.push(event.id().as_str().to_owned());
            }
        }
        let parked = report.entries.iter().filter(|entry| entry.standing == Standing::Parked);
        for event_id in parked.filter_map(|entry| entry.event_id.as_deref()) {
            if self.may_fare_better(event_id).await? && self.resume(event_id).await? {
                repaired.resumed.push(event_id.to_owned());
            }
        }
        let mut open: BTreeSet<&str> =
            repaired.taken.iter().chain(&repaired.resumed).map(String::as_str).collect();
        let all = open.len();
        loop {
            let mut ended = Vec::new();
            for event_id in &open {
                let row = self.0.store.event(self.0.account, event_id).await?;
                let is_tried = |row: EventRow| {
                    row.state != EventState::Open || row.last_error.is_some_and(|_| row.attempt > 0)
                };
                if row.is_none_or(is_tried) {
                    ended.push(*event_id);
                }
            }
            open.retain(|event_id| !ended.contains(event_id));
            listener(Progress::new("repaired", all.saturating_sub(open.len()), Some(all)));
            let is_paused = self.0.store.paused(self.0.account, self.now()).await?.is_some();
            if open.is_empty() || is_paused {
                return Ok(repaired);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Whether another attempt at a parked event makes sense: what cannot be read will not be readable, and that something did
    /// not happen only a person can say.
    async fn may_fare_better(&self, event_id: &str) -> Result<bool, StoreError> {
        let Some(row) = self.0.store.event(self.0.account, event_id).await? else {
            return Ok(false);
        };
        Ok(match outcome(&row)? {
            Outcome::Parked(parked) => !matches!(
                parked.reason,
                ParkReason::Unreadable
                    | ParkReason::UnexpectedShape
                    | ParkReason::Poison
                    | ParkReason::Unconfirmed
            ),
            _ => false,
        })
    }
}

/// What Paddle has in this period.
async fn read_items(
    paddle: &paddle::Client,
    period: Period,
    unreadable: &mut Vec<String>,
    listener: Listener<'_>,
) -> Result<BTreeMap<String, Item>, paddle::Error> {
    let history = History::new(paddle.clone());
    let mut items = BTreeMap::new();
    let filter = TransactionFilter::new()
        .status(TransactionStatus::Completed)
        .billed_from(period.from)
        .billed_before(period.to)
        .order(TransactionOrder::BilledAt);
    let mut pages = history.transactions(&filter)?;
    while let Some(page) = pages.next().await? {
        for event in readable(page, unreadable) {
            if let Ok(EventData::TransactionCompleted(transaction)) = event.data() {
                let at = transaction.billed_at;
                let id = transaction.id.as_str();
                put(&mut items, item(PAYMENT, id, at, transaction.total(), None, event.clone()));
            }
        }
        listener(Progress::new("transactions", items.len(), None));
    }
    let transactions = items.len();
    let mut pages: Pages<Event> = history.adjustments();
    let reach = period.from.saturating_sub(DISORDER);
    let mut is_within = true;
    while is_within && let Some(page) = pages.next().await? {
        for event in readable(page, unreadable) {
            let Ok(EventData::AdjustmentUpdated(adjustment)) = event.data() else { continue };
            let at = adjustment.created_at.or(adjustment.updated_at);
            is_within &= at.is_none_or(|at| at >= reach);
            if at.is_some_and(|at| period.from <= at && at < period.to) {
                let (kind, id) = (adjustment.action.as_str(), adjustment.id.as_str());
                let of = adjustment.transaction_id.as_ref().map(|id| id.as_str().to_owned());
                put(&mut items, item(kind, id, at, adjustment.total(), of, event.clone()));
            }
        }
        let found = items.len().saturating_sub(transactions);
        listener(Progress::new("adjustments", found, None));
    }
    Ok(items)
}

fn put(items: &mut BTreeMap<String, Item>, item: Item) {
    items.insert(item.entry.id.clone(), item);
}

fn item(
    kind: &str,
    id: &str,
    at: Option<OffsetDateTime>,
    money: Option<Money>,
    transaction_id: Option<String>,
    made: Event,
) -> Item {
    let entry = Entry {
        kind: kind.to_owned(),
        id: id.to_owned(),
        transaction_id,
        at,
        money,
        standing: Standing::Missing,
        detail: String::new(),
        event_id: None,
        lead: None,
    };
    Item { entry, made, became: None, never_came: None }
}

/// The items of a page that can be read; of the others, what is known by name.
pub(super) fn readable(
    page: Vec<Result<Event, paddle::Unread>>,
    unreadable: &mut Vec<String>,
) -> Vec<Event> {
    let mut events = Vec::new();
    for item in page {
        match item {
            Ok(event) => events.push(event),
            Err(unread) => {
                unreadable.push(unread.id().unwrap_or_else(|| "without an id".to_owned()))
            }
        }
    }
    events
}

/// The transaction that this event says is completed, or the adjustment that it says is approved.
fn told_of(event: &Event) -> Option<String> {
    let data = event.data().ok()?;
    match &data {
        EventData::TransactionCompleted(transaction) => Some(transaction.id.as_str().to_owned()),
        EventData::AdjustmentCreated(adjustment) | EventData::AdjustmentUpdated(adjustment) => {
            let status = adjustment.status.as_str();
            matches!(status, "approved" | "reversed").then(|| adjustment.id.as_str().to_owned())
        }
        _ => None,
    }
}

/// What became of an event that was taken in.
fn became(row: &EventRow) -> Result<Became, StoreError> {
    let (standing, detail, lead) = match row.state {
        EventState::Open => {
            let detail = row.last_error.clone().unwrap_or_else(|| "not begun yet".to_owned());
            (Standing::Waiting, detail, None)
        }
        EventState::Discarded => (Standing::Discarded, "discarded".to_owned(), None),
        EventState::Done | EventState::Parked => match outcome(row)? {
            Outcome::Done(done) => (Standing::Done, codes(&done.reasons), done.lead),
            Outcome::Shadowed { lead, reasons, .. } => {
                (Standing::Shadowed, codes(&reasons), Some(lead))
            }
            Outcome::Ignored { reason } => {
                let is_not_ours = matches!(
                    reason,
                    Reason::NotLinked | Reason::Sandbox | Reason::Simulated | Reason::MarkedTest
                );
                let standing = if is_not_ours { Standing::NotOurs } else { Standing::Done };
                (standing, reason.code().to_owned(), None)
            }
            Outcome::Parked(parked) | Outcome::Refused(parked) => {
                let detail = format!("{}: {}", parked.reason, parked.detail);
                (Standing::Parked, detail, None)
            }
            Outcome::Waiting { .. } => return Err(StoreError::Corrupt("outcome")),
        },
    };
    Ok(Became { standing, detail, event_id: Some(row.event_id.clone()), lead })
}

fn codes(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>().join(" ")
}
