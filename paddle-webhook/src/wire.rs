//! How values of every entity are read: leniently, and so that an error points at the value itself.

use std::fmt;

use serde_core::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, SeqAccess, Visitor},
};
use time::OffsetDateTime;

use crate::{Amount, Currency, CustomData, DecimalText, small_text::SmallText};

/// What can be a field of an entity. Where a value can be missing, null is the same as missing.
pub(crate) trait Field: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// What serde reads as a field should be read.
pub(crate) trait Plain: DeserializeOwned + Serialize {}

impl Plain for bool {}
impl Plain for i64 {}
impl Plain for Amount {}
impl Plain for Currency {}
impl Plain for CustomData {}
impl Plain for DecimalText {}
impl Plain for Option<String> {}
impl<T: Plain> Plain for Option<T> {}

impl<T: Plain> Field for T {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

impl<T: Plain> Field for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

/// The filters of reports have a text where there is one only.
impl Field for Vec<String> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Texts)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a list of texts")
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<String>, E> {
        Ok(Vec::new())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Vec<String>, A::Error> {
        let mut values = Vec::new();
        while let Some(text) = texts.next_element()? {
            values.push(text);
        }
        Ok(values)
    }
}

impl Field for Option<OffsetDateTime> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        timestamp::deserialize(deserializer)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        timestamp::serialize(self, serializer)
    }
}

/// Reads text, which `take` gets, or null, which nobody gets.
pub(crate) fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    take: &mut dyn FnMut(&str),
) -> Result<(), D::Error> {
    deserializer.deserialize_option(TextOrNull(take))
}

struct TextOrNull<'t>(&'t mut dyn FnMut(&str));

impl<'de> Visitor<'de> for TextOrNull<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        (self.0)(text);
        Ok(())
    }
}

/// Text, and not null.
impl<'de> Deserialize<'de> for SmallText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = SmallText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SmallText, E> {
        Ok(SmallText::from(text))
    }
}

/// RFC 3339 timestamps, at full precision, in UTC.
pub(crate) mod timestamp {
    use std::fmt;

    use serde_core::{
        Deserializer, Serialize, Serializer,
        de::{Error, Unexpected, Visitor},
        ser,
    };
    use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<OffsetDateTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(|at| at.format(&Rfc3339))
            .transpose()
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<OffsetDateTime>, D::Error> {
        deserializer.deserialize_option(Optional)
    }

    pub(crate) fn parse(text: &str) -> Option<OffsetDateTime> {
        // Not `to_offset`: it panics where the year leaves its range.
        OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)
    }

    struct Optional;

    impl<'de> Visitor<'de> for Optional {
        type Value = Option<OffsetDateTime>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an RFC 3339 timestamp")
        }

        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            match parse(text) {
                None => Err(E::invalid_value(Unexpected::Other("text"), &self)),
                at => Ok(at),
            }
        }
    }
}
