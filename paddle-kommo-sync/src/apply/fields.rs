//! A value as the field of this account takes it.

use kommo_client::{FieldChoice, FieldDefinition, FieldInput, FieldRef, FieldWrite};

use crate::{
    config::FieldTarget,
    plan::{LONGEST_TEXT, Value},
    zone::Zone,
};

/// What to send, or why this account cannot take the value.
pub(super) fn write(
    target: &FieldTarget,
    value: &Value,
    definitions: &[FieldDefinition],
    zone: &Zone,
) -> Result<FieldWrite, String> {
    let definition = match target {
        FieldTarget::Off => return Err("the configuration does not want it".to_owned()),
        FieldTarget::Id(id) => definitions.iter().find(|definition| definition.id == *id),
        FieldTarget::Code(code) => {
            definitions.iter().find(|definition| definition.code.as_ref() == Some(code))
        }
    };
    let definition = definition.filter(|definition| !definition.is_computed);
    let Some(definition) = definition else {
        return Err(format!(
            "deals of this Kommo account have no field {target} that can be written: add it, or change [fields]"
        ));
    };
    // By id, whatever the configuration says: a code can be given to another field while we work.
    Ok(FieldWrite::new(FieldRef::Id(definition.id), input(definition, value, zone)?))
}

fn input(definition: &FieldDefinition, value: &Value, zone: &Zone) -> Result<FieldInput, String> {
    let field_type = definition.field_type.as_str();
    match (field_type, value) {
        (_, Value::Empty) => Ok(FieldInput::Clear),
        ("text", Value::Text(text)) => {
            Ok(FieldInput::Text(text.chars().take(LONGEST_TEXT).collect()))
        }
        ("textarea" | "streetaddress" | "tracking_data", Value::Text(text)) => {
            Ok(FieldInput::Text(text.clone()))
        }
        ("url", Value::Text(text)) => Ok(FieldInput::Url(text.clone())),
        ("numeric" | "monetary", Value::Amount(decimal)) => {
            Ok(FieldInput::Numeric(decimal.clone()))
        }
        ("text" | "textarea", Value::Amount(decimal)) => Ok(FieldInput::Text(decimal.clone())),
        ("text" | "textarea", Value::Date(at)) => Ok(FieldInput::Text(zone.day(*at).to_string())),
        ("date" | "birthday", Value::Date(at)) => Ok(FieldInput::Date(*at)),
        ("date_time", Value::Date(at)) => Ok(FieldInput::DateTime(*at)),
        ("numeric" | "monetary", Value::Text(text)) if is_decimal(text) => {
            Ok(FieldInput::Numeric(text.clone()))
        }
        ("select" | "radiobutton", Value::Text(text)) => {
            match definition.enums.iter().find(|option| option.value == *text) {
                Some(option) => Ok(FieldInput::Select(FieldChoice::Id(option.id))),
                None => Err(format!(
                    "field {} has no option of this name: add it in Kommo",
                    definition.id
                )),
            }
        }
        (field_type, Value::Text(_)) => Err(wrong_type(definition, field_type, "text")),
        (field_type, Value::Amount(_)) => Err(wrong_type(definition, field_type, "sum")),
        (field_type, Value::Date(_)) => Err(wrong_type(definition, field_type, "date")),
    }
}

fn wrong_type(definition: &FieldDefinition, field_type: &str, wanted: &str) -> String {
    format!("field {} is of type {field_type} and cannot hold a {wanted}", definition.id)
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}
