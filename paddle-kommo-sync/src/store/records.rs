//! What goes into a store and what comes out. A store is written by others too, so these have public fields.

use kommo_client::LeadId;
use time::OffsetDateTime;

macro_rules! records {
    ($($(#[$meta:meta])* pub $kind:ident $name:ident $body:tt)*) => {
        $(
            $(#[$meta])*
            #[expect(clippy::exhaustive_structs, reason = "implementations of `Store` in other crates build it")]
            #[derive(Clone, PartialEq, Eq)]
            pub $kind $name $body
        )*
    };
}

/// `Debug` with the fields that hold no customers' data: payloads, texts and what is known stay out of logs.
macro_rules! debug {
    ($($name:ident: $($field:ident),*;)*) => {
        $(
            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
                }
            }
        )*
    };
}

debug! {
    NewEvent: event_id, kind, lane, sandbox, occurred_at, received_at, rank;
    EventRow: event_id, kind, lane, sandbox, occurred_at, received_at, rank, state, attempt;
    Lease: account, lane, event_id, epoch, until;
    Claimed: lease, event, strikes, effects;
    NewEffect: name, marker;
    EffectRow: name, marker, state, sent_at, absent, remote_id;
    Attempt: call_id, sent_at, deadline_at;
    LinkRow: entity, lead, rung;
    KnownRow: entity, version;
    Finish: state, reason, at;
}

/// The number under which a store keeps one account. Every row belongs to one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey(i64);

impl AccountKey {
    /// The key with this number.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

records! {
    /// An event to take in.
    pub struct NewEvent {
        /// Paddle's `event_id`.
        pub event_id: String,
        /// Its type, for example `transaction.completed`.
        pub kind: String,
        /// The lane it belongs to.
        pub lane: String,
        /// Whether it came from Paddle's sandbox.
        pub sandbox: bool,
        /// When it happened, by Paddle's clock.
        pub occurred_at: OffsetDateTime,
        /// When it was received, by ours.
        pub received_at: OffsetDateTime,
        /// How urgent it is.
        pub rank: Rank,
        /// The body exactly as it was verified.
        pub payload: Vec<u8>,
        /// Links that it teaches, to be kept with it if it is new.
        pub links: Vec<LinkRow>,
    }

    /// An event as stored.
    pub struct EventRow {
        /// Paddle's `event_id`.
        pub event_id: String,
        /// Its type.
        pub kind: String,
        /// The lane it belongs to.
        pub lane: String,
        /// Whether it came from Paddle's sandbox.
        pub sandbox: bool,
        /// When it happened, by Paddle's clock.
        pub occurred_at: OffsetDateTime,
        /// When it was received, by ours.
        pub received_at: OffsetDateTime,
        /// How urgent it is.
        pub rank: Rank,
        /// The body as verified.
        pub payload: Vec<u8>,
        /// How far it is.
        pub state: EventState,
        /// How often it was claimed.
        pub attempt: u32,
        /// What was decided, as the engine wrote it with the plan.
        pub decision: Option<String>,
        /// What became of it, as the engine wrote it at the end.
        pub outcome: Option<String>,
        /// Why the last attempt did not end it.
        pub last_error: Option<String>,
    }

    /// The right to work on a lane, until it ends.
    pub struct Lease {
        /// The account.
        pub account: AccountKey,
        /// The lane.
        pub lane: String,
        /// The event that is worked on.
        pub event_id: String,
        /// The fencing token: higher at every claim of the lane.
        pub epoch: i64,
        /// When it ends unless renewed.
        pub until: OffsetDateTime,
    }

    /// A claimed lane with its first open event.
    pub struct Claimed {
        /// The right to work on it.
        pub lease: Lease,
        /// The event.
        pub event: EventRow,
        /// Claims since the last recorded outcome, this one included. More than a few: the event kills its worker.
        pub strikes: u32,
        /// Its journal; empty before it is planned.
        pub effects: Vec<EffectRow>,
    }

    /// An effect to journal.
    pub struct NewEffect {
        /// Its name, unique within the event, for example `note:payment`.
        pub name: String,
        /// The text by which it is recognised in Kommo.
        pub marker: String,
        /// What to do, as the engine wrote it.
        pub body: String,
    }

    /// An effect as journalled.
    pub struct EffectRow {
        /// Its name, unique within the event.
        pub name: String,
        /// The text by which it is recognised in Kommo.
        pub marker: String,
        /// What to do.
        pub body: String,
        /// How far it is.
        pub state: EffectState,
        /// When its last attempt was begun.
        pub sent_at: Option<OffsetDateTime>,
        /// How often it was looked for and not found.
        pub absent: u32,
        /// The id Kommo gave it.
        pub remote_id: Option<u64>,
    }

    /// One call that is about to be made.
    pub struct Attempt {
        /// A name for the call, shared by all effects that it carries.
        pub call_id: String,
        /// Now.
        pub sent_at: OffsetDateTime,
        /// When the call is given up.
        pub deadline_at: OffsetDateTime,
    }

    /// A tie between a Paddle entity and a lead.
    pub struct LinkRow {
        /// The id of a Paddle transaction, subscription or customer.
        pub entity: String,
        /// The deal.
        pub lead: LeadId,
        /// The rung of the ladder that answered first.
        pub rung: String,
    }

    /// What is known of one Paddle entity, as the engine wrote it.
    pub struct KnownRow {
        /// The id of a Paddle transaction, subscription or customer; or a name of the engine's own, for what it notes
        /// about itself.
        pub entity: String,
        /// The engine's own text; empty when nothing is known yet.
        pub state: String,
        /// Rises at every change; 0 when nothing is stored.
        pub version: i64,
    }

    /// How an event ended.
    pub struct Finish {
        /// [`EventState::Done`] or [`EventState::Parked`].
        pub state: EventState,
        /// What became of it, as the engine wrote it.
        pub outcome: String,
        /// A short code for counting, for example `deal_gone`.
        pub reason: String,
        /// What it taught, if that was not journalled with a plan.
        pub learned: Learned,
        /// Now.
        pub at: OffsetDateTime,
    }
}

/// What an event taught us: links and knowledge to keep.
#[expect(
    clippy::exhaustive_structs,
    reason = "implementations of `Store` in other crates build it"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Links to add; one that exists keeps its first rung, except that `person` replaces any other. A `person` link takes
    /// the place of an earlier `person` link of the same entity.
    pub links: Vec<LinkRow>,
    /// Knowledge to replace. The version is the one that was read.
    pub known: Vec<KnownRow>,
}

/// Answer to [`Store::put`](crate::Store::put).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third possibility")]
pub enum Put {
    /// The event is new and now on disk.
    New,
    /// The event was taken in before; it is in this state.
    Known(EventState),
}

/// Answer to [`Store::claim_event`](crate::Store::claim_event).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every answer")]
pub enum Claim {
    /// The lane is ours.
    Taken(Claimed),
    /// The lane is worked on, backing off, or its account is paused, until then.
    NotDue(OffsetDateTime),
    /// The event is not open (any more).
    Ended(EventRow),
    /// There is no such event.
    Missing,
}

/// How urgent an event is. Lanes are given out by the most urgent event that they have had since they were last empty;
/// inside a lane the order stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "stores write it as a number")]
pub enum Rank {
    /// A fresh payment: before everything else.
    Payment = 0,
    /// Everything else that happens now.
    #[default]
    Usual = 1,
    /// What happened long ago and is made up for: when nothing else is due.
    History = 2,
}

impl Rank {
    /// The rank with this number, as a store wrote it.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Payment),
            1 => Some(Self::Usual),
            2 => Some(Self::History),
            _ => None,
        }
    }
}

/// How far an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "stores write it as a number")]
pub enum EventState {
    /// To be worked on.
    Open = 0,
    /// Ended, with all its effects done.
    Done = 2,
    /// Needs a person.
    Parked = 3,
    /// A person decided that nothing is to be done. Reserved: nothing sets it yet.
    Discarded = 4,
}

/// How far an effect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "stores write it as a number")]
pub enum EffectState {
    /// Not sent, or proven not to have happened.
    Planned = 0,
    /// Sent; the answer is not recorded yet.
    InFlight = 1,
    /// Happened.
    Done = 2,
    /// It may have happened: to be looked for before it is sent again.
    Unknown = 3,
    /// Whether it happened nobody can tell, and it cannot be looked for: it is not sent again before a person says so.
    Parked = 4,
}

impl EventState {
    /// The state with this number, as a store wrote it.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Open),
            2 => Some(Self::Done),
            3 => Some(Self::Parked),
            4 => Some(Self::Discarded),
            _ => None,
        }
    }
}

impl EffectState {
    /// The state with this number, as a store wrote it.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Planned),
            1 => Some(Self::InFlight),
            2 => Some(Self::Done),
            3 => Some(Self::Unknown),
            4 => Some(Self::Parked),
            _ => None,
        }
    }
}

/// Counts and ages, for health pages and metrics.
#[expect(
    clippy::exhaustive_structs,
    reason = "implementations of `Store` in other crates build it"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Events that are open.
    pub open: u64,
    /// When the oldest open event was received.
    pub oldest_open: Option<OffsetDateTime>,
    /// Events that ended with all effects done.
    pub done: u64,
    /// Parked events, counted by reason.
    pub parked: Vec<(String, u64)>,
    /// Effects that were sent and whose answer is not recorded.
    pub in_flight: u64,
    /// Effects that may have happened.
    pub unknown: u64,
    /// The pause that is in force: its end and its reason.
    pub paused: Option<(OffsetDateTime, String)>,
}
