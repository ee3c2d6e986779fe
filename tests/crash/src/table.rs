//! What the run prints.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    check::Violation,
    point::Point,
    trial::{Report, StoreKind},
};

#[derive(Debug, Default)]
struct Row {
    points: u32,
    lost: u32,
    duplicated: u32,
    other: u32,
}

/// Points by story, store and kind.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<(usize, &'static str, StoreKind, &'static str), Row>,
    /// A point counts once, however often it was tried.
    seen: BTreeSet<String>,
    pub(crate) points: u32,
    pub(crate) failed: u32,
    /// Kills that did not take place: the end of a series, or a moment that another run had.
    pub(crate) missed: u32,
}

impl Table {
    pub(crate) fn add(
        &mut self,
        (place, story): (usize, &'static str),
        store: StoreKind,
        point: &Point,
        report: &Report,
    ) {
        let is_new = self.seen.insert(format!("{} {story} {point}", store.name()));
        if report.is_reached && is_new {
            let row = self.rows.entry((place, story, store, point.kind())).or_default();
            row.points = row.points.saturating_add(1);
            self.points = self.points.saturating_add(1);
        } else if !report.is_reached {
            self.missed = self.missed.saturating_add(1);
        }
        if report.violations.is_empty() || !is_new {
            return;
        }
        self.failed = self.failed.saturating_add(1);
        let row = self.rows.entry((place, story, store, point.kind())).or_default();
        let has = |is: fn(&Violation) -> bool| u32::from(report.violations.iter().any(is));
        let (lost, duplicated) = (
            has(|violation| matches!(violation, Violation::Lost(_))),
            has(|violation| matches!(violation, Violation::Duplicated(_) | Violation::Replay(1..))),
        );
        row.lost = row.lost.saturating_add(lost);
        row.duplicated = row.duplicated.saturating_add(duplicated);
        row.other = row.other.saturating_add(u32::from(lost == 0 && duplicated == 0));
    }

    pub(crate) fn print(&self) {
        println!(
            "{:<13} {:<9} {:<31} {:>6} {:>5} {:>11} {:>6}",
            "story", "store", "point", "points", "lost", "duplicated", "other"
        );
        let line = |story: &str, store: &str, kind: &str, row: &Row| {
            println!(
                "{story:<13} {store:<9} {kind:<31} {:>6} {:>5} {:>11} {:>6}",
                row.points, row.lost, row.duplicated, row.other
            );
        };
        let mut all = Row::default();
        for ((_, story, store, kind), row) in &self.rows {
            line(story, store.name(), kind, row);
            all.points = all.points.saturating_add(row.points);
            all.lost = all.lost.saturating_add(row.lost);
            all.duplicated = all.duplicated.saturating_add(row.duplicated);
            all.other = all.other.saturating_add(row.other);
        }
        line("all", "", "", &all);
    }
}
