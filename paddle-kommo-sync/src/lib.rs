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
//! * [`CustomerLookup`] tells a customer's e-mail address: [`paddle::Client`] does, or whatever your application has.
//! * [`paddle`] is a client of Paddle's own API. With it, [`Sync::sweep`] takes in what never arrived, [`Sync::reconcile`] says of
//!   every payment what became of it, and [`Sync::backfill`] brings in what was sold before.
//!
//! # What an event does
//!
//! The billing table. Each row has its [`Reason`], and `docs/rules.md` in the repository says how to change it.
//!
//! | event | when | deal | note | task | fields |
//! |---|---|---|---|---|---|
//! | `transaction.completed` | origin `web` or `api`, total above zero, deal open | won, price; further deals and `[[on_won]]`, once | paid | if it is not what the deal says | transaction, invoice, plan, currency, payment status, sums |
//! | | deal won by this transaction | | | | |
//! | | deal won otherwise | | another payment | check it | |
//! | | the same, told from history, won by a person | | paid | | as the first row |
//! | | deal lost | parked, or won | | | |
//! | | total of zero | | | | |
//! | | origin `subscription_recurring` | stays; or won by the first money after a trial | renewal | | invoice, last payment, sums |
//! | | `subscription_update`, `subscription_charge`, unknown | stays | paid; of a plan change also the plan before it | | last payment, sums |
//! | | `subscription_payment_method_change` | | | | |
//! | `transaction.payment_failed`, `.past_due`, `subscription.past_due` | a running subscription | | | one per past-due spell | status |
//! | | a first checkout | | once | | |
//! | | a charge beside the renewals, outside of such a spell | | once | | |
//! | `transaction.past_due` | an invoice without a subscription | | | once, completed when it is paid | |
//! | whatever ends the spell | | | recovered | that one is completed | status |
//! | `subscription.created`, `.trialing`, `.activated` | | | a trial's start | if another one is running | subscription, status, next billing date, monthly recurring revenue |
//! | `subscription.updated` | it is to end | | will end | win back, made at once | status, end |
//! | | it is not to end after all | | withdrawn | that one is completed | status |
//! | | its items changed | | before and after | | plan |
//! | `subscription.paused`, `.resumed` | | | yes | | status |
//! | `subscription.canceled` | | | | win back, unless asked before | status, end |
//! | `adjustment.*`, refund | approved | stays; price lowered if wanted | refunded | | payment status, sums |
//! | chargeback, warning | approved | | yes | yes | payment status |
//! | their reversal | approved | | yes | those are completed | payment status |
//! | credit | approved | | yes | | |
//! | everything else | | | | | |
//!
//! # What it promises
//!
//! * An event that was accepted is on disk. Any number of deliveries, and a process that is killed at any moment, have
//!   each effect in Kommo once: Kommo has no idempotency keys, so an effect without an answer is looked for by its
//!   marker, a short text at the end of every note and task, before it is sent again.
//! * Only a first payment with money in it moves a deal, and only an open one, unless configured otherwise
//!   (`lost_deals = "win"`, `trial_conversion = "win"`). An older event never overwrites what a newer one wrote. A value that
//!   Kommo does not take never holds up the rest.
//! * Where the deal cannot be told with certainty, nothing is written: the event is [`Parked`] with the reason.
//! * Nothing from Paddle's sandbox or simulator writes, unless configured.
//! * Logs (through `tracing`) hold ids, types and reasons; no payload, address or token.
//!
//! # What it does not do
//!
//! It spawns no tasks (the SQLite store has one thread, the PostgreSQL store a task per connection), and opens no sockets but to
//! Kommo, the database and, where you build a [`paddle::Client`], to Paddle: the engine asks Paddle only through what it is
//! given, such as a [`CustomerLookup`].
//!
//! # Features
//!
//! * `rustls` (default): TLS for the calls to Kommo and Paddle; see `kommo-client`.
//! * `sqlite`: `SqliteStore`, with SQLite bundled.
//! * `fake`: `fake_paddle`, a strict, stateful Paddle on 127.0.0.1 that delivers signed webhooks, for tests.
//! * `postgres`: `PostgresStore`; `postgres-rustls`: the same with TLS to the server.
//! * `conformance`: the checks for implementations of [`Store`].

mod apply;
mod cache;
mod checkout;
mod clock;
mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
mod deal_ref;
mod decide;
mod documents;
mod engine;
mod error;
mod failure;
#[cfg(feature = "fake")]
pub mod fake_paddle;
mod history;
mod known;
mod link;
mod outcome;
pub mod paddle;
pub mod plan;
pub mod reconcile;
mod store;
mod sweep;
mod texts;
mod zone;

#[cfg(feature = "sqlite")]
pub use self::store::SqliteStore;
#[cfg(feature = "postgres")]
pub use self::store::{DatabaseClock, PostgresStore};
pub use self::{
    checkout::{Checkout, CheckoutLink, CheckoutState},
    clock::{Clock, SystemClock},
    config::{
        AgreedPrice, CheckoutItems, CheckoutRules, Config, FieldTarget, Fields, Invoices, Language,
        LostDeals, Mode, OnWon, OnWonAction, OnWonCondition, OnWonDeal, OnWonTask, Overwrite,
        OverwriteRules, PaymentStage, PriceBasis, PriceDecimals, Products, RefundRules,
        RefundedDeal, SandboxEvents, Stages, TaskRules, TrialConversion, Unlinked, UnsignedLinks,
    },
    deal_ref::{DealRef, DealRefKey, InvalidDealRef, InvalidDealRefKey},
    documents::DocumentSource,
    engine::{
        Backfilled, BuildError, Chapter, CheckoutCounts, ParkedEvent, Preview, StageError, Sync,
        SyncBuilder, Trouble,
    },
    error::{DocumentError, LookupError, StoreError},
    link::CustomerLookup,
    outcome::{Accepted, Done, LeftOut, LeftOutPart, Outcome, ParkReason, Parked},
    plan::Reason,
    store::{
        AccountKey, Attempt, Claim, Claimed, EffectRow, EffectState, EventRow, EventState, Finish,
        KnownRow, Learned, Lease, LinkRow, MemoryStore, NewEffect, NewEvent, Place, Put, Rank,
        SUSPECT, Store, StoreStats,
    },
    sweep::{Alarm, SweepError, Swept},
    texts::{InvalidTemplate, OwnText, Placeholder, Text, Texts, Values},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
