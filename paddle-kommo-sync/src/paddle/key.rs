//! The key that opens an account, and which of Paddle's two worlds it opens.

use std::fmt;

use paddle_webhook::Environment;
use zeroize::Zeroizing;

const LIVE: &str = "pdl_live_apikey_";
const SANDBOX: &str = "pdl_sdbx_apikey_";

/// An API key of Paddle's. It never prints, and its memory is wiped when it is dropped.
///
/// Keys say which environment they are for: `pdl_live_apikey_…` or `pdl_sdbx_apikey_…`
/// (developer.paddle.com, "API keys"). Those made before that were introduced do not, and need
/// [`legacy`](Self::legacy).
///
/// ```
/// use paddle_kommo_sync::paddle::ApiKey;
/// use paddle_webhook::Environment;
///
/// let key = ApiKey::new("pdl_sdbx_apikey_01example_made_up")?;
/// assert_eq!(key.environment(), Environment::Sandbox);
/// assert_eq!(format!("{key:?}"), "ApiKey([redacted])");
/// # Ok::<(), paddle_kommo_sync::paddle::InvalidApiKey>(())
/// ```
#[derive(Clone)]
pub struct ApiKey {
    key: Zeroizing<String>,
    environment: Environment,
}

impl ApiKey {
    /// A key that says itself which environment it is for.
    ///
    /// # Errors
    ///
    /// [`InvalidApiKey`]: copy the key again from Paddle's dashboard. [`InvalidApiKey::NoEnvironment`] is that of an old
    /// key: make a new one, or use [`legacy`](Self::legacy).
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidApiKey> {
        let key = checked(key.into())?;
        let environment = environment_of(&key).ok_or(InvalidApiKey::NoEnvironment)?;
        Ok(Self { key, environment })
    }

    /// A key from before keys had prefixes, of an account in this environment.
    ///
    /// # Errors
    ///
    /// [`InvalidApiKey`] as [`new`](Self::new); [`InvalidApiKey::OtherEnvironment`] where the key has a prefix all the
    /// same, and it says otherwise.
    pub fn legacy(key: impl Into<String>, environment: Environment) -> Result<Self, InvalidApiKey> {
        let key = checked(key.into())?;
        match environment_of(&key) {
            Some(own) if own != environment => Err(InvalidApiKey::OtherEnvironment),
            _ => Ok(Self { key, environment }),
        }
    }

    /// The environment that the key opens.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    pub(super) fn expose(&self) -> &str {
        &self.key
    }
}

fn checked(key: String) -> Result<Zeroizing<String>, InvalidApiKey> {
    let key = Zeroizing::new(key);
    if key.is_empty() {
        return Err(InvalidApiKey::Empty);
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(InvalidApiKey::Character);
    }
    if key.starts_with("pdl_ntf") {
        return Err(InvalidApiKey::WebhookSecret);
    }
    Ok(key)
}

fn environment_of(key: &str) -> Option<Environment> {
    if key.starts_with(LIVE) {
        Some(Environment::Live)
    } else if key.starts_with(SANDBOX) {
        Some(Environment::Sandbox)
    } else {
        None
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([redacted])")
    }
}

/// Why a text cannot be an API key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApiKey {
    /// There is no text.
    #[error("the API key is empty")]
    Empty,
    /// There is a character that no key has; mostly a line break at the end of a secret file.
    #[error("the API key holds a blank, a control character or a character beyond ASCII")]
    Character,
    /// It is the secret of a notification destination.
    #[error("the API key is the secret of a webhook destination")]
    WebhookSecret,
    /// It does not say whether it is for live or sandbox.
    #[error("the API key does not say whether it is for live or sandbox")]
    NoEnvironment,
    /// It is for the other environment.
    #[error("the API key is for the other environment")]
    OtherEnvironment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_says_which_environment() {
        for (text, want) in [
            ("pdl_live_apikey_01x_y_z", Ok(Environment::Live)),
            ("pdl_sdbx_apikey_01x_y_z", Ok(Environment::Sandbox)),
            ("0123456789abcdef", Err(InvalidApiKey::NoEnvironment)),
            ("pdl_test_apikey_01x", Err(InvalidApiKey::NoEnvironment)),
            ("PDL_LIVE_APIKEY_01x", Err(InvalidApiKey::NoEnvironment)),
            ("pdl_ntfset_01x_y", Err(InvalidApiKey::WebhookSecret)),
            ("", Err(InvalidApiKey::Empty)),
            ("pdl_live_apikey_01x\n", Err(InvalidApiKey::Character)),
            ("pdl_live_apikey_01x\r\nX-Evil: 1", Err(InvalidApiKey::Character)),
            (" pdl_live_apikey_01x", Err(InvalidApiKey::Character)),
            ("pdl_live_apikey_ä", Err(InvalidApiKey::Character)),
        ] {
            assert_eq!(ApiKey::new(text).map(|key| key.environment()), want, "{text:?}");
        }
    }

    #[test]
    fn an_old_key_is_what_it_is_said_to_be_but_not_against_its_own_word() {
        let legacy =
            |key: &str, environment| ApiKey::legacy(key, environment).map(|key| key.environment());
        for environment in [Environment::Live, Environment::Sandbox] {
            assert_eq!(legacy("0123456789abcdef", environment), Ok(environment));
        }
        assert_eq!(
            legacy("pdl_live_apikey_01x", Environment::Sandbox),
            Err(InvalidApiKey::OtherEnvironment)
        );
        assert_eq!(legacy("pdl_live_apikey_01x", Environment::Live), Ok(Environment::Live));
    }
}
