//! Any body of a webhook of Kommo: no panic anywhere, nothing is lost, and what is typed agrees with the form it came in.
#![no_main]

use std::collections::BTreeSet;

use kommo_client::{FormNode, WebhookAction, WebhookBody, WebhookData, WebhookEntity};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(delivery) = WebhookBody::parse(body) else { return };
    assert_eq!(WebhookBody::parse(body).as_ref(), Ok(&delivery), "the same body, the same events");
    let texts = walk(&delivery.form, 0);
    // Other keys stand for other places, unless one is left to be numbered.
    let keys: BTreeSet<_> = url::form_urlencoded::parse(body).map(|(key, _)| key).collect();
    if keys.iter().all(|key| !key.is_empty() && !key.contains("[]")) {
        assert_eq!(texts, keys.len(), "a text for each key");
    }

    let account = delivery.form.get("account");
    if let Some(id) = delivery.account_id {
        let text = account.and_then(|account| account.text_of("id")).unwrap();
        assert_eq!(text.parse(), Ok(id.get()));
    }
    let subdomain = account.and_then(|account| account.text_of("subdomain"));
    assert_eq!(delivery.subdomain.as_deref(), subdomain);

    let items: usize = delivery
        .form
        .children()
        .iter()
        .filter(|(entity, _)| *entity != "account")
        .flat_map(|(_, actions)| actions.children())
        .map(|(_, items)| {
            // A deletion may be told by a bare id.
            let bare = items.text().is_some_and(|id| !id.is_empty());
            items.children().len() + usize::from(bare)
        })
        .sum();
    assert_eq!(delivery.events.len(), items, "one event for each item, whatever it is");
    for event in &delivery.events {
        let id = event.form.text_of("id").and_then(|id| id.parse::<u64>().ok());
        match &event.data {
            WebhookData::Lead(lead) => {
                assert_eq!(event.entity, WebhookEntity::Lead);
                assert_eq!(Some(lead.id.get()), id);
            }
            WebhookData::Contact(contact) => assert_eq!(Some(contact.id.get()), id),
            WebhookData::Task(task) => assert_eq!(Some(task.id.get()), id),
            WebhookData::Element(element) => assert_eq!(Some(element.id.get()), id),
            WebhookData::Customer(customer) => assert_eq!(Some(customer.id), id),
            WebhookData::Message(message) => {
                assert_eq!(event.form.text_of("id"), Some(message.id.as_str()));
            }
            WebhookData::Unsorted(lead) => {
                assert_eq!(event.form.text_of("uid"), Some(lead.uid.as_str()));
            }
            WebhookData::Note(_) => assert_eq!(event.action, WebhookAction::Note),
            _ => {}
        }
        let _ = format!("{} {}", event.entity, event.action);
    }
});

/// How many texts there are. Every child is found again under its name, and the nesting has an end.
fn walk(node: &FormNode, depth: usize) -> usize {
    assert!(depth <= 16, "nested more deeply than promised");
    let mut texts = usize::from(node.text().is_some());
    for (key, child) in node.children() {
        assert_eq!(node.get(key), Some(child));
        texts += walk(child, depth + 1);
    }
    texts
}
