//! How often memory is asked for: part of what the crate promises, and the same on every machine.

use std::hint::black_box;

use allocation_counter::measure;
use paddle_webhook::{Environment, Event, SecretKey, Verifier, VerifyError, sign};
use time::{OffsetDateTime, macros::datetime};

use crate::{
    bodies::{self, DataStands},
    shared,
};

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

fn count<T>(run: impl FnOnce() -> T) -> u64 {
    let mut kept = None;
    let info = measure(|| kept = Some(black_box(run())));
    drop(kept);
    info.count_total
}

fn secret(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap().label(text)
}

#[test]
fn verifying_does_not_allocate() {
    let verifier = Verifier::with_secrets([secret("old"), secret("new")]).unwrap();
    for body in [bodies::customer(DataStands::First), bodies::transaction(40, DataStands::First)] {
        let body = body.as_bytes();
        let header = sign(&secret("new"), body, NOW).to_string();
        assert_eq!(count(|| verifier.verify_at(header.as_bytes(), body, NOW).unwrap()), 0);
    }
}

#[test]
fn refusing_does_not_allocate() {
    let verifier = Verifier::new(secret("k"));
    let body = bodies::transaction(40, DataStands::First);
    let body = body.as_bytes();
    let stale = sign(&secret("k"), body, NOW - time::Duration::days(1)).to_string();
    let long = format!("ts={};{}", "1".repeat(5_000), "h1=xyz;".repeat(1_000));
    for header in ["", "ts=abc;h1=y", "ts=1772366400;h1=dummy", &stale, &long] {
        let mut result = Ok(());
        let allocations =
            count(|| result = verifier.verify_at(header.as_bytes(), body, NOW).map(drop));
        assert!(result.is_err());
        assert_eq!(allocations, 0, "{:?}", result.unwrap_err());
    }
    assert!(matches!(
        verifier.verify_at(stale.as_bytes(), body, NOW),
        Err(VerifyError::Expired { .. })
    ));
}

#[test]
fn an_envelope_is_one_allocation() {
    for data_stands in [DataStands::First, DataStands::Last] {
        for body in [
            bodies::customer(data_stands),
            bodies::transaction(3, data_stands),
            bodies::transaction(40, data_stands),
        ] {
            let event = Event::from_trusted(body.as_bytes(), Environment::Live).unwrap();
            assert_eq!(
                count(|| Event::from_trusted(body.as_bytes(), Environment::Live).unwrap()),
                1
            );
            assert_eq!(count(|| event.clone()), 0);
            assert_eq!(count(|| (event.raw_data().len(), event.body().len())), 0);
        }
    }
}

#[test]
fn a_typed_transaction_of_three_items_is_at_most_sixty_allocations() {
    let mut bodies = vec![bodies::transaction(3, DataStands::First)];
    bodies.extend(shared::text("fixtures/paddle/events/transaction.completed.json"));
    for body in bodies {
        let event = Event::from_trusted(body.as_bytes(), Environment::Live).unwrap();
        let allocations = count(|| event.data().unwrap());
        assert!(allocations <= 60, "{allocations} for {} bytes", body.len());
    }
}
