//! The application, built from its parts.

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};
use kommo_client::Client;
use paddle_kommo_sync::{BuildError, SyncBuilder};
use paddle_webhook::Verifier;

use crate::{admin, health, metrics, panics, settings::AdminToken, webhook};

/// What the routes work with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) sync: paddle_kommo_sync::Sync,
    pub(crate) kommo: Client,
    pub(crate) counts: Arc<metrics::Counts>,
    pub(crate) refusals: Arc<webhook::Refusals>,
    admin_token: Option<AdminToken>,
}

impl App {
    /// Puts the parts together: what verifies deliveries, the client of Kommo, and the engine that is to use it.
    ///
    /// # Errors
    ///
    /// When the store cannot be used.
    pub async fn new(
        verifier: Verifier,
        kommo: Client,
        engine: SyncBuilder,
    ) -> Result<Self, BuildError> {
        let sync = engine.build().await?;
        Ok(Self {
            verifier: Arc::new(verifier),
            sync,
            kommo,
            counts: Arc::default(),
            refusals: Arc::default(),
            admin_token: None,
        })
    }

    /// Opens the operator's routes to whoever has this token.
    #[must_use]
    pub fn admin_token(self, token: Option<AdminToken>) -> Self {
        Self { admin_token: token, ..self }
    }

    /// The routes.
    pub fn router(&self) -> Router {
        let admin = self.admin_token.clone().map(admin::routes).unwrap_or_default();
        Router::new()
            .route("/paddle/webhook", post(webhook::receive))
            .route("/health/live", get(health::live))
            .route("/health/ready", get(health::ready))
            .route("/metrics", get(metrics::metrics))
            .merge(admin)
            .layer(middleware::from_fn(panics::answered))
            .with_state(self.clone())
    }

    /// The engine behind the routes.
    #[must_use]
    pub fn sync(&self) -> &paddle_kommo_sync::Sync {
        &self.sync
    }
}
