//! The transaction in Paddle: made once, and revised until it is what is wished for.

use paddle_webhook::Transaction;
use sha2::{Digest as _, Sha256};

use super::make::Stop;
use crate::{
    checkout::{
        next::{self, Next},
        wish::Wish,
    },
    engine::Sync,
    failure::Reaction,
    paddle,
    store::Claimed,
};

/// A transaction may change under our hands: somebody pays while we revise it. More often than this it is not our day.
const ROUNDS: usize = 4;

impl Sync {
    /// Makes or revises the transaction until it is what is wished for. Any step may have been done by an attempt before,
    /// whose answer was lost.
    pub(super) async fn bring_about(
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
}

pub(super) fn has_ended(transaction: &Transaction) -> bool {
    next::ended(transaction, next::Again::No).is_some()
}
