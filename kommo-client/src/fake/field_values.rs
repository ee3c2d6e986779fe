use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::check::Reader;
use super::kind::Owner;
use super::state::{Field, FieldOption, State};

/// Texts longer than this are refused in a field of the type `text`, although people can type them
/// into Kommo's own pages (issues 224 and 400 of the vendor's PHP client).
const LONGEST_TEXT: usize = 256;

impl State {
    /// Reads `custom_fields_values`: by field id the values as they will be read back, or
    /// `None` where the field is cleared. Of a field that is named twice the last one stays.
    pub(super) fn check_field_values(
        &self,
        owner: Owner,
        reader: &mut Reader<'_, '_>,
    ) -> Vec<(u64, Option<Vec<Value>>)> {
        let mut changes = Vec::new();
        let items = reader.array("custom_fields_values").unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let key = format!("custom_fields_values.{index}");
            let Value::Object(item) = item else {
                reader.refuse_type(&key, "array");
                continue;
            };
            let mut reader = reader.nested(item, &key);
            reader.expect_keys(&["field_id", "field_code", "values"]);
            reader.require("values");
            let Some(field) = self.check_field(owner, &mut reader) else { continue };
            if reader.get("values").is_some_and(Value::is_null) {
                changes.push((field.id, None));
                continue;
            }
            if let Some(values) = check_values(&mut reader, field) {
                changes.push((field.id, Some(values)));
            }
        }
        changes
    }

    fn check_field(&self, owner: Owner, reader: &mut Reader<'_, '_>) -> Option<&Field> {
        if reader.get("field_id").is_none() && reader.get("field_code").is_none() {
            reader.require("field_id");
            return None;
        }
        let by_id = reader.id("field_id").map(|id| self.field(owner, id));
        let by_code = reader.text("field_code").map(|code| self.field_by_code(owner, code));
        if matches!(by_id, Some(None)) {
            reader.refuse_choice("field_id");
        }
        let is_other = |code: &Field| by_id.flatten().is_some_and(|field| field.id != code.id);
        if by_code.is_some_and(|field| field.is_none_or(is_other)) {
            reader.refuse_choice("field_code");
        }
        by_id.flatten().or(by_code.flatten())
    }

    /// A lead without values reads `[]` (Kommo docs, getting-a-lead-by-its-id), a contact `null`.
    pub(super) fn field_values_json(
        &self,
        owner: Owner,
        values: &BTreeMap<u64, Vec<Value>>,
    ) -> Value {
        let filled =
            self.fields_of(owner).filter_map(|field| Some((field, values.get(&field.id)?)));
        filled
            .map(|(field, values)| {
                json!({
                    "field_id": field.id,
                    "field_name": field.name,
                    "field_code": field.code,
                    "field_type": field.field_type,
                    "values": values,
                    "is_computed": false,
                })
            })
            .collect()
    }
}

/// What the values of a type have in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// Text of at most 256 characters.
    Text,
    LongText,
    Url,
    Number,
    Flag,
    Time,
    Choice,
    Choices,
    /// Phones or e-mail addresses, each with its kind.
    Multitext,
    /// The composite types, which are kept as they were sent.
    Other,
}

impl Kind {
    fn of(field_type: &str) -> Self {
        match field_type {
            "text" => Self::Text,
            "textarea" | "streetaddress" | "tracking_data" => Self::LongText,
            "url" => Self::Url,
            "numeric" | "monetary" | "price" => Self::Number,
            "checkbox" => Self::Flag,
            "date" | "birthday" | "date_time" => Self::Time,
            "select" | "radiobutton" | "category" => Self::Choice,
            "multiselect" => Self::Choices,
            "multitext" => Self::Multitext,
            _ => Self::Other,
        }
    }
}

/// Which keys and what content a value of this type may have, and how it reads back.
fn check_values(reader: &mut Reader<'_, '_>, field: &Field) -> Option<Vec<Value>> {
    let kind = Kind::of(&field.field_type);
    let values = reader.array("values")?;
    if values.is_empty() {
        // The vendor's client clears with `null`; what `[]` does is not documented.
        let path = reader.path("values");
        reader.problems.blank(path);
    }
    if values.len() > 1 && !matches!(kind, Kind::Choices | Kind::Multitext | Kind::Other) {
        let path = reader.path("values");
        reader.problems.too_many(path);
        return None;
    }
    let mut read = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let key = format!("values.{index}");
        let Value::Object(object) = value else {
            reader.refuse_type(&key, "array");
            continue;
        };
        let mut reader = reader.nested(object, &key);
        let value = match kind {
            Kind::Choice | Kind::Choices => check_option(&mut reader, &field.options),
            Kind::Multitext => check_multitext(&mut reader, &field.options),
            Kind::Other => Some(value.clone()),
            _ => {
                reader.expect_keys(&["value"]);
                reader.require("value");
                check_value(&mut reader, kind).map(|value| json!({"value": value}))
            }
        };
        read.extend(value);
    }
    Some(read)
}

fn check_value(reader: &mut Reader<'_, '_>, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Number => return check_number(reader),
        Kind::Flag => return reader.boolean("value").map(Value::from),
        Kind::Time => return check_time(reader),
        _ => {}
    }
    let text = reader.filled_text("value")?;
    if kind == Kind::Url && url::Url::parse(text).is_err() {
        reader.refuse_type("value", "url");
    }
    if kind == Kind::Text && text.chars().count() > LONGEST_TEXT {
        let path = reader.path("value");
        reader.problems.too_long(path, LONGEST_TEXT);
    }
    Some(text.into())
}

/// Decimal text, or a JSON number; it reads back as text (amoCRM docs, custom-fields).
fn check_number(reader: &mut Reader<'_, '_>) -> Option<Value> {
    let text = match reader.get("value")? {
        Value::Number(number) => number.to_string(),
        Value::String(text) if is_decimal(text) => text.clone(),
        _ => {
            reader.refuse_type("value", "numeric");
            return None;
        }
    };
    Some(text.into())
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (units, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    [units, decimals]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Unix seconds or RFC 3339 text; both read back as seconds.
fn check_time(reader: &mut Reader<'_, '_>) -> Option<Value> {
    let seconds = match reader.get("value")? {
        Value::String(text) => {
            OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
        }
        value => value.as_i64(),
    };
    if seconds.is_none() {
        reader.refuse_type("value", "int");
    }
    seconds.map(Value::from)
}

/// One of `enum_id`, `enum_code` and the exact text; options are not made by naming them.
fn check_option(reader: &mut Reader<'_, '_>, options: &[FieldOption]) -> Option<Value> {
    reader.expect_keys(&["value", "enum_id", "enum_code"]);
    let (key, option) = if reader.get("enum_id").is_some() {
        let id = reader.id("enum_id")?;
        ("enum_id", options.iter().find(|option| option.id == id))
    } else if reader.get("enum_code").is_some() {
        let code = reader.text("enum_code")?;
        let is_it = |option: &&FieldOption| option.code.as_deref() == Some(code);
        ("enum_code", options.iter().find(is_it))
    } else {
        reader.require("value");
        let text = reader.text("value")?;
        ("value", options.iter().find(|option| option.value == text))
    };
    let Some(option) = option else {
        reader.refuse_choice(key);
        return None;
    };
    Some(json!({"value": option.value, "enum_id": option.id, "enum_code": option.code}))
}

/// A text, and its kind by `enum_id` or `enum_code`. Left out it is the first: that is our choice.
fn check_multitext(reader: &mut Reader<'_, '_>, options: &[FieldOption]) -> Option<Value> {
    reader.expect_keys(&["value", "enum_id", "enum_code"]);
    reader.require("value");
    let text = reader.filled_text("value")?;
    let (key, option) = if reader.get("enum_id").is_some() {
        let id = reader.id("enum_id")?;
        ("enum_id", options.iter().find(|option| option.id == id))
    } else if reader.get("enum_code").is_some() {
        let code = reader.text("enum_code")?;
        ("enum_code", options.iter().find(|option| option.code.as_deref() == Some(code)))
    } else {
        ("enum_code", options.first())
    };
    let Some(option) = option else {
        reader.refuse_choice(key);
        return None;
    };
    Some(json!({"value": text, "enum_id": option.id, "enum_code": option.code}))
}
