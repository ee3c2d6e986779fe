//! What a person wrote into a field stays where `[overwrite]` says so.

use time::OffsetDateTime;

use crate::{
    config::{Config, Overwrite},
    known::{Deal, SaleKnown},
    plan::{Field, LONGEST_TEXT, LeadUpdate},
    zone::Zone,
};

/// Takes out of a plan what a person has written since it was made; true when there is something.
pub(crate) fn leave_to_persons(
    update: &mut LeadUpdate,
    config: &Config,
    (sale, deal): (&SaleKnown, &Deal),
    zone: &Zone,
) -> bool {
    let planned = update.fields.len();
    update.fields.retain(|value| {
        let (rule, now) = (config.overwrite.of(value.field), deal.field(value.field));
        let text = value.value.to_text();
        // Our own call may have come through.
        let now = (value.field, now);
        let is_there = may_write(Overwrite::IfOurs, now, [text.as_str()], zone);
        let before = sale.written.get(&value.field).and_then(|written| written.before.as_deref());
        is_there || may_write(rule, now, before, zone)
    });
    update.fields.len() < planned
}

/// Whether a field that holds this now may be written, where we wrote one of these into it.
pub(super) fn may_write<'t>(
    rule: Overwrite,
    (field, now): (Field, Option<&str>),
    ours: impl IntoIterator<Item = &'t str>,
    zone: &Zone,
) -> bool {
    let Some(now) = now.filter(|now| !now.is_empty()) else { return true };
    match rule {
        Overwrite::Always => true,
        Overwrite::IfEmpty => false,
        Overwrite::IfOurs => ours.into_iter().any(|ours| is_same((field, now), ours, zone)),
    }
}

/// Whether a field still holds what we wrote. Kommo gives numbers back without trailing zeros, keeps only the day of a date,
/// and gets no more of a text than it takes.
fn is_same((field, now): (Field, &str), written: &str, zone: &Zone) -> bool {
    const DAY: i64 = 86_400;
    let plain = |text: &str| match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{}", fraction.trim_end_matches('0')),
        None => format!("{text}."),
    };
    let within_its_day = || {
        let since = written.parse::<i64>().ok()?.checked_sub(now.parse().ok()?)?;
        Some((0..DAY).contains(&since))
    };
    // In a field of text the day is written.
    let is_its_day = || {
        let at = OffsetDateTime::from_unix_timestamp(written.parse().ok()?).ok()?;
        Some(zone.day(at).to_string() == now)
    };
    let cut = written.chars().take(LONGEST_TEXT);
    now == written
        || cut.eq(now.chars())
        || plain(now) == plain(written)
        || (field.is_date() && (within_its_day() == Some(true) || is_its_day() == Some(true)))
}

#[cfg(test)]
mod tests {
    use super::is_same;
    use crate::{plan::Field, zone::Zone};

    #[test]
    fn what_kommo_gives_back_is_still_ours() {
        let far_east = Zone::new(None, Some("+13:00"));
        for (now, written, want) in [
            ("Pro", "Pro", true),
            ("Pro", "Pro, yearly", false),
            ("599", "599.00", true),
            ("599.5", "599.50", true),
            ("599.05", "599.50", false),
            ("5990", "599.0", false),
            ("7", "7.0", true),
            ("325", "330", false),
            // A sum in a currency without minor units, which a person has corrected.
            ("149950000", "150000000", false),
        ] {
            assert_eq!(
                is_same((Field::AmountPaid, now), written, &far_east),
                want,
                "{now} {written}"
            );
        }
        for (now, written, want) in [
            ("1771113600", "1771156800", true),
            ("1771200000", "1771156800", false),
            ("1771027200", "1771156800", false),
            // A moment in a field of text: 2026-02-15 12:00 UTC.
            ("2026-02-16", "1771156800", true),
            ("2026-02-15", "1771156800", false),
            ("2026-02-17", "1771156800", false),
            ("15.02.2026", "1771156800", false),
            ("2026-02-15", "Pro", false),
        ] {
            let of = (Field::NextBillingDate, now);
            assert_eq!(is_same(of, written, &far_east), want, "{now} {written}");
        }
    }

    #[test]
    fn a_text_that_was_cut_is_still_ours() {
        let long = "ж".repeat(300);
        for (length, want) in [(255, false), (256, true), (257, false), (300, true)] {
            let now: String = long.chars().take(length).collect();
            assert_eq!(is_same((Field::PlanName, &now), &long, &Zone::UTC), want, "{length}");
        }
        let (whole, cut) = ("ж".repeat(256), "ж".repeat(255));
        assert!(!is_same((Field::PlanName, &cut), &whole, &Zone::UTC));
    }
}
