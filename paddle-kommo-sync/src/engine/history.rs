//! The backfill: what was sold before this service saw anything is taken in as events that are made from it.

use std::collections::BTreeMap;

use paddle_webhook::{Event, EventData, TransactionId, TransactionStatus};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{Preview, Sync, reconcile::readable};
use crate::{
    error::StoreError,
    paddle::{self, History, Pages, TransactionFilter},
    reconcile::{Listener, Progress},
    store::EventRow,
    sweep::SweepError,
};

const CURSOR: &str = "cursor:history";

/// Paddle's ids are nearly in the order of time: so much further back an adjustment that is wanted cannot be.
const DISORDER: Duration = Duration::days(1);

/// What a backfill did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Backfilled {
    /// Transactions, adjustments and subscriptions that were looked at.
    pub read: usize,
    /// Those that were taken in as events.
    pub taken: usize,
    /// Those that were known.
    pub known: usize,
    /// Those that cannot be read.
    pub unreadable: usize,
}

/// What is read, in this order: what belongs to a deal is known before what only follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Transactions,
    Adjustments,
    Subscriptions,
    Done,
}

/// How far a backfill has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    step: Step,
    /// Everything up to this entity of the step has been taken in.
    after: Option<String>,
}

/// Reads history page by page.
struct Reader {
    history: History,
    cursor: Cursor,
    pages: Option<Pages<Event>>,
}

impl Sync {
    /// Takes in what was sold since then: every completed transaction that was billed, every approved adjustment, and
    /// every subscription that changed. [`run`](Self::run) does the rest, after everything else; several deals at a time, and
    /// those of one deal in the order in which they happened.
    ///
    /// What is known is left out, so to do it again does no harm; after an interruption it goes on where it was. An event
    /// that is made from history makes no task, starts nothing of [`on_won`](crate::Config::on_won), and its notes start no automation
    /// of Kommo's. The calls leave room for others.
    ///
    /// # Errors
    ///
    /// When Paddle or the store fails.
    ///
    /// # Cancel safety
    ///
    /// The next call with the same `since` goes on where this one was.
    pub async fn backfill(
        &self,
        paddle: &paddle::Client,
        since: OffsetDateTime,
        listener: Listener<'_>,
    ) -> Result<Backfilled, SweepError> {
        let kept: Option<Cursor> = self.cursor(CURSOR).await?;
        let cursor = kept.filter(|kept| kept.since == since && kept.step != Step::Done);
        let mut reader = Reader::new(paddle, cursor.unwrap_or_else(|| Cursor::new(since)));
        let parked = self.parked_entities().await?;
        let mut filled = Backfilled::default();
        while let Some(page) = reader.next(&mut filled).await? {
            for event in &page {
                let is_new = !self.is_known(event, &parked).await? && self.take_in(event).await?;
                filled.count(is_new);
            }
            self.keep_cursor(CURSOR, &reader.cursor).await?;
            listener(Progress::new(reader.cursor.step.name(), filled.read, None));
        }
        self.keep_cursor(CURSOR, &reader.cursor).await?;
        Ok(filled)
    }

    /// Says of each event that [`backfill`](Self::backfill) would take in what it would do now, without storing or writing
    /// anything. Of several of one deal each is looked at as if it were the only one.
    ///
    /// # Errors
    ///
    /// When Paddle or the store fails.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn preview_backfill(
        &self,
        paddle: &paddle::Client,
        since: OffsetDateTime,
        each: &mut (dyn FnMut(&Event, &Preview) + Send),
    ) -> Result<Backfilled, SweepError> {
        let mut reader = Reader::new(paddle, Cursor::new(since));
        let parked = self.parked_entities().await?;
        let mut filled = Backfilled::default();
        while let Some(page) = reader.next(&mut filled).await? {
            for event in &page {
                let is_stored =
                    self.0.store.event(self.0.account, event.id().as_str()).await?.is_some();
                let is_new = !is_stored && !self.is_known(event, &parked).await?;
                if is_new {
                    each(event, &self.preview(event).await?);
                }
                filled.count(is_new);
            }
        }
        Ok(filled)
    }

    /// Whether another event has told of it.
    async fn is_known(
        &self,
        event: &Event,
        parked: &BTreeMap<String, EventRow>,
    ) -> Result<bool, StoreError> {
        match event.data() {
            Ok(EventData::TransactionCompleted(transaction)) => {
                let id = transaction.id.as_str();
                Ok(parked.contains_key(id) || self.knows(id, id).await?)
            }
            Ok(EventData::AdjustmentUpdated(adjustment)) => {
                let id = adjustment.id.as_str();
                let Some(transaction) = &adjustment.transaction_id else { return Ok(false) };
                Ok(parked.contains_key(id) || self.knows(transaction.as_str(), id).await?)
            }
            // The rules tell a state that is no news.
            _ => Ok(false),
        }
    }
}

impl Backfilled {
    fn count(&mut self, is_new: bool) {
        self.read = self.read.saturating_add(1);
        let counter = if is_new { &mut self.taken } else { &mut self.known };
        *counter = counter.saturating_add(1);
    }
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Adjustments => "adjustments",
            Self::Subscriptions => "subscriptions",
            Self::Done => "done",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Transactions => Self::Adjustments,
            Self::Adjustments => Self::Subscriptions,
            Self::Subscriptions | Self::Done => Self::Done,
        }
    }
}

impl Cursor {
    const fn new(since: OffsetDateTime) -> Self {
        Self { since, step: Step::Transactions, after: None }
    }
}

impl Reader {
    fn new(paddle: &paddle::Client, cursor: Cursor) -> Self {
        Self { history: History::new(paddle.in_background()), cursor, pages: None }
    }

    /// The next events that are wanted; none at the end. The cursor then stands behind them.
    async fn next(&mut self, filled: &mut Backfilled) -> Result<Option<Vec<Event>>, paddle::Error> {
        while self.cursor.step != Step::Done {
            let pages = match &mut self.pages {
                Some(pages) => pages,
                None => self.pages.insert(open(&self.history, &self.cursor)?),
            };
            let Some(page) = pages.next().await? else {
                self.end_step();
                continue;
            };
            let mut unreadable = Vec::new();
            let mut events = readable(page, &mut unreadable);
            filled.unreadable = filled.unreadable.saturating_add(unreadable.len());
            for id in unreadable {
                tracing::error!(id, "an item of Paddle's history cannot be read");
            }
            let reach = self.cursor.since.saturating_sub(DISORDER);
            let is_behind = events.iter().any(|event| made_at(event) < reach);
            match self.cursor.step {
                // The list begins with the newest and cannot be entered in its middle: it is read again as a whole.
                Step::Adjustments if is_behind => self.end_step(),
                Step::Adjustments => {}
                _ => {
                    self.cursor.after = events.last().and_then(entity).or(self.cursor.after.take())
                }
            }
            events.retain(|event| made_at(event) >= self.cursor.since);
            return Ok(Some(events));
        }
        Ok(None)
    }

    fn end_step(&mut self) {
        self.pages = None;
        self.cursor.step = self.cursor.step.next();
        self.cursor.after = None;
    }
}

fn open(history: &History, cursor: &Cursor) -> Result<Pages<Event>, paddle::Error> {
    match cursor.step {
        Step::Transactions => {
            let filter = TransactionFilter::new()
                .status(TransactionStatus::Completed)
                .billed_from(cursor.since);
            history.transactions(&match &cursor.after {
                Some(after) => filter.after(&TransactionId::from(after.as_str())),
                None => filter,
            })
        }
        Step::Adjustments => Ok(history.adjustments()),
        Step::Subscriptions | Step::Done => Ok(history.subscriptions(cursor.after.as_deref())),
    }
}

/// When what the event tells of was billed, made or last changed: what `since` is compared with.
fn made_at(event: &Event) -> OffsetDateTime {
    let at = match event.data() {
        Ok(EventData::TransactionCompleted(transaction)) => transaction.billed_at,
        Ok(EventData::AdjustmentUpdated(adjustment)) => adjustment.created_at,
        _ => None,
    };
    at.unwrap_or(event.occurred_at())
}

/// The id of what the event tells of.
fn entity(event: &Event) -> Option<String> {
    match event.data().ok()? {
        EventData::TransactionCompleted(transaction) => Some(transaction.id.as_str().to_owned()),
        EventData::SubscriptionUpdated(subscription) => Some(subscription.id.as_str().to_owned()),
        _ => None,
    }
}
