//! A call asks for a checkout link, and waits for the answer.

use std::time::Duration;

use kommo_client::LeadId;

use super::{CheckoutCounts, job::CheckoutJob, make::no_paddle};
use crate::{
    checkout::{
        Checkout, CheckoutLink, CheckoutState,
        failure::not_possible,
        known::{CheckoutKnown, entity},
    },
    engine::{Sync, jobs::Job, parse},
    error::StoreError,
    outcome::{LeftOut, Outcome},
    plan::Reason,
    store::EventState,
};

/// How long a call waits for its answer while another worker is at it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(200);

impl Sync {
    /// Gives the checkout link of a deal: makes it, or finds the one that is still open and revises it if something else is
    /// sold now; and writes it to the deal, into the field `checkout_url` and a note.
    ///
    /// It goes the way of every event, as a job: it is on disk before Paddle is asked, so that a call whose answer is lost
    /// makes no second transaction, and what cannot be done now is done later. The wishes of a deal are carried out one
    /// after the other.
    ///
    /// The payment finds its deal by `custom_data`: `kommo_ref`, signed, where
    /// [`deal_ref_keys`](crate::SyncBuilder::deal_ref_keys) are set, else `kommo_lead_id`; `kommo_responsible_id` is whoever
    /// looks after the deal. The buyer is the deal's main contact, as a Paddle customer with the same e-mail address; one
    /// that does not exist yet is made.
    ///
    /// # Errors
    ///
    /// Only when the store fails. Whatever stands in the way in Paddle or Kommo is a [`CheckoutState`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the wish is stored or not; if it is, [`run`](Self::run) carries it out.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(sync: paddle_kommo_sync::Sync) -> Result<(), paddle_kommo_sync::StoreError> {
    /// use kommo_client::LeadId;
    /// use paddle_kommo_sync::{Checkout, CheckoutState};
    ///
    /// match sync.checkout(Checkout::for_lead(LeadId::new(20024930))).await? {
    ///     CheckoutState::Open(link) => println!("pay at {}", link.url),
    ///     CheckoutState::Refused(parked) => println!("not now: {}", parked.detail),
    ///     _ => {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn checkout(&self, checkout: Checkout) -> Result<CheckoutState, StoreError> {
        if self.0.checkouts.paddle.is_none() {
            return Ok(CheckoutState::Refused(no_paddle()));
        }
        let (lead, now) = (checkout.lead, self.now());
        let job = Job::Checkout(CheckoutJob::by_call(checkout, now));
        self.put_job(&job, now, self.is_sandbox()).await?;
        let outcome = self.wait_for(&job.id()).await?;
        self.state(lead, outcome).await
    }

    /// How many checkouts there were since the start of the process.
    #[must_use]
    pub fn checkout_counts(&self) -> CheckoutCounts {
        self.0.checkouts.counts()
    }

    /// Works on the job, or waits while [`run`](Self::run) does.
    async fn wait_for(&self, id: &str) -> Result<Outcome, StoreError> {
        let started = tokio::time::Instant::now();
        loop {
            let outcome = self.finish(id).await?;
            let Outcome::Waiting { .. } = outcome else { return Ok(outcome) };
            let row = self.0.store.event(self.0.account, id).await?;
            // Nobody has come to a result yet, not even to that it has to wait.
            let is_worked_on =
                row.is_some_and(|row| row.state == EventState::Open && row.last_error.is_none());
            let is_paused = self.0.store.paused(self.0.account, self.now()).await?.is_some();
            if !is_worked_on || is_paused || started.elapsed() >= PATIENCE {
                return Ok(outcome);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn state(&self, lead: LeadId, outcome: Outcome) -> Result<CheckoutState, StoreError> {
        let row = self.0.store.known(self.0.account, &entity(lead)).await?;
        let known: CheckoutKnown =
            if row.state.is_empty() { CheckoutKnown::default() } else { parse(&row.state)? };
        let transaction = || known.transaction.clone().ok_or(StoreError::Corrupt("checkout"));
        let open = |left_out: Vec<LeftOut>| -> Result<CheckoutState, StoreError> {
            let link =
                CheckoutLink { transaction: transaction()?, url: known.url.clone(), left_out };
            Ok(CheckoutState::Open(link))
        };
        Ok(match outcome {
            Outcome::Done(done) => open(done.left_out)?,
            Outcome::Ignored { reason: Reason::CheckoutPaid } => {
                CheckoutState::Paid { transaction: transaction()? }
            }
            Outcome::Ignored { reason: Reason::CheckoutCanceled } => {
                CheckoutState::Canceled { transaction: transaction()? }
            }
            Outcome::Ignored { .. } => CheckoutState::Refused(not_possible(
                "Paddle's key is for the sandbox, and nothing of the sandbox is written (`sandbox = \"log\"`)",
            )),
            Outcome::Shadowed { would, .. } => CheckoutState::Shadowed { would },
            Outcome::Waiting { reason, until } => CheckoutState::Waiting { reason, until },
            Outcome::Parked(parked) | Outcome::Refused(parked) => CheckoutState::Refused(parked),
        })
    }
}
