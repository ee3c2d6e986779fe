//! Reads three variables and serves. The full service is `axum_server`.

use std::{error::Error, time::Duration};

use actix_server::app::{App, webhook};
use actix_web::{HttpServer, web::Data};
use kommo_client::{AccessToken, Client};
use paddle_kommo_sync::{SqliteStore, Sync};
use paddle_webhook::{SecretKey, Verifier};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let verifier = Verifier::new(SecretKey::new(variable("PADDLE_WEBHOOK_SECRETS")?)?);
    let kommo =
        Client::builder(&variable("KOMMO_BASE_URL")?, AccessToken::new(variable("KOMMO_TOKEN")?)?)
            .build()?;
    let sync = Sync::builder(kommo, SqliteStore::open("paddle-kommo.db")?).build().await?;
    let app = Data::new(App { verifier, sync: sync.clone() });

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // Dropping the sender stops it as well.
    let worker = actix_web::rt::spawn(async move { sync.run(async { drop(stopped.await) }).await });
    let listen = std::env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:8081".to_owned());
    let server =
        HttpServer::new(move || actix_web::App::new().app_data(app.clone()).service(webhook))
            .client_request_timeout(Duration::from_secs(5))
            .shutdown_timeout(9)
            .bind(listen)?
            .run();
    tokio::select! {
        ended = server => ended?,
        // What accepts and never applies must not go on: whoever supervises this starts it anew.
        ended = worker => return Err(format!("the worker has ended: {ended:?}").into()),
    }
    drop(stop);
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is missing"))
}
