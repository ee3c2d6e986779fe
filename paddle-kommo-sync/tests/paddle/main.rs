//! The client of Paddle's API and the fake of it, over HTTP on this machine.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where it cannot go on"
)]

mod bodies;
mod delivery;
mod documents;
mod endpoints;
mod faults;
mod fixtures;
mod hostile;
mod lookups;
mod secrets;
mod strict;
mod support;
