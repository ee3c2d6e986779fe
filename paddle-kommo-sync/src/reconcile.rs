//! What Paddle has against what became of it: the report, as data.
//!
//! ```
//! # use kommo_client::{AccessToken, Client, fake::{FakeKommo, FakeLead}};
//! # use paddle_kommo_sync::{MemoryStore, fake_paddle::{FakePaddle, Purchase}, paddle::{self, ApiKey}};
//! use paddle_kommo_sync::reconcile::{Period, Standing};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (fake_kommo, fake_paddle) = (FakeKommo::start().await, FakePaddle::start().await);
//! # let lead = fake_kommo.add_lead(FakeLead::new("Acme"));
//! # let kommo = Client::builder(&fake_kommo.uri(), AccessToken::new(fake_kommo.token())?).build()?;
//! # let sync = paddle_kommo_sync::Sync::builder(kommo, MemoryStore::new()).build().await?;
//! # let paddle = paddle::Client::builder(ApiKey::new(fake_paddle.api_key())?).base_url(&fake_paddle.uri()).build()?;
//! # let yesterday = fake_paddle.now() - time::Duration::DAY;
//! # let tomorrow = fake_paddle.now() + time::Duration::DAY;
//! // Somebody pays, and Paddle's webhook gets lost.
//! let sale = fake_paddle.buy(&Purchase::new("jo@example.com").custom_data("kommo_lead_id", &lead.to_string()));
//!
//! let period = Period::new(yesterday, tomorrow).ok_or("an empty period")?;
//! let report = sync.reconcile(&paddle, period, &mut |progress| println!("{progress:?}")).await?;
//! assert!(!report.is_explained());
//! assert_eq!(report.entries[0].id, sale.transaction.as_str());
//! assert_eq!(report.entries[0].standing, Standing::Missing);
//! assert_eq!(report.sums[0].paddle.in_currency("USD"), "658.90");
//!
//! // It is taken in, and worked on by `Sync::run`.
//! let mut listener = |_| {};
//! tokio::select! {
//!     repaired = sync.repair(&report, &mut listener) => assert_eq!(repaired?.taken.len(), 1),
//!     () = sync.run(std::future::pending()) => {}
//! }
//! assert!(sync.reconcile(&paddle, period, &mut |_| {}).await?.is_explained());
//! # Ok(())
//! # }
//! ```

mod sums;

use std::fmt;

use kommo_client::LeadId;
use paddle_webhook::{Event, Money};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub(crate) use self::sums::of as sums;
pub use self::sums::{Sum, Tally};

/// A stretch of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Period {
    /// From then on.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Until just before then.
    #[serde(with = "time::serde::rfc3339")]
    pub to: OffsetDateTime,
}

impl Period {
    /// From then until just before then; nothing where it would end before it begins.
    #[must_use]
    pub fn new(from: OffsetDateTime, to: OffsetDateTime) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }
}

/// Every completed transaction and approved adjustment of a period, with what became of it: see
/// [`Sync::reconcile`](crate::Sync::reconcile).
///
/// One that was read from JSON is for reading: it does not hold the events that [`Sync::repair`](crate::Sync::repair) would
/// take in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// The period: of transactions by when they were billed, of adjustments by when they were made.
    pub period: Period,
    /// What Paddle has, the oldest first.
    pub entries: Vec<Entry>,
    /// The sums, by currency and kind.
    pub sums: Vec<Sum>,
    /// Items of Paddle's answers that cannot be read, by their ids as far as they have one: nobody can say what became of
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
    /// What to take in for what is missing.
    #[serde(skip)]
    pub(crate) missing: Vec<Event>,
}

impl Report {
    /// Whether it is known of everything what became of it.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        self.unreadable.is_empty()
            && self.entries.iter().all(|entry| entry.standing != Standing::Missing)
    }
}

/// A completed transaction or an approved adjustment, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// `payment`, or what an adjustment does: `refund`, `credit`, `chargeback` and so on.
    pub kind: String,
    /// The transaction or adjustment.
    pub id: String,
    /// The transaction that is adjusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// When it was billed or made.
    #[serde(with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
    /// What it comes to, tax included; none where Paddle does not say.
    #[serde(with = "sums::money")]
    pub money: Option<Money>,
    /// What became of it.
    pub standing: Standing,
    /// Why, in codes and words for the operator.
    pub detail: String,
    /// The event that told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The deal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<LeadId>,
}

/// What became of a payment or an adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// It is in Kommo, or there is nothing to write for it.
    Done,
    /// It goes on by itself.
    Waiting,
    /// It needs a person; the detail says why, and the way out.
    Parked,
    /// It has no deal, as the configuration allows, or is a test.
    NotOurs,
    /// It was decided in shadow mode, and nothing was written.
    Shadowed,
    /// A person has decided that nothing is to be done. Reserved: nothing sets it yet.
    Discarded,
    /// It never arrived: `repair` takes it in.
    Missing,
}

impl Standing {
    /// All, in the order of reports.
    pub const ALL: &[Self] = &[
        Self::Done,
        Self::Waiting,
        Self::Parked,
        Self::NotOurs,
        Self::Shadowed,
        Self::Discarded,
        Self::Missing,
    ];

    /// The stable code, for example `not_ours`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::NotOurs => "not_ours",
            Self::Shadowed => "shadowed",
            Self::Discarded => "discarded",
            Self::Missing => "missing",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// What a repair did: see [`Sync::repair`](crate::Sync::repair).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Repaired {
    /// The events that were taken in.
    pub taken: Vec<String>,
    /// The parked events that were opened again.
    pub resumed: Vec<String>,
}

/// How far a long piece of work is: for a person who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done, for example `transactions`.
    pub step: &'static str,
    /// How much of it is done.
    pub done: usize,
    /// How much there is, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
}

impl Progress {
    pub(crate) const fn new(step: &'static str, done: usize, of: Option<usize>) -> Self {
        Self { step, done, of }
    }
}

/// Hears how far a long piece of work is.
pub type Listener<'a> = &'a mut (dyn FnMut(Progress) + Send);
