//! Every vector of `signature-vectors.json` gets its verdict.

use std::time::Duration;

use paddle_webhook::{SecretKey, Verifier, VerifyError};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::shared;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    secrets: Vec<String>,
    header: Option<String>,
    body: String,
    verdict: String,
    now: i64,
    /// Missing: the default. Null: none.
    #[serde(default, deserialize_with = "some")]
    tolerance: Option<Option<u64>>,
}

fn some<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn word(result: &Result<(), VerifyError>) -> &'static str {
    match result {
        Ok(()) => "valid",
        Err(VerifyError::MissingHeader) => "missing",
        Err(VerifyError::MalformedHeader) => "malformed",
        Err(VerifyError::Mismatch) => "mismatch",
        Err(VerifyError::Expired { .. }) => "stale",
        Err(VerifyError::InTheFuture { .. }) => "from the future",
        Err(_) => "something new",
    }
}

#[test]
fn every_vector_gets_its_verdict() {
    let Some(text) = shared::text("fixtures/paddle/signature-vectors.json") else { return };
    let Vectors { vectors } = serde_json::from_str(&text).unwrap();
    assert_eq!(vectors.len(), 27);

    for vector in vectors {
        let secrets = vector.secrets.iter().map(|secret| SecretKey::new(secret.as_str()).unwrap());
        let verifier = Verifier::with_secrets(secrets).unwrap();
        let verifier = match vector.tolerance {
            None => verifier.max_age(Duration::from_secs(5)),
            Some(None) => verifier.dangerous_accept_any_age(),
            Some(Some(seconds)) => {
                let limit = Duration::from_secs(seconds);
                verifier.max_age(limit).max_ahead(limit)
            }
        };
        let now = OffsetDateTime::from_unix_timestamp(vector.now).unwrap();
        let header = vector.header.unwrap_or_default();
        let got = verifier.verify_at(header.as_bytes(), vector.body.as_bytes(), now).map(drop);

        // Where the SDKs disagree, these are our verdicts.
        let want = match (vector.verdict.as_str(), vector.name.as_str()) {
            ("policy", "generated: ts in the future") => "from the future",
            ("policy", "generated: h1 before ts") => "valid",
            ("policy", "generated: unknown scheme present") => "valid",
            ("policy", "generated: upper-case hex") => "mismatch",
            (verdict, _) => verdict,
        };
        assert_eq!(word(&got), want, "{}", vector.name);
    }
}
