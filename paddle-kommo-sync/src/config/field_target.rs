use std::fmt;

use kommo_client::FieldId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Which custom field of the Kommo account a value goes to.
///
/// In TOML a text is a `field_code`, a number is a field id, and the empty text means "do not write it". Codes can
/// only be given to a field through Kommo's API; a field that was made in the UI is named by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldTarget {
    /// The value is not written.
    Off,
    /// The field with this `code`.
    Code(String),
    /// The field with this id.
    Id(FieldId),
}

impl From<&str> for FieldTarget {
    fn from(code: &str) -> Self {
        match code.trim() {
            "" => Self::Off,
            code => Self::Code(code.to_owned()),
        }
    }
}

impl From<FieldId> for FieldTarget {
    fn from(id: FieldId) -> Self {
        Self::Id(id)
    }
}

impl fmt::Display for FieldTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("(not written)"),
            Self::Code(code) => f.write_str(code),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

impl Serialize for FieldTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str(""),
            Self::Code(code) => serializer.serialize_str(code),
            Self::Id(id) => serializer.serialize_u64(id.get()),
        }
    }
}

impl<'de> Deserialize<'de> for FieldTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = FieldTarget;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field code as text, or a field id as a positive number")
            }

            fn visit_str<E: de::Error>(self, code: &str) -> Result<FieldTarget, E> {
                Ok(code.into())
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<FieldTarget, E> {
                match id {
                    0 => Err(E::invalid_value(de::Unexpected::Unsigned(0), &self)),
                    id => Ok(FieldTarget::Id(FieldId::new(id))),
                }
            }

            fn visit_i64<E: de::Error>(self, id: i64) -> Result<FieldTarget, E> {
                u64::try_from(id)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(id), &self))
                    .and_then(|id| self.visit_u64(id))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
