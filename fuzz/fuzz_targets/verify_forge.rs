//! A header and a body made from a real pair: it verifies only where both are what was signed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use paddle_webhook::{SecretKey, Verifier, sign};
use time::OffsetDateTime;

static SECRET: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::new("not-in-the-corpus").unwrap());
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    Verifier::new(SecretKey::new("not-in-the-corpus").unwrap()).dangerous_accept_any_age()
});

// The input is a header and a body with a line break between them; where the header has `h1=?`, the MAC of another body
// stands in its place, so that the fuzzer gets as near to a valid header as anybody can.
fuzz_target!(|input: &[u8]| {
    let now = OffsetDateTime::from_unix_timestamp(1_772_366_400).unwrap();
    let mut halves = input.splitn(2, |&byte| byte == b'\n');
    let (Some(header), Some(body)) = (halves.next(), halves.next()) else { return };

    let signed_body = b"{\"signed\":true}";
    let genuine = sign(&SECRET, signed_body, now).to_string();
    let mac = genuine.split("h1=").nth(1).unwrap();
    let header = String::from_utf8_lossy(header).replace("h1=?", &format!("h1={mac}"));

    let accepted = VERIFIER.verify_at(header.as_bytes(), body, now).is_ok();
    if accepted {
        assert_eq!(body, signed_body);
        assert!(header.contains("ts=1772366400"));
    }
    // And what was signed is never refused.
    let header = sign(&SECRET, body, now).to_string();
    assert!(VERIFIER.verify_at(header.as_bytes(), body, now).is_ok());
});
