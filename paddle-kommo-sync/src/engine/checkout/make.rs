//! What a checkout job does: reads the deal, asks Paddle, and plans what the deal is told.

use kommo_client::{Lead, LeadWith};
use paddle_webhook::{CustomerId, Environment, Transaction};

use super::{
    job::{CheckoutJob, Wanted, lane},
    tell::Made,
    transaction::has_ended,
};
use crate::{
    apply::held,
    checkout::{
        CheckoutItem, asked,
        customer::customer,
        failure::{not_possible, paddle_reaction},
        known::{CheckoutKnown, entity},
        next,
        wish::Wish,
    },
    config::{FieldTarget, SandboxEvents},
    deal_ref::DealRef,
    engine::{
        Sync,
        jobs::{Job, Planned},
        parse,
    },
    error::StoreError,
    failure::{Reaction, reaction},
    known::Account,
    outcome::{Outcome, Parked},
    paddle,
    plan::{Field, Reason},
    store::{Claimed, EventState},
};

/// As many earlier wishes of a deal are looked through for those that are parked.
const EARLIER: usize = 100;

/// The end of a job before anything is to be written.
pub(super) enum Stop {
    Ended(Reason),
    Obstacle(Parked),
    Failed(Reaction),
    Planned(Planned),
}

impl From<kommo_client::Error> for Stop {
    fn from(error: kommo_client::Error) -> Self {
        reaction(&error).into()
    }
}

impl From<paddle::Error> for Stop {
    fn from(error: paddle::Error) -> Self {
        paddle_reaction(&error).into()
    }
}

impl From<Reaction> for Stop {
    fn from(reaction: Reaction) -> Self {
        match reaction {
            Reaction::Park(parked) => Self::Obstacle(parked),
            reaction => Self::Failed(reaction),
        }
    }
}

impl From<asked::Obstacle> for Stop {
    fn from(asked::Obstacle(why): asked::Obstacle) -> Self {
        Self::Obstacle(not_possible(why))
    }
}

impl Sync {
    /// Makes, revises or finds the checkout of the deal, and plans what the deal is told of it.
    pub(in crate::engine) async fn plan_checkout(
        &self,
        claimed: &Claimed,
        job: &CheckoutJob,
    ) -> Result<Planned, StoreError> {
        let row = self.0.store.known(self.0.account, &entity(job.lead())).await?;
        let known: CheckoutKnown =
            if row.state.is_empty() { CheckoutKnown::default() } else { parse(&row.state)? };
        // Paddle may take long. Whoever lost the deal to another worker meanwhile must not make a second checkout.
        let making = self.make(claimed, job, &known);
        match held(&*self.0.store, &*self.0.clock, &claimed.lease, making).await? {
            Ok(made) => {
                self.0.checkouts.count(made.reason);
                self.forget_obstacles(job, claimed).await?;
                made.planned(self, row, &known)
            }
            Err(Stop::Ended(reason)) => Ok(Planned::End(Outcome::Ignored { reason })),
            Err(Stop::Planned(planned)) => Ok(planned),
            Err(Stop::Failed(reaction)) => Ok(Planned::Failed(reaction)),
            Err(Stop::Obstacle(parked)) => {
                self.0.checkouts.count_refused();
                let outcome = match job.wanted {
                    // Nobody else hears of it.
                    Wanted::ByStage { .. } => Outcome::Parked(parked),
                    Wanted::ByCall(_) => Outcome::Refused(parked),
                };
                Ok(Planned::End(outcome))
            }
        }
    }

    async fn make(
        &self,
        claimed: &Claimed,
        job: &CheckoutJob,
        known: &CheckoutKnown,
    ) -> Result<Made, Stop> {
        let rules = &self.0.config.checkout;
        let Some(paddle) = &self.0.checkouts.paddle else {
            return Err(Stop::Obstacle(no_paddle()));
        };
        let is_sandbox = paddle.environment() == Environment::Sandbox;
        if is_sandbox && self.0.config.sandbox == SandboxEvents::Log {
            return Err(Stop::Ended(Reason::Sandbox));
        }
        let account = self.account().await?;
        let lead = self.read_deal(job, &account).await?;
        self.0.health.recovered();
        let last = match &known.transaction {
            Some(id) => paddle.transactions().get(id).await?,
            None => None,
        };
        if let Some(reason) = last.as_ref().and_then(|last| next::ended(last, job.again())) {
            return Err(Stop::Ended(reason));
        }
        let items = self.items(job, &lead).await?;
        let mut wish = Wish {
            lead: lead.id,
            items,
            customer: None,
            responsible: lead.responsible_user_id,
            reference: self.reference(&lead, &account),
        };
        if lead.pipeline_id.is_none_or(|pipeline| self.is_shadow(pipeline)) {
            let (reasons, would) = (vec![Reason::CheckoutMade], vec![wish.would()]);
            let outcome = Outcome::Shadowed { lead: lead.id, reasons, would };
            return Err(Stop::Planned(Planned::End(outcome)));
        }
        wish.customer = self.buyer(paddle, &lead, last.as_ref()).await?;
        let transaction = self.bring_about(paddle, claimed, &wish, last).await?;
        let url = transaction.checkout.as_ref().and_then(|checkout| checkout.url.clone());
        let Some(url) = url.filter(|url| !url.is_empty()) else {
            let why = "Paddle gave no link to pay the transaction at";
            return Err(Stop::Obstacle(not_possible(why)));
        };
        let fingerprint = asked::fingerprint(&lead, rules);
        let items = next::items(&transaction);
        let now =
            CheckoutKnown { transaction: Some(transaction.id.clone()), url, items, fingerprint };
        let target = self.0.config.fields.target(Field::CheckoutUrl);
        let shown = asked::text_of(&lead.custom_fields_values, target);
        let is_shown = *target == FieldTarget::Off || shown.as_deref() == Some(now.url.as_str());
        let is_told = known.transaction == now.transaction
            && known.url == now.url
            && next::is_same(&known.items, &now.items);
        let reason = match (is_told, is_shown) {
            (true, true) => Reason::CheckoutUnchanged,
            (true, false) => Reason::CheckoutRestored,
            (false, _) if known.transaction == now.transaction => Reason::CheckoutRevised,
            (false, _) => Reason::CheckoutMade,
        };
        if !is_told {
            tracing::info!(
                lead = lead.id.get(),
                transaction = transaction.id.as_str(),
                reason = reason.code(),
                "a checkout link for a deal"
            );
        }
        Ok(Made {
            lead,
            transaction,
            known: now,
            reason,
            is_shown,
            signed: wish.reference.is_some(),
        })
    }

    /// The deal as it is now: what Kommo's webhook says of it is only a hint.
    async fn read_deal(&self, job: &CheckoutJob, account: &Account) -> Result<Lead, Stop> {
        let read = self.0.kommo.leads().get_with(job.lead(), &[LeadWith::CatalogElements]).await?;
        let lead = read.filter(|lead| !lead.is_deleted);
        match &job.wanted {
            Wanted::ByCall(_) => lead.ok_or_else(|| Stop::Obstacle(Parked::deal_gone(job.lead()))),
            Wanted::ByStage { account: claimed, .. } => {
                let stage = self.0.config.checkout.stage;
                let is_ours = claimed.is_none() || *claimed == account.id || account.id.is_none();
                let is_there = |lead: &Lead| {
                    let (pipeline, status) = (lead.pipeline_id, lead.status_id);
                    stage.is_some_and(|stage| {
                        (pipeline, status) == (Some(stage.pipeline), Some(stage.stage))
                    })
                };
                lead.filter(|lead| is_ours && is_there(lead))
                    .ok_or(Stop::Ended(Reason::NotInPaymentStage))
            }
        }
    }

    /// What is sold: what the caller says, else what the deal says.
    async fn items(&self, job: &CheckoutJob, lead: &Lead) -> Result<Vec<CheckoutItem>, Stop> {
        match &job.wanted {
            Wanted::ByCall(checkout) if !checkout.items.is_empty() => {
                Ok(asked::joined(checkout.items.clone())?)
            }
            Wanted::ByCall(_) | Wanted::ByStage { .. } => {
                Ok(asked::items(&self.0.kommo, lead, &self.0.config.checkout).await??)
            }
        }
    }

    /// The Paddle customer of the deal's main contact. Where the open transaction has one, nobody is asked.
    async fn buyer(
        &self,
        paddle: &paddle::Client,
        lead: &Lead,
        last: Option<&Transaction>,
    ) -> Result<Option<CustomerId>, Stop> {
        let has_one = last.is_some_and(|last| last.customer_id.is_some() && !has_ended(last));
        if has_one {
            return Ok(None);
        }
        match asked::buyer(&self.0.kommo, lead).await? {
            Some(buyer) => Ok(customer(paddle, &buyer).await?),
            None => Ok(None),
        }
    }

    fn reference(&self, lead: &Lead, account: &Account) -> Option<String> {
        let (key, account) = (self.0.deal_ref_keys.first()?, account.id?);
        Some(DealRef::new(lead.id, account).sign(key))
    }

    /// The deal has its link now: what stood in the way before needs nobody any more.
    async fn forget_obstacles(
        &self,
        job: &CheckoutJob,
        claimed: &Claimed,
    ) -> Result<(), StoreError> {
        if !job.is_by_stage() {
            return Ok(());
        }
        let lane = lane(job.lead());
        for row in self.0.store.history(self.0.account, &lane, EARLIER).await? {
            let is_earlier =
                row.state == EventState::Parked && row.event_id != claimed.event.event_id;
            // One that a caller asked for has items of its own, which would take the place of these.
            if is_earlier
                && matches!(Job::of(&row), Some(Job::Checkout(earlier)) if earlier.is_by_stage())
            {
                self.resume(&row.event_id).await?;
            }
        }
        Ok(())
    }
}

/// Checkouts are made by Paddle, and nobody said how it is reached.
pub(super) fn no_paddle() -> Parked {
    not_possible(
        "there is no access to Paddle's API: set PADDLE_API_KEY (`SyncBuilder::checkouts`)",
    )
}
