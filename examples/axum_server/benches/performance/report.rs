//! What was measured against what was asked for: a table for people, and one line of JSON.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

/// One bar, and what each store makes of it.
#[derive(Debug)]
pub struct Bar {
    what: String,
    must: String,
    goal: String,
    measured: Vec<Measured>,
}

#[derive(Debug)]
struct Measured {
    store: &'static str,
    value: String,
    /// Whether the bar and the goal are met; none where it could not be measured.
    is_met: Option<(bool, bool)>,
}

/// Everything that was measured in a run.
#[derive(Debug)]
pub struct Report {
    started: Instant,
    store: &'static str,
    stores: Vec<&'static str>,
    figures: Map<String, Value>,
    notes: Vec<String>,
    bars: Vec<Bar>,
}

impl Report {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            store: "",
            stores: Vec::new(),
            figures: Map::new(),
            notes: Vec::new(),
            bars: Vec::new(),
        }
    }

    /// What is reported from now on is of this store.
    pub fn turn_to(&mut self, store: &'static str) {
        self.store = store;
        if !self.stores.contains(&store) {
            self.stores.push(store);
        }
    }

    /// A sentence below the table.
    pub fn note(&mut self, note: String) {
        eprintln!("[{:>3} s] {note}", self.started.elapsed().as_secs());
        self.notes.push(note);
    }

    /// Figures under a name, and the store's; said aloud at once, because the whole takes minutes.
    pub fn figures(&mut self, name: &str, figures: Value) {
        let store = self.store.to_lowercase();
        let name = if store.is_empty() { name.to_owned() } else { format!("{name}_{store}") };
        eprintln!("[{:>3} s] {name} {figures}", self.started.elapsed().as_secs());
        self.figures.insert(name, figures);
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
        let measured = Measured { store: self.store, value: measured, is_met: Some(is_met) };
        self.add(what, asked, measured);
    }

    /// A bar that could not be measured here, and why.
    pub fn not_measured(&mut self, what: &str, why: &str) {
        let value = format!("not measured: {why}");
        let measured = Measured { store: self.store, value, is_met: None };
        self.add(what, (String::new(), String::new()), measured);
    }

    fn add(&mut self, what: &str, (must, goal): (String, String), measured: Measured) {
        match self.bars.iter_mut().find(|bar| bar.what == what) {
            Some(bar) => bar.measured.push(measured),
            None => {
                let what = what.to_owned();
                self.bars.push(Bar { what, must, goal, measured: vec![measured] });
            }
        }
    }

    pub fn table(&self) -> String {
        let mut table = "| | must | goal |".to_owned();
        // Writing to a string does not fail.
        for store in &self.stores {
            let _ = write!(table, " {store} | |");
        }
        let _ = writeln!(table, "\n|---|---|---|{}", "---|---|".repeat(self.stores.len()));
        for Bar { what, must, goal, measured } in &self.bars {
            let _ = write!(table, "| {what} | {must} | {goal} |");
            for store in &self.stores {
                let Some(measured) = measured.iter().find(|one| one.store == *store) else {
                    table.push_str(" | |");
                    continue;
                };
                let ok = match measured.is_met {
                    Some((_, true)) => "goal",
                    Some((true, false)) => "yes",
                    Some((false, false)) => "NO",
                    None => "–",
                };
                let _ = write!(table, " {} | {ok} |", measured.value);
            }
            table.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(table, "\n{note}");
        }
        table
    }

    pub fn json(mut self) -> Value {
        let bars = self.bars.iter().flat_map(|bar| {
            bar.measured.iter().map(|measured| {
                json!({
                    "what": bar.what, "must": bar.must, "goal": bar.goal, "store": measured.store,
                    "measured": measured.value, "is_met": measured.is_met.map(|(must, _)| must),
                    "is_goal_met": measured.is_met.map(|(_, goal)| goal),
                })
            })
        });
        self.figures.insert("bars".to_owned(), bars.collect());
        self.figures.insert("notes".to_owned(), self.notes.into());
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
