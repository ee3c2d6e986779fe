//! `reconcile`: what Paddle has against what became of it, and the repair of what is missing.

mod arguments;
mod ask;
mod format;
mod job;
mod lines;

use std::{
    io::{IsTerminal as _, Write},
    process::ExitCode,
};

use axum::{
    extract::{Request, State},
    response::Response,
};
use paddle_kommo_sync::{Clock as _, SystemClock, reconcile::Period};
use time::OffsetDateTime;

use self::format::{Format, Output};
pub(crate) use self::{
    arguments::{Arguments, moment, parameter, usage},
    job::{Job, answer, run},
    lines::Line,
};
use crate::{Failure, app::App, settings::Variables};

/// What a script can tell from the others: something is not explained.
const UNEXPLAINED: u8 = 3;

/// Runs the command, and says whether everything is explained.
///
/// # Errors
///
/// One sentence about what stops it.
pub async fn command(variables: Variables<'_>, arguments: &[String]) -> Result<ExitCode, Failure> {
    let Ok((period, repair, format)) = read(arguments) else {
        return Ok(usage("reconcile --from DATE [--to DATE] [--repair] [--format table|json|csv]"));
    };
    let (mut output, mut failed) = (None, None);
    let mut progress = Progress::default();
    run(variables, Job::Reconcile { period, repair }, &mut |line| match line {
        Line::Report(report) => output = Some(Output::new(*report)),
        Line::Repaired(repaired) => {
            if let Some(output) = &mut output {
                output.repaired = Some(repaired);
            }
        }
        Line::Failed(error) => failed = Some(error),
        line => progress.show(&line),
    })
    .await?;
    progress.end();
    if let Some(error) = failed {
        return Err(error.into());
    }
    let output = output.ok_or("the report did not come to its end")?;
    format.write(&output, &mut std::io::stdout().lock())?;
    if output.explained {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("axum_server: not everything is explained: `--repair` takes in what is missing");
    Ok(ExitCode::from(UNEXPLAINED))
}

fn read(arguments: &[String]) -> Result<(Period, bool, Format), Failure> {
    let mut arguments = Arguments::new(arguments);
    let from = moment(&arguments.value("--from").ok_or("--from is missing")?, false)?;
    let to = match arguments.value("--to") {
        Some(to) => moment(&to, true)?,
        None => SystemClock::default().now(),
    };
    let format = Format::named(arguments.value("--format").as_deref())?;
    let repair = arguments.has("--repair");
    arguments.end()?;
    Ok((Period::new(from, to).ok_or("--to is not later than --from")?, repair, format))
}

/// `GET /admin/reconcile?from=…&to=…`: a line of JSON for each step, and the report in the last.
pub(crate) async fn report(State(app): State<App>, request: Request) -> Response {
    answer(app, period(&request).map(|period| Job::Reconcile { period, repair: false }))
}

/// `POST /admin/reconcile?from=…&to=…`: the same, and what is missing is taken in.
pub(crate) async fn repair(State(app): State<App>, request: Request) -> Response {
    answer(app, period(&request).map(|period| Job::Reconcile { period, repair: true }))
}

fn period(request: &Request) -> Result<Period, Failure> {
    let value = |name| parameter(request.uri().query(), name);
    let from = moment(value("from").ok_or("`from` is missing")?, false)?;
    let to = match value("to") {
        Some(to) => moment(to, true)?,
        None => SystemClock::default().now(),
    };
    Ok(Period::new(from, to).ok_or("`to` is not later than `from`")?)
}

/// How far it is, for a person who waits at a terminal; for nobody else.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    pub(crate) fn show(&mut self, line: &Line) {
        let Line::Progress { step, done, of } = line else { return };
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
            // Whoever closed the terminal does not want to know.
            let _ = write!(stderr, "\r\x1b[K{step}: {done}{of}");
            let _ = stderr.flush();
            self.is_shown = true;
        }
    }

    /// Clears the line, so that what follows stands by itself.
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// A moment as queries carry it.
pub(crate) fn in_query(at: OffsetDateTime) -> Result<String, Failure> {
    let utc = at.to_offset(time::UtcOffset::UTC);
    Ok(utc.format(&time::format_description::well_known::Rfc3339)?)
}
