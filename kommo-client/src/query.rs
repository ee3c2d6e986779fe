//! Query strings.

use std::fmt;

use time::OffsetDateTime;

/// A query string in the making. Its values may be personal (an e-mail address), so it does not print.
#[derive(Clone, Default)]
pub(crate) struct Query(String);

impl Query {
    /// The key goes as it stands: Kommo's own examples write the brackets raw, and so 250 ids stay under the
    /// 8 KiB that gateways allow a request line.
    pub(crate) fn push(&mut self, key: &str, value: impl fmt::Display) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.extend(url::form_urlencoded::byte_serialize(value.to_string().as_bytes()));
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.push(key, value);
        self
    }

    pub(crate) fn push_time(&mut self, key: &str, time: OffsetDateTime) {
        self.push(key, time.unix_timestamp());
    }

    /// A query taken over from a link of Kommo's.
    pub(crate) fn from_link(query: &str) -> Self {
        Self(query.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Query([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_raw_and_values_are_encoded() {
        let query = Query::default().with("query", "a+b@c.d &=#").with("filter[id][]", 7);
        assert_eq!(query.as_str(), "query=a%2Bb%40c.d+%26%3D%23&filter[id][]=7");
        assert_eq!(format!("{query:?}"), "Query([redacted])");
    }
}
