//! `POST /kommo/webhook/{secret}`: a deal came to the payment stage. Kommo signs nothing, so the address is the secret, and
//! what it says is only a hint: the deal is read again behind the inbox.

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use kommo_client::WebhookBody;

use crate::{app::App, settings::HookSecret, webhook};

/// The route for whoever knows the secret.
pub(crate) fn routes(secret: HookSecret) -> Router<App> {
    let receive =
        async move |State(app): State<App>, Path(given): Path<String>, request: Request| {
            if secret.is(&given) {
                receive(&app, request).await
            } else {
                app.counts.refuse_hook();
                // The same as for an address that does not exist.
                StatusCode::NOT_FOUND.into_response()
            }
        };
    Router::new().route("/kommo/webhook/{secret}", post(receive))
}

/// Kommo waits two seconds for its answer, and switches a webhook off that fails too often.
async fn receive(app: &App, request: Request) -> Response {
    let body = match webhook::read(request.into_body()).await {
        Ok(body) => body,
        Err(status) => {
            app.counts.refuse_hook();
            tracing::warn!(status = status.as_u16(), "a webhook of Kommo could not be read");
            return status.into_response();
        }
    };
    let Ok(delivery) = WebhookBody::parse(&body) else {
        app.counts.refuse_hook();
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match app.sync.accept_kommo(&delivery).await {
        Ok(deals) => {
            app.counts.accept_hook();
            tracing::debug!(deals, "a webhook of Kommo");
            StatusCode::OK.into_response()
        }
        Err(error) => {
            app.counts.fail_hook();
            tracing::error!(
                error = crate::chain(&error),
                "a webhook of Kommo could not be stored; Kommo sends it again"
            );
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "60")]).into_response()
        }
    }
}
