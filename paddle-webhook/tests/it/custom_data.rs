//! `custom_data` is chosen by whoever opens a checkout.

use paddle_webhook::{CustomData, CustomValue};

fn data(json: &str) -> CustomData {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_whole_number_is_one_or_an_error() {
    for (value, want) in [
        ("4711", Ok(Some(4711))),
        ("\"4711\"", Ok(Some(4711))),
        ("\"007\"", Ok(Some(7))),
        ("0", Ok(Some(0))),
        ("18446744073709551615", Ok(Some(u64::MAX))),
        ("\"18446744073709551615\"", Ok(Some(u64::MAX))),
        ("\"\\u0034\"", Ok(Some(4))),
        ("null", Ok(None)),
        ("\"\"", Ok(None)),
        ("18446744073709551616", Err(())),
        ("\"18446744073709551616\"", Err(())),
        ("-1", Err(())),
        ("-0", Err(())),
        ("\"-1\"", Err(())),
        ("\"+1\"", Err(())),
        ("1.0", Err(())),
        ("1e3", Err(())),
        ("1e400", Err(())),
        ("\" 1\"", Err(())),
        ("\"1 \"", Err(())),
        ("\"1_000\"", Err(())),
        ("\"١\"", Err(())),
        ("\"abc\"", Err(())),
        ("\"\\ud800\"", Err(())),
        ("true", Err(())),
        ("[1]", Err(())),
        ("{\"id\":1}", Err(())),
    ] {
        let got = data(&format!("{{\"other\":1,\"lead\":{value}}}")).u64("lead");
        assert_eq!(got.map_err(|error| assert_eq!(error.key(), "lead")), want, "{value}");
    }
}

#[test]
fn a_key_that_occurs_twice_is_nobodys() {
    for json in [
        r#"{"lead":1,"lead":2}"#,
        r#"{"lead":1,"lead":1}"#,
        r#"{"lead":1,"l\u0065ad":2}"#,
        r#"{"lead":null,"lead":2}"#,
    ] {
        let data = data(json);
        assert!(data.u64("lead").is_err(), "{json}");
        assert_eq!(data.get("lead"), None, "{json}");
        assert_eq!(data.text("lead"), None, "{json}");
    }
    assert_eq!(data(r#"{"a":{"lead":1},"lead":2}"#).u64("lead"), Ok(Some(2)));
}

#[test]
fn what_is_no_object_has_no_keys() {
    for json in ["null", "[]", "[{\"lead\":1}]", "\"lead\"", "7", "true"] {
        let data = data(json);
        assert_eq!(data.get("lead"), None, "{json}");
        assert_eq!(data.u64("lead"), Ok(None), "{json}");
        assert_eq!(data.is_null(), json == "null", "{json}");
        assert_eq!(data.raw(), json);
        assert_eq!(serde_json::to_string(&data).unwrap(), json);
    }
    assert_eq!(CustomData::default().raw(), "null");
    assert!(CustomData::default().is_null());
}

#[test]
fn values_keep_their_kind() {
    let data = data(
        r#"{"f":false,"t":"x\né","n":1.50,"b":true,"w":"false","o":{"a": 1},"a":[],"half":"\ud800!","":"empty"}"#,
    );
    assert_eq!(data.get("t"), Some(CustomValue::Text("x\né".to_owned())));
    assert_eq!(data.get("n"), Some(CustomValue::Number("1.50".to_owned())));
    assert_eq!(data.get("b"), Some(CustomValue::Bool(true)));
    assert_eq!(data.get("f"), Some(CustomValue::Bool(false)));
    assert_eq!(data.bool("f"), Some(false));
    assert_eq!(data.get("o"), Some(CustomValue::Json(r#"{"a": 1}"#.to_owned())));
    assert_eq!(data.get("a"), Some(CustomValue::Json("[]".to_owned())));
    assert_eq!(data.get("missing"), None);
    assert_eq!(data.text(""), Some("empty".to_owned()));
    assert_eq!(data.text("n"), Some("1.50".to_owned()));
    assert_eq!(data.text("b"), None);
    assert_eq!(data.text("o"), None);
    assert_eq!(data.bool("b"), Some(true));
    assert_eq!(data.bool("w"), Some(false));
    assert_eq!(data.bool("t"), None);
    assert_eq!(data.bool("n"), None);
    assert!(data.text("half").is_some_and(|text| text.ends_with('!') && text.contains('\u{fffd}')));
}

#[test]
fn strange_keys_do_not_hide_others() {
    let data = data(r#"{"\ud800":1,"\u0000":2,"lead":3}"#);
    assert_eq!(data.u64("lead"), Ok(Some(3)));
    assert_eq!(data.u64("\0"), Ok(Some(2)));
}

#[test]
fn depth_is_no_danger() {
    let deep = format!("{{\"deep\":{}{},\"lead\":1}}", "[".repeat(100_000), "]".repeat(100_000));
    let data = data(&deep);
    assert_eq!(data.u64("lead"), Ok(Some(1)));
    assert!(data.u64("deep").is_err());
}

#[test]
fn equality_is_that_of_the_text() {
    assert_eq!(data(r#"{"a":1}"#), data(r#"{"a":1}"#));
    assert_ne!(data(r#"{"a":1}"#), data(r#"{"a": 1}"#));
    assert_eq!(data("null"), CustomData::default());
}
