//! Secrets in JSON, for `#[serde(with = ...)]`.

use serde::{Deserialize, Deserializer, Serializer};
use zeroize::Zeroizing;

pub(super) fn serialize<S: Serializer>(
    text: &Zeroizing<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}
