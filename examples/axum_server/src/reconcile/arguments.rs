//! What stands behind the name of a command, and in the query of a request.

use std::process::ExitCode;

use time::{
    Date, Duration, OffsetDateTime, format_description::well_known::Rfc3339,
    macros::format_description,
};

use crate::Failure;

/// The arguments of a command, taken out one by one.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn new(arguments: &[String]) -> Self {
        Self(arguments.to_vec())
    }

    /// Whether this word is there.
    pub(crate) fn has(&mut self, name: &str) -> bool {
        let place = self.0.iter().position(|argument| argument == name);
        place.map(|place| self.0.remove(place)).is_some()
    }

    /// The word behind this one, or behind its `=`.
    pub(crate) fn value(&mut self, name: &str) -> Option<String> {
        let assigned = |argument: &String| {
            argument.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
        };
        if let Some(place) = self.0.iter().position(assigned) {
            let argument = self.0.remove(place);
            return argument.split_once('=').map(|(_, value)| value.to_owned());
        }
        let place = self.0.iter().position(|argument| argument == name)?;
        (place + 1 < self.0.len()).then(|| {
            self.0.remove(place);
            self.0.remove(place)
        })
    }

    /// Nothing else is there.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.0.first() {
            None => Ok(()),
            Some(argument) => Err(format!("unknown argument `{argument}`").into()),
        }
    }
}

/// Says how the command is called, for a wrong call.
pub(crate) fn usage(line: &str) -> ExitCode {
    eprintln!("usage: axum_server {line}");
    eprintln!("DATE is a day (2026-01-31) or a moment (2026-01-31T12:00:00Z)");
    ExitCode::from(2)
}

/// A moment, or a day in UTC: its beginning, or as the end of a period, the end of it.
pub(crate) fn moment(text: &str, is_end: bool) -> Result<OffsetDateTime, Failure> {
    let day = format_description!("[year]-[month]-[day]");
    if let Ok(date) = Date::parse(text, day) {
        let begins = date.midnight().assume_utc();
        let length = if is_end { Duration::DAY } else { Duration::ZERO };
        return Ok(begins.checked_add(length).ok_or("the day is too late")?);
    }
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| format!("`{text}` is neither a day nor a moment").into())
}

/// A parameter of a query. What is asked here needs no escapes.
pub(crate) fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_day_is_a_whole_day() {
        let at = |text, is_end| moment(text, is_end).map_err(|error| error.to_string());
        assert_eq!(at("2026-01-31", false), Ok(datetime!(2026-01-31 00:00 UTC)));
        assert_eq!(at("2026-01-31", true), Ok(datetime!(2026-02-01 00:00 UTC)));
        assert_eq!(at("2026-01-31T12:00:00+01:00", true), Ok(datetime!(2026-01-31 11:00 UTC)));
        for text in ["", "2026-02-30", "yesterday", "31.01.2026"] {
            assert!(at(text, false).is_err(), "{text}");
        }
        assert!(at("9999-12-31", true).is_err());
    }

    #[test]
    fn arguments_come_in_any_order_and_none_is_overlooked() {
        let arguments =
            |text: &str| Arguments::new(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let mut some = arguments("--repair --to=b --from a");
        assert_eq!(some.value("--from").as_deref(), Some("a"));
        assert_eq!(some.value("--to").as_deref(), Some("b"));
        assert!(some.has("--repair") && !some.has("--repair"));
        assert!(some.end().is_ok());
        let mut cut = arguments("--from");
        assert_eq!(cut.value("--from"), None);
        assert!(cut.end().is_err(), "its value is missing");
        assert!(arguments("--repiar").end().is_err());
    }

    #[test]
    fn a_parameter_is_found_by_its_whole_name() {
        let query = Some("xfrom=1&from=2026-01-31T12:00:00Z&to=");
        assert_eq!(parameter(query, "from"), Some("2026-01-31T12:00:00Z"));
        assert_eq!(parameter(query, "to"), Some(""));
        assert_eq!(parameter(query, "x"), None);
        assert_eq!(parameter(None, "from"), None);
    }
}
