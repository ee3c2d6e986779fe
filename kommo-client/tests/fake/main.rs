//! `FakeKommo`, spoken to with plain HTTP: each rule that it keeps, and each fault that it plays.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a helper that panics fails its test")]

mod account;
mod batches;
mod bots;
mod brought_over;
mod catalogs;
mod contacts;
mod definitions;
mod each;
mod faults;
mod fields;
mod files;
mod fixtures;
mod hooks;
mod http;
mod intake;
mod leads;
mod links;
mod lists;
mod notes;
mod oauth;
mod pace;
mod people;
mod pipelines;
mod tags;
mod tasks;
mod unsorted;
mod users;
