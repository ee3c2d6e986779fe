use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use paddle_kommo_sync::{Clock, SystemClock};
use time::{Duration, OffsetDateTime};

/// The clock of the machine, moved ahead by hand: what the engine would wait for is over at once.
#[derive(Clone, Debug, Default)]
pub struct AheadClock(Arc<AtomicI64>);

impl AheadClock {
    /// Moves it ahead.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }
}

impl Clock for AheadClock {
    fn now(&self) -> OffsetDateTime {
        let ahead = Duration::seconds(self.0.load(Ordering::SeqCst));
        SystemClock::default().now().saturating_add(ahead)
    }
}
