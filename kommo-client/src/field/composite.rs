//! Values that are more than one text: addresses, companies' legal data, files, links to other things.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::FieldValue;
use crate::{
    entity::EntityType,
    files::DriveFile,
    id::{CatalogElementId, CatalogId},
    open_enum::open_enum,
    wire::{lenient, or_default},
};

open_enum! {
    /// A part of a `smart_address`.
    pub enum AddressPart {
        /// Street and house.
        Line1 = "address_line_1",
        /// What else belongs to it.
        Line2 = "address_line_2",
        /// The city.
        City = "city",
        /// The state or region.
        State = "state",
        /// The postal code.
        Zip = "zip",
        /// The country, as an ISO code.
        Country = "country",
    }
}

/// A company's legal data: the value of a `legal_entity`. Make one by [`new`](Self::new) and set what is known.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegalEntity {
    /// Its name.
    pub name: String,
    /// 1 for a private person, 2 for a company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<u8>,
    /// Its tax number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What else Kommo has of it, such as `bank_code`, `director` or `external_uid`, by Kommo's names.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// By hand, since what serde writes for a flattened map reads floating-point numbers.
impl<'de> Deserialize<'de> for LegalEntity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut others = Map::deserialize(deserializer)?;
        let mut take = |key: &str| others.remove(key).unwrap_or_default();
        let text = |value: Value| value.as_str().map(str::to_owned);
        let name = text(take("name")).unwrap_or_default();
        let entity_type = take("entity_type").as_u64().and_then(|own| u8::try_from(own).ok());
        let (vat_id, address) = (text(take("vat_id")), text(take("address")));
        Ok(Self { name, entity_type, vat_id, address, others })
    }
}

impl LegalEntity {
    /// A company of this name, of which nothing else is known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// A link to another thing: the value of a `linked_entity`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LinkedEntity {
    /// What it is called.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Its id.
    pub entity_id: u64,
    /// Its kind: `contacts`, `companies` or `catalog_elements`.
    pub entity_type: EntityType,
    /// The catalog of an element.
    #[serde(default, deserialize_with = "lenient")]
    pub catalog_id: Option<CatalogId>,
}

impl LinkedEntity {
    /// A contact or a company.
    #[must_use]
    pub fn new(name: impl Into<String>, entity_type: EntityType, id: u64) -> Self {
        Self { name: name.into(), entity_id: id, entity_type, catalog_id: None }
    }

    /// An element of a catalog.
    #[must_use]
    pub fn element(name: impl Into<String>, catalog: CatalogId, id: CatalogElementId) -> Self {
        let entity_type = EntityType::from("catalog_elements");
        Self { name: name.into(), entity_id: id.get(), entity_type, catalog_id: Some(catalog) }
    }
}

/// A file of the drive: the value of a `file`. Make one of what [`Files::upload`](crate::Files::upload) gave.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FileValue {
    /// The file.
    pub file_uuid: String,
    /// Which version of it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub version_uuid: Option<String>,
    /// What it is called.
    #[serde(default, deserialize_with = "or_default")]
    pub file_name: String,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
}

impl From<DriveFile> for FileValue {
    fn from(file: DriveFile) -> Self {
        let DriveFile { uuid, version_uuid, name, size, .. } = file;
        Self { file_uuid: uuid, version_uuid, file_name: name, file_size: size }
    }
}

impl FieldValue {
    /// The value of a `legal_entity`.
    #[must_use]
    pub fn as_legal_entity(&self) -> Option<LegalEntity> {
        self.value.is_object().then(|| LegalEntity::deserialize(&self.value).ok()).flatten()
    }

    /// The value of a `linked_entity`.
    #[must_use]
    pub fn as_linked_entity(&self) -> Option<LinkedEntity> {
        LinkedEntity::deserialize(&self.value).ok()
    }

    /// The value of a `file`.
    #[must_use]
    pub fn as_file(&self) -> Option<FileValue> {
        FileValue::deserialize(&self.value).ok()
    }

    /// A value of a `chained_list`: catalog and element.
    #[must_use]
    pub fn as_chained(&self) -> Option<(CatalogId, CatalogElementId)> {
        self.catalog_id.zip(self.catalog_element_id)
    }

    /// A part of a `smart_address`, and its text.
    #[must_use]
    pub fn as_address(&self) -> Option<(AddressPart, &str)> {
        Some((AddressPart::from(self.enum_code.as_deref()?), self.as_str()?))
    }
}

/// The elements of `values` for the parts of an address.
pub(super) fn address(parts: &[(AddressPart, String)]) -> Value {
    parts.iter().map(|(part, text)| json!({ "value": text, "enum_code": part })).collect()
}

/// The elements of `values` for the links of a chain, which have no `value`.
pub(super) fn chain(links: &[(CatalogId, CatalogElementId)]) -> Value {
    let link = |(catalog, element): &(CatalogId, CatalogElementId)| json!({ "catalog_id": catalog, "catalog_element_id": element });
    links.iter().map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        field::{FieldInput, FieldValues, FieldWrite},
        id::FieldId,
    };

    /// What is written reads back as it was.
    #[test]
    fn composite_values_go_there_and_back() {
        let mut legal = LegalEntity::new("Acme Inc.");
        legal.entity_type = Some(1);
        legal.vat_id = Some("123".into());
        legal.others.insert("bank_code".into(), "9".into());
        let linked = LinkedEntity::element("Pro", CatalogId::new(5), CatalogElementId::new(6));
        let file = FileValue {
            file_uuid: "u-1".into(),
            version_uuid: Some("v-1".into()),
            file_name: "a.pdf".into(),
            file_size: Some(3),
        };
        let chain = (CatalogId::new(1), CatalogElementId::new(2));
        let read = |input: FieldInput| {
            let write = serde_json::to_value(FieldWrite::new(FieldId::new(7), input)).unwrap();
            let values: FieldValues = serde_json::from_value(write).unwrap();
            values.values[0].clone()
        };
        assert_eq!(read(FieldInput::LegalEntity(legal.clone())).as_legal_entity(), Some(legal));
        assert_eq!(read(FieldInput::LinkedEntity(linked.clone())).as_linked_entity(), Some(linked));
        assert_eq!(read(FieldInput::File(file.clone())).as_file(), Some(file));
        assert_eq!(read(FieldInput::ChainedList(vec![chain])).as_chained(), Some(chain));
        let city = FieldInput::SmartAddress(vec![(AddressPart::City, "Rome".into())]);
        assert_eq!(read(city).as_address(), Some((AddressPart::City, "Rome")));
        let plain = read(FieldInput::Text("x".into()));
        assert_eq!((plain.as_legal_entity(), plain.as_linked_entity()), (None, None));
        assert_eq!((plain.as_file(), plain.as_chained(), plain.as_address()), (None, None, None));
    }

    /// Word for word as in amoCRM's page on custom fields.
    #[test]
    fn composite_values_are_written_as_documented() {
        let write = |input| {
            let write = FieldWrite::new(FieldId::new(7), input);
            serde_json::to_value(write).unwrap().pointer("/values").cloned().unwrap()
        };
        let linked = LinkedEntity::new("Ann", EntityType::Contacts, 4);
        assert_eq!(
            write(FieldInput::LinkedEntity(linked)),
            json!([{"value": {"name": "Ann", "entity_id": 4, "entity_type": "contacts", "catalog_id": null}}])
        );
        assert_eq!(
            write(FieldInput::ChainedList(vec![(CatalogId::new(1), CatalogElementId::new(2))])),
            json!([{"catalog_id": 1, "catalog_element_id": 2}])
        );
        assert_eq!(
            write(FieldInput::LegalEntity(LegalEntity::new("A"))),
            json!([{"value": {"name": "A"}}])
        );
        let parts = vec![(AddressPart::Zip, "1".into()), (AddressPart::Country, "IT".into())];
        assert_eq!(
            write(FieldInput::SmartAddress(parts)),
            json!([{"value": "1", "enum_code": "zip"}, {"value": "IT", "enum_code": "country"}])
        );
    }
}
