//! The smallest honest embedding of [`paddle_kommo_sync::Sync`]: one route in an actix-web application.

mod app;

use std::{error::Error, future::Future, net::TcpListener, time::Duration};

use actix_web::{HttpServer, web::Data};

pub use crate::app::{App, webhook};

/// Serves on this listener, with the worker beside it, until `stop` is ready.
///
/// # Errors
///
/// When the server breaks, or the worker ends before it was asked to.
pub async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()>,
) -> Result<(), Box<dyn Error>> {
    let sync = app.sync.clone();
    let (done, stopped) = tokio::sync::oneshot::channel::<()>();
    // Dropping the sender stops it as well.
    let mut worker =
        actix_web::rt::spawn(async move { sync.run(async { drop(stopped.await) }).await });
    let app = Data::new(app);
    let server =
        HttpServer::new(move || actix_web::App::new().app_data(app.clone()).service(webhook))
            .client_request_timeout(Duration::from_secs(5))
            .shutdown_timeout(9)
            .disable_signals()
            .listen(listener)?
            .run();
    let handle = server.handle();
    let server = actix_web::rt::spawn(server);
    tokio::select! {
        () = stop => {}
        // What accepts and never applies must not go on: whoever supervises this starts it anew.
        ended = &mut worker => return Err(format!("the worker has ended: {ended:?}").into()),
    }
    drop(done);
    handle.stop(true).await;
    server.await??;
    Ok(worker.await?)
}
