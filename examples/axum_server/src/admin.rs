//! What an operator asks and does, with the admin token: parked events, stories, links. JSON in and out.

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use kommo_client::LeadId;
use paddle_kommo_sync::StoreError;
use serde::Deserialize;
use serde_json::json;

use crate::{app::App, checkout, settings::AdminToken};

/// As many parked events are shown at once; the newest first.
const PARKED: usize = 200;

/// The routes, behind the token.
pub(crate) fn routes(token: AdminToken) -> Router<App> {
    Router::new()
        .route("/admin/parked", get(parked))
        .route("/admin/explain/{id}", get(explain))
        .route("/admin/events/{id}/resume", post(resume))
        .route("/admin/link", post(link))
        .route("/checkout", post(checkout::ask))
        .route_layer(middleware::from_fn_with_state(token, authorize))
}

async fn authorize(State(token): State<AdminToken>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let given = given.and_then(|value| value.strip_prefix(b"Bearer "));
    if given.is_some_and(|given| token.is(given)) {
        let mut response = next.run(request).await;
        // What it tells is about customers: no cache may keep it.
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
        response
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

async fn parked(State(app): State<App>) -> Response {
    answer(app.sync.parked(PARKED).await)
}

async fn explain(State(app): State<App>, Path(id): Path<String>) -> Response {
    answer(app.sync.explain(&id).await)
}

async fn resume(State(app): State<App>, Path(id): Path<String>) -> Response {
    tracing::info!(event_id = id, "an operator resumes an event");
    match app.sync.resume(&id).await {
        Ok(true) => answer(Ok(json!({"resumed": [id]}))),
        Ok(false) => (StatusCode::NOT_FOUND, Json(json!({"error": "no parked event has this id"})))
            .into_response(),
        Err(error) => answer::<()>(Err(error)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    /// An event, or a Paddle transaction, subscription or customer.
    what: String,
    /// The deal.
    lead: u64,
}

async fn link(State(app): State<App>, Json(link): Json<Link>) -> Response {
    if link.lead == 0 || i64::try_from(link.lead).is_err() {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "`lead` is not the id of a deal"})))
            .into_response();
    }
    tracing::info!(what = link.what, lead = link.lead, "an operator links a sale to a deal");
    answer(
        app.sync
            .link(&link.what, LeadId::new(link.lead))
            .await
            .map(|resumed| json!({"resumed": resumed})),
    )
}

fn answer<T: serde::Serialize>(result: Result<T, StoreError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => {
            tracing::error!(error = crate::chain(&error), "the store does not answer an operator");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
