//! The signed reference: proof that a deal was named by the seller's server, not by whoever opened the checkout.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kommo_client::{AccountId, LeadId};
use sha2::Sha256;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// The key of `custom_data` that holds a signed reference.
pub(crate) const KEY: &str = "kommo_ref";

/// The form of the text. A later form gets another number, and this one stays readable.
const FORM: &str = "k1";

/// A shorter key could be guessed.
const SHORTEST_KEY: usize = 32;

/// Ties a payment to a deal so that nobody but the seller's server can make or change it.
///
/// With Paddle.js the buyer's browser sets `custom_data`, and a buyer may put any number into `kommo_lead_id`. A signed
/// reference in `custom_data.kommo_ref` is made on the server, for one deal of one Kommo account, and cannot be changed
/// without its key. It is plain text of letters, digits, `.` and `-`, so it can stand in a URL.
///
/// ```
/// use kommo_client::{AccountId, LeadId};
/// use paddle_kommo_sync::{DealRef, DealRefKey};
/// use time::macros::datetime;
///
/// let key = DealRefKey::new("a key of 32 characters or more....")?;
/// let reference = DealRef::new(LeadId::new(20024930), AccountId::new(31361463))
///     .expires(datetime!(2026-03-01 00:00 UTC));
/// let text = reference.sign(&key);
/// assert!(text.starts_with("k1.20024930.31361463.1772323200."));
/// assert_eq!(DealRef::verify(&text, &[key])?, reference);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DealRef {
    lead: LeadId,
    account: AccountId,
    expires: Option<OffsetDateTime>,
}

impl DealRef {
    /// A reference to a deal of this Kommo account, without an end.
    #[must_use]
    pub const fn new(lead: LeadId, account: AccountId) -> Self {
        Self { lead, account, expires: None }
    }

    /// The first payment with it must happen before this moment, to the second. Later payments of the same
    /// subscription carry the same reference, and are not bound by it.
    #[must_use]
    pub fn expires(self, at: OffsetDateTime) -> Self {
        // 0 stands for "no end" in the text, and somebody's empty date must not become that.
        let seconds = at.unix_timestamp().max(1);
        Self { expires: OffsetDateTime::from_unix_timestamp(seconds).ok(), ..self }
    }

    /// The deal.
    #[must_use]
    pub const fn lead(&self) -> LeadId {
        self.lead
    }

    /// The Kommo account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Whether a first payment at this moment comes too late.
    #[must_use]
    pub fn is_expired_at(&self, at: OffsetDateTime) -> bool {
        self.expires.is_some_and(|expires| at >= expires)
    }

    /// The text for `custom_data.kommo_ref`.
    #[must_use]
    pub fn sign(&self, key: &DealRefKey) -> String {
        let claims = self.claims();
        let mac = key.mac(&claims).finalize().into_bytes();
        format!("{claims}.{}", hex::encode(mac))
    }

    /// Reads a reference that one of these keys signed. Give several while a key is rotated, the new one first.
    ///
    /// # Errors
    ///
    /// [`InvalidDealRef`] when it is not one, or none of the keys signed it. Do not trust anything else that came
    /// with it.
    pub fn verify(text: &str, keys: &[DealRefKey]) -> Result<Self, InvalidDealRef> {
        let (claims, signature) = text.rsplit_once('.').ok_or(InvalidDealRef)?;
        let mut mac = [0; 32];
        hex::decode_to_slice(signature, &mut mac).map_err(|_| InvalidDealRef)?;
        let mut authentic = false;
        for key in keys {
            // No early exit: which key it was is nobody's business.
            authentic |= key.mac(claims).verify_slice(&mac).is_ok();
        }
        let reference = Self::read(claims).filter(|_| authentic).ok_or(InvalidDealRef)?;
        // One text for one reference: what would be written otherwise was not made here.
        let lower_case = signature.bytes().all(|digit| !digit.is_ascii_uppercase());
        if lower_case && reference.claims() == claims { Ok(reference) } else { Err(InvalidDealRef) }
    }

    fn claims(&self) -> String {
        let expires = self.expires.map_or(0, OffsetDateTime::unix_timestamp);
        format!("{FORM}.{}.{}.{expires}", self.lead, self.account)
    }

    fn read(claims: &str) -> Option<Self> {
        let mut parts = claims.split('.');
        let (form, lead, account, expires) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if form != FORM || parts.next().is_some() {
            return None;
        }
        let number = |text: &str| {
            text.parse().ok().filter(|number| *number > 0 && i64::try_from(*number).is_ok())
        };
        let expires = match expires.parse().ok()? {
            0 => None,
            seconds => Some(OffsetDateTime::from_unix_timestamp(seconds).ok()?),
        };
        Some(Self {
            lead: LeadId::new(number(lead)?),
            account: AccountId::new(number(account)?),
            expires,
        })
    }
}

/// A key that signs [`DealRef`]s. Its text is not printed, and wiped when dropped.
#[derive(Clone)]
pub struct DealRefKey(Zeroizing<String>);

impl DealRefKey {
    /// A key: 32 characters or more, from a random source.
    ///
    /// # Errors
    ///
    /// [`InvalidDealRefKey`] when it is too short, or holds blanks or control characters: a line end that was pasted
    /// along would make two keys of one.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidDealRefKey> {
        let text = Zeroizing::new(text.into());
        let too_short = text.len() < SHORTEST_KEY;
        let pasted = text.chars().any(char::is_control) || text.trim() != text.as_str();
        if too_short || pasted { Err(InvalidDealRefKey) } else { Ok(Self(text)) }
    }

    fn mac(&self, claims: &str) -> Hmac<Sha256> {
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes keys of any length, as its specification says"
        )]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("any length is a key");
        // Whatever else this key may be used for is another text.
        mac.update(b"paddle-kommo deal reference:");
        mac.update(claims.as_bytes());
        mac
    }
}

impl fmt::Debug for DealRefKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DealRefKey([redacted])")
    }
}

/// A text is not a reference that one of the keys signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a signed reference to a deal")]
#[non_exhaustive]
pub struct InvalidDealRef;

/// A text cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key for deal references has 32 characters or more, without blanks at its ends and control characters"
)]
#[non_exhaustive]
pub struct InvalidDealRefKey;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn key(letter: char) -> DealRefKey {
        DealRefKey::new(letter.to_string().repeat(40)).unwrap()
    }

    fn reference() -> DealRef {
        DealRef::new(LeadId::new(7), AccountId::new(31))
            .expires(datetime!(2026-03-01 00:00:00.5 UTC))
    }

    /// Computed with another implementation of HMAC-SHA256, so that references that are out there stay valid.
    #[test]
    fn a_reference_never_changes() {
        assert_eq!(
            reference().sign(&key('a')),
            "k1.7.31.1772323200.437cd871fce6ca907ea73922b1043e1305374f6bbb31fe7040ef01e2bc40044b"
        );
    }

    #[test]
    fn only_its_own_keys_verify_it() {
        let text = reference().sign(&key('a'));
        assert_eq!(DealRef::verify(&text, &[key('b'), key('a')]), Ok(reference()));
        assert_eq!(DealRef::verify(&text, &[key('b')]), Err(InvalidDealRef));
        assert_eq!(DealRef::verify(&text, &[]), Err(InvalidDealRef));
    }

    #[test]
    fn a_changed_reference_is_none() {
        let text = reference().sign(&key('a'));
        let (claims, mac) = text.rsplit_once('.').unwrap();
        for changed in [
            format!("k1.8.31.1772323200.{mac}"),
            format!("k1.7.32.1772323200.{mac}"),
            format!("k1.7.31.0.{mac}"),
            format!("k2.7.31.1772323200.{mac}"),
            format!("k1.07.31.1772323200.{mac}"),
            format!("k1.7.31.1772323200.0.{mac}"),
            format!("{claims}.{}", mac.split_at(32).0),
            format!("{claims}."),
            format!("{claims}.{}", mac.to_uppercase()),
            format!("{claims}.{mac}{mac}"),
            claims.to_owned(),
            mac.to_owned(),
            String::new(),
            "....".to_owned(),
        ] {
            assert_eq!(DealRef::verify(&changed, &[key('a')]), Err(InvalidDealRef), "{changed}");
        }
    }

    #[test]
    fn an_end_is_an_end() {
        let reference = reference();
        assert!(!reference.is_expired_at(datetime!(2026-02-28 23:59:59.999 UTC)));
        assert!(reference.is_expired_at(datetime!(2026-03-01 00:00 UTC)));
        let zero =
            DealRef::new(LeadId::new(7), AccountId::new(31)).expires(OffsetDateTime::UNIX_EPOCH);
        let zero = DealRef::verify(&zero.sign(&key('a')), &[key('a')]).unwrap();
        assert!(
            zero.is_expired_at(datetime!(2026-03-01 00:00 UTC)),
            "an empty date is no \"never\""
        );
        assert!(
            !DealRef::new(LeadId::new(7), AccountId::new(31))
                .is_expired_at(datetime!(9999-12-31 00:00 UTC))
        );
    }

    #[test]
    fn keys_are_long_and_never_printed() {
        assert!(DealRefKey::new("a".repeat(31)).is_err());
        assert!(DealRefKey::new(format!("{}\n", "a".repeat(40))).is_err());
        assert!(DealRefKey::new(format!(" {}", "a".repeat(40))).is_err());
        assert_eq!(format!("{:?}", key('a')), "DealRefKey([redacted])");
    }

    proptest! {
        #[test]
        fn no_text_is_a_reference_but_those_that_were_signed(text in ".{0,200}") {
            prop_assert_eq!(DealRef::verify(&text, &[key('a')]), Err(InvalidDealRef));
        }

        #[test]
        fn what_was_signed_verifies(lead in 1..=i64::MAX, account in 1..=i64::MAX, end in 0_i64..253_402_300_799) {
            let mut reference = DealRef::new(LeadId::new(lead.unsigned_abs()), AccountId::new(account.unsigned_abs()));
            if end > 0 {
                reference = reference.expires(OffsetDateTime::from_unix_timestamp(end).unwrap());
            }
            prop_assert_eq!(DealRef::verify(&reference.sign(&key('a')), &[key('a')]), Ok(reference));
        }
    }
}
