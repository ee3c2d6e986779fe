//! Reads the configuration and starts what was asked for.

use std::{process::ExitCode, time::Duration};

#[cfg(feature = "demo")]
use axum_server::demo;
use axum_server::{backfill, check, reconcile, serve, settings};

const USAGE: &str = "\
usage: axum_server [serve | demo | check | reconcile … | backfill …]

  serve   receive Paddle's webhooks and keep the deals in Kommo up to date (default)
  demo    all of it in one process on this machine: a fake Kommo, a signed payment, and what became of the deal
  check   read the configuration and say what it means; exit 0 when it is right (the database and the port are tried by `serve` only)

  reconcile --from DATE [--to DATE] [--repair] [--format table|json|csv]
          every payment and refund that Paddle has, with what became of it; exit 0 when all of it is explained, 3 when not
  backfill --since DATE (--dry-run | --quiet)
          what was sold before into the deals, without tasks; or what that would do
          DATE is a day (2026-01-31) or a moment (2026-01-31T12:00:00Z); both need PADDLE_API_KEY

Configuration comes from the environment; the README lists every variable.";

/// How long what is left may take to end after all work has.
const LAST: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("axum_server: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(std::env::args().skip(1).collect()));
    // A name that is being looked up blocks its thread for as long as the resolver likes: nobody waits for that.
    runtime.shutdown_timeout(LAST);
    code
}

async fn run(arguments: Vec<String>) -> ExitCode {
    let command = match arguments.split_first() {
        Some((name, rest)) if name == "reconcile" => {
            Some(reconcile::command(&settings::process, rest).await)
        }
        Some((name, rest)) if name == "backfill" => {
            Some(backfill::command(&settings::process, rest).await)
        }
        _ => None,
    };
    match command {
        Some(Ok(code)) => return code,
        Some(Err(error)) => {
            eprintln!("axum_server: {}", axum_server::chain(&*error));
            return ExitCode::FAILURE;
        }
        None => {}
    }
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["serve"] => serve::serve(&settings::process).await,
        #[cfg(feature = "demo")]
        ["demo"] => demo::demo(&mut std::io::stdout()).await,
        ["check"] => check::check(&settings::process, &mut std::io::stdout()),
        ["--version" | "-V"] => {
            println!("axum_server {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum_server: {}", axum_server::chain(&*error));
            ExitCode::FAILURE
        }
    }
}
