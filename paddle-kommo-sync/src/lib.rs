//! Carries Paddle Billing events over into the Kommo CRM: a paid transaction closes its deal, and renewals, refunds
//! and cancellations reach the rep as fields, notes and tasks, each exactly once.
//!
//! ```
//! use kommo_client::{AccessToken, Client};
//! use paddle_kommo_sync::{MemoryStore, Outcome};
//! use paddle_webhook::{Environment, Event};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A fake Kommo with one deal stands in for `https://acme.kommo.com`.
//! use kommo_client::fake::{FakeKommo, FakeLead};
//! let fake = FakeKommo::start().await;
//! let lead = fake.add_lead(FakeLead::new("Acme"));
//! let kommo = Client::builder(&fake.uri(), AccessToken::new(fake.token())?).build()?;
//!
//! let sync = paddle_kommo_sync::Sync::builder(kommo, MemoryStore::new()).build().await?;
//! let body = format!(
//!     r#"{{"event_id": "evt_1", "event_type": "transaction.completed", "occurred_at": "2026-01-15T12:00:00Z",
//!         "data": {{"id": "txn_1", "status": "completed", "origin": "web",
//!                   "custom_data": {{"kommo_lead_id": "{lead}"}},
//!                   "details": {{"totals": {{"total": "65215", "tax": "5315", "currency_code": "USD"}}}}}}}}"#
//! );
//! // A server gets the event from `Verifier::verify` and `Verified::parse`.
//! let event = Event::from_trusted(body.as_bytes(), Environment::Live)?;
//! let outcome = sync.handle(&event).await?;
//!
//! assert!(matches!(outcome, Outcome::Done(_)));
//! assert_eq!(fake.lead(lead).unwrap()["status_id"], 142);
//! assert_eq!(fake.lead(lead).unwrap()["price"], 599);
//! # Ok(())
//! # }
//! ```
//!
//! # How it is organised
//!
//! An event goes one way: it is made durable ([`Sync::accept`]); a worker ([`Sync::run`]) claims it, one deal never twice at a
//! time; the deal is found and read; a pure function decides what is to be written and why ([`plan`]); the plan is
//! journalled; and each effect is written once. [`Sync::handle`] goes the whole way for one event and returns its
//! [`Outcome`].
//!
//! * [`Config`] is everything that the rules can be told; the repository's `docs/rules.md` is the table of rules.
//! * [`Store`] is where events survive: `SqliteStore` on one machine, `PostgresStore` on several, [`MemoryStore`] in tests,
//!   or your own, checked by `conformance::store`.
//! * [`CustomerLookup`] tells a customer's e-mail address, where your application knows it.
//!
//! # What it promises
//!
//! * An event that was accepted is on disk. Any number of deliveries, and a process that is killed at any moment, have
//!   each effect in Kommo once: Kommo has no idempotency keys, so an effect without an answer is looked for by its
//!   marker, a short text at the end of every note and task, before it is sent again.
//! * Only a first payment with money in it moves a deal, and only an open one. An older event never overwrites what a
//!   newer one wrote. A value that Kommo does not take never holds up the rest.
//! * Where the deal cannot be told with certainty, nothing is written: the event is [`Parked`] with the reason.
//! * Nothing from Paddle's sandbox or simulator writes, unless configured.
//! * Logs (through `tracing`) hold ids, types and reasons; no payload, address or token.
//!
//! # What it does not do
//!
//! It opens no sockets of its own but to Kommo and the database, spawns no tasks (the SQLite store has one thread, the
//! PostgreSQL store a task per connection), and does not call Paddle's API.
//!
//! # Features
//!
//! * `rustls` (default): TLS for the calls to Kommo; see `kommo-client`.
//! * `sqlite`: `SqliteStore`, with SQLite bundled.
//! * `postgres`: `PostgresStore`; `postgres-rustls`: the same with TLS to the server.
//! * `conformance`: the checks for implementations of [`Store`].

mod apply;
mod cache;
mod clock;
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod deal_ref;
mod decide;
mod engine;
mod error;
mod failure;
mod known;
mod link;
mod outcome;
pub mod plan;
mod store;
mod texts;

#[cfg(feature = "sqlite")]
pub use self::store::SqliteStore;
#[cfg(feature = "postgres")]
pub use self::store::{DatabaseClock, PostgresStore};
pub use self::{
    clock::{Clock, SystemClock},
    config::{
        AgreedPrice, Config, FieldTarget, Fields, Language, LostDeals, Mode, Overwrite,
        OverwriteRules, PriceBasis, Products, RefundRules, RefundedDeal, SandboxEvents, Stages,
        TaskRules, TrialConversion, Unlinked, UnsignedLinks,
    },
    deal_ref::{DealRef, DealRefKey, InvalidDealRef, InvalidDealRefKey},
    engine::{BuildError, Chapter, ParkedEvent, Preview, Sync, SyncBuilder, Trouble},
    error::{LookupError, StoreError},
    link::CustomerLookup,
    outcome::{Accepted, Done, LeftOut, LeftOutPart, Outcome, ParkReason, Parked},
    plan::Reason,
    store::{
        AccountKey, Attempt, Claim, Claimed, EffectRow, EffectState, EventRow, EventState, Finish,
        KnownRow, Learned, Lease, LinkRow, MemoryStore, NewEffect, NewEvent, Put, Store,
        StoreStats,
    },
    texts::{InvalidTemplate, Placeholder, Text, Texts, Values},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
