//! Under construction.

#[cfg(feature = "fake")]
pub mod fake;
