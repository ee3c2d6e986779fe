//! Which day it is for the people of a Kommo account.

use jiff::{Timestamp, tz::TimeZone};
use time::{Date, OffsetDateTime, UtcOffset};

/// The time zone of an account: with its summer time where its name is known, else as far from UTC as it is just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    Named(TimeZone),
    Fixed(UtcOffset),
}

impl Zone {
    pub(crate) const UTC: Self = Self::Fixed(UtcOffset::UTC);

    /// By its name in the tz database (`Europe/Madrid`), else by its offset (`+02:00`); UTC where neither can be read.
    pub(crate) fn new(name: Option<&str>, now: Option<&str>) -> Self {
        match name.and_then(|name| TimeZone::get(name).ok()) {
            Some(zone) => Self::Named(zone),
            None => now.and_then(offset).map_or(Self::UTC, Self::Fixed),
        }
    }

    /// The day of a moment.
    pub(crate) fn day(&self, at: OffsetDateTime) -> Date {
        at.checked_to_offset(self.offset_at(at)).unwrap_or(at).date()
    }

    fn offset_at(&self, at: OffsetDateTime) -> UtcOffset {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Named(zone) => {
                let offset = |at| UtcOffset::from_whole_seconds(zone.to_offset(at).seconds());
                let then = Timestamp::from_second(at.unix_timestamp()).ok();
                then.and_then(|at| offset(at).ok()).unwrap_or(UtcOffset::UTC)
            }
        }
    }
}

/// As Kommo writes it: `+03:00`.
fn offset(text: &str) -> Option<UtcOffset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let (hours, minutes): (i8, i8) = (hours.parse().ok()?, minutes.parse().ok()?);
    UtcOffset::from_hms(hours.checked_mul(sign)?, minutes.checked_mul(sign)?, 0).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime, offset};

    use super::*;

    #[test]
    fn a_day_follows_summer_time_where_the_name_is_known() {
        let (summer, winter) = (datetime!(2026-07-14 22:30 UTC), datetime!(2027-01-14 22:30 UTC));
        for (name, now, days) in [
            // Half past midnight in summer, half past eleven in winter.
            (Some("Europe/Madrid"), Some("+02:00"), [date!(2026 - 07 - 15), date!(2027 - 01 - 14)]),
            (
                Some("America/Bogota"),
                Some("-05:00"),
                [date!(2026 - 07 - 14), date!(2027 - 01 - 14)],
            ),
            // What is not known by its name is as it is now.
            (
                Some("Europe/Nowhere"),
                Some("+02:00"),
                [date!(2026 - 07 - 15), date!(2027 - 01 - 15)],
            ),
            (None, Some("-05:00"), [date!(2026 - 07 - 14), date!(2027 - 01 - 14)]),
            (None, None, [date!(2026 - 07 - 14), date!(2027 - 01 - 14)]),
        ] {
            let zone = Zone::new(name, now);
            assert_eq!([summer, winter].map(|at| zone.day(at)), days, "{name:?} {now:?}");
        }
    }

    #[test]
    fn no_moment_is_too_far_away() {
        for at in [datetime!(9999-12-31 23:59 UTC), datetime!(-9999-01-01 0:00 UTC)] {
            for zone in
                [Zone::new(Some("Pacific/Kiritimati"), None), Zone::new(None, Some("-12:00"))]
            {
                let days = (zone.day(at).to_julian_day() - at.date().to_julian_day()).abs();
                assert!(days <= 1, "{at}");
            }
        }
    }

    #[test]
    fn an_offset_that_cannot_be_read_is_utc() {
        for (text, want) in [
            (Some("+03:00"), offset!(+3)),
            (Some("-03:30"), offset!(-3:30)),
            (Some("+05:45"), offset!(+5:45)),
            (Some("03:00"), offset!(UTC)),
            (Some("+99:00"), offset!(UTC)),
            (Some(""), offset!(UTC)),
            (Some("é3:00"), offset!(UTC)),
            (None, offset!(UTC)),
        ] {
            assert_eq!(Zone::new(None, text), Zone::Fixed(want), "{text:?}");
        }
    }
}
