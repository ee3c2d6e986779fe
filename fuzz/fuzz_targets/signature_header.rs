//! Any header, on a body that is fixed: no panic, and no more is said of a forgery than that it is one.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use paddle_webhook::{SecretKey, Verifier, VerifyError};
use time::OffsetDateTime;

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(SecretKey::new("not-in-the-corpus").unwrap()));

fuzz_target!(|header: &[u8]| {
    let now = OffsetDateTime::from_unix_timestamp(1_772_366_400).unwrap();
    match VERIFIER.verify_at(header, b"{}", now) {
        Err(VerifyError::MissingHeader) => assert!(header.iter().all(u8::is_ascii_whitespace)),
        Err(VerifyError::MalformedHeader | VerifyError::Mismatch) => {}
        other => panic!("{other:?}"),
    }
});
