use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::InvalidSecret;

/// Which of Paddle's two worlds an event comes from.
///
/// Nothing in a body says so: it is known by the secret that verified it.
#[expect(
    clippy::exhaustive_enums,
    reason = "Paddle has two environments; a third would change what every caller must decide"
)]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Environment {
    /// Real money.
    #[default]
    Live,
    /// Test data, cards that do not exist.
    Sandbox,
}

/// The secret of one notification destination (`endpoint_secret_key`), as Paddle's dashboard shows it.
///
/// The whole text is the key, prefix included; its shape is not checked, because real secrets do not keep to the
/// pattern that Paddle's OpenAPI file gives. It is wiped from memory when dropped, and nothing prints it.
///
/// ```
/// use paddle_webhook::{Environment, SecretKey};
///
/// let secret = SecretKey::new("pdl_ntfset_01example_Wq3+x/7")?
///     .label("sandbox, 2026-03")
///     .environment(Environment::Sandbox);
/// assert_eq!(format!("{secret:?}"), "SecretKey([redacted])");
///
/// let pasted = SecretKey::new("pdl_ntfset_01example_Wq3+x/7\n").unwrap_err();
/// assert!(pasted.to_string().contains("line break"));
/// # Ok::<(), paddle_webhook::InvalidSecret>(())
/// ```
pub struct SecretKey {
    secret: Zeroizing<String>,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) environment: Environment,
}

impl SecretKey {
    /// Takes the secret as it is.
    ///
    /// # Errors
    /// [`InvalidSecret`] where the text is blank, or contains a line break, blank, quotation mark, control or
    /// invisible character. None of them occurs in a secret; all of them are signs of a paste gone wrong, which
    /// would otherwise show as a [`Mismatch`](crate::VerifyError::Mismatch) of every delivery. Copy the secret
    /// again.
    pub fn new(secret: impl Into<String>) -> Result<Self, InvalidSecret> {
        let secret = Zeroizing::new(secret.into());
        if secret.trim().is_empty() {
            return Err(InvalidSecret::Blank);
        }
        match secret.chars().find_map(refused) {
            Some(reason) => Err(reason),
            None => Ok(Self { secret, label: None, environment: Environment::default() }),
        }
    }

    /// A name for logs, for example of the destination or the date of the secret. It is not secret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into().into());
        self
    }

    /// The environment whose deliveries are signed with this secret: [`Environment::Live`] unless said otherwise.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

/// Why a secret cannot contain this character, if it cannot.
fn refused(character: char) -> Option<InvalidSecret> {
    match character {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(InvalidSecret::LineBreak),
        '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' => Some(InvalidSecret::Quote),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {
            Some(InvalidSecret::Invisible)
        }
        _ if character.is_whitespace() => Some(InvalidSecret::Whitespace),
        _ if character.is_control() => Some(InvalidSecret::Control),
        _ => None,
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([redacted])")
    }
}
