//! What Kommo sends to webhooks, with all its traps.

use kommo_client::{
    StatusId, UserId, WebhookAction, WebhookBody, WebhookBodyError, WebhookData, WebhookDecision,
    WebhookEntity,
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
    assert_eq!(note.attachment.as_deref(), Some("a.pdf"));
    let form = event.form.get("note").unwrap();
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
fn an_incoming_lead_comes_changes_and_is_taken_or_declined() {
    let delivery = parse(
        "unsorted[add][0][uid]=u-1&unsorted[add][0][category]=forms&unsorted[add][0][pipeline_id]=5\
        &unsorted[add][0][source]=Site&unsorted[add][0][source_data][form_id]=2\
        &unsorted[add][0][data][leads][0][tags]=Site&unsorted[add][0][data][contacts][0][name]=Ann\
        &unsorted[update][0][uid]=u-1&unsorted[update][0][data][leads][0][id]=7\
        &unsorted[delete][0][action]=accept&unsorted[delete][0][uid]=u-1&unsorted[delete][0][created_at]=1795550400\
        &unsorted[delete][0][accept_result][leads][0]=7&unsorted[delete][0][accept_result][contacts][0]=4\
        &unsorted[delete][0][accept_result][companies][0]=3&unsorted[delete][0][modified_user_id]=9\
        &unsorted[delete][1][action]=decline&unsorted[delete][1][uid]=u-2&unsorted[delete][1][decline_result][leads][0]=8\
        &unsorted[delete][2][uid]=u-3&unsorted[delete][2][action]=postponed&unsorted[delete][3][category]=mail",
    );
    let seen: Vec<_> = delivery
        .events
        .iter()
        .filter_map(|event| match &event.data {
            WebhookData::Unsorted(lead) => Some((event.action.as_str(), lead)),
            _ => None,
        })
        .collect();
    let [(_, came), (_, taken), (_, declined), (_, other), (_, changed)] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!((came.category.as_deref(), came.source.as_deref()), (Some("forms"), Some("Site")));
    assert_eq!((came.pipeline_id.unwrap().get(), &came.decision), (5, &None));
    assert_eq!((came.lead_ids.len(), came.contact_ids.len()), (0, 0), "they have no ids yet");
    assert_eq!(changed.lead_ids[0].get(), 7);
    assert_eq!(taken.decision, Some(WebhookDecision::Accepted));
    let became = (taken.lead_ids[0].get(), taken.contact_ids[0].get(), taken.company_ids[0].get());
    assert_eq!(became, (7, 4, 3));
    assert_eq!(taken.modified_user_id, Some(UserId::new(9)));
    assert_eq!(taken.created_at, Some(datetime!(2026-11-24 20:00 UTC)));
    assert_eq!(declined.decision, Some(WebhookDecision::Declined));
    assert_eq!(declined.lead_ids[0].get(), 8);
    assert_eq!(other.decision.as_ref().unwrap().as_str(), "postponed");
    assert_eq!(delivery.events.len(), 6, "the one without a uid is there, too");
}

#[test]
fn a_message_of_either_brand_is_read() {
    let delivery = parse(
        "message[add][0][id]=m-1&message[add][0][chat_id]=c-1&message[add][0][talk_id]=191&message[add][0][contact_id]=4\
        &message[add][0][text]=Hello%21&message[add][0][created_at]=1795550400&message[add][0][entity_type]=lead\
        &message[add][0][entity_id]=7&message[add][0][type]=incoming&message[add][0][author][id]=a-1\
        &message[add][0][author][type]=external&message[add][0][author][name]=Ann&message[add][0][origin]=telegram\
        &message[add][1][id]=m-2&message[add][1][element_id]=8&message[add][1][element_type]=2\
        &message[add][1][attachment][type]=picture&message[add][1][attachment][link]=https://cdn.example/a.gif\
        &message[add][2][text]=nameless",
    );
    let [kommo, amo, nameless] = delivery.events.as_slice() else { panic!("{delivery:?}") };
    let WebhookData::Message(message) = &kommo.data else { panic!("{kommo:?}") };
    assert_eq!((message.id.as_str(), message.text.as_deref()), ("m-1", Some("Hello!")));
    assert_eq!((message.talk_id.unwrap().get(), message.contact_id.unwrap().get()), (191, 4));
    assert_eq!((message.entity_id, message.entity_type.as_deref()), (Some(7), Some("lead")));
    assert_eq!(message.message_type.as_deref(), Some("incoming"));
    let author = (message.author_id.as_deref(), message.author_name.as_deref());
    assert_eq!(
        (author, message.author_type.as_deref()),
        ((Some("a-1"), Some("Ann")), Some("external"))
    );
    assert_eq!(
        (message.chat_id.as_deref(), message.origin.as_deref()),
        (Some("c-1"), Some("telegram"))
    );
    assert_eq!(message.created_at, Some(datetime!(2026-11-24 20:00 UTC)));
    let WebhookData::Message(message) = &amo.data else { panic!("{amo:?}") };
    assert_eq!((message.entity_id, message.entity_type.as_deref()), (Some(8), Some("2")));
    assert_eq!(message.attachment_type.as_deref(), Some("picture"));
    assert_eq!(message.attachment_link.as_deref(), Some("https://cdn.example/a.gif"));
    assert_eq!(nameless.data, WebhookData::Unknown);
}

#[test]
fn elements_of_catalogs_and_customers_are_read() {
    let delivery = parse(
        "catalogs[add][0][id]=31&catalogs[add][0][catalog_id]=3&catalogs[add][0][name]=Pro\
        &catalogs[add][0][custom_fields][0][id]=21&catalogs[add][0][custom_fields][0][code]=PRICE\
        &catalogs[add][0][custom_fields][0][values][0][value]=49\
        &customers[update][0][id]=41&customers[update][0][name]=Acme&customers[update][0][responsible_user_id]=9\
        &customers[note][0][note][text]=x",
    );
    let [element, note, customer] = delivery.events.as_slice() else { panic!("{delivery:?}") };
    let WebhookData::Element(element) = &element.data else { panic!("{element:?}") };
    assert_eq!((element.id.get(), element.catalog_id.unwrap().get()), (31, 3));
    assert_eq!(
        (element.name.as_deref(), element.custom_fields[0].values[0].0.as_str()),
        (Some("Pro"), "49")
    );
    assert!(matches!(note.data, WebhookData::Note(_)));
    let WebhookData::Customer(customer) = &customer.data else { panic!("{customer:?}") };
    assert_eq!((customer.id, customer.name.as_deref()), (41, Some("Acme")));
    assert_eq!(customer.responsible_user_id, Some(UserId::new(9)));
}

#[test]
fn tags_the_company_and_the_result_of_a_task_are_read() {
    let delivery = parse(
        "leads[add][0][id]=7&leads[add][0][tags][0][id]=1&leads[add][0][tags][0][name]=hot&leads[add][0][tags][1][id]=2\
        &leads[add][0][created_user_id]=9&leads[add][0][date_create]=1795550400&leads[add][1][id]=8&leads[add][1][tags]=Site\
        &contacts[add][0][id]=4&contacts[add][0][linked_company_id]=3&contacts[add][0][created_at]=1795550400\
        &task[update][0][id]=5&task[update][0][text]=new&task[update][0][old_text]=old&task[update][0][action_close]=1\
        &task[update][0][result][id]=1&task[update][0][result][text]=Signed",
    );
    let mut came = None;
    for event in &delivery.events {
        match &event.data {
            WebhookData::Lead(lead) if lead.id.get() == 7 => {
                let tags: Vec<_> = lead
                    .tags
                    .iter()
                    .map(|tag| (tag.id.unwrap().get(), tag.name.as_str()))
                    .collect();
                assert_eq!(tags, [(1, "hot")], "one without a name says nothing");
                assert_eq!(lead.created_user_id, Some(UserId::new(9)));
                came = lead.created_at;
            }
            WebhookData::Lead(lead) => assert_eq!(lead.tags, []),
            WebhookData::Contact(contact) => {
                assert_eq!(contact.company_id.unwrap().get(), 3);
                assert!(contact.created_at.is_some());
            }
            WebhookData::Task(task) => {
                assert_eq!(
                    (task.text.as_deref(), task.old_text.as_deref()),
                    (Some("new"), Some("old"))
                );
                assert_eq!(
                    (task.was_completed_now, task.result.as_deref()),
                    (Some(true), Some("Signed"))
                );
            }
            data => panic!("{data:?}"),
        }
    }
    assert_eq!(came, Some(datetime!(2026-11-24 20:00 UTC)));
    assert_eq!(delivery.events.len(), 4);
}

#[test]
fn a_deletion_may_be_a_bare_id() {
    let delivery = parse("leads[delete]=7&contacts[delete]=&task[delete][0][id]=5");
    let [lead, task] = delivery.events.as_slice() else { panic!("{delivery:?}") };
    assert_eq!((&lead.entity, &lead.action), (&WebhookEntity::Lead, &WebhookAction::Delete));
    assert!(matches!(&lead.data, WebhookData::Lead(lead) if lead.id.get() == 7));
    assert!(matches!(&task.data, WebhookData::Task(task) if task.id.get() == 5));
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
