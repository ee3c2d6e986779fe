//! `POST /paddle/webhook`: verify, store, answer. Everything slow happens behind the inbox.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use paddle_webhook::VerifyError;

use crate::app::App;

/// No delivery of Paddle comes near it; its own Go SDK has the same limit.
const MOST_BODY: usize = 2 << 20;

/// How long a body may take to arrive. Paddle itself gives up after 5 seconds.
const BODY: Duration = Duration::from_secs(10);

pub(crate) async fn receive(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(status) => {
            app.counts.lose(status);
            tracing::warn!(
                status = status.as_u16(),
                "a delivery was too large, too slow, or broke off"
            );
            return status.into_response();
        }
    };
    let verified = match app.verifier.verify(signature(&parts.headers), &body) {
        Ok(verified) => verified,
        Err(error) => {
            // The answer is the same for every reason: it must not help whoever is guessing.
            app.counts.refuse(&error);
            tracing::warn!(reason = %error, hint = hint(&error), "a delivery was refused");
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

pub(crate) async fn read(body: Body) -> Result<Bytes, StatusCode> {
    let reading = Limited::new(body, MOST_BODY).collect();
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
