//! Values of custom fields: as read, and as written.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    id::{CatalogElementId, CatalogId, EnumId, FieldId},
    open_enum::open_enum,
    wire::{lenient, list, optional_id, or_default},
};

mod composite;

pub use composite::{AddressPart, FileValue, LegalEntity, LinkedEntity};

open_enum! {
    /// The type of a custom field.
    pub enum FieldType {
        /// One line of text, 256 characters at most.
        Text = "text",
        /// Several lines of text.
        Textarea = "textarea",
        /// A short address.
        StreetAddress = "streetaddress",
        /// An address in parts.
        SmartAddress = "smart_address",
        /// A number.
        Numeric = "numeric",
        /// A sum of money.
        Monetary = "monetary",
        /// A price of a list element.
        Price = "price",
        /// Yes or no.
        Checkbox = "checkbox",
        /// A link.
        Url = "url",
        /// A day.
        Date = "date",
        /// A day that comes every year.
        Birthday = "birthday",
        /// A day and a time.
        DateTime = "date_time",
        /// One option of a list.
        Select = "select",
        /// Several options of a list.
        Multiselect = "multiselect",
        /// One option of a few.
        Radiobutton = "radiobutton",
        /// An option of a tree.
        Category = "category",
        /// Phones or e-mail addresses, each with its kind.
        Multitext = "multitext",
        /// A company's legal data.
        LegalEntity = "legal_entity",
        /// A link to another entity.
        LinkedEntity = "linked_entity",
        /// Elements of lists that depend on each other.
        ChainedList = "chained_list",
        /// A file.
        File = "file",
        /// Lines of an invoice.
        Items = "items",
        /// Where a lead came from.
        TrackingData = "tracking_data",
        /// The payer of an invoice.
        Payer = "payer",
        /// The supplier of an invoice.
        Supplier = "supplier",
    }
}

/// The values of one custom field of an entity.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct FieldValues {
    /// The field.
    pub field_id: FieldId,
    /// Its name in the user interface.
    #[serde(default, deserialize_with = "lenient")]
    pub field_name: Option<String>,
    /// Its code, which a field made in the user interface does not have.
    #[serde(default, deserialize_with = "lenient")]
    pub field_code: Option<String>,
    /// Its type.
    #[serde(default, deserialize_with = "or_default")]
    pub field_type: FieldType,
    /// Whether Kommo calculates it; such a field cannot be written.
    #[serde(default, deserialize_with = "or_default")]
    pub is_computed: bool,
    /// The values, in Kommo's order.
    #[serde(default, deserialize_with = "list")]
    pub values: Vec<FieldValue>,
}

impl FieldValues {
    /// The first value's text, where it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.values.first()?.as_str()
    }
}

/// One value of a custom field.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct FieldValue {
    /// What Kommo calls `value`: text for most types (numbers too), a truth value, Unix seconds for dates, an object for
    /// some; null where the type has none.
    #[serde(default)]
    pub value: Value,
    /// The option, for select-like fields and for kinds of phones and e-mails.
    #[serde(default, deserialize_with = "optional_id")]
    pub enum_id: Option<EnumId>,
    /// The option's code; old answers call it `enum`.
    #[serde(default, alias = "enum", deserialize_with = "lenient")]
    pub enum_code: Option<String>,
    /// The catalog, for values of a `chained_list`, which have no `value`.
    #[serde(default, deserialize_with = "lenient")]
    pub catalog_id: Option<CatalogId>,
    /// The element of it, for values of a `chained_list`.
    #[serde(default, deserialize_with = "lenient")]
    pub catalog_element_id: Option<CatalogElementId>,
}

impl FieldValue {
    /// The value, where it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// The value, where it is a truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// The value, where it is a time in Unix seconds.
    #[must_use]
    pub fn as_time(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.value.as_i64()?).ok()
    }
}

/// How a field is named in a write.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "the API names fields in these two ways")]
pub enum FieldRef {
    /// By its id.
    Id(FieldId),
    /// By its code; Kommo refuses the whole entity when there is no field with it.
    Code(String),
}

impl From<FieldId> for FieldRef {
    fn from(id: FieldId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for FieldRef {
    fn from(code: &str) -> Self {
        Self::Code(code.to_owned())
    }
}

/// An option of a select-like field. Kommo never makes one that is missing: it refuses the whole entity.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the API names options in these three ways")]
pub enum FieldChoice {
    /// By its id.
    Id(EnumId),
    /// By its code.
    Code(String),
    /// By its exact text.
    Text(String),
}

/// What to write into a custom field; each kind is written with exactly the keys Kommo expects for its type.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FieldInput {
    /// For `text` (256 characters at most), `textarea`, `streetaddress` and `tracking_data`.
    Text(String),
    /// For `numeric` and `monetary`: a decimal as text.
    Numeric(String),
    /// For `checkbox`.
    Checkbox(bool),
    /// For `date` and `birthday`. Kommo keeps the day that this instant is in the account's time zone.
    Date(OffsetDateTime),
    /// For `date_time`.
    DateTime(OffsetDateTime),
    /// For `url`: absolute.
    Url(String),
    /// For `select` and `radiobutton`.
    Select(FieldChoice),
    /// For `multiselect`: replaces all options.
    Multiselect(Vec<FieldChoice>),
    /// For `multitext` (phones, e-mails): text and kind, such as `WORK`. Replaces all values.
    Multitext(Vec<(String, Option<String>)>),
    /// For `smart_address`: the parts that it has. Replaces the whole address.
    SmartAddress(Vec<(AddressPart, String)>),
    /// For `legal_entity`.
    LegalEntity(LegalEntity),
    /// For `linked_entity`.
    LinkedEntity(LinkedEntity),
    /// For `chained_list`: five links at most.
    ChainedList(Vec<(CatalogId, CatalogElementId)>),
    /// For `file`.
    File(FileValue),
    /// Any other type, such as `items`, `payer` and `supplier`: the elements of `values`, as Kommo documents them.
    Raw(Vec<Value>),
    /// Empties the field.
    Clear,
}

/// A custom field and what to write into it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldWrite {
    field: FieldRef,
    input: FieldInput,
}

impl FieldWrite {
    /// Writes `input` into `field`, in place of all its values.
    #[must_use]
    pub fn new(field: impl Into<FieldRef>, input: FieldInput) -> Self {
        Self { field: field.into(), input }
    }

    /// The field.
    #[must_use]
    pub fn field(&self) -> &FieldRef {
        &self.field
    }

    /// Adds the write to others. A field that stood twice in one request would be undefined, so it takes the place of
    /// one of the same field.
    pub(crate) fn put_into(self, writes: &mut Vec<Self>) {
        match writes.iter_mut().find(|known| known.field == self.field) {
            Some(known) => *known = self,
            None => writes.push(self),
        }
    }

    /// What is written into it.
    #[must_use]
    pub fn input(&self) -> &FieldInput {
        &self.input
    }
}

impl Serialize for FieldWrite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        match &self.field {
            FieldRef::Id(id) => map.serialize_entry("field_id", id)?,
            FieldRef::Code(code) => map.serialize_entry("field_code", code)?,
        }
        map.serialize_entry("values", &self.input.to_values().map_err(serde::ser::Error::custom)?)?;
        map.end()
    }
}

impl FieldInput {
    /// The elements of `values`; null empties the field (the vendor's client does so, `[]` is not documented).
    fn to_values(&self) -> Result<Value, Box<dyn std::error::Error>> {
        Ok(match self {
            Self::Text(text) | Self::Numeric(text) | Self::Url(text) => json!([{ "value": text }]),
            Self::Checkbox(checked) => json!([{ "value": checked }]),
            Self::Date(time) | Self::DateTime(time) => json!([{ "value": to_rfc3339(*time)? }]),
            Self::Select(choice) => json!([choice.to_value()]),
            Self::Multiselect(choices) => choices.iter().map(FieldChoice::to_value).collect(),
            Self::Multitext(texts) => texts
                .iter()
                .map(|(text, kind)| match kind {
                    Some(kind) => json!({ "value": text, "enum_code": kind }),
                    None => json!({ "value": text }),
                })
                .collect(),
            Self::SmartAddress(parts) => composite::address(parts),
            Self::LegalEntity(entity) => json!([{ "value": serde_json::to_value(entity)? }]),
            Self::LinkedEntity(entity) => json!([{ "value": serde_json::to_value(entity)? }]),
            Self::ChainedList(links) => composite::chain(links),
            Self::File(file) => json!([{ "value": serde_json::to_value(file)? }]),
            Self::Raw(values) => Value::Array(values.clone()),
            Self::Clear => Value::Null,
        })
    }
}

impl FieldChoice {
    fn to_value(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "enum_id": id }),
            Self::Code(code) => json!({ "enum_code": code }),
            Self::Text(text) => json!({ "value": text }),
        }
    }
}

/// With the offset in digits, as the vendor's client writes it: no question of time zones is left open.
fn to_rfc3339(time: OffsetDateTime) -> Result<String, time::error::Format> {
    const FORMAT: &[BorrowedFormatItem<'_>] = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second][offset_hour sign:mandatory]:[offset_minute]"
    );
    time.format(FORMAT)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn each_kind_is_written_with_its_keys_and_no_others() {
        let field = FieldId::new(7);
        for (input, want) in [
            (FieldInput::Text("a\nb".into()), r#"[{"value":"a\nb"}]"#),
            (FieldInput::Numeric("1.50".into()), r#"[{"value":"1.50"}]"#),
            (FieldInput::Checkbox(false), r#"[{"value":false}]"#),
            (
                FieldInput::Date(datetime!(2026-11-24 00:00:00.5 +03:30)),
                r#"[{"value":"2026-11-24T00:00:00+03:30"}]"#,
            ),
            (
                FieldInput::DateTime(datetime!(2026-11-24 20:59:07 UTC)),
                r#"[{"value":"2026-11-24T20:59:07+00:00"}]"#,
            ),
            (
                FieldInput::DateTime(datetime!(2026-11-24 20:59:07 -02:30)),
                r#"[{"value":"2026-11-24T20:59:07-02:30"}]"#,
            ),
            (FieldInput::Url("https://a.b".into()), r#"[{"value":"https://a.b"}]"#),
            (FieldInput::Select(FieldChoice::Id(EnumId::new(5))), r#"[{"enum_id":5}]"#),
            (FieldInput::Select(FieldChoice::Code("c".into())), r#"[{"enum_code":"c"}]"#),
            (FieldInput::Select(FieldChoice::Text("C".into())), r#"[{"value":"C"}]"#),
            (
                FieldInput::Multiselect(vec![
                    FieldChoice::Id(EnumId::new(5)),
                    FieldChoice::Text("C".into()),
                ]),
                r#"[{"enum_id":5},{"value":"C"}]"#,
            ),
            (
                FieldInput::Multitext(vec![("1".into(), Some("WORK".into())), ("2".into(), None)]),
                r#"[{"enum_code":"WORK","value":"1"},{"value":"2"}]"#,
            ),
            (FieldInput::Raw(vec![json!({"catalog_id": 1})]), r#"[{"catalog_id":1}]"#),
            (FieldInput::Clear, "null"),
        ] {
            let write = FieldWrite::new(field, input);
            let want = format!(r#"{{"field_id":7,"values":{want}}}"#);
            assert_eq!(serde_json::to_string(&write).unwrap(), want);
        }
        let by_code = FieldWrite::new(FieldRef::Code("PLAN".into()), FieldInput::Clear);
        assert_eq!(
            serde_json::to_string(&by_code).unwrap(),
            r#"{"field_code":"PLAN","values":null}"#
        );
    }

    #[test]
    fn values_are_read_in_every_shape() {
        let values: FieldValues = serde_json::from_str(
            r#"{"field_id":1,"field_code":null,"field_type":"brand_new","values":[
                {"value":"a","enum_id":5,"enum":"WORK"},{"value":true},{"value":1686748504},
                {"catalog_id":1,"catalog_element_id":2},"bare"]}"#,
        )
        .unwrap();
        assert_eq!(values.field_type.as_str(), "brand_new");
        assert_eq!(values.text(), Some("a"));
        assert_eq!(values.values.len(), 4);
        assert_eq!(values.values[0].enum_code.as_deref(), Some("WORK"));
        assert_eq!(values.values[1].as_bool(), Some(true));
        assert_eq!(values.values[2].as_time(), Some(datetime!(2023-06-14 13:15:04 UTC)));
        assert_eq!(values.values[3].value, Value::Null);
        let chained = (CatalogId::new(1), CatalogElementId::new(2));
        assert_eq!(values.values[3].as_chained(), Some(chained), "nothing of it is lost");
    }
}
