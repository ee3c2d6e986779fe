use std::fmt;

use serde_core::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::NotAnInteger;

/// What the seller attached to an entity (`custom_data`): any JSON, kept as it came.
///
/// It is signed by Paddle, and still untrusted: whoever opens a checkout in a browser chooses it. So nothing here
/// fails but [`u64`](Self::u64), where a wrong guess would be a wrong id. Where it is not an object every key is
/// absent; so are keys whose value is null, and keys that occur twice, because nobody can say which one is meant.
///
/// Paddle copies the custom data of a transaction to the subscription it makes, and from there to every later
/// transaction of that subscription; never to customers or adjustments.
///
/// ```
/// use paddle_webhook::CustomData;
///
/// let data: CustomData = serde_json::from_str(r#"{"kommo_lead_id": "4711", "plan": "pro", "seats": 3}"#)?;
/// assert_eq!(data.u64("kommo_lead_id")?, Some(4711));
/// assert_eq!(data.u64("seats")?, Some(3));
/// assert_eq!(data.u64("missing")?, None);
/// assert_eq!(data.text("plan").as_deref(), Some("pro"));
/// assert!(data.u64("plan").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct CustomData(Option<Box<RawValue>>);

/// One value of [`CustomData`].
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub enum CustomValue {
    /// `true` or `false`.
    Bool(bool),
    /// A number, as the digits that came: JSON numbers have no limit.
    Number(String),
    /// Text. What is no Unicode in it (half of a surrogate pair) is replaced by U+FFFD.
    Text(String),
    /// An array or an object, as its JSON text.
    Json(String),
}

impl CustomData {
    /// The JSON text; `"null"` where there is none.
    #[must_use]
    pub fn raw(&self) -> &str {
        self.0.as_deref().map_or("null", RawValue::get)
    }

    /// Whether there is none: null, or the key was missing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// The value of a key of the object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<CustomValue> {
        match self.find(key) {
            Found::Once(value) => CustomValue::read(value),
            Found::Absent | Found::Ambiguous => None,
        }
    }

    /// The text of a key: a string as it is, a number as its digits. Nothing else is text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            CustomValue::Text(text) | CustomValue::Number(text) => Some(text),
            CustomValue::Bool(_) | CustomValue::Json(_) => None,
        }
    }

    /// The whole number of a key, from a JSON integer or from a string of plain digits: Paddle advises strings, as
    /// it refuses large numbers. `Ok(None)` where the key is absent, null or empty text.
    ///
    /// # Errors
    /// [`NotAnInteger`] for everything else: a sign, a fraction, an exponent, blanks, more than [`u64::MAX`], another
    /// type, a key that occurs twice. Have a person look at it; the nearest number would be somebody else's id.
    pub fn u64(&self, key: &str) -> Result<Option<u64>, NotAnInteger> {
        let value = match self.find(key) {
            Found::Absent => return Ok(None),
            Found::Once(value) => CustomValue::read(value),
            Found::Ambiguous => None,
        };
        let digits = match value {
            Some(CustomValue::Text(text)) if text.is_empty() => return Ok(None),
            Some(CustomValue::Text(digits) | CustomValue::Number(digits)) => digits,
            _ => return Err(NotAnInteger::new(key)),
        };
        // `parse` would also take a plus sign.
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        match digits.parse() {
            Ok(number) if plain => Ok(Some(number)),
            _ => Err(NotAnInteger::new(key)),
        }
    }

    /// The truth value of a key: `true`, `false`, or one of these two words as text.
    #[must_use]
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            CustomValue::Bool(value) => Some(value),
            CustomValue::Text(text) => text.parse().ok(),
            CustomValue::Number(_) | CustomValue::Json(_) => None,
        }
    }

    fn find(&self, key: &str) -> Found<'_> {
        let raw = self.raw();
        if !raw.starts_with('{') {
            return Found::Absent;
        }
        let mut deserializer = serde_json::Deserializer::from_str(raw);
        // The JSON was checked when the event was read; what still fails here can be told by nobody.
        deserializer.deserialize_map(Find { key }).unwrap_or(Found::Ambiguous)
    }
}

impl CustomValue {
    fn read(raw: &RawValue) -> Option<Self> {
        let raw = raw.get();
        match raw.bytes().next()? {
            b't' => Some(Self::Bool(true)),
            b'f' => Some(Self::Bool(false)),
            b'"' => {
                let mut deserializer = serde_json::Deserializer::from_str(raw);
                deserializer.deserialize_bytes(LossyText).ok().map(Self::Text)
            }
            b'{' | b'[' => Some(Self::Json(raw.to_owned())),
            // Null was taken for absent before.
            _ => Some(Self::Number(raw.to_owned())),
        }
    }
}

enum Found<'d> {
    Absent,
    Once(&'d RawValue),
    Ambiguous,
}

/// Looks at every key: a second one of the same name must not go unnoticed.
struct Find<'k> {
    key: &'k str,
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
        let mut found = Found::Absent;
        while let Some(is_meant) = map.next_key_seed(KeyEquals(self.key))? {
            if !is_meant {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: &RawValue = map.next_value()?;
            found = match found {
                Found::Absent => Found::Once(value),
                Found::Once(_) | Found::Ambiguous => Found::Ambiguous,
            };
        }
        Ok(match found {
            Found::Once(value) if value.get() == "null" => Found::Absent,
            found => found,
        })
    }
}

/// Compares bytes, so that a key with half of a surrogate pair in it is only another key.
struct KeyEquals<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for KeyEquals<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for KeyEquals<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<bool, E> {
        Ok(key == self.0.as_bytes())
    }
}

struct LossyText;

impl Visitor<'_> for LossyText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

impl fmt::Debug for CustomData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_null() { "CustomData(null)" } else { "CustomData([redacted])" })
    }
}

impl fmt::Debug for CustomValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool(_) => "Bool([redacted])",
            Self::Number(_) => "Number([redacted])",
            Self::Text(_) => "Text([redacted])",
            Self::Json(_) => "Json([redacted])",
        })
    }
}

/// Byte for byte: the same value written otherwise is not equal.
impl PartialEq for CustomData {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for CustomData {}

impl Serialize for CustomData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CustomData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}
