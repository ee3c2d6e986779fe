//! The sweep beside the worker: again and again it looks for what never arrived, and for what is wrong with deliveries.

use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
};

use paddle_kommo_sync::{Clock as _, SystemClock, paddle};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::app::App;

/// Every code that an alarm can have, for metrics: those of [`Alarm::code`], and that Paddle does not answer.
const CODES: [&str; 5] = ["no_destination", "inactive", "not_subscribed", "failing", UNREACHABLE];
const UNREACHABLE: &str = "unreachable";

/// What the sweep saw last.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Seen>);

#[derive(Clone, Debug, Default)]
struct Seen {
    /// When a sweep last went through.
    swept_at: Option<OffsetDateTime>,
    /// Events that it took in since the start of the process.
    taken: u64,
    /// What is wrong: codes, and words for the operator.
    alarms: Vec<(&'static str, String)>,
}

impl Watch {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what is wrong now; what is new is said aloud, and what is over.
    fn alarm(&self, now: Vec<(&'static str, String)>) {
        let before = std::mem::replace(&mut self.seen().alarms, now.clone());
        for (code, text) in now.iter().filter(|alarm| !before.contains(alarm)) {
            tracing::error!(code, "ALARM: {text}");
        }
        for (code, text) in before.iter().filter(|alarm| !now.contains(alarm)) {
            tracing::info!(code, "over: {text}");
        }
    }
}

/// Sweeps until `stop` is ready; only waits for it where there is nothing to sweep with.
pub(crate) async fn run(app: &App, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let (Some(paddle), Some(every)) = (&app.paddle, app.sweeping.every) else {
        if app.sweeping.every.is_some() {
            tracing::info!("PADDLE_API_KEY is not set: what never arrives is not looked for");
        }
        return stop.await;
    };
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            () = once(app, paddle) => {}
        }
        tokio::select! {
            biased;
            () = &mut stop => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

async fn once(app: &App, paddle: &paddle::Client) {
    let mut alarms = Vec::new();
    match app.sync.sweep(paddle).await {
        Ok(swept) => {
            let mut seen = app.watch.seen();
            seen.swept_at = Some(SystemClock::default().now());
            seen.taken = seen.taken.saturating_add(u64::try_from(swept.taken).unwrap_or(u64::MAX));
            drop(seen);
            if swept.taken > 0 {
                tracing::warn!(events = swept.taken, "taken in what had not arrived");
            }
        }
        Err(error) => alarms.push((UNREACHABLE, crate::chain(&error))),
    }
    match app.sync.alarms(paddle, app.sweeping.destination.as_ref()).await {
        Ok(found) => alarms.extend(found.iter().map(|alarm| (alarm.code(), alarm.to_string()))),
        Err(error) if alarms.is_empty() => alarms.push((UNREACHABLE, crate::chain(&error))),
        Err(_) => {}
    }
    app.watch.alarm(alarms);
}

/// For health pages.
#[derive(Serialize)]
pub(crate) struct State {
    /// `off`, `ok` or `alarm`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    swept_at: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alarms: Vec<String>,
}

pub(crate) fn state(app: &App) -> State {
    let seen = app.watch.seen().clone();
    let is_on = app.paddle.is_some() && app.sweeping.every.is_some();
    State {
        state: match (is_on, seen.alarms.is_empty()) {
            (false, _) => "off",
            (true, true) => "ok",
            (true, false) => "alarm",
        },
        swept_at: seen.swept_at.and_then(|at| at.format(&Rfc3339).ok()),
        alarms: seen.alarms.into_iter().map(|(_, text)| text).collect(),
    }
}

/// Writes one metric: name, kind, help, and rows of labels and value.
pub(crate) type Write<'a> = &'a mut dyn FnMut(&str, &str, &str, &[(String, i128)]);

pub(crate) fn metrics(app: &App, write: Write<'_>) {
    if app.paddle.is_none() || app.sweeping.every.is_none() {
        return;
    }
    let seen = app.watch.seen().clone();
    let swept_at = seen.swept_at.map_or(0, OffsetDateTime::unix_timestamp);
    write(
        "paddle_sweep_timestamp_seconds",
        "gauge",
        "When Paddle's list of events was last looked through; 0 before that.",
        &[(String::new(), swept_at.into())],
    );
    write(
        "paddle_sweep_taken_total",
        "counter",
        "Events that had not arrived and were taken in from Paddle's list.",
        &[(String::new(), seen.taken.into())],
    );
    let rows = CODES.map(|code| {
        let is_on = seen.alarms.iter().any(|(alarm, _)| *alarm == code);
        (format!("{{code=\"{code}\"}}"), i128::from(is_on))
    });
    write(
        "paddle_alarm",
        "gauge",
        "1 while something is wrong with the way by which Paddle's webhooks come.",
        &rows,
    );
}

#[cfg(test)]
mod tests {
    use paddle_kommo_sync::Alarm;

    use super::*;

    #[test]
    fn every_alarm_has_its_row() {
        let destination = paddle::NotificationSettingId::from("ntfset_1");
        for alarm in [Alarm::NoDestination, Alarm::Inactive(destination)] {
            assert!(CODES.contains(&alarm.code()));
        }
    }
}
