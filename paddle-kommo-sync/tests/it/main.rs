//! The crate from outside: signed-off events in, a strict fake Kommo on the other side.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where it cannot go on"
)]

mod bundles;
mod checkout;
mod credit;
mod decided_anew;
mod docs;
mod document_faults;
mod documents;
mod exactly_once;
mod faults_engine;
mod faults_kommo;
mod faults_restore;
mod faults_store;
mod fields;
mod history;
mod lifecycle;
mod links;
mod meanwhile;
mod mended;
mod money;
mod money_back;
mod moves;
mod on_won;
mod opened_later;
mod operator;
mod order;
mod persons_values;
mod plan_changes;
mod products;
mod reconcile;
mod refunds;
mod reopened;
mod rules;
mod run;
mod secrets;
mod sequences;
mod stores;
mod support;
mod sweep;
mod table;
mod test_events;
mod trust;
mod two_subscriptions;
