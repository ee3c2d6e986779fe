//! Calls, sources, complex leads and the log of events.

use kommo_client::{
    CallDirection, ErrorKind, EventFilter, Fate, LeadId, LeadPatch, NewCall, NewCompany,
    NewContact, NewLead, NewSource, PipelineId, SourcePatch, StatusId, UserId, fake::FakeLead,
};
use serde_json::json;

use crate::http::{client, kinds, post, unlimited};

#[tokio::test]
async fn calls_go_to_whoever_has_the_number() {
    let kommo = unlimited().await;
    let contacts = client(&kommo).contacts();
    let ann = NewContact::new().name("Ann").phone("+1 (555) 010-0123");
    let ann = contacts.create(&[ann]).await.expect("made")[0].id;
    let calls = [
        NewCall::new(CallDirection::Inbound, "15550100123", 60, "us").status(4),
        NewCall::new(CallDirection::Outbound, "+1 555 999 9999", 0, "us"),
    ];
    let outcome = client(&kommo).calls().create(&calls).await.expect("an answer");
    assert_eq!((outcome.created.len(), outcome.refused), (1, 1));
    assert_eq!(outcome.created[0].entity_id, Some(ann.get()));
    assert_eq!(
        (outcome.created[0].entity_type.as_str(), outcome.created[0].index),
        ("contact", Some(0))
    );
    assert_eq!(kinds(&kommo), ["contact_added", "note_added"], "a call is a note");
    for (call, path) in [
        (
            json!({"direction": "sideways", "duration": 1, "source": "us", "phone": "1"}),
            "direction",
        ),
        (json!({"direction": "inbound", "duration": 1, "source": "us"}), "phone"),
        (
            json!({"direction": "inbound", "duration": 1, "source": "us", "phone": "1", "call_status": 9}),
            "call_status",
        ),
    ] {
        let problems = post(&kommo, "calls", &json!([call])).await.problems();
        assert!(problems.iter().any(|problem| problem.2 == path), "{call}: {problems:?}");
    }
}

#[tokio::test]
async fn sources_are_known_by_their_own_id() {
    let kommo = unlimited().await;
    let sources = client(&kommo).sources();
    assert_eq!(sources.list().await.expect("a list"), []);
    let sales = PipelineId::new(6_950_551);
    let made = sources.create(&[NewSource::new("Site", "7").pipeline(sales)]).await.expect("made");
    let error = sources.create(&[NewSource::new("Again", "7")]).await.expect_err("there is one");
    assert!(matches!(error.kind(), ErrorKind::Validation(_)), "{error:?}");
    sources
        .update(&[SourcePatch::new(made[0].id).name("Shop").default_source()])
        .await
        .expect("changed");
    let list = sources.list().await.expect("a list");
    assert_eq!((list[0].name.as_deref(), list[0].is_default), (Some("Shop"), true));
    assert_eq!((list[0].external_id.as_deref(), list[0].pipeline_id), (Some("7"), Some(sales)));
    let number = json!([{"name": "A", "external_id": 7}]);
    assert_eq!(
        post(&kommo, "sources", &number).await.problem().1,
        "external_id",
        "text, not a number"
    );
    sources.delete(made[0].id).await.expect("deleted");
    sources.delete(made[0].id).await.expect_err("gone");
}

#[tokio::test]
async fn leads_come_with_their_people() {
    let kommo = unlimited().await;
    let known = kommo.add_contact("Known", &[], &[]);
    let leads = client(&kommo).leads();
    let whole = NewLead::new()
        .name("Acme")
        .price(10)
        .new_contact(NewContact::new().first_name("Jo").email("jo@b.example"))
        .new_company(NewCompany::new().name("Acme Inc."));
    let made = leads
        .create_complex(&[whole, NewLead::new().contact(kommo_client::ContactId::new(known))])
        .await
        .expect("made");
    assert_eq!((made[0].indexes.as_slice(), made[1].indexes.as_slice()), (&[0][..], &[1][..]));
    assert_eq!(made[1].contact_id, Some(kommo_client::ContactId::new(known)));
    let lead = leads.get(made[0].id).await.expect("an answer").expect("a lead");
    assert_eq!(
        (lead.main_contact(), lead.companies.first().copied()),
        (made[0].contact_id, made[0].company_id)
    );
    let contact = kommo.contact(made[0].contact_id.expect("a contact").get()).expect("a contact");
    assert_eq!(
        contact["_embedded"]["companies"][0]["id"],
        json!(made[0].company_id.map(|id| id.get()))
    );
    assert_eq!(kinds(&kommo), ["lead_added", "contact_added", "company_added", "lead_added"]);

    let bad = NewLead::new()
        .new_contact(NewContact::new().name("x").responsible_user(UserId::new(8_375_359)));
    let error = leads.create_complex(&[bad]).await.expect_err("refused");
    let ErrorKind::Validation(items) = error.kind() else { panic!("{error:?}") };
    assert_eq!(items[0].errors[0].path, "_embedded.contacts.0.responsible_user_id");
    assert_eq!(error.fate(), Fate::Refused);
    assert_eq!(kommo.ledger().len(), 4, "nothing of it was written");
}

#[tokio::test]
async fn the_log_tells_what_happened() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let client = client(&kommo);
    let won = LeadPatch::new(LeadId::new(lead))
        .status(PipelineId::new(6_950_551), StatusId::WON)
        .price(100);
    client.leads().update(&[won]).await.expect("won");
    client.leads().create(&[NewLead::new()]).await.expect("made");
    let events = client.events();
    let of = |filter: EventFilter| {
        let mut pages = events.list(&filter);
        async move { pages.next().await.expect("an answer").unwrap_or_default() }
    };
    let all = of(EventFilter::new()).await;
    let types: Vec<_> = all.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(
        types,
        ["lead_added", "sale_field_changed", "lead_status_changed"],
        "the newest first"
    );
    let moved =
        of(EventFilter::new().event_type("lead_status_changed").entities("lead", &[lead])).await;
    assert_eq!(moved[0].value_after[0]["lead_status"]["id"], 142);
    assert_eq!(moved[0].value_before[0]["lead_status"]["id"], 58_141_811);
    assert_eq!(events.get(&moved[0].id).await.expect("an answer").as_ref(), Some(&moved[0]));
    assert_eq!(events.get("01f0").await.expect("an answer"), None);
    assert_eq!(of(EventFilter::new().created_by(UserId::new(1))).await, []);
    let eleven: Vec<u64> = (1..=11).collect();
    let mut pages = events.list(&EventFilter::new().entities("lead", &eleven));
    assert_eq!(pages.next().await.expect_err("too many").status(), Some(400));
}
