use kommo_client::{
    CatalogElementId, CatalogElementPatch, CatalogId, EntityType, FieldInput, FieldWrite, LeadId,
    LeadWith, LinkTo, NewCatalogElement, fake::FakeLead,
};
use serde_json::json;

use crate::http::{client, get, kinds, patch, post, unlimited};

#[tokio::test]
async fn products_are_made_changed_and_found() {
    let kommo = unlimited().await;
    let catalog = CatalogId::new(kommo.add_catalog("Products"));
    kommo.add_catalog_field(catalog.get(), Some("PRICE"), "Price", "numeric");
    let catalogs = client(&kommo).catalogs();
    let list = catalogs.list().await.expect("a list");
    assert_eq!((list.len(), list[0].id, list[0].catalog_type.as_str()), (1, catalog, "products"));

    let price = |text: &str| FieldWrite::new("PRICE", FieldInput::Numeric(text.into()));
    let made = catalogs
        .create_elements(
            catalog,
            &[NewCatalogElement::new("Pro").field(price("49")), NewCatalogElement::new("Team")],
        )
        .await
        .expect("made");
    let patch = CatalogElementPatch::new(made[0].id).name("Pro plan").field(price("59"));
    catalogs.update_elements(catalog, &[patch]).await.expect("changed");
    let rows = catalogs.elements(catalog).next().await.expect("a page").expect("rows");
    assert_eq!(rows[0].name.as_deref(), Some("Pro plan"));
    assert_eq!(rows[0].custom_fields_values[0].text(), Some("59"));
    assert_eq!(rows[1].custom_fields_values, []);
    assert_eq!(kinds(&kommo), ["element_added", "element_added", "element_updated"]);

    let path = format!("catalogs/{catalog}/elements");
    assert_eq!(
        get(&kommo, &format!("{path}?query=team")).await.ids("elements"),
        [made[1].id.get()]
    );
    let one = format!("{path}?filter[id][]={}", made[0].id);
    assert_eq!(get(&kommo, &one).await.ids("elements"), [made[0].id.get()]);
    assert_eq!(get(&kommo, &format!("{path}/1")).await.status, 204);
    assert_eq!(get(&kommo, "catalogs/1/elements").await.status, 404);
}

#[tokio::test]
async fn what_no_catalog_takes_is_refused() {
    let kommo = unlimited().await;
    let catalog = kommo.add_catalog("Products");
    let other = kommo.add_catalog("Add-ons");
    let foreign = kommo.add_element(other, "Seat");
    let path = format!("catalogs/{catalog}/elements");
    let field = json!([{"name": "A", "custom_fields_values": [{"field_code": "PRICE", "values": [{"value": "1"}]}]}]);
    let field = post(&kommo, &path, &field).await.problem();
    assert_eq!(field, ("NotSupportedChoice".into(), "custom_fields_values.0.field_code".into()));
    assert_eq!(post(&kommo, &path, &json!([{"x": 1}])).await.problems().len(), 2);
    let answer = patch(&kommo, &path, &json!([{"id": foreign, "name": "B"}])).await;
    assert_eq!(answer.problem().1, "id", "an element of another catalog is not there");
    assert_eq!(
        post(&kommo, "catalogs", &json!([{"type": "magic", "name": "C"}])).await.problem().1,
        "type"
    );
    let made = post(&kommo, "catalogs", &json!([{"name": "C"}])).await;
    assert_eq!(made.json()["_embedded"]["catalogs"][0]["type"], "regular");
    assert_eq!(kinds(&kommo), ["administered"]);
}

#[tokio::test]
async fn a_lead_shows_its_products_with_their_quantity() {
    let kommo = unlimited().await;
    let lead = kommo.add_lead(FakeLead::new("Acme"));
    let catalog = kommo.add_catalog("Products");
    let element = kommo.add_element(catalog, "Pro");
    let leads = client(&kommo).leads();
    let links = client(&kommo).links(EntityType::Leads, lead);
    links.link(&[LinkTo::catalog_element(catalog, element, 3)]).await.expect("linked");
    let read = leads.get_with(
        LeadId::new(lead),
        &[LeadWith::CatalogElements, LeadWith::IsPriceModifiedByRobot],
    );
    let read = read.await.expect("an answer").expect("a lead");
    let [product] = read.catalog_elements.as_slice() else { panic!("{read:?}") };
    assert_eq!(
        (product.id, product.catalog_id),
        (CatalogElementId::new(element), Some(CatalogId::new(catalog)))
    );
    assert_eq!((product.quantity, product.price_id), (Some(3), None));
    assert_eq!((read.is_price_modified_by_robot, read.has_minor_units), (Some(false), false));
    let plain = leads.get(LeadId::new(lead)).await.expect("an answer").expect("a lead");
    assert_eq!((plain.catalog_elements.len(), plain.is_price_modified_by_robot), (0, None));
    assert_eq!(kommo.elements(lead)[0]["metadata"], json!({"quantity": 3, "catalog_id": catalog}));

    let links = links.list().await.expect("a list");
    assert_eq!((links[0].to_entity_id, links[0].quantity()), (element, Some(3)));
    kommo.set_minor_units(true);
    let read = leads.get(LeadId::new(lead)).await.expect("an answer").expect("a lead");
    assert!(read.has_minor_units);
}
