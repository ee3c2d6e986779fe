use std::fmt;

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use crate::small_text::SmallText;

/// A decimal as Paddle writes it, for example a tax rate `"0.08875"` or an exchange rate `"0.70194147"`.
///
/// It stays text: no binary fraction is exact, and what to round to is for the reader to decide.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct DecimalText(SmallText);

impl DecimalText {
    /// The text as Paddle sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<&str> for DecimalText {
    fn from(text: &str) -> Self {
        Self(SmallText::from(text))
    }
}

impl fmt::Debug for DecimalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecimalText").field(&self.as_str()).finish()
    }
}

impl fmt::Display for DecimalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for DecimalText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DecimalText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SmallText::deserialize(deserializer).map(Self)
    }
}
