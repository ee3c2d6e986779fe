//! What became of each: every kind of entity that goes in batches.

use kommo_client::{
    Access, CallDirection, CatalogElementId, CatalogElementPatch, CatalogId, CompanyPatch,
    ContactId, ContactPatch, EntityType, ErrorKind, FieldPatch, FormMetadata, ItemOutcome, LinkTo,
    NewCall, NewCatalogElement, NewCompany, NewContact, NewField, NewLead, NewNote, NewPipeline,
    NewRole, NewSource, NewStatus, NewTag, NewUnsorted, NewUser, NotePatch, PipelineId, Rights,
    SipMetadata, SourceId, SourcePatch, UserId, fake::FakeLead,
};
use time::macros::datetime;

use crate::http::{client, kinds, unlimited};

const SALES: PipelineId = PipelineId::new(6_950_551);
/// Nobody's id, and a user who is no more.
const GONE: UserId = UserId::new(8_375_359);

pub(crate) fn words<T>(outcomes: &[ItemOutcome<T>]) -> Vec<&'static str> {
    let word = |outcome: &ItemOutcome<T>| match outcome {
        ItemOutcome::Done(_) => "done",
        ItemOutcome::Refused(_) => "refused",
        ItemOutcome::Unknown(_) => "unknown",
        ItemOutcome::NotDone(_) => "not done",
        _ => "new",
    };
    outcomes.iter().map(word).collect()
}

fn ids<T>(outcomes: &[ItemOutcome<T>], id: impl Fn(&T) -> u64) -> Vec<u64> {
    outcomes.iter().filter_map(|outcome| outcome.done().map(&id)).collect()
}

/// A patch that is refused takes no other with it, and the others are written once.
const PATCHED: [&str; 3] = ["done", "refused", "done"];
/// A creation that is refused leaves those beside it open.
const CREATED: [&str; 2] = ["unknown", "refused"];

#[tokio::test]
async fn people_and_companies() {
    let kommo = unlimited().await;
    let contacts = client(&kommo).contacts();
    let names = ["Ann", "Bob", "Cy"].map(|name| NewContact::new().name(name));
    let made = contacts.create_each(&names).await;
    let mut contact = ids(&made, |made| made.id.get()).into_iter().map(ContactId::new);
    let mut patch = || ContactPatch::new(contact.next().expect("made"));
    let patches =
        [patch().first_name("Anna"), patch().responsible_user(GONE), patch().first_name("Cyril")];
    assert_eq!(words(&contacts.update_each(&patches).await), PATCHED);
    let new = [NewContact::new().name("D"), NewContact::new().responsible_user(GONE)];
    assert_eq!(words(&contacts.create_each(&new).await), CREATED);

    let companies = client(&kommo).companies();
    let names = ["A", "B", "C"].map(|name| NewCompany::new().name(name));
    let made = companies.create_each(&names).await;
    let patches: Vec<_> = made
        .iter()
        .filter_map(ItemOutcome::done)
        .map(|made| CompanyPatch::new(made.id).responsible_user(UserId::new(8_375_358)))
        .collect();
    assert_eq!(words(&companies.update_each(&patches).await), ["done"; 3]);
    let new = [NewCompany::new(), NewCompany::new().responsible_user(GONE)];
    assert_eq!(words(&companies.create_each(&new).await), CREATED);
    let seen = kinds(&kommo);
    let count = |kind| seen.iter().filter(|seen| **seen == kind).count();
    assert_eq!((count("contact_updated"), count("company_updated")), (2, 3));
}

#[tokio::test]
async fn notes() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let notes = client(&kommo).notes(EntityType::Leads);
    let new = ["a", "b", "c"].map(|text| NewNote::common(lead, text));
    let made = notes.create_each(&new).await;
    let made: Vec<_> = made.iter().filter_map(ItemOutcome::done).map(|made| made.id).collect();
    let patches = [
        NotePatch::common(made[0], lead, "A"),
        NotePatch::common(made[1], 1, "of another lead"),
        NotePatch::common(made[2], lead, "C"),
    ];
    assert_eq!(words(&notes.update_each(&patches).await), PATCHED);
    assert_eq!(kommo.note_texts(lead), ["A", "b", "C"]);
}

#[tokio::test]
async fn elements_of_catalogs() {
    let kommo = unlimited().await;
    let catalog = CatalogId::new(kommo.add_catalog("Products"));
    let catalogs = client(&kommo).catalogs();
    let new = ["A", "B", "C"].map(NewCatalogElement::new);
    let made = catalogs.create_elements_each(catalog, &new).await;
    let made: Vec<_> = made.iter().filter_map(ItemOutcome::done).map(|made| made.id).collect();
    let patch = |id| CatalogElementPatch::new(id).name("Other");
    let nobody = CatalogElementId::new(1);
    let patches = [patch(made[0]), patch(nobody), patch(made[2])];
    assert_eq!(words(&catalogs.update_elements_each(catalog, &patches).await), PATCHED);
    let nowhere = catalogs.create_elements_each(CatalogId::new(1), &new[..1]).await;
    assert_eq!(words(&nowhere), ["not done"], "404: the path is at fault, not the item");
}

#[tokio::test]
async fn fields_and_sources() {
    let kommo = unlimited().await;
    let fields = client(&kommo).custom_fields(EntityType::Leads);
    let new = ["A", "B", "C"].map(|name| NewField::new(name, "text").code(name));
    let made = fields.create_each(&new).await;
    let made: Vec<_> = made.iter().filter_map(ItemOutcome::done).map(|made| made.id).collect();
    let patch = |id| FieldPatch::new(id).sort(7);
    let patches = [patch(made[0]), patch(made[1]).code("A"), patch(made[2])];
    assert_eq!(words(&fields.update_each(&patches).await), PATCHED);
    let new = [NewField::new("D", "text"), NewField::new("E", "text").code("A")];
    assert_eq!(words(&fields.create_each(&new).await), CREATED);

    let sources = client(&kommo).sources();
    let new = ["a", "b", "c"].map(|id| NewSource::new("Site", id));
    let made = sources.create_each(&new).await;
    let made: Vec<_> = made.iter().filter_map(ItemOutcome::done).map(|made| made.id).collect();
    let patch = |id| SourcePatch::new(id).name("Shop");
    let patches = [patch(made[0]), patch(SourceId::new(1)), patch(made[2])];
    assert_eq!(words(&sources.update_each(&patches).await), PATCHED);
    let new = [NewSource::new("Site", "d"), NewSource::new("Site", "a")];
    assert_eq!(words(&sources.create_each(&new).await), CREATED);
}

#[tokio::test]
async fn tags_go_again_since_making_them_twice_is_harmless() {
    let kommo = unlimited().await;
    let tags = client(&kommo).tags(EntityType::Leads);
    assert_eq!(words(&tags.create_each(&["a", "", "c"].map(NewTag::new)).await), PATCHED);
    assert_eq!(tags.list().await.expect("a list").len(), 2);
}

#[tokio::test]
async fn links() {
    let kommo = unlimited().await;
    let leads = ["A", "B"].map(|name| kommo.add_lead(FakeLead::new(name)));
    let ann = kommo.add_contact("Ann", &[], &[]);
    let to = |id| LinkTo::new(EntityType::Contacts, id);
    let links = client(&kommo).links(EntityType::Leads, leads[0]);
    assert_eq!(words(&links.link_each(&[to(ann)]).await), ["done"]);
    assert_eq!(words(&links.link_each(&[to(ann), to(1)]).await), CREATED);
    assert_eq!(words(&links.unlink_each(&[to(ann)]).await), ["done"]);
    let links = client(&kommo).mass_links(EntityType::Leads);
    let pairs = leads.map(|lead| (lead, to(ann)));
    assert_eq!(words(&links.link_each(&pairs).await), ["done", "done"]);
    assert_eq!(words(&links.unlink_each(&pairs).await), ["done", "done"]);
    assert_eq!(links.list(&leads).await.expect("a list"), []);
}

#[tokio::test]
async fn pipelines_stages_users_and_roles() {
    let kommo = unlimited().await;
    let pipelines = client(&kommo).pipelines();
    let new = [NewPipeline::new("A", 20), NewPipeline::new("B", 30)];
    assert_eq!(words(&pipelines.create_each(&new).await), ["done", "done"]);
    let stages = [NewStatus::new("Demo", 25), NewStatus::new("Trial", 26).color("no colour")];
    assert_eq!(words(&pipelines.create_statuses_each(SALES, &stages).await), CREATED);
    assert_eq!(words(&pipelines.create_statuses_each(SALES, &stages[..1]).await), ["done"]);

    let users = client(&kommo).users();
    let user = |number: usize| {
        let email = format!("rep{number}@b.example");
        NewUser::new("Rep", email, Rights::same(&Access::All)).password("Secret1x")
    };
    let new: Vec<_> = (0..12).map(user).collect();
    assert_eq!(words(&users.create_each(&new).await), ["done"; 12], "ten at a time");
    assert_eq!(words(&users.create_each(&[user(12), user(0)]).await), CREATED);
    let roles = [NewRole::new("Rep", Rights::same(&Access::Own))];
    assert_eq!(words(&users.create_roles_each(&roles).await), ["done"]);
}

#[tokio::test]
async fn calls_and_incoming_leads() {
    let kommo = unlimited().await;
    let ann = NewContact::new().name("Ann").phone("+1 (555) 010-0123");
    client(&kommo).contacts().create(&[ann]).await.expect("made");
    let call = |phone: &str| NewCall::new(CallDirection::Inbound, phone, 60, "us");
    let calls = [call("15550109999"), call("15550100123"), call("15550100123")];
    let outcomes = client(&kommo).calls().create_each(&calls).await;
    assert_eq!(words(&outcomes), ["refused", "done", "done"], "no number holds up another");
    assert_eq!(outcomes[2].done().and_then(|call| call.index), Some(2));
    let ItemOutcome::Refused(ErrorKind::Validation(errors)) = &outcomes[0] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(errors[0].index, Some(0));
    assert_eq!(errors[0].errors[0].detail, "Entity not found");

    let at = datetime!(2026-11-24 20:00 UTC);
    let form = FormMetadata::new("f-1", "Trial", "https://app.example/trial", "192.0.2.1", at);
    let form = NewUnsorted::new("site", "Site", form);
    let unsorted = client(&kommo).unsorted();
    let good = form.clone().lead(NewLead::new().name("Trial"));
    let bad = form.lead(NewLead::new().responsible_user(GONE));
    assert_eq!(words(&unsorted.create_forms_each(&[good.clone(), bad]).await), CREATED);
    let made = unsorted.create_forms_each(&[good]).await;
    assert_eq!(made[0].done().map(|made| made.lead_ids.len()), Some(1));
    let sip = SipMetadata::new("15550100123", "15550100100", at, 60, "pbx");
    let sip = NewUnsorted::new("pbx", "PBX", sip);
    assert_eq!(words(&unsorted.create_sip_each(&[sip]).await), ["done"]);
}
