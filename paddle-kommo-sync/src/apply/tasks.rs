//! Tasks: made, moved on, completed.

use kommo_client::{ErrorKind, NewTask, Task, TaskFilter, TaskId, TaskPatch, TaskTypeId, UserId};

use super::{Applier, Call, Failure, Stop, Work, failed, probe};
use crate::{
    outcome::{LeftOut, LeftOutPart},
    plan::{Marker, TaskCompletion, TaskDraft, TaskRefresh},
    store::EffectRow,
};

impl Applier<'_> {
    pub(super) async fn add_task(
        &self,
        work: &mut Work,
        row: &EffectRow,
        task: &TaskDraft,
    ) -> Result<(), Stop> {
        if self.is_there_already(work, row, task.lead, probe::Kind::Task).await? {
            return Ok(());
        }
        let text = format!("{} {}", task.text, row.marker);
        let mut responsible = self.responsible(&task.responsible).await?;
        let mut task_type = Some(TaskTypeId::new(task.type_id));
        loop {
            let mut new = NewTask::new(text.as_str(), task.due_at).lead(task.lead);
            if let Some(task_type) = task_type {
                new = new.task_type(task_type);
            }
            if let Some(user) = responsible.first() {
                new = new.responsible_user(*user);
            }
            match self.write(work, row, Call::AddTask(new)).await? {
                // The user was deactivated since we asked: the next one gets it, in the end whoever owns the token.
                Err(failure)
                    if !responsible.is_empty() && names(&failure, "responsible_user_id") =>
                {
                    self.cache.forget().await;
                    let user = responsible.remove(0);
                    work.left_out.push(LeftOut {
                        what: LeftOutPart::Responsible,
                        why: format!("Kommo does not accept user {user} for a task"),
                    });
                }
                Err(failure) if task_type.is_some() && names(&failure, "task_type_id") => {
                    task_type = None;
                    work.left_out.push(LeftOut {
                        what: LeftOutPart::TaskType,
                        why: format!("Kommo has no task type {}", task.type_id),
                    });
                }
                answer => return self.record(work, row, answer).await,
            }
        }
    }

    /// Who may get a task or a deal, the best first: only users that Kommo says are active.
    pub(super) async fn responsible(&self, wanted: &[UserId]) -> Result<Vec<UserId>, Stop> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let users = self.cache.users(&self.kommo, self.clock.now()).await.map_err(failed)?;
        Ok(wanted.iter().copied().filter(|user| users.may_get_tasks(*user)).collect())
    }

    pub(super) async fn refresh_task(
        &self,
        work: &mut Work,
        row: &EffectRow,
        refresh: &TaskRefresh,
    ) -> Result<(), Stop> {
        let marker = Marker::new(self.account, &refresh.event_id, &refresh.effect).to_string();
        let Some(task) = self
            .open_task(work, row, refresh.lead, &refresh.event_id, &refresh.effect, &marker)
            .await?
        else {
            return Ok(());
        };
        let mut patch = TaskPatch::new(task).complete_till(refresh.due_at);
        if let Some(text) = &refresh.text {
            patch = patch.text(format!("{text} {marker}"));
        }
        self.patch(work, row, patch).await
    }

    pub(super) async fn complete_task(
        &self,
        work: &mut Work,
        row: &EffectRow,
        completion: &TaskCompletion,
    ) -> Result<(), Stop> {
        let TaskCompletion { lead, event_id, effect, result } = completion;
        let marker = Marker::new(self.account, event_id, effect).to_string();
        let Some(task) = self.open_task(work, row, *lead, event_id, effect, &marker).await? else {
            return Ok(());
        };
        self.patch(work, row, TaskPatch::new(task).complete(result.as_str())).await
    }

    /// The task that an earlier effect made, if it is still open. One that a person has completed or deleted needs
    /// nothing more, and the effect is recorded as done.
    async fn open_task(
        &self,
        work: &Work,
        row: &EffectRow,
        lead: kommo_client::LeadId,
        event_id: &str,
        effect: &str,
        marker: &str,
    ) -> Result<Option<TaskId>, Stop> {
        self.unheard(work, row).await?;
        let known = self.store.remote_id(work.lease.account, event_id, effect).await?;
        let task = match known {
            Some(id) => self.kommo.tasks().get(TaskId::new(id)).await.map_err(failed)?,
            // Its journal is gone, with an older database say: the marker is still there.
            None => {
                let tasks =
                    self.kommo.tasks().list(&TaskFilter::new().lead(lead)).await.map_err(failed)?;
                let ours =
                    |task: &Task| task.text.as_deref().is_some_and(|text| text.contains(marker));
                tasks.into_iter().find(ours)
            }
        };
        match task.filter(|task| !task.is_completed) {
            Some(task) => Ok(Some(task.id)),
            None => {
                self.store.done(&work.lease, &row.name, known).await?;
                Ok(None)
            }
        }
    }

    async fn patch(&self, work: &mut Work, row: &EffectRow, patch: TaskPatch) -> Result<(), Stop> {
        let answer = self.write(work, row, Call::UpdateTask(patch)).await?;
        self.record(work, row, answer).await
    }
}

/// Whether a refusal is about this value of the (only) item that was sent.
fn names(failure: &Failure, path: &str) -> bool {
    match failure.kind() {
        ErrorKind::Validation(items) => {
            let mut errors = items.iter().flat_map(|item| &item.errors).peekable();
            errors.peek().is_some() && errors.all(|error| error.path == path)
        }
        _ => false,
    }
}
