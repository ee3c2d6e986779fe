//! The route. Verify the raw bytes, make the event durable, answer; the worker does the rest.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, post,
    web::{Data, Payload},
};
use paddle_webhook::Verifier;

/// No delivery of Paddle comes near it.
const MOST_BODY: usize = 2 << 20;

/// How long a body may take to arrive: actix-web has a limit for the head of a request only.
const BODY: Duration = Duration::from_secs(10);

/// What the route needs.
#[derive(Debug)]
pub struct App {
    /// Tells Paddle's deliveries from everything else.
    pub verifier: Verifier,
    /// Carries events over into Kommo.
    pub sync: paddle_kommo_sync::Sync,
}

/// `POST /paddle/webhook`.
#[post("/paddle/webhook")]
pub async fn webhook(app: Data<App>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let coding = request.headers().get("content-encoding");
    if coding.is_some_and(|coding| coding != "identity") {
        return HttpResponse::UnsupportedMediaType().finish();
    }
    let body = match tokio::time::timeout(BODY, payload.to_bytes_limited(MOST_BODY)).await {
        Ok(Ok(Ok(body))) => body,
        Ok(Ok(Err(_))) => return HttpResponse::BadRequest().finish(),
        Ok(Err(_)) => return HttpResponse::PayloadTooLarge().finish(),
        Err(_) => return HttpResponse::RequestTimeout().finish(),
    };
    let mut signatures = request.headers().get_all("paddle-signature");
    let signature = match (signatures.next(), signatures.next()) {
        (Some(signature), None) => signature.as_bytes(),
        _ => &[],
    };
    let Ok(verified) = app.verifier.verify(signature, &body) else {
        return HttpResponse::Unauthorized().finish();
    };
    match app.sync.accept(&verified).await {
        Ok(_) => HttpResponse::Ok().finish(),
        // Not on disk: Paddle sends it again.
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}
