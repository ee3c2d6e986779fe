//! Test data that others made.

use hmac::{Hmac, KeyInit, Mac};
use paddle_webhook::{
    CustomData, Customer, Environment, Event, EventData, SecretKey, Verifier, VerifyError, sign,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

use crate::{
    forward::{envelope, read, written},
    shared,
};

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wycheproof {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    tag_size: usize,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    tc_id: usize,
    key: String,
    msg: String,
    tag: String,
    result: String,
}

#[test]
fn wycheproof_agrees_with_the_primitive() {
    let Some(text) = shared::text("corpora/wycheproof-hmac-sha256.json") else { return };
    let vectors: Wycheproof = serde_json::from_str(&text).unwrap();
    let mut agreed = 0;
    for group in &vectors.test_groups {
        for test in &group.tests {
            let mut mac =
                Hmac::<sha2::Sha256>::new_from_slice(&hex::decode(&test.key).unwrap()).unwrap();
            mac.update(&hex::decode(&test.msg).unwrap());
            let tag = mac.finalize().into_bytes();
            let valid = hex::decode(&test.tag).unwrap() == tag[..group.tag_size / 8];
            assert_eq!(valid, test.result == "valid", "test {}", test.tc_id);
            agreed += 1;
        }
    }
    assert_eq!(agreed, 174);
    assert_eq!(vectors.number_of_tests, 174);
}

/// The tags are made for messages without a timestamp, so the verifier is asked about its own: the first bytes of a
/// MAC are a valid HMAC to whoever truncates, and nothing to the verifier.
#[test]
fn no_tag_of_wycheproof_and_no_truncated_tag_verifies() {
    let Some(text) = shared::text("corpora/wycheproof-hmac-sha256.json") else { return };
    let vectors: Wycheproof = serde_json::from_str(&text).unwrap();
    for group in &vectors.test_groups {
        for test in &group.tests {
            let body = hex::decode(&test.msg).unwrap();
            let secret = || SecretKey::new(format!("k{}", test.key)).unwrap();
            let verifier = Verifier::new(secret());
            let at = NOW.unix_timestamp();
            let header = format!("ts={at};h1={}", test.tag);
            assert_eq!(
                verifier.verify_at(header.as_bytes(), &body, NOW).unwrap_err(),
                VerifyError::Mismatch,
                "test {}",
                test.tc_id
            );

            let header = sign(&secret(), &body, NOW).to_string();
            assert!(
                verifier.verify_at(header.as_bytes(), &body, NOW).is_ok(),
                "test {}",
                test.tc_id
            );
            let truncated = &header[..header.len() - 32];
            assert_eq!(
                verifier.verify_at(truncated.as_bytes(), &body, NOW).unwrap_err(),
                VerifyError::Mismatch,
                "test {}",
                test.tc_id
            );
        }
    }
}

#[test]
fn naughty_strings_go_through_every_text() {
    let Some(text) = shared::text("corpora/naughty-strings.json") else { return };
    let strings: Vec<String> = serde_json::from_str(&text).unwrap();
    assert_eq!(strings.len(), 515);
    let complete: Value = serde_json::from_str(include_str!("fixtures/complete.json")).unwrap();
    for naughty in &strings {
        let mut data = complete["customer.updated"].clone();
        for key in ["id", "name", "email", "locale", "status"] {
            data[key] = json!(naughty);
        }
        data["custom_data"] = json!({ naughty.as_str(): naughty });
        let body = json!({
            "data": data, "event_id": format!("evt_{naughty}"), "event_type": "customer.updated",
            "occurred_at": "2026-03-01T12:00:00Z", "notification_id": naughty,
        })
        .to_string();

        let header = sign(&SecretKey::new("k").unwrap(), body.as_bytes(), NOW).to_string();
        let verifier = Verifier::new(SecretKey::new("k").unwrap());
        let event =
            verifier.verify_at(header.as_bytes(), body.as_bytes(), NOW).unwrap().parse().unwrap();
        assert_eq!(event.id().as_str(), format!("evt_{naughty}"));
        assert_eq!(event.notification_id().unwrap().as_str(), naughty);
        let data = event.data().unwrap();
        let customer: &Customer = data.customer().unwrap();
        assert_eq!(customer.id.as_str(), naughty);
        assert_eq!(customer.name.as_deref(), Some(naughty.as_str()));
        assert_eq!(customer.email.as_deref(), Some(naughty.as_str()));
        assert_eq!(customer.status.as_str(), naughty);
        assert_eq!(customer.custom_data.text(naughty).as_deref(), Some(naughty.as_str()));
        let _ = customer.custom_data.u64(naughty);

        // As a type of event, as a secret, as a header, as a body, as custom data.
        let mut renamed: Value = serde_json::from_str(&body).unwrap();
        renamed["event_type"] = json!(naughty);
        match Event::from_trusted(renamed.to_string().as_bytes(), Environment::Live) {
            Ok(event) => assert!(matches!(event.data(), Ok(EventData::Unknown(_))), "{naughty:?}"),
            Err(_) => assert!(naughty.is_empty(), "{naughty:?}"),
        }
        let _ = SecretKey::new(naughty.as_str());
        assert!(verifier.verify_at(naughty.as_bytes(), body.as_bytes(), NOW).is_err());
        assert!(Event::from_trusted(naughty.as_bytes(), Environment::Live).is_err());
        let _ = serde_json::from_str::<CustomData>(naughty);
    }
}

/// The places of texts that may be any text: no number, moment or currency, and nothing within custom data.
fn texts(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let is_moment = OffsetDateTime::parse(text, &Rfc3339).is_ok();
            let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
            if !is_moment && !is_number {
                found.push(path.to_owned());
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{path}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            let is_free = |key: &str| key != "custom_data" && !key.ends_with("currency_code");
            for (key, value) in fields.iter().filter(|(key, _)| is_free(key)) {
                texts(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn naughty_strings_go_through_every_text_of_every_entity() {
    let Some(text) = shared::text("corpora/naughty-strings.json") else { return };
    let strings: Vec<String> = serde_json::from_str(&text).unwrap();
    let complete: Map<String, Value> =
        serde_json::from_str(include_str!("fixtures/complete.json")).unwrap();
    let mut places = 0;
    for (event_type, data) in &complete {
        let mut found = Vec::new();
        texts(data, "", &mut found);
        places += found.len();
        // An empty text is the same as none, and an id is not none.
        for naughty in strings.iter().filter(|naughty| !naughty.is_empty()) {
            let mut body = envelope(event_type, data.clone());
            for path in &found {
                *body["data"].pointer_mut(path).unwrap() = json!(naughty);
            }
            let data =
                read(&body).unwrap_or_else(|error| panic!("{event_type} {naughty:?}: {error}"));
            let written = written(&data);
            for path in &found {
                // A filter of a report with one value is a list of one.
                let became = written.pointer(path).unwrap();
                let same = *became == json!(naughty) || *became == json!([naughty]);
                assert!(same, "{event_type}{path}: {naughty:?} became {became}");
            }
        }
    }
    assert!(places > 150, "{places}");
}

/// Lines are `number:valid:text`, `number:valid hex:bytes` and `number:invalid hex:bytes:…`. Whatever the bytes are,
/// they are signed and verified; an event they are only where they are text.
#[test]
fn valid_and_invalid_utf8_in_signed_bodies() {
    let Some(text) = shared::text("corpora/utf8tests.txt") else { return };
    let secret = || SecretKey::new("k").unwrap();
    let verifier = Verifier::new(secret());
    let (mut valid_ones, mut invalid_ones) = (0, 0);
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let parts: Vec<&str> = line.split(':').collect();
        let bytes = match parts[1].trim() {
            "valid" => parts[2].as_bytes().to_vec(),
            _ => hex::decode(parts[2].replace(' ', "")).unwrap(),
        };
        let is_valid = parts[1].trim().starts_with("valid");
        // JSON wants these escaped, which is another matter.
        let is_json_text = !bytes.iter().any(|&byte| byte < b' ' || byte == b'"' || byte == b'\\');

        let mut body =
            br#"{"event_id":"evt_1","event_type":"x","occurred_at":"2026-03-01T12:00:00Z","data":{"text":""#.to_vec();
        body.extend(&bytes);
        body.extend(b"\"}}");
        let header = sign(&secret(), &body, NOW).to_string();
        let verified = verifier.verify_at(header.as_bytes(), &body, NOW).unwrap();
        assert_eq!(verified.parse().is_ok(), is_valid && is_json_text, "{line}");
        match is_valid {
            true => valid_ones += 1,
            false => invalid_ones += 1,
        }
    }
    assert!(valid_ones > 50 && invalid_ones > 50, "{valid_ones} valid, {invalid_ones} invalid");
}
