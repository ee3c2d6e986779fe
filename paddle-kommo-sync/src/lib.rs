//! Carries Paddle Billing events over into the Kommo CRM: a paid transaction closes its deal, and renewals, refunds
//! and cancellations reach the rep as fields, notes and tasks, each exactly once.

mod apply;
mod cache;
mod clock;
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decide;
mod engine;
mod error;
mod failure;
mod known;
mod link;
mod outcome;
pub mod plan;
mod store;

#[cfg(feature = "sqlite")]
pub use self::store::SqliteStore;
pub use self::{
    clock::{Clock, SystemClock},
    config::{
        Config, FieldTarget, Fields, LostDeals, PriceBasis, Products, RefundRules, RefundedDeal,
        SandboxEvents, Stages, TaskRules, Unlinked,
    },
    engine::{BuildError, Sync, SyncBuilder},
    error::{LookupError, StoreError},
    link::CustomerLookup,
    outcome::{Accepted, Done, LeftOut, LeftOutPart, Outcome, ParkReason, Parked},
    plan::Reason,
    store::{
        AccountKey, Attempt, Claim, Claimed, EffectRow, EffectState, EventRow, EventState, Finish,
        KnownRow, Learned, Lease, LinkRow, MemoryStore, NewEffect, NewEvent, Put, Store,
        StoreStats,
    },
};
