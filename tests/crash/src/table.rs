//! What the run prints.

use std::collections::{BTreeMap, BTreeSet};

use crate::{check::Violation, point::Point, stores::StoreKind, trial::Report, two_nodes::Ran};

#[derive(Debug, Default)]
struct Row {
    points: u32,
    lost: u32,
    duplicated: u32,
    other: u32,
}

impl Row {
    fn fail(&mut self, violations: &[Violation]) {
        let has = |is: fn(&Violation) -> bool| u32::from(violations.iter().any(is));
        let (lost, duplicated) = (
            has(|violation| matches!(violation, Violation::Lost(_))),
            has(|violation| matches!(violation, Violation::Duplicated(_) | Violation::Replay(1..))),
        );
        self.lost = self.lost.saturating_add(lost);
        self.duplicated = self.duplicated.saturating_add(duplicated);
        self.other = self.other.saturating_add(u32::from(lost == 0 && duplicated == 0));
    }
}

/// Points by story, store and kind.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<(usize, &'static str, StoreKind, &'static str), Row>,
    /// A point counts once, however often it was tried.
    seen: BTreeSet<String>,
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
        } else if !report.is_reached {
            self.missed = self.missed.saturating_add(1);
        }
        if report.violations.is_empty() || !is_new {
            return;
        }
        self.failed = self.failed.saturating_add(1);
        let row = self.rows.entry((place, story, store, point.kind())).or_default();
        row.fail(&report.violations);
    }

    /// The run of two nodes: all of its blows are points of one story.
    pub(crate) fn add_two_nodes(&mut self, ran: &Ran) {
        let key =
            (usize::MAX, "1000 payments", StoreKind::Postgres, "two nodes, killed and paused");
        let row = self.rows.entry(key).or_default();
        row.points = row.points.saturating_add(u32::try_from(ran.blows).unwrap_or(u32::MAX));
        if !ran.violations.is_empty() {
            row.fail(&ran.violations);
            self.failed = self.failed.saturating_add(1);
        }
    }

    pub(crate) fn points(&self) -> u32 {
        self.rows.values().map(|row| row.points).sum()
    }

    /// A run of all stories that has fewer points proves nothing.
    pub(crate) fn is_enough(&self, kinds: &[StoreKind]) -> Result<(), String> {
        for kind in kinds {
            let rows = self.rows.iter().filter(|((_, _, of, _), _)| of == kind);
            let points: u32 = rows.map(|(_, row)| row.points).sum();
            if points < kind.fewest_points() {
                return Err(format!("only {points} points on {}: too few", kind.name()));
            }
        }
        Ok(())
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
