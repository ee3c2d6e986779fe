//! The only place of this crate that reads a clock.

use std::fmt::Debug;

use time::OffsetDateTime;

/// Tells the time. The engine asks it for everything: leases, back-off, due dates.
///
/// [`SystemClock`] is the default; tests pass one that they move by hand.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present moment in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
