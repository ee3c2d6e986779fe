//! The Payment stage: a deal that comes there gets its link, told by Kommo's webhook or found by a look.

use kommo_client::{
    LeadFilter, LeadWith, WebhookAction, WebhookBody, WebhookData, WebhookEntity, WebhookLead,
};
use paddle_webhook::Environment;
use time::OffsetDateTime;

use super::job::CheckoutJob;
use crate::{
    checkout::{
        asked,
        known::{CheckoutKnown, entity},
    },
    config::{FieldTarget, PaymentStage},
    engine::{Sync, jobs::Job, parse},
    error::StoreError,
    plan::Field,
    store::Put,
};

/// As many pages of deals are looked through, 250 each: an account without the API filter gives all that it has.
const PAGES: usize = 40;

/// The deals of the stage could not be looked through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// The store fails.
    #[error("what was found cannot be stored")]
    Store(#[source] StoreError),
    /// Kommo does not tell.
    #[error("Kommo does not tell which deals are in the stage")]
    Kommo(#[source] kommo_client::Error),
}

impl Sync {
    /// Makes durable what a webhook of Kommo's says of deals that came to the [stage](crate::CheckoutRules::stage), and says
    /// how many that are. [`run`](Self::run) does the rest: it reads each deal again, since Kommo signs nothing.
    ///
    /// Subscribe `status_lead` and `add_lead`, or have the Digital Pipeline send the webhook. Kommo wants its answer within
    /// two seconds (developers.kommo.com, "Webhooks"): nobody is asked here.
    ///
    /// # Errors
    ///
    /// When it could not be stored. Answer 503: Kommo sends it again.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, some of it may have been stored; another delivery is harmless.
    pub async fn accept_kommo(&self, delivery: &WebhookBody) -> Result<usize, StoreError> {
        let Some(stage) = self.0.config.checkout.stage else { return Ok(0) };
        if self.0.checkouts.paddle.is_none() {
            return Ok(0);
        }
        let mut jobs = 0_usize;
        for event in &delivery.events {
            let is_move = matches!(event.action, WebhookAction::Status | WebhookAction::Add);
            let (WebhookEntity::Lead, true, WebhookData::Lead(lead)) =
                (&event.entity, is_move, &event.data)
            else {
                continue;
            };
            if !may_be_in(stage, lead) {
                continue;
            }
            // The webhooks of the Digital Pipeline do not say when. One that is told twice is found to be done already.
            let changed_at = lead.updated_at.unwrap_or_else(|| self.now());
            let job = CheckoutJob::by_webhook(lead.id, delivery.account_id, changed_at);
            self.put_job(&Job::Checkout(job), self.now(), self.is_sandbox()).await?;
            jobs = jobs.saturating_add(1);
        }
        Ok(jobs)
    }

    /// Looks through the deals in the [stage](crate::CheckoutRules::stage) for those whose link is missing or no longer right,
    /// and says for how many it is to be made. For accounts without webhooks: call it every minute or so, beside
    /// [`run`](Self::run).
    ///
    /// What was written by ourselves is no reason to look at a deal again. Where a link was canceled, emptying the field
    /// `checkout_url` has another one made.
    ///
    /// # Errors
    ///
    /// When Kommo does not tell the deals, or the store fails. The next look finds the same again.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, some of it may have been stored; another look is harmless.
    pub async fn look_at_stage(&self) -> Result<usize, StageError> {
        let rules = &self.0.config.checkout;
        let Some(stage) = rules.stage else { return Ok(0) };
        let paused = self.0.store.paused(self.0.account, self.now()).await;
        if self.0.checkouts.paddle.is_none() || paused.map_err(StageError::Store)?.is_some() {
            return Ok(0);
        }
        let filter = LeadFilter::new()
            .status(stage.pipeline, stage.stage)
            .with(LeadWith::CatalogElements)
            .by_id();
        let target = self.0.config.fields.target(Field::CheckoutUrl);
        let mut pages = self.0.kommo.leads().list(&filter);
        let mut jobs = 0_usize;
        for _ in 0..PAGES {
            let Some(leads) = pages.next().await.map_err(StageError::Kommo)? else { break };
            for lead in leads {
                let place = (lead.pipeline_id, lead.status_id);
                if place != (Some(stage.pipeline), Some(stage.stage)) || lead.is_deleted {
                    continue;
                }
                let known = self.checkout_of(&lead).await.map_err(StageError::Store)?;
                let shown = asked::text_of(&lead.custom_fields_values, target);
                let is_shown = *target == FieldTarget::Off || shown.as_deref() == Some(&known.url);
                let fingerprint = asked::fingerprint(&lead, rules);
                let is_right = known.transaction.is_some() && known.fingerprint == fingerprint;
                if is_right && is_shown {
                    continue;
                }
                let changed_at = lead.updated_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
                let job = Job::Checkout(CheckoutJob::by_look(lead.id, changed_at, fingerprint));
                let put = self.put_job(&job, self.now(), self.is_sandbox()).await;
                if put.map_err(StageError::Store)? == Put::New {
                    jobs = jobs.saturating_add(1);
                }
            }
        }
        Ok(jobs)
    }

    async fn checkout_of(&self, lead: &kommo_client::Lead) -> Result<CheckoutKnown, StoreError> {
        let row = self.0.store.known(self.0.account, &entity(lead.id)).await?;
        if row.state.is_empty() { Ok(CheckoutKnown::default()) } else { parse(&row.state) }
    }

    pub(super) fn is_sandbox(&self) -> bool {
        let paddle = self.0.checkouts.paddle.as_ref();
        paddle.is_some_and(|paddle| paddle.environment() == Environment::Sandbox)
    }
}

/// Whether the webhook says so, or does not say anything else.
fn may_be_in(stage: PaymentStage, lead: &WebhookLead) -> bool {
    lead.status_id.is_none_or(|status| status == stage.stage)
        && lead.pipeline_id.is_none_or(|pipeline| pipeline == stage.pipeline)
}
