use std::{fmt::Write, ops::Range};

/// Keeps a path readable even where a hostile body has keys of any length.
const LONGEST_KEY: usize = 64;

enum Frame {
    Object { key: Range<usize> },
    Array { index: usize },
}

/// The path of the value that is being read at `line` and `column` of `json`, starting with `root`.
///
/// serde_json says where it stopped, but not what it was reading. A scan up to that place answers that, and
/// costs nothing while all is well.
pub(crate) fn path_at(root: &str, json: &str, line: usize, column: usize) -> String {
    let lines_before = json.split_inclusive('\n').take(line.saturating_sub(1));
    let end = lines_before.map(str::len).sum::<usize>().saturating_add(column);

    let mut frames: Vec<Frame> = Vec::new();
    let mut string_start: Option<usize> = None;
    let mut escaped = false;
    let mut key_comes = false;
    for (at, byte) in json.bytes().enumerate().take(end) {
        if let Some(start) = string_start {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    string_start = None;
                    if let Some(Frame::Object { key }) = frames.last_mut()
                        && key_comes
                    {
                        *key = start..at;
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => string_start = Some(at.saturating_add(1)),
            b':' => key_comes = false,
            b',' => match frames.last_mut() {
                Some(Frame::Array { index }) => *index = index.saturating_add(1),
                _ => key_comes = true,
            },
            b'{' => {
                frames.push(Frame::Object { key: 0..0 });
                key_comes = true;
            }
            b'[' => {
                frames.push(Frame::Array { index: 0 });
                key_comes = false;
            }
            b'}' | b']' => {
                frames.pop();
                key_comes = false;
            }
            _ => {}
        }
    }

    let mut path = root.to_owned();
    for frame in frames {
        // Writing to a `String` cannot fail.
        let _ = match frame {
            Frame::Object { key } if key.is_empty() => Ok(()),
            Frame::Object { key } => {
                let key = json.get(key).unwrap_or_default();
                write!(path, ".{}", key.get(..LONGEST_KEY).unwrap_or(key))
            }
            Frame::Array { index } => write!(path, "[{index}]"),
        };
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path_at;

    #[test]
    fn the_path_names_the_value_that_ends_or_goes_on_there() {
        let json = r#"{"a":{"b":[1,{"c":"x\"}"}]},"d":2}"#;
        for (just_after, want) in [
            ("{\"a\":", "data.a"),
            ("[1", "data.a.b[0]"),
            ("[1,", "data.a.b[1]"),
            ("\"c\":\"x", "data.a.b[1].c"),
            ("x\\\"}\"", "data.a.b[1].c"),
            ("x\\\"}\"}", "data.a.b[1]"),
            ("x\\\"}\"}]}", "data.a"),
            ("\"d\":2", "data.d"),
            ("\"d\":2}", "data"),
        ] {
            let column = json.find(just_after).unwrap() + just_after.len();
            assert_eq!(path_at("data", json, 1, column), want, "after {just_after}");
        }
    }

    #[test]
    fn lines_are_counted_as_serde_json_counts_them() {
        let json = "{\n  \"a\": 1,\n  \"b\": true\n}";
        let error =
            serde_json::from_str::<std::collections::BTreeMap<String, i64>>(json).unwrap_err();
        assert_eq!(path_at("data", json, error.line(), error.column()), "data.b");
    }

    #[test]
    fn nonsense_is_no_reason_to_fail() {
        for (json, line, column) in
            [("", 0, 0), ("]]]}}", 1, 5), ("\"\\", 1, 2), ("{\"é\":1", 7, 9), ("{,:,", 1, 99)]
        {
            let _ = path_at("data", json, line, column);
        }
    }
}
