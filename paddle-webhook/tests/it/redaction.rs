//! What `Debug` and `Display` print, as a whole.

use std::error::Error;

use paddle_webhook::{CustomData, Environment, Event, SecretKey, Verifier, sign};
use time::macros::datetime;

const SECRET: &str = "pdl_ntfset_01example_Wq3+x/7";
const CANARIES: [&str; 4] = ["jo@example.com", "Jo Brown", "4242", "s3cret-value"];

const BODY: &str = r#"{"data":{"id":"ctm_1","name":"Jo Brown","email":"jo@example.com","status":"active","custom_data":{"k":"s3cret-value"}},
"event_id":"evt_1","event_type":"customer.created","occurred_at":"2026-03-01T12:00:00Z","notification_id":"ntf_1"}"#;

fn event(body: &str) -> Event {
    Event::from_trusted(body.as_bytes(), Environment::Live).unwrap()
}

fn assert_clean(text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
    assert!(!text.contains(SECRET), "{text}");
}

/// The error and all its causes, as a logger prints them.
fn chain(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error} {error:?}");
        cause = error.source();
    }
    text
}

#[test]
fn secrets_are_not_printed() {
    let secret = || SecretKey::new(SECRET).unwrap().label("live").environment(Environment::Live);
    assert_eq!(format!("{:?}", secret()), "SecretKey([redacted])");
    assert_eq!(format!("{:#?}", secret()), "SecretKey([redacted])");
    let verifier = Verifier::new(secret());
    assert_eq!(
        format!("{verifier:?}"),
        "Verifier { secrets: 1, max_age: Some(300s), max_ahead: 300s }"
    );
    for text in ["s3cret-value\n", "s3cret-value\"", "\0s3cret-value"] {
        assert_clean(&chain(&SecretKey::new(text).unwrap_err()));
    }
}

#[test]
fn payloads_are_not_printed() {
    let now = datetime!(2026-03-01 12:00 UTC);
    let secret = || SecretKey::new(SECRET).unwrap().label("live");
    let header = sign(&secret(), BODY.as_bytes(), now).to_string();
    let verifier = Verifier::new(secret());
    let verified = verifier.verify_at(header.as_bytes(), BODY.as_bytes(), now).unwrap();
    assert_eq!(
        format!("{verified:?}"),
        format!(
            "Verified {{ body: [{} bytes], signed_at: 2026-03-01 12:00:00.0 +00:00:00, environment: Live, secret_label: Some(\"live\") }}",
            BODY.len()
        )
    );

    let parsed = verified.parse().unwrap();
    assert_eq!(
        format!("{parsed:?}"),
        "Event { id: EventId(\"evt_1\"), event_type: CustomerCreated, occurred_at: 2026-03-01 12:00:00.0 +00:00:00, environment: Live, .. }"
    );
    assert_eq!(
        format!("{:?}", parsed.data().unwrap()),
        "CustomerCreated(Customer { id: CustomerId(\"ctm_1\"), .. })"
    );
    assert_clean(&format!("{:#?}", parsed.data().unwrap()));

    let unknown = event(&BODY.replace("customer.created", "brand.new"));
    assert_eq!(
        format!("{:?}", unknown.data().unwrap()),
        "Unknown(UnknownEvent { event_type: Unknown(UnknownValue(\"brand.new\")), .. })"
    );
}

#[test]
fn parts_that_tell_of_a_person_are_not_printed() {
    let body = BODY.replace("customer.created", "transaction.completed").replace(
        r#""id":"ctm_1""#,
        r#""id":"txn_1","payments":[{"method_details":{"type":"card","card":{"type":"visa","last4":"4242","cardholder_name":"Jo Brown"},"paypal":{"email":"jo@example.com"},"south_korea_local_card":{"last4":"4242"}}}],
        "billing_details":{"additional_information":"s3cret-value"}"#,
    );
    let data = event(&body).data().unwrap();
    let transaction = data.transaction().unwrap();
    assert_eq!(transaction.payments.len(), 1);
    assert_clean(&format!(
        "{transaction:?} {:?} {:?}",
        transaction.payments, transaction.billing_details
    ));
    assert_eq!(format!("{:?}", transaction.custom_data), "CustomData([redacted])");
    assert_eq!(format!("{:?}", CustomData::default()), "CustomData(null)");
    assert_eq!(format!("{:?}", transaction.custom_data.get("k").unwrap()), "Text([redacted])");
}

#[test]
fn errors_do_not_quote_what_they_stumbled_over() {
    // serde_json's own message for these quotes the value.
    for (good, bad) in [
        (r#""email":"jo@example.com""#, r#""marketing_consent":"jo@example.com""#),
        (
            r#""email":"jo@example.com""#,
            r#""marketing_consent":", expected Jo Brown at line 4242 column jo@example.com""#,
        ),
        (r#""status":"active""#, r#""created_at":"Jo Brown""#),
        (r#""status":"active""#, r#""import_meta":4242"#),
        (r#""name":"Jo Brown""#, r#""name":{"jo@example.com":1}"#),
    ] {
        let error = event(&BODY.replace(good, bad)).data().unwrap_err();
        assert_clean(&chain(&error));
        assert_eq!(error.event_id().as_str(), "evt_1");
    }
    for bad in [
        r#"{"event_id":{"jo@example.com":1}}"#,
        r#"{"event_id":4242}"#,
        r#""jo@example.com""#,
        r#"{"event_id":"evt_1","occurred_at":"Jo Brown"}"#,
        r#"{"jo@example.com"#,
    ] {
        assert_clean(&chain(&Event::from_trusted(bad.as_bytes(), Environment::Live).unwrap_err()));
    }
}
