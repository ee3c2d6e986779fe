//! `FakeKommo`, spoken to with plain HTTP: each rule that it keeps, and each fault that it plays.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a helper that panics fails its test")]

mod account;
mod contacts;
mod faults;
mod fields;
mod fixtures;
mod http;
mod leads;
mod notes;
mod tasks;
