use kommo_client::{EntityType, LeadId, LeadPatch, NewTag, TagFilter, TagRef, fake::FakeLead};
use serde_json::json;

use crate::http::{client, get, kinds, post, unlimited};

#[tokio::test]
async fn a_tag_is_added_without_taking_others_away() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let leads = client(&kommo).leads();
    let patch = || LeadPatch::new(LeadId::new(lead));
    for name in ["hot", "paid", "paid"] {
        leads.update(&[patch().add_tag(TagRef::Name(name.into()))]).await.expect("tagged");
    }
    assert_eq!(kommo.tags(lead), ["hot", "paid"]);
    leads.update(&[patch().delete_tag(TagRef::Name("hot".into()))]).await.expect("changed");
    assert_eq!(kommo.tags(lead), ["paid"]);
}

#[tokio::test]
async fn each_kind_has_tags_of_its_own() {
    let kommo = unlimited().await;
    let of = |kind| client(&kommo).tags(kind);
    let first = of(EntityType::Leads).create(&["vip", "new"].map(NewTag::new)).await.expect("made");
    let again = of(EntityType::Leads).create(&[NewTag::new("vip")]).await.expect("made");
    assert_eq!(again[0].id, first[0].id, "a name that is there is the same tag");
    let other = of(EntityType::Contacts).create(&[NewTag::new("vip")]).await.expect("made");
    assert_ne!(other[0].id, first[0].id);
    assert_eq!(of(EntityType::Leads).list().await.expect("a list").len(), 2);
    assert_eq!(of(EntityType::Companies).list().await.expect("a list"), []);
    assert_eq!(kinds(&kommo), ["tag_added", "tag_added", "tag_added"]);
    assert_eq!(get(&kommo, "leads/tags?filter[name]=new").await.ids("tags"), [first[1].id.get()]);

    let filter = TagFilter::new().name("new");
    let found = of(EntityType::Leads).list_pages(&filter).expect("a path").next().await;
    assert_eq!(found.expect("an answer").expect("a page")[0].id, first[1].id);
    let red = NewTag::new("urgent").color("FF8F92");
    of(EntityType::Leads).create(&[red]).await.expect("made");
    let found = of(EntityType::Leads).list_pages(&TagFilter::new().search("urg")).expect("a path");
    let found = { found }.next().await.expect("an answer").expect("a page");
    assert_eq!(found[0].color.as_deref(), Some("FF8F92"));

    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let foreign = json!([{"id": lead, "tags_to_add": [{"id": other[0].id.get()}]}]);
    let answer = crate::http::patch(&kommo, "leads", &foreign).await;
    assert_eq!(answer.problem().1, "tags_to_add.0.id", "a contact's tag is none of leads");
    let colour = json!([{"name": "x", "color": "FF8F92"}]);
    assert_eq!(post(&kommo, "contacts/tags", &colour).await.problem().1, "color");
    assert_eq!(
        post(&kommo, "leads/tags", &colour).await.json()["_embedded"]["tags"][0]["color"],
        "FF8F92"
    );
}
