//! How the structs of [`data`](crate::data) are read from JSON objects, and written as such.
//!
//! This is what serde's derive would do, written once: an application that has no other use for the derive need not
//! compile it, and there is little code for each struct, because there are many of them.

use std::{fmt, marker::PhantomData};

use serde_core::{
    Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor},
};

use crate::wire::Field;

/// A struct whose fields are the members of a JSON object. [`json_object!`] implements it.
pub(crate) trait Object: Sized {
    const NAME: &'static str;
    /// The keys, in the order of the fields.
    const KEYS: &'static [&'static str];
    /// So many of the first keys must be there.
    const REQUIRED: usize;

    /// The position of a key among [`KEYS`](Self::KEYS).
    fn position(key: &str) -> Option<usize>;

    /// What is read of an object without members.
    fn empty() -> Self;

    /// Reads the value that comes next in `map` into the field at `position`.
    fn read_field<'de, A: MapAccess<'de>>(
        &mut self,
        position: usize,
        map: &mut A,
    ) -> Result<(), A::Error>;
}

/// Reads a struct: keys that it does not know are skipped, and one that is there twice is an error.
pub(crate) fn read<'de, D: Deserializer<'de>, T: Object>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_struct(T::NAME, T::KEYS, ObjectVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "struct {}", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut object = T::empty();
        let mut keys = Keys::new(T::KEYS);
        while let Some(position) = map.next_key_seed(Key(T::position))? {
            let Some(position) = position else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if let Some(key) = keys.came_before(position) {
                return Err(A::Error::duplicate_field(key));
            }
            object.read_field(position, &mut map)?;
        }
        match keys.missing(T::REQUIRED) {
            Some(key) => Err(A::Error::missing_field(key)),
            None => Ok(object),
        }
    }

    /// An empty list is how some languages write an object without members.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        if items.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        match Keys::new(T::KEYS).missing(T::REQUIRED) {
            Some(key) => Err(A::Error::missing_field(key)),
            None => Ok(T::empty()),
        }
    }
}

/// No struct has more fields; it does not compile if one has.
pub(crate) const MOST_FIELDS: usize = 32;

/// Which keys of an object were there.
struct Keys {
    keys: &'static [&'static str],
    seen: [bool; MOST_FIELDS],
}

impl Keys {
    #[inline]
    fn new(keys: &'static [&'static str]) -> Self {
        Self { keys, seen: [false; MOST_FIELDS] }
    }

    /// The key at this position, if it was there before.
    #[inline]
    fn came_before(&mut self, position: usize) -> Option<&'static str> {
        let was_seen = std::mem::replace(self.seen.get_mut(position)?, true);
        self.keys.get(position).copied().filter(|_| was_seen)
    }

    /// One of the first `required` keys that was not there.
    fn missing(&self, required: usize) -> Option<&'static str> {
        let mut keys = self.keys.iter().zip(self.seen).take(required);
        keys.find(|(_, seen)| !seen).map(|(key, _)| *key)
    }
}

/// Reads a key as its position. The function is a value, not a type, so that there is one of this for all structs.
struct Key(fn(&str) -> Option<usize>);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok((self.0)(key))
    }
}

/// Reads the value that comes next in `map`.
pub(crate) fn read_value<'de, A: MapAccess<'de>, T: Field>(
    field: &mut T,
    map: &mut A,
) -> Result<(), A::Error> {
    *field = map.next_value_seed(FieldSeed(PhantomData))?;
    Ok(())
}

struct FieldSeed<T>(PhantomData<T>);

impl<'de, T: Field> DeserializeSeed<'de> for FieldSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

/// A field on its way to a serializer.
pub(crate) struct Written<'f, T>(pub(crate) &'f T);

impl<T: Field> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// The key of a field: `type` of `r#type`.
pub(crate) const fn key(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// Implements [`Object`], `Deserialize` and `Serialize` for a struct whose fields are named as Paddle names the keys.
macro_rules! json_object {
    ($name:ident { $($field:ident)+ }, required: $required:literal, empty: $empty:expr) => {
        const _: () = {
            use $crate::json_object::{MOST_FIELDS, Object, Written, key, read, read_value};

            /// Counts the fields.
            #[expect(non_camel_case_types, reason = "named as the fields are")]
            enum Position { $( $field, )+ }

            /// The same as numbers, which can be patterns.
            struct At;

            /// The keys, which can be patterns too.
            struct Key;

            #[expect(non_upper_case_globals, reason = "named as the fields are")]
            impl At { $( const $field: usize = Position::$field as usize; )+ }

            #[expect(non_upper_case_globals, reason = "named as the fields are")]
            impl Key { $( const $field: &'static str = key(stringify!($field)); )+ }

            impl Object for $name {
                const NAME: &'static str = stringify!($name);
                const KEYS: &'static [&'static str] = &[$( Key::$field, )+];
                const REQUIRED: usize = $required;

                fn position(key: &str) -> Option<usize> {
                    match key {
                        $( Key::$field => Some(At::$field), )+
                        _ => None,
                    }
                }

                fn empty() -> Self {
                    const { assert!(Self::KEYS.len() <= MOST_FIELDS) };
                    $empty
                }

                fn read_field<'de, A: serde_core::de::MapAccess<'de>>(
                    &mut self,
                    position: usize,
                    map: &mut A,
                ) -> Result<(), A::Error> {
                    match position {
                        $( At::$field => read_value(&mut self.$field, map), )+
                        _ => Ok(()),
                    }
                }
            }

            impl<'de> serde_core::Deserialize<'de> for $name {
                fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    read(deserializer)
                }
            }

            impl serde_core::Serialize for $name {
                fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    use serde_core::ser::SerializeStruct as _;
                    let mut object = serializer.serialize_struct(Self::NAME, Self::KEYS.len())?;
                    $( object.serialize_field(Key::$field, &Written(&self.$field))?; )+
                    object.end()
                }
            }

            impl $crate::wire::Plain for $name {}
        };
    };
}

pub(crate) use json_object;
