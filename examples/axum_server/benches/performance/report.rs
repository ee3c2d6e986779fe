//! What was measured against what was asked for: a table for people, and one line of JSON.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

/// One bar.
#[derive(Debug)]
pub struct Bar {
    what: String,
    must: String,
    goal: String,
    measured: String,
    is_met: Option<bool>,
    is_goal_met: Option<bool>,
}

/// Everything that was measured in a run.
#[derive(Debug)]
pub struct Report {
    started: Instant,
    figures: Map<String, Value>,
    bars: Vec<Bar>,
}

impl Report {
    pub fn new() -> Self {
        Self { started: Instant::now(), figures: Map::new(), bars: Vec::new() }
    }

    /// Figures under a name; said aloud at once, because the whole takes minutes.
    pub fn figures(&mut self, name: &str, figures: Value) {
        eprintln!("[{:>3} s] {name} {figures}", self.started.elapsed().as_secs());
        self.figures.insert(name.to_owned(), figures);
    }

    /// A bar that is met when the figure is not below it.
    pub fn at_least(&mut self, what: &str, measured: f64, must: f64, goal: f64) {
        self.bar(
            what,
            (format!("≥ {must}"), format!("{goal}")),
            format!("{measured:.2}"),
            (measured >= must, measured >= goal),
        );
    }

    /// A bar that is met when the figure is not above it.
    pub fn at_most(&mut self, what: &str, measured: f64, must: f64, goal: f64) {
        let digits = if measured.fract() == 0.0 { 0 } else { 3 };
        self.bar(
            what,
            (format!("≤ {must}"), format!("{goal}")),
            format!("{measured:.digits$}"),
            (measured <= must, measured <= goal),
        );
    }

    /// A bar that says itself what it asks for.
    pub fn bar(
        &mut self,
        what: &str,
        asked: (String, String),
        measured: String,
        is_met: (bool, bool),
    ) {
        self.bars.push(Bar {
            what: what.to_owned(),
            must: asked.0,
            goal: asked.1,
            measured,
            is_met: Some(is_met.0),
            is_goal_met: Some(is_met.1),
        });
    }

    /// A bar that could not be measured here, and why.
    pub fn not_measured(&mut self, what: &str, why: &str) {
        self.bars.push(Bar {
            what: what.to_owned(),
            must: String::new(),
            goal: String::new(),
            measured: format!("not measured: {why}"),
            is_met: None,
            is_goal_met: None,
        });
    }

    pub fn table(&self) -> String {
        let mut table = "| | must | goal | measured | ok |\n|---|---|---|---|---|\n".to_owned();
        for bar in &self.bars {
            let ok = match (bar.is_met, bar.is_goal_met) {
                (Some(true), Some(true)) => "goal",
                (Some(true), _) => "yes",
                (Some(false), _) => "NO",
                (None, _) => "–",
            };
            let Bar { what, must, goal, measured, .. } = bar;
            // Writing to a string does not fail.
            let _ = writeln!(table, "| {what} | {must} | {goal} | {measured} | {ok} |");
        }
        table
    }

    pub fn json(mut self) -> Value {
        let bars = self.bars.iter().map(|bar| {
            json!({
                "what": bar.what, "must": bar.must, "goal": bar.goal, "measured": bar.measured,
                "is_met": bar.is_met, "is_goal_met": bar.is_goal_met,
            })
        });
        self.figures.insert("bars".to_owned(), bars.collect());
        self.figures.insert("seconds".to_owned(), self.started.elapsed().as_secs().into());
        Value::Object(self.figures)
    }
}

/// The value below which this share of them lies, in per cent.
pub fn percentile(values: &[Duration], share: usize) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * share / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

pub fn millis(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1000.0)
}

/// To three places: the rest is noise.
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
