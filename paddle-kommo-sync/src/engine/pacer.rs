use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kommo_client::ErrorKind;

use super::health::Health;
use crate::{
    clock::Clock,
    store::{AccountKey, Store},
};

/// The pace of all processes that share a store, as far as the store keeps one. What is known to be refused does not leave.
#[derive(Debug)]
pub(super) struct StorePacer {
    pub(super) store: Arc<dyn Store>,
    pub(super) account: AccountKey,
    pub(super) health: Arc<Health>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl kommo_client::Pacer for StorePacer {
    async fn next_turn(&self, spacing: Duration) -> Option<Duration> {
        match self.store.next_slot(self.account, spacing).await {
            Ok(wait) => Some(wait),
            Err(error) => {
                tracing::warn!(%error, "the store does not tell the pace: Kommo is not called");
                None
            }
        }
    }

    async fn closed(&self) -> ErrorKind {
        self.health.closed(&*self.clock).await
    }
}
