//! Paths and query strings.

use std::fmt;

use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::error::Error;

/// A query string in the making. Its values may be personal (an e-mail address), so it does not print.
#[derive(Clone, Default)]
pub(super) struct Query(String);

impl Query {
    /// The key goes as it stands: Paddle's own examples write brackets raw.
    pub(super) fn push(&mut self, key: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
    }

    #[must_use]
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.push(key, value);
        self
    }

    /// A comma-separated list; none is no condition.
    pub(super) fn push_list<T: AsRef<str>>(&mut self, key: &str, values: &[T]) {
        if !values.is_empty() {
            let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
            self.push(key, &values.join(","));
        }
    }

    /// # Errors
    ///
    /// When the time cannot be written as RFC 3339: its year has not four digits.
    pub(super) fn push_time(&mut self, key: &str, time: OffsetDateTime) -> Result<(), Error> {
        let time = time
            .checked_to_offset(UtcOffset::UTC)
            .and_then(|time| time.format(&Rfc3339).ok())
            .ok_or_else(|| Error::invalid_request("a time of the query cannot be written"))?;
        self.push(key, &time);
        Ok(())
    }

    /// A query taken over from a link of Paddle's.
    pub(super) fn from_link(query: &str) -> Self {
        Self(query.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Query([redacted])")
    }
}

/// A path of these segments.
///
/// # Errors
///
/// When a segment, which may be an id out of somebody's `custom_data`, would lead elsewhere.
pub(super) fn path(segments: &[&str]) -> Result<String, Error> {
    let mut path = String::new();
    for segment in segments {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if segment.is_empty() || segment.len() > 100 || !segment.bytes().all(plain) {
            return Err(Error::invalid_request("a part of the path holds what no id has"));
        }
        path.push('/');
        path.push_str(segment);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn keys_stay_raw_and_values_are_encoded() {
        let mut query = Query::default().with("email", "a+b@c.d &=#");
        query.push_list("status", &["draft", "ready"]);
        query.push_list::<&str>("id", &[]);
        query.push_time("created_at[GTE]", datetime!(2026-03-01 12:00 +2)).unwrap();
        assert_eq!(
            query.as_str(),
            "email=a%2Bb%40c.d+%26%3D%23&status=draft%2Cready&created_at[GTE]=2026-03-01T10%3A00%3A00Z"
        );
        assert_eq!(format!("{query:?}"), "Query([redacted])");
    }

    #[test]
    fn segments_cannot_lead_elsewhere() {
        assert_eq!(
            path(&["transactions", "txn_01", "invoice"]).unwrap(),
            "/transactions/txn_01/invoice"
        );
        let long = "x".repeat(101);
        for segment in ["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "ä", &long] {
            assert!(path(&["transactions", segment]).is_err(), "{segment}");
        }
    }
}
