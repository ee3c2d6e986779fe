use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What we wrote into a field of a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    /// As text.
    pub(crate) text: String,
    /// When the event happened that it comes from: an older one does not overwrite it.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// The subscription whose event that was, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<String>,
    /// What the field held of ours when this was decided, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    /// Kommo did not take it: the field holds what it held before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_unwritten: bool,
}

impl Written {
    /// What of ours the field holds, if nobody else has written into it.
    pub(crate) fn ours(&self) -> Option<&str> {
        if self.is_unwritten { self.before.as_deref() } else { Some(&self.text) }
    }
}
