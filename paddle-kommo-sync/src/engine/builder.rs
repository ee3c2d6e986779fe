use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use kommo_client::Client;
use tokio::sync::{Notify, Semaphore};

use super::{
    Inner, LANES, LANES_PER_ITEM, Sync, at_work::AtWork, checkout::Checkouts, failures::Failures,
    health::Health, memory, pacer::StorePacer,
};
use crate::{
    apply::{Bundler, TURN},
    cache::Cache,
    clock::{Clock, SystemClock},
    config::Config,
    deal_ref::DealRefKey,
    documents::DocumentSource,
    error::StoreError,
    link::CustomerLookup,
    paddle::{self, TransactionLookup},
    store::Store,
    texts::{InvalidTemplate, Texts},
};

/// How long a lost answer may still become true in Kommo: the client's time-out and as much again, rounded up.
const SETTLE: Duration = Duration::from_secs(60);

/// How long the body of an event that has ended is kept.
const KEEP: Duration = Duration::from_secs(30 * 86_400);

/// Kommo recommends it: larger requests tend to end in a 504.
const BATCH: NonZeroUsize = NonZeroUsize::new(50).unwrap();

/// The most that Kommo takes in one request.
const MOST: usize = 250;

/// So many documents may be on their way at once. More would not be faster: each takes five requests to Kommo.
const DOCUMENTS: usize = 32;

/// So many events may wait for a look-up at once. Others that need one come again; those that need none have room.
const LOOKUPS: usize = 32;

/// Makes a [`Sync`].
#[derive(Debug)]
pub struct SyncBuilder {
    kommo: Client,
    store: Arc<dyn Store>,
    account: String,
    config: Config,
    deal_ref_keys: Vec<DealRefKey>,
    clock: Arc<dyn Clock>,
    customers: Option<Arc<dyn CustomerLookup>>,
    transactions: Option<Arc<dyn TransactionLookup>>,
    documents: Option<Arc<dyn DocumentSource>>,
    checkouts: Option<paddle::Client>,
    settle: Duration,
    keep: Duration,
    batch: NonZeroUsize,
}

impl SyncBuilder {
    pub(super) fn new(kommo: Client, store: Arc<dyn Store>) -> Self {
        Self {
            kommo,
            store,
            account: "default".to_owned(),
            config: Config::default(),
            deal_ref_keys: Vec::new(),
            clock: Arc::new(SystemClock),
            customers: None,
            transactions: None,
            documents: None,
            checkouts: None,
            settle: SETTLE,
            keep: KEEP,
            batch: BATCH,
        }
    }

    /// The rules; the defaults stand with [`Config`].
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// The name under which the store keeps this Kommo account: needed when several share one store. The markers of
    /// notes and tasks depend on it, so it must not change.
    #[must_use]
    pub fn account(self, name: impl Into<String>) -> Self {
        Self { account: name.into(), ..self }
    }

    /// Who tells the e-mail address of a Paddle customer. Without it, only `customer.*` events do.
    #[must_use]
    pub fn customers(self, lookup: impl CustomerLookup) -> Self {
        Self { customers: Some(Arc::new(lookup)), ..self }
    }

    /// Who tells what a Paddle transaction says of its deal. Without it, a refund of a transaction that was never seen finds
    /// its deal only by its customer.
    #[must_use]
    pub fn transactions(self, lookup: impl TransactionLookup) -> Self {
        Self { transactions: Some(Arc::new(lookup)), ..self }
    }

    /// Everything that Paddle's API can be asked for: [`customers`](Self::customers), [`transactions`](Self::transactions),
    /// [`documents`](Self::documents) and [`checkouts`](Self::checkouts). The key needs the permissions `customer.read`,
    /// `transaction.read` and `adjustment.read`; for checkouts also `customer.write` and `transaction.write`.
    #[must_use]
    pub fn paddle(self, client: paddle::Client) -> Self {
        self.customers(client.clone())
            .transactions(client.clone())
            .documents(client.clone())
            .checkouts(client)
    }

    /// Where the PDFs of invoices and credit notes come from. With it, and unless [`Config::invoices`] says otherwise, they
    /// are attached to the deal.
    #[must_use]
    pub fn documents(self, source: impl DocumentSource) -> Self {
        Self { documents: Some(Arc::new(source)), ..self }
    }

    /// Paddle's API for checkout links: see [`Sync::checkout`]. Its key needs the permissions `transaction.read`,
    /// `transaction.write`, `customer.read` and `customer.write`.
    #[must_use]
    pub fn checkouts(self, paddle: paddle::Client) -> Self {
        Self { checkouts: Some(paddle), ..self }
    }

    /// The keys of signed references to deals, the newest first. With at least one, an unsigned `kommo_lead_id` is only
    /// a hint: see [`UnsignedLinks`](crate::UnsignedLinks).
    #[must_use]
    pub fn deal_ref_keys(self, keys: impl IntoIterator<Item = DealRefKey>) -> Self {
        Self { deal_ref_keys: keys.into_iter().collect(), ..self }
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// How long after a lost answer a note or task is looked for in Kommo before it is sent again. 60 seconds;
    /// shorter than the client's time-out means duplicates.
    #[must_use]
    pub fn settle_time(self, settle: Duration) -> Self {
        Self { settle, ..self }
    }

    /// How long the bodies of events that have ended are kept; 30 days. Their ids and what became of them are kept for ever,
    /// so that an event that comes again is known.
    #[must_use]
    pub fn keep_payloads(self, keep: Duration) -> Self {
        Self { keep, ..self }
    }

    /// How many deals, notes or tasks share one request to Kommo at the most: 50, which is what Kommo recommends, up to
    /// 250, which is what it takes (its page "Limitations"). A request for more than one is only made of what waits
    /// anyway; after a 504 the next ones are smaller for a while.
    #[must_use]
    pub fn batch_size(self, items: NonZeroUsize) -> Self {
        Self { batch: items, ..self }
    }

    /// Checks the texts, and opens the account in the store.
    ///
    /// # Errors
    ///
    /// When one of the operator's own texts is not right, or the store fails.
    pub async fn build(self) -> Result<Sync, BuildError> {
        let texts = Texts::new(self.config.language, &self.config.templates)
            .map_err(BuildError::Template)?;
        let account = self.store.account(&self.account).await.map_err(BuildError::Store)?;
        let knows_from = memory::open(&*self.store, account, self.clock.now())
            .await
            .map_err(BuildError::Store)?;
        let health = Arc::new(Health::default());
        let pacer = StorePacer {
            store: Arc::clone(&self.store),
            account,
            health: Arc::clone(&health),
            clock: Arc::clone(&self.clock),
        };
        let kommo = self.kommo.paced_by(Arc::new(pacer));
        Ok(Sync(Arc::new(Inner {
            writing: kommo.with_longest_wait(TURN),
            kommo,
            bundler: Bundler::new(self.batch),
            lanes: self.batch.get().min(MOST).saturating_mul(LANES_PER_ITEM).max(LANES),
            store: self.store,
            account,
            account_name: self.account,
            config: self.config,
            texts,
            deal_ref_keys: self.deal_ref_keys.into(),
            clock: self.clock,
            customers: self.customers,
            transactions: self.transactions,
            documents: self.documents,
            documents_at_once: Semaphore::new(DOCUMENTS),
            lookups_at_once: Semaphore::new(LOOKUPS),
            checkouts: Checkouts::new(self.checkouts),
            cache: Cache::default(),
            settle: self.settle,
            knows_from,
            keep: self.keep,
            broken: Notify::new(),
            wake: Notify::new(),
            health,
            at_work: AtWork::default(),
            failures: Failures::default(),
        })))
    }
}

/// A [`Sync`] cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// One of the operator's own texts is not right.
    #[error("a template cannot be used")]
    Template(#[source] InvalidTemplate),
    /// The store fails.
    #[error("the store cannot open the account")]
    Store(#[source] StoreError),
}
