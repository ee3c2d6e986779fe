//! Whatever Paddle leaves out, nulls, renames or adds, a known event is read; and nothing of it is lost.

use std::collections::BTreeSet;

use paddle_webhook::{Environment, Event, EventData};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::shared;

/// Bodies by name: our own, with every field of every entity, and all that were recorded.
fn bodies() -> Vec<(String, Value)> {
    let complete: Map<String, Value> =
        serde_json::from_str(include_str!("fixtures/complete.json")).unwrap();
    let mut bodies = Vec::new();
    for (event_type, data) in &complete {
        bodies.push((format!("complete/{event_type}"), envelope(event_type, data.clone())));
    }
    let transaction = &complete["transaction.completed"];
    let price = transaction["items"][0]["price"].clone();
    let product = transaction["details"]["line_items"][0]["product"].clone();
    bodies.push(("complete/price.created".to_owned(), envelope("price.created", price)));
    bodies.push(("complete/product.created".to_owned(), envelope("product.created", product)));
    for (name, body) in shared::events() {
        bodies.push((name, serde_json::from_str(&body).unwrap()));
    }
    bodies
}

pub(crate) fn envelope(event_type: &str, data: Value) -> Value {
    serde_json::json!({
        "data": data, "event_id": "evt_1", "event_type": event_type, "occurred_at": "2026-03-01T12:00:00Z",
    })
}

pub(crate) fn read(body: &Value) -> Result<EventData, paddle_webhook::DataError> {
    Event::from_trusted(body.to_string().as_bytes(), Environment::Live).unwrap().data()
}

/// The entity as JSON again, whichever it is.
pub(crate) fn written(data: &EventData) -> Value {
    macro_rules! first {
        ($($accessor:ident)+) => {
            $( if let Some(entity) = data.$accessor() { return serde_json::to_value(entity).unwrap(); } )+
        };
    }
    first!(address adjustment api_key api_key_exposure business client_token customer discount discount_group
        payment_method payout price product report subscription transaction);
    panic!("no entity")
}

/// Null, missing, empty text and empty lists are one; instants are compared as instants; one is a list of one.
fn normal(key: &str, value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        value if key == "custom_data" => Some(value.clone()),
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if key == "value" => Some(Value::Array(vec![text.as_str().into()])),
        Value::String(text) => match OffsetDateTime::parse(text, &Rfc3339) {
            Ok(at) => Some(at.unix_timestamp_nanos().to_string().into()),
            Err(_) => Some(value.clone()),
        },
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            Some(items.iter().map(|item| normal("", item).unwrap_or_default()).collect())
        }
        Value::Object(fields) => Some(Value::Object(
            fields
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), normal(key, value)?)))
                .collect(),
        )),
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
    }
}

#[test]
fn nothing_of_a_body_is_lost() {
    for (name, body) in bodies() {
        let data = read(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(normal("", &written(&data)), normal("", &body["data"]), "{name}");
    }
}

/// So that the test above, in a clone of its own, still knows every field.
#[test]
fn our_own_bodies_have_every_field() {
    fn gaps(path: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Null => found.push(path.to_owned()),
            Value::String(text) if text.is_empty() => found.push(path.to_owned()),
            Value::Array(items) => {
                if items.is_empty() {
                    found.push(path.to_owned());
                }
                items.iter().for_each(|item| gaps(path, item, found));
            }
            Value::Object(fields) => {
                for (key, value) in fields.iter().filter(|(key, _)| *key != "custom_data") {
                    gaps(&format!("{path}.{key}"), value, found);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    for (name, body) in bodies().iter().filter(|(name, _)| name.starts_with("complete/")) {
        gaps(name, &written(&read(body).unwrap()), &mut found);
    }
    // Nested copies of these two are complete in the transaction.
    found.retain(|path| {
        !path.starts_with("complete/subscription.created.items.price")
            && !path.starts_with("complete/subscription.created.items.product")
    });
    // `payment_method.saved` differs by this one only, and other entities have none.
    assert!(found.is_empty(), "{found:?}");
}

/// Every path of `data`, but not into custom data.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = format!("{path}/{key}");
                if key != "custom_data" {
                    paths(value, &path, found);
                }
                found.push(path);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                paths(item, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Every body with every path of it.
fn all() -> Vec<(String, Value, String)> {
    let of = |(name, body): (String, Value)| {
        let mut found = Vec::new();
        paths(&body["data"], "/data", &mut found);
        found.into_iter().map(move |path| (name.clone(), body.clone(), path))
    };
    bodies().into_iter().flat_map(of).collect()
}

/// One body for each family and source, and of each its paths: the same mutation of ten transactions tells no more.
fn mutable() -> Vec<(String, Value, String)> {
    let mut seen = BTreeSet::new();
    let mut mutable = Vec::new();
    for (name, body) in bodies() {
        let source = name.rsplit_once('/').unwrap().0;
        let family = body["event_type"].as_str().unwrap().split('.').next().unwrap();
        let mut found = Vec::new();
        paths(&body["data"], "/data", &mut found);
        // Of lists the first item.
        found.retain(|path| {
            path.split('/').all(|part| part == "0" || part.parse::<usize>().is_err())
        });
        for path in found {
            if seen.insert(format!("{source} {family} {path}")) {
                mutable.push((name.clone(), body.clone(), path));
            }
        }
    }
    mutable
}

/// Whether it is the id of an entity: of the one the event is about, or of a price or product within it.
fn is_entity_id(path: &str) -> bool {
    path == "/data/id" || path.ends_with("/price/id") || path.ends_with("/product/id")
}

/// As an error names it: `data.items[0].price`.
fn as_error_path(path: &str) -> String {
    let mut named = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        match part.parse::<usize>() {
            Ok(index) => named.push_str(&format!("[{index}]")),
            Err(_) if named.is_empty() => named.push_str(part),
            Err(_) => named.push_str(&format!(".{part}")),
        }
    }
    named
}

#[test]
fn a_field_that_is_missing_or_null_is_no_error_but_for_the_id() {
    for (name, body, path) in all() {
        let (parent, key) = path.rsplit_once('/').unwrap();
        let mut dropped = body.clone();
        dropped.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        let mut nulled = body;
        *nulled.pointer_mut(&path).unwrap() = Value::Null;

        for (what, body) in [("dropped", &dropped), ("nulled", &nulled)] {
            let result = read(body);
            assert_eq!(result.is_err(), is_entity_id(&path), "{name}: {path} {what}: {result:?}");
            if let Err(error) = result {
                let want = if what == "dropped" { parent } else { path.as_str() };
                assert_eq!(error.path(), as_error_path(want), "{name}: {path} {what}");
            }
        }
    }
}

#[test]
fn a_new_value_of_an_enum_is_no_error() {
    const ENUMS: [&str; 17] = [
        "action",
        "action_taken",
        "collection_mode",
        "currency_code",
        "deletion_reason",
        "error_code",
        "interval",
        "mode",
        "operator",
        "origin",
        "risk_level",
        "source",
        "status",
        "tax_category",
        "tax_mode",
        "type",
        "imported_from",
    ];
    let mut replaced = 0;
    for (name, mut body, path) in all() {
        let value = body.pointer_mut(&path).unwrap();
        if ENUMS.contains(&path.rsplit('/').next().unwrap()) && !value.is_object() {
            *value = "brand_new".into();
            let data = read(&body).unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
            assert_eq!(
                written(&data).pointer(&path["/data".len()..]),
                Some(&"brand_new".into()),
                "{name}: {path}"
            );
            replaced += 1;
        }
    }
    assert!(replaced > 80, "{replaced}");
}

#[test]
fn a_value_of_another_type_is_an_error_that_names_it() {
    for (name, body, path) in mutable() {
        for other in [
            serde_json::json!({"jo@example.com": [1]}),
            serde_json::json!(1.5),
            serde_json::json!(true),
        ] {
            let mut body = body.clone();
            let value = body.pointer_mut(&path).unwrap();
            // Of what is null here nobody can tell what it would be.
            let fits = path.ends_with("/custom_data")
                || value.is_null()
                || value.is_object() && other.is_object()
                || value.is_boolean() && other.is_boolean();
            *value = other.clone();
            let result = read(&body);
            match result {
                Ok(_) => assert!(fits || is_unread(&path), "{name}: {path} as {other}"),
                Err(error) => assert_eq!(
                    error.path(),
                    as_error_path(&path),
                    "{name}: {path} as {other}: {error:?}"
                ),
            }
        }
    }
}

/// Seen in captured bodies, always null, documented nowhere.
fn is_unread(path: &str) -> bool {
    path == "/data/receipt_data" || path == "/data/details/line_items/0/item_id"
}

#[test]
fn a_new_field_is_no_error_anywhere() {
    for (name, body, path) in mutable() {
        let mut body = body;
        if let Some(fields) = body.pointer_mut(&path).unwrap().as_object_mut() {
            fields.insert("brand_new".to_owned(), serde_json::json!({"deep": [[1, null, "x"]]}));
            assert!(read(&body).is_ok(), "{name}: {path}");
        }
    }
}
