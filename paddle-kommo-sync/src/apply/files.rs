//! A file in a deal: fetched, uploaded, attached.
//!
//! What an upload leaves in the drive nobody sees, so only the attaching is journalled: a crash before it costs a file
//! without a deal, never a second one in it.

use kommo_client::{EntityType, Error, ErrorKind, LeadId};

use super::{Applied, Applier, Call, Stop, Work, held, probe};
use crate::{
    error::DocumentError,
    failure::{Reaction, chain, reaction},
    outcome::{ParkReason, Parked},
    plan::{FileDraft, marker_core},
    store::{EffectRow, EffectState},
};

/// What every PDF begins with (ISO 32000-1, 7.5.2).
const PDF: &[u8] = b"%PDF-";

/// The largest file that is taken on. Invoices have some 100 KiB.
const LARGEST: usize = 16 << 20;

impl Applier<'_> {
    pub(super) async fn attach_file(
        &self,
        work: &mut Work,
        row: &EffectRow,
        file: &FileDraft,
    ) -> Result<(), Stop> {
        if self.is_there_already(work, row, file.lead, probe::Kind::File).await? {
            return Ok(());
        }
        let uuid = held(self.store, self.clock, &work.lease, self.upload(row, file)).await??;
        let answer = self.write(work, row, Call::AttachFile(file.lead, uuid)).await?;
        match &answer {
            Err(failure) if *failure.kind() == ErrorKind::Forbidden => {
                self.store.mark(&work.lease, &row.name, EffectState::Planned, 0).await?;
                Err(files_failed(failure.error()))
            }
            Err(failure) if *failure.kind() == ErrorKind::NotFound => {
                self.store.mark(&work.lease, &row.name, EffectState::Planned, 0).await?;
                let parked = Parked::deal_gone(file.lead);
                Err(Stop::Because(Applied::Failed(Reaction::Park(parked))))
            }
            _ => self.record(work, row, answer).await,
        }
    }

    /// Takes the document over into the drive, and says under which uuid it is there.
    async fn upload(&self, row: &EffectRow, file: &FileDraft) -> Result<String, Stop> {
        let stop = |reaction| Stop::Because(Applied::Failed(reaction));
        let later =
            |detail: String| stop(Reaction::ParkLater(Parked::new(ParkReason::NoDocument, detail)));
        let Some(documents) = self.documents else {
            return Err(later(
                "Paddle's API is not configured: set PADDLE_API_KEY and resume".to_owned(),
            ));
        };
        let content = documents.pdf(&file.document).await.map_err(|error| match error {
            DocumentError::Unavailable(_) => stop(Reaction::Wait(chain(&error))),
            DocumentError::Missing(_) => later(format!(
                "{}: look in Paddle whether {} has one, and resume",
                chain(&error),
                file.document.id()
            )),
        })?;
        if !content.starts_with(PDF) || content.len() > LARGEST {
            return Err(later(format!(
                "what came for {} is no PDF of at most 16 MiB: look in Paddle, and resume",
                file.document.id()
            )));
        }
        let name = format!("{}-{}.pdf", file.name, marker_core(&row.marker));
        let files = self.kommo.files();
        let uploaded = files.upload(&name, "application/pdf", &content).await;
        uploaded.map(|file| file.uuid).map_err(|error| files_failed(&error))
    }

    /// Looks among the files of the deal for the one of this effect: one request for each.
    pub(super) async fn look_for_file(
        &self,
        row: &EffectRow,
        lead: LeadId,
    ) -> Result<Option<u64>, Stop> {
        let files = self.kommo.files();
        let attached = files.attached(EntityType::Leads, lead.get()).await;
        for attached in attached.map_err(|error| files_failed(&error))? {
            let file =
                files.get(&attached.file_uuid).await.map_err(|error| files_failed(&error))?;
            if file.is_some_and(|file| file.name.contains(marker_core(&row.marker))) {
                return Ok(Some(attached.id.unwrap_or(lead.get())));
            }
        }
        Ok(None)
    }
}

/// A call about files failed and changed nothing. Scopes and rights are given by a person who may be at it just now.
fn files_failed(error: &Error) -> Stop {
    let detail = match error.kind() {
        ErrorKind::Forbidden => {
            "Kommo does not let us keep files: give the integration the scope `files`, and its user the right to edit the \
             deal, then resume"
        }
        ErrorKind::Decode => "what Kommo says of its drive cannot be understood",
        // The drive is a host of its own: what is wrong there says nothing of the deals.
        _ => {
            return Stop::Because(Applied::Failed(match reaction(error) {
                Reaction::Retry(why) => Reaction::Wait(why),
                reaction => reaction,
            }));
        }
    };
    let detail = match error.request_id() {
        Some(id) => format!("{detail} (request {id})"),
        None => detail.to_owned(),
    };
    let parked = Parked::new(ParkReason::Refused, detail);
    Stop::Because(Applied::Failed(Reaction::ParkLater(parked)))
}
