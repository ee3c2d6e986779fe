//! What goes beyond the deal that was paid for: further deals, tags, Salesbots.

use kommo_client::{Fate, LeadId, LeadPatch, NewLead, SalesbotId, TagRef, UserId};

use super::{
    Applied, Applier, Call, Stop, Work,
    lead::{Part, refusals, without_decimals},
    probe,
};
use crate::{
    outcome::{LeftOut, LeftOutPart, ParkReason, Parked},
    plan::{BotStart, Effect, LeadDraft, LeadNaming, Marker, TagDraft},
    store::{EffectRow, EffectState},
};

impl Applier<'_> {
    /// A deal has nothing that could hold a marker in every account but its name; see [`LeadNaming`] for its end.
    pub(super) async fn create_lead(
        &self,
        work: &mut Work,
        row: &EffectRow,
        draft: &LeadDraft,
    ) -> Result<(), Stop> {
        if self.is_there_already(work, row, draft.lead, probe::Kind::Lead).await? {
            return Ok(());
        }
        let mut fields = self.resolve(work, &draft.fields).await?;
        let mut responsible = self.responsible(&draft.responsible).await?;
        let (mut price, mut contacts) = (draft.price, draft.contacts.clone());
        loop {
            let mut new = NewLead::new().name(format!("{} {}", draft.name, row.marker));
            new = match draft.stage {
                Some(stage) => new.status(draft.pipeline, stage),
                None => new.pipeline(draft.pipeline),
            };
            if let Some(price) = price {
                new = match price.units() {
                    Some(units) => new.price(units),
                    None => new.price_decimal(&price.to_string()),
                };
            }
            if let Some(user) = responsible.first() {
                new = new.responsible_user(*user);
            }
            new = contacts.iter().fold(new, |new, contact| new.contact(*contact));
            new = fields.iter().fold(new, |new, (_, write)| new.field(write.clone()));
            let answer = self.write(work, row, Call::AddLead(new)).await?;
            let refused = answer.as_ref().err().map(refusals).unwrap_or_default();
            let mut left_out = Vec::new();
            for refusal in refused.iter().rev() {
                let what = match refusal.part {
                    Part::Price => without_decimals(&mut price),
                    Part::Field(place) if place < fields.len() => {
                        Some(LeftOutPart::Field(fields.remove(place).0))
                    }
                    Part::Contact(place) if place < contacts.len() => {
                        contacts.remove(place);
                        Some(LeftOutPart::Contact)
                    }
                    Part::Responsible => first(&mut responsible).map(|_| LeftOutPart::Responsible),
                    Part::Field(_) | Part::Contact(_) => None,
                };
                let why = refusal.why.clone();
                left_out.extend(what.map(|what| LeftOut { what, why }));
            }
            if left_out.is_empty() {
                return self.record(work, row, answer).await;
            }
            work.left_out.append(&mut left_out);
            self.cache.forget().await;
        }
    }

    /// The marker has done its work once the deal is in the journal.
    pub(super) async fn name_lead(
        &self,
        work: &mut Work,
        row: &EffectRow,
        naming: &LeadNaming,
    ) -> Result<(), Stop> {
        let event_id = &work.lease.event_id;
        let id = self.store.remote_id(work.lease.account, event_id, &naming.effect).await?;
        // Not created yet: the event is parked for that, and comes back.
        let Some(id) = id.map(LeadId::new) else { return Ok(()) };
        let lead = self
            .read_lead(id)
            .await
            .map_err(|reaction| Stop::Because(Applied::Failed(reaction)))?;
        let marker = Marker::new(self.account, event_id, &naming.effect).to_string();
        let is_ours = |name: &str| name.contains(&marker);
        if lead.and_then(|lead| lead.name).is_none_or(|name| !is_ours(&name)) {
            self.store.done(&work.lease, &row.name, Some(id.get())).await?;
            return Ok(());
        }
        let patch = LeadPatch::new(id).name(naming.name.as_str());
        let answer = self.write(work, row, Call::UpdateLead(patch)).await?;
        self.record(work, row, answer).await
    }

    /// By name, and so harmless to repeat.
    pub(super) async fn add_tag(
        &self,
        work: &mut Work,
        row: &EffectRow,
        tag: &TagDraft,
    ) -> Result<(), Stop> {
        let patch = LeadPatch::new(tag.lead).add_tag(TagRef::Name(tag.tag.clone()));
        let answer = self.write(work, row, Call::UpdateLead(patch)).await?;
        self.record(work, row, answer).await
    }

    /// What a Salesbot says to a customer it must not say twice, and Kommo does not tell which bots have run: without an
    /// answer, a person looks.
    pub(super) async fn start_bot(
        &self,
        work: &mut Work,
        row: &EffectRow,
        bot: &BotStart,
    ) -> Result<(), Stop> {
        if matches!(row.state, EffectState::InFlight | EffectState::Unknown) {
            return Err(self.leave_to_a_person(work, row, unconfirmed_bot(bot)).await);
        }
        let call = Call::StartBot(SalesbotId::new(bot.bot), bot.lead);
        match self.write(work, row, call).await? {
            Err(failure) if failure.fate() == Fate::Unknown => {
                Err(self.leave_to_a_person(work, row, unconfirmed_bot(bot)).await)
            }
            answer => self.record(work, row, answer).await,
        }
    }
}

/// What a person has to look for, once an effect was left to one.
pub(super) fn unconfirmed(row: &EffectRow, effect: &Effect) -> Parked {
    match effect {
        Effect::StartBot(bot) => unconfirmed_bot(bot),
        _ => unconfirmed_deal(row, effect.lead()),
    }
}

fn unconfirmed_bot(bot: &BotStart) -> Parked {
    let detail = format!(
        "Salesbot {} was started on deal {} without an answer: look whether it has run, and resume the event only \
         if it has not",
        bot.bot, bot.lead
    );
    Parked::new(ParkReason::Unconfirmed, detail).candidates(vec![bot.lead])
}

/// `made_for` is the deal that was paid for.
pub(super) fn unconfirmed_deal(row: &EffectRow, made_for: LeadId) -> Parked {
    let detail = format!(
        "whether `{}` was written cannot be told among so many new deals: look for a deal with {} in its name, \
         delete it, and resume the event",
        row.name, row.marker
    );
    Parked::new(ParkReason::Unconfirmed, detail).candidates(vec![made_for])
}

fn first(users: &mut Vec<UserId>) -> Option<UserId> {
    (!users.is_empty()).then(|| users.remove(0))
}
