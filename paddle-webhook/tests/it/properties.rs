//! What holds for every input.

use std::time::Duration;

use paddle_webhook::{
    Amount, Currency, CustomData, Environment, Event, Money, SecretKey, TransactionId, Verifier,
    VerifyError, sign,
};
use proptest::{collection::vec, prelude::*};
use time::OffsetDateTime;

const CODES: [&str; 5] = ["USD", "JPY", "VND", "CLP", "XTS"];

fn code() -> impl Strategy<Value = &'static str> {
    prop::sample::select(CODES.to_vec())
}

/// Half of all tries near the edges and near zero, where mistakes live.
fn minor() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        -1_000_i64..1_000,
        (i64::MAX - 1_000)..=i64::MAX,
        i64::MIN..(i64::MIN + 1_000)
    ]
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::new(code).unwrap())
}

/// How a person writes it, by moving the point through the digits of an `i128`.
fn decimal_oracle(minor: i64, decimals: usize) -> String {
    let mut digits = i128::from(minor).to_string().replace('-', "");
    if decimals > 0 {
        while digits.len() <= decimals {
            digits.insert(0, '0');
        }
        digits.insert(digits.len() - decimals, '.');
    }
    if minor < 0 { format!("-{digits}") } else { digits }
}

fn decimals(code: &str) -> Option<usize> {
    match code {
        "USD" | "VND" => Some(2),
        "JPY" | "CLP" => Some(0),
        _ => None,
    }
}

fn secret() -> SecretKey {
    SecretKey::new("pdl_ntfset_01example_Wq3+x/7").unwrap()
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

/// JSON of any shape, a little deep.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
        "[0-9]{0,22}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..6)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_sum_is_written_as_the_oracle_writes_it(minor in minor(), code in code()) {
        let want = decimals(code).map(|decimals| decimal_oracle(minor, decimals));
        prop_assert_eq!(money(minor, code).to_decimal(), want.clone());
        let shown = want.map_or(format!("{minor} minor units of {code}"), |decimal| format!("{decimal} {code}"));
        prop_assert_eq!(money(minor, code).to_string(), shown);
    }

    #[test]
    fn whole_units_are_the_nearest_and_ties_go_away_from_zero(minor in minor(), code in code()) {
        let want = decimals(code).map(|decimals| {
            let scale = 10_i128.pow(u32::try_from(decimals).unwrap());
            let doubled = i128::from(minor) * 2;
            let away = if minor < 0 { -scale } else { scale };
            i64::try_from((doubled + away) / (scale * 2)).unwrap()
        });
        prop_assert_eq!(money(minor, code).to_units(), want);
    }

    #[test]
    fn sums_are_those_of_wide_integers_or_none(a in minor(), b in minor(), left in code(), right in code()) {
        let same = left == right;
        let sum = i64::try_from(i128::from(a) + i128::from(b)).ok().filter(|_| same);
        let difference = i64::try_from(i128::from(a) - i128::from(b)).ok().filter(|_| same);
        prop_assert_eq!(money(a, left).checked_add(money(b, right)).map(|sum| sum.minor()), sum);
        prop_assert_eq!(money(a, left).checked_sub(money(b, right)).map(|difference| difference.minor()), difference);
    }

    #[test]
    fn parts_sum_to_the_whole_and_are_at_most_a_unit_off(
        minor in minor(),
        weights in vec(prop_oneof![any::<u64>(), 0_u64..10], 0..9),
    ) {
        let total: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
        let Some(parts) = money(minor, "EUR").split(&weights) else {
            prop_assert_eq!(total, 0);
            return Ok(());
        };
        prop_assert_eq!(parts.len(), weights.len());
        prop_assert_eq!(parts.iter().map(|part| i128::from(part.minor())).sum::<i128>(), i128::from(minor));
        for (part, &weight) in parts.iter().zip(&weights) {
            // The exact part lies between its two neighbours, so truncation is at most one unit away from it.
            let exact = i128::from(minor) * i128::from(weight) / total;
            prop_assert!((i128::from(part.minor()) - exact).abs() <= 1);
            prop_assert!(weight > 0 || part.is_zero());
            prop_assert!(i128::from(part.minor()) * i128::from(minor) >= 0, "no part against the sign of the whole");
        }
    }

    #[test]
    fn an_amount_reads_what_it_writes(minor in any::<i64>()) {
        let json = serde_json::to_string(&Amount::new(minor)).unwrap();
        prop_assert_eq!(&json, &format!("\"{minor}\""));
        prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), Amount::new(minor));
        prop_assert_eq!(serde_json::from_str::<Amount>(&minor.to_string()).unwrap(), Amount::new(minor));
    }

    #[test]
    fn any_text_is_an_id_and_stays_itself(text in "\\PC{0,60}") {
        let id = TransactionId::from(text.as_str());
        prop_assert_eq!(id.as_str(), &text);
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(serde_json::from_str::<TransactionId>(&json).unwrap(), id);
    }

    #[test]
    fn what_was_signed_verifies(body in vec(any::<u8>(), 0..300), seconds in 0_i64..200_000_000_000) {
        let header = sign(&secret(), &body, at(seconds)).to_string();
        let verifier = Verifier::new(secret());
        let verified = verifier.verify_at(header.as_bytes(), &body, at(seconds)).unwrap();
        prop_assert_eq!(verified.body(), &body);
        prop_assert_eq!(verified.signed_at(), at(seconds));
    }

    #[test]
    fn a_changed_bit_of_the_body_does_not_verify(mut body in vec(any::<u8>(), 1..300), byte in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let header = sign(&secret(), &body, at(1_800_000_000)).to_string();
        let byte = byte.index(body.len());
        body[byte] ^= 1_u8 << bit;
        let result = Verifier::new(secret()).verify_at(header.as_bytes(), &body, at(1_800_000_000));
        prop_assert_eq!(result.unwrap_err(), VerifyError::Mismatch);
    }

    #[test]
    fn a_changed_byte_of_the_header_does_not_verify(byte in 0_usize..80, other in any::<u8>()) {
        let mut header = sign(&secret(), b"{}", at(1_800_000_000)).to_string().into_bytes();
        prop_assume!(byte < header.len() && header[byte] != other);
        header[byte] = other;
        let verifier = Verifier::new(secret()).dangerous_accept_any_age().max_ahead(Duration::MAX);
        let accepted = verifier.verify_at(&header, b"{}", at(1_800_000_000)).is_ok();
        prop_assert!(!accepted);
    }

    #[test]
    fn no_header_verifies_what_was_not_signed(header in vec(any::<u8>(), 0..200), body in vec(any::<u8>(), 0..50)) {
        prop_assert!(Verifier::new(secret()).verify_at(&header, &body, at(1_800_000_000)).is_err());
    }

    #[test]
    fn no_header_of_the_right_form_verifies_what_was_not_signed(
        header in "(ts=[0-9]{0,13}|h1=[0-9a-f]{62,65}|h1=[^;]{0,5}|h2=[a-f]{0,5}|[a-z;= ]{0,3})(;(ts=1800000000|h1=[0-9a-f]{64}|;)){0,10}",
    ) {
        let result = Verifier::new(secret()).verify_at(header.as_bytes(), b"{}", at(1_800_000_000));
        let kept_quiet = matches!(
            result,
            Err(VerifyError::MissingHeader | VerifyError::MalformedHeader | VerifyError::Mismatch)
        );
        prop_assert!(kept_quiet, "{:?}", result);
    }

    #[test]
    fn age_is_exactly_the_difference(signed in 0_i64..4_000_000_000, now in 0_i64..4_000_000_000, past in 0_u64..4_000_000_000, ahead in 0_u64..4_000_000_000) {
        let header = sign(&secret(), b"{}", at(signed)).to_string();
        let verifier = Verifier::new(secret()).max_age(Duration::from_secs(past)).max_ahead(Duration::from_secs(ahead));
        let distance = Duration::from_secs(now.abs_diff(signed));
        let want = if now >= signed && distance.as_secs() > past {
            Err(VerifyError::Expired { age: distance })
        } else if now < signed && distance.as_secs() > ahead {
            Err(VerifyError::InTheFuture { ahead: distance })
        } else {
            Ok(())
        };
        prop_assert_eq!(verifier.verify_at(header.as_bytes(), b"{}", at(now)).map(drop), want);
    }

    #[test]
    fn any_bytes_are_an_event_or_an_error(body in vec(any::<u8>(), 0..300)) {
        let _ = Event::from_trusted(&body, Environment::Live);
    }

    #[test]
    fn any_data_of_any_type_is_read_or_an_error_within_data(data in json(), event_type in prop::sample::select(paddle_webhook::EventType::NAMED.to_vec())) {
        let body = serde_json::json!({
            "event_id": "evt_1", "event_type": event_type.as_str(), "occurred_at": "2026-03-01T12:00:00Z", "data": data,
        });
        let event = Event::from_trusted(body.to_string().as_bytes(), Environment::Live).unwrap();
        prop_assert_eq!(event.raw_data(), data.to_string());
        if let Err(error) = event.data() {
            prop_assert!(error.path().starts_with("data"));
            prop_assert_eq!(error.event_type(), &event_type);
        }
    }

    #[test]
    fn custom_data_of_any_json_answers_every_question(data in json(), key in "[a-z_]{0,8}") {
        let custom: CustomData = serde_json::from_value(data.clone()).unwrap();
        let value = data.as_object().and_then(|fields| fields.get(&key)).filter(|value| !value.is_null());
        prop_assert_eq!(custom.get(&key).is_some(), value.is_some());
        prop_assert_eq!(custom.bool(&key).is_some(), value.is_some_and(|value| value.is_boolean() || value == "true" || value == "false"));
        let number = match value {
            None => Ok(None),
            Some(serde_json::Value::Number(number)) => number.as_u64().map(Some).ok_or(()),
            Some(serde_json::Value::String(text)) if text.is_empty() => Ok(None),
            Some(serde_json::Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().map(Some).map_err(|_| ()),
            Some(_) => Err(()),
        };
        prop_assert_eq!(custom.u64(&key).map_err(drop), number);
    }
}
