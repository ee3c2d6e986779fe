//! What errors say. They are for the operator of a service, so each says what to look at.

use std::time::Duration;

use paddle_webhook::{Currency, InvalidSecret, SecretKey, Verifier, VerifyError};

#[test]
fn every_refused_secret_says_what_to_do() {
    for (secret, kind, want) in [
        ("", InvalidSecret::Blank, "is empty"),
        (" \n", InvalidSecret::Blank, "is empty"),
        ("pdl_x\n", InvalidSecret::LineBreak, "a line break"),
        ("pdl x", InvalidSecret::Whitespace, "a space or tab"),
        ("\"pdl_x\"", InvalidSecret::Quote, "without quotes"),
        ("pdl\u{7}x", InvalidSecret::Control, "a control character"),
        ("\u{feff}pdl_x", InvalidSecret::Invisible, "an invisible character"),
    ] {
        let error = SecretKey::new(secret).unwrap_err();
        assert_eq!(error, kind, "{secret:?}");
        assert!(error.to_string().contains(want), "{error}");
    }
    let error = Verifier::with_secrets([]).unwrap_err();
    assert!(error.to_string().contains("at least one"), "{error}");
    assert!(InvalidSecret::TwoEnvironments.to_string().contains("as live and as sandbox"));
}

#[test]
fn every_refused_delivery_says_what_to_look_at() {
    let age = Duration::from_millis(301_900);
    for (error, want) in [
        (VerifyError::MissingHeader, "no Paddle-Signature header"),
        (VerifyError::MalformedHeader, "malformed Paddle-Signature header"),
        (VerifyError::Mismatch, "wrong secret, or the body is not the bytes that were signed"),
        (VerifyError::Expired { age }, "signed 301 s ago by this clock"),
        (VerifyError::InTheFuture { ahead: age }, "signed 301 s ahead of this clock"),
    ] {
        assert!(error.to_string().contains(want), "{error}");
    }
}

#[test]
fn other_errors_say_what_was_expected() {
    let error = Currency::new("usd").unwrap_err();
    assert_eq!(error.to_string(), "not a currency code: it has three upper-case letters");

    let data: paddle_webhook::CustomData = serde_json::from_str(r#"{"lead":"x"}"#).unwrap();
    let error = data.u64("lead").unwrap_err();
    assert_eq!(error.to_string(), "custom_data key \"lead\" is not a whole number");
}
