//! What a child says to the harness.

use std::io::{self, Write as _, stdout};

/// One line, in one write.
pub(crate) fn tell(line: &str) -> io::Result<()> {
    stdout().lock().write_all(format!("{line}\n").as_bytes())
}
