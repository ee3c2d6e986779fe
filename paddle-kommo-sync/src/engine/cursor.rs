//! How far a reading of Paddle's lists has come, kept where what is known of entities is kept.

use serde::{Serialize, de::DeserializeOwned};

use super::{Sync, text};
use crate::{
    error::StoreError,
    store::{KnownRow, Learned},
};

impl Sync {
    /// What was kept under this name; nothing where nothing was, or where it is of another version.
    pub(super) async fn cursor<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let row = self.0.store.known(self.0.account, name).await?;
        Ok(serde_json::from_str(&row.state).ok())
    }

    /// Keeps it. When another process keeps one at the same moment, one of the two stays: either is right, as what lies
    /// behind a cursor may be read twice.
    pub(super) async fn keep_cursor(
        &self,
        name: &str,
        cursor: &(impl Serialize + std::marker::Sync),
    ) -> Result<(), StoreError> {
        let row = self.0.store.known(self.0.account, name).await?;
        let known = vec![KnownRow { state: text(cursor)?, ..row }];
        let learned = Learned { known, ..Learned::default() };
        match self.0.store.learn(self.0.account, &learned).await {
            Err(StoreError::Conflict) => Ok(()),
            kept => kept,
        }
    }
}
