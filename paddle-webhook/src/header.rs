use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use time::OffsetDateTime;

use crate::{SecretKey, VerifyError};

/// Bytes of an HMAC-SHA256. A shorter one is no signature, however well it matches.
pub(crate) const MAC_LENGTH: usize = 32;

/// Paddle sends two while a secret is rotated. More than this are not looked at, which bounds the work.
const MOST_SIGNATURES: usize = 8;

/// 12 digits reach the year 33,658.
const MOST_DIGITS: usize = 12;

/// A `Paddle-Signature` header, made by [`sign`]. Its [`Display`](fmt::Display) is the header's value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignatureHeader {
    timestamp: i64,
    mac: [u8; MAC_LENGTH],
}

impl fmt::Display for SignatureHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ts={};h1=", self.timestamp)?;
        self.mac.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Signs a body as Paddle does, so that an endpoint can be tested without Paddle.
///
/// A time before 1970 cannot be written in this header; it is signed as 1970.
///
/// ```
/// use paddle_webhook::{SecretKey, Verifier, sign};
/// use time::OffsetDateTime;
///
/// let secret = || SecretKey::new("pdl_ntfset_01example_Wq3+x/7");
/// let now = OffsetDateTime::UNIX_EPOCH;
/// let header = sign(&secret()?, b"{}", now).to_string();
/// assert!(Verifier::new(secret()?).verify_at(header.as_bytes(), b"{}", now).is_ok());
/// # Ok::<(), paddle_webhook::InvalidSecret>(())
/// ```
#[must_use]
pub fn sign(secret: &SecretKey, body: &[u8], at: OffsetDateTime) -> SignatureHeader {
    let timestamp = at.unix_timestamp().max(0);
    let mac = mac(&key_state(secret), timestamp.to_string().as_bytes(), body);
    SignatureHeader { timestamp, mac: mac.finalize().into_bytes().into() }
}

/// The state of the MAC after its key: prepared once for each secret, cloned for each delivery.
pub(crate) fn key_state(secret: &SecretKey) -> Hmac<Sha256> {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes keys of any length, as its specification says"
    )]
    Hmac::new_from_slice(secret.expose()).expect("any length is a key")
}

/// `timestamp` as it stands in the header: a number that is printed again is not always the same text.
pub(crate) fn mac(key: &Hmac<Sha256>, timestamp: &[u8], body: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(timestamp);
    mac.update(b":");
    mac.update(body);
    mac
}

/// A header as received.
pub(crate) struct ReceivedHeader<'h> {
    /// The digits of `ts`, as they were signed.
    pub(crate) timestamp: &'h [u8],
    pub(crate) signed_at: OffsetDateTime,
    signatures: [[u8; MAC_LENGTH]; MOST_SIGNATURES],
    count: usize,
}

impl<'h> ReceivedHeader<'h> {
    /// Reads generously (any order, unknown keys, several `h1`), and takes nothing for a signature that is not one.
    pub(crate) fn parse(header: &'h [u8]) -> Result<Self, VerifyError> {
        if header.trim_ascii().is_empty() {
            return Err(VerifyError::MissingHeader);
        }
        let mut timestamp = None;
        let mut has_signature = false;
        let mut signatures = [[0; MAC_LENGTH]; MOST_SIGNATURES];
        let mut count = 0_usize;
        for pair in header.split(|&byte| byte == b';') {
            let mut halves = pair.trim_ascii().splitn(2, |&byte| byte == b'=');
            let (Some(key), Some(value)) = (halves.next(), halves.next()) else { continue };
            match key {
                b"ts" if timestamp.is_some() => return Err(VerifyError::MalformedHeader),
                b"ts" => timestamp = Some(value),
                b"h1" => {
                    has_signature = true;
                    if let Some(mac) = signature(value)
                        && let Some(slot) = signatures.get_mut(count)
                    {
                        *slot = mac;
                        count = count.saturating_add(1);
                    }
                }
                // A scheme that is to come. It is ignored, and so never verified by.
                _ => {}
            }
        }
        let timestamp = timestamp.ok_or(VerifyError::MalformedHeader)?;
        let signed_at = instant(timestamp).ok_or(VerifyError::MalformedHeader)?;
        if !has_signature {
            return Err(VerifyError::MalformedHeader);
        }
        Ok(Self { timestamp, signed_at, signatures, count })
    }

    pub(crate) fn signatures(&self) -> impl Iterator<Item = &[u8; MAC_LENGTH]> {
        self.signatures.iter().take(self.count)
    }
}

/// Plain ASCII digits without sign and leading zero: what a number parser accepts beyond that (`+1`, `01`, `١`) was
/// never sent by Paddle, and would be signed text that two readers understand differently.
fn instant(digits: &[u8]) -> Option<OffsetDateTime> {
    let plain = digits.len() <= MOST_DIGITS && digits.iter().all(u8::is_ascii_digit);
    let leading_zero = digits.len() > 1 && digits.first() == Some(&b'0');
    if !plain || leading_zero {
        return None;
    }
    let seconds = str::from_utf8(digits).ok()?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

/// 64 lower-case hex digits, or no signature.
fn signature(value: &[u8]) -> Option<[u8; MAC_LENGTH]> {
    let (pairs, rest) = value.as_chunks();
    if pairs.len() != MAC_LENGTH || !rest.is_empty() {
        return None;
    }
    let mut mac = [0; MAC_LENGTH];
    for (byte, [high, low]) in mac.iter_mut().zip(pairs) {
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(mac)
}

/// Paddle writes lower case; upper case would be a second way to write the same signature.
fn hex_digit(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_uppercase())?;
    u8::try_from(value).ok()
}
