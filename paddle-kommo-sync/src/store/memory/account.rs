//! The rows of one account, as the databases keep them in tables.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::super::{
    AccountKey, Claimed, EffectRow, EffectState, EventRow, EventState, KnownRow, Learned, Lease,
    LinkRow, Rank, SUSPECT, StoreStats, longest_wait,
};
use crate::error::StoreError;

/// The rung that overrules all others.
const PERSON: &str = "person";

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) pause: Option<(OffsetDateTime, String)>,
    pub(super) lanes: BTreeMap<String, Lane>,
    /// In the order of arrival.
    pub(super) events: Vec<Event>,
    pub(super) links: BTreeMap<(String, u64), LinkRow>,
    pub(super) known: BTreeMap<String, KnownRow>,
    pub(super) next_slot: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) rank: Rank,
    pub(super) due_at: OffsetDateTime,
    pub(super) epoch: i64,
    pub(super) strikes: u32,
    pub(super) is_leased: bool,
}

#[derive(Debug)]
pub(super) struct Event {
    pub(super) row: EventRow,
    pub(super) reason: String,
    pub(super) finished_at: Option<OffsetDateTime>,
    pub(super) effects: Vec<EffectRow>,
}

impl Account {
    /// A lane that had nothing open becomes due; one that waits or is worked on keeps its time.
    pub(super) fn open_lane(&mut self, lane: &str, rank: Rank, due_at: OffsetDateTime) {
        let idle =
            self.events.iter().filter(|event| event.row.lane == lane && event.is_open()).count()
                <= 1;
        let lane = self.lanes.entry(lane.to_owned()).or_insert(Lane {
            rank,
            due_at,
            epoch: 0,
            strikes: 0,
            is_leased: false,
        });
        if idle {
            lane.due_at = due_at;
            lane.rank = rank;
        }
        lane.rank = lane.rank.min(rank);
    }

    pub(super) fn head(&self, lane: &str) -> Option<usize> {
        self.events
            .iter()
            .enumerate()
            .filter(|(_, event)| event.row.lane == lane && event.is_open())
            .min_by_key(|(index, event)| (event.row.occurred_at, *index))
            .map(|(index, _)| index)
    }

    pub(super) fn pause(&self, now: OffsetDateTime) -> Option<(OffsetDateTime, String)> {
        self.pause.clone().filter(|(until, _)| !is_over(*until, now))
    }

    pub(super) fn claim(
        &mut self,
        key: AccountKey,
        lane: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Option<Claimed> {
        let index = self.head(lane)?;
        let state = self.lanes.get_mut(lane).filter(|lane| is_over(lane.due_at, now))?;
        state.due_at = until;
        state.epoch = state.epoch.saturating_add(1);
        state.strikes = state.strikes.saturating_add(1);
        state.is_leased = true;
        let event = self.events.get_mut(index)?;
        event.row.attempt = event.row.attempt.saturating_add(1);
        Some(Claimed {
            lease: Lease {
                account: key,
                lane: lane.to_owned(),
                event_id: event.row.event_id.clone(),
                epoch: state.epoch,
                until,
            },
            event: event.row.clone(),
            strikes: state.strikes,
            effects: event.effects.clone(),
        })
    }

    /// What is due: the usual lanes, and one that may have ended its worker.
    pub(super) fn claim_due(
        &mut self,
        key: AccountKey,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: usize,
    ) -> Vec<Claimed> {
        if self.pause(now).is_some() {
            return Vec::new();
        }
        let mut due: Vec<(Rank, OffsetDateTime, String)> = self
            .lanes
            .iter()
            .filter(|(_, lane)| is_over(lane.due_at, now))
            .map(|(name, lane)| (lane.rank, lane.due_at, name.clone()))
            .collect();
        due.sort();
        let is_suspect = |rows: &Self, lane: &str| {
            rows.lanes.get(lane).is_some_and(|lane| lane.strikes >= SUSPECT)
        };
        let (suspects, usual): (Vec<_>, Vec<_>) =
            due.iter().map(|(_, _, lane)| lane).partition(|lane| is_suspect(self, lane));
        let at_work = self
            .lanes
            .values()
            .any(|lane| lane.strikes > SUSPECT && lane.is_leased && !is_over(lane.due_at, now));
        let mut claimed: Vec<Claimed> = usual
            .into_iter()
            .filter_map(|lane| self.claim(key, lane, now, until))
            .take(limit)
            .collect();
        let suspects = suspects.into_iter().filter(|_| !at_work);
        claimed.extend(suspects.filter_map(|lane| self.claim(key, lane, now, until)).take(1));
        claimed
    }

    pub(super) fn stats(&self, now: OffsetDateTime) -> StoreStats {
        let mut stats = StoreStats { paused: self.pause(now), ..StoreStats::default() };
        let mut parked = BTreeMap::<String, u64>::new();
        for event in &self.events {
            match event.row.state {
                EventState::Open => {
                    stats.open = stats.open.saturating_add(1);
                    let received_at = event.row.received_at;
                    stats.oldest_open =
                        Some(stats.oldest_open.map_or(received_at, |at| at.min(received_at)));
                }
                EventState::Done => stats.done = stats.done.saturating_add(1),
                EventState::Parked => {
                    let count = parked.entry(event.reason.clone()).or_default();
                    *count = count.saturating_add(1);
                }
                EventState::Discarded => {}
            }
            for effect in &event.effects {
                match effect.state {
                    EffectState::InFlight => stats.in_flight = stats.in_flight.saturating_add(1),
                    EffectState::Unknown => stats.unknown = stats.unknown.saturating_add(1),
                    EffectState::Planned | EffectState::Done | EffectState::Parked => {}
                }
            }
        }
        stats.parked = parked.into_iter().collect();
        stats
    }

    /// Frees the lane for whoever comes next.
    pub(super) fn free(&mut self, lane: &str, due_at: OffsetDateTime) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.due_at = due_at;
            lane.strikes = 0;
            lane.is_leased = false;
        }
    }

    pub(super) fn check(&self, learned: &Learned) -> Result<(), StoreError> {
        let stored = |entity: &str| self.known.get(entity).map_or(0, |row| row.version);
        match learned.known.iter().all(|row| stored(&row.entity) == row.version) {
            true => Ok(()),
            false => Err(StoreError::Conflict),
        }
    }

    pub(super) fn learn(&mut self, learned: &Learned) {
        for link in &learned.links {
            let key = (link.entity.clone(), link.lead.get());
            if link.rung == PERSON {
                self.links.retain(|stored, row| {
                    stored.0 != key.0 || row.rung != PERSON || *stored == key
                });
            }
            match self.links.get_mut(&key) {
                Some(stored) if link.rung == PERSON => stored.rung.clone_from(&link.rung),
                Some(_) => {}
                None => {
                    self.links.insert(key, link.clone());
                }
            }
        }
        for row in &learned.known {
            let row = KnownRow { version: row.version.saturating_add(1), ..row.clone() };
            self.known.insert(row.entity.clone(), row);
        }
    }
}

impl Event {
    pub(super) fn is_open(&self) -> bool {
        self.row.state == EventState::Open
    }

    /// One that has not happened.
    pub(super) fn open_effect(&mut self, name: &str) -> Result<&mut EffectRow, StoreError> {
        let effect = self.effect(name)?;
        if effect.state == EffectState::Done { Err(StoreError::Conflict) } else { Ok(effect) }
    }

    pub(super) fn effect(&mut self, name: &str) -> Result<&mut EffectRow, StoreError> {
        self.effects
            .iter_mut()
            .find(|effect| effect.name == name)
            .ok_or(StoreError::Corrupt("effect"))
    }
}

/// Whether a wait has ended, or was written by a clock that was wrong.
pub(super) fn is_over(until: OffsetDateTime, now: OffsetDateTime) -> bool {
    until <= now || until > longest_wait(now)
}

pub(super) fn at(account: &mut Account, index: usize) -> Result<&mut Event, StoreError> {
    account.events.get_mut(index).ok_or(StoreError::Corrupt("event"))
}
