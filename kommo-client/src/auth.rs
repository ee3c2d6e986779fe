//! The token that opens an account.

use std::{fmt, sync::Arc};

use serde::Deserialize;
use time::OffsetDateTime;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    error::Error,
    id::AccountId,
    oauth::OAuth,
    transport::{Answer, Transport},
    wire::lenient,
};

/// A Kommo access token: a long-lived token of a private integration, or the short one of an OAuth grant.
///
/// It never prints, and its memory is wiped when it is dropped.
///
/// ```
/// use kommo_client::AccessToken;
///
/// let token = AccessToken::new("made-up-token")?;
/// assert_eq!(format!("{token:?}"), "AccessToken([redacted])");
/// # Ok::<(), kommo_client::InvalidToken>(())
/// ```
#[derive(Clone)]
pub struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// Takes a token over.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`] when the text is empty or holds a blank, a control character or anything beyond ASCII.
    /// A line break at the end of a secret file is the usual cause: trim what was read.
    pub fn new(token: impl Into<String>) -> Result<Self, InvalidToken> {
        let token = Zeroizing::new(token.into());
        if token.is_empty() {
            return Err(InvalidToken::Empty);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken::Character);
        }
        Ok(Self(token))
    }

    /// When the token ends, by its own `exp` claim.
    ///
    /// The claim is read without verification: it is good for a warning, not for a decision about trust.
    /// `None` when the token is not a JWT or has no such claim.
    #[must_use]
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.claims()?.exp?).ok()
    }

    /// What the token says of itself, as far as it can be read.
    pub(crate) fn claims(&self) -> Option<Claims> {
        let payload = self.0.split('.').nth(1)?;
        let mut decoded = from_base64url(payload)?;
        let claims = serde_json::from_slice(&decoded);
        decoded.zeroize();
        claims.ok()
    }

    /// Not `PartialEq`: nobody outside should compare secrets.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccessToken([redacted])")
    }
}

/// The claims that matter here. They are read without verification.
#[derive(Deserialize)]
pub(crate) struct Claims {
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) iat: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) exp: Option<i64>,
    /// Where Kommo tells the address of the account.
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) api_domain: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) account_id: Option<AccountId>,
}

/// Where a client has its token from.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    Token(AccessToken),
    OAuth(Arc<OAuth>),
}

impl Auth {
    pub(crate) async fn token(&self, transport: &Arc<Transport>) -> Result<AccessToken, Error> {
        match self {
            Self::Token(token) => Ok(token.clone()),
            Self::OAuth(oauth) => oauth.token(transport).await,
        }
    }

    /// The token as it is, for a request that must not wait. One that is to be renewed soon still works.
    pub(crate) async fn token_now(&self) -> Result<AccessToken, Error> {
        match self {
            Self::Token(token) => Ok(token.clone()),
            Self::OAuth(oauth) => oauth.token_now().await,
        }
    }

    /// The token to try after `refused`; `None` when there is no other.
    pub(crate) async fn renew(
        &self,
        transport: &Arc<Transport>,
        refused: &AccessToken,
    ) -> Result<Option<AccessToken>, Error> {
        match self {
            Self::Token(_) => Ok(None),
            Self::OAuth(oauth) => oauth.renew_refused(transport, refused).await.map(Some),
        }
    }

    /// Kommo took `used`, and its answer tells the time.
    pub(crate) fn heard(&self, used: &AccessToken, answer: &Answer) {
        if let (Self::OAuth(oauth), Some(date)) = (self, answer.date) {
            oauth.heard(used, date);
        }
    }

    pub(crate) fn expires_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Token(token) => token.expires_at(),
            Self::OAuth(oauth) => oauth.expires_at(),
        }
    }
}

/// Why a text cannot be a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// There is no text.
    #[error("the token is empty")]
    Empty,
    /// There is a character that no token has.
    #[error("the token holds a blank, a control character or a character beyond ASCII")]
    Character,
}

/// Base64 with the URL alphabet; padding is not written in a JWT.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut buffer: u32 = 0;
    let mut bits: u32 = 0;
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte.checked_sub(b'A')?,
            b'a'..=b'z' => byte.checked_sub(b'a')?.checked_add(26)?,
            b'0'..=b'9' => byte.checked_sub(b'0')?.checked_add(52)?,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        buffer = (buffer << 6) | u32::from(digit);
        bits = bits.checked_add(6)?;
        if bits >= 8 {
            bits = bits.checked_sub(8)?;
            decoded.push(u8::try_from((buffer >> bits) & 0xff).ok()?);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_control_characters_are_refused() {
        for (text, want) in [
            ("", InvalidToken::Empty),
            (" ", InvalidToken::Character),
            ("a b", InvalidToken::Character),
            ("abc\n", InvalidToken::Character),
            ("abc\r\nX-Evil: 1", InvalidToken::Character),
            ("a\u{0}", InvalidToken::Character),
            ("a\u{7f}", InvalidToken::Character),
            ("töken", InvalidToken::Character),
        ] {
            assert_eq!(AccessToken::new(text).unwrap_err(), want, "{text:?}");
        }
    }

    #[test]
    fn the_end_is_read_from_the_claims() {
        for (name, token, want) in [
            ("exp", "e30.eyJleHAiOjE3NTE2MjE3MjcsImF1ZCI6IngifQ.c2ln", Some(1_751_621_727)),
            ("no exp", "e30.e30.c2ln", None),
            ("exp is text", "e30.eyJleHAiOiIxIn0.c2ln", None),
            ("no JWT", "made-up-token", None),
            ("not base64", "e30.e!0.c2ln", None),
            ("no payload", "e30.", None),
            ("absurd exp", "e30.eyJleHAiOjk5OTk5OTk5OTk5OTk5OTl9.c2ln", None),
        ] {
            let token = AccessToken::new(token).unwrap();
            assert_eq!(token.expires_at().map(OffsetDateTime::unix_timestamp), want, "{name}");
        }
    }

    #[test]
    fn base64url_decodes_every_length() {
        for (text, want) in
            [("", ""), ("TQ", "M"), ("TWE", "Ma"), ("TWFu", "Man"), ("_-8", "\u{0}")]
        {
            let decoded = from_base64url(text).unwrap();
            if text == "_-8" {
                assert_eq!(decoded, [0xff, 0xef]);
            } else {
                assert_eq!(decoded, want.as_bytes(), "{text}");
            }
        }
    }
}
