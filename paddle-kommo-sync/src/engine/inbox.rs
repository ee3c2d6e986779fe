//! The receiving side: a delivery is put on disk, with the lane that it belongs to and what it teaches at once.

use std::sync::Arc;

use paddle_webhook::{Environment, Event, EventData, EventType, Verified};
use sha2::{Digest as _, Sha256};

use super::{Sync, text};
use crate::{
    decide,
    error::StoreError,
    failure::chain,
    link::{References, Rung, Rungs, Trust},
    outcome::{Accepted, Outcome, ParkReason, Parked},
    store::{LinkRow, NewEvent, Put, Rank},
};

impl Sync {
    /// Makes a delivery durable, and returns at once: the 200 to Paddle may leave. [`run`](Self::run) does the rest.
    ///
    /// A body that is authentic, but not an event, is kept as well: Paddle would send it again for three days, and it
    /// would still not be one. So is one that says something else under the id of an event that was taken in before: the
    /// first one counts, and a person should know.
    ///
    /// # Errors
    ///
    /// When it could not be stored. Answer 503: Paddle delivers again.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the delivery may or may not have been stored; another delivery is harmless.
    pub async fn accept(&self, delivery: &Verified<'_>) -> Result<Accepted, StoreError> {
        match delivery.parse() {
            Ok(event) => {
                let data = event.data();
                if !has_usual_ids(&event, data.as_ref().ok()) {
                    return self.put_unreadable(delivery, "its ids are none of Paddle's").await;
                }
                match self.put_with(&event, data.ok().as_ref()).await? {
                    Accepted::Duplicate if self.is_another(&event).await? => {
                        let why = format!(
                            "{} was delivered before with other contents, which count",
                            event.id()
                        );
                        self.put_unreadable(delivery, &why).await
                    }
                    accepted => Ok(accepted),
                }
            }
            Err(error) => self.put_unreadable(delivery, &chain(&error)).await,
        }
    }

    pub(super) async fn put(&self, event: &Event) -> Result<Accepted, StoreError> {
        self.put_with(event, event.data().ok().as_ref()).await
    }

    /// Puts an event with its data, where that can be read.
    async fn put_with(
        &self,
        event: &Event,
        data: Option<&EventData>,
    ) -> Result<Accepted, StoreError> {
        let mut new = NewEvent {
            event_id: event.id().as_str().to_owned(),
            kind: event.event_type().as_str().to_owned(),
            lane: event.id().as_str().to_owned(),
            sandbox: event.environment() == Environment::Sandbox,
            occurred_at: event.occurred_at(),
            received_at: self.now(),
            rank: rank(event),
            payload: event.body().as_bytes().to_vec(),
            links: Vec::new(),
        };
        let (store, account) = (&self.0.store, self.0.account);
        let put = match data {
            Some(data) => {
                let references = References::of_event(event, data);
                let is_real = decide::not_real(event, data, &self.0.config).is_none();
                let asked = references.clone();
                // Not this `Sync`: a store must not be the one that holds itself last.
                let (keys, unsigned) =
                    (Arc::clone(&self.0.deal_ref_keys), self.0.config.unsigned_links);
                let place = move |stored: &[LinkRow]| {
                    let trust = Trust { keys: &keys, account: None, unsigned };
                    // What names its deal teaches that at once: a refund may be worked on before its payment.
                    if let (true, Rungs::Found(lead, rung @ Rung::LeadId)) =
                        (is_real, references.answer(stored, trust))
                    {
                        new.links = references.links(lead, rung);
                    }
                    new.lane = references.lane(stored, trust, &new.event_id);
                    new
                };
                store.put_placed(account, &asked.entities(), Box::new(place)).await?
            }
            // A shape that we do not understand is found again when it is worked on, and told then.
            None => store.put(account, &new).await?,
        };
        self.0.wake.notify_one();
        let is_new = put == Put::New;
        tracing::debug!(event_id = %event.id(), event_type = %event.event_type(), is_new, "taken in");
        Ok(if is_new { Accepted::New } else { Accepted::Duplicate })
    }

    /// Whether what is stored under the id of this event happened otherwise. A replay has another `notification_id`, and no
    /// more.
    async fn is_another(&self, event: &Event) -> Result<bool, StoreError> {
        let row = self.0.store.event(self.0.account, event.id().as_str()).await?;
        let Some(first) = row.map(|row| row.payload).filter(|first| !first.is_empty()) else {
            return Ok(false);
        };
        if first == event.body().as_bytes() {
            return Ok(false);
        }
        let Ok(first) = Event::from_trusted(&first, event.environment()) else { return Ok(false) };
        let data = |event: &Event| serde_json::from_str::<serde_json::Value>(event.raw_data()).ok();
        Ok((first.event_type(), first.occurred_at()) != (event.event_type(), event.occurred_at())
            || data(&first) != data(event))
    }

    async fn put_unreadable(
        &self,
        delivery: &Verified<'_>,
        why: &str,
    ) -> Result<Accepted, StoreError> {
        // The same bytes are the same delivery; there is no other name for them.
        let digest = Sha256::digest(delivery.body());
        let name = digest
            .iter()
            .take(16)
            .fold("body_".to_owned(), |name, byte| format!("{name}{byte:02x}"));
        let now = self.now();
        let event = NewEvent {
            lane: name.clone(),
            event_id: name,
            kind: ParkReason::Unreadable.code().to_owned(),
            sandbox: delivery.environment() == Environment::Sandbox,
            occurred_at: delivery.signed_at(),
            received_at: now,
            rank: Rank::Usual,
            payload: delivery.body().to_vec(),
            links: Vec::new(),
        };
        let parked = Outcome::Parked(Parked::new(ParkReason::Unreadable, why));
        self.0.store.put_parked(self.0.account, &event, &text(&parked)?).await?;
        tracing::warn!(
            event_id = event.event_id,
            reason = "unreadable",
            detail = why,
            "parked: needs a person"
        );
        Ok(Accepted::Unreadable)
    }
}

/// Whether every store can keep the names of this event. Paddle's are some 30 characters of ASCII.
fn has_usual_ids(event: &Event, data: Option<&EventData>) -> bool {
    const LONGEST: usize = 255;
    let is_usual = |id: &str| id.len() <= LONGEST && !id.contains('\0');
    let are_usual =
        |data: &EventData| References::of_event(event, data).entities().into_iter().all(is_usual);
    is_usual(event.id().as_str())
        && is_usual(event.event_type().as_str())
        && data.is_none_or(are_usual)
}

/// A payment is what somebody waits for; for history nobody does.
fn rank(event: &Event) -> Rank {
    match event.event_type() {
        _ if crate::history::is_made(event.id().as_str()) => Rank::History,
        EventType::TransactionCompleted => Rank::Payment,
        _ => Rank::Usual,
    }
}
