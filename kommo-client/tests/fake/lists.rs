//! Filters, orders and what is told when asked.

use kommo_client::{
    AccountWith, CatalogElementId, CatalogId, CatalogPatch, CompanyFilter, CompanyId, CompanyWith,
    ContactFilter, ContactId, ContactWith, EntityType, FieldType, FileFilter, ItemOutcome,
    LeadFilter, LeadId, LinkTo, LossReasonId, NewCatalog, NewField, NewNote, NewSource, NewTask,
    NoteFilter, NoteWith, TaskFilter, UnsortedFilter, UserId, fake::FakeLead,
};
use time::macros::datetime;

use crate::http::{client, unlimited};

const REP: UserId = UserId::new(8_375_357);

#[tokio::test]
async fn leads_by_name_price_and_people() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme").price(2400));
    kommo.add_lead(FakeLead::new("Beta").price(100));
    let leads = client(&kommo).leads();
    for filter in [LeadFilter::new().name("Acme"), LeadFilter::new().price(2400)] {
        let rows = leads.list(&filter.created_by(REP).updated_by(REP)).next().await;
        let rows = rows.expect("an answer").expect("rows");
        assert_eq!((rows.len(), rows[0].id.get()), (1, lead));
    }
    let due = datetime!(2026-12-01 17:00 UTC);
    let task = NewTask::new("Call", due).lead(LeadId::new(lead));
    client(&kommo).tasks().create(&[task]).await.expect("made");
    let filter = LeadFilter::new().closest_task_from(due).closest_task_to(due);
    let rows = leads.list(&filter.last_created_first()).next().await.expect("an answer");
    assert_eq!(rows.expect("rows").len(), 1);
    let reason = leads.loss_reason(LossReasonId::new(16_823_701)).await.expect("an answer");
    assert!(reason.is_some_and(|reason| reason.name.is_some()));
    assert_eq!(leads.loss_reason(LossReasonId::new(1)).await.expect("an answer"), None);
}

#[tokio::test]
async fn people_and_companies_with_what_they_are_linked_with() {
    let kommo = unlimited().await;
    let ann = kommo.add_contact("Ann", &[], &[]);
    let bob = kommo.add_contact("Bob", &[], &[]);
    let acme = kommo.add_company("Acme Inc.", &[]);
    let catalog = kommo.add_catalog("Products");
    let pro = kommo.add_element(catalog, "Pro");
    let to = LinkTo::catalog_element(catalog, pro, 3);
    for (kind, id) in [(EntityType::Contacts, ann), (EntityType::Companies, acme)] {
        client(&kommo).links(kind, id).link(std::slice::from_ref(&to)).await.expect("linked");
    }
    let contacts = client(&kommo).contacts();
    let with = [ContactWith::CatalogElements];
    let contact = contacts.get_with(ContactId::new(ann), &with).await.expect("an answer");
    let contact = contact.expect("a contact");
    assert_eq!(contact.catalog_elements[0].quantity, Some(3));
    assert_eq!((contact.created_by, contact.group_id), (Some(REP), Some(0)));
    let plain = contacts.get(ContactId::new(ann)).await.expect("an answer").expect("a contact");
    assert_eq!(plain.catalog_elements, [], "only when asked");
    let filter = ContactFilter::new().created_by(REP).with(ContactWith::CatalogElements);
    let rows = contacts.list(&filter.newest_first()).next().await.expect("an answer");
    let rows = rows.expect("rows");
    assert_eq!((rows[0].id.get(), rows[1].catalog_elements.len()), (bob, 1));

    let companies = client(&kommo).companies();
    let filter = CompanyFilter::new().with(CompanyWith::CatalogElements);
    let rows = companies.list(&filter).next().await.expect("an answer").expect("rows");
    assert_eq!(rows[0].catalog_elements[0].id, CatalogElementId::new(pro));
    for ignore in [false, true] {
        kommo.set_ignore_filters(ignore);
        let wanted = [CompanyId::new(1), CompanyId::new(acme)];
        let found = companies.list_by_ids(&wanted).await.expect("an answer");
        assert_eq!(found.iter().map(|own| own.id.get()).collect::<Vec<_>>(), [acme]);
    }
}

#[tokio::test]
async fn notes_that_are_pinned_and_tasks_that_are_due() {
    let kommo = unlimited().await;
    let leads = ["A", "B"].map(|name| kommo.add_lead(FakeLead::new(name)));
    let notes = client(&kommo).notes(EntityType::Leads);
    let new = leads.map(|lead| NewNote::common(lead, "x"));
    let made = notes.create(&new).await.expect("made");
    notes.pin(made[1].id, true).await.expect("pinned");
    let filter = NoteFilter::new().entity(leads[1]).with(NoteWith::IsPinned).last_updated_first();
    let rows = notes.list_all(&filter).expect("a path").next().await.expect("an answer");
    let rows = rows.expect("rows");
    assert_eq!((rows.len(), rows[0].is_pinned), (1, Some(true)));
    let rows = notes.list(leads[1], &NoteFilter::new()).await.expect("an answer");
    assert_eq!(rows[0].is_pinned, None, "only when asked");

    let tasks = client(&kommo).tasks();
    let late = NewTask::new("late", datetime!(2026-12-02 17:00 UTC));
    let soon = NewTask::new("soon", datetime!(2026-12-01 17:00 UTC));
    let made = tasks.create(&[late, soon]).await.expect("made");
    let rows = tasks.list(&TaskFilter::new().first_due_first()).await.expect("a list");
    assert_eq!(rows.iter().map(|task| task.id).collect::<Vec<_>>(), [made[1].id, made[0].id]);
    let rows = tasks.list(&TaskFilter::new().id(made[0].id)).await.expect("a list");
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn catalogs_are_made_changed_and_have_fields_of_their_own() {
    let kommo = unlimited().await;
    let catalogs = client(&kommo).catalogs();
    let new = [
        NewCatalog::new("Plans").can_add_elements(true),
        NewCatalog::new("X").catalog_type("magic"),
    ];
    let outcomes = catalogs.create_each(&new).await;
    assert!(matches!(outcomes[1], ItemOutcome::Refused(_)), "{outcomes:?}");
    let made = catalogs.create(&new[..1]).await.expect("made");
    let patches = [
        CatalogPatch::new(made[0].id).name("Tariffs").sort(3),
        CatalogPatch::new(CatalogId::new(1)),
    ];
    let outcomes = catalogs.update_each(&patches).await;
    assert!(outcomes[0].done().is_some() && matches!(outcomes[1], ItemOutcome::Refused(_)));
    catalogs.rename(made[0].id, "Prices").await.expect("renamed");
    let catalog = catalogs.get(made[0].id).await.expect("an answer").expect("a catalog");
    assert_eq!((catalog.name.as_deref(), catalog.can_be_deleted), (Some("Prices"), Some(true)));

    let fields = client(&kommo).catalog_fields(made[0].id);
    let new = [NewField::new("Price", "numeric").code("PRICE"), NewField::new("Note", "text")];
    fields.create(&new).await.expect("made");
    assert_eq!(fields.list().await.expect("a list").len(), 2);
    let numbers = fields.list_of(&[FieldType::Numeric]).await.expect("a list");
    assert_eq!(numbers[0].code.as_deref(), Some("PRICE"));
    let element = kommo.add_element(made[0].id.get(), "Pro");
    let wanted = [CatalogElementId::new(element), CatalogElementId::new(1)];
    let found = catalogs.elements_by_ids(made[0].id, &wanted).await.expect("an answer");
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn files_are_found_and_trashed() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let files = client(&kommo).files();
    let invoice = files.upload("invoice.pdf", "application/pdf", b"%PDF").await.expect("uploaded");
    files.upload("photo.png", "image/png", b"png").await.expect("uploaded");
    files.attach(EntityType::Leads, lead, &[&invoice.uuid]).await.expect("attached");
    let links = files.links(&invoice.uuid).await.expect("a list");
    assert_eq!((links[0].id, links[0].name.as_deref()), (lead, Some("Acme")));
    assert_eq!(files.get(&invoice.uuid).await.expect("an answer").as_ref(), Some(&invoice));
    assert_eq!(files.get("nobody").await.expect("an answer"), None);
    for filter in [
        FileFilter::new().uuid(&invoice.uuid).uuid("another"),
        FileFilter::new().name("invoice"),
        FileFilter::new().search("INVO"),
        FileFilter::new().extension("pdf").extension("doc"),
    ] {
        let mut pages = files.list(&filter).await.expect("a drive");
        let rows = pages.next().await.expect("an answer").expect("rows");
        assert_eq!(rows, std::slice::from_ref(&invoice), "{filter:?}");
    }
    files.delete(&[&invoice.uuid]).await.expect("trashed");
    let mut pages = files.list(&FileFilter::new().only_deleted()).await.expect("a drive");
    assert!(pages.next().await.expect("an answer").expect("rows")[0].is_trashed);
    let mut pages = files.list(&FileFilter::new()).await.expect("a drive");
    assert_eq!(pages.next().await.expect("an answer").expect("rows").len(), 1);
}

#[tokio::test]
async fn more_than_a_page_of_files_of_one_entity() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let files = client(&kommo).files();
    for number in 0..251 {
        let name = format!("{number}.txt");
        let file = files.upload(&name, "text/plain", b"x").await.expect("uploaded");
        files.attach(EntityType::Leads, lead, &[&file.uuid]).await.expect("attached");
    }
    let attached = files.attached(EntityType::Leads, lead).await.expect("a list");
    assert_eq!(attached.len(), 251);
    assert!(attached.is_sorted_by(|one, next| one.id > next.id), "the newest first");
}

#[tokio::test]
async fn sources_webhooks_events_groups_and_rights() {
    let kommo = unlimited().await;
    let client = client(&kommo);
    let made = client.sources().create(&[NewSource::new("Site", "7")]).await.expect("made");
    let source = client.sources().get(made[0].id).await.expect("an answer").expect("a source");
    assert_eq!(source.external_id.as_deref(), Some("7"));
    client.sources().delete(made[0].id).await.expect("deleted");
    assert_eq!(client.sources().get(made[0].id).await.expect("an answer"), None);
    for to in ["https://app.example/a", "https://app.example/b"] {
        client.webhooks().subscribe(to, &["add_lead"]).await.expect("subscribed");
    }
    let webhook = client.webhooks().get("https://app.example/b").await.expect("an answer");
    assert_eq!(webhook.expect("one").destination, "https://app.example/b");
    assert_eq!(client.webhooks().get("https://app.example/c").await.expect("an answer"), None);
    let types = client.events().types("en").await.expect("a list");
    assert!(types.iter().any(|own| own.key == "lead_status_changed"));
    let account = client.account().get_with(&[AccountWith::UsersGroups]).await.expect("an account");
    assert_eq!(account.users_groups[0].name.as_deref(), Some("Sales"));
    let user = client.users().get(REP).await.expect("an answer").expect("a user");
    assert!(user.is_admin && user.rights.leads.is_some());
    let filter = UnsortedFilter::new().uid("nobody").newest_first();
    assert_eq!(client.unsorted().list(&filter).next().await.expect("an answer"), None);
}
