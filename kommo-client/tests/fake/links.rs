use kommo_client::{EntityType, LinkTo, fake::FakeLead};
use serde_json::json;

use crate::http::{client, get, kinds, post, unlimited};

#[tokio::test]
async fn links_are_made_read_and_cut() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let [ann, bob] = ["Ann", "Bob"].map(|name| kommo.add_contact(name, &[], &[]));
    let company = kommo.add_company("Acme Inc.", &[]);
    let links = client(&kommo).links(EntityType::Leads, lead);
    assert_eq!(links.list().await.expect("a list"), []);
    let to = |id| LinkTo::new(EntityType::Contacts, id);
    links.link(&[to(ann), LinkTo::new(EntityType::Companies, company)]).await.expect("linked");
    links.link(&[to(bob).main()]).await.expect("linked");
    links.link(&[to(bob).main()]).await.expect("linking twice is harmless here");
    let list = links.list().await.expect("a list");
    let seen: Vec<_> = list.iter().map(|link| (link.to_entity_id, link.is_main())).collect();
    assert_eq!(seen, [(ann, false), (bob, true), (company, false)], "one contact is the main one");
    let read = get(&kommo, &format!("leads/{lead}?with=contacts")).await.json();
    assert_eq!(read["_embedded"]["contacts"][1]["is_main"], true);
    assert_eq!(read["_embedded"]["companies"][0]["id"], company);
    let contact = get(&kommo, &format!("contacts/{ann}?with=leads")).await.json();
    assert_eq!(contact["_embedded"]["leads"][0]["id"], lead, "a link has two ends");

    links.unlink(&[to(ann)]).await.expect("cut");
    assert_eq!(links.list().await.expect("a list").len(), 2);
    assert_eq!(kinds(&kommo), ["linked", "linked", "linked", "linked", "unlinked"]);
    let cut = &kommo.ledger()[4];
    assert_eq!((cut.entity_id, cut.id), (lead, ann));
}

#[tokio::test]
async fn links_of_many_are_made_read_and_cut() {
    let kommo = unlimited().await;
    let leads = ["A", "B"].map(|name| kommo.add_lead(FakeLead::new(name)));
    let ann = kommo.add_contact("Ann", &[], &[]);
    let links = client(&kommo).mass_links(EntityType::Leads);
    let pairs = leads.map(|lead| (lead, LinkTo::new(EntityType::Contacts, ann)));
    links.link(&pairs).await.expect("linked");
    let list = links.list(&leads).await.expect("a list");
    let seen: Vec<_> = list.iter().map(|link| (link.entity_id, link.to_entity_id)).collect();
    assert_eq!(seen, [(leads[0], ann), (leads[1], ann)]);
    links.unlink(&pairs[..1]).await.expect("cut");
    assert_eq!(links.list(&leads).await.expect("a list").len(), 1);
    assert_eq!(kinds(&kommo), ["linked", "linked", "unlinked"]);
    assert_eq!(get(&kommo, "leads/links").await.status, 400, "entities have to be named");
}

#[tokio::test]
async fn what_cannot_be_linked_is_refused() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let ann = kommo.add_contact("Ann", &[], &[]);
    let catalog = kommo.add_catalog("Products");
    let element = kommo.add_element(catalog, "Pro");
    let path = format!("leads/{lead}/link");
    for (item, want) in [
        (json!({"to_entity_id": ann}), "to_entity_type"),
        (json!({"to_entity_id": ann, "to_entity_type": "people"}), "to_entity_type"),
        (json!({"to_entity_id": lead, "to_entity_type": "leads"}), "to_entity_type"),
        (json!({"to_entity_id": 1, "to_entity_type": "contacts"}), "to_entity_id"),
        (json!({"to_entity_id": "1", "to_entity_type": "contacts"}), "to_entity_id"),
        (
            json!({"to_entity_id": ann, "to_entity_type": "contacts", "metadata": {"quantity": 1}}),
            "metadata.quantity",
        ),
        (
            json!({"to_entity_id": ann, "to_entity_type": "contacts", "metadata": {"updated_by": 8_375_359}}),
            "metadata.updated_by",
        ),
        (json!({"to_entity_id": element, "to_entity_type": "catalog_elements"}), "metadata"),
        (
            json!({"to_entity_id": element, "to_entity_type": "catalog_elements", "metadata": {"catalog_id": 1}}),
            "metadata.catalog_id",
        ),
        (
            json!({"to_entity_id": element, "to_entity_type": "catalog_elements",
            "metadata": {"catalog_id": catalog, "quantity": 0}}),
            "metadata.quantity",
        ),
    ] {
        let problems = post(&kommo, &path, &json!([item])).await.problems();
        assert!(problems.iter().any(|problem| problem.2 == want), "{item}: {problems:?}");
    }
    assert_eq!(post(&kommo, "leads/1/link", &json!([{}])).await.status, 404);
    assert_eq!(kommo.ledger().len(), 0);
}
