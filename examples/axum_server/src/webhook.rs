//! `POST /paddle/webhook`: verify, store, answer. Everything slow happens behind the inbox.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use paddle_webhook::VerifyError;
use tokio::sync::Semaphore;

use crate::app::App;

/// No delivery of Paddle comes near it; its own Go SDK has the same limit.
const MOST_BODY: usize = 2 << 20;

/// Nearly every delivery is smaller. So many bytes of each connection may wait for their end.
const SMALL_BODY: u64 = 64 << 10;

/// Only so many larger bodies, or bodies that do not say how large they are, are read at the same time: whoever has no
/// secret must not fill the memory either.
static LARGE_BODIES: Semaphore = Semaphore::const_new(16);

/// How long a body may take to arrive. Paddle itself gives up after 5 seconds.
const BODY: Duration = Duration::from_secs(10);

pub(crate) async fn receive(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match unpacked(&parts.headers, body).await {
        Ok(body) => body,
        Err(status) => {
            app.counts.lose(status);
            if let Some(more) = app.refusals.say() {
                tracing::warn!(
                    status = status.as_u16(),
                    more,
                    "a delivery was packed, too large, too slow, or broke off"
                );
            }
            return status.into_response();
        }
    };
    let verified = match app.verifier.verify(signature(&parts.headers), &body) {
        Ok(verified) => verified,
        Err(error) => {
            // The answer is the same for every reason: it must not help whoever is guessing.
            app.counts.refuse(&error);
            if let Some(more) = app.refusals.say() {
                tracing::warn!(reason = %error, hint = hint(&error), more, "a delivery was refused");
            }
            return StatusCode::UNAUTHORIZED.into_response();
        }
    };
    match app.sync.accept(&verified).await {
        Ok(accepted) => {
            app.counts.accept(accepted);
            StatusCode::OK.into_response()
        }
        Err(error) => {
            app.counts.fail();
            tracing::error!(
                error = crate::chain(&error),
                "a delivery could not be stored; Paddle will send it again"
            );
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")]).into_response()
        }
    }
}

/// Says once a second at the most that deliveries are refused: whoever forges a thousand must not fill the disk.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    unsaid: u64,
}

impl Refusals {
    /// How many were passed over since the last one, if this one is to be said.
    fn say(&self) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.last.is_some_and(|last| last.elapsed() < Duration::from_secs(1)) {
            said.unsaid = said.unsaid.saturating_add(1);
            return None;
        }
        said.last = Some(Instant::now());
        Some(std::mem::take(&mut said.unsaid))
    }
}

/// Its signature is over the bytes that Paddle sent, and Paddle packs nothing.
async fn unpacked(headers: &HeaderMap, body: Body) -> Result<Bytes, StatusCode> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    read(body).await
}

pub(crate) async fn read(body: Body) -> Result<Bytes, StatusCode> {
    let reading = async {
        let _room = match body.size_hint().upper() {
            Some(length) if length <= SMALL_BODY => None,
            // It is never closed.
            _ => LARGE_BODIES.acquire().await.ok(),
        };
        Limited::new(body, MOST_BODY).collect().await
    };
    match tokio::time::timeout(BODY, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// The one signature header. Two of them are none: nobody could say which one counts.
fn signature(headers: &HeaderMap) -> &[u8] {
    let mut values = headers.get_all("paddle-signature").iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.as_bytes(),
        _ => &[],
    }
}

fn hint(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::Mismatch => "a wrong secret, or a proxy that changes the body",
        VerifyError::Expired { .. } => {
            "authentic, but late: check this machine's clock, and what holds requests back"
        }
        VerifyError::InTheFuture { .. } => {
            "authentic, but from the future: check this machine's clock"
        }
        _ => "not from Paddle",
    }
}
