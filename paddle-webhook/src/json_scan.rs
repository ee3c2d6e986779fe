//! A pass over JSON text that checks its grammar and finds where values end, without building anything.
//!
//! `serde_json` can do this too (`RawValue`), but asks for memory to remember how deep it is, and a delivery should
//! cost one allocation: its own body. The grammar is that of RFC 8259 as `serde_json` has it, and tests hold the two
//! against each other.

/// Reads from the front of a text. Every method that returns `None` has met something that is not JSON.
pub(crate) struct Scanner<'j> {
    text: &'j str,
    rest: &'j [u8],
}

impl<'j> Scanner<'j> {
    pub(crate) fn new(text: &'j str) -> Self {
        Self { text, rest: text.as_bytes() }
    }

    /// How many bytes were read.
    pub(crate) fn position(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn blanks(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes this one byte, if it is next.
    pub(crate) fn take(&mut self, byte: u8) -> Option<()> {
        let (_, rest) = self.rest.split_first().filter(|(first, _)| **first == byte)?;
        self.rest = rest;
        Some(())
    }

    /// The key of a member, with its quotes, and all that stands before the value.
    pub(crate) fn key(&mut self) -> Option<&'j str> {
        self.blanks();
        let start = self.position();
        self.string()?;
        let key = self.text.get(start..self.position());
        self.colon()?;
        key
    }

    /// A value, which begins right here.
    pub(crate) fn value(&mut self) -> Option<&'j str> {
        let start = self.position();
        let mut open = Containers::default();
        loop {
            if self.opens_container(&mut open)? {
                continue;
            }
            // A value has ended, and maybe the containers around it.
            loop {
                let Some(innermost) = open.innermost() else {
                    return self.text.get(start..self.position());
                };
                self.blanks();
                let (byte, rest) = self.rest.split_first()?;
                self.rest = rest;
                match (innermost, byte) {
                    (Container::Object, b',') => {
                        self.skip_key()?;
                        break;
                    }
                    (Container::Array, b',') => {
                        self.blanks();
                        break;
                    }
                    (Container::Object, b'}') | (Container::Array, b']') => open.pop(),
                    _ => return None,
                }
            }
        }
    }

    /// Reads a scalar or an empty container as a whole, and of any other container what stands before its first value.
    fn opens_container(&mut self, open: &mut Containers) -> Option<bool> {
        let (byte, rest) = self.rest.split_first()?;
        match byte {
            b'{' => {
                self.rest = rest;
                self.blanks();
                if self.take(b'}').is_some() {
                    return Some(false);
                }
                open.push(Container::Object)?;
                self.skip_key()?;
                return Some(true);
            }
            b'[' => {
                self.rest = rest;
                self.blanks();
                if self.take(b']').is_some() {
                    return Some(false);
                }
                open.push(Container::Array)?;
                return Some(true);
            }
            b'"' => self.string()?,
            b't' => self.rest = self.rest.strip_prefix(b"true")?,
            b'f' => self.rest = self.rest.strip_prefix(b"false")?,
            b'n' => self.rest = self.rest.strip_prefix(b"null")?,
            _ => self.number()?,
        }
        Some(false)
    }

    fn skip_key(&mut self) -> Option<()> {
        self.blanks();
        self.string()?;
        self.colon()
    }

    fn colon(&mut self) -> Option<()> {
        self.blanks();
        self.take(b':')?;
        self.blanks();
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            while let Some((eight, rest)) = self.rest.split_first_chunk() {
                match plain_bytes(u64::from_le_bytes(*eight)) {
                    8 => self.rest = rest,
                    plain => {
                        self.rest = self.rest.get(plain..)?;
                        break;
                    }
                }
            }
            // The next byte is special, or the text is near its end.
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Some(());
                }
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => {
                    self.rest = rest;
                }
                [b'\\', b'u', digits @ ..] => {
                    let (digits, rest) = digits.split_first_chunk::<4>()?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    self.rest = rest;
                }
                [] | [b'\\' | 0..=0x1f, ..] => return None,
                [_, rest @ ..] => self.rest = rest,
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        } else if self.rest.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = rest;
            if let [b'+' | b'-', rest @ ..] = self.rest {
                self.rest = rest;
            }
            self.digits()?;
        }
        Some(())
    }

    /// At least one.
    fn digits(&mut self) -> Option<()> {
        let before = self.rest.len();
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
        (self.rest.len() < before).then_some(())
    }
}

/// How many of eight bytes, in the order of the text, come before one that ends a string, begins an escape or is a
/// control character.
///
/// Eight at a time, because texts are most of a body. In each of the terms the high bit of a byte says that it is
/// special; a borrow can make that wrong, but only for bytes after one of which it is right.
fn plain_bytes(eight: u64) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
    let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quotes = is_zero(eight ^ u64::from_ne_bytes([b'"'; 8]));
    let backslashes = is_zero(eight ^ u64::from_ne_bytes([b'\\'; 8]));
    let controls = eight.wrapping_sub(u64::from_ne_bytes([b' '; 8])) & !eight;
    let special = (quotes | backslashes | controls) & HIGH_BITS;
    // At most 64, of no special byte.
    usize::try_from(special.trailing_zeros() / u8::BITS).unwrap_or_default()
}

#[derive(Clone, Copy)]
enum Container {
    Array,
    Object,
}

/// The containers around a value: a stack of bits.
#[derive(Default)]
struct Containers {
    depth: u32,
    objects: u128,
}

impl Containers {
    /// `None` beyond 128, which is deeper than anything Paddle sends, and the depth at which `serde_json` gives up too.
    fn push(&mut self, container: Container) -> Option<()> {
        if self.depth == u128::BITS {
            return None;
        }
        self.depth = self.depth.checked_add(1)?;
        self.objects = self.objects << 1 | u128::from(matches!(container, Container::Object));
        Some(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    fn innermost(&self) -> Option<Container> {
        match (self.depth, self.objects & 1) {
            (0, _) => None,
            (_, 0) => Some(Container::Array),
            _ => Some(Container::Object),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_core::de::IgnoredAny;

    use super::{Scanner, plain_bytes};

    fn is_json(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.blanks();
        let value = scanner.value();
        scanner.blanks();
        value.is_some() && scanner.is_at_end()
    }

    fn is_json_to_serde(text: &str) -> bool {
        serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    #[test]
    fn values_end_where_they_end() {
        for (text, want) in [
            ("1,2", "1"),
            ("-0.5e+7]", "-0.5e+7"),
            ("\"a\\\"b\",", "\"a\\\"b\""),
            ("{\"a\":[{},[],{\"b\":\"}\"}]}}", "{\"a\":[{},[],{\"b\":\"}\"}]}"),
            ("null null", "null"),
            ("[ ] ]", "[ ]"),
        ] {
            let mut scanner = Scanner::new(text);
            assert_eq!(scanner.value(), Some(want));
            assert_eq!(scanner.position(), want.len());
        }
    }

    #[test]
    fn what_is_json_and_what_is_not_is_as_serde_json_has_it() {
        for text in [
            "",
            " ",
            "0",
            "-",
            "-0",
            "00",
            "01",
            "1.",
            ".1",
            "1.0",
            "1e",
            "1e5",
            "1E+5",
            "1e-",
            "+1",
            "NaN",
            "tru",
            "true",
            "truee",
            "nul",
            "null",
            "\"",
            "\"\\\"",
            "\"\\",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"\u{7f}\"",
            "\"\n\"",
            "\"tab\tinside\"",
            "\"é€😀\"",
            "{",
            "{}",
            "{ }",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{a:1}",
            "{\"a\":1}}",
            "[",
            "[]",
            "[ ]",
            "[,]",
            "[1,]",
            "[1 2]",
            "[1,2]",
            "[1}",
            "{\"a\":1]",
            "[[[[]]]]",
            "[{\"a\":[{\"b\":{}}]}]",
            "\u{feff}1",
            "\u{a0}1",
            "1\u{c}",
            "\r\n\t 1 \r\n\t",
            "\"\0\"",
            "\"01234567\\\"89\"",
            "\"0123456789\u{1f}\"",
        ] {
            assert_eq!(is_json(text), is_json_to_serde(text), "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_json(&nested(129)), "the innermost one is empty, and need not be remembered");
        assert!(!is_json(&nested(130)));
        assert!(!is_json(&"[{\"a\":".repeat(100_000)));
    }

    #[test]
    fn bytes_are_plain_up_to_the_first_that_is_not() {
        for special in 0..=u8::MAX {
            for place in 0..8 {
                let mut eight = [b'x'; 8];
                eight[place] = special;
                let is_plain = special >= b' ' && special != b'"' && special != b'\\';
                let want = if is_plain { 8 } else { place };
                assert_eq!(plain_bytes(u64::from_le_bytes(eight)), want, "{special:#x} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_json_to_both_or_to_neither(
            text in prop_oneof![
                "\\PC{0,20}",
                "[\\[\\]{},:\"\\\\0-9eE+.tfnu \n-]{0,24}",
                "(\\[|\\{\"a\":|1|-2.5e3|\"x\"|null|\\]|\\}|,|,\"b\":| |\"\\\\u00e9\"|true){0,16}",
            ],
        ) {
            prop_assert_eq!(is_json(&text), is_json_to_serde(&text));
        }

        #[test]
        fn random_bytes_are_plain_up_to_the_first_that_is_not(eight in any::<[u8; 8]>()) {
            let is_plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
            let want = eight.iter().take_while(|byte| is_plain(byte)).count();
            prop_assert_eq!(plain_bytes(u64::from_le_bytes(eight)), want);
        }
    }
}
