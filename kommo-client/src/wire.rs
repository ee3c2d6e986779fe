//! Reading what Kommo answers. Documentation, vendor and practice disagree about many shapes
//! (`null`, `[]` and missing; arrays and objects), so only what a caller cannot do without is strict.

use serde::{Deserialize, Deserializer, Serializer, de::DeserializeOwned};
use serde_json::Value;
use time::OffsetDateTime;

use crate::id::Id;

/// `None` for what is missing, null or of another type.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// The default for what is missing, null or of another type.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(lenient(deserializer)?.unwrap_or_default())
}

/// An optional id: null and 0 are "none", another type is an error, since acting on a guess about an id is worse than not acting.
pub(crate) fn optional_id<'de, D, I>(deserializer: D) -> Result<Option<I>, D::Error>
where
    D: Deserializer<'de>,
    I: Id,
{
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value if value == 0 => Ok(None),
        value => serde_json::from_value(value).map(Some).map_err(serde::de::Error::custom),
    }
}

/// A list that may be null, missing, or an object whose keys are positions. Elements of another shape are left out.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(elements(Value::deserialize(deserializer)?))
}

pub(crate) fn elements<T: DeserializeOwned>(value: Value) -> Vec<T> {
    let values = match value {
        Value::Array(values) => values,
        Value::Object(map) => {
            let mut entries: Vec<(Option<u64>, Value)> =
                map.into_iter().map(|(key, value)| (key.parse().ok(), value)).collect();
            entries.sort_by_key(|(position, _)| position.unwrap_or(u64::MAX));
            entries.into_iter().map(|(_, value)| value).collect()
        }
        _ => Vec::new(),
    };
    values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect()
}

/// An object, or the first of an array of them: `_embedded.loss_reason` is documented as one and sent as the other.
pub(crate) fn one_or_first<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = match Value::deserialize(deserializer)? {
        Value::Array(values) => values.into_iter().next().unwrap_or(Value::Null),
        value => value,
    };
    Ok(serde_json::from_value(value).ok())
}

/// Unix seconds.
pub(crate) fn timestamp<'de, D>(deserializer: D) -> Result<Option<OffsetDateTime>, D::Error>
where
    D: Deserializer<'de>,
{
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_i64().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()))
}

#[expect(clippy::ref_option, reason = "the signature serde's `serialize_with` asks for")]
pub(crate) fn write_timestamp<S: Serializer>(
    time: &Option<OffsetDateTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_i64(time.unix_timestamp()),
        None => serializer.serialize_none(),
    }
}

/// What `_embedded` holds of another entity.
#[derive(Deserialize)]
pub(crate) struct Linked<I> {
    pub(crate) id: I,
}

/// The ids of a list of other entities.
pub(crate) fn ids<I>(linked: Vec<Linked<I>>) -> Vec<I> {
    linked.into_iter().map(|linked| linked.id).collect()
}

/// Where JSON stopped making sense. What serde_json says repeats the value, and values may be personal.
#[derive(Debug, thiserror::Error)]
#[error("{what} at line {line} column {column}")]
pub(crate) struct JsonFault {
    what: &'static str,
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for JsonFault {
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Io => "unreadable",
            serde_json::error::Category::Syntax => "not JSON",
            serde_json::error::Category::Data => "JSON of another shape",
            serde_json::error::Category::Eof => "JSON that ends too early",
        };
        Self { what, line: error.line(), column: error.column() }
    }
}

/// Text of a server that may say anything: no control characters, no more than `limit` characters.
pub(crate) fn capped(text: &str, limit: usize) -> String {
    text.chars().filter(|character| !character.is_control()).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::id::{EnumId, PipelineId};

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "lenient")]
        name: Option<String>,
        #[serde(default, deserialize_with = "list")]
        ids: Vec<EnumId>,
        #[serde(default, deserialize_with = "optional_id")]
        pipeline_id: Option<PipelineId>,
        #[serde(default, deserialize_with = "timestamp")]
        at: Option<OffsetDateTime>,
    }

    #[test]
    fn null_missing_and_empty_are_one() {
        for wire in [
            "{}",
            r#"{"name":null,"ids":null,"pipeline_id":null,"at":null}"#,
            r#"{"name":[],"ids":[],"pipeline_id":0,"at":""}"#,
            r#"{"name":{"a":1},"ids":"x","at":99999999999999999}"#,
        ] {
            let sample: Sample = serde_json::from_str(wire).unwrap();
            assert_eq!(sample.name, None, "{wire}");
            assert_eq!(sample.ids, Vec::new(), "{wire}");
            assert_eq!(sample.pipeline_id, None, "{wire}");
            assert_eq!(sample.at, None, "{wire}");
        }
    }

    #[test]
    fn a_list_may_be_an_object_of_positions() {
        let sample: Sample =
            serde_json::from_str(r#"{"ids":{"10":3,"2":2,"0":1,"11":"no id"}}"#).unwrap();
        assert_eq!(sample.ids, [EnumId::new(1), EnumId::new(2), EnumId::new(3)]);
    }

    #[test]
    fn an_id_of_another_type_is_an_error() {
        for wire in [r#"{"pipeline_id":"7"}"#, r#"{"pipeline_id":-7}"#, r#"{"pipeline_id":[]}"#] {
            assert!(serde_json::from_str::<Sample>(wire).is_err(), "{wire}");
        }
    }

    #[test]
    fn texts_of_a_server_are_capped_by_characters() {
        assert_eq!(capped("a\u{7}\nbé\u{1f4a9}cd", 4), "abé\u{1f4a9}");
    }
}
