//! What a load balancer and a person on call ask.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use paddle_kommo_sync::{Clock as _, SystemClock};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{app::App, sweep};

pub(crate) async fn live() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    queue: Queue,
    kommo: Kommo,
    paddle: sweep::State,
}

#[derive(Serialize)]
struct Queue {
    open: u64,
    /// When the oldest open event was received, and how many seconds ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_received_at: Option<String>,
    oldest_age_seconds: i64,
    parked: u64,
}

#[derive(Serialize)]
struct Kommo {
    /// `ok`, or what calls run into.
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<String>,
    /// When the token ends, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires_at: Option<String>,
}

/// 200 while deliveries can be stored: Kommo may be away for days without any being lost.
pub(crate) async fn ready(State(app): State<App>) -> impl IntoResponse {
    // Reading may still work on a disk that is full.
    let stats = match app.sync.check_store().await {
        Ok(()) => app.sync.stats().await,
        Err(error) => Err(error),
    };
    let stats = match stats {
        Ok(stats) => stats,
        Err(error) => {
            tracing::error!(error = crate::chain(&error), "not ready: the store does not answer");
            let body = serde_json::json!({"status": "unavailable"});
            return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
        }
    };
    let trouble = app.sync.trouble();
    let (state, paused_until) = match (stats.paused, &trouble) {
        (Some((until, reason)), _) => (reason, rfc3339(until)),
        (None, Some(trouble)) => (trouble.why.clone(), None),
        (None, None) => ("ok".to_owned(), None),
    };
    let age =
        |at: OffsetDateTime| SystemClock::default().now().unix_timestamp() - at.unix_timestamp();
    let ready = Ready {
        status: "ok",
        queue: Queue {
            open: stats.open,
            oldest_received_at: stats.oldest_open.and_then(rfc3339),
            oldest_age_seconds: stats.oldest_open.map_or(0, age),
            parked: stats.parked.iter().map(|(_, count)| count).sum(),
        },
        kommo: Kommo {
            state,
            since: trouble.and_then(|trouble| rfc3339(trouble.since)),
            paused_until,
            token_expires_at: app.kommo.token_expires_at().and_then(rfc3339),
        },
        paddle: sweep::state(&app),
    };
    Json(ready).into_response()
}

fn rfc3339(at: OffsetDateTime) -> Option<String> {
    at.format(&Rfc3339).ok()
}
