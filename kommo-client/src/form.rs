//! Forms with brackets in their keys, as PHP writes and reads them.

use std::collections::BTreeMap;

/// A form as a tree: `a[b][0]=x` is the node `a` with the child `b` with the child `0` with the text `x`.
///
/// The same key may have a text and children (`type=3` beside `type[message_uuid]=…` has been seen): both are kept. Of
/// two texts of one key the last is kept, as PHP does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FormNode {
    text: Option<String>,
    children: BTreeMap<String, Self>,
    /// One more than the highest number among the names of the children: what PHP appends at.
    next: u64,
}

impl FormNode {
    /// Its text, if it has one. Kommo writes null as empty text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The child of this name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.children.get(key)
    }

    /// The text of the child of this name, unless it is empty.
    #[must_use]
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text().filter(|text| !text.is_empty())
    }

    /// All children with their names: numbered ones first, in the order of their numbers.
    #[must_use]
    pub fn children(&self) -> Vec<(&str, &Self)> {
        let mut children: Vec<_> =
            self.children.iter().map(|(key, node)| (key.as_str(), node)).collect();
        children.sort_by_key(|(key, _)| key.parse::<u64>().unwrap_or(u64::MAX));
        children
    }

    /// Whether there is neither text nor child.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_none() && self.children.is_empty()
    }

    /// A node with one child, which has a text.
    pub(crate) fn with(key: &str, text: &str) -> Self {
        let mut node = Self::default();
        node.child(key).text = Some(text.to_owned());
        node
    }

    /// Reads a form. Bytes that are not UTF-8 become the replacement character.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, FormFault> {
        if body.len() > MOST_BYTES {
            return Err(FormFault::Size);
        }
        let mut root = Self::default();
        for (count, (key, value)) in url::form_urlencoded::parse(body).enumerate() {
            if count >= MOST_PAIRS {
                return Err(FormFault::Pairs);
            }
            let segments = segments(&key);
            if segments.len() > MOST_DEPTH {
                return Err(FormFault::Depth);
            }
            let mut node = &mut root;
            for segment in segments {
                node = node.child(segment);
            }
            node.text = Some(value.into_owned());
        }
        Ok(root)
    }

    /// The child of this name; without a name, `a[]=x`, a new one.
    fn child(&mut self, name: &str) -> &mut Self {
        let name = if name.is_empty() { self.next.to_string() } else { name.to_owned() };
        if let Ok(number) = name.parse::<u64>() {
            self.next = self.next.max(number.saturating_add(1));
        }
        self.children.entry(name).or_default()
    }
}

const MOST_BYTES: usize = 4 << 20;
const MOST_PAIRS: usize = 50_000;
const MOST_DEPTH: usize = 16;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FormFault {
    Size,
    Pairs,
    Depth,
}

/// `a[b][0]` → `a`, `b`, `0`. A key whose brackets do not match is a name as a whole.
fn segments(key: &str) -> Vec<&str> {
    split(key).unwrap_or_else(|| vec![key])
}

fn split(key: &str) -> Option<Vec<&str>> {
    let Some((first, rest)) = key.split_once('[') else { return Some(vec![key]) };
    let inner = rest.strip_suffix(']')?;
    let mut segments = vec![first];
    segments.extend(inner.split("]["));
    let broken = first.is_empty() || segments.iter().any(|segment| segment.contains(['[', ']']));
    (!broken).then_some(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_split_at_matching_brackets_only() {
        for (key, want) in [
            ("a", vec!["a"]),
            ("a[b]", vec!["a", "b"]),
            ("a[b][0][c]", vec!["a", "b", "0", "c"]),
            ("a[]", vec!["a", ""]),
            ("", vec![""]),
            ("[a]", vec!["[a]"]),
            ("a[b", vec!["a[b"]),
            ("a]b", vec!["a]b"]),
            ("a[b]c", vec!["a[b]c"]),
            ("a[b]c[d]", vec!["a[b]c[d]"]),
            ("a[[b]]", vec!["a[[b]]"]),
            ("][", vec!["]["]),
        ] {
            assert_eq!(segments(key), want, "{key}");
        }
    }

    #[test]
    fn text_and_children_of_one_key_are_both_kept() {
        for body in ["a[t]=3&a[t][u]=x", "a[t][u]=x&a[t]=3"] {
            let form = FormNode::parse(body.as_bytes()).unwrap();
            let node = form.get("a").unwrap().get("t").unwrap();
            assert_eq!((node.text(), node.text_of("u")), (Some("3"), Some("x")), "{body}");
        }
    }

    #[test]
    fn encoded_and_raw_are_one() {
        let raw = FormNode::parse("a[b][0]=x y&a[c]=é".as_bytes()).unwrap();
        let encoded = FormNode::parse(b"a%5Bb%5D%5B0%5D=x+y&a%5bc%5d=%C3%A9").unwrap();
        assert_eq!(raw, encoded);
        assert_eq!(raw.get("a").unwrap().text_of("c"), Some("é"));
    }

    #[test]
    fn numbers_are_in_order_and_appended_ones_count() {
        let form = FormNode::parse(b"a[10]=c&a[2]=b&a[x]=d&b[]=1&b[]=2").unwrap();
        let keys: Vec<_> = form.get("a").unwrap().children().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["2", "10", "x"]);
        assert_eq!(form.get("b").unwrap().text_of("1"), Some("2"));
    }

    #[test]
    fn what_is_appended_overwrites_nothing() {
        for (body, keys) in [
            ("a[1]=x&a[]=y", vec!["1", "2"]),
            ("a[]=x&a[7]=y&a[]=z", vec!["0", "7", "8"]),
            ("a[x]=x&a[]=y", vec!["0", "x"]),
        ] {
            let form = FormNode::parse(body.as_bytes()).unwrap();
            let children = form.get("a").unwrap().children();
            let names: Vec<_> = children.iter().map(|(key, _)| *key).collect();
            assert_eq!(names, keys, "{body}");
        }
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let deep = format!("a{}=1", "[x]".repeat(MOST_DEPTH));
        assert_eq!(FormNode::parse(deep.as_bytes()), Err(FormFault::Depth));
        let many = "a=1&".repeat(MOST_PAIRS + 1);
        assert_eq!(FormNode::parse(many.as_bytes()), Err(FormFault::Pairs));
        assert_eq!(FormNode::parse(&vec![b'a'; MOST_BYTES + 1]), Err(FormFault::Size));
    }

    #[test]
    fn what_is_no_text_is_no_panic() {
        for body in [&b"\xff\xfe=%ff&%=%&%5"[..], b"", b"&&&", b"=", b"[]=[]"] {
            FormNode::parse(body).unwrap();
        }
    }
}
