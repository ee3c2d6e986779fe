//! What changes rarely in a Kommo account, read once and kept for a while.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
    time::Duration,
};

use kommo_client::{
    AccountWith, Client, EntityType, Error, ErrorKind, FieldDefinition, Pipeline, Priority, UserId,
};
use paddle_webhook::Currency;
use time::OffsetDateTime;
use tokio::sync::Mutex;

use crate::{known::Account, zone::Zone};

/// How long an answer is believed. A write that Kommo refuses makes us ask sooner.
const BELIEVED: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub(crate) struct Cache {
    fields: Slot<Vec<FieldDefinition>>,
    users: Slot<Users>,
    account: Slot<Account>,
    pipelines: Slot<Vec<Pipeline>>,
    told: std::sync::Mutex<BTreeSet<String>>,
}

/// Who can be given a task.
#[derive(Debug)]
pub(crate) enum Users {
    /// These users are active.
    Active(Vec<UserId>),
    /// The token may not list users: only Kommo can tell who is active.
    Untold,
}

impl Users {
    pub(crate) fn may_get_tasks(&self, user: UserId) -> bool {
        match self {
            Self::Active(users) => users.contains(&user),
            Self::Untold => true,
        }
    }
}

#[derive(Debug)]
struct Slot<T>(Mutex<Option<(OffsetDateTime, Arc<T>)>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Send + Sync> Slot<T> {
    /// The kept answer, or a new one. Of several that ask at once, one asks Kommo and the others wait for it.
    async fn get(
        &self,
        now: OffsetDateTime,
        ask: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<Arc<T>, Error> {
        let mut slot = self.0.lock().await;
        if let Some((read_at, value)) = slot.as_ref() {
            // A clock that was set back must not make an answer immortal.
            let age = now.unix_timestamp().abs_diff(read_at.unix_timestamp());
            if age < BELIEVED.as_secs() {
                return Ok(Arc::clone(value));
            }
        }
        let value = Arc::new(ask.await?);
        *slot = Some((now, Arc::clone(&value)));
        Ok(value)
    }

    async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

impl Cache {
    /// The custom fields of deals.
    pub(crate) async fn fields(
        &self,
        kommo: &Client,
        now: OffsetDateTime,
    ) -> Result<Arc<Vec<FieldDefinition>>, Error> {
        let kommo = urgent(kommo);
        self.fields.get(now, async { kommo.custom_fields(EntityType::Leads).list().await }).await
    }

    /// The pipelines of deals, with their stages.
    pub(crate) async fn pipelines(
        &self,
        kommo: &Client,
        now: OffsetDateTime,
    ) -> Result<Arc<Vec<Pipeline>>, Error> {
        let kommo = urgent(kommo);
        self.pipelines.get(now, async { kommo.pipelines().list().await }).await
    }

    /// The users who can be given a task.
    pub(crate) async fn users(
        &self,
        kommo: &Client,
        now: OffsetDateTime,
    ) -> Result<Arc<Users>, Error> {
        let kommo = urgent(kommo);
        let ask = async {
            match kommo.users().list().await {
                Ok(users) => Ok(Users::Active(
                    users.iter().filter(|user| user.is_active).map(|user| user.id).collect(),
                )),
                // Listing users needs an administrator's token; everything else here does not.
                Err(error) if matches!(error.kind(), ErrorKind::Forbidden) => Ok(Users::Untold),
                Err(error) => Err(error),
            }
        };
        self.users.get(now, ask).await
    }

    /// The account: its id, currency and time zone.
    pub(crate) async fn account(
        &self,
        kommo: &Client,
        now: OffsetDateTime,
    ) -> Result<Account, Error> {
        let kommo = urgent(kommo);
        let ask = async {
            let account = kommo.account().get_with(&[AccountWith::DatetimeSettings]).await?;
            Ok(Account {
                id: Some(account.id),
                currency: account.currency.and_then(|code| Currency::new(&code).ok()),
                zone: Zone::new(account.timezone.as_deref(), account.timezone_offset.as_deref()),
            })
        };
        self.account.get(now, ask).await.map(|account| Account::clone(&account))
    }

    /// Whether this is said for the first time.
    pub(crate) fn is_news(&self, said: &str) -> bool {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(said.to_owned())
    }

    /// A write was refused over something that is kept here: ask again before the next one.
    pub(crate) async fn forget(&self) {
        self.fields.forget().await;
        self.users.forget().await;
    }
}

/// Whoever else needs the answer waits behind the one who asks, however urgent it is.
fn urgent(kommo: &Client) -> Client {
    kommo.with_priority(Priority::High)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use futures_util::future::{join, join_all};
    use kommo_client::{AccessToken, fake::FakeKommo};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_others_may_wait_for_is_asked_before_what_they_do_not() {
        let kommo = FakeKommo::in_memory();
        kommo.add_paddle_fields();
        let token = AccessToken::new(kommo.token()).unwrap();
        let client = Client::builder(&kommo.uri(), token).answered_by(&kommo);
        let client = client.requests_per_second(NonZeroU32::MIN).build().unwrap();
        let look_up = async || drop(client.turn().await.unwrap());
        let look_ups = join_all((0..60).map(|_| look_up()));
        let (cache, now) = (Cache::default(), OffsetDateTime::UNIX_EPOCH);
        let begin = tokio::time::Instant::now();
        let backfill = async {
            tokio::task::yield_now().await;
            cache.fields(&client.with_priority(Priority::Low), now).await.unwrap();
            begin.elapsed()
        };
        let (_, took) = join(look_ups, backfill).await;
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}
