//! What is filled in.

use std::{collections::BTreeMap, fmt};

use super::{Placeholder, clean::clean};

/// What is filled into a template. A value that is not known, or empty, is simply not there.
///
/// Values are cleaned as they come in: one line, no control, zero-width or direction characters, single spaces,
/// nothing that looks like the marker of an effect, and at most 256 characters. `Debug` tells which are there, not
/// what they say.
///
/// ```
/// use paddle_kommo_sync::{Placeholder, Values};
///
/// let values = Values::new().set(Placeholder::Plan, "Pro,\nyearly").set(Placeholder::Sum, "");
/// assert_eq!(values.value(Placeholder::Plan), Some("Pro, yearly"));
/// assert_eq!(values.value(Placeholder::Sum), None);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<Placeholder, String>);

impl Values {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// With this value. It takes the place of an earlier one, also when it is empty.
    #[must_use]
    pub fn set(mut self, placeholder: Placeholder, value: impl Into<String>) -> Self {
        let value = clean(&value.into());
        if value.is_empty() {
            self.0.remove(&placeholder);
        } else {
            self.0.insert(placeholder, value);
        }
        self
    }

    /// The value, cleaned; never empty.
    #[must_use]
    pub fn value(&self, placeholder: Placeholder) -> Option<&str> {
        self.0.get(&placeholder).map(String::as_str)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts() {
        let values = Values::new().set(Placeholder::Plan, "Pro").set(Placeholder::Plan, "Team");
        assert_eq!(values.value(Placeholder::Plan), Some("Team"));
        assert_eq!(values.set(Placeholder::Plan, " \u{200b} "), Values::new());
    }

    #[test]
    fn debug_does_not_tell_what_was_typed() {
        let values = Values::new().set(Placeholder::Plan, "Pro").set(Placeholder::Card, "4242");
        assert_eq!(format!("{values:?}"), "{Plan, Card}");
    }
}
