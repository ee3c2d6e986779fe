//! What a person asks and does: where an event belongs, what it would do, and what was done.

use std::iter;

use kommo_client::{LeadId, Priority};
use paddle_webhook::{Environment, Event};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Sync,
    jobs::{self, Job},
    outcome, parse,
    reading::Found,
};
use crate::{
    decide::{self, Decision},
    error::StoreError,
    failure::Reaction,
    link::{self, References, Rung},
    outcome::{Outcome, ParkReason, Parked},
    plan::{Plan, Reason},
    store::{EventRow, EventState},
};

/// As many parked events are looked through when a person links one of them.
const PARKED: usize = 10_000;

/// What an event would do, without doing it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preview {
    /// It would be ignored.
    Ignored(Reason),
    /// It would be parked.
    Parked(Parked),
    /// It would write this.
    Plan {
        /// The deal.
        lead: LeadId,
        /// The rules that answer, and the writes.
        plan: Plan,
        /// The same for people, one line for each difference, for example `price 0 → 599`.
        changes: Vec<String>,
    },
    /// Kommo cannot be asked now.
    Unavailable(String),
}

/// An event that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ParkedEvent {
    /// Paddle's event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// What is wrong, and the way out.
    pub parked: Parked,
}

/// One chapter of what happened to a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Chapter {
    /// Paddle's event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// What became of it; none while it is open.
    pub outcome: Option<Outcome>,
    /// Why its last attempt did not end it.
    pub last_error: Option<String>,
}

impl Sync {
    /// Says that an event, or all of a Paddle transaction, subscription or customer, belongs to this deal.
    ///
    /// It is remembered for the transaction and its subscription, of which it overrules everything else that could tell the
    /// deal, and for the customer, of whom it is believed where a sale does not say itself where it belongs. What was
    /// paid of the sale counts for this deal from now on. What is parked of all of them is opened again, but for what waits for the word that something did not happen (`unconfirmed`); the answer is
    /// which events that were.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn link(
        &self,
        event_or_entity: &str,
        lead: LeadId,
    ) -> Result<Vec<String>, StoreError> {
        let account = self.0.account;
        let entities = match self.0.store.event(account, event_or_entity).await? {
            Some(row) => entities_of(&row),
            None => self.sale_of(event_or_entity).await?,
        };
        let person = |entity: &String| crate::store::link(entity, lead, Rung::Person.as_str());
        self.link_and_move(entities.iter().map(person).collect(), lead, None).await?;
        let mut opened = Vec::new();
        for row in self.0.store.parked(account, PARKED).await? {
            let concerned = entities_of(&row).iter().any(|id| entities.contains(id));
            // Resuming such an event says that something did not happen, which was not asked here.
            let is_asked = matches!(outcome(&row), Ok(Outcome::Parked(parked)) if parked.reason == ParkReason::Unconfirmed);
            if concerned && !is_asked && self.resume(&row.event_id).await? {
                opened.push(row.event_id);
            }
        }
        Ok(opened)
    }

    /// The newest parked events, with what is wrong and the way out.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn parked(&self, limit: usize) -> Result<Vec<ParkedEvent>, StoreError> {
        let rows = self.0.store.parked(self.0.account, limit).await?;
        let parked = |row: EventRow| match outcome(&row)? {
            Outcome::Parked(parked) => Ok(ParkedEvent {
                event_id: row.event_id,
                event_type: row.kind,
                occurred_at: row.occurred_at,
                parked,
            }),
            _ => Err(StoreError::Corrupt("outcome")),
        };
        rows.into_iter().map(parked).collect()
    }

    /// What this event would do now, without storing or writing anything.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn preview(&self, event: &Event) -> Result<Preview, StoreError> {
        let Ok(data) = event.data() else {
            let parked = Parked::new(crate::ParkReason::UnexpectedShape, "its data cannot be read");
            return Ok(Preview::Parked(parked));
        };
        if let Some(reason) = decide::not_real(event, &data, &self.0.config) {
            return Ok(Preview::Ignored(reason));
        }
        let mut stored = self.read_stored(event, &data).await?;
        let mut decision = decide::decide(
            event,
            &data,
            &stored.known,
            self.rules(event.environment()),
            self.now(),
        );
        if decision == Decision::NeedsDeal {
            let is_history = crate::history::is_made(event.id().as_str());
            let priority = if is_history { Priority::Low } else { Priority::Normal };
            match self.find_deal(&mut stored, priority).await? {
                Found::Deal(deal, _) => stored.known.deal = Some(*deal),
                Found::Test => return Ok(Preview::Ignored(Reason::MarkedTest)),
                Found::Parked(parked) => return Ok(Preview::Parked(parked)),
                Found::Failed(Reaction::Park(parked) | Reaction::ParkLater(parked)) => {
                    return Ok(Preview::Parked(parked));
                }
                Found::Failed(
                    Reaction::Retry(why) | Reaction::Wait(why) | Reaction::Queue(why),
                ) => {
                    return Ok(Preview::Unavailable(why));
                }
                Found::Failed(Reaction::Pause(pause)) => {
                    return Ok(Preview::Unavailable(pause.code().to_owned()));
                }
            }
            decision = decide::decide(
                event,
                &data,
                &stored.known,
                self.rules(event.environment()),
                self.now(),
            );
        }
        Ok(match (decision, stored.known.deal) {
            (Decision::Act { plan, .. }, Some(deal)) => {
                let changes = self.changes(&plan, &deal, &stored.known.account.zone).await;
                Preview::Plan { lead: deal.lead, plan, changes }
            }
            (Decision::Park(parked), _) => Preview::Parked(parked),
            (Decision::Ignore(reason), _) => Preview::Ignored(reason),
            (Decision::Act { .. } | Decision::NeedsDeal, _) => {
                return Err(StoreError::Corrupt("decision"));
            }
        })
    }

    /// What happened to a deal, the oldest first: every event with what became of it and why, and after it the
    /// jobs that it asked for.
    ///
    /// `id` is the id of the deal, or of a Paddle transaction, subscription or customer that belongs to one.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn explain(&self, id: &str) -> Result<Vec<Chapter>, StoreError> {
        let links = self.0.store.links(self.0.account, &[id]).await?;
        let of_deal = |lead| iter::once(link::lane(lead)).chain(jobs::lanes(lead));
        let mut lanes: Vec<String> = links.iter().flat_map(|row| of_deal(row.lead)).collect();
        match id.parse() {
            Ok(lead) => lanes.extend(of_deal(LeadId::new(lead))),
            Err(_) => lanes.push(id.to_owned()),
        }
        // What has no deal waits with all that its customer has.
        lanes.extend(self.customer_of(id).await?.filter(|_| links.is_empty()));
        let mut story = Vec::new();
        for lane in lanes {
            for row in self.0.store.history(self.0.account, &lane, PARKED).await? {
                story.push(Chapter {
                    outcome: if row.state == EventState::Open {
                        None
                    } else {
                        Some(outcome(&row)?)
                    },
                    event_id: row.event_id,
                    event_type: row.kind,
                    occurred_at: row.occurred_at,
                    last_error: row.last_error,
                });
            }
        }
        story.sort_by_key(|chapter| chapter.occurred_at);
        Ok(story)
    }

    async fn customer_of(&self, entity: &str) -> Result<Option<String>, StoreError> {
        Ok(self.whose(entity).await?.customer)
    }

    /// A Paddle entity with the subscription and the customer that it is of.
    async fn sale_of(&self, entity: &str) -> Result<Vec<String>, StoreError> {
        let Whose { subscription, customer } = self.whose(entity).await?;
        Ok(iter::once(entity.to_owned()).chain(subscription).chain(customer).collect())
    }

    async fn whose(&self, entity: &str) -> Result<Whose, StoreError> {
        let row = self.0.store.known(self.0.account, entity).await?;
        Ok(if row.state.is_empty() { Whose::default() } else { parse(&row.state)? })
    }
}

/// The part of what is known of a transaction or a subscription that says whose it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Whose {
    subscription: Option<String>,
    customer: Option<String>,
}

/// The Paddle entities that a stored event or job belongs to.
fn entities_of(row: &EventRow) -> Vec<String> {
    if let Some(job) = Job::of(row) {
        return job.entities().to_vec();
    }
    let Ok(event) = Event::from_trusted(&row.payload, Environment::Live) else { return Vec::new() };
    let Ok(data) = event.data() else { return Vec::new() };
    References::of_event(&event, &data).entities().into_iter().map(str::to_owned).collect()
}
