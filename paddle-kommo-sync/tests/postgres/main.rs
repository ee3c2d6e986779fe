//! `PostgresStore` against a real server.
#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where it cannot go on"
)]

mod cluster;
mod contract;
mod server;
