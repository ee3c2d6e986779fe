//! Variables of the environment, and secrets from files.

use crate::Failure;

/// Looks a variable up; tests pass a list.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process.
#[must_use]
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A variable that may be left out; empty is left out.
pub(super) fn optional(variables: Variables<'_>, name: &str) -> Option<String> {
    variables(name).filter(|value| !value.is_empty())
}

/// A secret: from the variable, or from the file that the variable with `_FILE` names.
pub(super) fn secret(variables: Variables<'_>, name: &str) -> Result<Option<String>, Failure> {
    if let Some(value) = optional(variables, name) {
        return Ok(Some(value));
    }
    let file = format!("{name}_FILE");
    let Some(path) = optional(variables, &file) else { return Ok(None) };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{file}: {path} cannot be read: {error}"))?;
    // Editors and `echo` end a file with a line end; it is not part of the secret.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Some(text.strip_suffix('\r').unwrap_or(text).to_owned()).filter(|value| !value.is_empty()))
}
