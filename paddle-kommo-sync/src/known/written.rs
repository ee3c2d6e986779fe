use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{config::Overwrite, zone::Zone};

/// What we wrote into a field of a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    /// As text.
    pub(crate) text: String,
    /// When the event happened that it comes from: an older one does not overwrite it.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// The subscription whose event that was, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<String>,
    /// What the field held of ours when this was decided, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    /// False when Kommo did not take it: the field holds what it held before.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub(crate) has_arrived: bool,
}

const fn yes() -> bool {
    true
}

impl Written {
    /// What of ours the field holds, if nobody else has written into it.
    pub(crate) fn ours(&self) -> Option<&str> {
        if self.has_arrived { Some(&self.text) } else { self.before.as_deref() }
    }
}

/// Whether a field that holds this now may be written, where we wrote one of these into it.
pub(crate) fn may_write<'t>(
    rule: Overwrite,
    now: Option<&str>,
    ours: impl IntoIterator<Item = &'t str>,
    zone: &Zone,
) -> bool {
    let Some(now) = now.filter(|now| !now.is_empty()) else { return true };
    match rule {
        Overwrite::Always => true,
        Overwrite::IfEmpty => false,
        Overwrite::IfOurs => ours.into_iter().any(|ours| is_same(now, ours, zone)),
    }
}

/// Whether a field still holds what we wrote. Kommo gives numbers back without trailing zeros, and keeps only the day of
/// a date.
fn is_same(now: &str, written: &str, zone: &Zone) -> bool {
    const DAY: i64 = 86_400;
    let plain = |text: &str| match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{}", fraction.trim_end_matches('0')),
        None => format!("{text}."),
    };
    let within_its_day = || {
        let since = written.parse::<i64>().ok()?.checked_sub(now.parse().ok()?)?;
        (written.len() >= 9).then_some((0..DAY).contains(&since))
    };
    // In a field of text the day is written.
    let is_its_day = || {
        let at = OffsetDateTime::from_unix_timestamp(written.parse().ok()?).ok()?;
        Some(zone.day(at).to_string() == now)
    };
    now == written
        || plain(now) == plain(written)
        || within_its_day() == Some(true)
        || is_its_day() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::is_same;
    use crate::zone::Zone;

    #[test]
    fn what_kommo_gives_back_is_still_ours() {
        for (now, written, want) in [
            ("Pro", "Pro", true),
            ("Pro", "Pro, yearly", false),
            ("599", "599.00", true),
            ("599.5", "599.50", true),
            ("599.05", "599.50", false),
            ("5990", "599.0", false),
            ("1771113600", "1771156800", true),
            ("1771200000", "1771156800", false),
            ("1771027200", "1771156800", false),
            ("7", "7.0", true),
            ("325", "330", false),
            // A moment in a field of text: 2026-02-15 12:00 UTC.
            ("2026-02-16", "1771156800", true),
            ("2026-02-15", "1771156800", false),
            ("2026-02-17", "1771156800", false),
            ("15.02.2026", "1771156800", false),
            ("2026-02-15", "Pro", false),
        ] {
            let far_east = Zone::new(None, Some("+13:00"));
            assert_eq!(is_same(now, written, &far_east), want, "{now} {written}");
        }
    }
}
