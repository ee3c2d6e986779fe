//! One template, parsed.

use super::{
    InvalidTemplate, Placeholder, Text, Values,
    clean::{one_line, unmarked},
};
use crate::plan::MARKER_OPENING;

/// What stands between two segments.
const SEPARATOR: &str = "·";

/// The longest text of a note or task, in characters, without its marker.
const LONGEST: usize = 1_000;

/// A row of segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Vec<Part>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Letter(char),
    Placeholder(Placeholder),
    /// What is left out when none of its placeholders is known.
    Optional(Kind, Vec<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `(...)`, which is printed.
    Parentheses,
    /// `[...]`, which is not.
    Brackets,
}

impl Template {
    pub(super) fn parse(text: Text, template: &str) -> Result<Self, InvalidTemplate> {
        let template = one_line(template);
        if template.contains(MARKER_OPENING) {
            return Err(InvalidTemplate::Reserved { text });
        }
        let words: Vec<&str> = template.split(' ').filter(|word| !word.is_empty()).collect();
        let segments = words
            .split(|word| *word == SEPARATOR)
            .filter(|words| !words.is_empty())
            .map(|words| segment(text, &words.join(" ")))
            .collect::<Result<Vec<_>, _>>()?;
        if segments.iter().all(|parts| says_nothing(parts)) {
            return Err(InvalidTemplate::Empty { text });
        }
        Ok(Self(segments))
    }

    /// One line, at most [`LONGEST`] characters; empty when nothing is known that it could say.
    pub(super) fn render(&self, values: &Values) -> String {
        let segments: Vec<String> =
            self.0.iter().filter_map(|parts| render_segment(parts, values)).collect();
        // Once more on the whole: a value and its neighbour can make an opening together that neither has alone.
        let line = unmarked(&segments.join(" · "));
        line.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
    }
}

/// Reads the parts of one segment.
fn segment(text: Text, segment: &str) -> Result<Vec<Part>, InvalidTemplate> {
    let unbalanced_brace = || InvalidTemplate::UnbalancedBrace { text, near: segment.to_owned() };
    let unbalanced = || InvalidTemplate::UnbalancedBracket { text, near: segment.to_owned() };
    let mut row = Row::default();
    let mut letters = segment.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '{' | '}' if letters.next_if_eq(&letter).is_some() => row.push(Part::Letter(letter)),
            '{' => {
                let name = name(&mut letters).ok_or_else(unbalanced_brace)?;
                row.push(Part::Placeholder(placeholder(text, name)?));
            }
            '}' => return Err(unbalanced_brace()),
            '(' => row.open(Kind::Parentheses),
            '[' => row.open(Kind::Brackets),
            ')' => row.close_parentheses(),
            ']' => row.close_brackets().ok_or_else(unbalanced)?,
            letter => row.push(Part::Letter(letter)),
        }
    }
    row.end().ok_or_else(unbalanced)
}

/// What stands before the closing brace, which is read too.
fn name(letters: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut name = String::new();
    loop {
        match letters.next()? {
            '}' => return Some(name),
            '{' => return None,
            letter => name.push(letter),
        }
    }
}

fn placeholder(text: Text, name: String) -> Result<Placeholder, InvalidTemplate> {
    let Some(placeholder) = Placeholder::named(&name) else {
        return Err(InvalidTemplate::UnknownPlaceholder { text, name });
    };
    if text.placeholders().contains(&placeholder) {
        Ok(placeholder)
    } else {
        Err(InvalidTemplate::NeverFilled { text, placeholder })
    }
}

/// A segment in the making. A parenthesis without its partner is a letter like any other: "1) call them".
#[derive(Default)]
struct Row {
    parts: Vec<Part>,
    /// What is open, the innermost last.
    open: Vec<(Kind, Vec<Part>)>,
}

impl Row {
    fn push(&mut self, part: Part) {
        self.innermost().push(part);
    }

    fn innermost(&mut self) -> &mut Vec<Part> {
        match self.open.last_mut() {
            Some((_, parts)) => parts,
            None => &mut self.parts,
        }
    }

    fn open(&mut self, kind: Kind) {
        self.open.push((kind, Vec::new()));
    }

    fn close_parentheses(&mut self) {
        match self.open.pop_if(|(kind, _)| *kind == Kind::Parentheses) {
            Some((kind, parts)) => self.push(Part::Optional(kind, parts)),
            None => self.push(Part::Letter(')')),
        }
    }

    /// Nothing when no bracket is open.
    fn close_brackets(&mut self) -> Option<()> {
        self.settle_parentheses();
        let (kind, parts) = self.open.pop()?;
        self.push(Part::Optional(kind, parts));
        Some(())
    }

    /// The parts; nothing when a bracket is still open.
    fn end(mut self) -> Option<Vec<Part>> {
        self.settle_parentheses();
        self.open.is_empty().then_some(self.parts)
    }

    /// Makes letters of the parentheses that are still open within the innermost bracket.
    fn settle_parentheses(&mut self) {
        while let Some((_, parts)) = self.open.pop_if(|(kind, _)| *kind == Kind::Parentheses) {
            self.push(Part::Letter('('));
            self.innermost().extend(parts);
        }
    }
}

/// Whether there is nothing to read in it, whatever is known.
fn says_nothing(parts: &[Part]) -> bool {
    parts.iter().all(|part| match part {
        Part::Letter(letter) => *letter == ' ',
        Part::Placeholder(_) => false,
        Part::Optional(_, parts) => says_nothing(parts),
    })
}

/// Nothing when the segment is left out.
fn render_segment(parts: &[Part], values: &Values) -> Option<String> {
    let has_own = parts.iter().any(|part| matches!(part, Part::Placeholder(_)));
    let mut line = String::new();
    let found = render(parts, values, &mut line);
    // What stands outside of the optional parts without a placeholder speaks for itself.
    let left_out = has_own && found == Found::Unknown;
    let line = one_line(&line);
    (!left_out && !line.is_empty()).then_some(line)
}

/// What was found of the placeholders.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// There are none.
    None,
    /// None of them is known.
    Unknown,
    /// At least one is known.
    Known,
}

fn render(parts: &[Part], values: &Values, line: &mut String) -> Found {
    let mut found = Found::None;
    for part in parts {
        let of_part = match part {
            Part::Letter(letter) => {
                line.push(*letter);
                Found::None
            }
            Part::Placeholder(placeholder) => match values.value(*placeholder) {
                Some(value) => {
                    line.push_str(value);
                    Found::Known
                }
                None => Found::Unknown,
            },
            Part::Optional(kind, parts) => {
                let mut inner = String::new();
                let of_inner = render(parts, values, &mut inner);
                if of_inner != Found::Unknown {
                    match kind {
                        Kind::Parentheses => line.extend(["(", &inner, ")"]),
                        Kind::Brackets => line.push_str(&inner),
                    }
                }
                of_inner
            }
        };
        found = found.max(of_part);
    }
    found
}
