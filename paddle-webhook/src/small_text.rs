use std::{cmp::Ordering, fmt, hash};

/// Room for every id that Paddle documents (at most 36 bytes), so that an id costs no allocation.
const INLINE: usize = 39;

/// Text that is read once, compared and printed: short ones live where they are, longer ones on the heap.
#[derive(Clone)]
pub(crate) struct SmallText(Repr);

#[derive(Clone)]
enum Repr {
    Inline { length: u8, bytes: [u8; INLINE] },
    Heap(Box<str>),
}

impl SmallText {
    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            // The bytes were copied from a `str` as a whole, so neither default is ever taken.
            Repr::Inline { length, bytes } => bytes
                .get(..usize::from(*length))
                .and_then(|text| str::from_utf8(text).ok())
                .unwrap_or_default(),
            Repr::Heap(text) => text,
        }
    }
}

impl From<&str> for SmallText {
    fn from(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        let room = bytes.get_mut(..text.len());
        match (room, u8::try_from(text.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(text.as_bytes());
                Self(Repr::Inline { length, bytes })
            }
            _ => Self(Repr::Heap(text.into())),
        }
    }
}

impl Default for SmallText {
    fn default() -> Self {
        Self::from("")
    }
}

impl fmt::Debug for SmallText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for SmallText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for SmallText {}

impl PartialOrd for SmallText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SmallText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl hash::Hash for SmallText {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::{INLINE, SmallText};

    #[test]
    fn text_is_kept_whole_on_both_sides_of_the_inline_limit() {
        for length in [0, 1, INLINE - 1, INLINE, INLINE + 1, 255, 256, 5_000] {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(SmallText::from(text.as_str()).as_str(), text, "{length} bytes");
        }
    }

    #[test]
    fn equality_and_order_are_those_of_the_text() {
        let long = "z".repeat(INLINE + 1);
        assert!(SmallText::from("b") > SmallText::from("a"));
        assert!(SmallText::from(long.as_str()) > SmallText::from("a"));
        assert_eq!(SmallText::from(long.as_str()), SmallText::from(long.as_str()));
        assert_ne!(SmallText::from("a"), SmallText::from("a\0"));
    }
}
