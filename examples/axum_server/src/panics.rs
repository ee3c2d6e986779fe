//! A mistake in a handler costs its request an answer of 500, and nobody else anything.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Runs the handler; where it panics, the connection would be closed without any answer.
pub(crate) async fn answered(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut handling = pin!(next.run(request));
    // What it leaves behind is what a killed process would leave as well; its locks hold nothing half done.
    poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            tracing::error!(path, "a request was not answered: a mistake in this program");
            Poll::Ready(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        })
    })
    .await
}
