//! Was it written? After an answer that never came, the effect is looked for by its marker before it is sent again.

use kommo_client::{EntityType, LeadId, NoteFilter, TaskFilter};

use super::{Applied, Applier, Stop, Work, after, failed};
use crate::store::{EffectRow, EffectState};

/// How often the marker must be missing before the effect counts as not written: Kommo's lists may lag behind.
const LOOKS: u32 = 2;

/// Clocks differ: what was written "after" the call is looked for from a little before it.
const CLOCK_DIFFERENCE: time::Duration = time::Duration::seconds(120);

pub(super) enum Kind {
    Note,
    Task,
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
        let Some(sent_at) = self.unheard(work, row).await? else { return Ok(false) };
        let now = self.clock.now();
        if let Some(id) =
            self.look(row, lead, &kind, sent_at.saturating_sub(CLOCK_DIFFERENCE)).await?
        {
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
        let until = after(sent_at, self.settle.saturating_mul(absent.saturating_add(1))).max(now);
        let why = format!("`{}` is not in Kommo yet: it is looked for once more", row.name);
        Err(Stop::Because(Applied::Wait { until, why }))
    }

    /// When an attempt was begun of which nobody heard what became; none when there is no such. Until the settle time is
    /// over it may still happen, and would overwrite what was sent meanwhile: that is waited for.
    pub(super) async fn unheard(
        &self,
        work: &Work,
        row: &EffectRow,
    ) -> Result<Option<time::OffsetDateTime>, Stop> {
        // In flight at the start of the work: whoever sent it is gone without having heard the answer.
        let (EffectState::InFlight | EffectState::Unknown, Some(sent_at)) =
            (row.state, row.sent_at)
        else {
            return Ok(None);
        };
        let wait = self.settle.saturating_mul(row.absent.saturating_add(1));
        let settled = after(sent_at, wait);
        if self.clock.now() < settled {
            self.store.mark(&work.lease, &row.name, EffectState::Unknown, row.absent).await?;
            let why = format!("whether `{}` was written is not known yet", row.name);
            return Err(Stop::Because(Applied::Wait { until: settled, why }));
        }
        Ok(Some(sent_at))
    }

    async fn look(
        &self,
        row: &EffectRow,
        lead: LeadId,
        kind: &Kind,
        from: time::OffsetDateTime,
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
        }
    }
}
