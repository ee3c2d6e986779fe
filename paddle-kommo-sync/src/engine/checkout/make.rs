//! What a checkout job does: reads the deal, asks Paddle, and plans what the deal is told.

use kommo_client::{Lead, LeadWith};
use paddle_webhook::{CustomerId, Environment, Transaction};
use sha2::{Digest as _, Sha256};

use super::job::{CheckoutJob, Wanted, lane};
use crate::{
    apply::held,
    checkout::{
        CheckoutItem, asked,
        customer::customer,
        failure::{not_possible, paddle_reaction},
        known::{CheckoutKnown, entity},
        next::{self, Next},
        wish::Wish,
    },
    config::{FieldTarget, SandboxEvents},
    deal_ref::DealRef,
    engine::{
        Sync,
        jobs::{Job, Planned},
        parse, text,
    },
    error::StoreError,
    failure::{Reaction, reaction},
    known::Account,
    link::Rung,
    outcome::{Outcome, Parked},
    paddle,
    plan::{Field, FieldValue, LeadUpdate, NoteDraft, Plan, PlannedEffect, Reason, Value},
    store::{Claimed, EventState, KnownRow, Learned},
    texts::{Placeholder, Text, Values},
};

/// A transaction may change under our hands: somebody pays while we revise it. More often than this it is not our day.
const ROUNDS: usize = 4;

/// As many earlier wishes of a deal are looked through for those that are parked.
const EARLIER: usize = 100;

/// The end of a job before anything is to be written.
enum Stop {
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
        self.has_recovered();
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

    /// Makes or revises the transaction until it is what is wished for. Any step may have been done by an attempt before,
    /// whose answer was lost.
    async fn bring_about(
        &self,
        paddle: &paddle::Client,
        claimed: &Claimed,
        wish: &Wish,
        mut last: Option<Transaction>,
    ) -> Result<Transaction, Stop> {
        let transactions = paddle.transactions();
        // The job is on disk, and with it the key and when it was first used.
        let (key, since) = (self.request_key(&claimed.event.event_id), claimed.event.received_at);
        for _ in 0..ROUNDS {
            match next::next(wish, last.as_ref()) {
                Next::Create => {
                    let mut made = None;
                    if claimed.event.attempt > 1 {
                        // The first attempt may have known of another customer.
                        made = transactions.find_by_key(&key, None, since).await?;
                    }
                    let made = match made {
                        Some(made) => made,
                        None => {
                            let new = wish.transaction(&self.0.config.checkout, &key);
                            transactions.create_once(&new, since).await?
                        }
                    };
                    if has_ended(&made) {
                        return Ok(made);
                    }
                    last = Some(made);
                }
                Next::Revise(patch) => {
                    let Some(open) = &last else { break };
                    last = match transactions.update(&open.id, &patch).await {
                        Ok(revised) => Some(revised),
                        // It was paid or canceled meanwhile.
                        Err(error) if error.code() == Some("transaction_immutable") => {
                            let found = transactions.get(&open.id).await?;
                            let reason = found
                                .as_ref()
                                .and_then(|found| next::ended(found, next::Again::No));
                            match reason {
                                Some(reason) => return Err(Stop::Ended(reason)),
                                None => found,
                            }
                        }
                        Err(error) => return Err(error.into()),
                    };
                }
                Next::Keep => break,
            }
        }
        last.ok_or_else(|| {
            Stop::Failed(Reaction::Wait("the transaction changes while it is looked at".to_owned()))
        })
    }

    /// What a lost answer is looked up by. It stands in `custom_data`, where buyers can read it.
    fn request_key(&self, job_id: &str) -> String {
        let mut hash = Sha256::new();
        for part in [self.0.account_name.as_str(), job_id] {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        format!("checkout-{}", hex::encode(digest.get(..16).unwrap_or_default()))
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

fn has_ended(transaction: &Transaction) -> bool {
    next::ended(transaction, next::Again::No).is_some()
}

/// Checkouts are made by Paddle, and nobody said how it is reached.
pub(super) fn no_paddle() -> Parked {
    not_possible(
        "there is no access to Paddle's API: set PADDLE_API_KEY (`SyncBuilder::checkouts`)",
    )
}

/// A checkout that is as it should be in Paddle.
struct Made {
    lead: Lead,
    transaction: Transaction,
    known: CheckoutKnown,
    reason: Reason,
    is_shown: bool,
    signed: bool,
}

impl Made {
    /// What the deal is told, and what is kept.
    fn planned(
        self,
        sync: &Sync,
        row: KnownRow,
        before: &CheckoutKnown,
    ) -> Result<Planned, StoreError> {
        let lead = self.lead.id;
        let mut effects = Vec::new();
        if !self.is_shown {
            let value = Value::Text(self.known.url.clone());
            let fields = vec![FieldValue { field: Field::CheckoutUrl, value }];
            let update = LeadUpdate { lead, stage: None, price: None, fields };
            effects.push(PlannedEffect::new("update_lead", update));
        }
        let told = match self.reason {
            Reason::CheckoutMade => Some(Text::CheckoutLink),
            Reason::CheckoutRevised => Some(Text::CheckoutRevised),
            _ => None,
        };
        if let Some(told) = told {
            let values = Values::new()
                .set(Placeholder::Link, self.known.url.as_str())
                .set(Placeholder::Plan, next::names(&self.transaction))
                .set(Placeholder::Transaction, self.transaction.id.as_str());
            let note = NoteDraft { lead, text: sync.0.texts.render(told, &values) };
            effects.push(PlannedEffect::new("note:checkout", note));
        }
        let rung = if self.signed { Rung::Signed } else { Rung::LeadId };
        // We made it for this deal: that needs no confirmation when it is paid.
        let links = vec![crate::store::link(self.transaction.id.as_str(), lead, rung.as_str())];
        let known = if self.known == *before {
            Vec::new()
        } else {
            vec![KnownRow { state: text(&self.known)?, ..row }]
        };
        let plan = Plan { reasons: vec![self.reason], effects, documents: Vec::new() };
        Ok(Planned::Act(plan, Learned { links, known }))
    }
}
