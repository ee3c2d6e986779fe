//! Paths of the API.

use crate::error::Error;

/// `/api/v4/` and these segments.
///
/// # Errors
///
/// When a segment, which may be a word the caller got from somewhere, would lead elsewhere.
pub(crate) fn of(segments: &[&str]) -> Result<String, Error> {
    below("/api/v4", segments)
}

/// `root` and these segments.
///
/// # Errors
///
/// As [`of`].
pub(crate) fn below(root: &str, segments: &[&str]) -> Result<String, Error> {
    let mut path = root.to_owned();
    for segment in segments {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if segment.is_empty() || !segment.bytes().all(plain) {
            return Err(Error::invalid_request("a part of the path holds characters no path has"));
        }
        path.push('/');
        path.push_str(segment);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cannot_lead_elsewhere() {
        assert_eq!(of(&["leads", "7", "notes"]).unwrap(), "/api/v4/leads/7/notes");
        for segment in ["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "ä"] {
            assert!(of(&["leads", segment]).is_err(), "{segment}");
        }
    }
}
