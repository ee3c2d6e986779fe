//! Links to PDFs.

use std::fmt;

use serde::Deserialize;

/// Where a PDF can be fetched for an hour, by anybody who has the link: it does not print.
#[derive(Clone, Deserialize)]
pub struct DocumentLink {
    url: String,
}

impl DocumentLink {
    /// The link, at a storage host of Paddle's choice: do not send the API key there.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for DocumentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DocumentLink([redacted])")
    }
}
