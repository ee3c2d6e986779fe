//! A mistake in a handler costs its request an answer of 500, and nobody else anything.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use axum::{
    extract::{MatchedPath, Request},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Runs the handler; where it panics, the connection would be closed without any answer.
pub(crate) async fn answered(request: Request, next: Next) -> Response {
    // The route, not the address: that may end with a secret.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut handling = pin!(next.run(request));
    // What it leaves behind is what a killed process would leave as well; its locks hold nothing half done.
    poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            let route = route.as_ref().map(MatchedPath::as_str);
            tracing::error!(route, "a request was not answered: a mistake in this program");
            Poll::Ready(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{Router, body::Body, middleware, routing::post};
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    /// Everything that was logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("nobody panics with it").write(line)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_panic_tells_the_route_and_no_secret() {
        let lines = Lines::default();
        let log = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || log.clone()).finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let mistake = async || -> StatusCode { panic!("made up") };
        let router: Router = Router::new()
            .route("/kommo/webhook/{secret}", post(mistake))
            .layer(middleware::from_fn(answered));
        let request = Request::post("/kommo/webhook/canary").body(Body::empty());
        let answer = TowerToHyperService::new(router).call(request.expect("it is a request")).await;
        assert_eq!(answer.expect("it is answered").status(), StatusCode::INTERNAL_SERVER_ERROR);
        let lines = lines.0.lock().expect("nobody panics with it").clone();
        let lines = String::from_utf8(lines).expect("it is text");
        assert!(lines.contains("/kommo/webhook/{secret}"), "{lines}");
        assert!(!lines.contains("canary"), "{lines}");
    }
}
