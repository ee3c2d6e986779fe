//! What a deal asks for: read from its fields and its linked products.

use std::collections::BTreeMap;

use kommo_client::{Client, ContactId, FieldValues, Lead, LeadElement};
use paddle_webhook::PriceId;
use sha2::{Digest as _, Sha256};

use super::CheckoutItem;
use crate::config::{CheckoutItems, CheckoutRules, FieldTarget, checkout::price_id};

/// Paddle takes as many items in one transaction (developer.paddle.com, "Create a transaction").
const MOST: usize = 100;

/// Why a deal does not say what is sold, and how to mend it. Holds nothing that a person typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Obstacle(pub(crate) String);

/// The items, in the order of the deal; a price that occurs twice is one item.
pub(crate) async fn items(
    kommo: &Client,
    lead: &Lead,
    rules: &CheckoutRules,
) -> Result<Result<Vec<CheckoutItem>, Obstacle>, kommo_client::Error> {
    match rules.items {
        CheckoutItems::PriceField => Ok(by_field(lead, rules)),
        CheckoutItems::Products => by_products(kommo, lead, rules).await,
    }
}

/// Joins items of one price: Paddle takes each price once.
pub(crate) fn joined(items: Vec<CheckoutItem>) -> Result<Vec<CheckoutItem>, Obstacle> {
    let mut joined: Vec<CheckoutItem> = Vec::new();
    for item in items {
        // The caller's own words are not repeated where they are no id.
        if price_id(item.price.as_str()).is_none() {
            return Err(Obstacle(
                "what is asked for is not the id of a Paddle price, pri_…".to_owned(),
            ));
        }
        if item.quantity == 0 {
            return Err(Obstacle(format!("the quantity of {} is 0", item.price)));
        }
        match joined.iter_mut().find(|known| known.price == item.price) {
            Some(known) => {
                known.quantity = known.quantity.checked_add(item.quantity).ok_or_else(|| {
                    Obstacle(format!("the quantity of {} is too large", item.price))
                })?;
            }
            None => joined.push(item),
        }
    }
    if joined.len() > MOST {
        return Err(Obstacle(format!("Paddle sells at most {MOST} different prices at once")));
    }
    Ok(joined)
}

fn by_field(lead: &Lead, rules: &CheckoutRules) -> Result<Vec<CheckoutItem>, Obstacle> {
    let target = &rules.price_id_field;
    let Some(text) = text_of(&lead.custom_fields_values, target) else {
        return Err(Obstacle(format!(
            "the field {target} of the deal is empty: set it to what is sold"
        )));
    };
    let price = price(&text, rules).ok_or_else(|| {
        Obstacle(format!(
            "the field {target} of the deal holds neither the id of a Paddle price, pri_…, nor a name of [checkout.prices]"
        ))
    })?;
    let quantity = match text_of(&lead.custom_fields_values, &rules.quantity_field) {
        None => 1,
        Some(text) => whole(&text).ok_or_else(|| {
            Obstacle(format!(
                "the field {} of the deal does not hold a whole number above zero",
                rules.quantity_field
            ))
        })?,
    };
    Ok(vec![CheckoutItem { price, quantity }])
}

async fn by_products(
    kommo: &Client,
    lead: &Lead,
    rules: &CheckoutRules,
) -> Result<Result<Vec<CheckoutItem>, Obstacle>, kommo_client::Error> {
    let mut items = Vec::new();
    let target = &rules.price_id_field;
    let obstacle = |why: String| Ok(Err(Obstacle(why)));
    let sold: Vec<&LeadElement> = sold(lead, rules).collect();
    if sold.is_empty() {
        return obstacle("no product is linked with the deal".to_owned());
    }
    if sold.len() > MOST {
        return obstacle(format!("Paddle sells at most {MOST} different prices at once"));
    }
    for element in sold {
        let id = element.id;
        let Some(catalog) = element.catalog_id else {
            return obstacle(format!("Kommo does not say to which list product {id} belongs"));
        };
        let quantity = element.quantity.and_then(|quantity| u32::try_from(quantity).ok());
        let Some(quantity) = quantity.filter(|quantity| *quantity > 0) else {
            return obstacle(format!(
                "the quantity of product {id} is not a whole number above zero"
            ));
        };
        let Some(found) = kommo.catalogs().element(catalog, id).await? else {
            return obstacle(format!("product {id} of list {catalog} is gone"));
        };
        let text = text_of(&found.custom_fields_values, target);
        let Some(price) = text.and_then(|text| price(&text, rules)) else {
            return obstacle(format!(
                "product {id} of list {catalog} has no Paddle price in its field {target}"
            ));
        };
        items.push(CheckoutItem { price, quantity });
    }
    Ok(joined(items))
}

fn sold<'l>(lead: &'l Lead, rules: &'l CheckoutRules) -> impl Iterator<Item = &'l LeadElement> {
    let wanted = |element: &&LeadElement| {
        rules.catalog.is_none_or(|catalog| element.catalog_id == Some(catalog))
    };
    lead.catalog_elements.iter().filter(wanted)
}

/// The text that a field holds; none where it is empty, or not asked for.
pub(crate) fn text_of(fields: &[FieldValues], target: &FieldTarget) -> Option<String> {
    let values = fields.iter().find(|values| match target {
        FieldTarget::Off => false,
        FieldTarget::Id(id) => values.field_id == *id,
        FieldTarget::Code(code) => values.field_code.as_ref() == Some(code),
    })?;
    // Numbers come as text or as numbers.
    let value = values.values.first()?;
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.value.as_number()?.to_string(),
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn price(text: &str, rules: &CheckoutRules) -> Option<PriceId> {
    price_id(text).or_else(|| rules.prices.get(text).cloned())
}

/// A whole number above zero; Kommo writes that of a number field as `3` or `3.00`.
fn whole(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    let digits = !whole.is_empty() && whole.bytes().all(|digit| digit.is_ascii_digit());
    whole.parse().ok().filter(|number| is_whole && digits && *number > 0)
}

/// What of a deal decides what is sold, as one text: another text, another sale. It does not change with what we write.
pub(crate) fn fingerprint(lead: &Lead, rules: &CheckoutRules) -> String {
    let mut parts: BTreeMap<String, String> = BTreeMap::new();
    match rules.items {
        CheckoutItems::PriceField => {
            for target in [&rules.price_id_field, &rules.quantity_field] {
                let text = text_of(&lead.custom_fields_values, target).unwrap_or_default();
                parts.insert(target.to_string(), text);
            }
        }
        CheckoutItems::Products => {
            for element in sold(lead, rules) {
                parts.insert(element.id.to_string(), format!("{:?}", element.quantity));
            }
        }
    }
    let mut hash = Sha256::new();
    for part in parts.iter().flat_map(|(name, text)| [name, text]) {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize().get(..16).unwrap_or_default())
}

/// Who buys, as far as the deal says.
pub(crate) struct Buyer {
    pub(crate) email: String,
    pub(crate) name: Option<String>,
}

/// The main contact of the deal, if it has an e-mail address.
pub(crate) async fn buyer(
    kommo: &Client,
    lead: &Lead,
) -> Result<Option<Buyer>, kommo_client::Error> {
    let main: Option<ContactId> = lead.main_contact();
    let Some(contact) = (match main {
        Some(id) => kommo.contacts().get(id).await?,
        None => None,
    }) else {
        return Ok(None);
    };
    let email = contact.emails().map(str::trim).find(|email| email.contains('@'));
    let name = contact.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    Ok(email.map(|email| Buyer { email: email.to_owned(), name: name.map(str::to_owned) }))
}

#[cfg(test)]
mod tests {
    use kommo_client::FieldId;
    use serde_json::{Value, json};

    use super::*;

    fn lead(fields: Value) -> Lead {
        serde_json::from_value(json!({"id": 7, "custom_fields_values": fields})).unwrap()
    }

    fn field(id: u64, code: &str, value: Value) -> Value {
        json!({"field_id": id, "field_code": code, "field_type": "text", "values": [{"value": value}]})
    }

    fn rules() -> CheckoutRules {
        CheckoutRules {
            quantity_field: FieldTarget::Id(FieldId::new(2)),
            prices: BTreeMap::from([("Pro".to_owned(), "pri_pro".into())]),
            ..CheckoutRules::default()
        }
    }

    #[test]
    fn a_field_says_what_is_sold_and_another_how_many() {
        let item = |price: &str, quantity| Ok(vec![CheckoutItem { price: price.into(), quantity }]);
        let price = |text: &str| field(1, "PADDLE_PRICE_ID", json!(text));
        let seats = |value: Value| field(2, "SEATS", value);
        for (fields, want) in [
            (json!([price("pri_1")]), item("pri_1", 1)),
            (json!([price(" pri_1 "), seats(json!("10"))]), item("pri_1", 10)),
            (json!([price("pri_1"), seats(json!("10.00"))]), item("pri_1", 10)),
            (json!([price("pri_1"), seats(json!(3))]), item("pri_1", 3)),
            (json!([price("pri_1"), seats(json!(""))]), item("pri_1", 1)),
            (json!([price("Pro")]), item("pri_pro", 1)),
            (json!([]), Err("PADDLE_PRICE_ID of the deal is empty")),
            (json!([price("Team")]), Err("PADDLE_PRICE_ID of the deal holds neither")),
            (
                json!([price("pri_1"), seats(json!("0"))]),
                Err("2 of the deal does not hold a whole"),
            ),
            (json!([price("pri_1"), seats(json!("-1"))]), Err("does not hold a whole number")),
            (json!([price("pri_1"), seats(json!("1.5"))]), Err("does not hold a whole number")),
            (json!([price("pri_1"), seats(json!("5000000000"))]), Err("does not hold a whole")),
        ] {
            let asked = by_field(&lead(fields.clone()), &rules());
            match (asked, want) {
                (Ok(items), Ok(want)) => assert_eq!(items, want, "{fields}"),
                (Err(Obstacle(why)), Err(want)) => assert!(why.contains(want), "{fields}: {why}"),
                (asked, _) => panic!("{fields}: {asked:?}"),
            }
        }
    }

    #[test]
    fn what_a_person_typed_is_not_repeated() {
        let Err(Obstacle(why)) =
            by_field(&lead(json!([field(1, "PADDLE_PRICE_ID", json!("secret"))])), &rules())
        else {
            panic!("it was taken")
        };
        assert!(!why.contains("secret"), "{why}");
    }

    #[test]
    fn one_price_is_one_item() {
        let item = |price: &str, quantity| CheckoutItem { price: price.into(), quantity };
        assert_eq!(
            joined(vec![item("pri_2", 1), item("pri_1", 2), item("pri_2", 3)]),
            Ok(vec![item("pri_2", 4), item("pri_1", 2)])
        );
        for items in [
            vec![item("pri_1", 0)],
            vec![item("pri_1", u32::MAX), item("pri_1", 1)],
            vec![item("seats", 1)],
            (0..=MOST).map(|number| item(&format!("pri_{number}"), 1)).collect(),
        ] {
            assert!(joined(items).is_err());
        }
    }

    #[test]
    fn a_fingerprint_changes_with_what_is_sold_and_with_nothing_else() {
        let price = |text: &str| field(1, "PADDLE_PRICE_ID", json!(text));
        let of = |fields: Value| fingerprint(&lead(fields), &rules());
        let one = of(json!([price("pri_1")]));
        assert_eq!(
            one,
            of(json!([price("pri_1"), field(9, "LINK", json!("https://pay.example"))]))
        );
        assert_ne!(one, of(json!([price("pri_2")])));
        assert_ne!(one, of(json!([price("pri_1"), field(2, "SEATS", json!("2"))])));

        let products = CheckoutRules { items: CheckoutItems::Products, ..rules() };
        let of = |elements: Value| {
            let lead = json!({"id": 7, "_embedded": {"catalog_elements": elements}});
            fingerprint(&serde_json::from_value(lead).unwrap(), &products)
        };
        let element = |id: u64, quantity: u64| json!({"id": id, "metadata": {"catalog_id": 5, "quantity": quantity}});
        let one = of(json!([element(1, 1), element(2, 1)]));
        assert_eq!(one, of(json!([element(2, 1), element(1, 1)])), "in any order");
        assert_ne!(one, of(json!([element(1, 2), element(2, 1)])));
        assert_ne!(one, of(json!([element(1, 1)])));
    }
}
