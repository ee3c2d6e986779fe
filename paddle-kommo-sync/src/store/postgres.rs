//! One PostgreSQL server for several machines.

mod changes;
mod connect;
mod learned;
mod rows;
mod schema;
mod wake;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use deadpool_postgres::{Object, Pool};
use kommo_client::LeadId;
use time::OffsetDateTime;

pub use self::wake::DatabaseClock;
use self::{
    changes::{Taken, claim, free, heads, leased, one_row, open_lane},
    connect::{Address, SESSIONS, Use},
    learned::{by_person, learn},
    rows::{count, execute, micros, moment, query, query_opt, small, text},
    wake::Wake,
};
use super::{
    AccountKey, Attempt, Claim, Claimed, EffectState, EventRow, EventState, Finish, KnownRow,
    Learned, Lease, LinkRow, NewEffect, NewEvent, Place, Put, Store, StoreStats, longest_wait,
};
use crate::error::StoreError;

/// A slot that is further ahead than this was reserved before the server's clock was set back.
const FARTHEST_SLOT: Duration = Duration::from_secs(60);

/// The durable store for several machines: a PostgreSQL database, version 13 or newer.
///
/// Any number of processes may use one database, in one account or in several: they share the work, each lane with one
/// of them at a time, and when one dies its lanes come due for the others as soon as their leases end. A method returns
/// after the change is flushed: every session runs with `synchronous_commit = on`, and a server with `fsync = off` is
/// refused. With synchronous standbys, what was acknowledged survives the loss of the primary as well.
///
/// The tables stand in a schema `paddle_kommo`. It needs sessions of its own: a pooler between must not share them per
/// transaction.
///
/// Leases are compared between processes, so give all of them one clock:
///
/// ```no_run
/// # async fn start(kommo: kommo_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use paddle_kommo_sync::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://paddle@db.example.com/paddle?sslmode=verify-full").await?;
/// let clock = store.clock();
/// let sync = paddle_kommo_sync::Sync::builder(kommo, store).clock(clock).build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    /// For the turns: each is over soon after it was told, and must not wait until others are done with their sessions.
    pace: Pool,
    wake: Arc<Wake>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool knows the password.
        f.debug_struct("PostgresStore")
            .field("sessions", &self.pool.status().size)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to the database and brings its tables to the version of this program.
    ///
    /// The address is `postgres://user:password@host:port/database`, with the options of PostgreSQL's own clients behind
    /// a `?`. Of them `sslmode`: `disable` never encrypts, `prefer` encrypts if the server can, `require`, `verify-ca`
    /// and `verify-full` all encrypt and check the certificate with its name, against the machine's certificates or those
    /// of `sslrootcert`. Without `sslmode` it is `prefer` for a server on this machine and `verify-full` for any other.
    ///
    /// It spawns a task per connection; they end when the last clone is dropped.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when the address is wrong or asks for what this build cannot do, when the server would not
    /// promise durability, or when the tables were written by a newer version; [`StoreError::Database`] when the server
    /// cannot be reached or refuses. No text holds the password.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let pool = address.pool(SESSIONS, Use::Promises)?;
        let pace = address.pool(1, Use::Turns)?;
        schema::migrate(&mut pool.get().await?).await?;
        let store = Self { pool, pace, wake: Arc::new(Wake::start(address)) };
        store.wake.compare(&**store.session().await?).await?;
        Ok(store)
    }

    /// The database's clock: give it to every [`Sync`](crate::Sync) that uses this store.
    #[must_use]
    pub fn clock(&self) -> DatabaseClock {
        self.wake.clock()
    }

    async fn session(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for PostgresStore {
    async fn account(&self, name: &str) -> Result<AccountKey, StoreError> {
        const FIND: &str = "SELECT id FROM account WHERE name = $1";
        let session = self.session().await?;
        let mut found = query_opt(&session, FIND, &[&name]).await?;
        // Not before: an insert waits for whoever is just changing that row, and he may hang.
        if found.is_none() {
            execute(
                &session,
                "INSERT INTO account(name) VALUES($1) ON CONFLICT(name) DO NOTHING",
                &[&name],
            )
            .await?;
            found = query_opt(&session, FIND, &[&name]).await?;
        }
        Ok(AccountKey::new(found.ok_or(StoreError::Corrupt("account"))?.try_get(0)?))
    }

    async fn put(&self, account: AccountKey, event: &NewEvent) -> Result<Put, StoreError> {
        let mut session = self.session().await?;
        let put = if by_person(&event.links) {
            let transaction = session.transaction().await?;
            let bare = NewEvent { links: Vec::new(), ..event.clone() };
            let put = changes::insert_open(&transaction, account, &bare).await?;
            if put == Put::New {
                let learned = Learned { links: event.links.clone(), known: Vec::new() };
                learn(&transaction, account, &learned).await?;
            }
            transaction.commit().await?;
            put
        } else {
            changes::insert_open(&session, account, event).await?
        };
        if put == Put::New {
            self.wake.tell(account);
        }
        Ok(put)
    }

    async fn put_placed(
        &self,
        account: AccountKey,
        entities: &[&str],
        place: Place,
    ) -> Result<Put, StoreError> {
        let links = self.links(account, entities).await?;
        self.put(account, &place(&links)).await
    }

    async fn put_parked(
        &self,
        account: AccountKey,
        event: &NewEvent,
        outcome: &str,
    ) -> Result<Put, StoreError> {
        let session = self.session().await?;
        changes::insert_parked(&session, account, event, outcome).await
    }

    async fn claim_due(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let until = changes::until(now, lease);
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        // Lanes that somebody else is just taking are passed over, not waited for.
        let rows = query(
            &transaction,
            "WITH usual AS (
                 SELECT key, prio, due_at FROM lane WHERE account = $1 AND pending > 0 AND strikes < 2
                 AND (due_at <= $2 OR due_at > $5)
                 AND NOT EXISTS (SELECT 1 FROM account WHERE id = $1 AND paused_until > $2 AND paused_until <= $5)
                 ORDER BY prio, due_at LIMIT $4 FOR UPDATE OF lane SKIP LOCKED
             ), suspect AS (
                 SELECT key, prio, due_at FROM lane WHERE account = $1 AND pending > 0 AND strikes >= 2
                 AND (due_at <= $2 OR due_at > $5)
                 AND NOT EXISTS (SELECT 1 FROM account WHERE id = $1 AND paused_until > $2 AND paused_until <= $5)
                 AND NOT EXISTS (SELECT 1 FROM lane WHERE account = $1 AND strikes > 2
                                 AND owner IS NOT NULL AND due_at > $2 AND due_at <= $5)
                 ORDER BY prio, due_at LIMIT 1 FOR UPDATE OF lane SKIP LOCKED
             ), due AS (SELECT * FROM usual UNION ALL SELECT * FROM suspect)
             UPDATE lane u SET epoch = u.epoch + 1, strikes = u.strikes + 1, due_at = $3, owner = pg_backend_pid()::text
             FROM due WHERE u.account = $1 AND u.key = due.key
             RETURNING u.key, u.epoch, u.strikes, due.prio, due.due_at",
            &[&account.get(), &micros(now), &micros(until), &count(limit), &micros(longest_wait(now))],
        )
        .await?;
        let mut taken = Vec::new();
        for row in &rows {
            let waited: (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
            let strikes = small(row.try_get(2)?);
            taken.push((waited, Taken { lane: row.try_get(0)?, epoch: row.try_get(1)?, strikes }));
        }
        taken.sort_by(|(one, lane), (two, other)| (one, &lane.lane).cmp(&(two, &other.lane)));
        let taken: Vec<Taken> = taken.into_iter().map(|(_, taken)| taken).collect();
        let claimed = match taken.as_slice() {
            [] => Vec::new(),
            taken => heads(&transaction, account, taken, until).await?,
        };
        transaction.commit().await?;
        Ok(claimed)
    }

    async fn claim_event(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        let Some(event) = rows::event(&transaction, account, event_id).await? else {
            return Ok(Claim::Missing);
        };
        if event.state != EventState::Open {
            return Ok(Claim::Ended(event));
        }
        if let Some((until, _)) = rows::pause(&transaction, account, now).await? {
            return Ok(Claim::NotDue(until));
        }
        if let Some(claimed) = claim(&transaction, account, &event.lane, now, lease).await? {
            transaction.commit().await?;
            return Ok(Claim::Taken(claimed));
        }
        let row = query_opt(
            &transaction,
            "SELECT due_at FROM lane WHERE account = $1 AND key = $2",
            &[&account.get(), &event.lane],
        )
        .await?;
        Ok(Claim::NotDue(moment(row.ok_or(StoreError::Corrupt("lane"))?.try_get(0)?)?))
    }

    async fn plan(
        &self,
        lease: &Lease,
        decision: &str,
        effects: &[NewEffect],
        learned: &Learned,
    ) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        changes::plan(&transaction, lease, decision, effects).await?;
        learn(&transaction, lease.account, learned).await?;
        Ok(transaction.commit().await?)
    }

    async fn begin(
        &self,
        lease: &Lease,
        effects: &[&str],
        attempt: &Attempt,
        until: OffsetDateTime,
    ) -> Result<Lease, StoreError> {
        changes::begin(&self.session().await?, lease, effects, attempt, until).await?;
        Ok(Lease { until, ..lease.clone() })
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        leased(&transaction, lease).await?;
        changes::renew(&transaction, lease, until).await?;
        Ok(transaction.commit().await?)
    }

    async fn done(
        &self,
        lease: &Lease,
        effect: &str,
        remote_id: Option<u64>,
    ) -> Result<(), StoreError> {
        let remote_id = remote_id.and_then(|id| i64::try_from(id).ok());
        let session = self.session().await?;
        let changed = execute(
            &session,
            "UPDATE effect SET state = 2, remote_id = $4 WHERE name = $3
             AND seq = (SELECT seq FROM inbox WHERE account = $1 AND event_id = $2)",
            &[&lease.account.get(), &lease.event_id, &effect, &remote_id],
        )
        .await?;
        one_row(changed, "effect")
    }

    async fn mark(
        &self,
        lease: &Lease,
        effect: &str,
        state: EffectState,
        absent: u32,
    ) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        let seq = leased(&transaction, lease).await?;
        let changed = execute(
            &transaction,
            "UPDATE effect SET state = $3, absent = $4 WHERE seq = $1 AND name = $2 AND state <> 2",
            &[&seq, &effect, &(state as i64), &i64::from(absent)],
        )
        .await?;
        changes::open_effects(&transaction, seq, &[effect], changed).await?;
        Ok(transaction.commit().await?)
    }

    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        // As an event ends most often: one statement, which is a transaction by itself.
        if finish.learned == Learned::default() {
            return changes::end(&session, lease, finish).await;
        }
        let transaction = session.transaction().await?;
        changes::end(&transaction, lease, finish).await?;
        learn(&transaction, lease.account, &finish.learned).await?;
        Ok(transaction.commit().await?)
    }

    async fn retry_at(
        &self,
        lease: &Lease,
        due_at: OffsetDateTime,
        error: &str,
    ) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        let seq = leased(&transaction, lease).await?;
        execute(
            &transaction,
            "UPDATE inbox SET last_error = $2 WHERE seq = $1",
            &[&seq, &text(error)],
        )
        .await?;
        free(&transaction, lease, due_at, 0).await?;
        Ok(transaction.commit().await?)
    }

    async fn move_to(
        &self,
        lease: &Lease,
        lane: &str,
        learned: &Learned,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        changes::lock_lanes(&transaction, lease.account, &lease.lane, lane, now).await?;
        let seq = leased(&transaction, lease).await?;
        free(&transaction, lease, now, 1).await?;
        let rank = query_opt(
            &transaction,
            "UPDATE inbox SET key = $2 WHERE seq = $1 RETURNING rank",
            &[&seq, &lane],
        )
        .await?;
        let rank = rank.ok_or(StoreError::Corrupt("event"))?.try_get(0)?;
        open_lane(&transaction, lease.account, lane, rank, now).await?;
        learn(&transaction, lease.account, learned).await?;
        Ok(transaction.commit().await?)
    }

    async fn pause(
        &self,
        account: AccountKey,
        until: OffsetDateTime,
        reason: &str,
    ) -> Result<(), StoreError> {
        let session = self.session().await?;
        execute(
            &session,
            "UPDATE account SET paused_until = $2, pause_reason = $3 WHERE id = $1
             AND (paused_until < $2 OR paused_until > $4)",
            &[&account.get(), &micros(until), &text(reason), &micros(longest_wait(until))],
        )
        .await?;
        Ok(())
    }

    async fn paused(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<Option<(OffsetDateTime, String)>, StoreError> {
        rows::pause(&self.session().await?, account, now).await
    }

    async fn learn(&self, account: AccountKey, learned: &Learned) -> Result<(), StoreError> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        learn(&transaction, account, learned).await?;
        Ok(transaction.commit().await?)
    }

    async fn remote_id(
        &self,
        account: AccountKey,
        event_id: &str,
        effect: &str,
    ) -> Result<Option<u64>, StoreError> {
        let session = self.session().await?;
        let row = query_opt(
            &session,
            "SELECT e.remote_id FROM effect e JOIN inbox i ON i.seq = e.seq
             WHERE i.account = $1 AND i.event_id = $2 AND e.name = $3",
            &[&account.get(), &event_id, &effect],
        )
        .await?;
        let id: Option<i64> = row.map(|row| row.try_get(0)).transpose()?.flatten();
        Ok(id.and_then(|id| u64::try_from(id).ok()))
    }

    async fn history(
        &self,
        account: AccountKey,
        lane: &str,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        rows::history(&self.session().await?, account, lane, limit).await
    }

    async fn links(
        &self,
        account: AccountKey,
        entities: &[&str],
    ) -> Result<Vec<LinkRow>, StoreError> {
        let session = self.session().await?;
        let rows = query(
            &session,
            "SELECT entity, lead, rung FROM link WHERE account = $1 AND entity = ANY($2) ORDER BY entity, lead",
            &[&account.get(), &entities],
        )
        .await?;
        let link = |row: &tokio_postgres::Row| {
            let lead: i64 = row.try_get(1)?;
            let lead = u64::try_from(lead).map_err(|_| StoreError::Corrupt("link"))?;
            Ok(LinkRow { entity: row.try_get(0)?, lead: LeadId::new(lead), rung: row.try_get(2)? })
        };
        rows.iter().map(link).collect()
    }

    async fn known(&self, account: AccountKey, entity: &str) -> Result<KnownRow, StoreError> {
        let session = self.session().await?;
        let row = query_opt(
            &session,
            "SELECT state, version FROM known WHERE account = $1 AND entity = $2",
            &[&account.get(), &entity],
        )
        .await?;
        let (state, version) = match row {
            Some(row) => (row.try_get(0)?, row.try_get(1)?),
            None => (String::new(), 0),
        };
        Ok(KnownRow { entity: entity.to_owned(), state, version })
    }

    async fn event(
        &self,
        account: AccountKey,
        event_id: &str,
    ) -> Result<Option<EventRow>, StoreError> {
        rows::event(&self.session().await?, account, event_id).await
    }

    async fn parked(&self, account: AccountKey, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        rows::parked(&self.session().await?, account, limit).await
    }

    async fn resume(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut session = self.session().await?;
        let transaction = session.transaction().await?;
        if !changes::reopen(&transaction, account, event_id, now).await? {
            return Ok(false);
        }
        transaction.commit().await?;
        self.wake.tell(account);
        Ok(true)
    }

    async fn check(&self, account: AccountKey) -> Result<(), StoreError> {
        let session = self.session().await?;
        execute(
            &session,
            "UPDATE account SET checks = checks + 1 WHERE id = $1",
            &[&account.get()],
        )
        .await?;
        Ok(())
    }

    async fn stats(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<StoreStats, StoreError> {
        rows::stats(&self.session().await?, account, now).await
    }

    async fn prune(
        &self,
        account: AccountKey,
        before: OffsetDateTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let session = self.session().await?;
        changes::prune(&session, account, before, limit).await
    }

    async fn next_slot(
        &self,
        account: AccountKey,
        spacing: Duration,
    ) -> Result<Duration, StoreError> {
        let session = self.pace.get().await?;
        changes::next_slot(&session, account, spacing, FARTHEST_SLOT).await
    }

    async fn woken(&self, account: AccountKey) {
        self.wake.woken(account).await;
    }
}
