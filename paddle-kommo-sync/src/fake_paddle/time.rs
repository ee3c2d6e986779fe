//! The fake's clock.

use time::{
    Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

use crate::clock::{Clock as _, SystemClock};

/// Follows the machine's clock, ahead of it by what it was advanced by, or behind, or stands still where it was set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Time {
    stopped_at: Option<OffsetDateTime>,
    ahead: Duration,
}

impl Time {
    pub(super) fn now(&self) -> OffsetDateTime {
        self.stopped_at.unwrap_or_else(machine).saturating_add(self.ahead)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped_at.is_some()
    }

    pub(super) fn stop_at(&mut self, time: OffsetDateTime) {
        *self = Self { stopped_at: Some(time), ahead: Duration::ZERO };
    }

    pub(super) fn set_behind(&mut self, by: std::time::Duration) {
        let by = Duration::try_from(by).unwrap_or(Duration::MAX);
        *self = Self { stopped_at: None, ahead: Duration::ZERO.saturating_sub(by) };
    }

    /// Never back.
    pub(super) fn advance_to(&mut self, time: OffsetDateTime) {
        let base = self.stopped_at.unwrap_or_else(machine);
        let nanos = time.unix_timestamp_nanos().saturating_sub(base.unix_timestamp_nanos());
        let ahead = Duration::nanoseconds(i64::try_from(nanos).unwrap_or(i64::MAX));
        self.ahead = self.ahead.max(ahead);
    }

    pub(super) fn advance(&mut self, by: std::time::Duration) {
        let by = Duration::try_from(by).unwrap_or(Duration::MAX);
        self.ahead = self.ahead.saturating_add(by);
    }
}

pub(super) fn machine() -> OffsetDateTime {
    SystemClock.now()
}

/// As Paddle writes times: in UTC, to the microsecond. Always with all six digits, so that texts sort as times do.
pub(super) fn text(time: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    time.format(format).unwrap_or_default()
}

pub(super) fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
