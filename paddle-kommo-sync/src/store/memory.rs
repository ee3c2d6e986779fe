mod account;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::time::Instant;

use self::account::{Account, Event, at, is_over};
use super::{
    AccountKey, Attempt, Claim, Claimed, EffectRow, EffectState, EventRow, EventState, Finish,
    KnownRow, Learned, Lease, LinkRow, NewEffect, NewEvent, Place, Put, Store, StoreStats,
};
use crate::error::StoreError;

/// A store that forgets everything with the process. For tests and demos; a payment must not depend on it.
///
/// Clones share what is stored.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<BTreeMap<AccountKey, Account>>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountKey, Account>> {
        // Every change below is complete or not begun when something could panic, so a poisoned lock is usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, account: AccountKey, work: impl FnOnce(&mut Account) -> T) -> T {
        work(self.lock().entry(account).or_default())
    }

    /// Runs `work` on the leased lane's event, if the lease still holds.
    fn leased<T>(
        &self,
        lease: &Lease,
        work: impl FnOnce(&mut Account, usize) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(lease.account, |account| {
            let held = account.lanes.get(&lease.lane).is_some_and(|lane| lane.epoch == lease.epoch);
            let open = |event: &Event| {
                event.row.event_id == lease.event_id
                    && event.row.lane == lease.lane
                    && event.row.state == EventState::Open
            };
            match account.events.iter().position(open) {
                Some(index) if held => work(account, index),
                _ => Err(StoreError::LeaseLost),
            }
        })
    }

    fn insert(&self, account: AccountKey, event: &NewEvent, parked: Option<&str>) -> Put {
        self.with(account, |account| {
            if let Some(known) =
                account.events.iter().find(|known| known.row.event_id == event.event_id)
            {
                return Put::Known(known.row.state);
            }
            let state = if parked.is_some() { EventState::Parked } else { EventState::Open };
            account.events.push(Event {
                row: EventRow {
                    event_id: event.event_id.clone(),
                    kind: event.kind.clone(),
                    lane: event.lane.clone(),
                    sandbox: event.sandbox,
                    occurred_at: event.occurred_at,
                    received_at: event.received_at,
                    rank: event.rank,
                    payload: event.payload.clone(),
                    state,
                    attempt: 0,
                    decision: None,
                    outcome: parked.map(str::to_owned),
                    last_error: None,
                },
                reason: parked.map_or_else(String::new, |_| event.kind.clone()),
                finished_at: parked.map(|_| event.received_at),
                effects: Vec::new(),
            });
            if parked.is_none() {
                account.learn(&Learned { links: event.links.clone(), known: Vec::new() });
                account.open_lane(&event.lane, event.rank, event.received_at);
            }
            Put::New
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for MemoryStore {
    async fn account(&self, name: &str) -> Result<AccountKey, StoreError> {
        let mut accounts = self.lock();
        if let Some((key, _)) = accounts.iter().find(|(_, account)| account.name == name) {
            return Ok(*key);
        }
        let key =
            AccountKey::new(i64::try_from(accounts.len()).unwrap_or(i64::MAX).saturating_add(1));
        accounts.insert(key, Account { name: name.to_owned(), ..Account::default() });
        Ok(key)
    }

    async fn put(&self, account: AccountKey, event: &NewEvent) -> Result<Put, StoreError> {
        Ok(self.insert(account, event, None))
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
        Ok(self.insert(account, event, Some(outcome)))
    }

    async fn claim_due(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let until = now.saturating_add(lease.try_into().unwrap_or(time::Duration::MAX));
        Ok(self.with(account, |rows| rows.claim_due(account, now, until, limit)))
    }

    async fn claim_event(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Claim, StoreError> {
        let until = now.saturating_add(lease.try_into().unwrap_or(time::Duration::MAX));
        Ok(self.with(account, |rows| {
            let Some(event) = rows.events.iter().find(|event| event.row.event_id == event_id)
            else {
                return Claim::Missing;
            };
            if !event.is_open() {
                return Claim::Ended(event.row.clone());
            }
            if let Some((until, _)) = rows.pause(now) {
                return Claim::NotDue(until);
            }
            let lane = event.row.lane.clone();
            match rows.claim(account, &lane, now, until) {
                Some(claimed) => Claim::Taken(claimed),
                None => Claim::NotDue(rows.lanes.get(&lane).map_or(now, |lane| lane.due_at)),
            }
        }))
    }

    async fn plan(
        &self,
        lease: &Lease,
        decision: &str,
        effects: &[NewEffect],
        learned: &Learned,
    ) -> Result<(), StoreError> {
        self.leased(lease, |account, index| {
            account.check(learned)?;
            account.learn(learned);
            let event = at(account, index)?;
            event.row.decision = Some(decision.to_owned());
            event.effects = effects
                .iter()
                .map(|effect| EffectRow {
                    name: effect.name.clone(),
                    marker: effect.marker.clone(),
                    body: effect.body.clone(),
                    state: EffectState::Planned,
                    sent_at: None,
                    absent: 0,
                    remote_id: None,
                })
                .collect();
            Ok(())
        })
    }

    async fn begin(
        &self,
        lease: &Lease,
        effects: &[&str],
        attempt: &Attempt,
        until: OffsetDateTime,
    ) -> Result<Lease, StoreError> {
        self.leased(lease, |account, index| {
            for name in effects {
                at(account, index)?.open_effect(name)?;
            }
            for name in effects {
                let effect = at(account, index)?.effect(name)?;
                effect.state = EffectState::InFlight;
                effect.sent_at = Some(attempt.sent_at);
                effect.absent = 0;
            }
            if let Some(lane) = account.lanes.get_mut(&lease.lane) {
                lane.due_at = until;
            }
            Ok(Lease { until, ..lease.clone() })
        })
    }

    async fn renew(&self, lease: &Lease, until: OffsetDateTime) -> Result<(), StoreError> {
        self.leased(lease, |account, _| {
            if let Some(lane) = account.lanes.get_mut(&lease.lane) {
                lane.due_at = until;
            }
            Ok(())
        })
    }

    async fn done(
        &self,
        lease: &Lease,
        effect: &str,
        remote_id: Option<u64>,
    ) -> Result<(), StoreError> {
        self.with(lease.account, |account| {
            let event =
                account.events.iter_mut().find(|event| event.row.event_id == lease.event_id);
            let effect = event.ok_or(StoreError::Corrupt("event"))?.effect(effect)?;
            effect.state = EffectState::Done;
            effect.remote_id = remote_id;
            Ok(())
        })
    }

    async fn mark(
        &self,
        lease: &Lease,
        effect: &str,
        state: EffectState,
        absent: u32,
    ) -> Result<(), StoreError> {
        self.leased(lease, |account, index| {
            let effect = at(account, index)?.open_effect(effect)?;
            effect.state = state;
            effect.absent = absent;
            Ok(())
        })
    }

    async fn finish(&self, lease: &Lease, finish: &Finish) -> Result<(), StoreError> {
        self.leased(lease, |account, index| {
            account.check(&finish.learned)?;
            account.learn(&finish.learned);
            let event = at(account, index)?;
            event.row.state = finish.state;
            event.row.outcome = Some(finish.outcome.clone());
            event.reason.clone_from(&finish.reason);
            event.finished_at = Some(finish.at);
            account.free(&lease.lane, finish.at);
            Ok(())
        })
    }

    async fn retry_at(
        &self,
        lease: &Lease,
        due_at: OffsetDateTime,
        error: &str,
    ) -> Result<(), StoreError> {
        self.leased(lease, |account, index| {
            at(account, index)?.row.last_error = Some(error.to_owned());
            account.free(&lease.lane, due_at);
            Ok(())
        })
    }

    async fn move_to(
        &self,
        lease: &Lease,
        lane: &str,
        learned: &Learned,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.leased(lease, |account, index| {
            account.check(learned)?;
            account.learn(learned);
            account.free(&lease.lane, now);
            let row = &mut at(account, index)?.row;
            lane.clone_into(&mut row.lane);
            let rank = row.rank;
            account.open_lane(lane, rank, now);
            Ok(())
        })
    }

    async fn pause(
        &self,
        account: AccountKey,
        until: OffsetDateTime,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.with(account, |account| {
            if account.pause.as_ref().is_none_or(|(end, _)| is_over(*end, until)) {
                account.pause = Some((until, reason.to_owned()));
            }
        });
        Ok(())
    }

    async fn paused(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<Option<(OffsetDateTime, String)>, StoreError> {
        Ok(self.with(account, |account| account.pause(now)))
    }

    async fn learn(&self, account: AccountKey, learned: &Learned) -> Result<(), StoreError> {
        self.with(account, |account| {
            account.check(learned)?;
            account.learn(learned);
            Ok(())
        })
    }

    async fn remote_id(
        &self,
        account: AccountKey,
        event_id: &str,
        effect: &str,
    ) -> Result<Option<u64>, StoreError> {
        Ok(self.with(account, |account| {
            let event = account.events.iter().find(|event| event.row.event_id == event_id)?;
            event.effects.iter().find(|row| row.name == effect)?.remote_id
        }))
    }

    async fn history(
        &self,
        account: AccountKey,
        lane: &str,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        Ok(self.with(account, |account| {
            let rows = account.events.iter().map(|event| &event.row);
            let mut rows: Vec<EventRow> = rows.filter(|row| row.lane == lane).cloned().collect();
            // Stable: events of one moment stay in the order of arrival.
            rows.sort_by_key(|row| row.occurred_at);
            rows.truncate(limit);
            rows
        }))
    }

    async fn links(
        &self,
        account: AccountKey,
        entities: &[&str],
    ) -> Result<Vec<LinkRow>, StoreError> {
        let wanted = |link: &&LinkRow| entities.contains(&link.entity.as_str());
        Ok(self.with(account, |account| account.links.values().filter(wanted).cloned().collect()))
    }

    async fn known(&self, account: AccountKey, entity: &str) -> Result<KnownRow, StoreError> {
        let nothing = || KnownRow { entity: entity.to_owned(), state: String::new(), version: 0 };
        Ok(self.with(account, |account| account.known.get(entity).cloned()).unwrap_or_else(nothing))
    }

    async fn event(
        &self,
        account: AccountKey,
        event_id: &str,
    ) -> Result<Option<EventRow>, StoreError> {
        Ok(self.with(account, |account| {
            account
                .events
                .iter()
                .find(|event| event.row.event_id == event_id)
                .map(|event| event.row.clone())
        }))
    }

    async fn parked(&self, account: AccountKey, limit: usize) -> Result<Vec<EventRow>, StoreError> {
        let parked = |event: &&Event| event.row.state == EventState::Parked;
        let row = |event: &Event| event.row.clone();
        Ok(self.with(account, |account| {
            account.events.iter().rev().filter(parked).map(row).take(limit).collect()
        }))
    }

    async fn resume(
        &self,
        account: AccountKey,
        event_id: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(self.with(account, |account| {
            let parked = |event: &&mut Event| {
                event.row.event_id == event_id && event.row.state == EventState::Parked
            };
            let Some(event) = account.events.iter_mut().find(parked) else { return false };
            event.row.state = EventState::Open;
            event.row.outcome = None;
            for effect in
                event.effects.iter_mut().filter(|effect| effect.state == EffectState::Parked)
            {
                effect.state = EffectState::Planned;
            }
            let (lane, rank) = (event.row.lane.clone(), event.row.rank);
            account.open_lane(&lane, rank, now);
            true
        }))
    }

    async fn check(&self, _: AccountKey) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stats(
        &self,
        account: AccountKey,
        now: OffsetDateTime,
    ) -> Result<StoreStats, StoreError> {
        Ok(self.with(account, |account| account.stats(now)))
    }

    async fn prune(
        &self,
        account: AccountKey,
        before: OffsetDateTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        Ok(self.with(account, |account| {
            let ended = |event: &&mut Event| {
                matches!(event.row.state, EventState::Done | EventState::Discarded)
                    && event.finished_at.is_some_and(|at| at < before)
                    && !event.row.payload.is_empty()
            };
            let mut old: Vec<&mut Event> = account.events.iter_mut().filter(ended).collect();
            old.sort_by_key(|event| event.finished_at);
            old.truncate(limit);
            for event in &mut old {
                event.row.payload = Vec::new();
                event.row.decision = None;
                event.effects.iter_mut().for_each(|effect| effect.body = String::new());
            }
            old.len()
        }))
    }

    /// Clones may belong to several engines, as in a simulation of several machines.
    async fn next_slot(
        &self,
        account: AccountKey,
        spacing: Duration,
    ) -> Result<Duration, StoreError> {
        let now = Instant::now();
        Ok(self.with(account, |account| {
            let slot = account.next_slot.map_or(now, |next| next.max(now));
            account.next_slot = slot.checked_add(spacing);
            slot.duration_since(now)
        }))
    }

    /// Nobody else can use it.
    async fn woken(&self, _: AccountKey) {
        std::future::pending().await
    }
}
