//! Was it written? After an answer that never came, the effect is looked for by its marker before it is sent again.

use std::time::Duration;

use kommo_client::{EntityType, LeadFilter, LeadId, NoteFilter, TaskFilter};
use time::OffsetDateTime;

use super::{Applied, Applier, Stop, Work, after, deals, failed, held};
use crate::store::{EffectRow, EffectState};

/// How often the marker must be missing before the effect counts as not written: Kommo's lists may lag behind.
const LOOKS: u32 = 2;

/// A deal whose answer was lost is looked for among those made until so long after the call. Later, Kommo does not carry
/// it out any more, and people make many deals in three days.
const LATEST: time::Duration = time::Duration::hours(1);

/// As many pages of new deals are looked through, 250 each.
const PAGES: u32 = 40;

/// Clocks differ: what was written "after" the call is looked for from a little before it.
const CLOCK_DIFFERENCE: time::Duration = time::Duration::seconds(120);

/// When the call was begun of which nobody heard what became. What is in flight at the start of the work is such a one:
/// whoever sent it is gone without having heard the answer.
fn unheard_since(row: &EffectRow) -> Option<OffsetDateTime> {
    row.sent_at.filter(|_| matches!(row.state, EffectState::InFlight | EffectState::Unknown))
}

/// Until when an effect of which nobody heard may still happen; none where that is over. One that was sent in the future was
/// sent while a clock was wrong.
pub(crate) fn unsettled(
    row: &EffectRow,
    settle: Duration,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let sent_at = unheard_since(row).filter(|at| *at <= now.saturating_add(CLOCK_DIFFERENCE))?;
    let settled = after(sent_at, settle.saturating_mul(row.absent.saturating_add(1)));
    Some(settled).filter(|settled| now < *settled)
}

pub(super) enum Kind {
    Note,
    Task,
    /// A new deal, which is newer than the deal it was made for.
    Lead,
    /// A file of the deal.
    File,
}

impl Applier<'_> {
    /// True when an earlier attempt turns out to have been written; it is recorded then. False when it is to be sent.
    pub(super) async fn is_there_already(
        &self,
        work: &mut Work,
        row: &EffectRow,
        lead: LeadId,
        kind: Kind,
    ) -> Result<bool, Stop> {
        let Some(sent_at) = self.unheard(work, row).await? else {
            return self.was_there_before(work, row, lead, &kind).await;
        };
        let now = self.clock.now();
        let from = self.written_from(&kind, sent_at);
        if let Some(id) = self.look(work, row, lead, &kind, from).await? {
            tracing::info!(
                effect = row.name,
                remote_id = id,
                "an effect without an answer was found in Kommo"
            );
            self.store.done(&work.lease, &row.name, Some(id)).await?;
            return Ok(true);
        }
        let absent = row.absent.saturating_add(1);
        if absent >= LOOKS {
            tracing::info!(
                effect = row.name,
                "an effect without an answer is not in Kommo and is sent again"
            );
            return Ok(false);
        }
        self.store.mark(&work.lease, &row.name, EffectState::Unknown, absent).await?;
        // Not before: whoever held the lane may have sent it only now, having slept on it.
        let until = after(now, self.settle);
        let why = format!("`{}` is not in Kommo yet: it is looked for once more", row.name);
        Err(Stop::Because(Applied::Wait { until, why }))
    }

    /// An effect that this journal has not written may have been written all the same, before its database was restored or
    /// by another one. That is long ago, so one look tells. A deal is not looked for: what it is made for is a deal that is
    /// not won yet, and it has its marker only until it is named.
    async fn was_there_before(
        &self,
        work: &Work,
        row: &EffectRow,
        lead: LeadId,
        kind: &Kind,
    ) -> Result<bool, Stop> {
        if !self.in_doubt || matches!(kind, Kind::Lead) {
            return Ok(false);
        }
        let from = self.occurred_at.saturating_sub(CLOCK_DIFFERENCE);
        let Some(id) = self.look(work, row, lead, kind, from).await? else { return Ok(false) };
        tracing::warn!(
            effect = row.name,
            remote_id = id,
            "found in Kommo, though this database has not written it: it was restored, or another one writes to this account"
        );
        self.store.done(&work.lease, &row.name, Some(id)).await?;
        Ok(true)
    }

    /// When an attempt was begun of which nobody heard what became; none when there is no such. Until the settle time is
    /// over it may still happen, and would overwrite what was sent meanwhile: that is waited for.
    pub(super) async fn unheard(
        &self,
        work: &Work,
        row: &EffectRow,
    ) -> Result<Option<OffsetDateTime>, Stop> {
        let Some(sent_at) = unheard_since(row) else { return Ok(None) };
        if let Some(settled) = unsettled(row, self.settle, self.clock.now()) {
            self.store.mark(&work.lease, &row.name, EffectState::Unknown, row.absent).await?;
            let why = format!("whether `{}` was written is not known yet", row.name);
            return Err(Stop::Because(Applied::Wait { until: settled, why }));
        }
        Ok(Some(sent_at))
    }

    /// From when on the effect may have been written, by Kommo's clock. Ours may be wrong, but nothing is written before
    /// it has happened. Among new deals it would be too many to look through, so for them ours may be wrong by a day.
    fn written_from(&self, kind: &Kind, sent_at: OffsetDateTime) -> OffsetDateTime {
        let earliest = match kind {
            Kind::Note | Kind::Task | Kind::File => self.occurred_at,
            Kind::Lead => self.occurred_at.max(sent_at.saturating_sub(time::Duration::DAY)),
        };
        sent_at.min(earliest).saturating_sub(CLOCK_DIFFERENCE)
    }

    async fn look(
        &self,
        work: &Work,
        row: &EffectRow,
        lead: LeadId,
        kind: &Kind,
        from: OffsetDateTime,
    ) -> Result<Option<u64>, Stop> {
        match kind {
            Kind::Note => {
                let filter =
                    NoteFilter::new().note_type("common").updated_from(from).newest_first();
                let notes = self
                    .kommo
                    .notes(EntityType::Leads)
                    .list(lead.get(), &filter)
                    .await
                    .map_err(failed)?;
                let ours = |text: &str| text.contains(&row.marker);
                Ok(notes
                    .iter()
                    .find(|note| note.text().is_some_and(ours))
                    .map(|note| note.id.get()))
            }
            Kind::Task => {
                let filter = TaskFilter::new().lead(lead).updated_from(from);
                let tasks = self.kommo.tasks().list(&filter).await.map_err(failed)?;
                let ours = |text: &str| text.contains(&row.marker);
                Ok(tasks
                    .iter()
                    .find(|task| task.text.as_deref().is_some_and(ours))
                    .map(|task| task.id.get()))
            }
            Kind::Lead => self.look_for_lead(work, row, lead, from).await,
            Kind::File => {
                let looking = self.look_for_file(row, lead);
                held(self.store, self.clock, &work.lease, looking).await?
            }
        }
    }

    /// Accounts without the API filter give all deals, so it ends where those begin that were there before.
    async fn look_for_lead(
        &self,
        work: &Work,
        row: &EffectRow,
        older: LeadId,
        from: OffsetDateTime,
    ) -> Result<Option<u64>, Stop> {
        let sent_at = row.sent_at.unwrap_or(from);
        let until = sent_at.max(from.saturating_add(CLOCK_DIFFERENCE)).saturating_add(LATEST);
        let filter = LeadFilter::new().created_from(from).created_to(until).newest_first();
        let mut pages = self.kommo.leads().list(&filter);
        for _ in 0..PAGES {
            let Some(leads) = pages.next().await.map_err(failed)? else { return Ok(None) };
            let ours = |name: &str| name.contains(&row.marker);
            if let Some(found) = leads.iter().find(|lead| lead.name.as_deref().is_some_and(ours)) {
                return Ok(Some(found.id.get()));
            }
            if leads.iter().any(|lead| lead.id <= older) {
                return Ok(None);
            }
        }
        Err(self.leave_to_a_person(work, row, deals::unconfirmed_deal(row, older)).await)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_nobody_heard_of_settles() {
        let now = datetime!(2026-01-15 12:00 UTC);
        let ago = |seconds| now - time::Duration::seconds(seconds);
        for (state, sent, absent, want) in [
            (EffectState::Unknown, 10, 0, Some(50)),
            (EffectState::InFlight, 10, 1, Some(110)),
            (EffectState::Unknown, 60, 0, None),
            (EffectState::Planned, 10, 0, None),
            // Clocks differ a little; this one was set back by a day.
            (EffectState::Unknown, -100, 0, Some(160)),
            (EffectState::Unknown, -86_400, 0, None),
        ] {
            let row = EffectRow {
                name: "lead".to_owned(),
                marker: String::new(),
                body: String::new(),
                state,
                sent_at: Some(ago(sent)),
                absent,
                remote_id: None,
            };
            let until = unsettled(&row, Duration::from_secs(60), now);
            assert_eq!(until, want.map(|seconds| ago(-seconds)), "{state:?} {sent} {absent}");
        }
    }
}
