//! The whole service around [`paddle_kommo_sync::Sync`]: it receives, stores, answers, and works in the background.
//!
//! A library beside its binary, so that tests can drive it without a second process.

mod admin;
pub mod app;
pub mod backfill;
pub mod check;
mod checkout;
#[cfg(feature = "demo")]
pub mod demo;
mod health;
mod kommo_webhook;
mod log;
mod metrics;
mod panics;
pub mod pay;
pub mod reconcile;
pub mod serve;
pub mod settings;
mod signals;
mod sweep;
mod webhook;

/// What stops the program: one sentence for the operator.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An error with its causes in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
