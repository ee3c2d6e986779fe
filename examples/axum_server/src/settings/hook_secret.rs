use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Failure;

/// A shorter one could be guessed.
const SHORTEST: usize = 24;

/// The part of the address of Kommo's webhooks that nobody can guess: Kommo signs nothing. Only its hash is kept.
#[derive(Clone)]
pub struct HookSecret([u8; 32]);

impl HookSecret {
    /// A secret of 24 characters or more that can stand in an address as it is.
    ///
    /// # Errors
    ///
    /// One sentence when it is not.
    pub fn new(text: &str) -> Result<Self, Failure> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.len() < SHORTEST || !text.bytes().all(plain) {
            return Err(
                "KOMMO_WEBHOOK_SECRET must have 24 characters or more, only letters, digits, - and _".into()
            );
        }
        Ok(Self(Sha256::digest(text).into()))
    }

    /// Whether this is the secret. The hashes are compared, so the time tells nothing about the secret itself.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.0 == given
    }
}

impl fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_it() {
        let secret = HookSecret::new("abcdefghij-klmnopqrst_0123").unwrap();
        assert!(secret.is("abcdefghij-klmnopqrst_0123"));
        for other in ["", "abcdefghij-klmnopqrst_012", "ABCDEFGHIJ-KLMNOPQRST_0123"] {
            assert!(!secret.is(other), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "HookSecret([redacted])");
        for text in ["short", "abcdefghij klmnopqrst 0123", "abcdefghij/klmnopqrst/0123"] {
            let error = HookSecret::new(text).unwrap_err().to_string();
            assert!(error.contains("KOMMO_WEBHOOK_SECRET") && !error.contains(text), "{error}");
        }
    }
}
