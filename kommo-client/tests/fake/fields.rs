use kommo_client::fake::{FakeKommo, FakeLead};
use serde_json::{Value, json};

use crate::http::{Answer, get, patch, unlimited};

async fn write(kommo: &FakeKommo, lead: u64, fields: Value) -> Answer {
    patch(kommo, &format!("leads/{lead}"), &json!({"custom_fields_values": fields})).await
}

#[tokio::test]
async fn a_value_is_written_by_id_or_by_code_and_read_back_in_full() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let by_code = kommo.add_field(Some("PLAN_NAME"), "Plan", "text");
    let by_id = kommo.add_field(None, "Seats", "numeric");
    let fields = json!([
        {"field_code": "PLAN_NAME", "values": [{"value": "Pro"}]},
        {"field_id": by_id, "values": [{"value": 12}]},
    ]);
    let answer = write(&kommo, lead, fields).await;
    assert!(!answer.text.contains("custom_fields_values"), "write answers are thin");
    let want = json!([
        {"field_id": by_code, "field_name": "Plan", "field_code": "PLAN_NAME", "field_type": "text",
         "values": [{"value": "Pro"}], "is_computed": false},
        {"field_id": by_id, "field_name": "Seats", "field_code": null, "field_type": "numeric",
         "values": [{"value": "12"}], "is_computed": false},
    ]);
    assert_eq!(kommo.lead(lead).expect("the lead")["custom_fields_values"], want);
    assert_eq!(kommo.field_value(lead, "PLAN_NAME"), Some(json!("Pro")));

    write(&kommo, lead, json!([{"field_code": "PLAN_NAME", "values": null}])).await.ids("leads");
    assert_eq!(kommo.field_value(lead, "PLAN_NAME"), None, "cleared");
    let left = &kommo.lead(lead).expect("the lead")["custom_fields_values"];
    assert_eq!(left.as_array().map(Vec::len), Some(1), "the other stays");
}

#[tokio::test]
async fn each_type_takes_its_values_and_no_others() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let long = "ö".repeat(256);
    let longer = "ö".repeat(257);
    for (field_type, sent, read) in [
        ("text", json!("Pro"), json!("Pro")),
        ("text", json!(long), json!(long)),
        ("textarea", json!(longer), json!(longer)),
        ("numeric", json!("1.5"), json!("1.5")),
        ("numeric", json!(3), json!("3")),
        ("monetary", json!("-100"), json!("-100")),
        ("checkbox", json!(true), json!(true)),
        ("url", json!("https://example.com/a"), json!("https://example.com/a")),
        ("date", json!(1_750_000_000), json!(1_750_000_000)),
        ("date", json!("2025-06-15T15:06:40+00:00"), json!(1_750_000_000)),
        ("date_time", json!("2025-06-15T17:06:40+02:00"), json!(1_750_000_000)),
        ("birthday", json!(-1), json!(-1)),
    ] {
        let field = kommo.add_field(None, "Any", field_type);
        let fields = json!([{"field_id": field, "values": [{"value": sent}]}]);
        write(&kommo, lead, fields).await.ids("leads");
        let values = &kommo.lead(lead).expect("the lead")["custom_fields_values"];
        assert_eq!(values[0]["values"], json!([{"value": read}]), "{field_type} {sent}");
        kommo.remove_field(field);
    }
    for (field_type, value, code, path) in [
        ("text", json!({"value": longer}), "TooLong", "value"),
        ("text", json!({"value": 5}), "InvalidType", "value"),
        ("text", json!({"value": null}), "InvalidType", "value"),
        ("text", json!({"value": " "}), "NotBlank", "value"),
        ("text", json!({"value": "a", "enum_code": null}), "FieldNotExpected", "enum_code"),
        ("text", json!({}), "FieldMissing", "value"),
        ("numeric", json!({"value": "1,5"}), "InvalidType", "value"),
        ("numeric", json!({"value": "."}), "InvalidType", "value"),
        ("checkbox", json!({"value": "true"}), "InvalidType", "value"),
        ("url", json!({"value": "example.com"}), "InvalidType", "value"),
        ("date", json!({"value": "2025-06-15"}), "InvalidType", "value"),
        ("date", json!({"value": 1.5}), "InvalidType", "value"),
    ] {
        let field = kommo.add_field(None, "Any", field_type);
        let answer = write(&kommo, lead, json!([{"field_id": field, "values": [value]}])).await;
        let want = (code.to_owned(), format!("custom_fields_values.0.values.0.{path}"));
        assert_eq!(answer.problem(), want, "{field_type} {value}");
    }
}

#[tokio::test]
async fn options_are_chosen_never_made() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let field = kommo.add_select_field(Some("TIER"), "Tier", &["Gold", "Silver"]);
    let definition = get(&kommo, &format!("leads/custom_fields/{field}")).await.json();
    let silver = definition["enums"][1]["id"].clone();
    for sent in [json!({"value": "Silver"}), json!({"enum_id": silver})] {
        write(&kommo, lead, json!([{"field_id": field, "values": null}])).await.ids("leads");
        write(&kommo, lead, json!([{"field_code": "TIER", "values": [sent]}])).await.ids("leads");
        let values = &kommo.lead(lead).expect("the lead")["custom_fields_values"][0]["values"];
        assert_eq!(*values, json!([{"value": "Silver", "enum_id": silver, "enum_code": null}]));
    }
    for (sent, path) in [
        (json!([{"value": "silver"}]), "values.0.value"),
        (json!([{"enum_id": 1}]), "values.0.enum_id"),
        (json!([{"enum_code": "x"}]), "values.0.enum_code"),
        (json!([{"value": "Gold"}, {"value": "Silver"}]), "values"),
    ] {
        let answer = write(&kommo, lead, json!([{"field_id": field, "values": sent}])).await;
        assert_eq!(answer.problem().1, format!("custom_fields_values.0.{path}"));
    }
}

#[tokio::test]
async fn a_list_of_options_and_one_that_is_gone() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let field = kommo.add_field(None, "Modules", "multiselect");
    let ids = ["A", "B"].map(|option| kommo.add_option(field, option));
    let fields = json!([{"field_id": field, "values": [{"value": "A"}, {"enum_id": ids[1]}]}]);
    write(&kommo, lead, fields.clone()).await.ids("leads");
    let values = &kommo.lead(lead).expect("the lead")["custom_fields_values"][0]["values"];
    assert_eq!((&values[0]["enum_id"], &values[1]["value"]), (&json!(ids[0]), &json!("B")));
    kommo.remove_option(field, "B");
    let (code, path) = write(&kommo, lead, fields).await.problem();
    assert_eq!(code, "NotSupportedChoice");
    assert_eq!(path, "custom_fields_values.0.values.1.enum_id");

    // Composite types are kept as they were sent.
    let address = kommo.add_field(Some("ADDRESS"), "Address", "smart_address");
    let lines =
        json!([{"value": "Main Street 1", "enum_id": 1}, {"value": "Berlin", "enum_id": 3}]);
    write(&kommo, lead, json!([{"field_id": address, "values": lines}])).await.ids("leads");
    let read = &kommo.lead(lead).expect("the lead")["custom_fields_values"][1]["values"];
    assert_eq!(*read, lines);
}

#[tokio::test]
async fn a_dead_field_drops_the_good_ones_with_it() {
    let kommo = unlimited().await;
    kommo.add_paddle_fields();
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let good = json!({"field_code": "PLAN_NAME", "values": [{"value": "Pro"}]});
    for (bad, key) in [
        (json!({"field_code": "GONE", "values": [{"value": "x"}]}), "field_code"),
        (json!({"field_id": 1, "values": [{"value": "x"}]}), "field_id"),
        (json!({"field_id": 1, "values": null}), "field_id"),
    ] {
        let answer = write(&kommo, lead, json!([good, bad])).await;
        let want = ("NotSupportedChoice".to_owned(), format!("custom_fields_values.1.{key}"));
        assert_eq!(answer.problem(), want);
    }
    assert_eq!(kommo.field_value(lead, "PLAN_NAME"), None);
    for (bad, code, path) in [
        (json!({"values": [{"value": "x"}]}), "FieldMissing", "field_id"),
        (json!({"field_code": "PLAN_NAME"}), "FieldMissing", "values"),
        (json!({"field_code": "PLAN_NAME", "values": []}), "NotBlank", "values"),
        (json!({"field_code": "PLAN_NAME", "values": "x"}), "InvalidType", "values"),
        (json!({"field_code": "PLAN_NAME", "values": ["x"]}), "InvalidType", "values.0"),
        (
            json!({"field_code": "PLAN_NAME", "values": null, "field_name": "Plan"}),
            "FieldNotExpected",
            "field_name",
        ),
    ] {
        let problem = write(&kommo, lead, json!([bad])).await.problem();
        assert_eq!(problem, (code.to_owned(), format!("custom_fields_values.0.{path}")), "{bad}");
    }
    assert!(kommo.ledger().is_empty());
}

#[tokio::test]
async fn a_removed_field_takes_its_values_along() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
    let field = kommo.add_field(Some("PLAN_NAME"), "Plan", "text");
    let body = json!([{"field_id": field, "values": [{"value": "Pro"}]}]);
    write(&kommo, lead, body.clone()).await.ids("leads");
    assert_eq!(get(&kommo, "leads?query=pro").await.ids("leads"), [lead]);
    kommo.remove_field(field);
    assert_eq!(get(&kommo, "leads?query=pro").await.status, 204, "its text is not found any more");
    assert_eq!(kommo.lead(lead).expect("the lead")["custom_fields_values"], json!([]));
    assert_eq!(write(&kommo, lead, body).await.problem().1, "custom_fields_values.0.field_id");
    let plan = kommo.add_field(Some("PLAN_NAME"), "Plan", "text");
    kommo.add_field(Some("TIER"), "Tier", "text");
    let both =
        |code: &str| json!([{"field_id": plan, "field_code": code, "values": [{"value": "x"}]}]);
    write(&kommo, lead, both("PLAN_NAME")).await.ids("leads");
    let (_, path) = write(&kommo, lead, both("TIER")).await.problem();
    assert_eq!(path, "custom_fields_values.0.field_code", "two fields in one item");
    let gone = get(&kommo, &format!("leads/custom_fields/{field}")).await;
    assert_eq!((gone.status, &gone.json()["detail"]), (404, &json!("Custom field not found")));
}

#[tokio::test]
async fn the_eight_billing_fields() {
    let kommo = unlimited().await;
    kommo.add_paddle_fields();
    kommo.add_paddle_fields();
    let list = get(&kommo, "leads/custom_fields?limit=250").await.json();
    let fields = list["_embedded"]["custom_fields"].as_array().expect("fields");
    let mut fields: Vec<_> = fields
        .iter()
        .filter_map(|field| Some((field["code"].as_str()?, field["type"].as_str()?)))
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            ("INVOICE_NUMBER", "text"),
            ("NEXT_BILLING_DATE", "date"),
            ("PADDLE_SUB_ID", "text"),
            ("PADDLE_TXN_ID", "text"),
            ("PAYMENT_CURRENCY", "text"),
            ("PAYMENT_STATUS", "text"),
            ("PLAN_NAME", "text"),
            ("SUBSCRIPTION_STATUS", "text"),
        ]
    );
    assert_eq!((&list["_total_items"], &list["_page_count"]), (&json!(8), &json!(1)));
    let page = get(&kommo, "leads/custom_fields?limit=5&page=2").await;
    assert_eq!(page.ids("custom_fields").len(), 3);
    let dates = get(&kommo, "leads/custom_fields?filter[type][]=date").await;
    assert_eq!(dates.ids("custom_fields").len(), 1);
}
