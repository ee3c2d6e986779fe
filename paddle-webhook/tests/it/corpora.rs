//! Test data that others made.
