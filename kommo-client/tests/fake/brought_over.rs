//! What is brought over from elsewhere keeps who made it and when, and a change may say null.

use kommo_client::{
    CompanyPatch, ContactPatch, EntityType, ErrorKind, LeadId, LeadPatch, LossReasonId, NewCompany,
    NewContact, NewLead, PipelineId, StatusId, TagRef, UserId, fake::FakeLead,
};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::http::{client, unlimited};

const MADE: time::OffsetDateTime = datetime!(2020-01-02 03:04:05 UTC);
const CHANGED: time::OffsetDateTime = datetime!(2021-01-02 03:04:05 UTC);
const SECOND: UserId = UserId::new(8_375_358);
const SALES: PipelineId = PipelineId::new(6_950_551);

fn tag(name: &str) -> TagRef {
    TagRef::Name(name.to_owned())
}

fn names(entity: &Value) -> Vec<&str> {
    let tags = entity["_embedded"]["tags"].as_array().expect("tags");
    tags.iter().filter_map(|tag| tag["name"].as_str()).collect()
}

#[tokio::test]
async fn leads() {
    let kommo = unlimited().await;
    let leads = client(&kommo).leads();
    let lost = NewLead::new()
        .status(SALES, StatusId::LOST)
        .loss_reason(LossReasonId::new(16_823_701))
        .closed_at(CHANGED)
        .created_by(SECOND)
        .updated_by(UserId::ROBOT)
        .created_at(MADE)
        .updated_at(CHANGED);
    let made = leads.create(&[lost]).await.expect("made");
    let lead = leads.get(made[0].id).await.expect("an answer").expect("a lead");
    assert_eq!((lead.created_by, lead.updated_by), (Some(SECOND), Some(UserId::ROBOT)));
    assert_eq!((lead.created_at, lead.updated_at), (Some(MADE), Some(CHANGED)));
    assert_eq!((lead.closed_at, lead.loss_reason_id.is_some()), (Some(CHANGED), true));

    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let patch = || LeadPatch::new(LeadId::new(lead));
    for (patch, want) in [
        (patch().add_tag(tag("a")), vec!["a"]),
        (patch().tags([tag("b"), tag("c")]), vec!["b", "c"]),
        (patch().name("Beta"), vec!["b", "c"]),
        (patch().without_tags(), vec![]),
    ] {
        leads.update(&[patch]).await.expect("changed");
        assert_eq!(kommo.tags(lead), want);
    }
    leads.update(&[patch().created_at(MADE).updated_at(CHANGED)]).await.expect("changed");
    let read = kommo.lead(lead).expect("a lead");
    assert_eq!(read["created_at"], MADE.unix_timestamp());
    let gone = patch().updated_by(UserId::new(8_375_359));
    let error = leads.update(&[gone]).await.expect_err("refused");
    assert!(matches!(error.kind(), ErrorKind::Validation(_)), "{error:?}");
}

#[tokio::test]
async fn people() {
    let kommo = unlimited().await;
    let contacts = client(&kommo).contacts();
    let ann = NewContact::new().name("Ann").created_by(SECOND).created_at(MADE).updated_at(CHANGED);
    let made = contacts.create(&[ann]).await.expect("made");
    let patch = || ContactPatch::new(made[0].id);
    contacts.update(&[patch().tags([tag("a"), tag("b")])]).await.expect("changed");
    let contact = contacts.get(made[0].id).await.expect("an answer").expect("a contact");
    assert_eq!((contact.created_by, contact.created_at), (Some(SECOND), Some(MADE)));
    assert_eq!(contact.tags.len(), 2);
    contacts.update(&[patch().without_tags()]).await.expect("changed");
    assert_eq!(names(&kommo.contact(made[0].id.get()).expect("a contact")), Vec::<&str>::new());

    let companies = client(&kommo).companies();
    let made = companies.create(&[NewCompany::new().created_at(MADE)]).await.expect("made");
    let patch = CompanyPatch::new(made[0].id).tags([tag("a")]).updated_by(UserId::ROBOT);
    companies.update(&[patch]).await.expect("changed");
    let company = companies.get(made[0].id).await.expect("an answer").expect("a company");
    assert_eq!((company.created_at, company.updated_by), (Some(MADE), Some(UserId::ROBOT)));
    assert_eq!(company.tags[0].name.as_deref(), Some("a"));
    assert_eq!(client(&kommo).tags(EntityType::Companies).list().await.expect("a list").len(), 1);
}

#[tokio::test]
async fn null_is_sent_as_null() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let patch = LeadPatch::new(LeadId::new(lead)).without_loss_reason().without_closed_at();
    let _ = client(&kommo).leads().update(&[patch]).await;
    assert_eq!(
        kommo.requests()[0].body,
        json!([{"id": lead, "loss_reason_id": null, "closed_at": null, "request_id": "0"}])
    );
}
