//! Values as the account's own fields take them; what it cannot take never holds up the rest.

use kommo_client::{EntityType, FieldId, fake::Fault};
use paddle_kommo_sync::{LeftOutPart, plan::Field};
use serde_json::json;

use crate::support::{
    LEAD, WON, World, client,
    events::{event, moment, subscription, transaction},
};

#[tokio::test]
async fn a_field_that_the_account_lacks_is_left_out_and_reported() {
    let world = World::with(|config| {
        config.fields.plan_name = "NO_SUCH_FIELD".into();
        config.fields.invoice_number = FieldId::new(404).into();
    })
    .await;
    let done = world.done_with_report(&event("transaction.completed", 0, &transaction())).await;
    let left_out: Vec<_> = done.left_out.iter().map(|left_out| left_out.what).collect();
    assert_eq!(
        world.sync.missing_fields().await.unwrap(),
        done.left_out,
        "and it can be asked before"
    );
    assert_eq!(
        left_out,
        [LeftOutPart::Field(Field::InvoiceNumber), LeftOutPart::Field(Field::PlanName)]
    );
    assert!(done.left_out[1].why.contains("no field NO_SUCH_FIELD"), "{:?}", done.left_out);
    assert_eq!(world.stage(), WON);
    assert_eq!(world.field("PADDLE_TXN_ID"), json!("txn_first"));
}

#[tokio::test]
async fn a_field_that_was_deleted_meanwhile_is_left_out_and_reported() {
    let world = World::new().await;
    // The first event makes the engine read the fields; then one of them goes.
    world.done(&event("subscription.created", 0, &subscription("active"))).await;
    let fields = world.kommo.lead(LEAD).unwrap()["custom_fields_values"].clone();
    assert!(fields.as_array().is_some_and(|fields| !fields.is_empty()));
    let definitions = client(&world.kommo).custom_fields(EntityType::Leads).list().await.unwrap();
    let plan = definitions
        .iter()
        .find(|definition| definition.code.as_deref() == Some("PLAN_NAME"))
        .unwrap();
    world.kommo.remove_field(plan.id.get());

    let done = world.done_with_report(&event("transaction.completed", 10, &transaction())).await;
    let left_out: Vec<_> = done.left_out.iter().map(|left_out| left_out.what).collect();
    assert_eq!(left_out, [LeftOutPart::Field(Field::PlanName)]);
    assert_eq!((world.stage(), world.price()), (WON, 599));
    assert_eq!(world.field("INVOICE_NUMBER"), json!("325-10566"));
    assert_eq!(world.notes().len(), 1);
}

#[tokio::test]
async fn a_value_takes_the_form_of_its_field() {
    for (field_type, want) in [
        ("date", json!(1_771_156_800)),
        ("date_time", json!(1_771_156_800)),
        ("text", json!("2026-02-15")),
        ("textarea", json!("2026-02-15")),
    ] {
        let world = World::with(|config| config.fields.next_billing_date = "NEXT".into()).await;
        world.kommo.add_field(Some("NEXT"), "Next", field_type);
        world.done(&event("subscription.created", 0, &subscription("active"))).await;
        assert_eq!(world.field("NEXT"), want, "{field_type}");
    }
    let world = World::with(|config| config.fields.next_billing_date = "NEXT".into()).await;
    world.kommo.add_field(Some("NEXT"), "Next", "checkbox");
    let done =
        world.done_with_report(&event("subscription.created", 0, &subscription("active"))).await;
    assert_eq!(done.left_out[0].what, LeftOutPart::Field(Field::NextBillingDate));
    assert_eq!(world.field("SUBSCRIPTION_STATUS"), json!("active"));
}

#[tokio::test]
async fn dates_are_those_of_the_account_in_summer_and_in_winter() {
    let world = World::with(|config| config.fields.next_billing_date = "NEXT".into()).await;
    world.kommo.add_field(Some("NEXT"), "Next", "text");
    // As Kommo tells it in July.
    world.kommo.set_timezone("Europe/Madrid", "+02:00");
    for (seconds, next, day) in
        [(0, "2026-07-14T22:30:00Z", "2026-07-15"), (10, "2027-01-14T22:30:00Z", "2027-01-14")]
    {
        let mut data = subscription("trialing");
        data["id"] = json!(format!("sub_{seconds}"));
        data["next_billed_at"] = json!(next);
        world.done(&event("subscription.trialing", seconds, &data)).await;
        let ended = event("subscription.canceled", seconds + 5, &{
            let mut data = subscription("canceled");
            data["id"] = json!(format!("sub_{seconds}"));
            data
        });
        assert_eq!(world.field("NEXT"), json!(day));
        let note = world.notes().pop().unwrap();
        assert!(note.contains(&format!("first charge on {day}")), "{note}");
        world.done(&ended).await;
    }
}

#[tokio::test]
async fn a_list_takes_one_of_its_options_and_nothing_else() {
    let world = World::with(|config| config.fields.subscription_status = "STATUS".into()).await;
    world.kommo.add_select_field(Some("STATUS"), "Status", &["active", "canceled"]);
    world.done(&event("subscription.created", 0, &subscription("active"))).await;
    assert_eq!(world.field("STATUS"), json!("active"));
    let done = world
        .done_with_report(&event("subscription.activated", 1, &subscription("brand_new")))
        .await;
    assert_eq!(done.left_out[0].what, LeftOutPart::Field(Field::SubscriptionStatus));
    assert_eq!(world.field("STATUS"), json!("active"));
    assert_eq!(world.field("NEXT_BILLING_DATE"), json!(moment(31 * 86_400).unix_timestamp()));
}

#[tokio::test]
async fn a_field_can_be_named_by_its_id_or_switched_off() {
    let world = World::new().await;
    let by_hand = world.kommo.add_field(None, "Made in the UI", "text");
    let world = World::with(|config| {
        config.fields.plan_name = FieldId::new(by_hand).into();
        config.fields.invoice_number = "".into();
    })
    .await;
    assert_eq!(world.kommo.add_field(None, "Made in the UI", "text"), by_hand);
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let lead = world.lead();
    let fields = lead["custom_fields_values"].as_array().unwrap();
    let value = fields.iter().find(|field| field["field_id"] == by_hand).unwrap();
    assert_eq!(value["values"][0]["value"], "Pro, yearly, Set-up");
    assert_eq!(world.field("INVOICE_NUMBER"), serde_json::Value::Null);
}

#[tokio::test]
async fn long_and_hostile_names_are_cut_and_cleaned() {
    let world = World::new().await;
    let mut data = transaction();
    data["items"][0]["price"]["name"] =
        json!(format!("Pro\r\n\u{202e}[pk-aaaaaaaaaaaaa] {}", "é".repeat(1000)));
    world.done(&event("transaction.completed", 0, &data)).await;
    let plan = world.field("PLAN_NAME");
    let plan = plan.as_str().unwrap();
    assert!(plan.starts_with("Pro (pk-aaaaaaaaaaaaa] éé"), "{plan}");
    assert_eq!(plan.chars().count(), 256);
    let note = &world.notes()[0];
    assert!(!note.contains('\n') && !note.contains("[pk-"), "{note}");
}

#[tokio::test]
async fn a_price_that_kommo_refuses_is_left_out_and_reported() {
    let world = World::new().await;
    let body = r#"{"validation-errors":[{"request_id":"0","errors":[{"code":"InvalidType","path":"price","detail":"x"}]}],"title":"Bad Request","type":"https://httpstatus.es/400","status":400,"detail":"Request validation failed"}"#;
    world.kommo.fail_next(Fault::answer(400, body).on("PATCH", "/api/v4/leads"));
    let outcome = world.handle(&event("transaction.completed", 0, &transaction())).await;
    assert_eq!(world.stage(), WON, "{outcome}");
}

#[tokio::test]
async fn a_report_holds_no_value() {
    let world = World::with(|config| config.fields.plan_name = "PLAN".into()).await;
    world.kommo.add_select_field(Some("PLAN"), "Plan", &["Pro"]);
    let mut data = transaction();
    data["items"][0]["price"]["name"] = json!("Custom plan for jane@example.com");
    let done = world.done_with_report(&event("transaction.completed", 0, &data)).await;
    assert!(!format!("{done:?}").contains("jane@example.com"), "{:?}", done.left_out);
}
