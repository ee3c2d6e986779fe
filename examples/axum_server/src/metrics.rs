//! `GET /metrics` in the text format of Prometheus.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use paddle_kommo_sync::{Accepted, StoreStats};
use paddle_webhook::VerifyError;

use crate::{app::App, sweep};

/// Deliveries since the start of the process.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    new: AtomicU64,
    duplicate: AtomicU64,
    unreadable: AtomicU64,
    failed: AtomicU64,
    forged: AtomicU64,
    /// Authentic, but outside the time limits: a clock is wrong, or something holds requests back.
    untimely: AtomicU64,
    too_large: AtomicU64,
    /// The body did not arrive whole, or not in time.
    broken: AtomicU64,
    /// Webhooks of Kommo.
    hooks: AtomicU64,
    refused_hooks: AtomicU64,
    failed_hooks: AtomicU64,
}

impl Counts {
    pub(crate) fn accept(&self, accepted: Accepted) {
        let counter = match accepted {
            Accepted::New => &self.new,
            Accepted::Duplicate => &self.duplicate,
            _ => &self.unreadable,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse(&self, error: &VerifyError) {
        let counter = match error {
            VerifyError::Expired { .. } | VerifyError::InTheFuture { .. } => &self.untimely,
            _ => &self.forged,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lose(&self, status: StatusCode) {
        let counter =
            if status == StatusCode::PAYLOAD_TOO_LARGE { &self.too_large } else { &self.broken };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn accept_hook(&self) {
        self.hooks.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse_hook(&self) {
        self.refused_hooks.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fail_hook(&self) {
        self.failed_hooks.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fail(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) async fn metrics(State(app): State<App>) -> Response {
    match app.sync.stats().await {
        Ok(stats) => {
            let expires = app.kommo.token_expires_at().map(|at| at.unix_timestamp());
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text(&app, &stats, expires))
                .into_response()
        }
        Err(error) => {
            tracing::error!(error = crate::chain(&error), "no metrics: the store does not answer");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn text(app: &App, stats: &StoreStats, token_expires: Option<i64>) -> String {
    let (counts, checkouts) = (&app.counts, app.sync.checkout_counts());
    let has_trouble = app.sync.trouble().is_some();
    let mut page = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, rows: &[(String, i128)]| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(page, "{name}{labels} {value}");
        }
    };
    let deliveries = [
        ("accepted", &counts.new),
        ("duplicate", &counts.duplicate),
        ("unreadable", &counts.unreadable),
        ("not_stored", &counts.failed),
        ("not_authentic", &counts.forged),
        ("untimely", &counts.untimely),
        ("too_large", &counts.too_large),
        ("broken", &counts.broken),
    ];
    let rows = deliveries.map(|(result, count)| {
        (format!("{{result=\"{result}\"}}"), i128::from(count.load(Ordering::Relaxed)))
    });
    metric(
        "paddle_deliveries_total",
        "counter",
        "Deliveries since the start, by what became of them.",
        &rows,
    );
    let hooks = [
        ("accepted", &counts.hooks),
        ("refused", &counts.refused_hooks),
        ("not_stored", &counts.failed_hooks),
    ];
    let rows = hooks.map(|(result, count)| {
        (format!("{{result=\"{result}\"}}"), i128::from(count.load(Ordering::Relaxed)))
    });
    metric(
        "kommo_webhooks_total",
        "counter",
        "Webhooks of Kommo since the start, by what became of them.",
        &rows,
    );
    let rows =
        [("made", checkouts.made), ("revised", checkouts.revised), ("refused", checkouts.refused)]
            .map(|(result, count)| (format!("{{result=\"{result}\"}}"), i128::from(count)));
    metric(
        "paddle_kommo_checkouts_total",
        "counter",
        "Checkout links since the start, by what became of the wish.",
        &rows,
    );
    let one = |value: i128| [(String::new(), value)];
    metric(
        "paddle_kommo_events_open",
        "gauge",
        "Events that are waiting or worked on.",
        &one(stats.open.into()),
    );
    let oldest = stats.oldest_open.map_or(0, |at| at.unix_timestamp());
    metric(
        "paddle_kommo_oldest_open_timestamp_seconds",
        "gauge",
        "When the oldest open event was received; 0 when none is open.",
        &one(oldest.into()),
    );
    metric(
        "paddle_kommo_events_done_total",
        "counter",
        "Events that ended, done or ignored.",
        &one(stats.done.into()),
    );
    let parked: Vec<(String, i128)> = stats
        .parked
        .iter()
        .map(|(reason, count)| (format!("{{reason=\"{reason}\"}}"), i128::from(*count)))
        .collect();
    metric("paddle_kommo_events_parked", "gauge", "Events that need a person, by reason.", &parked);
    metric(
        "paddle_kommo_effects_in_flight",
        "gauge",
        "Writes without a recorded answer.",
        &one(stats.in_flight.into()),
    );
    metric(
        "paddle_kommo_effects_unknown",
        "gauge",
        "Writes that are being looked for.",
        &one(stats.unknown.into()),
    );
    metric(
        "paddle_kommo_paused",
        "gauge",
        "1 while no call to Kommo makes sense.",
        &one(i128::from(stats.paused.is_some())),
    );
    metric(
        "paddle_kommo_trouble",
        "gauge",
        "1 while calls to Kommo fail.",
        &one(i128::from(has_trouble)),
    );
    sweep::metrics(app, &mut metric);
    metric(
        "paddle_kommo_log_lines_lost_total",
        "counter",
        "Lines of the log that nobody took in time.",
        &one(crate::log::lost().into()),
    );
    if let Some(expires) = token_expires {
        metric(
            "kommo_token_expires_timestamp_seconds",
            "gauge",
            "When Kommo's token ends.",
            &one(expires.into()),
        );
    }
    page
}
