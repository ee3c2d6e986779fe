//! Headers as they come, and headers nobody should send. Each row is a sentence: what the header is, and what
//! becomes of it.

use std::time::Duration;

use paddle_webhook::{Environment, InvalidSecret, SecretKey, Verifier, VerifyError, sign};
use time::{OffsetDateTime, macros::datetime};

const SECRET: &str = "pdl_ntfset_01example_Wq3+x/7";
const BODY: &[u8] = br#"{"event_id":"evt_1"}"#;
const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
const TS: i64 = NOW.unix_timestamp();

fn secret() -> SecretKey {
    SecretKey::new(SECRET).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new(secret())
}

/// The MAC over any text in the place of `ts`, made with the primitive alone.
fn h1_over(ts: &[u8], body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(ts);
    mac.update(b":");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn check(header: &[u8]) -> Result<(), VerifyError> {
    verifier().verify_at(header, BODY, NOW).map(drop)
}

#[test]
fn the_header_table() {
    let good = h1_over(TS.to_string().as_bytes(), BODY);
    let other = "ab".repeat(32);
    let ok = Ok(());
    let malformed = Err(VerifyError::MalformedHeader);
    let mismatch = Err(VerifyError::Mismatch);
    let with_ts = |ts: &str| format!("ts={ts};h1={}", h1_over(ts.as_bytes(), BODY));
    let decade = 3_652 * 86_400;

    let rows: Vec<(&str, String, Result<(), VerifyError>)> = vec![
        ("one valid h1 is accepted", format!("ts={TS};h1={good}"), ok.clone()),
        (
            "two h1, the valid one first, as in a rotation, are accepted",
            format!("ts={TS};h1={good};h1={other}"),
            ok.clone(),
        ),
        (
            "two h1, the valid one last, are accepted",
            format!("ts={TS};h1={other};h1={good}"),
            ok.clone(),
        ),
        (
            "the eighth of eight h1 is looked at",
            format!("ts={TS};{}h1={good}", format!("h1={other};").repeat(7)),
            ok.clone(),
        ),
        (
            "the ninth h1 is not looked at",
            format!("ts={TS};{}h1={good}", format!("h1={other};").repeat(8)),
            mismatch.clone(),
        ),
        ("h1 before ts is accepted", format!("h1={good};ts={TS}"), ok.clone()),
        ("an unknown key is ignored", format!("ts={TS};h1={good};h2={other}"), ok.clone()),
        ("an unknown key without a value is ignored", format!("ts={TS};v2;h1={good}"), ok.clone()),
        ("empty pairs are ignored", format!(";ts={TS};;h1={good};"), ok.clone()),
        ("blanks around pairs are ignored", format!(" ts={TS} ;\th1={good} "), ok.clone()),
        (
            "a malformed h1 beside a valid one is skipped",
            format!("ts={TS};h1=dummy;h1={good}"),
            ok.clone(),
        ),
        (
            "ts ten years ahead is from the future",
            with_ts(&(TS + decade).to_string()),
            Err(VerifyError::InTheFuture { ahead: Duration::from_secs(decade.unsigned_abs()) }),
        ),
        (
            "ts ten years ago is expired",
            with_ts(&(TS - decade).to_string()),
            Err(VerifyError::Expired { age: Duration::from_secs(decade.unsigned_abs()) }),
        ),
        ("ts of letters is malformed", with_ts("abc"), malformed.clone()),
        (
            "ts with something behind it is malformed",
            with_ts(&format!("{TS}junk")),
            malformed.clone(),
        ),
        ("ts with a fraction is malformed", with_ts(&format!("{TS}.0")), malformed.clone()),
        ("ts with a plus sign is malformed", with_ts(&format!("+{TS}")), malformed.clone()),
        ("ts with a minus sign is malformed", with_ts(&format!("-{TS}")), malformed.clone()),
        ("ts with a leading zero is malformed", with_ts(&format!("0{TS}")), malformed.clone()),
        ("ts with an underscore is malformed", with_ts("1_772_366_400"), malformed.clone()),
        ("ts in Arabic digits is malformed", with_ts("١٧٧٢٣٦٦٤٠٠"), malformed.clone()),
        ("ts with a blank before it is malformed", with_ts(&format!(" {TS}")), malformed.clone()),
        ("ts of 5,000 digits is malformed", with_ts(&"1".repeat(5_000)), malformed.clone()),
        (
            "ts of 12 digits beyond the calendar is malformed",
            with_ts("999999999999"),
            malformed.clone(),
        ),
        ("ts of i64::MIN is malformed", with_ts("-9223372036854775808"), malformed.clone()),
        ("ts of u64::MAX is malformed", with_ts("18446744073709551615"), malformed.clone()),
        ("an empty ts is malformed", with_ts(""), malformed.clone()),
        ("ts twice is malformed", format!("ts={TS};ts={TS};h1={good}"), malformed.clone()),
        ("no ts is malformed", format!("h1={good}"), malformed.clone()),
        ("no h1 is malformed", format!("ts={TS}"), malformed.clone()),
        ("only an unknown scheme is malformed", format!("ts={TS};h2={good}"), malformed.clone()),
        ("keys in upper case are unknown", format!("TS={TS};H1={good}"), malformed.clone()),
        ("commas do not separate", format!("ts={TS},h1={good}"), malformed.clone()),
        (
            "an h1 with something behind an equals sign is refused",
            format!("ts={TS};h1={good}=x"),
            mismatch.clone(),
        ),
        (
            "an h1 cut to 16 bytes is refused",
            format!("ts={TS};h1={}", &good[..32]),
            mismatch.clone(),
        ),
        (
            "an h1 that is one digit too long is refused",
            format!("ts={TS};h1={good}0"),
            mismatch.clone(),
        ),
        ("an empty h1 is refused", format!("ts={TS};h1="), mismatch.clone()),
        (
            "an h1 in upper case is refused",
            format!("ts={TS};h1={}", good.to_uppercase()),
            mismatch.clone(),
        ),
        ("an h1 with a blank in it is refused", format!("ts={TS};h1= {good}"), mismatch.clone()),
        (
            "an h1 of letters beyond ASCII is refused",
            format!("ts={TS};h1={}", "é".repeat(32)),
            mismatch.clone(),
        ),
        (
            "the right h1 under another ts is refused",
            format!("ts={};h1={good}", TS + 1),
            mismatch.clone(),
        ),
        ("an empty header is missing", String::new(), Err(VerifyError::MissingHeader)),
        ("a blank header is missing", "  ".to_owned(), Err(VerifyError::MissingHeader)),
    ];
    for (row, header, want) in rows {
        assert_eq!(check(header.as_bytes()), want, "{row}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_without_panic() {
    assert_eq!(check(b"ts=\xff\xfe;h1=\x80"), Err(VerifyError::MalformedHeader));
    let mut header = format!("ts={TS};h1=").into_bytes();
    header.extend([0xff; 64]);
    assert_eq!(check(&header), Err(VerifyError::Mismatch));
}

#[test]
fn every_prefix_of_a_valid_signature_is_refused() {
    let good = h1_over(TS.to_string().as_bytes(), BODY);
    for length in 0..64 {
        let header = format!("ts={TS};h1={}", &good[..length]);
        assert_eq!(check(header.as_bytes()), Err(VerifyError::Mismatch), "{length} digits");
    }
}

#[test]
fn both_limits_are_the_last_second_that_is_accepted() {
    let header = sign(&secret(), BODY, NOW).to_string();
    let at = |seconds: i64| {
        let now = NOW + time::Duration::seconds(seconds);
        verifier()
            .max_ahead(Duration::from_secs(60))
            .verify_at(header.as_bytes(), BODY, now)
            .map(drop)
    };
    assert_eq!(at(300), Ok(()));
    assert_eq!(at(301), Err(VerifyError::Expired { age: Duration::from_secs(301) }));
    assert_eq!(at(-60), Ok(()));
    assert_eq!(at(-61), Err(VerifyError::InTheFuture { ahead: Duration::from_secs(61) }));

    let by_default =
        verifier().verify_at(header.as_bytes(), BODY, NOW - time::Duration::seconds(300));
    assert!(by_default.is_ok());
    let by_default =
        verifier().verify_at(header.as_bytes(), BODY, NOW - time::Duration::seconds(301));
    assert_eq!(
        by_default.unwrap_err(),
        VerifyError::InTheFuture { ahead: Duration::from_secs(301) }
    );
}

#[test]
fn age_is_judged_only_after_authenticity() {
    let forged = format!("ts=1;h1={}", "ab".repeat(32));
    assert_eq!(check(forged.as_bytes()), Err(VerifyError::Mismatch));
}

#[test]
fn any_age_still_needs_a_signature_and_a_past() {
    let lenient = verifier().dangerous_accept_any_age();
    let old = sign(&secret(), BODY, OffsetDateTime::UNIX_EPOCH).to_string();
    assert!(lenient.verify_at(old.as_bytes(), BODY, NOW).is_ok());
    assert_eq!(lenient.verify_at(old.as_bytes(), b"{}", NOW).unwrap_err(), VerifyError::Mismatch);
    let ahead = sign(&secret(), BODY, NOW + time::Duration::days(1)).to_string();
    assert!(matches!(
        lenient.verify_at(ahead.as_bytes(), BODY, NOW),
        Err(VerifyError::InTheFuture { .. })
    ));
}

#[test]
fn the_clock_of_the_machine_is_the_clock_of_verify() {
    #[expect(clippy::disallowed_methods, reason = "the point of this test")]
    let now = OffsetDateTime::now_utc();
    let header = sign(&secret(), BODY, now).to_string();
    assert!(verifier().verify(header.as_bytes(), BODY).is_ok());
    let old = sign(&secret(), BODY, now - time::Duration::hours(1)).to_string();
    assert!(matches!(verifier().verify(old.as_bytes(), BODY), Err(VerifyError::Expired { .. })));
}

#[test]
fn a_signed_time_before_1970_is_1970() {
    let header = sign(&secret(), BODY, datetime!(1969-12-31 0:00 UTC));
    assert!(header.to_string().starts_with("ts=0;h1="));
}

#[test]
fn a_body_that_is_no_text_verifies_and_is_no_event() {
    let body = b"\xff\xfe\x00";
    let header = sign(&secret(), body, NOW).to_string();
    let verifier = verifier();
    let verified = verifier.verify_at(header.as_bytes(), body, NOW).unwrap();
    assert_eq!(verified.body(), body);
    assert_eq!(verified.signed_at(), NOW);
    assert!(verified.parse().is_err());
}

#[test]
fn bodies_that_differ_by_one_byte_do_not_verify() {
    let body = "{\"name\":\"\\u00dc\"}";
    let header = sign(&secret(), body.as_bytes(), NOW).to_string();
    for other in [
        "{\"name\":\"Ü\"}",
        "{\"name\": \"\\u00dc\"}",
        "{\"name\":\"\\u00dc\"}\n",
        "\u{feff}{\"name\":\"\\u00dc\"}",
    ] {
        let result = verifier().verify_at(header.as_bytes(), other.as_bytes(), NOW);
        assert_eq!(result.unwrap_err(), VerifyError::Mismatch, "{other}");
    }
}

#[test]
fn the_secret_that_matched_is_known() {
    let old = || SecretKey::new("old").unwrap().label("old one");
    let new = || SecretKey::new("new").unwrap().environment(Environment::Sandbox);
    let verifier = Verifier::with_secrets([old(), new()]).unwrap();
    for (secret, label, environment) in
        [(old(), Some("old one"), Environment::Live), (new(), None, Environment::Sandbox)]
    {
        let header = sign(&secret, BODY, NOW).to_string();
        let verified = verifier.verify_at(header.as_bytes(), BODY, NOW).unwrap();
        assert_eq!(verified.secret_label(), label);
        assert_eq!(verified.environment(), environment);
    }

    // Signed with both, as during a rotation: the one that was given first.
    let both = format!(
        "{};{}",
        sign(&new(), BODY, NOW),
        sign(&old(), BODY, NOW).to_string().replace(&format!("ts={TS};"), "")
    );
    let verified = verifier.verify_at(both.as_bytes(), BODY, NOW).unwrap();
    assert_eq!(verified.secret_label(), Some("old one"));
}

#[test]
fn texts_that_are_no_secret_are_refused_by_name() {
    for (text, want) in [
        ("", InvalidSecret::Blank),
        (" \t\r\n", InvalidSecret::Blank),
        ("pdl_ntfset_1\n", InvalidSecret::LineBreak),
        ("pdl_ntfset_1\r\n", InvalidSecret::LineBreak),
        ("pdl_ntfset_1\u{2028}", InvalidSecret::LineBreak),
        (" pdl_ntfset_1", InvalidSecret::Whitespace),
        ("pdl ntfset_1", InvalidSecret::Whitespace),
        ("pdl\tntfset_1", InvalidSecret::Whitespace),
        ("pdl_ntfset_1\u{a0}", InvalidSecret::Whitespace),
        ("\"pdl_ntfset_1\"", InvalidSecret::Quote),
        ("'pdl_ntfset_1'", InvalidSecret::Quote),
        ("pdl_ntfset_1”", InvalidSecret::Quote),
        ("pdl\0ntfset_1", InvalidSecret::Control),
        ("pdl_ntfset_1\u{7f}", InvalidSecret::Control),
        ("\u{feff}pdl_ntfset_1", InvalidSecret::Invisible),
        ("pdl_ntfset_1\u{200b}", InvalidSecret::Invisible),
    ] {
        assert_eq!(SecretKey::new(text).unwrap_err(), want, "{text:?}");
    }
    for text in ["x", "pdl_ntfset_01hs_GrOW+vm/tj", "pdl_ntf_01=", "geheim-ß"] {
        assert!(SecretKey::new(text).is_ok(), "{text}");
    }
}

#[test]
fn a_verifier_needs_secrets_that_belong_to_one_environment_each() {
    assert_eq!(Verifier::with_secrets([]).unwrap_err(), InvalidSecret::NoSecret);
    let live = || SecretKey::new("a").unwrap();
    let sandbox = live().environment(Environment::Sandbox);
    assert_eq!(
        Verifier::with_secrets([live(), sandbox]).unwrap_err(),
        InvalidSecret::TwoEnvironments
    );
    assert!(Verifier::with_secrets([live(), live()]).is_ok());
}
