//! What a load balancer and a person on call ask.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::app::App;

pub(crate) async fn live() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    queue: Queue,
    kommo: Kommo,
}

#[derive(Serialize)]
struct Queue {
    open: u64,
    /// When the oldest open event was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_received_at: Option<String>,
    parked: u64,
}

#[derive(Serialize)]
struct Kommo {
    /// `ok`, or why its account pauses.
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until: Option<String>,
    /// When the token ends, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires_at: Option<String>,
}

/// 200 while deliveries can be stored: Kommo may be away for days without any being lost.
pub(crate) async fn ready(State(app): State<App>) -> impl IntoResponse {
    let stats = match app.sync.stats().await {
        Ok(stats) => stats,
        Err(error) => {
            tracing::error!(error = crate::chain(&error), "not ready: the store does not answer");
            let body = serde_json::json!({"status": "unavailable"});
            return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
        }
    };
    let (state, paused_until) = match stats.paused {
        None => ("ok".to_owned(), None),
        Some((until, reason)) => (reason, rfc3339(until)),
    };
    let ready = Ready {
        status: "ok",
        queue: Queue {
            open: stats.open,
            oldest_received_at: stats.oldest_open.and_then(rfc3339),
            parked: stats.parked.iter().map(|(_, count)| count).sum(),
        },
        kommo: Kommo {
            state,
            paused_until,
            token_expires_at: app.kommo.token_expires_at().and_then(rfc3339),
        },
    };
    Json(ready).into_response()
}

fn rfc3339(at: OffsetDateTime) -> Option<String> {
    at.format(&Rfc3339).ok()
}
