//! Checks that any implementation of [`Store`] must pass. They panic with what was broken.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use paddle_kommo_sync::{MemoryStore, conformance};
//!
//! conformance::store(async || MemoryStore::new()).await;
//! # }
//! ```
#![expect(clippy::panic, reason = "this is a test suite")]

mod events;
mod journal;
mod lanes;
mod learned;
mod many;
mod retention;
mod tenants;

use std::{sync::Arc, time::Duration};

use time::{OffsetDateTime, macros::datetime};

use crate::{
    error::StoreError,
    store::{AccountKey, Claim, Claimed, EventState, Finish, Learned, NewEvent, Rank, Store},
};

const START: OffsetDateTime = datetime!(2026-01-15 12:00:00.000_001 UTC);
const LEASE: Duration = Duration::from_secs(60);

/// Checks a store. `empty` makes an empty one; each check has its own.
///
/// # Panics
///
/// When the store breaks the contract of [`Store`].
#[expect(clippy::future_not_send, reason = "a test suite is awaited where it was begun")]
pub async fn store<S: Store>(empty: impl AsyncFn() -> S) {
    events::an_event_is_taken_in_once(&empty().await).await;
    events::an_unreadable_delivery_is_parked(&empty().await).await;
    events::accounts_do_not_see_each_other(&empty().await).await;
    events::a_parked_event_can_be_opened_again(&empty().await).await;
    events::counts_and_ages_are_right(&empty().await).await;
    events::a_lane_has_a_history(&empty().await).await;
    lanes::one_claim_at_a_time(&empty().await).await;
    lanes::a_lane_goes_by_time_then_by_arrival(&empty().await).await;
    lanes::lanes_do_not_wait_for_each_other(&empty().await).await;
    lanes::the_most_urgent_lane_goes_first(&empty().await).await;
    lanes::a_lane_that_waits_is_not_given_out(&empty().await).await;
    lanes::the_longest_waiting_goes_first(&empty().await).await;
    lanes::a_lease_can_be_renewed(&empty().await).await;
    lanes::a_lost_lease_changes_nothing(&empty().await).await;
    lanes::a_lease_ends_with_its_event(&empty().await).await;
    lanes::an_event_moves_to_another_lane(&empty().await).await;
    lanes::a_paused_account_is_not_worked_on(&empty().await).await;
    lanes::a_pause_does_not_stop_what_is_in_hand(&empty().await).await;
    lanes::the_longest_wait_is_kept(&empty().await).await;
    // By three hours, by five days, by seventy years.
    for ahead in [3 * 3_600, 5 * 86_400, 70 * 365 * 86_400] {
        lanes::a_clock_that_was_wrong_stops_nothing_for_ever(&empty().await, ahead).await;
    }
    lanes::strikes_count_claims_without_an_outcome(&empty().await).await;
    lanes::what_ended_two_workers_is_given_out_alone(&empty().await).await;
    journal::effects_keep_their_order_and_states(&empty().await).await;
    journal::a_fact_is_recorded_after_the_lease(&empty().await).await;
    journal::a_fact_stays_one(&empty().await).await;
    journal::a_later_plan_takes_the_place_of_an_earlier_one(&empty().await).await;
    journal::what_is_not_planned_cannot_be_marked(&empty().await).await;
    journal::free_text_may_hold_anything(&empty().await).await;
    learned::links_keep_their_first_rung_unless_a_person_speaks(&empty().await).await;
    learned::knowledge_is_replaced_only_by_who_has_read_it(&empty().await).await;
    learned::an_event_is_placed_by_what_is_linked(&empty().await).await;
    learned::a_delivery_teaches_its_links_once(&empty().await).await;
    learned::a_conflict_changes_nothing(&empty().await).await;
    retention::payloads_go_and_ids_stay(&empty().await).await;
    tenants::no_method_reaches_into_another_account(&empty().await).await;
    tenants::a_noisy_account_does_not_starve_another(&empty().await).await;
    shared(async || {
        let store: Arc<dyn Store> = Arc::new(empty().await);
        [Arc::clone(&store), store]
    })
    .await;
}

/// Checks a store from many tasks at once, through two handles on one database, as two processes would have them.
/// `empty` makes an empty one and opens it twice. [`store`] does the same with one handle.
///
/// # Panics
///
/// When the store breaks the contract of [`Store`].
pub async fn shared(empty: impl AsyncFn() -> [Arc<dyn Store>; 2]) {
    many::two_handles_are_one_store(empty().await).await;
    many::of_many_deliveries_one_is_new(empty().await).await;
    many::of_many_claims_one_is_given_the_lane(empty().await).await;
    many::many_workers_do_everything_once_and_in_order(empty().await).await;
    many::of_many_ends_one_counts(empty().await).await;
    many::of_many_writers_one_has_read_the_newest(empty().await).await;
    many::lanes_may_hand_over_to_each_other(empty().await).await;
}

fn at(seconds: i64) -> OffsetDateTime {
    START.saturating_add(time::Duration::seconds(seconds))
}

fn event(id: &str, lane: &str, occurred: i64) -> NewEvent {
    NewEvent {
        event_id: id.to_owned(),
        kind: "transaction.completed".to_owned(),
        lane: lane.to_owned(),
        sandbox: false,
        occurred_at: at(occurred),
        received_at: at(0),
        rank: Rank::Usual,
        payload: format!("{{\"event_id\":\"{id}\"}}").into_bytes(),
        links: Vec::new(),
    }
}

async fn account(store: &dyn Store) -> AccountKey {
    ok(store.account("default").await)
}

/// Claims the lane of this event, which must be due.
async fn claim(
    store: &dyn Store,
    account: AccountKey,
    event_id: &str,
    now: OffsetDateTime,
) -> Claimed {
    match ok(store.claim_event(account, event_id, now, LEASE).await) {
        Claim::Taken(claimed) => claimed,
        other => panic!("the lane of {event_id} is due, but claiming it says {other:?}"),
    }
}

fn finish(state: EventState, at: OffsetDateTime) -> Finish {
    let outcome = "\"ended\"".to_owned();
    Finish { state, outcome, reason: "deal_gone".to_owned(), learned: Learned::default(), at }
}

fn ok<T>(result: Result<T, StoreError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the store failed: {error:?}"),
    }
}
