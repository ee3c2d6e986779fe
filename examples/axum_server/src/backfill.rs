//! `backfill`: what was sold before into the deals, quietly; or what that would do.

use std::{io::Write as _, process::ExitCode};

use axum::{
    extract::{Request, State},
    response::Response,
};
use time::OffsetDateTime;

use crate::{
    Failure,
    app::App,
    reconcile::{Arguments, Job, Line, Progress, answer, moment, parameter, run, usage},
    settings::Variables,
};

/// Runs the command.
///
/// # Errors
///
/// One sentence about what stops it.
pub async fn command(variables: Variables<'_>, arguments: &[String]) -> Result<ExitCode, Failure> {
    let Ok((since, dry_run)) = read(arguments) else {
        return Ok(usage("backfill --since DATE (--dry-run | --quiet)"));
    };
    let (mut filled, mut failed) = (None, None);
    let mut progress = Progress::default();
    run(variables, Job::Backfill { since, dry_run }, &mut |line| match line {
        Line::Preview(text) => {
            progress.end();
            // Whoever closed the pipe does not want to know.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
        Line::Backfilled(said) => filled = Some(said),
        Line::Failed(error) => failed = Some(error),
        line => progress.show(&line),
    })
    .await?;
    progress.end();
    if let Some(error) = failed {
        return Err(error.into());
    }
    let filled = filled.ok_or("the backfill did not come to its end: run it again")?;
    let would = if dry_run { "would be taken in" } else { "taken in" };
    let (read, taken, known) = (filled.read, filled.taken, filled.known);
    let mut out = std::io::stdout();
    writeln!(out, "{read} read: {taken} {would}, {known} known before")?;
    if filled.unreadable > 0 {
        writeln!(out, "{} cannot be read: the log names them", filled.unreadable)?;
        return Ok(ExitCode::from(3));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(arguments: &[String]) -> Result<(OffsetDateTime, bool), Failure> {
    let mut arguments = Arguments::new(arguments);
    let since = moment(&arguments.value("--since").ok_or("--since is missing")?, false)?;
    let (dry_run, quiet) = (arguments.has("--dry-run"), arguments.has("--quiet"));
    arguments.end()?;
    if dry_run == quiet {
        return Err("one of --dry-run and --quiet is needed".into());
    }
    Ok((since, dry_run))
}

/// `GET /admin/backfill?since=…`: what it would do, a line of JSON for each event.
pub(crate) async fn preview(State(app): State<App>, request: Request) -> Response {
    answer(app, since(&request).map(|since| Job::Backfill { since, dry_run: true }))
}

/// `POST /admin/backfill?since=…`: does it; the worker goes on with what was taken in.
pub(crate) async fn fill(State(app): State<App>, request: Request) -> Response {
    answer(app, since(&request).map(|since| Job::Backfill { since, dry_run: false }))
}

fn since(request: &Request) -> Result<OffsetDateTime, Failure> {
    moment(parameter(request.uri().query(), "since").ok_or("`since` is missing")?, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_either_said_or_done() {
        let read = |text: &str| {
            let arguments: Vec<_> = text.split(' ').map(str::to_owned).collect();
            read(&arguments).map(|(_, dry_run)| dry_run).map_err(|error| error.to_string())
        };
        assert_eq!(read("--since 2025-01-01 --dry-run"), Ok(true));
        assert_eq!(read("--quiet --since 2025-01-01"), Ok(false));
        for text in [
            "--quiet",
            "--since 2025-01-01",
            "--since 2025-01-01 --quiet --dry-run",
            "--since soon --quiet",
            "--since 2025-01-01 --quiet --loud",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
