//! What Kommo sends to webhooks, with all its traps.

use kommo_client::{
    StatusId, UserId, WebhookAction, WebhookBody, WebhookBodyError, WebhookData, WebhookEntity,
};
use proptest::{prelude::*, test_runner::Config};
use time::macros::datetime;

fn parse(body: &str) -> WebhookBody {
    WebhookBody::parse(body.as_bytes()).unwrap()
}

#[test]
fn a_lead_changes_its_stage() {
    let body = "leads[status][0][id]=7&leads[status][0][name]=Acme+%26+Co&leads[status][0][status_id]=142\
        &leads[status][0][old_status_id]=51&leads[status][0][pipeline_id]=5&leads[status][0][price]=2400\
        &leads[status][0][responsible_user_id]=9&leads[status][0][modified_user_id]=0\
        &leads[status][0][last_modified]=1795550400\
        &leads[status][0][custom_fields][0][id]=21&leads[status][0][custom_fields][0][name]=Plan\
        &leads[status][0][custom_fields][0][code]=PLAN&leads[status][0][custom_fields][0][values][0][value]=Pro\
        &leads[status][0][custom_fields][0][values][0][enum]=81\
        &leads[status][0][custom_fields][1][id]=22&leads[status][0][custom_fields][1][values][0]=1615845600\
        &account[subdomain]=acme&account[id]=31361463&account[_links][self]=https://acme.kommo.com";
    let delivery = parse(body);
    assert_eq!(delivery.account_id.unwrap().get(), 31_361_463);
    assert_eq!(delivery.subdomain.as_deref(), Some("acme"));
    let [event] = delivery.events.as_slice() else { panic!("{delivery:?}") };
    assert_eq!((&event.entity, &event.action), (&WebhookEntity::Lead, &WebhookAction::Status));
    let WebhookData::Lead(lead) = &event.data else { panic!("{event:?}") };
    assert_eq!(lead.id.get(), 7);
    assert_eq!(lead.name.as_deref(), Some("Acme & Co"));
    assert_eq!(
        (lead.status_id, lead.old_status_id),
        (Some(StatusId::WON), Some(StatusId::new(51)))
    );
    assert_eq!(lead.price.units(), Some(2_400));
    assert_eq!(lead.modified_user_id, Some(UserId::ROBOT));
    assert_eq!(lead.updated_at, Some(datetime!(2026-11-24 20:00 UTC)));
    assert_eq!(lead.custom_fields[0].values[0].0, "Pro");
    assert_eq!(lead.custom_fields[0].values[0].1.unwrap().get(), 81);
    assert_eq!(lead.custom_fields[1].values, [("1615845600".to_owned(), None)]);
}

#[test]
fn a_company_comes_as_a_contact() {
    let delivery = parse(
        "contacts[add][0][id]=3&contacts[add][0][type]=company&contacts[add][0][linked_leads_id][7][ID]=7\
        &contacts[add][1][id]=4&contacts[add][1][type]=contact",
    );
    let entities: Vec<_> = delivery.events.iter().map(|event| &event.entity).collect();
    assert_eq!(entities, [&WebhookEntity::Company, &WebhookEntity::Contact]);
    let WebhookData::Contact(company) = &delivery.events[0].data else { panic!() };
    assert_eq!((company.id.get(), company.lead_ids[0].get()), (3, 7));
}

#[test]
fn tasks_come_with_a_level_too_many() {
    for body in [
        "task[update][0][id]=3&task[update][0][status]=1",
        "task[update][0][0][id]=3&task[update][0][0][status]=1",
    ] {
        let delivery = parse(body);
        let WebhookData::Task(task) = &delivery.events[0].data else { panic!("{body}") };
        assert_eq!((task.id.get(), task.is_completed), (3, Some(true)), "{body}");
    }
}

#[test]
fn a_note_may_have_a_type_with_text_and_children() {
    let delivery =
        parse("contacts[note][0][note][type]=3&contacts[note][0][note][type][message_uuid]=u-1");
    let event = &delivery.events[0];
    let WebhookData::Note(note) = &event.data else { panic!("{event:?}") };
    assert_eq!(note.note_type, Some(3));
    let kind = event.form.get("note").unwrap().get("type").unwrap();
    assert_eq!(kind.text_of("message_uuid"), Some("u-1"));
}

#[test]
fn several_items_and_actions_in_one_body_are_all_read() {
    let delivery =
        parse("leads[add][1][id]=2&leads[add][0][id]=1&leads[update][0][id]=3&task[add][0][id]=4");
    let mut seen: Vec<_> = delivery
        .events
        .iter()
        .map(|event| (event.action.as_str().to_owned(), event.form.text_of("id").unwrap()))
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [("add".into(), "1"), ("add".into(), "2"), ("add".into(), "4"), ("update".into(), "3")]
    );
}

#[test]
fn what_is_unknown_is_kept() {
    let delivery = parse(
        "fleets[sail][0][id]=1&leads[explode][0][id]=2&leads[add][0][name]=x&message[add][0][id]=u-1&stray=1",
    );
    let find = |entity: &str| {
        delivery.events.iter().find(|event| event.entity.as_str() == entity).unwrap()
    };
    assert_eq!(find("fleets").action.as_str(), "sail");
    assert_eq!(find("fleets").data, WebhookData::Unknown);
    assert_eq!(find("message").form.text_of("id"), Some("u-1"));
    let leads: Vec<_> =
        delivery.events.iter().filter(|event| event.entity == WebhookEntity::Lead).collect();
    assert!(leads.iter().any(|event| matches!(event.data, WebhookData::Lead(_))));
    assert!(
        leads
            .iter()
            .any(|event| event.data == WebhookData::Unknown
                && event.form.text_of("name") == Some("x"))
    );
    assert_eq!(delivery.form.text_of("stray"), Some("1"));
}

#[test]
fn empty_text_is_null_and_bad_numbers_are_nothing() {
    let delivery = parse(
        "leads[update][0][id]=1&leads[update][0][name]=&leads[update][0][status_id]=x\
        &leads[update][0][pipeline_id]=-5&leads[update][0][price]=&leads[update][0][updated_at]=99999999999999999999",
    );
    let WebhookData::Lead(lead) = &delivery.events[0].data else { panic!() };
    assert_eq!((lead.name.as_ref(), lead.status_id, lead.pipeline_id), (None, None, None));
    assert_eq!((lead.price.units(), lead.updated_at), (None, None));
}

#[test]
fn a_body_that_is_too_much_is_refused() {
    let deep = format!("a{}=1", "[b]".repeat(40));
    assert_eq!(WebhookBody::parse(deep.as_bytes()), Err(WebhookBodyError::TooDeep));
    assert_eq!(parse("").events, []);
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = WebhookBody::parse(&body);
    }

    #[test]
    fn no_brackets_make_it_panic(body in "(leads|contacts|task|account|a|%5B|%5D|\\[|\\]|0|add|note|id|=|&|%|\\+){0,40}") {
        let _ = WebhookBody::parse(body.as_bytes());
    }
}
