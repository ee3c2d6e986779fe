//! OAuth 2.0: access tokens that are renewed in time.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    auth::AccessToken,
    error::{Error, ErrorKind, Fate},
    limit::{Manners, Priority},
    pace::after,
    transport::Transport,
};

mod app;
mod exchange;
mod life;
mod pair;
mod renamed;
mod store;
mod zeroizing;

use exchange::Grant;
use life::{Fresh, fresh_at};

pub use app::{OAuthApp, account_url};
pub use pair::TokenPair;
pub use store::{FileTokenStore, MemoryTokenStore, TokenStore, TokenStoreError};

/// After a renewal that failed while the access token still works.
const RENEW_AGAIN: Duration = Duration::from_secs(60);

/// The access tokens of one account, renewed by one at a time.
#[derive(Debug)]
pub(crate) struct OAuth {
    core: Arc<Core>,
    /// A renewal under way stays here when its caller goes away: the next one carries it on, since the pair in its
    /// answer must not be lost.
    renewal: tokio::sync::Mutex<Option<Renewal>>,
}

struct Renewal(Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>);

/// Every other call waits for the renewal.
const HASTE: Manners =
    Manners { priority: Priority::High, longest_wait: None, turn: None, pacer: None };

impl fmt::Debug for Renewal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Renewal")
    }
}

#[derive(Debug)]
struct Core {
    app: OAuthApp,
    store: Arc<dyn TokenStore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pair: Option<TokenPair>,
    /// When three quarters of the life of the access token are over, by our own steady clock. Unknown after a restart
    /// until the first answer; where that does not tell, a 401 does.
    stale_at: Option<Instant>,
    /// What Kommo gave and the store did not take yet: it may not be used, and it may not be lost.
    unsaved: Option<Unsaved>,
    /// The pair whose refresh token Kommo refused.
    dead: Option<TokenPair>,
}

#[derive(Clone, Debug)]
struct Unsaved {
    previous: Option<TokenPair>,
    pair: TokenPair,
    fresh: Fresh,
}

impl OAuth {
    pub(crate) fn new(app: OAuthApp, store: Arc<dyn TokenStore>) -> Self {
        let core = Core { app, store, state: Mutex::default() };
        Self { core: Arc::new(core), renewal: tokio::sync::Mutex::new(None) }
    }

    pub(crate) fn expires_at(&self) -> Option<OffsetDateTime> {
        self.core.state().pair.as_ref()?.access.expires_at()
    }

    /// Kommo took `used` when its own clock showed `date`: how much of the life of a pair from the store is left. Claims
    /// and date are of the same clock, so ours may be wrong.
    pub(crate) fn heard(&self, used: &AccessToken, date: OffsetDateTime) {
        let mut state = self.core.state();
        let current = state.pair.as_ref().is_some_and(|pair| pair.access.is_same(used));
        if current && state.stale_at.is_none() {
            state.stale_at = fresh_at(used, date).map(|fresh_for| after(Instant::now(), fresh_for));
        }
    }

    /// A token to send with.
    pub(crate) async fn token(&self, transport: &Arc<Transport>) -> Result<AccessToken, Error> {
        let (current, stale) = {
            let state = self.core.state();
            let stale = state.stale_at.is_some_and(|stale_at| stale_at <= Instant::now());
            (state.pair.as_ref().map(|pair| pair.access.clone()), stale)
        };
        let Some(current) = current else { return self.core.load_first().await };
        if !stale {
            return Ok(current);
        }
        match self.renew(transport, &current).await {
            Ok(renewed) => Ok(renewed),
            // The current one still works for a while, and one call in a minute is enough to try again.
            Err(_) => {
                self.core.state().stale_at = Some(after(Instant::now(), RENEW_AGAIN));
                Ok(current)
            }
        }
    }

    /// The token as it is.
    pub(crate) async fn token_now(&self) -> Result<AccessToken, Error> {
        let current = self.core.state().pair.as_ref().map(|pair| pair.access.clone());
        match current {
            Some(current) => Ok(current),
            None => self.core.load_first().await,
        }
    }

    /// The token after `refused`, to which Kommo said 401.
    pub(crate) async fn renew_refused(
        &self,
        transport: &Arc<Transport>,
        refused: &AccessToken,
    ) -> Result<AccessToken, Error> {
        let outcome = self.renew(transport, refused).await;
        if outcome.is_err() {
            let mut state = self.core.state();
            if state.dead.is_some() {
                // Neither token works: until the store has another pair there is nothing to send with.
                state.pair = None;
            }
        }
        outcome
    }

    /// The token after `used`. However many ask, Kommo is asked once.
    async fn renew(
        &self,
        transport: &Arc<Transport>,
        used: &AccessToken,
    ) -> Result<AccessToken, Error> {
        let mut renewal = self.renewal.lock().await;
        if renewal.is_none() {
            let current = self.core.state().pair.as_ref().map(|pair| pair.access.clone());
            if let Some(current) = current
                && !current.is_same(used)
            {
                return Ok(current);
            }
        }
        let Renewal(future) = renewal.get_or_insert_with(|| {
            let (core, transport) = (Arc::clone(&self.core), Arc::clone(transport));
            Renewal(Box::pin(async move { core.renew(&transport).await }))
        });
        let outcome = future.await;
        *renewal = None;
        outcome?;
        self.core.state().pair.as_ref().map(|pair| pair.access.clone()).ok_or_else(not_granted)
    }

    /// Exchanges the code of a grant.
    pub(crate) async fn authorize(&self, transport: &Transport, code: &str) -> Result<(), Error> {
        let _alone = self.renewal.lock().await;
        // The code is good for one exchange: it is not spent while the store cannot be read.
        let before = self.core.load().await?;
        let (pair, fresh) = exchange::ask(&self.core.app, transport, Grant::Code(code)).await?;
        let previous = self.core.load().await.unwrap_or(before);
        self.core.save(Unsaved { previous, pair, fresh }).await
    }
}

impl Core {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn adopt(&self, pair: TokenPair, fresh: Option<Fresh>) {
        let mut state = self.state();
        state.pair = Some(pair);
        state.stale_at = fresh.map(|fresh| fresh.stale_at);
        state.dead = None;
    }

    async fn load(&self) -> Result<Option<TokenPair>, Error> {
        self.store.load().await.map_err(store_error)
    }

    async fn load_first(&self) -> Result<AccessToken, Error> {
        let unsaved = self.state().unsaved.clone();
        if let Some(unsaved) = unsaved {
            self.save(unsaved).await?;
            let kept = self.state().pair.as_ref().map(|pair| pair.access.clone());
            return kept.ok_or_else(not_granted);
        }
        let Some(pair) = self.load().await? else { return Err(not_granted()) };
        if self.state().dead.as_ref().is_some_and(|dead| dead.is_same(&pair)) {
            return Err(not_granted());
        }
        let access = pair.access.clone();
        self.adopt(pair, None);
        Ok(access)
    }

    async fn renew(&self, transport: &Transport) -> Result<(), Error> {
        let stored = self.load().await?;
        let (held, unsaved, dead) = {
            let state = self.state();
            (state.pair.clone(), state.unsaved.clone(), state.dead.clone())
        };
        if let Some(unsaved) = unsaved {
            return self.save(unsaved).await;
        }
        let Some(stored) = stored else { return Err(not_granted()) };
        if held.is_none_or(|held| !held.is_same(&stored)) {
            // Another process renewed it, or there is a new grant.
            self.adopt(stored, None);
            return Ok(());
        }
        if dead.is_some_and(|dead| dead.is_same(&stored)) {
            return Err(not_granted());
        }
        let refused = match self.refresh(transport, &stored).await {
            Ok((pair, fresh)) => {
                return self.save(Unsaved { previous: Some(stored), pair, fresh }).await;
            }
            Err(error) if error.kind() == &ErrorKind::Unauthorized => error,
            Err(error) => return Err(error),
        };
        // Two that renew at once: the one that came second finds the pair of the first.
        match self.load().await? {
            Some(newer) if !newer.is_same(&stored) => {
                self.adopt(newer, None);
                Ok(())
            }
            _ => {
                tracing::error!("kommo does not renew the token: a new grant is needed");
                self.state().dead = Some(stored);
                Err(refused)
            }
        }
    }

    /// Renews the pair, at the new address when the account was renamed. The host that refused it has not used it up.
    async fn refresh(
        &self,
        transport: &Transport,
        stored: &TokenPair,
    ) -> Result<(TokenPair, Fresh), Error> {
        let refused = match exchange::ask(&self.app, transport, Grant::Refresh(stored)).await {
            Err(error) if matches!(error.status(), Some(401 | 404)) && self.app.follows => error,
            outcome => return outcome,
        };
        let Some(base) = renamed::find(transport, stored).await else { return Err(refused) };
        tracing::warn!(base_url = base.as_str(), "the kommo account has a new address");
        transport.move_to(base);
        exchange::ask(&self.app, transport, Grant::Refresh(stored)).await
    }

    /// The pair is kept before it is used: after a crash in between nobody would have it.
    async fn save(&self, unsaved: Unsaved) -> Result<(), Error> {
        self.state().unsaved = Some(unsaved.clone());
        let Unsaved { previous, pair, fresh } = unsaved;
        let replaced = self.store.replace(previous.as_ref(), &pair).await.map_err(store_error)?;
        self.state().unsaved = None;
        if replaced {
            self.adopt(pair, Some(fresh));
        } else if let Some(newer) = self.load().await? {
            self.adopt(newer, None);
        }
        Ok(())
    }
}

/// There is no pair, or Kommo refused the last one. Nothing was sent.
fn not_granted() -> Error {
    Error::new(ErrorKind::Unauthorized, Fate::NotSent).with_source("a new grant is needed")
}

fn store_error(error: TokenStoreError) -> Error {
    Error::new(ErrorKind::TokenStore, Fate::NotSent).with_source(error)
}
