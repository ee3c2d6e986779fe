use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Failure;

/// A shorter token could be guessed.
const SHORTEST: usize = 16;

/// What opens the operator's routes. Only its hash is kept.
#[derive(Clone)]
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// A token of 16 characters or more.
    ///
    /// # Errors
    ///
    /// One sentence when it is shorter.
    #[expect(clippy::needless_pass_by_value, reason = "the text is not kept")]
    pub fn new(token: String) -> Result<Self, Failure> {
        if token.len() < SHORTEST || token.chars().any(char::is_whitespace) {
            return Err("ADMIN_TOKEN must have 16 characters or more, and no blanks".into());
        }
        Ok(Self(Sha256::digest(&token).into()))
    }

    /// Whether this is the token. The hashes are compared, so the time tells nothing about the token itself.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(given).into();
        self.0 == given
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken([redacted])")
    }
}
