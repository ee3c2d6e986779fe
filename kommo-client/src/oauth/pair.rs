//! Token pairs.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::zeroizing;
use crate::auth::AccessToken;

/// An access token and what renews it.
///
/// It never prints. Kommo gives a new pair with every renewal and takes each refresh token once only: whoever loses the
/// newest pair needs a new grant.
#[derive(Clone)]
pub struct TokenPair {
    pub(super) access: AccessToken,
    pub(super) refresh: Zeroizing<String>,
}

impl TokenPair {
    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.access
    }

    /// Both secrets as JSON, for a store to keep where nobody else reads.
    #[must_use]
    pub fn expose_json(&self) -> String {
        let pair = PairJson {
            access_token: Zeroizing::new(self.access.expose().to_owned()),
            refresh_token: self.refresh.clone(),
        };
        // Two texts are always JSON.
        serde_json::to_string(&pair).unwrap_or_default()
    }

    /// Reads what [`expose_json`](Self::expose_json) wrote; `None` when it is something else.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let pair: PairJson = serde_json::from_str(json).ok()?;
        Self::new(pair.access_token, pair.refresh_token)
    }

    /// Whether both are the same pair.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        *self.refresh == *other.refresh && self.access.is_same(&other.access)
    }

    pub(super) fn new(access: Zeroizing<String>, refresh: Zeroizing<String>) -> Option<Self> {
        let access = AccessToken::new(access.as_str()).ok()?;
        (!refresh.is_empty()).then_some(Self { access, refresh })
    }
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenPair([redacted])")
    }
}

#[derive(Deserialize, Serialize)]
struct PairJson {
    #[serde(with = "zeroizing")]
    access_token: Zeroizing<String>,
    #[serde(with = "zeroizing")]
    refresh_token: Zeroizing<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_read_as_it_was_written() {
        let json = r#"{"access_token":"a","refresh_token":"r"}"#;
        assert_eq!(TokenPair::from_json(json).unwrap().expose_json(), json);
        for json in [
            "",
            "{}",
            r#"{"access_token":"a b","refresh_token":"r"}"#,
            r#"{"access_token":"a","refresh_token":""}"#,
        ] {
            assert!(TokenPair::from_json(json).is_none(), "{json}");
        }
    }

    #[test]
    fn the_tokens_do_not_print() {
        let pair =
            TokenPair::from_json(r#"{"access_token":"canary-a","refresh_token":"canary-r"}"#);
        assert_eq!(format!("{:?}", pair.unwrap()), "TokenPair([redacted])");
    }
}
