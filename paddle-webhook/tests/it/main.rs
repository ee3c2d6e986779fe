//! The one integration test binary of the crate.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy excuses only the test functions themselves"
)]

mod accessors;
mod allocations;
mod bodies;
mod corpora;
mod custom_data;
mod decode;
mod errors;
mod events;
mod forward;
mod header;
mod money;
mod properties;
mod redaction;
mod shared;
mod vectors;
