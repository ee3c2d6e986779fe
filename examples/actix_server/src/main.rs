//! Reads three variables, and `LISTEN_ADDR` where it is set, and serves; events are kept in `paddle-kommo.db` in the current
//! folder. The full service is `axum_server`.

use std::{error::Error, net::TcpListener};

use actix_server::App;
use kommo_client::{AccessToken, Client};
use paddle_kommo_sync::{SqliteStore, Sync};
use paddle_webhook::{SecretKey, Verifier};
use tokio::signal::unix::{SignalKind, signal};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let verifier = Verifier::new(SecretKey::new(variable("PADDLE_WEBHOOK_SECRETS")?)?);
    let token = AccessToken::new(variable("KOMMO_TOKEN")?)?;
    let kommo = Client::builder(&variable("KOMMO_BASE_URL")?, token).build()?;
    let sync = Sync::builder(kommo, SqliteStore::open("paddle-kommo.db")?).build().await?;
    let listen = std::env::var("LISTEN_ADDR").unwrap_or_else(|_| "127.0.0.1:8081".to_owned());
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    actix_server::serve(TcpListener::bind(listen)?, App { verifier, sync }, stop).await
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is missing"))
}
