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
fn a_talk_names_its_chat_and_its_lead() {
    let delivery = parse(
        "talk[update][0][talk_id]=191&talk[update][0][created_at]=1795550400&talk[update][0][updated_at]=1795550460\
        &talk[update][0][rate]=0&talk[update][0][contact_id]=4&talk[update][0][chat_id]=c-1&talk[update][0][entity_id]=7\
        &talk[update][0][entity_type]=lead&talk[update][0][is_in_work]=1&talk[update][0][is_read]=0\
        &talk[update][0][origin]=telegram&talk[add][0][chat_id]=c-2",
    );
    let [add, update] = delivery.events.as_slice() else { panic!("{delivery:?}") };
    assert_eq!(add.data, WebhookData::Unknown, "it has no id");
    assert_eq!((&update.entity, &update.action), (&WebhookEntity::Talk, &WebhookAction::Update));
    let WebhookData::Talk(talk) = &update.data else { panic!("{update:?}") };
    assert_eq!((talk.id.get(), talk.contact_id.unwrap().get(), talk.entity_id), (191, 4, Some(7)));
    assert_eq!((talk.chat_id.as_deref(), talk.entity_type.as_deref()), (Some("c-1"), Some("lead")));
    assert_eq!((talk.is_in_work, talk.is_read), (Some(true), Some(false)));
    assert_eq!(talk.origin.as_deref(), Some("telegram"));
    assert_eq!(talk.created_at, Some(datetime!(2026-11-24 20:00 UTC)));
    assert_eq!(talk.updated_at, Some(datetime!(2026-11-24 20:01 UTC)));
    assert_eq!(update.form.text_of("rate"), Some("0"));
}

#[test]
fn times_of_tasks_without_a_zone_are_kept_as_text() {
    // Nobody says whose clock the texts are of, so only the Unix seconds become times.
    let delivery = parse(
        "task[add][0][id]=3&task[add][0][date_create]=2026-11-24+20:00:00&task[add][0][complete_till]=2026-11-25+20:59:00\
        &task[add][0][updated_at]=1795550400&task[add][0][complete_before]=1795640340\
        &task[add][1][id]=4&task[add][1][complete_till]=2026-11-25+20:59:00",
    );
    let [known, unknown] = delivery.events.as_slice() else { panic!("{delivery:?}") };
    let WebhookData::Task(task) = &known.data else { panic!("{known:?}") };
    assert_eq!(task.complete_before, Some(datetime!(2026-11-25 20:59 UTC)));
    assert_eq!(task.updated_at, Some(datetime!(2026-11-24 20:00 UTC)));
    let WebhookData::Task(task) = &unknown.data else { panic!("{unknown:?}") };
    assert_eq!(task.complete_before, None);
    assert_eq!(unknown.form.text_of("complete_till"), Some("2026-11-25 20:59:00"));
}

#[test]
fn what_a_note_says_beside_its_text_is_kept() {
    let delivery = parse(
        "leads[note][0][note][id]=5&leads[note][0][note][note_type]=4&leads[note][0][note][text]=x\
        &leads[note][0][note][attachement]=a.pdf\
        &leads[note][0][note][metadata]=%7B%22event_source%22%3A%7B%22id%22%3A9%7D%7D",
    );
    let event = &delivery.events[0];
    let WebhookData::Note(note) = &event.data else { panic!("{event:?}") };
    assert_eq!((note.note_type, note.text.as_deref()), (Some(4), Some("x")));
    let form = event.form.get("note").unwrap();
    assert_eq!(form.text_of("attachement"), Some("a.pdf"));
    let metadata: serde_json::Value =
        serde_json::from_str(form.text_of("metadata").unwrap()).unwrap();
    assert_eq!(metadata["event_source"]["id"], 9);
}

#[test]
fn what_became_of_an_incoming_lead_is_kept() {
    for (action, result) in [("accept", "accept_result"), ("decline", "decline_result")] {
        let delivery = parse(&format!(
            "unsorted[delete][0][action]={action}&unsorted[delete][0][uid]=u-1&unsorted[delete][0][{result}][leads][0]=7"
        ));
        let event = &delivery.events[0];
        assert_eq!(
            (&event.entity, &event.action),
            (&WebhookEntity::Unsorted, &WebhookAction::Delete)
        );
        assert_eq!(event.form.text_of("action"), Some(action));
        let leads = event.form.get(result).and_then(|result| result.get("leads")).unwrap();
        assert_eq!(leads.text_of("0"), Some("7"), "{result}");
    }
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
