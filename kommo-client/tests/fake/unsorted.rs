use kommo_client::{
    ContactId, ErrorKind, FormMetadata, LeadId, NewCompany, NewContact, NewLead, NewUnsorted,
    PipelineId, SipMetadata, StatusId, UnsortedFilter, UserId, fake::FakeLead,
};
use serde_json::json;
use time::macros::datetime;

use crate::http::{client, kinds, post, unlimited};

fn form() -> NewUnsorted<FormMetadata> {
    let sent = datetime!(2026-11-24 20:00 UTC);
    let form = FormMetadata::new("f-1", "Trial", "https://app.example/trial", "192.0.2.1", sent);
    NewUnsorted::new("site", "Site", form)
        .lead(NewLead::new().name("Trial of Acme").price(50))
        .contact(NewContact::new().name("Ann").email("ann@b.example"))
        .company(NewCompany::new().name("Acme Inc."))
}

#[tokio::test]
async fn a_form_waits_until_it_is_taken() {
    let kommo = unlimited().await;
    let unsorted = client(&kommo).unsorted();
    let made = unsorted.create_forms(&[form(), form()]).await.expect("made");
    assert_eq!((made.len(), made[0].lead_ids.len(), made[0].contact_ids.len()), (2, 1, 1));
    let leads = client(&kommo).leads();
    assert_eq!(leads.get(made[0].lead_ids[0]).await.expect("an answer"), None, "not yet a lead");
    assert_eq!(kommo.contact(made[0].contact_ids[0].get()), None);

    let taken =
        unsorted.accept(&made[0].uid, UserId::new(8_375_358), Some(StatusId::new(58_141_815)));
    assert_eq!(taken.await.expect("taken").lead_ids, made[0].lead_ids);
    let lead = leads.get(made[0].lead_ids[0]).await.expect("an answer").expect("a lead");
    assert_eq!((lead.name.as_deref(), lead.price.units()), (Some("Trial of Acme"), Some(50)));
    assert_eq!(lead.status_id, Some(StatusId::new(58_141_815)));
    assert_eq!(lead.responsible_user_id, Some(UserId::new(8_375_358)));
    assert_eq!(lead.main_contact(), Some(made[0].contact_ids[0]));
    assert_eq!(lead.companies.len(), 1);
    let found = client(&kommo).contacts().find_by_email("ann@b.example").await.expect("an answer");
    assert_eq!(found.len(), 1, "the other's contact is in no list");
    assert_eq!(
        unsorted.get(&made[0].uid).await.expect("an answer"),
        None,
        "it is incoming no longer"
    );

    unsorted.decline(&made[1].uid, UserId::new(8_375_358)).await.expect("declined");
    let error = unsorted.decline(&made[1].uid, UserId::new(8_375_358)).await.expect_err("gone");
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let summary = unsorted.summary().await.expect("a summary");
    assert_eq!((summary.total, summary.accepted, summary.declined), (Some(0), Some(1), Some(1)));
    assert_eq!(
        kinds(&kommo),
        [
            "unsorted_added",
            "unsorted_added",
            "lead_added",
            "contact_added",
            "company_added",
            "unsorted_accepted",
            "unsorted_declined"
        ]
    );
}

#[tokio::test]
async fn they_are_listed_by_category_and_pipeline() {
    let kommo = unlimited().await;
    let other = PipelineId::new(kommo.add_pipeline("Partners", &["Talks"]));
    let unsorted = client(&kommo).unsorted();
    let called = datetime!(2026-11-24 20:00 UTC);
    let call = SipMetadata::new("+1", "+2", called, 60, "us")
        .link("https://app.example/1.mp3")
        .with_note();
    unsorted.create_sip(&[NewUnsorted::new("pbx", "PBX", call)]).await.expect("made");
    unsorted.create_forms(&[form().pipeline(other)]).await.expect("made");
    for (filter, want) in [
        (UnsortedFilter::new(), &["sip", "forms"][..]),
        (UnsortedFilter::new().category("forms"), &["forms"]),
        (UnsortedFilter::new().pipeline(other), &["forms"]),
        (UnsortedFilter::new().category("mail"), &[]),
    ] {
        let page = unsorted.list(&filter).next().await.expect("an answer").unwrap_or_default();
        let seen: Vec<_> = page.iter().map(|own| own.category.as_str()).collect();
        assert_eq!(seen, want);
    }
    let summary = unsorted.summary().await.expect("a summary");
    assert_eq!(summary.categories["sip"].total, Some(1));
}

#[tokio::test]
async fn a_chat_is_put_into_a_lead_that_is_there() {
    let kommo = unlimited().await;
    let lead = LeadId::new(kommo.add_lead(FakeLead::new("Acme")));
    let ann = ContactId::new(kommo.add_contact("Ann", &[], &[]));
    let unsorted = client(&kommo).unsorted();
    let user = UserId::new(8_375_357);
    let chat = kommo.add_chat("Ann on the phone");
    let linked = unsorted.link(&chat, lead, Some(ann), user).await.expect("linked");
    assert_eq!((linked.uid.as_str(), linked.lead_ids), (chat.as_str(), vec![lead]));
    assert_eq!(
        kommo.requests()[0].body,
        json!({"link": {"entity_id": lead.get(), "entity_type": "leads", "metadata": {"contact_id": ann.get()}},
            "user_id": 8_375_357})
    );
    let error = unsorted.link(&chat, lead, None, user).await.expect_err("gone");
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let form = unsorted.create_forms(&[form()]).await.expect("made");
    let error = unsorted.link(&form[0].uid, lead, None, user).await.expect_err("no chat");
    assert_eq!(error.status(), Some(400));
    let chat = kommo.add_chat("Bob");
    let error = unsorted.link(&chat, LeadId::new(1), None, user).await.expect_err("no lead");
    assert!(matches!(error.kind(), ErrorKind::Validation(_)), "{error:?}");
    assert_eq!(kinds(&kommo), ["unsorted_linked", "unsorted_added"]);
}

#[tokio::test]
async fn what_cannot_come_in_is_refused() {
    let kommo = unlimited().await;
    let base = json!({"source_uid": "s", "source_name": "S", "metadata": {"form_id": "f", "form_name": "F",
        "form_page": "p", "ip": "i", "form_sent_at": 1}});
    for (pointer, value, path) in [
        ("source_uid", json!(1), "source_uid"),
        ("pipeline_id", json!(1), "pipeline_id"),
        (
            "metadata",
            json!({"form_id": "f", "form_name": "F", "form_page": "p", "ip": "i"}),
            "metadata.form_sent_at",
        ),
        ("_embedded", json!({"leads": [{"status": 1}]}), "_embedded.leads.0.status"),
        ("_embedded", json!({"contacts": [{"name": 234}]}), "_embedded.contacts.0.name"),
        ("_embedded", json!({"leads": [{}, {}]}), "_embedded.leads"),
    ] {
        let mut item = base.clone();
        item[pointer] = value;
        let answer = post(&kommo, "leads/unsorted/forms", &json!([item])).await;
        assert_eq!(answer.problem().1, path, "{item}");
    }
    let chat = kommo.add_chat("Ann");
    let answer =
        post(&kommo, &format!("leads/unsorted/{chat}/accept"), &json!({"user_id": 8_375_359}))
            .await;
    assert_eq!(answer.problem().1, "user_id", "deactivated");
}
