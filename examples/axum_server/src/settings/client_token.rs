use crate::Failure;

/// A client-side token of Paddle's: what Paddle.js opens checkouts with. It is not secret, every buyer's browser sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientToken(String);

impl ClientToken {
    /// A token, `live_…` or `test_…` (developer.paddle.com, "Client-side tokens").
    ///
    /// # Errors
    ///
    /// One sentence when it is not one. An API key is never shown to browsers.
    pub fn new(text: &str) -> Result<Self, Failure> {
        let rest = text.strip_prefix("live_").or_else(|| text.strip_prefix("test_"));
        let is_token = rest.is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if is_token {
            Ok(Self(text.to_owned()))
        } else {
            Err("PADDLE_CLIENT_TOKEN must be a client-side token, live_… or test_…, and never an API key".into())
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it belongs to a sandbox account.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.0.starts_with("test_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_is_no_client_token() {
        for (text, is_sandbox) in [
            ("live_7d279f61a3499fed520f7cd8c08", Some(false)),
            ("test_7d279f61a3499fed520f7cd8c08", Some(true)),
            ("pdl_live_apikey_01gtgztp8f4kek3yd4g1wrksa3_q6TGTJyvoIz7LDtXT65bX7_AQO", None),
            ("live_", None),
            ("live_a\"b", None),
            ("7d279f61a3499fed520f7cd8c08", None),
        ] {
            let token = ClientToken::new(text).ok();
            assert_eq!(token.map(|token| token.is_sandbox()), is_sandbox, "{text}");
        }
    }
}
