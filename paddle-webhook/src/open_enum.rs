use std::fmt;

/// A value that this version of the crate has no name for.
///
/// Its text is read through `as_str()` of the enum it belongs to, so that code which compares by text goes on
/// working when a later version names the value.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnknownValue(Box<str>);

impl UnknownValue {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An enum of Paddle's that may grow any day without a new API version: what is not named here is kept as text.
macro_rules! open_enum {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $wire:literal, )+
        }
    )+) => { $(
        $(#[$meta])*
        ///
        /// Paddle adds members without notice: a value that has no name here is kept, and read with
        /// [`as_str`](Self::as_str). Where Paddle sent none at all, the text is empty.
        #[non_exhaustive]
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum $name {
            $(
                $(#[$variant_meta])*
                #[doc = concat!("`", $wire, "` on the wire.")]
                $variant,
            )+
            /// A value this version has no name for, or none at all.
            Unknown($crate::open_enum::UnknownValue),
        }

        impl $name {
            /// The value as Paddle writes it; empty where Paddle sent none.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $wire, )+
                    Self::Unknown(value) => value.as_str(),
                }
            }

            /// Whether Paddle sent no value: the key was missing, null or empty.
            #[must_use]
            pub fn is_absent(&self) -> bool {
                self.as_str().is_empty()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(Default::default())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $( $wire => Self::$variant, )+
                    _ => Self::Unknown($crate::open_enum::UnknownValue::new(text)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.as_str() == text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                self.as_str() == *text
            }
        }

        impl serde_core::Serialize for $name {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde_core::Deserialize<'de> for $name {
            fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut value = Self::default();
                $crate::wire::text(deserializer, &mut |text| value = Self::from(text))?;
                Ok(value)
            }
        }

        impl $crate::wire::Plain for $name {}
    )+ };
}

pub(crate) use open_enum;

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro makes public enums")]
mod tests {
    open_enum! {
        /// Weather.
        pub enum Weather {
            /// No clouds.
            Sunny = "sunny",
        }
    }

    #[test]
    fn a_known_value_has_a_name_and_an_unknown_one_keeps_its_text() {
        assert_eq!(Weather::from("sunny"), Weather::Sunny);
        assert_eq!(Weather::from("hail").as_str(), "hail");
        assert_eq!(Weather::from("hail").to_string(), "hail");
        assert_ne!(Weather::from("Sunny"), Weather::Sunny);
        assert!(Weather::Sunny == "sunny");
    }

    #[test]
    fn null_is_no_value_and_text_goes_both_ways() {
        for (json, want) in
            [("\"sunny\"", "sunny"), ("\"hail\"", "hail"), ("null", ""), ("\"\"", "")]
        {
            let weather: Weather = serde_json::from_str(json).unwrap();
            assert_eq!(weather.as_str(), want, "{json}");
            assert_eq!(weather.is_absent(), want.is_empty(), "{json}");
            assert_eq!(serde_json::to_string(&weather).unwrap(), format!("\"{want}\""));
        }
        assert!(serde_json::from_str::<Weather>("7").is_err());
    }
}
