//! Texts that others typed: nothing in them breaks a line or looks like ours.

use crate::plan::MARKER_OPENING;

/// The longest text that is taken over from Paddle, in characters.
const LONGEST: usize = 256;

/// A text of Paddle as part of a line of ours: one line, no control, zero-width or direction characters, nothing that
/// could be taken for a marker, and not endless.
pub(crate) fn clean(text: &str) -> String {
    unmarked(&one_line(text)).chars().take(LONGEST).collect()
}

/// On one line, with single spaces and nothing that cannot be seen.
pub(super) fn one_line(text: &str) -> String {
    let printable: String =
        text.chars().map(|letter| if is_harmful(letter) { ' ' } else { letter }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// With nothing that could be taken for a marker.
pub(super) fn unmarked(text: &str) -> String {
    text.replace(MARKER_OPENING, "(pk-")
}

/// What can break a line, hide letters or turn their direction.
fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaned() {
        for (name, text, want) in [
            ("plain", "Pro, yearly", "Pro, yearly"),
            ("other alphabets", "Тариф «Про» ñ 年", "Тариф «Про» ñ 年"),
            ("line breaks", "Pro\r\nPaid 1.00 USD", "Pro Paid 1.00 USD"),
            ("unicode line breaks", "a\u{2028}b\u{2029}c\u{85}d", "a b c d"),
            ("control", "a\u{0}b\u{1b}[31mc\u{7f}", "a b [31mc"),
            ("white space", " \t a \u{a0} b\u{3000}", "a b"),
            ("zero width", "a\u{200b}b\u{feff}c\u{2060}d\u{180e}e", "a b c d e"),
            ("direction", "a\u{202e}b\u{2067}c\u{200f}d\u{61c}e", "a b c d e"),
            ("nothing to see", "\u{200b}\u{feff}\n", ""),
            ("a marker", "x [pk-1a2b] y", "x (pk-1a2b] y"),
            ("two markers", "[pk-[pk-", "(pk-(pk-"),
            ("a marker behind a zero-width space", "[\u{200b}pk-1a2b]", "[ pk-1a2b]"),
        ] {
            assert_eq!(clean(text), want, "{name}");
        }
    }

    #[test]
    fn cut_on_a_character_boundary() {
        assert_eq!(clean(&"ж".repeat(300)), "ж".repeat(256));
        assert_eq!(clean(&"🦀".repeat(256)), "🦀".repeat(256));
    }
}
