//! `[reconcile]`: how often Paddle's own list of events is looked through.

use std::time::Duration;

use paddle_kommo_sync::paddle::NotificationSettingId;
use toml::{Table, Value};

use crate::Failure;

pub(super) const EVERY: &str = "reconcile.every";
pub(super) const DESTINATION: &str = "reconcile.destination";

const DEFAULT: Duration = Duration::from_secs(600);
const LONGEST: Duration = Duration::from_secs(86_400);

/// What the file says about the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweeping {
    /// How often; none: never.
    pub every: Option<Duration>,
    /// The destination to watch; none: whichever is at the service's path.
    pub destination: Option<NotificationSettingId>,
}

impl Default for Sweeping {
    fn default() -> Self {
        Self { every: Some(DEFAULT), destination: None }
    }
}

/// Takes the table out of the file.
pub(super) fn take(file: &mut Table) -> Result<Sweeping, Failure> {
    let mut table = match file.remove("reconcile") {
        None => return Ok(Sweeping::default()),
        Some(Value::Table(table)) => table,
        Some(_) => return Err("configuration: `reconcile` must be a table".into()),
    };
    let every = match table.remove("every") {
        None => Some(DEFAULT),
        Some(value) => every(&value).ok_or(
            "reconcile.every must be \"0\", or 10s to 24h with a unit: \"90s\", \"10m\", \"1h\"",
        )?,
    };
    let destination = match table.remove("destination") {
        None => None,
        Some(Value::String(id)) if id.is_empty() => None,
        Some(Value::String(id)) if id.starts_with("ntfset_") => {
            Some(NotificationSettingId::from(id.as_str()))
        }
        Some(_) => {
            return Err(
                "reconcile.destination must be the id of a notification destination (ntfset_…)"
                    .into(),
            );
        }
    };
    match table.keys().next() {
        Some(key) => Err(format!("configuration: unknown key `reconcile.{key}`").into()),
        None => Ok(Sweeping { every, destination }),
    }
}

fn every(value: &Value) -> Option<Option<Duration>> {
    let text = match value {
        Value::Integer(0) => return Some(None),
        Value::String(text) => text.as_str(),
        _ => return None,
    };
    if text == "0" {
        return Some(None);
    }
    let number = |unit| text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
    let seconds = match (number('s'), number('m'), number('h')) {
        (Some(seconds), ..) => seconds,
        (_, Some(minutes), _) => minutes.checked_mul(60)?,
        (_, _, hours) => hours?.checked_mul(3_600)?,
    };
    let every = Duration::from_secs(seconds);
    (Duration::from_secs(10)..=LONGEST).contains(&every).then_some(Some(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sweeping, String> {
        take(&mut text.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_time_has_a_unit_and_zero_is_never() {
        let every =
            |text: &str| read(&format!("[reconcile]\nevery = {text}")).map(|read| read.every);
        for (text, seconds) in
            [("\"10s\"", 10), ("\"10m\"", 600), ("\"1h\"", 3_600), ("\"24h\"", 86_400)]
        {
            assert_eq!(every(text), Ok(Some(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["\"0\"", "0"] {
            assert_eq!(every(text), Ok(None), "{text}");
        }
        for text in
            ["\"10\"", "10", "\"\"", "\"m\"", "\"-1m\"", "\"9s\"", "\"25h\"", "true", "\"1d\""]
        {
            assert!(every(text).unwrap_err().starts_with("reconcile.every must be"), "{text}");
        }
        assert_eq!(read(""), Ok(Sweeping::default()));
    }

    #[test]
    fn a_destination_is_an_id_and_nothing_else_is_there() {
        let id = read("[reconcile]\ndestination = \"ntfset_01\"").unwrap().destination;
        assert_eq!(id.unwrap().as_str(), "ntfset_01");
        assert_eq!(read("[reconcile]\ndestination = \"\"").unwrap().destination, None);
        for (text, want) in [
            ("[reconcile]\ndestination = \"https://x\"", "reconcile.destination"),
            ("[reconcile]\nevry = \"10m\"", "`reconcile.evry`"),
            ("reconcile = 1", "must be a table"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
