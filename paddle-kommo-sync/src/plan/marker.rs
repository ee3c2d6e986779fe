use std::fmt;

use sha2::{Digest as _, Sha256};

/// How a marker begins. Nothing that a buyer typed may contain it; see [`clean`](crate::texts::clean::clean).
pub(crate) const OPENING: &str = "[pk-";

/// The short text at the end of a note or task by which its effect is recognised again: `[pk-` + 13 characters + `]`.
///
/// It depends on the account, the event and the effect's name alone, so that any process finds what another one wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker(String);

impl Marker {
    pub(crate) fn new(account: &str, event_id: &str, effect: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [account, event_id, effect] {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let bits = digest.iter().take(9).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        // 13 characters of 5 bits each: 65 of the 72 bits.
        let text = (0..13_u32).map(|place| {
            let index = (bits >> (67_u32.saturating_sub(place.saturating_mul(5)))) & 31;
            char::from(*ALPHABET.get(usize::try_from(index).unwrap_or(0)).unwrap_or(&b'a'))
        });
        Self(OPENING.chars().chain(text).chain([']']).collect())
    }
}

/// The part of a marker that is in every file name as it stands: services replace brackets in names.
pub(crate) fn core(marker: &str) -> &str {
    marker.trim_start_matches(OPENING).trim_end_matches(']')
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Base 32 of RFC 4648 in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_short_and_depends_on_every_part() {
        let marker = Marker::new("default", "evt_1", "note:payment");
        assert_eq!(marker.0.len(), 18);
        assert!(marker.0.starts_with("[pk-") && marker.0.ends_with(']'));
        assert_eq!(marker, Marker::new("default", "evt_1", "note:payment"));
        for other in [
            Marker::new("other", "evt_1", "note:payment"),
            Marker::new("default", "evt_2", "note:payment"),
            Marker::new("default", "evt_1", "note:refund"),
            Marker::new("default", "evt_1note", ":payment"),
        ] {
            assert_ne!(marker, other);
        }
    }

    /// Computed with another implementation of SHA-256 and base 32, so that markers that are already in Kommo are
    /// found by later versions too.
    #[test]
    fn a_marker_never_changes() {
        assert_eq!(
            Marker::new("default", "evt_01hv8x2axb33yr5y238zfwcn5p", "note:payment").0,
            "[pk-vhhts6a5byja6]"
        );
    }
}
