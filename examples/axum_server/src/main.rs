//! Reads the configuration and starts what was asked for.

use std::process::ExitCode;

#[cfg(feature = "demo")]
use axum_server::demo;
use axum_server::{check, serve, settings};

const USAGE: &str = "\
usage: axum_server [serve | demo | check]

  serve   receive Paddle's webhooks and keep the deals in Kommo up to date (default)
  demo    all of it in one process on this machine: a fake Kommo, a signed payment, and what became of the deal
  check   read the configuration and say what it means; exit 0 when `serve` could start

Configuration comes from the environment; the README lists every variable.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
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
