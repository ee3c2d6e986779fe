//! The envelope, and every recorded body.

use std::error::Error;

use paddle_webhook::{Environment, Event, EventData, EventType};
use time::macros::datetime;

use crate::shared;

fn parse(body: &str) -> Event {
    Event::from_trusted(body.as_bytes(), Environment::Live).unwrap()
}

#[test]
fn the_envelope_says_what_it_says() {
    let body = include_str!("fixtures/transaction.completed.json");
    let event = Event::from_trusted(body.as_bytes(), Environment::Sandbox).unwrap();
    assert_eq!(event.id().as_str(), "evt_01jqpaid00000000000000000a");
    assert_eq!(*event.event_type(), EventType::TransactionCompleted);
    assert_eq!(event.occurred_at(), datetime!(2026-03-01 12:00:01.234567 UTC));
    assert_eq!(event.notification_id().unwrap().as_str(), "ntf_01jqpaid00000000000000000b");
    assert_eq!(event.environment(), Environment::Sandbox);
    assert!(!event.is_simulated());
    assert!(!event.is_marked_test());
    assert_eq!(event.body(), body);
    assert!(event.raw_data().starts_with('{') && event.raw_data().ends_with('}'));
    assert!(body.contains(event.raw_data()));
}

#[test]
fn data_is_found_wherever_it_stands_and_whatever_else_does() {
    let rest = r#""event_id":"ntfsimevt_1","event_type":"a.b","occurred_at":"2026-03-01T12:00:00+02:00","new":{"x":[1]}"#;
    for body in [
        format!(r#"{{"data":{{"é":1}},{rest}}}"#),
        format!(r#"  {{{rest} , "data" : {{"é":1}} }}  "#),
        format!("{{{rest},\n\"test\":true,\"notification_id\":null,\"data\":{{\"é\":1}}}}"),
    ] {
        let event = parse(&body);
        assert_eq!(event.raw_data(), r#"{"é":1}"#);
        assert_eq!(event.is_marked_test(), body.contains("test"));
        assert!(event.is_simulated());
        assert!(event.notification_id().is_none());
        assert_eq!(event.occurred_at(), datetime!(2026-03-01 10:00 UTC));
        let EventData::Unknown(unknown) = event.data().unwrap() else { panic!("{body}") };
        assert_eq!(unknown.raw_data(), r#"{"é":1}"#);
        assert_eq!(unknown.event_type().as_str(), "a.b");
    }
}

#[test]
fn only_true_marks_a_test() {
    for (test, want) in
        [("true", true), ("false", false), ("null", false), ("\"yes\"", false), ("{}", false)]
    {
        let body = format!(
            r#"{{"event_id":"e","event_type":"a.b","occurred_at":"2026-03-01T12:00:00Z","data":{{}},"test":{test}}}"#
        );
        assert_eq!(parse(&body).is_marked_test(), want, "{test}");
    }
}

#[test]
fn what_is_no_event_is_a_parse_error() {
    let good =
        r#"{"event_id":"e","event_type":"a.b","occurred_at":"2026-03-01T12:00:00Z","data":{}}"#;
    assert!(Event::from_trusted(good.as_bytes(), Environment::Live).is_ok());
    for (why, body) in [
        ("empty", String::new()),
        ("an array", "[]".to_owned()),
        ("text", "hello-world".to_owned()),
        ("cut off", good[..good.len() - 1].to_owned()),
        ("something behind it", format!("{good} x")),
        ("byte order mark", format!("\u{feff}{good}")),
        ("no id", good.replace("event_id", "id")),
        ("an empty id", good.replace("\"e\"", "\"\"")),
        ("an id that is a number", good.replace("\"e\"", "7")),
        ("no type", good.replace("event_type", "type")),
        ("an empty type", good.replace("a.b", "")),
        ("a type that is null", good.replace("\"a.b\"", "null")),
        ("no time", good.replace("occurred_at", "at")),
        ("a time that is none", good.replace("2026-03-01T12:00:00Z", "yesterday")),
        (
            "a time that leaves the calendar",
            good.replace("2026-03-01T12:00:00Z", "9999-12-31T23:59:59-23:59"),
        ),
        ("no data", good.replace("data", "date")),
        ("an id twice", good.replace('{', r#"{"event_id":"f","#)),
        ("data twice", good.replace('{', r#"{"data":{},"#)),
        ("a key twice, once with an escape", good.replacen('{', r#"{"event\u005ftype":"a.c","#, 1)),
        ("a comma too many", good.replace("{}}", "{},}")),
        ("data that is no JSON", good.replace("{}}", "{\"a\":01}}")),
        (
            "data nested too deeply",
            good.replace("{}", &format!("{}{}", "[".repeat(200), "]".repeat(200))),
        ),
        ("a control character", good.replace("a.b", "a\nb")),
    ] {
        assert!(Event::from_trusted(body.as_bytes(), Environment::Live).is_err(), "{why}");
    }
    assert!(Event::from_trusted(b"{\"event_id\":\"\xff\"}", Environment::Live).is_err());
}

#[test]
fn a_parse_error_says_why() {
    let deep = format!("{{\"data\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for (body, want) in [
        ("[]", "expected an object"),
        ("hello", " at line 1 column 1"),
        ("{\n\"a\":1,}", " at line 2 column 7"),
        (&*deep, "nested too deeply"),
        ("{}", "event_id is missing"),
        (r#"{"event_id":7}"#, "event_id is not text"),
        (r#"{"event_id":"e","event_id":"f"}"#, "event_id is there twice"),
        (r#"{"event_id":"e","event_type":""}"#, "event_type is empty"),
        (
            r#"{"event_id":"e","event_type":"a.b","occurred_at":"now"}"#,
            "occurred_at is not an RFC 3339 timestamp",
        ),
    ] {
        let error = Event::from_trusted(body.as_bytes(), Environment::Live).unwrap_err();
        assert_eq!(error.to_string(), "the body is not a Paddle event");
        let why = error.source().unwrap().to_string();
        assert!(why.ends_with(want), "{why} instead of {want}");
    }
}

#[test]
fn a_key_with_escapes_is_that_key() {
    let event = parse(
        r#"{"event\u005fid":"\u0065","event_type":"a.b","occurred_at":"2026-03-01T12:00:00Z","\ud800":1,"data":{}}"#,
    );
    assert_eq!(event.id().as_str(), "e");
}

#[test]
fn time_keeps_every_digit() {
    for (text, nanosecond) in [
        ("2024-12-03T00:00:00Z", 0),
        ("2024-12-03T00:00:00.1Z", 100_000_000),
        ("2024-12-03T00:00:00.695Z", 695_000_000),
        ("2024-12-03T00:00:00.00704Z", 7_040_000),
        ("2024-12-03T00:00:00.584874645Z", 584_874_645),
    ] {
        let body =
            format!(r#"{{"event_id":"e","event_type":"a.b","occurred_at":"{text}","data":{{}}}}"#);
        assert_eq!(parse(&body).occurred_at().nanosecond(), nanosecond, "{text}");
    }
}

#[test]
fn every_type_has_one_name_and_keeps_it() {
    assert_eq!(EventType::NAMED.len(), 56 + 14);
    for named in EventType::NAMED {
        assert_eq!(EventType::from(named.as_str()), *named);
    }
    assert_eq!(EventType::from("transaction.refunded").as_str(), "transaction.refunded");
}

#[test]
fn every_recorded_body_is_read_with_its_type() {
    let events = shared::events();
    assert!(events.is_empty() || events.len() == 56 + 56 + 14 + 1);
    for (name, body) in events {
        let event = parse(&body);
        let data = event.data().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!matches!(data, EventData::Unknown(_)), "{name}");
        assert_eq!(event.is_simulated(), name.contains("/simulated/"), "{name}");
    }
}

#[test]
fn events_travel_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Event>();
    check::<EventData>();
    check::<paddle_webhook::Verifier>();
    check::<paddle_webhook::DataError>();
    check::<paddle_webhook::ParseError>();
}
