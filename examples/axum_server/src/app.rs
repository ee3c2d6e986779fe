//! The application, built from its parts.

use std::{sync::Arc, time::Duration};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use kommo_client::Client;
use paddle_kommo_sync::{BuildError, SyncBuilder, paddle};
use paddle_webhook::Verifier;

use crate::{
    admin, health, kommo_webhook, metrics, panics,
    pay::PayPage,
    settings::{AdminToken, HookSecret, Sweeping},
    sweep, webhook,
};

/// What the routes work with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) sync: paddle_kommo_sync::Sync,
    pub(crate) kommo: Client,
    pub(crate) counts: Arc<metrics::Counts>,
    pub(crate) paddle: Option<paddle::Client>,
    pub(crate) sweeping: Sweeping,
    pub(crate) watch: Arc<sweep::Watch>,
    pub(crate) refusals: Arc<webhook::Refusals>,
    admin_token: Option<AdminToken>,
    pay_page: Option<PayPage>,
    hook_secret: Option<HookSecret>,
    pub(crate) poll: Option<Duration>,
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
            paddle: None,
            sweeping: Sweeping::default(),
            watch: Arc::default(),
            refusals: Arc::default(),
            admin_token: None,
            pay_page: None,
            hook_secret: None,
            poll: None,
        })
    }

    /// Opens the operator's routes to whoever has this token.
    #[must_use]
    pub fn admin_token(self, token: Option<AdminToken>) -> Self {
        Self { admin_token: token, ..self }
    }

    /// Serves the page that opens checkouts.
    #[must_use]
    pub fn pay_page(self, page: Option<PayPage>) -> Self {
        Self { pay_page: page, ..self }
    }

    /// Takes Kommo's webhooks at the address that ends with this secret.
    #[must_use]
    pub fn kommo_webhooks(self, secret: Option<HookSecret>) -> Self {
        Self { hook_secret: secret, ..self }
    }

    /// Looks through the payment stage so often, while it is [served](crate::serve::run).
    #[must_use]
    pub fn look_at_stage(self, every: Option<Duration>) -> Self {
        Self { poll: every, ..self }
    }

    /// Looks through Paddle's own list of events again and again, and lets operators reconcile.
    #[must_use]
    pub fn paddle(self, paddle: Option<paddle::Client>, sweeping: Sweeping) -> Self {
        Self { paddle, sweeping, ..self }
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
            .merge(self.hook_secret.clone().map(kommo_webhook::routes).unwrap_or_default())
            .merge(self.pay_page.clone().map(PayPage::routes).unwrap_or_default())
            .layer(middleware::from_fn(panics::answered))
            .with_state(self.clone())
    }

    /// The engine behind the routes.
    #[must_use]
    pub fn sync(&self) -> &paddle_kommo_sync::Sync {
        &self.sync
    }
}
