//! Every kind of note: what it is written as, and what is read of it.

use std::collections::BTreeMap;

use kommo_client::{
    CallDirection, CallResponsible, CashierStatus, EntityType, NewCall, NewNote, Note, NoteContent,
    NoteType, UserId,
};
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::support::{body, client, fixture, request};

fn read(note_type: &str, params: &Value) -> NoteContent {
    let note = json!({"id": 1, "note_type": note_type, "params": params});
    serde_json::from_value::<Note>(note).unwrap().content()
}

/// One note of each kind that can be written, with what stands for it on the wire.
fn written() -> Vec<(NewNote, &'static str, Value)> {
    let call = |direction| NewCall::new(direction, "+15550100", 61, "Exchange");
    vec![
        (NewNote::common(7, "a\nb"), "common", json!({"text": "a\nb"})),
        (
            NewNote::service_message(7, "Billing", "Paid."),
            "service_message",
            json!({"service": "Billing", "text": "Paid."}),
        ),
        (
            NewNote::extended_service_message(7, "Billing", "Paid."),
            "extended_service_message",
            json!({"service": "Billing", "text": "Paid."}),
        ),
        (
            NewNote::call(7, &call(CallDirection::Inbound)),
            "call_in",
            json!({"phone": "+15550100", "duration": 61, "source": "Exchange"}),
        ),
        (
            NewNote::call(
                7,
                &call(CallDirection::Outbound)
                    .uniq("u-1")
                    .link("https://calls.example/1")
                    .result("will pay")
                    .status(4)
                    .responsible_user(UserId::new(9)),
            ),
            "call_out",
            json!({"phone": "+15550100", "duration": 61, "source": "Exchange", "uniq": "u-1",
                "link": "https://calls.example/1", "call_result": "will pay", "call_status": 4,
                "call_responsible": 9}),
        ),
        (
            NewNote::call(7, &call(CallDirection::Outbound).responsible_name("Jo")),
            "call_out",
            json!({"phone": "+15550100", "duration": 61, "source": "Exchange", "call_responsible": "Jo"}),
        ),
        (
            NewNote::sms_in(7, "+15550100", "Yes!"),
            "sms_in",
            json!({"phone": "+15550100", "text": "Yes!"}),
        ),
        (
            NewNote::sms_out(7, "+15550100", "Agreed?"),
            "sms_out",
            json!({"phone": "+15550100", "text": "Agreed?"}),
        ),
        (
            NewNote::geolocation(7, "The shop", "1 Quay St", "-33.86", "151.21"),
            "geolocation",
            json!({"text": "The shop", "address": "1 Quay St", "latitude": "-33.86", "longitude": "151.21"}),
        ),
        (
            NewNote::attachment(7, "f-1", "a.pdf"),
            "attachment",
            json!({"file_uuid": "f-1", "file_name": "a.pdf"}),
        ),
        (
            NewNote::attachment_version(7, "f-1", "v-2", "a.pdf"),
            "attachment",
            json!({"file_uuid": "f-1", "version_uuid": "v-2", "file_name": "a.pdf"}),
        ),
        (
            NewNote::message_cashier(7, CashierStatus::Shown, "10 in cash"),
            "message_cashier",
            json!({"status": "shown", "text": "10 in cash"}),
        ),
        (
            NewNote::invoice_paid(7, "Billing", "Paid.", "https://a.example/i.png"),
            "invoice_paid",
            json!({"service": "Billing", "text": "Paid.", "icon_url": "https://a.example/i.png"}),
        ),
        (
            NewNote::bill_paid(7, "Billing", "Paid.", "https://a.example/i.png"),
            "bill_paid",
            json!({"service": "Billing", "text": "Paid.", "icon_url": "https://a.example/i.png"}),
        ),
    ]
}

#[tokio::test]
async fn every_kind_is_written_with_kommos_keys() {
    let server = MockServer::start().await;
    let (notes, want): (Vec<_>, Vec<_>) = written()
        .into_iter()
        .enumerate()
        .map(|(index, (note, note_type, params))| {
            let wire = json!({"entity_id": 7, "note_type": note_type, "params": params, "request_id": index.to_string()});
            (note, wire)
        })
        .unzip();
    // What the server says does not matter here: it says 404.
    let _ = client(&server).notes(EntityType::Leads).create(&notes).await;
    assert_eq!(body(&request(&server).await), Value::Array(want));
}

#[test]
fn what_is_written_is_read_by_its_kind() {
    for (note, note_type, params) in written() {
        let content = read(note_type, &params);
        assert!(!matches!(content, NoteContent::Raw(_)), "{note:?}");
        let text = params.get("text").and_then(Value::as_str);
        let got = match &content {
            NoteContent::Common(content) => content.text.as_deref(),
            NoteContent::ServiceMessage(content) | NoteContent::ExtendedServiceMessage(content) => {
                assert_eq!(content.service.as_deref(), Some("Billing"));
                content.text.as_deref()
            }
            NoteContent::SmsIn(content) | NoteContent::SmsOut(content) => {
                assert_eq!(content.phone.as_deref(), Some("+15550100"));
                content.text.as_deref()
            }
            NoteContent::Geolocation(content) => {
                assert_eq!(content.address.as_deref(), Some("1 Quay St"));
                assert_eq!(content.latitude.as_deref(), Some("-33.86"));
                assert_eq!(content.longitude.as_deref(), Some("151.21"));
                content.text.as_deref()
            }
            NoteContent::MessageCashier(content) => {
                assert_eq!(content.status, Some(CashierStatus::Shown));
                content.text.as_deref()
            }
            NoteContent::InvoicePaid(content) | NoteContent::BillPaid(content) => {
                assert_eq!(content.icon_url.as_deref(), Some("https://a.example/i.png"));
                content.text.as_deref()
            }
            NoteContent::CallIn(content) | NoteContent::CallOut(content) => {
                assert_eq!(
                    (content.duration, content.phone.as_deref()),
                    (Some(61), Some("+15550100"))
                );
                None
            }
            NoteContent::Attachment(content) => {
                assert_eq!(content.file_uuid.as_deref(), Some("f-1"));
                None
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(got, text, "{note_type}");
    }
}

#[test]
fn a_call_is_read_in_full() {
    let params = json!({"uniq": "u-1", "duration": 61, "source": "Exchange", "link": "https://calls.example/1",
        "phone": "+15550100", "call_responsible": 9, "call_result": "will pay", "call_status": 4});
    let NoteContent::CallOut(call) = read("call_out", &params) else { panic!() };
    assert_eq!(call.uniq.as_deref(), Some("u-1"));
    assert_eq!(call.source.as_deref(), Some("Exchange"));
    assert_eq!(call.link.as_deref(), Some("https://calls.example/1"));
    assert_eq!(call.call_responsible, Some(CallResponsible::User(UserId::new(9))));
    assert_eq!(call.call_result.as_deref(), Some("will pay"));
    assert_eq!(call.call_status, Some(4));
    let NoteContent::CallIn(call) = read("call_in", &json!({"call_responsible": "Jo"})) else {
        panic!()
    };
    assert_eq!(call.call_responsible, Some(CallResponsible::Name("Jo".to_owned())));
}

#[test]
fn files_are_read_in_both_forms() {
    let drive = json!({"is_drive_attachment": true, "text": "a.pdf", "original_name": "a.pdf", "file_uuid": "f-1",
        "version_uuid": "v-2", "file_name": "a_1.pdf"});
    let NoteContent::Attachment(file) = read("attachment", &drive) else { panic!() };
    assert_eq!((file.is_drive_attachment, file.version_uuid.as_deref()), (Some(true), Some("v-2")));
    assert_eq!((file.file_name.as_deref(), file.text.as_deref()), (Some("a_1.pdf"), Some("a.pdf")));
    let old = json!({"original_name": "a.pdf", "attachment": "x_a.pdf"});
    let NoteContent::Attachment(file) = read("attachment", &old) else { panic!() };
    assert_eq!(
        (file.original_name.as_deref(), file.attachment.as_deref()),
        (Some("a.pdf"), Some("x_a.pdf"))
    );
    assert_eq!((file.file_uuid, file.is_drive_attachment), (None, None));
}

#[test]
fn what_has_no_type_keeps_its_params() {
    for (note_type, params) in [
        ("site_visit", json!({"url": "https://a.example"})),
        ("brand_new", json!({"deep": [{"a": 1}]})),
        ("sms_in", Value::Null),
        ("common", json!("text")),
        ("common", json!(["text"])),
        ("call_in", json!([])),
    ] {
        let NoteContent::Raw(raw) = read(note_type, &params) else {
            panic!("{note_type} {params}")
        };
        assert_eq!((raw.note_type, raw.params), (NoteType::from(note_type), params));
    }
}

#[test]
fn a_value_of_another_type_is_left_out_and_the_rest_read() {
    let params = json!({"text": 5, "address": "1 Quay St", "longitude": 151.21, "latitude": null});
    let NoteContent::Geolocation(place) = read("geolocation", &params) else { panic!() };
    assert_eq!((place.text, place.address.as_deref()), (None, Some("1 Quay St")));
    assert_eq!((place.longitude.as_deref(), place.latitude), (Some("151.21"), None));
    let NoteContent::CallIn(call) =
        read("call_in", &json!({"duration": "61", "call_responsible": [], "phone": "1"}))
    else {
        panic!()
    };
    assert_eq!(
        (call.duration, call.call_responsible, call.phone.as_deref()),
        (None, None, Some("1"))
    );
    let unknown = read("message_cashier", &json!({"status": "lost"}));
    let NoteContent::MessageCashier(message) = unknown else { panic!() };
    assert_eq!(message.status.as_ref().map(CashierStatus::as_str), Some("lost"));
}

#[test]
fn the_samples_of_the_documentation_are_read() {
    let Some(text) = fixture("notes_params_by_type.json") else { return };
    let samples: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    assert!(samples.len() >= 12, "{samples:?}");
    for (note_type, params) in &samples {
        let content = read(note_type, params);
        assert!(!matches!(content, NoteContent::Raw(_)), "{note_type}");
        // Nothing of the sample is left out: each of its texts is in what was read.
        let read = format!("{content:?}");
        for value in params.as_object().unwrap().values() {
            let value =
                value.as_str().map_or_else(|| value.to_string(), |text| format!("{text:?}"));
            let word = value.trim_matches('"');
            let typed = read.to_lowercase().replace('_', "");
            assert!(
                typed.contains(&word.to_lowercase().replace('_', "")),
                "{note_type}: {value} is not in {read}"
            );
        }
    }
}
