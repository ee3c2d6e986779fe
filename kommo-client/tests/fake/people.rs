use kommo_client::{
    CompanyFilter, CompanyId, CompanyPatch, ContactId, ContactPatch, FieldInput, FieldWrite,
    LeadId, NewCompany, NewContact, TagRef, UserId, fake::FakeLead,
};
use serde_json::json;

use crate::http::{client, kinds, patch, post, unlimited};

#[tokio::test]
async fn contacts_are_made_changed_and_read_with_their_addresses() {
    let kommo = unlimited().await;
    let contacts = client(&kommo).contacts();
    let ann = NewContact::new()
        .first_name("Ann")
        .last_name("Example")
        .email("Ann@b.example")
        .phone("+1 555 0100")
        .add_tag(TagRef::Name("vip".into()));
    let made = contacts.create(&[ann, NewContact::new().name("Bob")]).await.expect("made");
    let ann = contacts.get(made[0].id).await.expect("an answer").expect("a contact");
    assert_eq!(ann.name.as_deref(), Some("Ann Example"), "made of both names");
    assert!(ann.emails().eq(["Ann@b.example"]) && ann.phones().eq(["+1 555 0100"]));
    let found = contacts.find_by_email("ann@B.example").await.expect("an answer");
    assert_eq!(found.len(), 1);

    let two = FieldInput::Multitext(vec![
        ("a@b.example".into(), Some("PRIV".into())),
        ("b@b.example".into(), None),
    ]);
    let change = ContactPatch::new(made[0].id)
        .last_name("Sample")
        .responsible_user(UserId::new(8_375_358))
        .field(FieldWrite::new("EMAIL", two))
        .delete_tag(TagRef::Name("vip".into()));
    contacts.update(&[change]).await.expect("changed");
    let ann = kommo.contact(made[0].id.get()).expect("a contact");
    assert_eq!(
        (&ann["name"], &ann["responsible_user_id"]),
        (&json!("Ann Sample"), &json!(8_375_358))
    );
    assert_eq!(ann["_embedded"]["tags"], json!([]));
    let emails = ann["custom_fields_values"].as_array().expect("fields");
    let emails = emails.iter().find(|field| field["field_code"] == "EMAIL").expect("e-mails");
    assert_eq!(emails["values"][0]["enum_code"], "PRIV");
    assert_eq!(emails["values"].as_array().map(Vec::len), Some(2), "the whole list is replaced");
    assert_eq!(kinds(&kommo), ["contact_added", "contact_added", "contact_updated"]);
}

#[tokio::test]
async fn the_contacts_of_leads_are_read_in_one_request() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let ids = ["Ann", "Bob"].map(|name| kommo.add_contact(name, &["a@b.example"], &[lead]));
    let client = client(&kommo);
    let read = client.leads().get(LeadId::new(lead)).await.expect("an answer").expect("a lead");
    assert_eq!(read.main_contact(), Some(ContactId::new(ids[0])));
    let wanted: Vec<ContactId> = read.contacts.iter().rev().map(|contact| contact.id).collect();
    let contacts = client.contacts();
    let found = contacts.list_by_ids(&[&wanted[..], &[ContactId::new(1)]].concat()).await;
    let found = found.expect("an answer");
    assert!(
        found.iter().map(|contact| contact.id).eq(wanted.iter().copied()),
        "in the order asked for"
    );
    assert!(found[0].emails().eq(["a@b.example"]));
    assert_eq!(kommo.requests().len(), 2);

    kommo.set_ignore_filters(true);
    kommo.add_contact("Carl", &[], &[]);
    let found = contacts.list_by_ids(&wanted[..1]).await.expect("an answer");
    assert_eq!(found.len(), 1, "what nobody asked for is dropped");
    assert_eq!(contacts.list_by_ids(&[]).await.expect("an answer"), []);
}

#[tokio::test]
async fn companies_are_made_changed_and_read() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let known = kommo.add_company("Acme Inc.", &[lead]);
    let companies = client(&kommo).companies();
    let phone = FieldInput::Multitext(vec![("+1".into(), None)]);
    let made = companies
        .create(&[NewCompany::new().name("Beta").field(FieldWrite::new("PHONE", phone))])
        .await
        .expect("made");
    let change = CompanyPatch::new(made[0].id).name("Beta Ltd.").add_tag(TagRef::Name("t".into()));
    companies.update(&[change]).await.expect("changed");
    let rows = companies.list(&CompanyFilter::new()).next().await.expect("a page").expect("rows");
    assert_eq!(
        rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        [CompanyId::new(known), made[0].id]
    );
    let acme = companies.get(CompanyId::new(known)).await.expect("an answer").expect("a company");
    assert_eq!(acme.lead_ids, [LeadId::new(lead)]);
    assert_eq!(companies.get(CompanyId::new(1)).await.expect("an answer"), None);
    let beta = kommo.company(made[0].id.get()).expect("a company");
    assert_eq!((&beta["name"], beta.get("first_name")), (&json!("Beta Ltd."), None));
    assert_eq!(kinds(&kommo), ["company_added", "company_updated"]);
}

#[tokio::test]
async fn what_people_do_not_take_is_refused() {
    let kommo = unlimited().await;
    let ann = kommo.add_contact("Ann", &[], &[]);
    let value = |value| json!([{"name": "A", "custom_fields_values": [{"field_code": "EMAIL", "values": [value]}]}]);
    for (path, body, want) in [
        ("contacts", json!([{"nam": "A"}]), "nam"),
        ("companies", json!([{"first_name": "A"}]), "first_name"),
        (
            "contacts",
            json!([{"name": "A", "responsible_user_id": 8_375_359}]),
            "responsible_user_id",
        ),
        (
            "contacts",
            value(json!({"value": "a@b.example", "enum_code": "HOME"})),
            "custom_fields_values.0.values.0.enum_code",
        ),
        ("contacts", value(json!({"enum_code": "WORK"})), "custom_fields_values.0.values.0.value"),
        (
            "contacts",
            value(json!({"value": "a@b.example", "enum": "WORK"})),
            "custom_fields_values.0.values.0.enum",
        ),
        (
            "contacts",
            json!([{"name": "A", "_embedded": {"leads": [{"id": 1}]}}]),
            "_embedded.leads",
        ),
    ] {
        assert_eq!(post(&kommo, path, &body).await.problem().1, want, "{body}");
    }
    assert_eq!(patch(&kommo, "contacts", &json!([{"id": 1, "name": "B"}])).await.problem().1, "id");
    let one = patch(&kommo, &format!("contacts/{ann}"), &json!({"name": "Anna B"})).await;
    assert_eq!(one.json()["_embedded"]["contacts"][0]["name"], "Anna B");
    assert_eq!(kinds(&kommo), ["contact_updated"]);
}
