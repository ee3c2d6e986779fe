use std::{fmt, sync::Arc, time::Duration};

use hmac::{Hmac, Mac};
use sha2::Sha256;
use time::OffsetDateTime;

use crate::{
    Environment, Event, InvalidSecret, ParseError, SecretKey, VerifyError,
    header::{ReceivedHeader, key_state, mac},
};

/// Long enough for a cold start, a tunnel and clocks that differ; Paddle signs every attempt afresh.
const DEFAULT_LIMIT: Duration = Duration::from_secs(300);

/// Decides whether a delivery is from Paddle.
///
/// Cloning is cheap and shares the keys. Verification does not allocate.
///
/// ```
/// use paddle_webhook::{SecretKey, Verifier, VerifyError};
/// use time::macros::datetime;
///
/// let verifier = Verifier::new(SecretKey::new("pdl_ntfset_01hs0t3tw21j988db1pam5xg8m_GrOWLNef+vmtjJYq4mSnHNzvc8uWoJ1I")?);
/// // The value of the header `Paddle-Signature`, and the body exactly as it arrived.
/// let header = b"ts=1710498758;h1=558bf93944dbeb4790c7a8af6cb2ea435c8ca9c8396aafc1a4e37424ac132744";
/// let body = br#"{"data":{"id":"ctm_01hs0tqf76sxmp7ba5e4mw1sc8","name":"John Doe","email":"blackhole+verification2@paddle.com","locale":"en","status":"active","created_at":"2024-03-15T10:32:37.862Z","updated_at":"2024-03-15T10:32:37.862Z","custom_data":null,"import_meta":null,"marketing_consent":false},"event_id":"evt_01hs0tqfme2xwb2hvwv87p8y3w","event_type":"customer.created","occurred_at":"2024-03-15T10:32:38.286848Z","notification_id":"ntf_01hs0tqfrhgkyp39x4wyvy7h6n"}"#;
///
/// let event = verifier.verify_at(header, body, datetime!(2024-03-15 10:32:40 UTC))?.parse()?;
/// assert_eq!(event.event_type().as_str(), "customer.created");
///
/// // With the clock of the machine, more than two years later:
/// assert!(matches!(verifier.verify(header, body), Err(VerifyError::Expired { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    keys: Arc<[Key]>,
    /// `None`: any age.
    max_age: Option<Duration>,
    max_ahead: Duration,
}

struct Key {
    state: Hmac<Sha256>,
    label: Option<Arc<str>>,
    environment: Environment,
}

impl Key {
    fn new(secret: &SecretKey) -> Self {
        Self {
            state: key_state(secret),
            label: secret.label.clone(),
            environment: secret.environment,
        }
    }
}

impl Verifier {
    /// A verifier with one secret.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the secret is to be wiped once its key is prepared"
    )]
    pub fn new(secret: SecretKey) -> Self {
        Self::with_keys([Key::new(&secret)].into())
    }

    /// A verifier with several secrets, any of which verifies: the old and the new one while a secret is
    /// rotated, those of several destinations that deliver to one address, or live and sandbox.
    ///
    /// # Errors
    /// [`InvalidSecret`] where there is none, or where one secret is given for both environments. Mend the
    /// configuration.
    pub fn with_secrets(
        secrets: impl IntoIterator<Item = SecretKey>,
    ) -> Result<Self, InvalidSecret> {
        let secrets: Vec<SecretKey> = secrets.into_iter().collect();
        if secrets.is_empty() {
            return Err(InvalidSecret::NoSecret);
        }
        for (position, secret) in secrets.iter().enumerate() {
            let twin = secrets.iter().skip(position).find(|other| {
                other.expose() == secret.expose() && other.environment != secret.environment
            });
            if twin.is_some() {
                return Err(InvalidSecret::TwoEnvironments);
            }
        }
        Ok(Self::with_keys(secrets.iter().map(Key::new).collect()))
    }

    fn with_keys(keys: Arc<[Key]>) -> Self {
        Self { keys, max_age: Some(DEFAULT_LIMIT), max_ahead: DEFAULT_LIMIT }
    }

    /// How old a signature may be, in whole seconds: 300 s unless said otherwise.
    ///
    /// This bounds replays. Paddle's SDKs for node and Python allow 5 s, which deliveries through tunnels and to cold starts
    /// miss.
    #[must_use]
    pub fn max_age(mut self, limit: Duration) -> Self {
        self.max_age = Some(limit);
        self
    }

    /// How far ahead of this machine's clock a signature may be, in whole seconds: 300 s unless said otherwise.
    ///
    /// A slow clock of ours must not cost deliveries; a signature from years ahead must not be replayable for years.
    #[must_use]
    pub fn max_ahead(mut self, limit: Duration) -> Self {
        self.max_ahead = limit;
        self
    }

    /// Accepts signatures of any age, and so every replay of a delivery that ever leaked.
    ///
    /// The signature itself is still verified; there is no way to do without. For tests with recorded deliveries.
    #[must_use]
    pub fn dangerous_accept_any_age(mut self) -> Self {
        self.max_age = None;
        self
    }

    /// Verifies a delivery by the clock of this machine.
    ///
    /// `header` is the value of `Paddle-Signature` (empty where there was none), `body` exactly the bytes received.
    ///
    /// # Errors
    /// [`VerifyError`]; answer 401 with an empty body to each. The error tells the operator what to look at.
    pub fn verify<'b>(&self, header: &[u8], body: &'b [u8]) -> Result<Verified<'b>, VerifyError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place of this crate that reads a clock"
        )]
        let now = OffsetDateTime::now_utc();
        self.verify_at(header, body, now)
    }

    /// Verifies a delivery as of `now`, which should be the time at which its header was received.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_at<'b>(
        &self,
        header: &[u8],
        body: &'b [u8],
        now: OffsetDateTime,
    ) -> Result<Verified<'b>, VerifyError> {
        let header = ReceivedHeader::parse(header)?;
        if header.signatures().next().is_none() {
            // Nothing that could match: whoever sent it shall not make us hash.
            return Err(VerifyError::Mismatch);
        }
        let pairs = self.keys.iter().flat_map(|key| {
            let mac = mac(&key.state, header.timestamp, body);
            // Nor does this comparison end at the first byte that differs.
            header
                .signatures()
                .map(move |signature| (key, mac.clone().verify_slice(signature).is_ok()))
        });
        let key = first_match(pairs).ok_or(VerifyError::Mismatch)?;
        self.check_age(header.signed_at, now)?;
        Ok(Verified {
            body,
            signed_at: header.signed_at,
            environment: key.environment,
            label: key.label.clone(),
        })
    }

    /// Whole seconds on both sides, as the header has them and as Paddle's SDKs compare.
    fn check_age(&self, signed_at: OffsetDateTime, now: OffsetDateTime) -> Result<(), VerifyError> {
        let age = now.unix_timestamp().saturating_sub(signed_at.unix_timestamp());
        let distance = Duration::from_secs(age.unsigned_abs());
        if age < 0 {
            return match distance > self.max_ahead {
                true => Err(VerifyError::InTheFuture { ahead: distance }),
                false => Ok(()),
            };
        }
        match self.max_age {
            Some(limit) if distance > limit => Err(VerifyError::Expired { age: distance }),
            _ => Ok(()),
        }
    }
}

/// The first that matches, after all were compared: time must not tell which it was, nor that there was one.
fn first_match<K>(pairs: impl Iterator<Item = (K, bool)>) -> Option<K> {
    pairs.fold(None, |found, (key, matches)| found.or(matches.then_some(key)))
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("secrets", &self.keys.len())
            .field("max_age", &self.max_age)
            .field("max_ahead", &self.max_ahead)
            .finish()
    }
}

/// A delivery that was verified: proof that its body is what Paddle signed. Only a [`Verifier`] makes one.
#[derive(Clone)]
pub struct Verified<'b> {
    body: &'b [u8],
    signed_at: OffsetDateTime,
    environment: Environment,
    label: Option<Arc<str>>,
}

impl<'b> Verified<'b> {
    /// The bytes that were signed.
    #[must_use]
    pub fn body(&self) -> &'b [u8] {
        self.body
    }

    /// When this attempt was signed, to the second. The time of the event itself is
    /// [`Event::occurred_at`](crate::Event::occurred_at), which may be days earlier.
    #[must_use]
    pub fn signed_at(&self) -> OffsetDateTime {
        self.signed_at
    }

    /// The environment of the secret that verified it.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The label of the secret that verified it. During a rotation this tells when the old one is no longer used.
    #[must_use]
    pub fn secret_label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Reads the envelope. The type-specific part is read by [`Event::data`](crate::Event::data).
    ///
    /// # Errors
    /// [`ParseError`] where the body is not an event. It is authentic all the same: keep it and answer 200.
    pub fn parse(&self) -> Result<Event, ParseError> {
        Event::from_trusted(self.body, self.environment)
    }
}

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .field("signed_at", &self.signed_at)
            .field("environment", &self.environment)
            .field("secret_label", &self.label)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::first_match;

    #[test]
    fn all_are_compared_wherever_the_match_is() {
        for (matches, want) in [
            ([false, false, false, false], None),
            ([true, false, false, false], Some(0)),
            ([false, true, false, true], Some(1)),
            ([false, false, false, true], Some(3)),
        ] {
            let mut compared = 0;
            let pairs = matches.iter().enumerate().map(|(key, matches)| {
                compared += 1;
                (key, *matches)
            });
            assert_eq!(first_match(pairs), want);
            assert_eq!(compared, 4, "{matches:?}");
        }
    }
}
