use kommo_client::{
    EntityType, ErrorKind, FieldInput, FieldPatch, FieldWrite, LeadId, LeadPatch, NewField,
    fake::FakeLead,
};
use serde_json::json;

use crate::http::{client, post, unlimited};

#[tokio::test]
async fn fields_are_made_changed_and_deleted() {
    let kommo = unlimited().await;
    let fields = client(&kommo).custom_fields(EntityType::Leads);
    let plan = NewField::new("Plan", "select")
        .code("PLAN")
        .option("Basic", Some("basic"))
        .option("Pro", None);
    let made = fields.create(&[plan, NewField::new("Invoice", "text")]).await.expect("made");
    fields.set_code(made[1].id, "INVOICE").await.expect("a code");
    let set = fields.field_set().await.expect("a set");
    set.set("INVOICE", "inv-1").expect("it is known by its code now");
    let read = fields.get(made[0].id).await.expect("an answer").expect("a field");
    assert_eq!(read.enums.len(), 2);
    assert_eq!(read.enums[0].code.as_deref(), Some("basic"));

    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let basic = FieldInput::Select(kommo_client::FieldChoice::Code("basic".into()));
    let patch = LeadPatch::new(LeadId::new(lead)).field(FieldWrite::new("PLAN", basic));
    client(&kommo).leads().update(&[patch]).await.expect("an option by its code");
    assert_eq!(kommo.field_value(lead, "PLAN"), Some("Basic".into()));

    let change = FieldPatch::new(made[0].id)
        .name("Tariff")
        .api_only(true)
        .options(&read.enums[..1], &["Team"]);
    fields.update(&[change]).await.expect("changed");
    let read = fields.get(made[0].id).await.expect("an answer").expect("a field");
    let options: Vec<_> = read.enums.iter().map(|option| option.value.as_str()).collect();
    assert_eq!((read.name.as_deref(), read.is_api_only), (Some("Tariff"), true));
    assert_eq!(options, ["Basic", "Team"], "what was left out is gone");

    let error =
        fields.create(&[NewField::new("Other", "text").code("PLAN")]).await.expect_err("taken");
    let ErrorKind::Validation(items) = error.kind() else { panic!("{error:?}") };
    assert_eq!(items[0].errors[0].path, "code");
    fields.delete(made[1].id).await.expect("deleted");
    assert_eq!(fields.get(made[1].id).await.expect("an answer"), None);
    let error = fields.delete(made[1].id).await.expect_err("gone");
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let other = client(&kommo).custom_fields(EntityType::Contacts);
    assert_eq!(
        other.list().await.expect("a list").len(),
        2,
        "phones and addresses are there from the start"
    );
}

#[tokio::test]
async fn groups_are_made_changed_and_deleted() {
    let kommo = unlimited().await;
    let fields = client(&kommo).custom_fields(EntityType::Leads);
    assert_eq!(fields.groups().await.expect("a list"), []);
    let group = fields.create_group("Billing", 3).await.expect("made");
    assert_eq!(
        (group.name.as_deref(), group.sort, group.is_predefined),
        (Some("Billing"), Some(3), false)
    );
    assert_eq!(fields.groups().await.expect("a list"), std::slice::from_ref(&group));
    fields.update_group(&group.id, Some("Paddle"), None).await.expect("changed");
    let read = fields.group(&group.id).await.expect("an answer").expect("a group");
    assert_eq!((read.name.as_deref(), read.sort), (Some("Paddle"), Some(3)));

    let field = kommo.add_field(None, "Invoice", "text");
    let id = kommo_client::FieldId::new(field);
    fields.update(&[FieldPatch::new(id).group(Some(&group.id))]).await.expect("moved");
    let in_group = || async { fields.get(id).await.expect("an answer").expect("a field").group_id };
    assert_eq!(in_group().await.as_deref(), Some(group.id.as_str()));
    fields.update(&[FieldPatch::new(id).group(None)]).await.expect("moved");
    assert_eq!(in_group().await, None);
    let error = fields.update(&[FieldPatch::new(id).group(Some("leads_1"))]).await;
    error.expect_err("no such group");
    fields.delete_group(&group.id).await.expect("deleted");
    assert_eq!(fields.group(&group.id).await.expect("an answer"), None);
    let error = fields.group("../../account").await.expect_err("no id");
    assert_eq!(error.kind(), &ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn what_no_field_is_made_of_is_refused() {
    let kommo = unlimited().await;
    kommo.add_field(Some("TAKEN"), "A", "text");
    for (body, path) in [
        (json!([{"type": "text"}]), "name"),
        (json!([{"name": "A"}]), "type"),
        (json!([{"name": "A", "type": "magic"}]), "type"),
        (json!([{"name": "A", "type": "select"}]), "enums"),
        (json!([{"name": "A", "type": "text", "code": "TAKEN"}]), "code"),
        (json!([{"name": "A", "type": "text", "code": "with space"}]), "code"),
        (json!([{"name": "A", "type": "text", "is_deletable": false}]), "is_deletable"),
        (
            json!([{"name": "A", "type": "select", "enums": [{"id": 1, "value": "x"}]}]),
            "enums.0.id",
        ),
    ] {
        assert_eq!(post(&kommo, "leads/custom_fields", &body).await.problem().1, path, "{body}");
    }
    let made = post(&kommo, "leads/custom_fields", &json!([{"name": "A", "type": "text"}])).await;
    assert_eq!(made.status, 201);
}
